"""What a million tweets cost the direct job, in core-seconds, by several ways in turn: what
distribution.py, secured.py, metrics.py and job_start.py share."""

import json
import statistics
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.machine import about
from benchmarks.measure import Run, Watch
from config.venv import PYTHON, ROOT

FEW = 20_000
LIMIT_S = 900.0


def topic_of(tweets: int, environ: Mapping[str, str]) -> str:
    """A new topic with this number of invented tweets."""
    topic = f"price-{uuid.uuid4().hex[:8]}"
    line = [str(PYTHON), "-m", "producer", "--source", "sample", "--max-posts", str(tweets)]
    line += ["--topic", topic]
    subprocess.run(line, cwd=ROOT, env=dict(environ), check=True, stdout=subprocess.DEVNULL)
    return topic


def run(
    options: list[str],
    topic: str,
    tweets: int,
    environ: Mapping[str, str],
    *more: str,
    daemons: Sequence[int] = (),
) -> Run:
    """The direct job until all of the topic is published, with `options` of spark-submit and `more`
    of its own; its CPU seconds hold those that the `daemons` take meanwhile. Raises SystemExit
    when it does not publish all."""
    root = environ["TWEETS_OUTPUT"].split("/tweets/")[0]
    job = ["direct", "--topic", topic, "--output", f"{root}/price/{uuid.uuid4().hex}", *more]
    watch = Watch([[str(ROOT / "scripts" / "submit"), *options, *job]], tweets, environ, ROOT)
    watch.sessions.leaders.update(daemons)
    before = watch.sessions.sample()
    done = watch.finish(LIMIT_S)
    if done.failure:
        sys.exit(f"error: {' '.join(options)}: {done.failure}\n" + "\n".join(done.said[-10:]))
    done.cpu_s -= before
    return done


def spent(
    options: list[str],
    topic: str,
    tweets: int,
    environ: Mapping[str, str],
    daemons: Sequence[int] = (),
) -> float:
    """CPU seconds of such a run that ends with the topic."""
    return run(options, topic, tweets, environ, "--available-now", daemons=daemons).cpu_s


def in_turn(
    ways: Mapping[str, Callable[[int], float]], tweets: int, rounds: int
) -> dict[str, list[float]]:
    """Core-seconds per million tweets of each way, called with FEW tweets and with many."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way(FEW)  # compiles what is not compiled yet
    for _ in range(rounds):
        for name, way in ways.items():
            few = way(FEW)
            million = (way(tweets) - few) / (tweets - FEW) * 1e6
            found[name].append(round(million, 1))
            print(f"{name:<16} {million:8.1f} core-seconds per million tweets", flush=True)
    return found


def reported(file: Path, found: Mapping[str, list[float]], tweets: int, name: str) -> None:
    """Write the figures down; `name` is the way that the others are compared with."""
    median = {way: statistics.median(values) for way, values in found.items()}
    times = {way: round(value / median[name], 2) for way, value in median.items()}
    report = {
        "machine": about(),
        "tweets": tweets,
        "core_s_per_million": found,
        f"times_{name}": times,
    }
    file.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(times))


def numbers(words: Sequence[str]) -> tuple[int, int]:
    """TWEETS and ROUNDS of a command line."""
    given = [int(word) for word in words]
    return given[0] if given else 300_000, given[1] if len(given) > 1 else 3
