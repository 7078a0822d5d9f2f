"""Servers that stand in for X and Bluesky, as strict as the real ones."""
