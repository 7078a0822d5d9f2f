"""From each shape that tweets come in to the row. What is not plain has its rule here; for X v2
fast/pick.py has the same rules over spans of bytes."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import get_args

from consumers.tweets.geometry import NOWHERE, position
from consumers.tweets.plain import UTC, iso, maker, utc
from consumers.tweets.row import Deleted, GeoKind, Tweet
from consumers.tweets.shapes import (
    Event,
    Facet,
    Includes,
    Metrics,
    OldPlace,
    OldTweet,
    Original,
    Payload,
    Point,
    Post,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_TWEET = datetime(2006, 3, 21, tzinfo=UTC)
NO_METRICS, NO_INCLUDES = Metrics(), Includes()
GEO_KINDS = get_args(GeoKind)
_row_of_x, _row_of_v1 = maker("x"), maker("v1")


def from_x(post: Post, includes: Includes | None) -> Tweet:
    """X v2's tweet, with its author, its place and a repost's whole text from `includes`."""
    row = _row_of_x(post, text=post.text)
    whole: Post | Original = post
    metrics, includes = post.public_metrics or NO_METRICS, includes or NO_INCLUDES
    row.reposts = metrics.retweet_count or metrics.repost_count
    for user in includes.users:
        if user.id == post.author_id:
            row.author = user.username
    for reference in post.referenced_tweets or post.referenced_posts:
        if reference.type == "replied_to":
            row.reply_to = reference.id
        elif reference.type in ("retweeted", "reposted"):
            row.is_repost = True
            whole = next((tweet for tweet in includes.tweets if tweet.id == reference.id), post)
    note = whole.note_tweet or whole.note_post
    row.text = note.text if note and note.text else whole.text
    if whole.entities:
        row.hashtags = [tag.tag for tag in whole.entities.hashtags]
    if post.geo:
        place_id, point = post.geo.place_id, post.geo.coordinates
        place = next((place for place in includes.places if place.id == place_id), None)
        _locate(row, point, place.geo.bbox if place and place.geo else [])
        if place:
            row.country, row.place = place.country_code or place.country or None, place.full_name
    return row


def from_x_v1(tweet: OldTweet) -> Tweet | None:
    """X v1.1's tweet; None without id or text."""
    extended = tweet.extended_tweet
    texts = (extended.full_text if extended else None, tweet.full_text, tweet.text)
    text = next((text for text in texts if text is not None), None)
    tweet_id = _id(tweet.id_str, tweet.id)
    if tweet_id is None or text is None:
        return None
    row = _row_of_v1(tweet, id=tweet_id, text=text)
    row.created_at = iso(_old_time(tweet.created_at))
    if tweet.user:
        row.author_id = _id(tweet.user.id_str, tweet.user.id)
    tags = (extended.entities if extended else None) or tweet.entities
    if tags:
        row.hashtags = [tag.text for tag in tags.hashtags]
    point = tweet.coordinates
    if tweet.geo and not point:
        point = Point(tweet.geo.coordinates[::-1])
    _locate(row, point, _box(tweet.place))
    if tweet.place:
        row.country = tweet.place.country_code or tweet.place.country or None
    row.is_repost = isinstance(tweet.retweeted_status, dict)
    row.reply_to = _id(tweet.in_reply_to_status_id_str, tweet.in_reply_to_status_id)
    return row


def event_of(payload: Payload) -> Event:
    """A commit of Jetstream v2 in v1's form."""
    seen = utc(payload.witnessedAt or payload.time)
    return Event(payload.did, (seen - EPOCH) // timedelta(microseconds=1) if seen else 0, payload)


def from_bluesky(event: Event) -> Tweet | Deleted | None:
    """A post that was created, updated or deleted on Bluesky; None for any other event."""
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
    created = utc(post.createdAt)
    if received and not (created and FIRST_TWEET <= created <= received):
        created = received
    parent = post.reply.parent.uri if post.reply else None
    return Tweet(
        id=post_id,
        source="bluesky",
        created_at=iso(created),
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

    Honest places do not overlap, so together they are no longer than the text. Places beyond that
    length are left out: thousands of facets that each give the whole text would turn one post into
    gigabytes.
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


def _id(text: str | None, number: int | None) -> str | None:
    return text or (str(number) if number is not None else None)


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


def _locate(row: Tweet, point: Point | None, box: list[float]) -> None:
    """Fill the columns of the position: a point, otherwise the centre of a box."""
    kind, lat, lon = position(point.coordinates if point else [], box)
    if kind != NOWHERE:
        row.lat, row.lon, row.geo_kind = lat, lon, GEO_KINDS[kind]
