"""Who takes part, and how each is started. Where one process cannot use two cores, two of them
share the topic."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.venv import ROOT

VENV = ROOT / "build" / "peers"
PROCESSES = 2
BASE_PORT = 9400  # where the processes of Bytewax and Pathway find each other


@dataclass(frozen=True)
class Place:
    """Where a contender reads and writes; for those on Spark also the jars, and the folder of what
    mapInArrow needs."""

    bootstrap: str
    topic: str
    output: str
    jars: str
    packages: str


Commands = list[list[str]]
Start = Callable[[Place, str], tuple[Commands, dict[str, str]]]


@dataclass(frozen=True)
class Contender:
    """`scorer` is vaderSentiment, ours or none; `start` gives the command lines and the environment
    that is added."""

    name: str
    scorer: str
    start: Start

    @property
    def key(self) -> str:
        return f"{self.name}, {self.scorer}"


def _job(approach: str) -> Start:
    def start(place: Place, _scorer: str) -> tuple[Commands, dict[str, str]]:
        where = ["--topic", place.topic, "--output", place.output, "--bootstrap", place.bootstrap]
        return [[*_submit(place), approach, *where, "--available-now"]], {}

    return start


def _structured(way: str) -> Start:
    def start(place: Place, scorer: str) -> tuple[Commands, dict[str, str]]:
        # Hadoop's gzip at the level that all others use.
        fast = [
            "--conf",
            "spark.hadoop.zlib.compress.level=BEST_SPEED",
            "--conf",
            "spark.hadoop.dfs.replication=1",
        ]
        script = [str(ROOT / "benchmarks" / "peers" / "structured.py"), "--way", way]
        return [[*_submit(place), *fast, *script, *_where(place, scorer)]], {
            "PYTHONPATH": place.packages
        }

    return start


def _two(script: str) -> Start:
    def start(place: Place, scorer: str) -> tuple[Commands, dict[str, str]]:
        line = [
            _python(),
            "-m",
            f"benchmarks.peers.{script}",
            *_where(place, scorer),
            "--processes",
            str(PROCESSES),
        ]
        return [[*line, "--index", str(index)] for index in range(PROCESSES)], {}

    return start


def _bytewax(place: Place, scorer: str) -> tuple[Commands, dict[str, str]]:
    addresses = ";".join(f"127.0.0.1:{BASE_PORT + index}" for index in range(PROCESSES))
    line = [_python(), "-m", "bytewax.run", "benchmarks.peers.bytewax_flow:main()", "-a", addresses]
    named = {
        "BOOTSTRAP": place.bootstrap,
        "TOPIC": place.topic,
        "OUTPUT": place.output,
        "SCORER": scorer,
    }
    # its command line takes no arguments of ours
    environment = {f"BENCH_{name}": value for name, value in named.items()}
    return [[*line, "-i", str(index)] for index in range(PROCESSES)], environment


def _pathway(place: Place, scorer: str) -> tuple[Commands, dict[str, str]]:
    spawn = [
        str(Path(_python()).with_name("pathway")),
        "spawn",
        "--processes",
        str(PROCESSES),
        "--first-port",
        str(BASE_PORT),
    ]
    return [[*spawn, _python(), "-m", "benchmarks.peers.pathway_table", *_where(place, scorer)]], {}


def _where(place: Place, scorer: str) -> list[str]:
    where = ["--bootstrap", place.bootstrap, "--topic", place.topic, "--output", place.output]
    return [*where, "--scorer", scorer]


def _submit(place: Place) -> list[str]:
    return [str(ROOT / "scripts" / "submit"), "--jars", place.jars]


def _python() -> str:
    return str(VENV / "bin" / "python")


MAP, UDF, LOOP = (
    "Structured Streaming, mapInArrow",
    "Structured Streaming, pandas_udf",
    "confluent-kafka loop",
)
ALL = [
    Contender("direct", "ours", _job("direct")),
    Contender("receiver_based", "ours", _job("receiver_based")),
    Contender(MAP, "ours", _structured("map_in_arrow")),
    Contender(UDF, "ours", _structured("pandas_udf")),
    Contender(LOOP, "ours", _two("confluent_loop")),
    Contender(MAP, "none", _structured("map_in_arrow")),
    Contender(LOOP, "none", _two("confluent_loop")),
    Contender(MAP, "vaderSentiment", _structured("map_in_arrow")),
    Contender(UDF, "vaderSentiment", _structured("pandas_udf")),
    Contender(LOOP, "vaderSentiment", _two("confluent_loop")),
    Contender("Bytewax", "vaderSentiment", _bytewax),
    Contender("Quix Streams", "vaderSentiment", _two("quix_app")),
    Contender("Pathway", "vaderSentiment", _pathway),
    Contender("Faust-streaming", "vaderSentiment", _two("faust_agent")),
]
