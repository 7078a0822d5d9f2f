"""Which room may import what: docs/architecture.md as a test. A room is a module, a folder of
modules, or a script."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT

SPARK, LINES = {"pyspark", "py4j"}, {"msgspec"}
NUMBERS, COMPILER = {"numpy"}, {"numba", "llvmlite"}
ERRORS = {"config.errors"}

# room: what it may import of ours, and of other people's beside the standard library
ROOMS: dict[str, tuple[set[str], set[str]]] = {
    "config": ({"config"}, {"tomli", "dotenv"}),
    "monitoring": (ERRORS | {"monitoring"}, {"prometheus_client"}),
    # config loads these three by name: they may import nothing but config
    "producer.settings": ({"config"}, set()),
    "consumers.driver.settings": ({"config"}, set()),
    "units.settings": ({"config"}, set()),
    "local.settings": ({"config"}, set()),
    "producer.sources": (
        ERRORS | {"config.references", "config.settings", "producer.sources"},
        LINES | {"tweepy", "requests", "websockets", "tomli", "paho"},
    ),
    "producer.spool": (ERRORS | {"producer.spool"}, set()),
    "producer.publishing": (
        ERRORS
        | {"config.access", "config.references", "config.settings"}
        | {"producer.publishing", "producer.spool"},
        LINES | {"confluent_kafka"},
    ),
    "producer.stopping": (set(), set()),
    "producer.report": (set(), {"rich"}),
    "producer.opening": ({"config", "producer.sources"}, set()),
    "producer.figures": ({"monitoring", "producer.report"}, {"prometheus_client"}),
    "producer.run": (
        {"config", "producer.opening", "producer.report", "producer.stopping", "producer.figures"}
        | {"producer.publishing", "producer.sources", "producer.spool"},
        set(),
    ),
    "producer.doctor": (
        {"config", "producer.doctor", "producer.opening", "producer.run"}
        | {"producer.publishing", "producer.sources", "producer.spool"},
        {"hdfs_native"},
    ),
    "producer.help": ({"config", "producer.settings"}, set()),
    "producer.__main__": ({"config", "monitoring", "producer"}, set()),
    "producer": (set(), set()),
    "connector": ({"kafka_dstreams", "kafka_dstreams_hook"}, SPARK | {"fastavro", "paho"}),
    "consumers.compiled": ({"consumers.compiled"}, COMPILER | NUMBERS),
    "consumers.sentiment": (
        {"consumers.compiled", "consumers.sentiment"},
        LINES | {"vaderSentiment"} | COMPILER | NUMBERS,
    ),
    "consumers.tweets": (
        {"consumers.compiled", "consumers.sentiment", "consumers.tweets"},
        LINES | COMPILER | NUMBERS,
    ),
    "consumers.output": (ERRORS | {"consumers.output"}, set()),
    "consumers.output.storage": (ERRORS | {"consumers.output"}, SPARK),
    "consumers.driver": (
        {"config", "consumers", "kafka_dstreams", "monitoring"},
        SPARK | {"isal", "prometheus_client"},
    ),
    "consumers.direct": ({"consumers.driver", "kafka_dstreams"}, SPARK),
    "consumers.receiver_based": ({"consumers.driver", "kafka_dstreams"}, SPARK),
    "consumers": (set(), set()),
    "units": (
        {"config", "consumers.output", "consumers.tweets", "monitoring", "units"},
        SPARK | LINES | NUMBERS | {"pyarrow", "isal", "rich", "prometheus_client"},
    ),
    "units.reading": (
        ERRORS | {"consumers.output", "consumers.tweets.row", "units.rows", "views.reading"},
        {"pyarrow"},
    ),
    "units.source": (
        ERRORS | {"consumers.output", "units.reading", "units.rows", "views.reading"},
        SPARK | {"pyarrow"},
    ),
    "views": (
        {"config", "consumers.output", "consumers.tweets", "views"},
        LINES
        | NUMBERS
        | {"hdfs", "hdfs_native", "requests", "urllib3", "isal", "h3", "rich", "PIL", "pyarrow"},
    ),
    "views.page": (
        {"config", "views"},
        NUMBERS | {"starlette", "uvicorn"},
    ),
    "audit": (
        {"audit"},
        LINES | {"hdfs", "hdfs_native", "kafka", "prometheus_client", "pyarrow", "requests"},
    ),  # the judge imports nothing of ours
    "local": ({"config", "local"}, {"kafka", "jgo"}),
    "local.certificates": (set(), {"cryptography"}),
    "local.class_training": (set(), SPARK),
    "local.notebooks": ({"config", "local"}, {"nbclient", "nbformat"}),
    "local.kerberos": ({"config.settings", "local.keytabs"}, {"hdfs_native"}),
    "local.keytabs": (set(), set()),
    "local.masters": ({"config", "consumers.driver.settings", "local"}, set()),
    "local.submit": (
        {"config", "consumers.driver.settings", "local", "monitoring.supervisor", "units.settings"},
        {"pyspark"},
    ),
    "local.stub_servers": (
        {"config.venv", "local.stub_servers", "producer.sources"},
        {"websockets"},
    ),
    "experiments": ({"config", "experiments"}, {"kafka"}),
    "experiments.scripts": ({"kafka_dstreams"}, SPARK),
    "scripts.experiment": ({"config", "experiments"}, set()),
    "scripts.audit": ({"config", "audit"}, set()),
    "scripts.dashboard": ({"config", "views"}, set()),
    "scripts.heatmap": ({"config", "views"}, set()),
    "scripts.services": ({"config", "local"}, set()),
    "scripts.setup": ({"config", "local"}, set()),
    "scripts.submit": ({"config", "local"}, set()),
    "scripts.summary": ({"config", "views"}, set()),
    "scripts.watch": ({"config", "views"}, set()),
}
TREES = (
    "config",
    "monitoring",
    "producer",
    "connector",
    "consumers",
    "units",
    "views",
    "audit",
    "experiments",
    "local",
    "scripts",
)


def sources() -> dict[str, str]:
    """The source of each module of ours by its dotted name."""
    built = {ROOT / "connector" / "setup.py"}  # pip's, not ours to import
    files = [file for tree in TREES for file in (ROOT / tree).rglob("*.py") if file not in built]
    files += [file for file in (ROOT / "scripts").iterdir() if file.is_file() and not file.suffix]
    return {name_of(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in files}


def name_of(path: Path) -> str:
    """`consumers/sentiment/__init__.py` is consumers.sentiment."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(known: set[str]) -> set[str]:
    """Every name under which one of ours is imported: connector/ is on the path itself."""
    return known | {name.partition(".")[2] for name in known if name.startswith("connector.")}


def imported(source: str, ours: set[str]) -> Iterator[tuple[int, str]]:
    """Line and name of each module that the source imports, wherever in it; `from a import b` is
    a.b where that is a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")  # a relative import is no room's
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield node.lineno, full if full in ours else base


def room_of(module: str) -> str | None:
    """The smallest room that the module is in."""
    return max((room for room in ROOMS if within(module, room)), key=len, default=None)


def within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def violations(tree: dict[str, str]) -> list[str]:
    """Each import of these modules that their room may not have."""
    ours, found = modules(set(tree)), []
    for module, source in sorted(tree.items()):
        room = room_of(module)
        if room is None:
            found.append(f"{module} is in no room")
            continue
        own, others = ROOMS[room]
        for line, name in imported(source, ours):
            top = name.partition(".")[0]  # empty for a relative import, which no room allows
            is_ours = top in {known.partition(".")[0] for known in ours}
            if (
                not any(within(name, allowed) for allowed in own)
                if is_ours
                else top not in others | sys.stdlib_module_names
            ):
                found.append(f"{module}:{line} imports {name}, which {room} may not")
    return found


def test_every_room_imports_what_it_may() -> None:
    assert violations(sources()) == []


def test_every_room_is_there() -> None:
    known = set(sources())
    assert [room for room in ROOMS if not any(within(module, room) for module in known)] == []


def test_no_circle() -> None:
    """The rooms stand in floors: what a room imports never imports the room."""
    tree = sources()
    ours, arrows = modules(set(tree)), {}
    for module, source in tree.items():
        room = room_of(module)
        met = {room_of(name) or room_of(f"connector.{name}") for _, name in imported(source, ours)}
        arrows.setdefault(room, set()).update(met - {room, None})
    TopologicalSorter(arrows).prepare()  # raises CycleError


def test_the_producer_and_the_consumers_never_meet() -> None:
    """Whatever the table says: the topic is their only contract."""
    for module, source in sources().items():
        names = {name.partition(".")[0] for _, name in imported(source, modules(set(sources())))}
        assert not (
            within(module, "producer")
            and names & {"consumers", "kafka_dstreams", "pyspark", "py4j"}
        ), module
        assert not (
            within(module, "consumers") and names & {"producer", "kafka", "tweepy", "hdfs"}
        ), module
        assert not (
            within(module, "connector") and names & {"config", "producer", "consumers", "scripts"}
        ), module


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("producer.publishing.publisher", "import tweepy"),
        ("producer.sources.replay", "from kafka import KafkaProducer"),
        ("producer.publishing.ledger", "from consumers import manifests"),
        ("connector.kafka_dstreams.frames", "from config.errors import ConfigError"),
        ("connector.kafka_dstreams.streams", "def late():\n    import consumers.tweets"),
        ("consumers.output.commits", "from pyspark import SparkContext"),
        ("consumers.output.commits", "from consumers import tweets"),
        ("consumers.output.commits", "from consumers.driver.batches import Job"),
        ("consumers.output.commits", "from ..driver import batches"),
        ("consumers.output.manifests", "from config import settings"),
        ("consumers.compiled.jit", "from consumers.sentiment import lexicon"),
        ("consumers.tweets", "import pyspark"),
        ("consumers.tweets.lines", "from kafka_dstreams import layout"),
        ("consumers.direct", "import requests"),
        ("audit.__main__", "from consumers.output.manifests import Manifest"),
        ("views.summary", "from pyspark.sql import SparkSession"),
        ("views.watch", "from consumers.driver.batches import Job"),
        ("consumers.output.commits", "from views.store.frontier import Store"),
        ("audit.rows", "import views.reading"),
        ("somewhere.new", "import os"),
    ],
)
def test_a_planted_import_is_found(module: str, line: str) -> None:
    planted = {**sources(), module: f"{line}\n"}
    assert [found for found in violations(planted) if found.startswith(module)]


def test_no_file_or_folder_has_the_name_of_a_library() -> None:
    """spark-submit puts the script's folder first on the import path: such a file would hide the
    library.

    config/venv.py may: no program lies in config, so that folder is never on the path itself.
    """
    installed = {"hdfs", "kafka", "pyspark", "tomli", "tweepy"} | {
        name.lower()
        for name, given_by in packages_distributions().items()
        if set(given_by) != {"tweets-to-hdfs"}  # built or installed, it is this project
    }
    taken = (sys.stdlib_module_names | installed) - {"__main__"}
    for module in set(sources()) - {"config.venv"}:
        for part in module.split("."):
            assert part.lower() not in taken, f"{module} hides the library {part}"
