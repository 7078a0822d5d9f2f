"""Tweets: from a record's bytes to one line of JSON. `row` declares the line, `parse` is the
general way to it, `fast` the compiled one."""

from consumers.tweets.row import SCHEMA

__all__ = ["SCHEMA"]
