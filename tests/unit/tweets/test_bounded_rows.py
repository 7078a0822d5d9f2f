"""A row is at most 4 times its record's value, 6 times its key (each byte of one may be a control
character), and 4 KiB.

The records are generated: every shape, honest and absurd, whole and damaged. Both ways to a line
are held to it.
"""

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from consumers.tweets import lines as module
from consumers.tweets.parse import Tweet
from tests.kit import hostile
from tests.kit.frame_bytes import Row, pack
from tests.kit.frame_lines import lines_of
from tests.kit.hostile import TAG, facet
from tests.kit.tweet_samples import BLUESKY, LIMIT, OLD, X, changed, encoded, parsed, renamed

CONSTANT = 4096
TOPIC = "t" * 249  # as long as Kafka allows

texts = some.builds(
    lambda text, times: (text * times)[:20_000],
    some.text(some.characters(exclude_categories=["Cs"]), max_size=30)
    | some.sampled_from(["\x00", '"\\', "😀", "#ab ", "\u2028"]),
    some.sampled_from([1, 1, 2, 10, 300]),
)
numbers = (
    some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.sampled_from([2**63, -(2**63), 1e300, 1e-300])
)
scalars = some.none() | some.booleans() | numbers | texts
places = some.integers(-5, 25_000)
spans = some.tuples(places, places) | some.just((0, 20_000))


def lists(items: Any, largest: int = 6) -> Any:
    """Short lists, and one part over and over: what is multiplied shows itself in numbers."""
    return some.lists(items, max_size=largest) | some.builds(
        lambda item, times: [item] * times, items, some.sampled_from([20, 100, 400])
    )


def of(sample: dict[str, Any], **parts: Any) -> Any:
    """The sample with some of these parts in it, and perhaps anything in the place of one of
    them."""
    return some.fixed_dictionaries(
        {}, optional={name: part | scalars for name, part in parts.items()}
    ).map(lambda chosen: changed(sample, **chosen))


tags = some.fixed_dictionaries({"tag": texts}) | some.fixed_dictionaries({"text": texts})
ids = texts | some.sampled_from(["42", "p2"]) | numbers
point = some.fixed_dictionaries(
    {"coordinates": some.lists(some.floats(-200, 200) | scalars, max_size=3)}
)
references = some.fixed_dictionaries(
    {"type": some.sampled_from(["replied_to", "retweeted"]) | texts, "id": ids}
)
users = some.fixed_dictionaries({"id": ids, "username": texts})
boxes = some.fixed_dictionaries(
    {"id": ids, "full_name": texts, "country": texts, "geo": some.just({"bbox": [1, 2, 3, 4]})}
)
metrics = some.dictionaries(
    some.sampled_from(["like_count", "retweet_count", "reply_count"]), numbers
)
posts = of(
    X["data"],
    id=ids,
    text=texts,
    lang=texts,
    author_id=ids,
    created_at=texts,
    public_metrics=metrics,
    entities=some.fixed_dictionaries({"hashtags": lists(tags)}),
    referenced_tweets=lists(references),
    geo=some.fixed_dictionaries({"place_id": ids, "coordinates": point}),
    note_tweet=some.fixed_dictionaries({"text": texts}),
)
includes = some.fixed_dictionaries({"users": lists(users), "places": lists(boxes)})
wrapped = some.fixed_dictionaries({"data": posts, "includes": includes | scalars})
old = of(
    OLD,
    id=ids,
    id_str=ids,
    text=texts,
    full_text=texts,
    user=some.fixed_dictionaries({"id": ids, "id_str": ids, "screen_name": texts}),
    favorite_count=numbers,
    entities=some.fixed_dictionaries({"hashtags": lists(tags)}),
    extended_tweet=some.fixed_dictionaries(
        {"full_text": texts, "entities": some.fixed_dictionaries({"hashtags": lists(tags)})}
    ),
    in_reply_to_status_id=numbers,
    coordinates=point,
    place=some.fixed_dictionaries({"full_name": texts, "country": texts}),
)
features = some.fixed_dictionaries(
    {"$type": some.sampled_from([TAG, TAG, "x"])}, optional={"tag": texts}
)
facets = some.builds(
    lambda span, features: {
        "index": dict(zip(("byteStart", "byteEnd"), span, strict=True)),
        "features": features,
    },
    spans,
    lists(features),
)
records = of(
    BLUESKY["commit"]["record"],
    text=texts,
    createdAt=texts,
    langs=lists(texts),
    facets=lists(facets),
    reply=some.fixed_dictionaries({"parent": some.fixed_dictionaries({"uri": texts})}),
)
crowded = some.builds(  # many places in a long text, as they come
    lambda text, facets, times: {"text": text * 300, "facets": facets * times},
    some.text("ab#é", min_size=1, max_size=30),
    some.lists(facets, min_size=1, max_size=4),
    some.sampled_from([1, 30]),
)
commits = of(
    BLUESKY["commit"],
    record=records | crowded,
    rkey=texts,
    operation=some.sampled_from(["create", "delete"]),
)
events = of(BLUESKY, did=texts, time_us=numbers, commit=commits) | some.builds(
    lambda record: {**BLUESKY, "commit": {**BLUESKY["commit"], "record": record}}, crowded
)
notices = some.builds(
    lambda status: {"delete": {"status": {"id": status, "id_str": str(status)}}}, ids
)
shapes = some.one_of(
    wrapped,
    wrapped.map(renamed),
    posts,
    old,
    events,
    events,
    notices,
    some.recursive(scalars, lists, max_leaves=10),
)
whole = some.builds(
    lambda shape, escaped: json.dumps(shape, ensure_ascii=escaped).encode(), shapes, some.booleans()
)
scraps = some.sampled_from(
    [b"", b"{", b"]", b'"', b"\\", b"\\ud83d", b"\xff", b"\x00", b"\n", b"9" * 2000, b"[" * 200]
)


@some.composite
def damaged(draw: Any) -> bytes:
    value: bytes = draw(whole)
    for _ in range(draw(some.integers(1, 3))):
        at = draw(some.integers(0, len(value)))
        value = value[:at] + draw(scraps) + value[at + draw(some.sampled_from([0, 1, 5, 300])) :]
    return value


values = some.none() | whole | damaged() | some.binary(max_size=3000)
keys = some.none() | some.binary(max_size=300) | texts.map(str.encode)
frames = some.lists(some.tuples(keys, values), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(frames, some.integers(-(2**63), 2**63 - 1))
def test_a_row_is_bounded_by_its_record_and_the_same_either_way(
    frame: list[tuple[bytes | None, bytes | None]], stamp: int
) -> None:
    rows: list[Row] = [(2**62 + k, stamp, key, value) for k, (key, value) in enumerate(frame)]
    data = pack(TOPIC, 2**31 - 1, rows)
    found = [_lines(data, way) for way in (module._compiled, lambda: None)]
    assert found[0] == found[1]
    for line in found[0]:
        key, value = frame[json.loads(line)["kafka"]["offset"] - 2**62]
        assert len(line) <= 4 * len(value or b"") + 6 * len(key or b"") + CONSTANT
    assert len(found[0]) == len(frame)


def _lines(data: bytes, way: Any) -> list[bytes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_compiled", way)
        out = lines_of(data, [(TOPIC, 2**31 - 1, 0, 2**63)], LIMIT)
        pieces = [bytes(piece) for piece in (*out.tweets, *out.rejected)]
    return b"".join(pieces).splitlines(keepends=True)


def hashtags(text: str, *facets: dict[str, Any]) -> list[str]:
    post = changed(BLUESKY)
    post["commit"]["record"] |= {"text": text, "facets": list(facets)}
    found = parsed(post)
    assert isinstance(found, Tweet)
    return found.hashtags


def test_places_of_hashtags_that_cannot_be_are_left_out() -> None:
    text = "#one #two ＃three"
    assert hashtags(text, facet(0, 4), facet(5, 9), facet(10, 18)) == ["one", "two", "three"]
    assert hashtags(text, facet(10, 18), facet(0, 4), facet(0, 4), facet(0, 4)) == [
        "three",
        "one",
        "one",
    ], "more than the text has"
    for start, end in ((-3, 4), (4, 4), (9, 5), (5, 19), (2**70, 2**71), (0, -1)):
        assert hashtags(text, facet(start, end), facet(0, 4)) == ["one"]


HUGE = {
    (one.key or b"").decode(): one.value
    for one in hostile.odd()
    if one.value and len(one.value) > 500_000
}


@pytest.mark.parametrize("name", HUGE)
def test_a_megabyte_takes_no_seconds(name: str) -> None:
    """The bound is wide, for machines that are busy; what was wrong here took minutes and
    gigabytes."""
    value = HUGE[name]
    assert len(value) < LIMIT
    data = pack(TOPIC, 2**31 - 1, [(0, 0, None, value)])
    for way in (module._compiled, lambda: None):
        _lines(pack(TOPIC, 2**31 - 1, [(0, 0, None, encoded(X))]), way)  # what is loaded once
        begun = time.process_time()
        (line,) = _lines(data, way)
        assert time.process_time() - begun < 5
        assert len(line) <= 4 * len(value) + CONSTANT
