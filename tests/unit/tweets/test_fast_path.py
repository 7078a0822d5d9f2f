"""The example of docs/fast-path.md is what the kernels do with the tweet that it begins with."""

import re
from typing import Any

import numpy as np
import pytest

from consumers.sentiment import score
from consumers.tweets.fast.columns import NUMBER
from consumers.tweets.fast.frame import FrameLines, Work
from consumers.tweets.fast.shape import NODES
from consumers.tweets.parse import parse, row
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "fast-path.md").read_text(encoding="utf-8")
TWEET, MARKS, SPANS, LINE = re.findall(r"^```text\n(.*?)\n```", PAGE, re.DOTALL | re.MULTILINE)
STAMP = 1_767_225_600_000
VALUE = TWEET.splitlines()[0].encode()


def written() -> tuple[Work, bytes]:
    """The kernels' arrays after this one record, and its line."""
    lines, one = FrameLines(), np.array([0])
    found = lines.write(VALUE, ("tweets", 0), (one + 1842, one + STAMP, one, one + len(VALUE)))
    return lines._work, found.lines[: found.ends[0]].tobytes()


def place(work: Work, start: int, end: int) -> str:
    """Start, end and bytes; places in the second half of the data count from its beginning."""
    half, text = len(work.data) // 2, work.data[start:end].tobytes().decode()
    if start < half:
        return f"{start:>4} {end:>4}  {text}"
    return f"+{start - half:>3} {f'+{end - half}':>4}  {text}"


def shown(work: Work, names: dict[Any, str], spans: Any) -> list[str]:
    return [f"{names[key]:<31}{place(work, *span)}".rstrip() for key, span in spans]


def test_the_marks_are_the_walks() -> None:
    work, _ = written()
    count = len(MARKS.splitlines()) - 1
    paths = {number: node.path or "(the whole)" for number, node in enumerate(NODES)}
    marks = [(node, (start, end)) for node, start, end in work.marks[:count].tolist()]
    assert shown(work, paths, marks) == MARKS.splitlines()[1:]


def test_the_spans_are_the_columns() -> None:
    work, _ = written()
    names = {number: name for name, number in NUMBER.items()}
    spans = [(k, span) for k, span in enumerate(work.spans[0].tolist()) if span[0] >= 0]
    in_data = [one for one in spans if names[one[0]] not in ("hashtags", "is_repost", "geo_kind")]
    assert shown(work, names, in_data) == SPANS.splitlines()[1:]


def test_the_line_is_both_ways() -> None:
    _, line = written()
    assert line.decode() == "".join(LINE.splitlines()) + "\n"
    tweet: Any = parse(VALUE, None, 1 << 20)
    assert line == row("tweets", 0, 1842, STAMP, tweet, score([tweet.text])[0]) + b"\n"


@pytest.mark.parametrize("at", [10, 30])
def test_the_ruler_is_right(at: int) -> None:
    ruler = TWEET.splitlines()[1]
    assert ruler.index(str(at)) == at
