"""The figures of some runs. All is counted from a program's start, and the cost of a start is then
subtracted."""

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.measure import Run

LEAST = 0.1  # what the further tweets must add to the start's time to be told from its noise


def medians(starts: Sequence[Run], runs: Sequence[Run]) -> dict[str, Any]:
    """Throughput from the difference of medians between runs over many tweets and runs over few: (N
    - n) / (T - t).

    So imports, compilation, the JVM's start and a first batch's wait are in `start_s` alone,
    however much of them a contender has. `tweets_per_core_s_of` has the least and the most of the
    single runs.
    """
    failures = sorted({run.failure for run in [*starts, *runs] if run.failure})
    starts, runs = (
        [run for run in starts if not run.failure],
        [run for run in runs if not run.failure],
    )
    if not starts or not runs:
        return {"failures": failures}
    start_s, start_cpu_s = (
        statistics.median(run.seconds for run in starts),
        statistics.median(run.cpu_s for run in starts),
    )
    whole_s, whole_cpu_s = (
        statistics.median(run.seconds for run in runs),
        statistics.median(run.cpu_s for run in runs),
    )
    seconds, cpu_s, more = (
        whole_s - start_s,
        whole_cpu_s - start_cpu_s,
        runs[0].rows - starts[0].rows,
    )
    measured = {
        "failures": failures,
        "runs": len(runs),
        "start_s": round(start_s, 1),
        "start_cpu_s": round(start_cpu_s, 1),
        "whole_s": round(whole_s, 1),
        "whole_cpu_s": round(whole_cpu_s, 1),
        "peak_mib": round(statistics.median(run.peak_bytes for run in runs) / 2**20),
    }
    if seconds < LEAST * start_s or cpu_s < LEAST * start_cpu_s:
        return measured | {"failures": [*failures, "too few tweets to tell them from its start"]}
    spread = sorted(round(more / (run.cpu_s - start_cpu_s)) for run in runs)
    return measured | {
        "tweets_per_s": round(more / seconds),
        "tweets_per_core_s": round(more / cpu_s),
        "tweets_per_core_s_of": [spread[0], spread[-1]],
    }
