"""The views' store: how fast batches are folded, and a store of many tweets.

    python -m benchmarks.views fold [--tweets N]
    python -m benchmarks.views big --store FOLDER [--tweets N]

`fold` measures tweets per second of one core's time, unpacked lines to committed transaction, in
memory and on a disk. `big` makes a store by folding generated digests, newest first, says how long
that took and how large it is, and times each question of the page's first load.
"""

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from isal import igzip

from consumers import sentiment
from consumers.output.manifests import Manifest, digest
from consumers.tweets.parse import parse, row
from consumers.tweets.row import Tweet
from producer.sources.sample import sample
from views.follow import store_path
from views.reading import BLOCK_BYTES
from views.store import levels, words
from views.store.cells import cell_of
from views.store.fold import SCALE, Digest, Folded, collect_rarely
from views.store.frontier import Store
from views.store.jobs import column
from views.store.queries import View

OUTPUT = "hdfs://127.0.0.1:1/tweets/big"
END_S, SPAN_S = 1_795_000_000, 60 * levels.DAY
EACH, CELLS, TAGS, LANGUAGES = 100_000, 20_000, 50_000, 30


def manifest(seq: int, previous: str | None, at_s: float, tweets: int) -> Manifest:
    """The manifest of a batch of this many tweets."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at_s))
    start = seq * tweets
    return Manifest(
        identity="big",
        seq=seq,
        epoch=1 + seq // 100,
        commit_id=str(seq),
        approach="direct",
        batch_time=moment,
        previous=previous,
        topics={"tweets": "id"},
        ranges=[("tweets", 0, start, start + tweets)],
        covered={("tweets", 0): [(0, start + tweets)]},
        counts={"tweets": tweets},
        files=[{"path": "tweets/part-00000-0.json.gz", "bytes": tweets * 300, "records": tweets}],
        scorer="vader",
    )


def lines(count: int) -> tuple[bytes, int]:
    """The tweets' lines of a batch of sample tweets, as the jobs write them, and their number."""
    found = [parse(r.value, None, 1 << 20) for r in itertools.islice(sample(1), count)]
    tweets = [each for each in found if isinstance(each, Tweet)]
    scores = sentiment.score([each.text for each in tweets])
    written = (
        row("tweets", 0, n, END_S * 1000, each, score)
        for n, (each, score) in enumerate(zip(tweets, scores, strict=True))
    )
    return b"".join(line + b"\n" for line in written), len(tweets)


def fold(folder: Path, tweets: int) -> dict[str, Any]:
    """Tweets per second of CPU time, folded and committed, in transactions of the backfill's size
    and blocks of a file's; and what unpacking takes before."""
    data, count = lines(min(tweets, 20_000))
    packed, blocks, rest = igzip.compress(data, 1), list[bytes](), data
    while rest:
        end = rest.rfind(b"\n", 0, BLOCK_BYTES) + 1
        blocks, rest = [*blocks, rest[:end]], rest[end:]
    store = Store(folder / "fold.sqlite")
    store.begin(None)
    rates, unpacking, previous = [], [], None
    for seq in range(max(tweets // count, 3)):
        began = time.process_time()
        igzip.decompress(packed)
        unpacking.append((time.process_time() - began) / count * 1e6)
        made, result = manifest(seq, previous, END_S, count), Digest()
        content = made.to_bytes()
        began = time.process_time()
        result.add(made, content, [("tweets/part", blocks)])
        assert store.add(result)
        rates.append(count / (time.process_time() - began))
        previous = digest(content)
    return {
        "tweets_per_core_second": round(float(np.median(rates))),
        "best": round(max(rates)),
        "unpacking_us_per_tweet": round(min(unpacking), 2),
        "bytes_per_line": round(len(data) / count),
        "rounds": len(rates),
    }


def generated(seq: int, batches: int, tweets: int, world: dict[str, Any]) -> Digest:
    """What a batch of this many tweets adds: a tenth of them with a place, as in the sample."""
    dice, out = np.random.default_rng(seq), Digest()
    width = SPAN_S // batches
    minutes = (END_S - SPAN_S + seq * width + dice.integers(0, width, tweets)) // 60 * 60
    langs = np.minimum(dice.zipf(1.5, tweets), LANGUAGES) - 1
    labels, compounds = dice.integers(0, 3, tweets), dice.integers(-9000, 9000, tweets)
    located = np.flatnonzero(dice.random(tweets) < 0.1)
    spots = np.minimum(dice.zipf(1.3, len(located)), CELLS) - 1
    for key, n, compound in grouped((minutes, langs, labels), compounds):
        out.totals[key[0], f"l{key[1]}", key[2]] = [n, compound, 0, 0]
    keys = (minutes[located], spots, langs[located], labels[located])
    for key, n, compound in grouped(keys, compounds[located]):
        cell = world["cells"][key[1]]
        out.cells[key[0], cell, f"l{key[2]}", key[3]] = [n, compound]
        out.totals[key[0], f"l{key[2]}", key[3]][2] += n
    tagged = np.flatnonzero(dice.random(tweets) < 0.3)
    tags = np.minimum(dice.zipf(1.4, len(tagged)), TAGS)
    for key, n, compound in grouped((minutes[tagged] // 3600 * 3600, tags), compounds[tagged]):
        out.terms["tag", key[0], f"tag{key[1]}"] = [n, compound]
    said = np.minimum(dice.zipf(1.3, tweets), len(world["words"])) - 1
    for key, n, _ in grouped((minutes // 3600 * 3600, said), compounds):
        word = world["words"][key[1]]
        out.terms["word", key[0], word] = [n, round(n * words.lexicon()[word] * SCALE)]
    out.counts = Counter(tweets=tweets)
    return out


def grouped(
    keys: tuple[np.ndarray, ...], compounds: np.ndarray
) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """(key, number, sum of compounds) of each distinct key."""
    order = np.lexsort(keys[::-1])
    columns = np.stack([key[order] for key in keys])
    new = np.concatenate(([True], (columns[:, 1:] != columns[:, :-1]).any(axis=0)))
    starts = np.flatnonzero(new)
    numbers = np.diff(np.append(starts, len(order))).tolist()
    sums = np.add.reduceat(compounds[order], starts).tolist()
    return zip(zip(*columns[:, starts].tolist(), strict=True), numbers, sums, strict=True)


def big(folder: Path, tweets: int) -> dict[str, Any]:
    """Make the store, and time the questions of the page's first load."""
    dice, batches = np.random.default_rng(1), max(tweets // EACH, 1)
    spots = zip(dice.normal(30, 20, CELLS * 2), dice.uniform(-180, 180, CELLS * 2), strict=True)
    cells = list(dict.fromkeys(cell_of(max(min(lat, 80), -60), lon) for lat, lon in spots))
    world = {"cells": (cells * 2)[:CELLS], "words": list(words.lexicon())}
    chain: list[tuple[Manifest, bytes]] = []
    for seq in range(batches):
        previous = digest(chain[-1][1]) if chain else None
        made = manifest(seq, previous, END_S - SPAN_S + (seq + 1) * SPAN_S / batches, EACH)
        chain.append((made, made.to_bytes()))
    path = store_path(folder, OUTPUT)
    store = Store(path)
    store.begin(*chain[-1])
    making = adding = 0.0
    for seq in reversed(range(batches)):
        began = time.perf_counter()
        found = generated(seq, batches, EACH, world)
        found.batches.append(Folded(chain[seq][0], digest(chain[seq][1]), (700, 1200), END_S))
        making += time.perf_counter() - began
        began = time.perf_counter()
        assert store.add(found)
        adding += time.perf_counter() - began
        if seq % 50 == 0:
            print(f"{seq} batches to go, {adding:.0f} s", file=sys.stderr, flush=True)
    size = sum(file.stat().st_size for file in folder.glob(f"{path.name}*"))
    found_s = {"generating_s": round(making), "adding_s": round(adding)}
    return {"tweets": batches * EACH, **found_s, "bytes": size, "questions_ms": questions(path)}


def questions(path: Path) -> dict[str, float]:
    """The time of each question of the page's first load, and of two ranges."""
    start, until = View(path).extent()
    asked = {
        "column": lambda view: column(view, END_S),
        "totals": lambda view: view.totals(None),
        "series": lambda view: view.series(None),
        "languages": lambda view: view.languages(None, 20),
        "hashtags": lambda view: view.terms("tag", None, 20),
        "words": lambda view: view.words(None, 10),
        "map": lambda view: view.cells(None, 2),
        "map, last day": lambda view: view.cells((until - levels.DAY, until), 2),
        "map, 30 days": lambda view: view.cells((start + 60, start + 30 * levels.DAY), 2),
    }
    times = {}
    for name, ask in asked.items():
        rounds = []
        for _ in range(5):  # the best one: others may want the machine too
            began = time.perf_counter()
            with closing(View(path)) as view:
                ask(view)
            rounds.append(time.perf_counter() - began)
        times[name] = round(min(rounds) * 1000, 1)
    return times


def main() -> None:
    """Run one of the measurements and print its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.views", description=__doc__)
    parser.add_argument("what", choices=("fold", "big", "questions"))
    parser.add_argument("--store", type=Path, default=Path("build/benchmarks/views"))
    parser.add_argument("--tweets", type=int)
    given = parser.parse_args()
    given.store.mkdir(parents=True, exist_ok=True)
    collect_rarely()  # as a follower
    if given.what == "questions":
        found: dict[str, Any] = questions(store_path(given.store, OUTPUT))
    elif given.what == "fold":
        with tempfile.TemporaryDirectory(dir=given.store) as folder:
            found = fold(Path(folder), given.tweets or 200_000)
    else:
        found = big(given.store, given.tweets or 100_000_000)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
