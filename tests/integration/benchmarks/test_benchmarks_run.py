"""Each benchmark that needs services, once, over a few tweets. No figure is asserted, only that
there is one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import connector
from tests.conftest import ROOT, Services


def run(services: Services, *command: str) -> str:
    """What the command writes to its standard output; it finds the tests' services and must end
    with 0."""
    environ = {**os.environ, **services.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    return done.stdout


def module(services: Services, name: str, *arguments: str) -> str:
    return run(services, sys.executable, "-m", f"benchmarks.{name}", *arguments)


def figures(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.long
def test_the_contenders_race(services: Services, tmp_path: Path) -> None:
    results = tmp_path / "jobs.json"
    few = ("--tweets", "1500", "--slow-tweets", "1000", "--rounds", "1", "--partitions", "2")
    said = module(services, "__main__", *few, "--only", "direct, ours", "--results", str(results))
    assert said.startswith("| contender | scorer |")
    (row,) = figures(results)["contenders"]
    # 500 tweets more may cost no measurable time: then that is the only complaint, and the rows
    # were compared.
    assert (
        set(row["failures"]) <= {"too few tweets to tell them from its start"} and row["runs"] == 1
    ), row


def test_latency(services: Services) -> None:
    few = ("--rate", "50", "--seconds", "2", "--warm-up-s", "0", "--jobs", "direct")
    found = json.loads(module(services, "latency", *few))["jobs"]["direct"]
    assert 0 < found["tweets"] <= 100 and found["max_s"] > 0


def test_exactly_once(services: Services) -> None:
    said = run(
        services,
        str(ROOT / "scripts" / "submit"),
        str(ROOT / "benchmarks" / "exactly_once.py"),
        "900",
    )
    found = json.loads(said[said.index("\n{\n") :])
    assert found["exactly_once"]["batches"] > 0 < found["plain"]["batches"]


def test_the_producer(services: Services, tmp_path: Path) -> None:
    results = tmp_path / "producer.json"
    module(services, "producers", "--records", "300", "--rounds", "1", "--results", str(results))
    assert figures(results)["ratio_to_plain"]["kafka_python_plain_loop"] == 1


@pytest.mark.long
@pytest.mark.timeout(900)  # the first time it fetches what the peers need
def test_the_connector(services: Services, tmp_path: Path) -> None:
    results = tmp_path / "connector.json"
    few = ("--records", "3000", "--rounds", "1", "--bootstrap", services.bootstrap)
    module(services, "connector", *few, "--results", str(results))
    small, large = figures(results)["results"]
    assert (small["value_bytes"], large["value_bytes"]) == tuple(connector.SHARE)


@pytest.mark.long
@pytest.mark.timeout(1200)  # the first time it fetches PySpark 3.5
def test_the_connector_on_spark_3_5(services: Services, tmp_path: Path) -> None:
    results = tmp_path / "connector.json"
    few = ("--records", "3000", "--rounds", "1", "--bootstrap", services.bootstrap)
    module(services, "connector_on_3_5", *few, "--results", str(results))
    for found in figures(results)["results"]:
        assert "kafka_utils/zero_ten" in found["ratios"]


def test_the_audit(services: Services, tmp_path: Path) -> None:
    results = tmp_path / "audit.json"
    module(services, "audit", "--records", "300", "900", "--batch", "90", "--results", str(results))
    assert [(row["records"], row["batches"]) for row in figures(results)["audits"]] == [
        (300, 4),
        (900, 10),
    ]


@pytest.mark.long
@pytest.mark.timeout(900)  # the first time it fetches what the peers need
def test_the_floor(services: Services, tmp_path: Path) -> None:
    results = tmp_path / "floor.json"
    few = ("--tweets", "3000", "--rounds", "1", "--results", str(results))
    assert "| together |" in module(services, "floor", *few)
    found = figures(results)
    assert set(found["steps_us"]) == {"frames", "in_python", "lines", "written", "job"}
    assert found["parts_us"]["score"] > 0 < found["gzipped_bytes"]


@pytest.mark.long
def test_the_stream_over_the_output(services: Services) -> None:
    script = str(ROOT / "benchmarks" / "published_stream.py")
    said = run(services, str(ROOT / "scripts" / "submit"), script, "1", "30")
    found = {line.partition(" ")[0]: line.partition(" ")[2] for line in said.splitlines()}
    for batches in ("1", "30"):
        assert json.loads(found[batches])["published_tweets"]["first_trigger_s"] > 0


@pytest.mark.long  # fetches Flume's jars
def test_sources(services: Services, tmp_path: Path) -> None:
    results = tmp_path / "sources.json"
    said = module(services, "sources", "--scale", "0.005", "--results", str(results))
    found = figures(results)["sources"]
    assert list(found) == ["trivial", "MQTT", "RabbitMQ", "Flume"] and "| Flume |" in said
    assert all(row["log_off"] > 0 < row["log_on"] for row in found.values())
    assert all(found[name]["library_alone"] > 0 for name in ("MQTT", "RabbitMQ", "Flume"))
