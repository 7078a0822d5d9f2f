"""From a record's marks to its row's spans: the rules of consumers.tweets.normalise.from_x, over
bytes instead of objects."""

import numpy as np

from consumers.compiled import jitable
from consumers.tweets.fast.columns import NUMBER, PATHS
from consumers.tweets.fast.shape import NUMBER_OF
from consumers.tweets.geometry import NOWHERE, position

# columns
AUTHOR, REPOSTS, HASHTAGS = map(NUMBER.get, ("author", "reposts", "hashtags"))
GEO_KIND, COUNTRY, PLACE = map(NUMBER.get, ("geo_kind", "country", "place"))
IS_REPOST, REPLY_TO, TEXT = map(NUMBER.get, ("is_repost", "reply_to", "text"))


def _nodes(of: str, *names: str) -> list[int]:
    return [NUMBER_OF[of + name] for name in names]


POST_TEXT, POST_AUTHOR, TAG = _nodes("data.", "text", "author_id", "entities.hashtags[].tag")
RETWEETS, REPOSTED = _nodes("data.public_metrics.", "retweet_count", "repost_count")
OLD_REFERENCE, NEW_REFERENCE = _nodes("data.", "referenced_tweets[]", "referenced_posts[]")
# the same for both: how far behind the reference's node
REFERENCE_TYPE, REFERENCE_ID = (
    node - OLD_REFERENCE for node in _nodes("data.referenced_tweets[].", "type", "id")
)
OLD_NOTE, OLD_NOTE_TEXT = _nodes("data.note_tweet", "", ".text")
NEW_NOTE, NEW_NOTE_TEXT = _nodes("data.note_post", "", ".text")
PLACE_ID, COORDINATE = _nodes("data.geo.", "place_id", "coordinates.coordinates[]")
USER, USER_ID, USERNAME = _nodes("includes.users[]", "", ".id", ".username")
PLACE_ITEM, PLACE_ITEM_ID, FULL_NAME = _nodes("includes.places[]", "", ".id", ".full_name")
COUNTRY_NAME, COUNTRY_CODE, BBOX = _nodes(
    "includes.places[].", "country", "country_code", "geo.bbox[]"
)
ORIGINAL = NUMBER_OF["includes.tweets[]"]

# exact up to here, as are whole numbers of 15 digits; so a quotient of both is rounded only once
POWERS = 10.0 ** np.arange(23)
EXACT_DIGITS = 15
NUMBERS = 5  # of a point or a box: one more than is right
REPLIED, RETWEETED, REPOSTED_TYPE = (
    np.frombuffer(b, np.uint8).copy() for b in (b"replied_to", b"retweeted", b"reposted")
)


@jitable
def fill_spans(w, first, last, r):
    """Fill the spans of record `r` from the marks [first, last); False where the general way must
    choose."""
    w.last[:] = -1  # by node, its last mark
    w.spans[r] = -1
    for m in range(first, last):
        w.last[w.marks[m, 0]] = m
    for k in range(len(PATHS)):
        _put(w, r, PATHS[k, 0], w.last[PATHS[k, 1]])
    if (w.last[OLD_REFERENCE] >= 0 and w.last[NEW_REFERENCE] >= 0) or (
        w.last[OLD_NOTE] >= 0 and w.last[NEW_NOTE] >= 0
    ):
        return False
    retweets = w.last[RETWEETS]
    zero = retweets < 0 or w.data[w.marks[retweets, 1]] == ord("0")
    _put(w, r, REPOSTS, w.last[REPOSTED] if zero else retweets)
    note = max(w.last[OLD_NOTE_TEXT], w.last[NEW_NOTE_TEXT])
    empty = note < 0 or w.marks[note, 1] == w.marks[note, 2]
    _put(w, r, TEXT, w.last[POST_TEXT] if empty else note)
    if w.last[TAG] >= 0:
        w.spans[r, HASHTAGS, 0], w.spans[r, HASHTAGS, 1] = first, last
    if w.last[POST_AUTHOR] >= 0 and w.last[USER] >= 0:
        _author(w, first, last, r)
    if w.last[OLD_REFERENCE] >= 0 or w.last[NEW_REFERENCE] >= 0:
        _references(w, first, last, r)
        # its text is another tweet's
        if w.last[ORIGINAL] >= 0 and w.spans[r, IS_REPOST, 0] >= 0:
            return False
    place = -1
    if w.last[PLACE_ID] >= 0 and w.last[PLACE_ITEM] >= 0:
        place = _place(w, first, last, r)
    return _position(w, first, last, place, r) if w.last[COORDINATE] >= 0 or place >= 0 else True


@jitable
def _put(w, r, column, mark):
    if mark >= 0:
        w.spans[r, column, 0], w.spans[r, column, 1] = w.marks[mark, 1], w.marks[mark, 2]


@jitable
def _member(w, item, last, node):
    """The mark of this field in the list item that begins at the mark `item`, or -1."""
    for m in range(item + 1, last):
        if w.marks[m, 0] == node:
            return m
        if w.marks[m, 0] == w.marks[item, 0]:
            break
    return -1


@jitable
def _same(w, one, two):
    """Whether two marked strings are equal."""
    return _is(w, one, w.data[w.marks[two, 1] : w.marks[two, 2]])


@jitable
def _is(w, mark, word):
    """Whether the marked string is this word."""
    start = w.marks[mark, 1]
    if w.marks[mark, 2] - start != len(word):
        return False
    differs = 0
    for i in range(len(word)):
        differs |= w.data[start + i] ^ word[i]
    return differs == 0


@jitable
def _author(w, first, last, r):
    """The name of the last user with the author's id."""
    for m in range(first, last):
        if w.marks[m, 0] == USER and _same(w, _member(w, m, last, USER_ID), w.last[POST_AUTHOR]):
            w.spans[r, AUTHOR, 0] = -1
            _put(w, r, AUTHOR, _member(w, m, last, USERNAME))


@jitable
def _references(w, first, last, r):
    for m in range(first, last):
        node = w.marks[m, 0]
        if node in (OLD_REFERENCE, NEW_REFERENCE):
            kind = _member(w, m, last, node + REFERENCE_TYPE)
            if _is(w, kind, REPLIED):
                _put(w, r, REPLY_TO, _member(w, m, last, node + REFERENCE_ID))
            elif _is(w, kind, RETWEETED) or _is(w, kind, REPOSTED_TYPE):
                w.spans[r, IS_REPOST, 0] = 1


@jitable
def _place(w, first, last, r):
    """Country and name of the first place with the tweet's place id; returns its mark, or -1."""
    for m in range(first, last):
        named = w.marks[m, 0] == PLACE_ITEM
        if named and _same(w, _member(w, m, last, PLACE_ITEM_ID), w.last[PLACE_ID]):
            _put(w, r, PLACE, _member(w, m, last, FULL_NAME))
            for node in (COUNTRY_NAME, COUNTRY_CODE):
                mark = _member(w, m, last, node)
                if mark >= 0 and w.marks[mark, 2] > w.marks[mark, 1]:
                    _put(w, r, COUNTRY, mark)
            return m
    return -1


@jitable
def _position(w, first, last, place, r):
    """The position to w.places; False for numbers that must be read with more care."""
    points = _numbers(w, first, last, COORDINATE, 0)
    sides = _numbers(w, place + 1, last, BBOX, 1) if place >= 0 else 0
    if points < 0 or sides < 0:
        return False
    kind, lat, lon = position(w.numbers[0, :points], w.numbers[1, :sides])
    if kind != NOWHERE:
        w.places[r, 0], w.places[r, 1], w.spans[r, GEO_KIND, 0] = lat, lon, kind
    return True


@jitable
def _numbers(w, first, last, node, to):
    """Read the numbers of this node up to the next place to w.numbers[to], no more than it has room
    for; returns how many it read, or -1 where one is not exact."""
    count = 0
    for m in range(first, last):
        if w.marks[m, 0] == PLACE_ITEM and node == BBOX:
            break
        if w.marks[m, 0] == node and count < NUMBERS:
            value, exact = _number(w.data, w.marks[m, 1], w.marks[m, 2])
            if not exact:
                return -1
            w.numbers[to, count] = value
            count += 1
    return count


@jitable
def _number(data, start, end):
    """The number as a float, and whether it is certainly the nearest one."""
    digits, decimals, whole = 0, 0, 0
    negative = data[start] == ord("-")
    for at in range(start + negative, end):
        if data[at] == ord("."):
            decimals = end - at - 1
        elif digits <= EXACT_DIGITS:
            whole = whole * 10 + data[at] - ord("0")
            digits += 1
    if digits > EXACT_DIGITS:
        return 0.0, False
    value = whole / POWERS[decimals]
    return -value if negative else value, True
