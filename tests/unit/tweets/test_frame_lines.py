"""The compiled way from a frame to its lines gives the bytes of the general way, or leaves a record
to it."""

import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest

from consumers.sentiment import Sentiment
from consumers.tweets import lines as module
from consumers.tweets.fast.frame import FrameLines
from producer.sources.sample import sample
from tests.kit.frame_bytes import Row, pack
from tests.kit.frame_lines import lines_of
from tests.kit.tweet_samples import BLUESKY, LIMIT, OLD, REPOST, X, changed, renamed

OTHER_VALUES = [
    None,
    True,
    False,
    0,
    -0.0,
    7,
    -7,
    2**63,
    1.5,
    1e300,
    "",
    "x",
    '\x00\x1f"\\/\u007f\u2028😀',
    [],
    {},
    [1],
    {"id": "1"},
]
ODD_BYTES = [
    *(
        b"null",
        b"true",
        b"-0",
        b"-0.0",
        b"01",
        b"1.",
        b"1e5",
        b"1E-999",
        b"1" * 19,
        b"0." + b"1" * 30,
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
    ),
    *(
        b"]",
        b",",
        b":",
        b" ",
        b"\t",
        b"\n",
        b"\r\n",
        b"\x00",
        b"\x7f",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\x80",
    ),
    *(
        b"\\n",
        b"\\/",
        b"\\u0041",
        b"\\u0000",
        b"\\ud83d\\ude00",
        b"\\ud83d",
        b"\\ude00",
        b"\\x",
        b"\\u00e",
        b"\xe2\x80\xa8",
        b"\\\\",
    ),
    *(
        b'"id":"7",',
        b'"text":"again",',
        b'"\\u0069d":"7",',
        b'"lang":null,',
        b"[" * 40 + b"]" * 40,
        b"nullx",
        b"tru",
        b"\xc3\xa9",
    ),
]


def both(data: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """The lines of the whole frame by the compiled way and by the general one."""
    found = []
    for compiled in (module._compiled, lambda: None):
        with monkeypatch.context() as patch:
            patch.setattr(module, "_compiled", compiled)
            out = lines_of(data, [('t"é', 3, 0, 2**62)], LIMIT)
        found.append(
            (b"".join(map(bytes, out.tweets)), b"".join(map(bytes, out.rejected)), out.counts)
        )
    return found[0], found[1]


def framed(values: list[bytes | None], base: int = 0) -> bytes:
    rows: list[Row] = [
        (base + 3 * n, n - 1, None if n % 3 else b"%d" % n, value) for n, value in enumerate(values)
    ]
    return pack('t"é', 3, rows)


def compiled(values: list[bytes]) -> list[int]:
    """Which of the values the compiled way writes."""
    ends = np.cumsum([len(value) for value in values])
    starts = ends - [len(value) for value in values]
    numbers = np.arange(len(values))
    return (
        FrameLines()
        .write(b"".join(values), ("t", 0), (numbers, numbers, starts, ends))
        .rows.tolist()
    )


def compact(value: Any) -> bytes:
    return msgspec.json.encode(value)


def shapes() -> Iterator[Any]:
    """The common shape with its parts absent, null, of the wrong type, in another order; and the
    other shapes."""
    yield from (X, renamed(X), OLD, BLUESKY, X["data"], [X], {"data": [X]})
    for path in paths(X):
        for value in (..., *OTHER_VALUES):
            yield replaced(X, path, value)
    for repost in (REPOST, renamed(REPOST)):
        for path in ((), *paths(repost["includes"]["tweets"], ("includes", "tweets"))):
            for value in (..., *OTHER_VALUES) if path else ():
                yield replaced(repost, path, value)
        yield from (
            repost,
            replaced(
                repost,
                ("data", "referenced_tweets" if repost is REPOST else "referenced_posts"),
                [],
            ),
        )
    yield {
        name: {key: X[name][key] for key in reversed(X[name])} if name != "matching_rules" else []
        for name in reversed(X)
    }
    yield changed(X, data={**X["data"], **renamed(X["data"])})
    for point in (
        [13.4, 52.5],
        [13.4],
        [181, 5],
        [-0.0, 0],
        [1e-7, 0.1 + 0.2],
        [123456789012345678, 1],
        [0.000001, 89.999999999999],
    ):
        yield replaced(X, ("data", "geo", "coordinates"), {"type": "Point", "coordinates": point})
    for box in (
        [1, 2, 3, 4],
        [-0.0, -0.0, -0.0, -0.0],
        [177.5, 1, -179.25, 1],
        [0.1, 0.2, 0.3, 0.7],
        [1, 2, 3],
        [1, 80, 2, 190],
    ):
        yield replaced(X, ("includes", "places", 1, "geo", "bbox"), box)
    for moment in (
        "2026-11-21T09:00:00Z",
        "2024-02-29T23:59:59.999Z",
        "2023-02-29T00:00:00.000Z",
        "0000-01-01T00:00:00.000Z",
    ):
        yield replaced(X, ("data", "created_at"), moment)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, part in items:
        yield (*path, key)
        yield from paths(part, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], part: Any) -> Any:
    """A copy with another part at the path; without it where it is `...`."""
    value = deepcopy(value)
    at = value
    for key in path[:-1]:
        at = at[key]
    if part is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = part
    return value


def mutated(dice: Random, value: bytes) -> bytes:
    for _ in range(dice.choice((1, 1, 2, 3))):
        at = dice.randrange(len(value))
        kind = dice.randrange(5)
        if kind == 0:
            value = value[:at] + bytes([dice.randrange(256)]) + value[at + 1 :]
        elif kind == 1:
            value = value[:at] + value[at + dice.randrange(1, 9) :] or b" "
        elif kind == 2:
            value = value[:at] + dice.choice(ODD_BYTES) + value[at:]
        elif kind == 3:  # where a token begins or ends, so that it may stay JSON
            places = [place for place, byte in enumerate(value) if byte in b'{[,:"}]'] or [0]
            at = dice.choice(places) + dice.randrange(2)
            value = value[:at] + dice.choice(ODD_BYTES) + value[at:]
        else:
            value = value[: at + 1]
    return value


def test_tweets_of_the_common_shape_take_the_compiled_way() -> None:
    values = [record.value for record in islice(sample(5), 500) if record.value]
    assert compiled(values) == list(range(500))
    assert compiled(
        [compact(X), json.dumps(X, ensure_ascii=False).encode(), json.dumps(X).encode()]
    ) == [0, 1, 2]


def test_samples_give_the_same_lines_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    records = list(islice(sample(6, malformed=0.1), 1500))
    for first in range(0, len(records), 130):
        fast, general = both(
            framed([record.value for record in records[first : first + 130]], first), monkeypatch
        )
        assert fast == general
        assert fast[2]["tweets"] and fast[2]["rejected"]


def test_every_shape_gives_the_same_lines_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [
        write(shape)
        for shape in shapes()
        for write in (compact, lambda shape: json.dumps(shape).encode())
    ]
    values += [
        b"",
        b" ",
        b"\n",
        compact(X) + b"\r\n",
        b"[" * 300 + b"]" * 300,
        b'{"data":' * 200,
        compact(X)[:-1],
        b"x" * (LIMIT + 1),
    ]
    for value in values:
        fast, general = both(framed([value]), monkeypatch)
        assert fast == general, value
    fast, general = both(framed([None, *values, None, compact(X)]), monkeypatch)
    assert fast == general


def test_mutated_tweets_give_the_same_lines_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = Random(20261121)
    wholes = [record.value for record in islice(sample(7), 60) if record.value] + [
        compact(X),
        compact(renamed(X)),
        compact(OLD),
    ] * 20
    taken = 0
    for _ in range(60):
        values = [mutated(dice, dice.choice(wholes)) for _ in range(50)]
        fast, general = both(framed(values), monkeypatch)
        taken += len(compiled(values))
        if fast != general:
            assert [
                v
                for v in values
                if both(framed([v]), monkeypatch)[0] != both(framed([v]), monkeypatch)[1]
            ] == []
        assert fast == general
    assert 300 < taken < 2400  # mutations of either fate


def test_escapes_are_read_and_written_as_msgspec_does(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(map(chr, range(0xD7FF + 1))) + "\ue000\uffff\U00010000😀\U0010ffff"
    escaped = [
        '"' + "".join(f"\\u{ord(c):04X}" if ord(c) < 0x10000 else c for c in text) + '"',
        json.dumps(text),
        '"\\/\\b"',
    ]
    values = [
        b'{"data":{"id":"1","text":%b},"x":%b}' % (one.encode(), one.encode()) for one in escaped
    ]
    assert compiled(values) == [0, 1, 2]
    fast, general = both(framed(values), monkeypatch)
    assert fast == general


def test_scores_are_written_as_msgspec_does() -> None:
    from consumers.tweets.fast.write import _score

    out = np.zeros(16, np.uint8)
    for value in [
        -0.0,
        *(k / 10000 for k in range(-10000, 10001)),
        *(k / 1000 for k in range(1001)),
    ]:
        assert out[: _score(out, 0, value)].tobytes() == msgspec.json.encode(value)


def test_the_label_is_the_scorers(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the thresholds too: 0.05 exactly is not to be had from a text."""
    from consumers.tweets.fast import frame

    values = [compact({"data": {"id": str(n), "text": "x"}}) for n in range(5)]
    compounds = [0.05, 0.0499, -0.05, -0.0499, 0.0]
    monkeypatch.setattr(
        frame.sentiment, "columns", lambda *_: np.array([compounds, *[[0.0] * 5] * 3])
    )
    out = lines_of(framed(values), [('t"é', 3, 0, 99)], LIMIT)
    found = [
        json.loads(line)["sentiment"] for line in b"".join(map(bytes, out.tweets)).splitlines()
    ]
    assert [Sentiment(**one).compound for one in found] == compounds
    assert [one["label"] for one in found] == [
        "positive",
        "neutral",
        "negative",
        "neutral",
        "neutral",
    ]
