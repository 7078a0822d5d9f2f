"""Tweets: from a record's bytes to one JSON line. `parse` is the plain way, `fast` the compiled
one."""

from consumers.tweets.parse import SCHEMA

__all__ = ["SCHEMA"]
