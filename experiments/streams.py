"""The experiments with small streams: overload, and a receiver without its write-ahead log."""

import json
import re
import urllib.request
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from experiments.lab import HOST, Lab, Program, pause, say, unused_port
from experiments.ranges import as_ranges

SCRIPTS = "experiments/scripts"
Rows = list[dict[str, Any]]


def overload(lab: Lab) -> Rows:
    """Give a stream twice the records that it can count, without backpressure and with it."""
    topic = lab.make_topic()
    lab.publish(topic, lab.size(20_000, 4_000))
    rows = []
    for backpressure in (False, True):
        port = unused_port()
        conf = {
            "spark.streaming.backpressure.enabled": str(backpressure).lower(),
            "spark.streaming.backpressure.initialRate": "300",
            "spark.streaming.backpressure.pid.minRate": "30",
            "spark.streaming.kafka.maxRatePerPartition": "200",
            "spark.ui.port": str(port),
        }
        words = [word for name, value in conf.items() for word in ("--conf", f"{name}={value}")]
        script = [f"{SCRIPTS}/slow_count.py", lab.bootstrap, topic]
        stream = lab.start("slow_count", ["scripts/submit", *words, *script])
        say(f"look at: scheduling delay on http://{HOST}:{port}/streaming/")
        batches = watched(stream, port, lab.size(25, 4))
        stream.kill()
        first, last = batches[0], batches[-1]
        rows.append(
            {
                "backpressure": "on" if backpressure else "off",
                "batches done": len(batches),
                "records, first batch": first["inputSize"],
                "records, last batch": last["inputSize"],
                "delay, first": seconds(first["schedulingDelay"]),
                "delay, last": seconds(last["schedulingDelay"]),
            }
        )
    return rows


def watched(stream: Program, port: int, number: int) -> list[dict[str, Any]]:
    """The first `number` completed batches that have records, by Spark's own page; each new one is
    said."""
    stream.until(lambda said: "Time:" in said, "a first batch")
    address = f"http://{HOST}:{port}/api/v1/applications"
    with urllib.request.urlopen(address) as answer:
        address += f"/{json.load(answer)[0]['id']}/streaming/batches"
    seen: dict[int, dict[str, Any]] = {}
    while len(seen) < number:
        with urllib.request.urlopen(address) as answer:
            found = json.load(answer)
        for batch in reversed(found):  # Spark's order is newest first
            done = batch["status"] == "COMPLETED" and batch["inputSize"]
            if done and batch["batchId"] not in seen:
                seen[batch["batchId"]] = batch
                delay, took = batch["schedulingDelay"], batch["processingTime"]
                say(
                    f"{batch['inputSize']:5} records  waited {seconds(delay)}  took {seconds(took)}"
                )
        pause(0.5)
    return [seen[number] for number in sorted(seen)]


def seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"


def lose_the_log(lab: Lab) -> Rows:
    """Kill a classic receiver without a write-ahead log, then one with it, and look for every
    offset in what they wrote."""
    say("look at: Kafka was told that the records are stored; without the log nobody has them")
    rows = []
    for log in (False, True):
        name = "with-log" if log else "without-log"
        topic, file = lab.make_topic(f"-{name}"), lab.folder / f"{name}.txt"
        checkpoint = [(lab.folder / f"{name}-checkpoint").as_uri()] if log else []
        command = ["scripts/submit", f"{SCRIPTS}/receive.py", lab.bootstrap, topic, file]
        total = lab.size(6_000, 900)
        lab.publish(topic, total)
        stream = lab.start(name, [*command, *checkpoint])
        with lab.publishing(topic, 200):
            stream.until(lambda said: len(re.findall(r"wrote [1-9]", said)) >= 2, "two batches")
            stream.kill()
            pause(3)  # these records come last, and only to the second start
        end = wanted(lab, topic)
        stream = lab.start(name, [*command, *checkpoint])
        stream.until(partial(all_last_ones, file, end), "the last records are written")
        stream.kill()
        rows.append({"write-ahead log": "on" if log else "off", **counted(file, end)})
    return rows


def wanted(lab: Lab, topic: str) -> set[tuple[int, int]]:
    """Every (partition, offset) that Kafka has."""
    found = lab.offsets(topic)
    return {(part, offset) for part, end in found.items() for offset in range(end)}


def written(file: Path) -> Counter[tuple[int, int]]:
    """How often the stream wrote each (partition, offset)."""
    lines = file.read_text().splitlines() if file.exists() else []
    return Counter((int(part), int(offset)) for part, offset in map(str.split, lines))


def all_last_ones(file: Path, end: set[tuple[int, int]], _said: str) -> bool:
    """Whether the last record of each partition is written."""
    lasts: dict[int, int] = {}
    for part, offset in end:
        lasts[part] = max(offset, lasts.get(part, 0))
    return lasts.items() <= written(file).keys()


def counted(file: Path, end: set[tuple[int, int]]) -> dict[str, Any]:
    """The judge of this experiment: what Kafka has against what was written."""
    found = written(file)
    lost = sorted(end - found.keys())
    if lost:
        say(f"lost: {' '.join(as_ranges(lost))}")
    return {
        "in Kafka": len(end),
        "written": len(found),
        "lost": len(lost),
        "twice": sum(1 for times in found.values() if times > 1),
        "lost ranges": " ".join(as_ranges(lost)[:3]) + " …" * (len(as_ranges(lost)) > 3) or "-",
    }
