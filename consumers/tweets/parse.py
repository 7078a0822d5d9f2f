"""A record's bytes in, one JSON line out: tweets, deletions, and what could not be understood."""

import re
from itertools import accumulate
from typing import Any

import msgspec
from msgspec import Raw, Struct

from consumers.sentiment import Sentiment
from consumers.tweets.normalise import event_of, from_bluesky, from_x, from_x_v1
from consumers.tweets.row import Coordinates, Deleted, Tweet
from consumers.tweets.shapes import (
    Event,
    Includes,
    OldStatus,
    OldTweet,
    Payload,
    Post,
    Wrapped,
    fit,
)

__all__ = ["Deleted", "Rejected", "Tweet", "parse", "row"]

# Spark's JSON reader gives up on longer numbers and names; its planner overflows the stack on a few
# hundred levels.
MAX_DEPTH, MAX_NUMBER, MAX_NAME = 100, 1000, 50_000


class Rejected(Struct, kw_only=True):
    """The line of a record that could not be understood.

    `reason`: empty, too_large, invalid_utf8, not_json, too_deep (over 100 levels), not_a_tweet (no
    shape's id and text). `key` is text, or `base64:…` where it is not UTF-8, or None; `raw` is the
    value, base64 in the line.
    """

    kafka: Coordinates | None = None
    key: str | None
    reason: str
    raw: bytes


def parse(value: bytes | None, key: bytes | None, max_bytes: int) -> Tweet | Deleted | Rejected:
    """What a record's value is. It never raises, whatever the bytes; a value longer than
    `max_bytes` is rejected."""
    if value is None:
        return Deleted(id=_key_text(key))
    if not value or value.isspace():
        return _rejected(value, key, "empty")
    if len(value) > max_bytes:
        return _rejected(value, key, "too_large")
    try:
        value.decode()  # the decoder below does not look into strings that it skips
        found = _understood(value)
    except UnicodeDecodeError:
        return _rejected(value, key, "invalid_utf8")
    except RecursionError:
        return _rejected(value, key, "too_deep")
    except msgspec.DecodeError:
        return _rejected(value, key, "not_json")
    excess = _excess(value)
    if excess or found is None:
        return _rejected(value, key, excess or "not_a_tweet")
    # In valid JSON a line break can only stand between two tokens.
    found.tweet = Raw(value.translate(None, b"\r\n") if b"\n" in value or b"\r" in value else value)
    return found


def row(
    topic: str,
    partition: int,
    offset: int,
    timestamp: int,
    record: Tweet | Deleted | Rejected,
    sentiment: Sentiment | None = None,
) -> bytes:
    """The record as one line of JSON, without the line end; `timestamp` is in ms."""
    record.kafka = Coordinates(topic, partition, offset, timestamp)
    if isinstance(record, Tweet):
        record.sentiment = sentiment
    return _ENCODER.encode(record)


_ENCODER = msgspec.json.Encoder()
_WRAPPED = msgspec.json.Decoder(Wrapped)
_ANY = msgspec.json.Decoder(float_hook=float)  # Spark reads 1e999 as infinity


def _rejected(value: bytes, key: bytes | None, reason: str) -> Rejected:
    return Rejected(key=_key_text(key), reason=reason, raw=value)


def _key_text(key: bytes | None) -> str | None:
    if key is None:
        return None
    try:
        return key.decode()
    except UnicodeDecodeError:
        return "base64:" + str(msgspec.to_builtins(key))


def _understood(value: bytes) -> Tweet | Deleted | None:
    """None for JSON that is not a tweet. Raises msgspec.DecodeError or RecursionError for what
    cannot be read as JSON."""
    try:
        return _read(value)
    except msgspec.DecodeError:
        # Old archives cut emoji in half. Half an escape becomes U+FFFD in our columns; the tweet
        # as received keeps it.
        whole = _ESCAPES.sub(_whole_escape, value)
        if whole == value:
            raise
        return _read(whole)


def _read(value: bytes) -> Tweet | Deleted | None:
    try:
        wrapped = _WRAPPED.decode(value)
    except msgspec.ValidationError:
        return _recognised(_ANY.decode(value))
    return from_x(wrapped.data, wrapped.includes)


def _recognised(found: Any) -> Tweet | Deleted | None:
    """What decoded JSON is that is not a flawless X v2 tweet."""
    if not isinstance(found, dict):
        return None
    if "data" in found:
        post = fit(found["data"], Post)
        return from_x(post, fit(found.get("includes"), Includes)) if post else None
    if "commit" in found:
        event = fit(found, Event)
        return from_bluesky(event) if event else None
    if isinstance(found.get("payload"), dict):
        payload = fit(found["payload"], Payload)
        return from_bluesky(event_of(payload)) if payload else None
    if isinstance(found.get("delete"), dict):
        status = fit(found["delete"].get("status"), OldStatus)
        status_id = status and (status.id_str or status.id)
        return Deleted(id=str(status_id)) if status_id else None
    if "id_str" in found or "user" in found or isinstance(found.get("id"), int):
        old = fit(found, OldTweet)
        return from_x_v1(old) if old else None
    post = fit(found, Post)
    return from_x(post, None) if post else None


_HEX = rb"[0-9a-fA-F]{2}"
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB]%b\\u[dD][c-fC-F]%b|u[dD][89a-fA-F]%b|.)" % (_HEX, _HEX, _HEX), re.DOTALL
)


def _whole_escape(escape: re.Match[bytes]) -> bytes:
    half = len(escape[0]) == len(rb"\ud83d")
    return rb"\ufffd" if half else escape[0]


_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NUMBER = re.compile(rb"[0-9.eE+-]+")
_COLON = re.compile(rb"\s*:")
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEP)


def _excess(value: bytes) -> str | None:
    """Why Spark could not read this valid JSON, or None.

    The answer is exact. The first tests are nearly free, and nearly all tweets need no others.
    """
    nested = value.count(b"{") + value.count(b"[") > MAX_DEPTH
    numeric = False
    if len(value) > MAX_NUMBER:
        # So long a number, wherever it begins, fills the 32 bytes before some multiple of half its
        # length.
        for end in range(MAX_NUMBER // 2, len(value) + 1, MAX_NUMBER // 2):
            numeric = numeric or not value[end - 32 : end].strip(b"0123456789.eE+-")
    if nested or numeric:
        bare = _STRINGS.sub(b"", value)
        steps = map(_STEP.__getitem__, bare.translate(None, _NO_BRACKETS))
        if nested and max(accumulate(steps), default=0) > MAX_DEPTH:
            return "too_deep"
        if numeric and any(len(number[0]) > MAX_NUMBER for number in _NUMBER.finditer(bare)):
            return "not_json"
    if len(value) > MAX_NAME and any(
        len(string[0]) > MAX_NAME and _COLON.match(value, string.end())
        for string in _STRINGS.finditer(value)
    ):
        return "too_large"
    return None
