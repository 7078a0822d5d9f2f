"""What the views read of a published line: of a tweet's, a deletion's or a rejected record's.

`gc=False`: a line cannot be part of a circle, and the collector need not look at millions of them.
"""

from typing import Literal

import msgspec


class Kafka(msgspec.Struct, gc=False):
    """Where the record is; the time is Kafka's, in ms."""

    timestamp: int


class Sentiment(msgspec.Struct, gc=False):
    """The score, from -1 to 1, and its name."""

    compound: float
    label: Literal["positive", "neutral", "negative"]


class Line(msgspec.Struct, gc=False):
    """A line of tweets/: without a sentiment it is a deletion. The text stays as JSON: few are
    shown."""

    kafka: Kafka
    id: str | None = None
    created_at: str | None = None
    lang: str | None = None
    author_id: str | None = None
    author: str | None = None
    hashtags: list[str] = []
    lat: float | None = None
    lon: float | None = None
    geo_kind: str | None = None
    country: str | None = None
    place: str | None = None
    text: msgspec.Raw = msgspec.Raw(b'""')
    sentiment: Sentiment | None = None

    @property
    def located(self) -> bool:
        """Whether it has a place; where a device does not know its place it may say 0, 0."""
        return self.lat is not None and self.lon is not None and bool(self.lat or self.lon)


class Rejected(msgspec.Struct, gc=False):
    """A line of rejected/."""

    kafka: Kafka
    reason: str
    key: str | None = None


tweets = msgspec.json.Decoder(Line).decode_lines
rejected = msgspec.json.Decoder(Rejected).decode_lines


class Place(msgspec.Struct, gc=False):
    """A record's coordinates."""

    topic: str
    partition: int
    offset: int


Places = set[tuple[str, int, int]]
"""Records by topic, partition and offset."""


class _Placed(msgspec.Struct, gc=False):
    kafka: Place


placed = msgspec.json.Decoder(_Placed).decode
"""The coordinates of a line of any kind."""
