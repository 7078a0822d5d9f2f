"""Streams that experiments start by spark-submit; nothing imports them."""
