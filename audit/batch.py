"""One batch: every row a reader of its directory would see, and whether the manifest's figures are
theirs."""

import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterator

import msgspec

from audit.chain import Damaged, Linked, ranges_of
from audit.intervals import holds, merged
from audit.rows import Row, row_of
from audit.verdict import KINDS_OF_ROWS

Convict = Callable[[str], None]


def rows(linked: Linked, convict: Convict) -> Iterator[tuple[Row, bytes]]:
    """Each row with its line, of files that the manifest lists and of others; `convict` hears what
    is wrong with the batch."""
    manifest = linked.manifest
    ranges = {at: merged(spans) for at, spans in ranges_of(manifest).items()} if manifest else {}
    listed = {file.path: file.records for file in manifest.files} if manifest else {}
    counts, outside = Counter[str](), 0
    for path, length in sorted(linked.lengths.items()):
        if path == "tombstones.parquet":  # it repeats the ids of the deletions' rows
            if manifest and listed.get(path) != manifest.counts.get("deleted"):
                convict(f"{path}: {listed.get(path)} records, the manifest says {manifest.counts}")
            continue
        lines = 0
        for lines, line in enumerate(_lines(linked, path, length, convict), 1):
            try:
                row = row_of(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                convict(f"{path}: line {lines} is not a row")
                continue
            counts[row.kind] += 1
            outside += not holds(
                ranges.get((row.kafka.topic, row.kafka.partition), []), row.kafka.offset
            )
            yield row, line
        if listed.get(path, lines) != lines:
            convict(f"{path}: {lines} records, the manifest says {listed[path]}")
    if manifest and any(counts[kind] != manifest.counts.get(kind, 0) for kind in KINDS_OF_ROWS):
        convict(f"counts are {dict(counts)}, the manifest says {manifest.counts}")
    if manifest and outside:
        convict(f"{outside} rows outside the manifest's ranges")


def _lines(linked: Linked, path: str, length: int, convict: Convict) -> Iterator[bytes]:
    """The file's lines, up to where it cannot be read."""
    try:
        yield from linked.batch.lines(path, length)
    except (EOFError, zlib.error, gzip.BadGzipFile, Damaged) as error:
        convict(f"{path}: not readable to its end: {error}")
