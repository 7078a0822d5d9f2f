"""Each experiment in short: it ends with its table, and the table says what docs/learn.md says."""

import os
import re
import subprocess

import pytest

from tests.conftest import PATIENCE, ROOT, Services


def table(services: Services, name: str) -> list[dict[str, str]]:
    """The rows that the experiment ends with, by their columns."""
    done = subprocess.run(
        [ROOT / "scripts" / "experiment", name, "--short"],
        env={**os.environ, **services.environ},
        capture_output=True,
        text=True,
        timeout=280 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    head, *rows = [re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.mark.long
def test_hand_over(services: Services) -> None:
    *stints, whole = table(services, "hand-over")
    assert [row["approach"] for row in stints] == ["direct", "receiver_based", "direct"]
    assert (whole["lost"], whole["duplicated"]) == ("0", "0") and int(whole["tweets"]) > 300


def test_overload(services: Services) -> None:
    off, on = table(services, "overload")
    waited = [float(off[f"delay, {which}"].split()[0]) for which in ("first", "last")]
    assert waited[0] < waited[1]
    first, last = (int(on[f"records, {which} batch"]) for which in ("first", "last"))
    assert first > last and int(off["records, last batch"]) > last


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["kill-receiver", "kill-in-commit", "add-partitions"])
def test_experiment_with_both_jobs(services: Services, name: str) -> None:
    receiver, direct = table(services, name)
    assert (receiver["approach"], direct["approach"]) == ("receiver_based", "direct")
    for row in (receiver, direct):
        assert (row["lost"], row["duplicated"]) == ("0", "0")
        assert row["published"] == row["in_kafka"] != "0"
    if name != "add-partitions":
        assert direct["delivered again"] == "0"
    if name == "kill-in-commit":
        assert int(receiver["delivered again"]) > 0


@pytest.mark.long
@pytest.mark.timeout(900)
def test_lose_the_log(services: Services) -> None:
    without, with_log = table(services, "lose-the-log")
    assert int(without["lost"]) > 0 and re.match(r"\d:\[\d+, \d+\)", without["lost ranges"])
    assert (with_log["lost"], with_log["lost ranges"]) == ("0", "-")
