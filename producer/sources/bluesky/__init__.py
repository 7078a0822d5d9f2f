"""Bluesky: posts from Jetstream, in its two versions."""
