"""The page beside the real jobs, on services that run:

    python -m benchmarks.views_jobs shown [--seconds S] [--rate N]
    python -m benchmarks.views_jobs direct [--rounds N] [--tweets N]

`shown` runs both jobs on one topic while a producer publishes at a rate, and measures the time from
the rename of each batch to its number on the page. `direct` runs the direct job over one topic with
and without the page open, in turn.
"""

import argparse
import getpass
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from hdfs import InsecureClient

from benchmarks.measure import Run, Watch
from benchmarks.views_page import WATCH, delays, served
from config.venv import PYTHON, ROOT
from tests.kit.browsing import chromium
from views.reading import Published

JOBS = ("direct", "receiver_based")
BASE = os.environ.get("TWEETS_OUTPUT", "hdfs://127.0.0.1:8020/tweets/{program}").rpartition("/")[0]
LOOK_S, WARM_S, LAST_S = 0.1, 20.0, 10.0


def produce(topic: str, tweets: int, *arguments: str) -> subprocess.Popen[bytes]:
    """A producer of sample tweets, under way."""
    command = [str(PYTHON), "-m", "producer", "--source", "sample", "--topic", topic]
    command += ["--max-posts", str(tweets), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


@contextmanager
def running(topic: str, output: str) -> Iterator[None]:
    """Both jobs, until the end of the block."""
    submit = [str(ROOT / "scripts" / "submit")]
    jobs = [
        subprocess.Popen(
            [*submit, job, "--topic", topic, "--output", f"{output}/{job}"],
            stdout=sys.stderr,
        )
        for job in JOBS
    ]
    try:
        yield
    finally:
        for job in jobs:
            job.terminate()
        for job in jobs:
            job.wait()


class Renames(threading.Thread):
    """When each batch of an output was renamed to its place: the folder's own time of change, which
    is read more often than it changes."""

    def __init__(self, published: Published) -> None:
        super().__init__(daemon=True)
        self.published, self.at_ms, self.stop = published, dict[int, float](), threading.Event()

    def run(self) -> None:
        client = InsecureClient(self.published.webhdfs, user=getpass.getuser())
        folder = f"{self.published.path}/batches/0000000"
        while not self.stop.wait(LOOK_S):
            with suppress(Exception):  # it is asked again
                found = client.status(folder)
                self.at_ms.setdefault(found["childrenNum"] - 1, found["modificationTime"])

    def by_count(self) -> dict[str, float]:
        """The times by the output's number of tweets after each batch."""
        total, out = 0, {}
        for seq in range(max(self.at_ms) + 1):
            found = self.published.manifest(seq)
            assert found
            total += found[0].counts["tweets"]
            if seq in self.at_ms:
                out[str(total)] = self.at_ms[seq]
        return out


def shown(seconds: float, rate: int) -> dict[str, Any]:
    """Milliseconds from rename to page, in both outputs, at this many tweets per second."""
    topic = f"shown-{uuid.uuid4().hex[:8]}"
    output = f"{BASE}/{topic}"
    produce(topic, rate).wait()
    webhdfs = ["--webhdfs", os.environ["TWEETS_WEBHDFS"]] if "TWEETS_WEBHDFS" in os.environ else []
    named = [word for job in JOBS for word in ("--output", f"{output}/{job}")]
    watches = [Renames(Published(f"{output}/{job}")) for job in JOBS]
    with (
        tempfile.TemporaryDirectory() as folder,
        chromium() as browser,
        served(Path(folder), *named, *webhdfs) as (url, _),
        running(topic, output),
    ):
        page = browser.new_page()
        page.goto(url)
        for job in JOBS:
            first = f'[data-output="{job}"][data-tweets="{rate}"]'
            page.locator(first).wait_for(timeout=600_000)
        producer = produce(topic, int(rate * (seconds + WARM_S)), "--rate", str(rate))
        page.wait_for_timeout(WARM_S * 1000)
        page.evaluate(WATCH)
        for watch in watches:
            watch.start()
        while producer.poll() is None:
            page.wait_for_timeout(200)
        page.wait_for_timeout(LAST_S * 1000)
        for watch in watches:
            watch.stop.set()
        seen = page.evaluate("() => window.seen")
        found = {
            job: delays(seen[job], watch.by_count())
            for job, watch in zip(JOBS, watches, strict=True)
        }
    return {"tweets_per_second": rate, **found}


def one(topic: str, tweets: int, output: str) -> Run:
    """One run of the direct job over the topic."""
    command = [str(ROOT / "scripts" / "submit"), "direct", "--topic", topic, "--output", output]
    return Watch([[*command, "--available-now"]], tweets, os.environ, ROOT).finish(1200)


def direct(rounds: int, tweets: int) -> dict[str, Any]:
    """Tweets per second of the direct job with and without the page open, in turn."""
    topic = f"beside-{uuid.uuid4().hex[:8]}"
    produce(topic, tweets).wait()
    rates: dict[bool, list[float]] = {False: [], True: []}
    for number in range(2 * rounds):
        open_, output = bool(number % 2), f"{BASE}/{topic}/{number}/direct"
        with ExitStack() as stack:
            if open_:
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                browser = stack.enter_context(chromium())
                page = browser.new_page()
                page.goto(stack.enter_context(served(Path(folder), "--output", output))[0])
            run = one(topic, tweets, output)
        print(f"page {'open' if open_ else 'closed'}: {run}", file=sys.stderr, flush=True)
        assert run.failure is None, run.failure
        rates[open_].append(tweets / run.seconds)
    without, with_page = (float(np.median(rates[open_])) for open_ in (False, True))
    return {
        "tweets": tweets,
        "rounds": rounds,
        "without_page": round(without),
        "with_page": round(with_page),
        "share": round(with_page / without, 3),
    }


def main() -> None:
    """Run one of the measurements and print its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.views_jobs", description=__doc__)
    parser.add_argument("what", choices=("shown", "direct"))
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tweets", type=int, default=200_000)
    given = parser.parse_args()
    began = time.time()
    if given.what == "shown":
        found = shown(given.seconds, given.rate)
    else:
        found = direct(given.rounds, given.tweets)
    load = os.getloadavg()[2]
    print(
        json.dumps(found | {"took_s": round(time.time() - began), "load": round(load, 1)}, indent=2)
    )


if __name__ == "__main__":
    main()
