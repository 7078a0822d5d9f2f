"""How the direct job's figures change with the backlog, the size of a message, the partitions and the batch interval."""

import sys
from typing import Any

from benchmarks.contenders import ALL
from benchmarks.figures import medians
from benchmarks.measure import Run
from benchmarks.stage import Stage

# sweep: tweets, partitions, bytes of padding, and the job's flags of each of its cases
Case = tuple[int, int, int, tuple[str, ...]]
SWEEPS: dict[str, dict[str, Case]] = {
    "backlog, tweets": {f"{count}": (count, 6, 0, ()) for count in (10_000, 100_000, 1_000_000)},
    "padding, bytes": {f"{size}": (50_000, 6, size, ()) for size in (0, 1_000, 4_000, 16_000)},
    "partitions": {f"{partitions}": (200_000, partitions, 0, ()) for partitions in (1, 3, 6, 24)},
    "batch interval, s": {f"{seconds}": (200_000, 6, 0, ("--batch-interval-s", f"{seconds}")) for seconds in (0.5, 1, 2, 5)},
}


def run(stage: Stage, rounds: int, start_tweets: int) -> dict[str, dict[str, Any]]:
    """Medians of each case, the cases of a sweep in turn; rows are counted, not compared."""
    direct, out = ALL[0], {}
    for sweep, cases in SWEEPS.items():
        topics = {case[1:3]: stage.topic(start_tweets, *case[1:3]) for case in cases.values()}
        topics |= {case[:3]: stage.topic(*case[:3]) for case in cases.values()}
        starts: dict[str, list[Run]] = {name: [] for name in cases}
        runs: dict[str, list[Run]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, case in cases.items():
                starts[name].append(stage.run(direct, topics[case[1:3]], case[3]))
                runs[name].append(stage.run(direct, topics[case[:3]], case[3]))
        out[sweep] = {name: medians(starts[name], runs[name]) for name in cases}
        print(f"{sweep}: {out[sweep]}", file=sys.stderr, flush=True)
    return out
