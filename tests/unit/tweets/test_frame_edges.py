"""Frames with numbers that no broker should have let through, and frames that are damaged: either
way to a line."""

import json

import pytest

from consumers.tweets import lines as module
from tests.kit.frame_bytes import Row, pack
from tests.kit.frame_lines import lines_of
from tests.kit.tweet_samples import LIMIT, X, encoded

EDGES = [-(2**63), -(2**63) + 1, -(10**18), -10, -9, -1, 0, 9, 10, 10**18, 2**63 - 1]


@pytest.mark.timeout(60, method="thread")
def test_any_int64_is_a_timestamp_or_an_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    """kafka-python sends -2**63 unasked; once the compiled way counted its digits for ever."""
    rows: list[Row] = [(offset, stamp, None, encoded(X)) for offset in EDGES for stamp in EDGES]
    data = pack("t", 3, rows)
    with monkeypatch.context() as patch:
        fast = lines_of(data, [("t", 3, -(2**63), 2**63 - 1)], LIMIT)
        found = b"".join(map(bytes, fast.tweets)).splitlines()
        patch.setattr(module, "_compiled", lambda: None)
        assert (
            found
            == b"".join(
                map(bytes, lines_of(data, [("t", 3, -(2**63), 2**63 - 1)], LIMIT).tweets)
            ).splitlines()
        )
    places = [json.loads(line)["kafka"] for line in found]
    assert [(place["offset"], place["timestamp"]) for place in places] == [
        row[:2] for row in rows if row[0] < 2**63 - 1
    ]


@pytest.mark.parametrize("way", ["compiled", "general"])
def test_a_damaged_frame_is_an_error(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Lengths that point behind the frame's end would be read from whatever is there."""
    if way == "general":
        monkeypatch.setattr(module, "_compiled", lambda: None)
    whole = pack("t", 3, [(0, 0, b"k", encoded(X)), (1, 0, None, encoded(X))])
    ranges = [("t", 3, 0, 9)]
    lines_of(whole, ranges, LIMIT)
    lengths = 24 + 2 * 16 + 2 * 4
    grown = whole[:lengths] + (2**31 - 1).to_bytes(4, "little") + whole[lengths + 4 :]
    counts = [
        whole[:4] + count.to_bytes(4, "little", signed=True) + whole[8:]
        for count in (-1, 2**20, 2**31 - 1)
    ]
    topics = [
        whole[:12] + size.to_bytes(4, "little", signed=True) + whole[16:]
        for size in (-1, -(2**31), 2**20)
    ]
    for damaged in (whole[:-1], whole[:100], grown, *counts, *topics):
        with pytest.raises(ValueError, match="damaged frame"):
            lines_of(damaged, ranges, LIMIT)
