"""What follows from the row's declaration: Spark's columns, the decoders' members, the parts of a
line."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from consumers.tweets import SCHEMA, lines
from consumers.tweets.row import is_path
from tests.conftest import ROOT

NEW = 'quotes: Annotated[int, Column("quotes", "public_metrics.quote_count", "quote_count")] = 0\n'
SCRIPT = """
import json
from consumers.tweets import SCHEMA, reference
from consumers.tweets.fast.columns import PARTS
from consumers.tweets.parse import parse, row
values = (
    b'{"data": {"id": "1", "text": "", "public_metrics": {"quote_count": 4}}}',
    b'{"data": {"id": "1", "text": ""}}',
    b'{"id_str": "1", "text": "", "user": {}, "quote_count": 5}',
)
found = [json.loads(row("t", 0, 0, 0, parse(value, None, 1000)))["quotes"] for value in values]
print(json.dumps([found, SCHEMA, reference.section(), [part[0] for part in PARTS]]))
"""


def test_sparks_columns() -> None:
    """Readers have this text in their programs: a change must be meant."""
    assert SCHEMA == (
        "kafka struct<topic: string, partition: int, offset: bigint, timestamp: bigint>, "
        "id string, deleted boolean, source string, created_at timestamp, lang string, "
        "author_id string, author string, likes bigint, reposts bigint, replies bigint, "
        "hashtags array<string>, lat double, lon double, geo_kind string, country string, "
        "place string, is_repost boolean, reply_to string, text string, "
        "sentiment struct<compound: double, neg: double, neu: double, pos: double, "
        "label: string>, tweet string"
    )


def test_a_path_is_no_rule() -> None:
    assert all(map(is_path, ("lang", "public_metrics.like_count")))
    assert not any(map(is_path, ("", "`did`", "the first of `langs`", "a.", ".a")))


def test_a_plain_column_is_one_line(tmp_path: Path) -> None:
    """In a copy of the sources, in a process of its own."""
    shutil.copytree(ROOT / "consumers", tmp_path / "consumers")
    file = tmp_path / "consumers" / "tweets" / "row.py"
    source = file.read_text(encoding="utf-8")
    before = "    hashtags: Annotated"
    assert source.count(before) == 1
    file.write_text(source.replace(before, f"    {NEW}{before}"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found, schema, section, parts = json.loads(done.stdout)
    assert found == [4, 0, 5]
    assert "replies bigint, quotes bigint, hashtags" in schema
    assert "| `quotes` | whole number" in section
    assert parts.index(',"quotes":') == parts.index(',"replies":') + 1


def test_readers_of_the_schema_load_no_compiler() -> None:
    script = "import sys; from consumers.tweets import SCHEMA; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


def test_both_ways_lines_are_merged_in_order() -> None:
    from consumers.tweets.fast.frame import Written

    text = np.frombuffer(b"b1 c1 e1 ", np.uint8)
    written = Written(np.array([1, 2, 4]), np.array([3, 6, 9]), text)
    others = [
        (0, "deleted", b"a ", ""),
        (3, "tweets", b"d ", ""),
        (5, "rejected", b"f ", "empty"),
        (6, "tweets", b"g ", ""),
    ]
    found = lines._merged(written, others)
    assert b"".join(map(bytes, found.tweets)) == b"a b1 c1 d e1 g "
    assert found.rejected == [b"f "]
    assert found.counts == {"tweets": 5, "deleted": 1, "rejected": 1} and found.reasons == {
        "empty": 1
    }
    assert lines._merged(None, others[:1]).counts == {"tweets": 0, "deleted": 1, "rejected": 0}
