"""Readers of what is published. Nothing in the pipeline depends on them."""
