"""A source written in Python, RabbitMQ's, killed under load on every side: none missing, and twice
only what RabbitMQ had no acknowledgement of. SOURCE_KILLS says how often (each kind)."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Services
from tests.kit.clusters import on_two_hosts
from tests.kit.faults.results import machine
from tests.kit.faults.slices import where
from tests.kit.faults.source_kills import WINDOW, Attack, merged
from tests.kit.rabbitmq import rabbitmq

KILLS = int(os.environ.get("SOURCE_KILLS", "100"))
SLICES = ROOT / "build" / "fault" / "sources"
RESULTS = ROOT / "docs" / "results" / "source-kills.json"
pytestmark = [pytest.mark.long, pytest.mark.timeout(7200)]


def write_down(kind: str, figures: dict[str, Any]) -> None:
    """Keep this slice, and put the sum of all slices of its kind into the results file."""
    begun = {**where(), **figures}
    SLICES.mkdir(parents=True, exist_ok=True)
    (SLICES / f"{kind}-{begun['date'].replace(':', '')}.json").write_text(json.dumps(begun))
    kinds = json.loads(RESULTS.read_text())["kinds"] if RESULTS.exists() else {}
    kinds[kind] = merged([json.loads(file.read_text()) for file in SLICES.glob(f"{kind}-*.json")])
    about = {"made_by": f"{Path(__file__).relative_to(ROOT)}", "machine": machine()}
    RESULTS.write_text(json.dumps({**about, "kinds": dict(sorted(kinds.items()))}, indent=1) + "\n")


def attack(kind: str, folder: Path, **more: Any) -> None:
    """The attack; its figures are written down, whatever they are, and then judged."""
    with rabbitmq(folder / "broker") as broker:
        under = Attack(kind, broker, folder / "application", **more)
        under.folder.mkdir()
        begun = time.monotonic()
        try:
            figures = under.run(KILLS)
        except BaseException:
            print(json.dumps(under.figures(time.monotonic() - begun)))
            raise
    write_down(kind, figures)
    assert figures["lost"] == 0, figures
    if kind != "broker":  # a killed broker may have forgotten that it has delivered a message
        assert figures["again_without_the_brokers_word"] == 0, figures
    assert figures["delivered_again"] <= 2 * WINDOW * KILLS, figures


@pytest.mark.parametrize("kind", ["worker", "driver", "broker"])
def test_kills(tmp_path: Path, kind: str) -> None:
    attack(kind, tmp_path)


def test_a_source_that_acknowledges_too_early_is_convicted(tmp_path: Path) -> None:
    with rabbitmq(tmp_path / "broker") as broker:
        under = Attack("worker", broker, tmp_path / "application", bug="early")
        under.folder.mkdir()
        assert under.run(8)["lost"] > 0


def test_kills_of_executors(services: Services, tmp_path: Path) -> None:
    """On a standalone cluster of two Workers."""
    with on_two_hosts(services) as cluster:
        attack("executor", tmp_path, options=cluster.options, environ=cluster.environ)
