"""docs/wire-format.md against the code: frames are taken apart by its tables alone, and its table
of columns is the row's declaration."""

import re
import struct

from consumers.tweets import reference
from kafka_dstreams import decode
from tests.conftest import ROOT
from tests.kit.frame_bytes import pack

NUMBERS = {"int32": "i", "int64": "q"}
Cell = tuple[str, str, str]


def section() -> str:
    """The document's section on frames."""
    return (
        (ROOT / "docs" / "wire-format.md")
        .read_text(encoding="utf-8")
        .split("## Frames")[1]
        .split("\n## ")[0]
    )


def tables() -> list[list[Cell]]:
    """The section's tables: (bytes, type, content) of each row."""
    out: list[list[Cell]] = []
    for line in section().splitlines():
        cells = re.findall(r"\| ([^|]+) (?=\|)", line)
        if cells == ["bytes", "type", "content"]:
            out.append([])
        elif len(cells) == 3:
            out[-1].append((cells[0], cells[1], cells[2]))
    return out


class Walk:
    """Takes numbers and bytes off the front of a frame."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, length: int) -> bytes:
        self.at += length
        return self.data[self.at - length : self.at]

    def numbers(self, kind: str, count: int) -> list[int]:
        form = f"<{count}{NUMBERS[kind]}"
        return list(struct.unpack(form, self.take(struct.calcsize(form))))


def apart(data: bytes) -> dict[str, object]:
    """The frame, by the document's two tables."""
    walk, found = Walk(data), {}
    frame, headers = tables()
    for size, kind, content in frame:
        n, t = found.get("n"), found.get("t")
        if kind == "`KFR1`":
            assert walk.take(int(size)) == b"KFR1"
        elif size in ("4", "8"):
            name = re.match(r"`(\w+)`|(\w+)", content)
            assert name
            found[name[1] or name[2]] = walk.numbers(kind, 1)[0]
        elif size.endswith("× n"):
            found[content.split(",")[0]] = walk.numbers(kind, n)
        elif size == "t":
            found["topic"] = walk.take(t).decode()
        else:
            what = content.split()[1].rstrip(",")
            lengths = found[f"lengths of the {what}"]
            found[what] = [None if length < 0 else walk.take(length) for length in lengths]
    assert [kind for _, kind, _ in headers] == ["int32", "int32", "UTF-8", "int32", "bytes"]
    if found["flags"] & 1:
        found["headers"] = []
        for _ in range(found["n"]):
            pairs = []
            for _ in range(walk.numbers("int32", 1)[0]):
                name = walk.take(walk.numbers("int32", 1)[0]).decode()
                length = walk.numbers("int32", 1)[0]
                pairs.append((name, None if length < 0 else walk.take(length)))
            found["headers"].append(pairs)
    assert walk.at == len(data), "nothing is left over"
    return found


def test_a_frame_is_what_the_document_says() -> None:
    rows = [(5, 10, None, b""), (7, 11, b"", None), (2**40, 12, "ü".encode(), b"value")]
    found = apart(pack("naïve", 3, rows))
    frame = decode(pack("naïve", 3, rows))
    assert (found["topic"], found["partition"], found["n"], found["flags"]) == ("naïve", 3, 3, 0)
    assert (tuple(found["offsets"]), tuple(found["timestamps in ms"])) == (
        frame.offsets,
        frame.timestamps,
    )
    assert (found["keys"], found["values"]) == (frame.keys, frame.values)


def test_headers_are_where_the_document_says() -> None:
    pairs = [("ü", b"1"), ("a", None), ("a", b"")]
    packed = struct.pack("<i", len(pairs))
    for name, value in pairs:
        packed += struct.pack("<i", len(name.encode())) + name.encode()
        packed += struct.pack("<i", -1 if value is None else len(value)) + (value or b"")
    data = (
        pack("t", 0, [(0, 0, b"k", b"v"), (1, 0, None, None)], flags=1)
        + packed
        + struct.pack("<i", 0)
    )
    assert apart(data)["headers"] == decode(data).headers == [pairs, []]


def test_the_columns_are_the_declaration() -> None:
    page = (ROOT / "docs" / "wire-format.md").read_text(encoding="utf-8")
    begin, _, rest = page.partition(reference.BEGIN)
    assert begin != page, "the comment before the table is gone"
    written = reference.BEGIN + rest.partition(reference.END)[0] + reference.END
    assert written == reference.section(), "python3 -m consumers.tweets.reference"
