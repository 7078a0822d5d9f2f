"""The shapes that tweets come in; each declares only what we read of it.

X v2 (wrapped in `data` and `includes`, or bare; old and new field names), X v1.1 with its delete
notices, Bluesky's Jetstream. Absent is the same as null is the same as of the wrong type: see
`fit`.
"""

import typing
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from consumers.tweets.plain import Count, Shape, has_columns

Id = Annotated[str, Meta(min_length=1)]


def fit(value: Any, kind: type[Shape]) -> Shape | None:
    """Decoded JSON as a `kind`; parts of the wrong type are left out. None when a required part is
    among them."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        if not isinstance(value, dict):
            return None
    parts = {}
    for field in msgspec.structs.fields(kind):
        part = _fit_part(value.get(field.encode_name), field.type)
        if part is not None:
            parts[field.name] = part
    try:
        return kind(**parts)
    except TypeError:
        return None


def _fit_part(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        if typing.get_origin(kind) is list:  # its argument is what an item must be
            return None
        shapes = [
            one
            for one in typing.get_args(kind)
            if isinstance(one, type) and issubclass(one, Struct)
        ]
        return fit(value, shapes[0]) if shapes and isinstance(value, dict) else None


class Metrics(Struct):
    retweet_count: Count = 0
    repost_count: Count = 0


class Tag(Struct):
    tag: str


class Tags(Struct):
    hashtags: list[Tag] = []


class Point(Struct):
    coordinates: list[float] = []


class Geo(Struct):
    place_id: str | None = None
    coordinates: Point | None = None


class Reference(Struct):
    type: str
    id: str


class Note(Struct):
    text: str | None = None


@has_columns("x")
class Post(Struct, kw_only=True):
    """X v2's tweet; in 2026 X began to call it a post, field by field."""

    id: Id
    text: str
    author_id: str | None = None
    public_metrics: Metrics | None = None
    entities: Tags | None = None
    geo: Geo | None = None
    referenced_tweets: list[Reference] = []
    referenced_posts: list[Reference] = []
    note_tweet: Note | None = None
    note_post: Note | None = None


class User(Struct):
    id: str
    username: str | None = None


class Box(Struct):
    bbox: list[float] = []


class Place(Struct):
    id: str
    full_name: str | None = None
    country: str | None = None
    country_code: str | None = None
    geo: Box | None = None


class Original(Struct):
    """A post that another one refers to: of a repost the whole, of which the repost itself has 140
    characters."""

    id: str
    text: str
    entities: Tags | None = None
    note_tweet: Note | None = None
    note_post: Note | None = None


class Includes(Struct):
    users: list[User] = []
    places: list[Place] = []
    tweets: list[Original] = []


class Wrapped(Struct):
    """What X v2 answers: the tweet, and beside it the users, places and tweets it speaks of."""

    data: Post
    includes: Includes | None = None


class OldUser(Struct):
    id_str: str | None = None
    id: int | None = None


class OldTag(Struct):
    text: str


class OldTags(Struct):
    hashtags: list[OldTag] = []


class Extended(Struct):
    full_text: str | None = None
    entities: OldTags | None = None


class OldBox(Struct):
    coordinates: list[list[list[float]]] = []


class OldPlace(Struct):
    country: str | None = None
    country_code: str | None = None
    bounding_box: OldBox | None = None


@has_columns("v1")
class OldTweet(Struct):
    """X v1.1's tweet, of the streams and of the archives."""

    id_str: str | None = None
    id: int | None = None
    text: str | None = None
    full_text: str | None = None
    extended_tweet: Extended | None = None
    created_at: str | None = None
    user: OldUser | None = None
    entities: OldTags | None = None
    coordinates: Point | None = None
    geo: Point | None = None
    place: OldPlace | None = None
    retweeted_status: Any = None
    in_reply_to_status_id_str: str | None = None
    in_reply_to_status_id: int | None = None


class OldStatus(Struct):
    id_str: str | None = None
    id: int | None = None


class Feature(Struct):
    type: str = msgspec.field(default="", name="$type")
    tag: str | None = None


class Slice(Struct):
    byteStart: int
    byteEnd: int


class Facet(Struct):
    index: Slice
    features: list[Feature] = []


class Parent(Struct):
    uri: str


class Reply(Struct):
    parent: Parent


class BlueskyPost(Struct):
    text: str | None = None
    createdAt: datetime | None = None
    langs: list[str] = []
    facets: list[Facet] = []
    reply: Reply | None = None


class Commit(Struct):
    operation: str | None = None
    collection: str | None = None
    rkey: str | None = None
    record: BlueskyPost | None = None


class Event(Struct):
    """Bluesky's Jetstream v1, kind commit."""

    did: str | None = None
    time_us: Annotated[int, Meta(ge=0, lt=2**53)] = 0
    commit: Commit | None = None


class Payload(Commit):
    """What Jetstream v2 wraps: the same commit, flat, with its times in words."""

    did: str | None = None
    time: datetime | None = None
    witnessedAt: datetime | None = None
