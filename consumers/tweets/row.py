"""The one shape tweets are written in, and how each of the shapes they come in becomes it.

The structs are the rows, field by field: `row` in `tweets.py` only fills in the Kafka coordinates
and the sentiment.
"""

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from msgspec import Raw, Struct

from consumers.tweets.shapes import (
    Event,
    Facet,
    Includes,
    Metrics,
    OldPlace,
    OldTweet,
    OldUser,
    Original,
    Payload,
    Place,
    Post,
)

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
FIRST_TWEET = datetime(2006, 3, 21, tzinfo=timezone.utc)
NULL = Raw(b"null")
NO_METRICS = Metrics()
NO_USER = OldUser()


class Coordinates(Struct):
    """Where Kafka keeps a record; the timestamp is in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int


class Tweet(Struct, kw_only=True):
    """A tweet's line. `created_at` is UTC with milliseconds, `tweet` the record as received but for
    its line breaks."""

    kafka: Coordinates | None = None
    id: str
    source: str = "x"
    created_at: str | None = None
    lang: str | None = None
    author_id: str | None = None
    author: str | None = None
    likes: int = 0
    reposts: int = 0
    replies: int = 0
    hashtags: list[str] = []
    lat: float | None = None
    lon: float | None = None
    geo_kind: str | None = None  # "point": the tweet's own; "place": the centre of its place's box
    country: str | None = None  # the two-letter code, or the name where the source has no code
    place: str | None = None
    is_repost: bool = False
    reply_to: str | None = None
    text: str
    sentiment: Any = None
    tweet: Raw = NULL


class Deleted(Struct, kw_only=True):
    """The line of a tombstone, or of a source's own notice that a tweet is gone; `tweet` is null,
    or the notice as received."""

    kafka: Coordinates | None = None
    id: str | None
    deleted: bool = True
    tweet: Raw = NULL


def from_x(post: Post, includes: Includes | None) -> Tweet:
    """X v2's tweet with the author and place its `includes` hold; of a repost the whole text, where
    it is among them."""
    metrics = post.public_metrics or NO_METRICS
    references = post.referenced_tweets or post.referenced_posts
    whole: Post | Original = post
    place = _place(post, includes) if post.geo and includes else None
    point = post.geo.coordinates if post.geo else None
    lat, lon, geo_kind = _position(
        point.coordinates if point else [], place.geo.bbox if place and place.geo else []
    )
    author, is_repost, reply_to = None, False, None
    for user in includes.users if includes else []:
        if user.id == post.author_id:
            author = user.username
    for reference in references:
        if reference.type == "replied_to":
            reply_to = reference.id
        elif reference.type in ("retweeted", "reposted"):
            is_repost = True
            whole = (
                next((tweet for tweet in includes.tweets if tweet.id == reference.id), post)
                if includes
                else post
            )
    note = whole.note_tweet or whole.note_post
    return Tweet(
        id=post.id,
        created_at=_iso(post.created_at),
        lang=post.lang,
        author_id=post.author_id,
        author=author,
        likes=metrics.like_count,
        reposts=metrics.retweet_count or metrics.repost_count,
        replies=metrics.reply_count,
        hashtags=[tag.tag for tag in whole.entities.hashtags] if whole.entities else [],
        lat=lat,
        lon=lon,
        geo_kind=geo_kind,
        country=_country(place),
        place=place.full_name if place else None,
        is_repost=is_repost,
        reply_to=reply_to,
        text=note.text if note and note.text else whole.text,
    )


def from_x_v1(tweet: OldTweet) -> Tweet | None:
    """X v1.1's tweet; None without id or text."""
    extended = tweet.extended_tweet
    texts = (extended.full_text if extended else None, tweet.full_text, tweet.text)
    text = next((text for text in texts if text is not None), None)
    tweet_id = _id(tweet.id_str, tweet.id)
    if tweet_id is None or text is None:
        return None
    user, place = tweet.user or NO_USER, tweet.place
    tags = (extended.entities if extended else None) or tweet.entities
    point = (
        tweet.coordinates.coordinates
        if tweet.coordinates
        else tweet.geo.coordinates[::-1]
        if tweet.geo
        else []
    )
    lat, lon, geo_kind = _position(point, _box(place))
    return Tweet(
        id=tweet_id,
        created_at=_iso(_old_time(tweet.created_at)),
        lang=tweet.lang,
        author_id=_id(user.id_str, user.id),
        author=user.screen_name,
        likes=tweet.favorite_count,
        reposts=tweet.retweet_count,
        replies=tweet.reply_count,
        hashtags=[tag.text for tag in tags.hashtags] if tags else [],
        lat=lat,
        lon=lon,
        geo_kind=geo_kind,
        country=_country(place),
        place=place.full_name if place else None,
        is_repost=isinstance(tweet.retweeted_status, dict),
        reply_to=_id(tweet.in_reply_to_status_id_str, tweet.in_reply_to_status_id),
        text=text,
    )


def event_of(payload: Payload) -> Event:
    """A commit of Jetstream v2 in v1's form."""
    seen = _utc(payload.witnessedAt or payload.time)
    return Event(payload.did, (seen - EPOCH) // timedelta(microseconds=1) if seen else 0, payload)


def from_bluesky(event: Event) -> Tweet | Deleted | None:
    """A post created, updated or deleted on Bluesky, its id being `<did>/<rkey>`; None for any
    other event."""
    commit = event.commit
    if not (event.did and commit and commit.collection == "app.bsky.feed.post" and commit.rkey):
        return None
    post, post_id = commit.record, f"{event.did}/{commit.rkey}"
    if commit.operation == "delete":
        return Deleted(id=post_id)
    if post is None or post.text is None:
        return None
    # createdAt is whatever the client wrote; time_us is the server's clock.
    received = EPOCH + timedelta(microseconds=event.time_us) if event.time_us else None
    created = _utc(post.createdAt)
    if received and not (created and FIRST_TWEET <= created <= received):
        created = received
    parent = post.reply.parent.uri if post.reply else None
    return Tweet(
        id=post_id,
        source="bluesky",
        created_at=_iso(created),
        lang=post.langs[0] if post.langs else "und",
        author_id=event.did,
        hashtags=_hashtags(post.text.encode(), post.facets),
        reply_to=parent.removeprefix("at://").replace("/app.bsky.feed.post/", "/")
        if parent
        else None,
        text=post.text,
    )


def _hashtags(text: bytes, facets: list[Facet]) -> list[str]:
    """The tags that the facets of a Bluesky post name, or whose place in the text they give.

    Honest places do not overlap. So all of them together are no longer than the text: what goes
    beyond that is left out, for thousands of facets that each give the whole text would make
    gigabytes of one post.
    """
    tags, room = [], len(text)
    for facet in facets:
        start, end = facet.index.byteStart, facet.index.byteEnd
        for feature in facet.features:
            if feature.type != "app.bsky.richtext.facet#tag":
                continue
            if feature.tag:
                tags.append(feature.tag)
            elif 0 <= start < end <= len(text) and end - start <= room:
                room -= end - start
                tags.append(text[start:end].decode(errors="replace").lstrip("#＃"))
    return tags


def _place(post: Post, includes: Includes) -> Place | None:
    return next(
        (place for place in includes.places if post.geo and place.id == post.geo.place_id), None
    )


def _id(text: str | None, number: int | None) -> str | None:
    return text or (str(number) if number is not None else None)


def _country(place: Place | OldPlace | None) -> str | None:
    return (place.country_code or place.country or None) if place else None


def _utc(moment: datetime | None) -> datetime | None:
    """The same moment in UTC, which is also what a time without a zone is taken for; None beyond
    the calendar's ends."""
    if moment is None or moment.tzinfo is timezone.utc:
        return moment
    try:
        return (
            moment.astimezone(timezone.utc)
            if moment.tzinfo
            else moment.replace(tzinfo=timezone.utc)
        )
    except OverflowError:
        return None


def _iso(moment: datetime | None) -> str | None:
    utc = _utc(moment)
    return utc.isoformat(timespec="milliseconds")[:-6] + "Z" if utc else None


def _old_time(text: str | None) -> datetime | None:
    """`Sat Apr 25 16:19:03 +0000 2015`, whatever the locale."""
    try:
        _, month, day, time, zone, year = (text or "").split(" ")
        return parsedate_to_datetime(f"{day} {month} {year} {time} {zone}")
    except (ValueError, TypeError, OverflowError):
        return None


def _box(place: OldPlace | None) -> list[float]:
    """[west, south, east, north] around the place's polygon."""
    rings = place.bounding_box.coordinates if place and place.bounding_box else []
    corners = [corner for ring in rings for corner in ring if len(corner) == 2]
    if not corners:
        return []
    lons, lats = [corner[0] for corner in corners], [corner[1] for corner in corners]
    return [min(lons), min(lats), max(lons), max(lats)]


def _position(
    point: list[float], box: list[float]
) -> tuple[float | None, float | None, str | None]:
    """(lat, lon, geo_kind) of a point [lon, lat], else of the centre of a box [west, south, east,
    north]."""
    if len(point) == 2 and _on_earth(point[0], point[1]):
        return point[1], point[0], "point"
    if len(box) == 4:
        west, south, east, north = box
        # a box over the date line has its west in the east
        lon = (west + east + (360 if west > east else 0)) / 2
        lon, lat = lon - 360 if lon > 180 else lon, (south + north) / 2
        if _on_earth(lon, lat):
            return lat, lon, "place"
    return None, None, None


def _on_earth(lon: float, lat: float) -> bool:
    return -180 <= lon <= 180 and -90 <= lat <= 90
