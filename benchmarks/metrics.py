"""What --metrics costs: the share of a core that an idle direct job takes, with its figures looked
up every ten seconds and scraped every fifteen, and without, side by side.

    .venv/bin/python -m benchmarks.metrics [SECONDS]

An idle job, because what it costs does not grow with the tweets: a batch adds some counters. Needs
the services (scripts/services start) on their usual ports, or the TWEETS_ variables.
"""

import json
import os
import sys
import time
import urllib.request
import uuid
from pathlib import Path

from benchmarks.machine import about
from benchmarks.measure import Watch
from benchmarks.price import topic_of
from config.venv import ROOT

FILE = Path(__file__).with_name("results") / "metrics.json"
ADDRESS = "127.0.0.1:9400"
WARM_S, SCRAPE_S = 60, 15


def idle(topic: str, *options: str) -> Watch:
    """The direct job, which soon has nothing to do."""
    output = f"{os.environ['TWEETS_OUTPUT'].split('/tweets/')[0]}/metrics/{uuid.uuid4().hex}"
    command = [str(ROOT / "scripts" / "submit"), "direct", "--topic", topic, "--output", output]
    return Watch([[*command, "--batch-interval-s", "10", *options]], 0, os.environ, ROOT)


def scraped(seconds: float) -> int:
    """Ask for the figures as Prometheus does; the size of the last answer in bytes."""
    size, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        with urllib.request.urlopen(f"http://{ADDRESS}/metrics") as answer:
            size = len(answer.read())
        time.sleep(SCRAPE_S)
    return size


def main() -> None:
    """Run both and print the difference."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 300.0
    topic = topic_of(100, os.environ)
    jobs = {"without": idle(topic), "with": idle(topic, "--metrics", ADDRESS)}
    try:
        time.sleep(WARM_S)
        before = {name: job.sessions.sample() for name, job in jobs.items()}
        began = time.monotonic()
        size = scraped(seconds)
        took = time.monotonic() - began
        cores = {name: (job.sessions.sample() - before[name]) / took for name, job in jobs.items()}
    finally:
        for job in jobs.values():
            job.finish(0)
    percent = {name: round(100 * value, 2) for name, value in cores.items()}
    percent["metrics"] = round(100 * (cores["with"] - cores["without"]), 2)
    report = {"machine": about(), "percent_of_a_core": percent, "bytes_of_an_answer": size}
    FILE.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(percent))


if __name__ == "__main__":
    main()
