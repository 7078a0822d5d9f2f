"""A day of small batches, written directly in the layout of the commit protocol: publishing them
one after the other would take a day.

The batches' files go to HDFS as a client of another language writes them (hdfs-native), many at
once; the manifests are those that a job would have written, each with the hash of the one before.
"""

import gzip
import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import islice
from random import Random
from threading import BoundedSemaphore
from typing import Any

from hdfs_native import Client, WriteOptions

from benchmarks.texts import varied
from consumers import sentiment
from consumers.output import chain, manifests
from consumers.output.manifests import Manifest
from consumers.output.ownership import Ownership
from consumers.tweets.parse import Deleted, parse, row

PARTITION, DELETED, THREADS = ("tweets", 0), 1000, 48
MIDNIGHT = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass
class Day:
    """What was written: ids and hashes of the tweets' bytes, by offset."""

    ids: list[str] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)


def fill(own: Ownership, batches: int, each: int) -> Day:
    """Write the day; its last batch has the tombstones too."""
    day, source, previous = Day(), lines(batches * each), None
    root = own.files.root
    client, base = Client(root[: root.index("/", 7)]), root[root.index("/", 7) :]
    waiting, errors = BoundedSemaphore(4 * THREADS), []

    def run(write: Callable[..., None], *arguments: Any) -> None:
        try:
            write(*arguments)
        except Exception as error:  # noqa: BLE001  told below, to the thread that can end it all
            errors.append(error)
        finally:
            waiting.release()

    with ThreadPoolExecutor(THREADS) as pool:
        for seq in range(batches):
            found = list(islice(source, each))
            day.ids += [id for id, _ in found]
            day.hashes += [hashed(line.partition(b',"tweet":')[2][:-1]) for _, line in found]
            texts = [line for _, line in found]
            if seq == batches - 1:
                texts += tombstones(day.ids)
            data = gzip.compress(b"\n".join(texts) + b"\n", 1)
            manifest = link(own, seq, seq / batches, previous, seq * each, len(texts), each, data)
            previous = manifests.digest(manifest)
            waiting.acquire()
            pool.submit(run, write, client, f"{base}/{chain.folder(seq)}", data, manifest)
            if errors:
                raise errors[0]
            if not (seq + 1) % chain.SHARD:
                print(f"\r{seq + 1} batches made", end="", file=sys.stderr, flush=True)
    if errors:
        raise errors[0]
    return day


def lines(count: int) -> Iterator[tuple[str, bytes]]:
    """Id and line of this many tweets, as a job writes them."""
    records = varied(1)
    for start in range(0, count, 1000):
        some = list(islice(records, min(1000, count - start)))
        found = [parse(value, None, 1 << 20) for _, value in some]
        scores = sentiment.score([one.text for one in found])  # type: ignore[union-attr]
        for offset, (one, score) in enumerate(zip(found, scores, strict=True), start):
            yield one.id, row(*PARTITION, offset, 1000 * offset, one, score)  # type: ignore[union-attr]


def deleted(tweets: int) -> tuple[list[int], list[int]]:
    """The numbers of the tweets that are deleted by tombstones, and by a list."""
    chosen = Random(2).sample(range(tweets), DELETED)
    return chosen[: DELETED // 2], chosen[DELETED // 2 :]


def tombstones(ids: list[str]) -> list[bytes]:
    """The lines of the deletions, sent now."""
    sent_ms = int(time.time() * 1000)
    gone = [Deleted(id=ids[at]) for at in deleted(len(ids))[0]]
    return [row(*PARTITION, len(ids) + n, sent_ms, one) for n, one in enumerate(gone)]


def link(
    own: Ownership,
    seq: int,
    share: float,
    previous: str | None,
    start: int,
    rows: int,
    each: int,
    data: bytes,
) -> bytes:
    """The manifest of the batch at this share of the day, whose `rows` begin at offset `start`;
    what is beyond `each` of them is tombstones."""
    then = MIDNIGHT + timedelta(days=share)
    file = {"path": "tweets/part-00000-0.json.gz", "bytes": len(data), "records": rows}
    return Manifest(
        identity=own.identity,
        seq=seq,
        epoch=own.epoch,
        commit_id=str(seq),
        approach="direct",
        batch_time=then.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        previous=previous,
        topics={"tweets": "id"},
        ranges=[(*PARTITION, start, start + rows)],
        covered={PARTITION: [(0, start + rows)]},
        counts={"tweets": each, "deleted": rows - each, "rejected": 0},
        files=[file],
        scorer="vader",
    ).to_bytes()


def write(client: Client, folder: str, data: bytes, manifest: bytes) -> None:
    """One batch, as its publisher leaves it."""
    client.mkdirs(f"{folder}/rejected", create_parent=True)
    files = {"tweets/part-00000-0.json.gz": data, "_manifest.json": manifest}
    for name, content in files.items():
        with client.create(f"{folder}/{name}", WriteOptions(overwrite=True)) as file:
            file.write(content)


def hashed(data: bytes) -> bytes:
    """A short hash of a tweet's bytes."""
    return hashlib.blake2b(data, digest_size=8).digest()
