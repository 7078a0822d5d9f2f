"""X v2's pages, as twarc2 writes them: `data` is a list of tweets, and the users, places and media
they name are beside them in `includes`."""

from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct

# and by what each is named
KINDS = {"users": "id", "tweets": "id", "places": "id", "media": "media_key", "polls": "id"}


class _Named(Struct):
    id: str = ""
    media_key: str = ""
    author_id: str = ""


class _Geo(Struct):
    place_id: str = ""


class _Attachments(Struct):
    media_keys: list[str] = []
    poll_ids: list[str] = []


class _Entities(Struct):
    mentions: list[_Named] = []


class _Tweet(Struct):
    """Where a tweet names what is in the includes."""

    author_id: str = ""
    in_reply_to_user_id: str = ""
    geo: _Geo | None = None
    attachments: _Attachments | None = None
    entities: _Entities | None = None
    referenced_tweets: list[_Named] = []


class _Page(Struct):
    data: list[Raw]
    includes: dict[str, list[Raw]] | None = None


_decode_page, _decode_tweet = (
    msgspec.json.Decoder(_Page).decode,
    msgspec.json.Decoder(_Tweet).decode,
)
_decode_named = msgspec.json.Decoder(_Named).decode
Index = dict[str, dict[str, bytes]]  # kind: {name: its bytes}


def tweets_of(page: bytes) -> Iterator[bytes] | None:
    """Each tweet of the page as X's stream would have sent it, with the includes that it needs;
    None where it is no page.

    The bytes of each part are those of the page; only their arrangement is ours.
    """
    try:
        found = _decode_page(page)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    index = {
        kind: _by_name(items, KINDS[kind])
        for kind, items in (found.includes or {}).items()
        if kind in KINDS
    }
    return (_wrapped(bytes(tweet), index) for tweet in found.data)


def _by_name(items: list[Raw], field: str) -> dict[str, bytes]:
    found = {}
    for item in items:
        try:
            found[str(getattr(_decode_named(item), field))] = bytes(item)
        except (msgspec.MsgspecError, RecursionError):
            continue  # an item without a name cannot be needed
    return found


def _wrapped(tweet: bytes, index: Index) -> bytes:
    needs = _needs(tweet, index)
    kinds = [
        b'"%b":[%b]' % (kind.encode(), b",".join(parts))
        for kind, names in needs.items()
        if (
            parts := [
                index[kind][name] for name in dict.fromkeys(names) if name in index.get(kind, {})
            ]
        )
    ]
    return b'{"data":%b%b}' % (tweet, b',"includes":{%b}' % b",".join(kinds) if kinds else b"")


def _needs(tweet: bytes, index: Index) -> dict[str, list[str]]:
    """The names, by kind, of what the tweet needs from the includes, the authors of referenced
    tweets among them."""
    try:
        read = _decode_tweet(tweet)
    except (msgspec.MsgspecError, RecursionError):
        return {}
    attachments, references = (
        read.attachments or _Attachments(),
        [one.id for one in read.referenced_tweets],
    )
    mentions = [one.id for one in read.entities.mentions] if read.entities else []
    referred = [index.get("tweets", {}).get(name) for name in references]
    authors = [_decode_named(one).author_id for one in referred if one]
    return {
        "users": [read.author_id, read.in_reply_to_user_id, *mentions, *authors],
        "tweets": references,
        "places": [read.geo.place_id] if read.geo else [],
        "media": attachments.media_keys,
        "polls": attachments.poll_ids,
    }
