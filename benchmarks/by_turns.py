"""Ways to read a topic, measured by turns in one Spark job: what connector_reads.py and
connector_reads_3_5.py share. On the driver only."""

import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark import SparkContext

HERTZ = os.sysconf("SC_CLK_TCK")


def cpu_seconds(sc: SparkContext) -> float:
    """Processor time so far of the JVM and of Spark's Python workers, which are its descendants."""
    jvm = sc._jvm.java.lang.ProcessHandle.current()  # type: ignore[union-attr]
    pids = [
        jvm.pid(),
        *(child.pid() for child in jvm.descendants().toList() if child.pid() != os.getpid()),
    ]
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / HERTZ


def measure(
    sc: SparkContext, topic: str, count: int, ways: dict[str, Callable[[str], int]], rounds: int
) -> dict[str, Any]:
    """Each way once per round, in another order each time; one round before these warms up.
    Medians. A way gives the sum of the lengths of the topic's `count` values."""
    wanted = {name: way(topic) for name, way in ways.items()}
    assert len(set(wanted.values())) == 1, wanted
    wall: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in random.Random(number).sample(list(ways), len(ways)):
            before, begun = cpu_seconds(sc), time.perf_counter()
            assert ways[name](topic) == wanted[name]
            wall[name].append(time.perf_counter() - begun)
            cpu[name].append(cpu_seconds(sc) - before)
    rows = {
        name: {
            "records_per_s": round(count / statistics.median(wall[name])),
            "records_per_cpu_s": round(count / statistics.median(cpu[name])),
            "cpu_s_per_million": round(1e6 * statistics.median(cpu[name]) / count, 3),
        }
        for name in ways
    }
    size = next(iter(wanted.values())) // count
    return {"topic": topic, "records": count, "value_bytes": size, "rounds": rounds, "ways": rows}
