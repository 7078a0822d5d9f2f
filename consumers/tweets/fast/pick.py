"""From a record's marks to its row's columns: what consumers.tweets.row.from_x does, over spans of
bytes."""

import numpy as np

from consumers.sentiment.rules import jitable
from consumers.tweets.fast import columns
from consumers.tweets.fast.shape import NUMBER_OF

USER, USER_ID, USERNAME = (
    NUMBER_OF[f"includes.users[]{name}"] for name in ("", ".id", ".username")
)
PLACE_ITEM, PLACE_ITEM_ID = NUMBER_OF["includes.places[]"], NUMBER_OF["includes.places[].id"]
FULL_NAME, COUNTRY_NAME, COUNTRY_CODE = (
    NUMBER_OF[f"includes.places[].{n}"] for n in ("full_name", "country", "country_code")
)
BBOX = NUMBER_OF["includes.places[].geo.bbox[]"]
PLACE_ID, COORDINATE = (
    NUMBER_OF["data.geo.place_id"],
    NUMBER_OF["data.geo.coordinates.coordinates[]"],
)
RETWEETS, REPOSTED = (
    NUMBER_OF["data.public_metrics.retweet_count"],
    NUMBER_OF["data.public_metrics.repost_count"],
)
OLD_REFERENCE, NEW_REFERENCE = (
    NUMBER_OF["data.referenced_tweets[]"],
    NUMBER_OF["data.referenced_posts[]"],
)
OLD_NOTE, NEW_NOTE = NUMBER_OF["data.note_tweet"], NUMBER_OF["data.note_post"]
OLD_NOTE_TEXT, NEW_NOTE_TEXT = NUMBER_OF["data.note_tweet.text"], NUMBER_OF["data.note_post.text"]
POST_TEXT, POST_AUTHOR, TAG = (
    NUMBER_OF[f"data.{name}"] for name in ("text", "author_id", "entities.hashtags[].tag")
)
ORIGINAL = NUMBER_OF["includes.tweets[]"]
REFERENCE_TYPE, REFERENCE_ID = (
    NUMBER_OF[f"data.referenced_tweets[].{name}"] - OLD_REFERENCE for name in ("type", "id")
)

# Columns that are a field as it stands.
PLAIN = np.array(
    [
        (columns.ID, NUMBER_OF["data.id"]),
        (columns.CREATED, NUMBER_OF["data.created_at"]),
        (columns.LANG, NUMBER_OF["data.lang"]),
        (columns.AUTHOR_ID, POST_AUTHOR),
        (columns.LIKES, NUMBER_OF["data.public_metrics.like_count"]),
        (columns.REPLIES, NUMBER_OF["data.public_metrics.reply_count"]),
    ]
)
# exact up to here, as are whole numbers of 15 digits: so is then what division makes of them
POWERS = 10.0 ** np.arange(23)
EXACT_DIGITS = 15
REPLIED, RETWEETED, REPOSTED_TYPE = (
    np.frombuffer(b, np.uint8).copy() for b in (b"replied_to", b"retweeted", b"reposted")
)


@jitable
def pick(w, first, last, r):
    """Fill the columns of record `r` from the marks [first, last); False where the general way must
    choose."""
    w.last[:] = -1  # by node, its last mark
    w.spans[r] = -1
    for m in range(first, last):
        w.last[w.marks[m, 0]] = m
    for k in range(len(PLAIN)):
        _put(w, r, PLAIN[k, 0], w.last[PLAIN[k, 1]])
    if (w.last[OLD_REFERENCE] >= 0 and w.last[NEW_REFERENCE] >= 0) or (
        w.last[OLD_NOTE] >= 0 and w.last[NEW_NOTE] >= 0
    ):
        return False
    retweets = w.last[RETWEETS]
    zero = retweets < 0 or w.data[w.marks[retweets, 1]] == ord("0")
    _put(w, r, columns.REPOSTS, w.last[REPOSTED] if zero else retweets)
    note = max(w.last[OLD_NOTE_TEXT], w.last[NEW_NOTE_TEXT])
    _put(
        w,
        r,
        columns.TEXT,
        note if note >= 0 and w.marks[note, 2] > w.marks[note, 1] else w.last[POST_TEXT],
    )
    if w.last[TAG] >= 0:
        w.spans[r, columns.TAGS, 0], w.spans[r, columns.TAGS, 1] = first, last
    if w.last[POST_AUTHOR] >= 0 and w.last[USER] >= 0:
        _author(w, first, last, r)
    if w.last[OLD_REFERENCE] >= 0 or w.last[NEW_REFERENCE] >= 0:
        _references(w, first, last, r)
        # its text is another tweet's
        if w.last[ORIGINAL] >= 0 and w.spans[r, columns.IS_REPOST, 0] >= 0:
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
    start, other = w.marks[one, 1], w.marks[two, 1]
    size = w.marks[one, 2] - start
    if size != w.marks[two, 2] - other:
        return False
    differs = 0
    for i in range(size):
        differs |= w.data[start + i] ^ w.data[other + i]
    return differs == 0


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
            w.spans[r, columns.AUTHOR, 0] = -1
            _put(w, r, columns.AUTHOR, _member(w, m, last, USERNAME))


@jitable
def _references(w, first, last, r):
    for m in range(first, last):
        node = w.marks[m, 0]
        if node in (OLD_REFERENCE, NEW_REFERENCE):
            kind = _member(w, m, last, node + REFERENCE_TYPE)
            if _is(w, kind, REPLIED):
                _put(w, r, columns.REPLY_TO, _member(w, m, last, node + REFERENCE_ID))
            elif _is(w, kind, RETWEETED) or _is(w, kind, REPOSTED_TYPE):
                w.spans[r, columns.IS_REPOST, 0] = 1


@jitable
def _place(w, first, last, r):
    """Country and name of the first place with the tweet's place id; returns its mark, or -1."""
    for m in range(first, last):
        if w.marks[m, 0] == PLACE_ITEM and _same(
            w, _member(w, m, last, PLACE_ITEM_ID), w.last[PLACE_ID]
        ):
            _put(w, r, columns.PLACE, _member(w, m, last, FULL_NAME))
            for node in (COUNTRY_NAME, COUNTRY_CODE):
                mark = _member(w, m, last, node)
                if mark >= 0 and w.marks[mark, 2] > w.marks[mark, 1]:
                    _put(w, r, columns.COUNTRY, mark)
            return m
    return -1


@jitable
def _position(w, first, last, place, r):
    """What tweet_rows.position says, to w.places; False for numbers that must be read with more
    care."""
    count, four = _numbers(w, first, last, COORDINATE)
    if count < 0:
        return False
    if count == 2 and _on_earth(four[0], four[1]):
        w.places[r, 0], w.places[r, 1], w.spans[r, columns.GEO_KIND, 0] = (
            four[1],
            four[0],
            columns.OF_POINT,
        )
        return True
    if place < 0:
        return True
    count, four = _numbers(w, place + 1, last, BBOX)
    if count == 4:
        west, south, east, north = four
        lon = (west + east + (360.0 if west > east else 0.0)) / 2
        lon, lat = lon - 360 if lon > 180 else lon, (south + north) / 2
        if _on_earth(lon, lat):
            w.places[r, 0], w.places[r, 1], w.spans[r, columns.GEO_KIND, 0] = (
                lat,
                lon,
                columns.OF_PLACE,
            )
    return count >= 0


@jitable
def _on_earth(lon, lat):
    return -180 <= lon <= 180 and -90 <= lat <= 90


@jitable
def _numbers(w, first, last, node):
    """How many numbers of this node there are up to the next place, and the first four; -1 where
    one is not exact."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    count = 0
    for m in range(first, last):
        if w.marks[m, 0] == PLACE_ITEM and node == BBOX:
            break
        if w.marks[m, 0] == node:
            value, exact = _number(w.data, w.marks[m, 1], w.marks[m, 2])
            if not exact:
                return -1, (a, b, c, d)
            a = value if count == 0 else a
            b = value if count == 1 else b
            c = value if count == 2 else c
            d = value if count == 3 else d
            count += 1
    return count, (a, b, c, d)


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
