"""The one table of settings: every program reads its values here.

A value comes from, later wins: the default, `config/pipeline.toml`, the environment
(`TWEETS_NAME`), a flag (`--name`). A secret comes from the environment or from `.env`, which nobody
but its owner may read. Each remembers where it came from; an unknown or wrong one ends the program
with exit code 2.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config import env_file
from config.checking import checked
from config.command_line import argument_parser as argument_parser
from config.command_line import meant, with_flags
from config.errors import ConfigError
from config.sources import SOURCES, complete

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path(__file__).with_name("pipeline.toml")
PREFIX = "TWEETS_"
JOBS = ("direct", "receiver_based")


@dataclass(frozen=True)
class Setting:
    """One row of the table; `kind` is str, int, float or bool, `programs` those that take it,
    `choices` what it may be.

    Where not all of the producer's sources take it, `help` begins with those that do, and a colon.
    """

    name: str
    programs: tuple[str, ...]
    kind: type
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    span: tuple[float, float] = (0, 1e15)  # the least and the greatest number
    # environment or .env only: never a flag, never pipeline.toml, never printed
    secret: bool = False

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    @property
    def sources(self) -> tuple[str, ...]:
        """The producer's sources that take it; empty is all."""
        named = tuple(self.help.partition(":")[0].split(", "))
        return named if set(named) <= set(SOURCES) else ()


_PRODUCER, _SERVICES, _PORT = ("producer",), ("services",), (1, 65_535)
_ALL_KAFKA = ("producer", *JOBS)
_DELETIONS = ("all", "none")
_JETSTREAMS = ",".join(
    f"wss://jetstream{n}.us-{side}.bsky.network" for side in ("east", "west") for n in (1, 2)
)

TABLE = (
    Setting(
        "bootstrap", _ALL_KAFKA, str, "127.0.0.1:9092", "Kafka brokers, host:port, comma separated"
    ),
    Setting(
        "topic", _ALL_KAFKA, str, "tweets", "Kafka topic; the jobs take several, comma separated"
    ),
    Setting(
        "source",
        _PRODUCER,
        str,
        "",
        "where the tweets come from; empty is the source that the flags say",
        choices=SOURCES,
    ),
    Setting(
        "file",
        _PRODUCER,
        str,
        "",
        "replay: JSON Lines, twarc2 pages or a JSON array, plain or .gz; - is standard input",
    ),
    Setting("loop", _PRODUCER, bool, False, "replay: begin again at the end of the file"),
    Setting(
        "rate",
        _PRODUCER,
        float,
        0.0,
        "replay, sample: records per second; 0 is as fast as possible",
    ),
    Setting(
        "max_posts",
        _PRODUCER,
        int,
        0,
        "stop after this number of posts; 0 is no limit; sample makes 2,000 unless told",
    ),
    Setting(
        "max_cost",
        _PRODUCER,
        float,
        0.0,
        "stream, search: no run, and no UTC day, costs more USD; 0 is no limit",
    ),
    Setting(
        "fill_gaps",
        _PRODUCER,
        str,
        "15m",
        "stream: fetch what it missed in up to this time (0, 30s, 15m, 2h, 7d)",
    ),
    Setting("seed", _PRODUCER, int, 1, "sample: the same seed gives the same tweets"),
    Setting("malformed", _PRODUCER, float, 0.0, "sample: share of malformed records, 0 to 1"),
    Setting("track", _PRODUCER, str, "", "stream: phrases, comma separated, one rule each"),
    Setting(
        "rules",
        _PRODUCER,
        str,
        "",
        'stream: TOML file of rules, one line each: tag = "rule"; instead of --track',
    ),
    Setting(
        "replace_rules",
        _PRODUCER,
        bool,
        False,
        "stream: also delete the account's rules that are not ours",
    ),
    Setting("query", _PRODUCER, str, "", "search: the query, in X's language"),
    Setting(
        "lang", _PRODUCER, str, "", "search, bluesky: posts in this language only (en, pt, ja, …)"
    ),
    Setting(
        "since",
        _PRODUCER,
        str,
        "",
        "search: from this day or time on, UTC, or that long ago: 2026-11-21, 2h, 3d",
    ),
    Setting(
        "until",
        _PRODUCER,
        str,
        "",
        "search: up to this day or time, exclusive; then the search ends",
    ),
    Setting("min_likes", _PRODUCER, int, 0, "search: posts with at least this number of likes"),
    Setting(
        "adaptive_likes",
        _PRODUCER,
        bool,
        False,
        "search: the most liked first, less liked ones when a page is not full",
    ),
    Setting("interval", _PRODUCER, float, 60.0, "search: seconds between two searches"),
    Setting("x_usd_a_post", _PRODUCER, float, 0.005, "stream, search: X's price of a post, in USD"),
    Setting(
        "x_usd_a_user",
        _PRODUCER,
        float,
        0.010,
        "stream, search: X's price of an author that comes with a post; 0 if not billed",
    ),
    Setting(
        "x_usd_a_count",
        _PRODUCER,
        float,
        0.005,
        "stream, search: X's price of a request for counts, which --dry-run makes",
    ),
    Setting(
        "keywords",
        _PRODUCER,
        str,
        "",
        "bluesky: phrases, comma separated; a post has one of them; empty is all posts",
    ),
    Setting(
        "deletions",
        _PRODUCER,
        str,
        "all",
        "bluesky: deletions that become tombstones, whatever --keywords",
        choices=_DELETIONS,
    ),
    Setting(
        "jetstream_url",
        _PRODUCER,
        str,
        _JETSTREAMS,
        "bluesky: servers, comma separated; those without a path speak v2 or v1",
    ),
    Setting(
        "x_base_url",
        _PRODUCER,
        str,
        "https://api.x.com",
        "stream, search: X's address; another one for tests only",
    ),
    Setting("x_bearer_token", _PRODUCER, str, "", "stream, search: X's bearer token", secret=True),
    Setting(
        "spool",
        _PRODUCER,
        str,
        "",
        "keep records in this folder until Kafka has them; none is no spool; empty is "
        ".run/spool/<topic>-<source> in the"
        " project's folder for live sources, and none for those that can be read again (replay, "
        "sample)",
    ),
    Setting(
        "spool_max_bytes",
        _PRODUCER,
        int,
        4 * 1024**3,
        "a spool of this size is full: reading stops until Kafka has some",
    ),
    Setting(
        "spool_min_free_bytes",
        _PRODUCER,
        int,
        1024**3,
        "reading stops while the spool's disk has fewer free; 0 is no limit",
    ),
    Setting(
        "report",
        _PRODUCER,
        str,
        "",
        "write the closing report (JSON) to this file; empty is standard output",
    ),
    Setting(
        "ledger", _PRODUCER, str, "", "append one JSON line per acknowledged record to this file"
    ),
    Setting("json", _PRODUCER, bool, False, "progress as JSON lines on standard error"),
    Setting(
        "output",
        _ALL_KAFKA,
        str,
        "hdfs://127.0.0.1:8020/tweets/{program}",
        "folder of the jobs' batches; {program} is the job; the producer only tries it, in --check",
    ),
    Setting(
        "checkpoint",
        ("receiver_based",),
        str,
        "",
        "Spark's checkpoint and write-ahead log; empty is a folder in <output>/_checkpoint",
    ),
    Setting(
        "group",
        JOBS,
        str,
        "",
        "how the consumer group's name begins, for lag tools; the output's identity follows; "
        "empty is the job's name",
    ),
    Setting("batch_interval_s", JOBS, float, 2.0, "seconds a batch", span=(0.1, 86_400)),
    Setting(
        "max_rate",
        JOBS,
        int,
        0,
        "records a second, per partition (direct) or receiver; 0 is no limit",
    ),
    Setting(
        "receivers",
        ("receiver_based",),
        int,
        1,
        "receivers; each keeps one core for itself",
        span=(1, 10_000),
    ),
    Setting(
        "max_tweet_bytes", JOBS, int, 1_048_576, "a larger record is rejected", span=(1, 2**30)
    ),
    Setting(
        "available_now",
        JOBS,
        bool,
        False,
        "read up to the ends the topic has at start, publish, stop",
    ),
    Setting(
        "accept_loss",
        JOBS,
        str,
        "",
        "go on behind records that retention deleted; the text says who and why, and is published",
    ),
    Setting("fail_point", JOBS, str, "", "tests only: end or hold the driver there"),
    Setting(
        "stop_timeout_s",
        JOBS,
        float,
        60.0,
        "longest time of a graceful stop, in seconds",
        span=(0, 86_400),
    ),
    Setting(
        "webhdfs",
        ("producer", "audit", "summary"),
        str,
        "",
        "the output's WebHDFS; empty is port 9870 of its host",
    ),
    Setting("brokers", _SERVICES, int, 1, "Kafka brokers, 1 or 3"),
    Setting("datanodes", _SERVICES, int, 1, "HDFS DataNodes"),
    Setting(
        "kafka_port", _SERVICES, int, 9092, "first broker's port; the next ones follow", span=_PORT
    ),
    Setting(
        "controller_port",
        _SERVICES,
        int,
        19092,
        "first KRaft controller's port; the next ones follow",
        span=_PORT,
    ),
    Setting("namenode_port", _SERVICES, int, 8020, "NameNode's RPC port", span=_PORT),
    Setting("namenode_http_port", _SERVICES, int, 9870, "NameNode's WebHDFS port", span=_PORT),
    Setting(
        "datanode_port",
        _SERVICES,
        int,
        9866,
        "first DataNode's port; each DataNode takes ten",
        span=_PORT,
    ),
    Setting(
        "spark_workers",
        _SERVICES,
        int,
        0,
        "Workers of a Spark cluster, each on an address of its own; 0 is no cluster",
        span=(0, 200),
    ),
    Setting(
        "spark_port",
        _SERVICES,
        int,
        7077,
        "Spark Master's port; the Workers take the next",
        span=_PORT,
    ),
    Setting(
        "spark_http_port",
        _SERVICES,
        int,
        8080,
        "Spark Master's page; the Workers take the next",
        span=_PORT,
    ),
    Setting(
        "yarn_nodes",
        _SERVICES,
        int,
        0,
        "NodeManagers of YARN, each on an address of its own; 0 is no YARN",
        span=(0, 200),
    ),
    Setting(
        "yarn_port",
        _SERVICES,
        int,
        8030,
        "ResourceManager's first port of five; the NodeManagers take the next four",
        span=_PORT,
    ),
    Setting(
        "hdfs_site",
        _SERVICES,
        str,
        "",
        "properties for HDFS's hdfs-site.xml, NAME=VALUE, comma separated; read at a start",
    ),
    Setting("x_stub", _SERVICES, bool, False, "a stub server of X too"),
    Setting("x_stub_port", _SERVICES, int, 9440, "the stub of X", span=_PORT),
    Setting("jetstream_stub", _SERVICES, bool, False, "a stub server of Bluesky's Jetstream too"),
    Setting("jetstream_stub_port", _SERVICES, int, 9441, "the stub of Jetstream", span=_PORT),
    Setting(
        "services_home",
        _SERVICES,
        str,
        ".run/services",
        "folder of the services' data, logs and pids",
    ),
)


class Settings:
    """The values of one program as attributes; `origins[name]` says where each came from."""

    def __init__(self, program: str, values: Mapping[str, Any], origins: Mapping[str, str]) -> None:
        self.program, self.values, self.origins = program, dict(values), dict(origins)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(
                f"{self.__dict__.get('program')} has no setting {name!r}"
            ) from None

    def table(self) -> str:
        """One line a setting: name, value, origin; secrets are masked."""
        rows = []
        for setting in of(self.program):
            value = self.values[setting.name]
            shown = ("(set)" if value else "(not set)") if setting.secret else repr(value)
            rows.append(f"{setting.name:<20} {shown:<45} {self.origins[setting.name]}")
        return "\n".join(rows)


def of(program: str) -> list[Setting]:
    """The settings that `program` takes, in the table's order."""
    return [setting for setting in TABLE if program in setting.programs]


def load(
    program: str,
    argv: Sequence[str],
    about: str = "",
    environ: Mapping[str, str] = os.environ,
    file: Path = FILE,
    parser: argparse.ArgumentParser | None = None,
    secrets: Path = env_file.FILE,
) -> Settings:
    """Read `program`'s settings from all four places; a secret may also be in the file `secrets`,
    beneath the environment.

    `parser` may bring arguments of the program's own; they become values too. `--help` and
    `--print-config` are answered here. Raises ConfigError for an unknown name, a wrong value or a
    wrong type, naming its origin.
    """
    table = {setting.name: setting for setting in of(program)}
    values = {name: setting.default for name, setting in table.items()}
    origins = dict.fromkeys(values, "default")
    kept = env_file.read(secrets) if any(setting.secret for setting in table.values()) else {}
    for name, value, origin in [*_from_file(file), *_from_environment({**kept, **environ})]:
        if name in table:
            values[name], origins[name] = checked(table[name], value, origin), origin
    parser = with_flags(parser or argument_parser(program, about), table.values())
    for name, value in vars(parser.parse_args(list(argv))).items():
        if name in table:
            value, origins[name] = checked(table[name], value, table[name].flag), table[name].flag
        values[name] = value
    print_config = values.pop("print_config", False)
    if isinstance(values.get("output"), str):
        values["output"] = values["output"].replace("{program}", program).rstrip("/")
    if "source" in table:
        complete({name: setting.sources for name, setting in table.items()}, values, origins)
    settings = Settings(program, values, origins)
    if print_config:
        print(settings.table())
        sys.exit(0)
    return settings


def _from_file(file: Path) -> list[tuple[str, Any, str]]:
    """(name, value, origin) of each line of the TOML file; a file that is not there has none."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", str(file), "fix the file") from None
    known = [setting.name for setting in TABLE if not setting.secret]
    for name in content:
        if name not in known:
            raise ConfigError(
                f"unknown setting {name!r}{meant(name, known)}",
                str(file),
                f"remove the line from {file.name}",
            )
    return [(name, value, f"{file.name}") for name, value in content.items()]


def _from_environment(environ: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(name, value, origin) of each TWEETS_ variable."""
    by_variable = {setting.variable: setting.name for setting in TABLE}
    found = []
    for variable, value in environ.items():
        if variable.startswith(PREFIX):
            if variable not in by_variable:
                raise ConfigError(
                    f"unknown setting {variable}{meant(variable, by_variable)}",
                    "the environment",
                    f"unset {variable}",
                )
            found.append((by_variable[variable], value, variable))
    return found
