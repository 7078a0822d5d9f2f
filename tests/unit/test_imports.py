"""Which room may import what: docs/architecture.md as a test. A room is a module, a folder of modules, or a script."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT

SPARK, LINES = {"pyspark", "py4j"}, {"msgspec"}
ERRORS = {"config.errors"}
DRIVER = ERRORS | {"config.settings"}

# room: what it may import of ours, and of other people's beside the standard library
ROOMS: dict[str, tuple[set[str], set[str]]] = {
    "config": ({"config"}, {"tomli"}),
    "producer": (ERRORS | {"producer"}, set()),
    "producer.__main__": ({"config", "producer", "scripts.machine.supervisor"}, set()),
    "producer.help": ({"config"}, set()),
    "producer.check": ({"config", "producer"}, set()),
    "producer.check_files": ({"config", "producer"}, set()),
    "producer.check_broker": (ERRORS | {"producer.publisher"}, set()),
    "producer.opening": ({"config", "producer.sources"}, set()),
    "producer.sources": (ERRORS | {"producer.sources"}, LINES | {"tweepy", "requests", "websockets", "tomli"}),
    "producer.ledger": (ERRORS, LINES),
    "producer.run": ({"config", "producer"}, set()),
    "producer.segments": (set(), set()),
    "producer.acknowledged": (set(), set()),
    "producer.spool_folder": (ERRORS | {"producer.segments"}, set()),
    "producer.appending": ({"producer.segments", "producer.spool_folder"}, set()),
    "producer.spool_reading": (ERRORS | {"producer.backlog", "producer.segments"}, set()),
    "producer.spool": (
        ERRORS
        | {"producer.acknowledged", "producer.appending", "producer.backlog", "producer.segments"}
        | {"producer.spool_folder", "producer.spool_reading"},
        set(),
    ),
    "producer.backlog": (set(), set()),
    "producer.sending": (ERRORS | {"producer.backlog", "producer.publisher", "producer.spool"}, set()),
    "producer.refused": (set(), set()),
    "producer.tally": (ERRORS | {"producer.ledger", "producer.spool_folder"}, set()),
    "producer.publisher": (ERRORS | {"producer.refused", "producer.tally"}, {"confluent_kafka"}),
    "producer.report": (ERRORS, {"rich"}),
    "connector": ({"kafka_dstreams", "kafka_dstreams_hook"}, SPARK),
    "consumers.tweets": ({"consumers.tweet_rows", "consumers.tweet_shapes"}, LINES),
    "consumers.tweet_rows": ({"consumers.tweet_shapes"}, LINES),
    "consumers.tweet_shapes": (set(), LINES),
    "consumers.sentiment": ({"consumers.sentiment"}, LINES | {"vaderSentiment", "numba", "llvmlite", "numpy"}),
    "consumers.frame_lines": (
        {"consumers.frame_lines", "consumers.tweet_shapes", "consumers.sentiment"},
        LINES | {"numba", "numpy"},
    ),
    "consumers.lines": ({"consumers.frame_lines", "consumers.tweets", "consumers.sentiment", "kafka_dstreams"}, {"numpy"}),
    "consumers.manifests": (ERRORS, set()),
    "consumers.fail_points": (ERRORS, set()),
    "consumers.files": (set(), set()),
    "consumers.storage": (ERRORS | {"consumers.files", "consumers.fail_points"}, SPARK),
    "consumers.chain": (ERRORS | {"consumers.files", "consumers.manifests"}, set()),
    "consumers.ownership": (ERRORS | {"consumers.files", "consumers.manifests", "consumers.fail_points"}, set()),
    "consumers.commits": (
        ERRORS | {"consumers.chain", "consumers.files", "consumers.manifests", "consumers.ownership", "consumers.fail_points"},
        set(),
    ),
    "consumers.holes": (ERRORS | {"consumers.manifests"}, set()),
    "consumers.checkpoints": (DRIVER | {"consumers.lifecycle", "consumers.storage"}, set()),
    "consumers.batches": (
        ERRORS
        | {"consumers.holes", "consumers.lines", "consumers.manifests", "consumers.commits", "consumers.storage"}
        | {"consumers.fail_points", "kafka_dstreams"},
        SPARK | {"isal"},
    ),
    "consumers.lifecycle": (ERRORS, SPARK),
    "consumers.jobs": (
        DRIVER
        | {"consumers.batches", "consumers.commits", "consumers.manifests", "consumers.sentiment", "consumers.storage"}
        | {"consumers.checkpoints", "consumers.fail_points", "consumers.lifecycle", "consumers.lines", "kafka_dstreams"},
        SPARK,
    ),
    "consumers.direct": ({"consumers.batches", "consumers.jobs", "consumers.lifecycle", "kafka_dstreams"}, SPARK),
    "consumers.receiver_based": (
        {"consumers.batches", "consumers.checkpoints", "consumers.jobs", "consumers.lifecycle", "kafka_dstreams"},
        SPARK,
    ),
    "consumers": (set(), set()),
    "scripts.machine": ({"config", "scripts.machine"}, {"kafka", "jgo"}),
    "scripts.stubs.jetstream": ({"config.venv", "scripts.stubs"}, {"websockets"}),
    "scripts.stubs.jetstream_rules": ({"scripts.stubs"}, {"websockets"}),
    "scripts.services": ({"config", "scripts.machine"}, set()),
    "scripts.setup": ({"config", "scripts.machine"}, set()),
    "scripts.submit": ({"config", "scripts.machine"}, {"pyspark"}),
    "scripts.secret_scan": (set(), set()),
    "scripts.stubs": ({"producer.sources", "scripts.stubs"}, set()),
    "scripts.summary": (
        {"config", "consumers.manifests", "consumers.tweets"},
        LINES | {"hdfs", "requests"},
    ),
    # The judge shares nothing with what it judges.
    "scripts.audit": (
        {"audit_chain", "audit_files", "audit_judge", "audit_kafka", "audit_verdict"},
        {"hdfs", "kafka", "requests"},
    ),
    "scripts.audit_intervals": (set(), set()),
    "scripts.audit_verdict": (set(), set()),
    "scripts.audit_rows": (set(), LINES),
    "scripts.audit_chain": ({"audit_intervals"}, LINES),
    "scripts.audit_batch": ({"audit_chain", "audit_intervals", "audit_rows", "audit_verdict"}, LINES),
    "scripts.audit_judge": ({"audit_batch", "audit_chain", "audit_intervals", "audit_rows", "audit_verdict"}, set()),
    "scripts.audit_files": ({"audit_chain"}, {"hdfs"}),
    "scripts.audit_kafka": ({"audit_chain", "audit_intervals", "audit_rows"}, {"kafka"}),
}
TREES = ("config", "producer", "connector", "consumers", "scripts", "views")


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
    """Every name under which one of ours is imported: some folders are on the path themselves."""
    bare = {name.partition(".")[2] for name in known if name.startswith(("connector.", "scripts.audit"))}
    return known | bare


def imported(source: str, package: str, ours: set[str]) -> Iterator[tuple[int, str]]:
    """Line and name of each module that the source imports, wherever in it; `from a import b` is a.b where that is a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            base = ".".join(part for part in (above, node.module or "") if part)
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}" if f"{base}.{alias.name}" in ours else base


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
        for line, name in imported(source, module, ours):
            top = name.partition(".")[0]
            is_ours = top in {known.partition(".")[0] for known in ours}
            if not any(within(name, allowed) for allowed in own) if is_ours else top not in others | sys.stdlib_module_names:
                found.append(f"{module}:{line} imports {name}, which {room} may not")
    return found


def test_every_room_imports_what_it_may() -> None:
    assert violations(sources()) == []


def test_every_room_is_there() -> None:
    known = set(sources())
    assert [room for room in ROOMS if not any(within(module, room) for module in known)] == []


def test_the_producer_and_the_consumers_never_meet() -> None:
    """Whatever the table says: the topic is their only contract."""
    for module, source in sources().items():
        names = {name.partition(".")[0] for _, name in imported(source, module, modules(set(sources())))}
        assert not (within(module, "producer") and names & {"consumers", "kafka_dstreams", "pyspark", "py4j"}), module
        assert not (within(module, "consumers") and names & {"producer", "kafka", "tweepy", "hdfs"}), module
        assert not (within(module, "connector") and names & {"config", "producer", "consumers", "scripts"}), module


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("producer.publisher", "import tweepy"),
        ("producer.sources.replay", "from kafka import KafkaProducer"),
        ("producer.ledger", "from consumers import manifests"),
        ("connector.kafka_dstreams.frames", "from config.errors import ConfigError"),
        ("connector.kafka_dstreams.streams", "def late():\n    import consumers.tweets"),
        ("consumers.commits", "from pyspark import SparkContext"),
        ("consumers.commits", "from consumers import tweets"),
        ("consumers.commits", "from consumers.storage import Storage"),
        ("consumers.commits", "from . import storage"),
        ("consumers.manifests", "from config import settings"),
        ("consumers.batches", "from config.settings import load"),
        ("consumers.tweets", "import kafka_dstreams"),
        ("consumers.direct", "import requests"),
        ("scripts.audit", "from consumers.manifests import Manifest"),
        ("scripts.summary", "from pyspark.sql import SparkSession"),
        ("somewhere.new", "import os"),
    ],
)
def test_a_planted_import_is_found(module: str, line: str) -> None:
    planted = {**sources(), module: f"{line}\n"}
    assert [found for found in violations(planted) if found.startswith(module)]


def test_no_file_or_folder_has_the_name_of_a_library() -> None:
    """spark-submit puts the script's folder first on the import path: such a file would hide the library.

    config/venv.py may: no program lies in config, so that folder is never on the path itself.
    """
    installed = {name.lower() for name in packages_distributions()} | {"hdfs", "kafka", "pyspark", "tomli", "tweepy"}
    taken = (sys.stdlib_module_names | installed) - {"__main__"}
    for module in set(sources()) - {"config.venv"}:
        for part in module.split("."):
            assert part.lower() not in taken, f"{module} hides the library {part}"
