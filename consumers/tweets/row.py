"""The row: each column of a tweet's line, declared once.

From this declaration follow Spark's SCHEMA, the plain part of each shape's reader (plain.py), the
compiled writer's parts and column numbers (fast/columns.py), and the table in docs/wire-format.md
(reference.py). A new plain column is one line in `Tweet`: name, type, meaning, paths, default.
"""

import re
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from msgspec import Raw, Struct

from consumers.sentiment import Sentiment

# the quoted word is Spark's type, where `str` or `int` alone would give another
Time = Annotated[str, "timestamp"]  # UTC with ms
Int32 = Annotated[int, "int"]
GeoKind = Literal["point", "place"]
NULL = Raw(b"null")


class Column(NamedTuple):
    """What a column means, and where it comes from in X v2's `data`, in X v1.1's tweet, in
    Bluesky's event: a path, as `public_metrics.like_count`, or a rule in words, or "" for nowhere.

    What stands at a path is the column's value; where nothing does, the column has its default.
    Texts, counts and times may have a path, in the shapes of X. A rule has code in normalise.py,
    and for X v2 in fast/pick.py too.
    """

    means: str
    x: str = ""
    v1: str = ""
    bluesky: str = ""


def is_path(source: str) -> bool:
    """Whether the source is a path and no rule in words."""
    return re.fullmatch(r"\w+(\.\w+)*", source) is not None


_KAFKA = Column("where Kafka keeps the record; `timestamp` is in ms since 1970")
_SOURCE = Column("the network", "`x`", "`x`", "`bluesky`")
_ID = Column("the source's id", "id", "`id_str`, or `id`", "`<did>/<rkey>`")
_CREATED = Column(
    "when it was written: `2026-01-01T00:00:00.000Z`",
    "created_at",
    "`created_at`, in its own form",
    "`createdAt`; the server's `time_us` where that is not believable",
)
_LANG = Column("as the source says", "lang", "lang", "the first of `langs`, or `und`")
_AUTHOR_ID = Column("the author's id", "author_id", "`user.id_str`, or `user.id`", "`did`")
_AUTHOR = Column(
    "the author's name",
    "the `username` of the user in `includes` that `author_id` names",
    "user.screen_name",
)
_REPOSTS = Column(
    "reposts",
    "`public_metrics.retweet_count`, or `repost_count` where that is 0",
    "retweet_count",
)
_HASHTAGS = Column(
    "without their `#`",
    "`entities.hashtags`; of a repost the original's",
    "`extended_tweet.entities.hashtags`, or `entities.hashtags`",
    "the facets' tags, or their slices of the text; a slice outside the text is left out, and so "
    "are slices that together are longer than the text",
)
_POINT, _POINT_V1 = (
    "`geo.coordinates`, or its place's `geo.bbox`",
    "`coordinates`, `geo` or `place`",
)
_GEO_KIND = "`point`: the tweet's own; `place`: the centre of its place's box"
_COUNTRY = Column(
    "two-letter code, or the name where the source has no code",
    "that place's `country_code`, or its `country`",
    "`place.country_code`, or `place.country`",
)
_PLACE = "the `full_name` of the place in `includes` that `geo.place_id` names"
_IS_REPOST = Column(
    "whether it repeats another tweet",
    "one of `referenced_tweets` is `retweeted` or `reposted`",
    "it has a `retweeted_status`",
)
_REPLY_TO = Column(
    "id of the tweet that it answers",
    "the last of `referenced_tweets` of type `replied_to`",
    "`in_reply_to_status_id_str`, or the number",
    "`reply.parent`, as `<did>/<rkey>`",
)
_TEXT = Column(
    "the whole text",
    "`note_tweet.text`, or `text`; of a repost the original's, where `includes.tweets` has it, "
    "otherwise what X left of it (140 characters with `RT @name: `)",
    "`extended_tweet.full_text`, `full_text` or `text`",
    "`text`",
)
_SENTIMENT = Column(
    "VADER of `text`: `compound` is from -1 to 1; `label` is `positive` from 0.05 up, `negative` "
    "from -0.05 down, otherwise `neutral`"
)
_TWEET = Column("the record's value, byte for byte except for line breaks between tokens")


class Coordinates(Struct):
    """Where Kafka keeps a record; `timestamp` is in milliseconds since 1970."""

    topic: str
    partition: Int32
    offset: int
    timestamp: int


class Tweet(Struct, kw_only=True):
    """A tweet's line."""

    kafka: Annotated[Coordinates | None, _KAFKA] = None
    id: Annotated[str, _ID]
    source: Annotated[Literal["x", "bluesky"], _SOURCE] = "x"
    created_at: Annotated[Time | None, _CREATED] = None
    lang: Annotated[str | None, _LANG] = None
    author_id: Annotated[str | None, _AUTHOR_ID] = None
    author: Annotated[str | None, _AUTHOR] = None
    likes: Annotated[int, Column("likes", "public_metrics.like_count", "favorite_count")] = 0
    reposts: Annotated[int, _REPOSTS] = 0
    replies: Annotated[int, Column("replies", "public_metrics.reply_count", "reply_count")] = 0
    hashtags: Annotated[list[str], _HASHTAGS] = []
    lat: Annotated[float | None, Column("latitude", _POINT, _POINT_V1)] = None
    lon: Annotated[float | None, Column("longitude", _POINT, _POINT_V1)] = None
    geo_kind: Annotated[GeoKind | None, Column(_GEO_KIND, _POINT, _POINT_V1)] = None
    country: Annotated[str | None, _COUNTRY] = None
    place: Annotated[str | None, Column("the place's name", _PLACE, "place.full_name")] = None
    is_repost: Annotated[bool, _IS_REPOST] = False
    reply_to: Annotated[str | None, _REPLY_TO] = None
    text: Annotated[str, _TEXT]
    sentiment: Annotated[Sentiment | None, _SENTIMENT] = None
    tweet: Annotated[Raw, _TWEET] = NULL


class Deleted(Struct, kw_only=True):
    """The line of a tombstone, or of a source's own notice that a tweet is gone; `tweet` is null,
    or the notice as received."""

    kafka: Coordinates | None = None
    id: str | None
    deleted: bool = True
    tweet: Raw = NULL


def hints(kind: type[Struct]) -> dict[str, Any]:
    """The fields' types by name, with what is said beside them."""
    return get_type_hints(kind, include_extras=True)


def without_none(kind: Any) -> Any:
    """The type of what stands there where something does."""
    if get_origin(kind) not in (Union, UnionType):
        return kind
    (kind,) = (one for one in get_args(kind) if one is not NoneType)
    return kind


# By name, in the order of the line: the type without None, and the Column.
COLUMNS: dict[str, tuple[Any, Column]] = {
    name: (without_none(get_args(hint)[0]), get_args(hint)[1])
    for name, hint in hints(Tweet).items()
}


def paths(shape: Literal["x", "v1"]) -> dict[str, tuple[str, Any]]:
    """The columns that have a path in this shape: name to path and type."""
    found = {name: (getattr(one, shape), kind) for name, (kind, one) in COLUMNS.items()}
    return {name: one for name, one in found.items() if is_path(one[0])}


_SPARK = {str: "string", int: "bigint", float: "double", bool: "boolean", Raw: "string"}


def _spark(kind: Any) -> str:
    """The type in Spark's words."""
    kind = without_none(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return arguments[1] if isinstance(arguments[1], str) else _spark(arguments[0])
    if origin is list:
        return f"array<{_spark(arguments[0])}>"
    if origin is Literal:
        return "string"
    if issubclass(kind, Struct):
        members = (f"{name}: {_spark(hint)}" for name, hint in hints(kind).items())
        return f"struct<{', '.join(members)}>"
    return _SPARK[kind]


# The columns of both kinds of line in Spark's words, `tweet` last. Readers who let Spark infer them
# depend on every stranger's field names: one tweet with the same name twice, or in two cases, makes
# the inference fail.
_BOTH = hints(Deleted) | hints(Tweet)
_BOTH["tweet"] = _BOTH.pop("tweet")
SCHEMA = ", ".join(f"{name} {_spark(hint)}" for name, hint in _BOTH.items())
