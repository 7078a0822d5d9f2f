"""The jobs' settings."""

from dataclasses import replace
from typing import Any

from config import access, kerberos
from config.settings import Setting
from config.shared import BOOTSTRAP, METRICS, OUTPUT, TOPIC, name_output

_BOTH = (
    BOOTSTRAP,
    *access.SETTINGS,
    replace(TOPIC, help="Kafka topics, comma separated"),
    OUTPUT,
    *kerberos.SETTINGS,
    METRICS,
    Setting(
        "group",
        "",
        "beginning of the consumer group's name, for lag tools; the output's identity follows; "
        "empty is the job's name",
    ),
    Setting("batch_interval_s", 2.0, "seconds per batch", span=(0.1, 86_400)),
    Setting("max_rate", 0, "records per second, per partition (direct) or receiver; 0 is no limit"),
    Setting("max_tweet_bytes", 1_048_576, "a larger record is rejected", span=(1, 2**30)),
    Setting("available_now", False, "read up to the ends the topic has at start, publish, stop"),
    Setting(
        "accept_loss",
        "",
        "continue behind records that retention deleted; the text says who decided that and why, "
        "and is published",
    ),
    Setting(
        "progress_file",
        "",
        "set by --supervise: a file whose time says when a batch was last published",
    ),
    Setting("fail_point", "", "tests only: end or hold the driver there"),
    Setting(
        "stop_timeout_s", 60.0, "longest time of a graceful stop, in seconds", span=(0, 86_400)
    ),
)
_RECEIVER_BASED = (
    Setting(
        "checkpoint",
        "",
        "Spark's checkpoint and write-ahead log; empty is a folder in <output>/_checkpoint",
    ),
    Setting("receivers", 1, "receivers; each keeps one core for itself", span=(1, 10_000)),
)
ROWS = {"direct": _BOTH, "receiver_based": _BOTH + _RECEIVER_BASED}
JOBS = tuple(ROWS)


def complete(program: str, values: dict[str, Any], _origins: dict[str, str]) -> None:
    """Name the job's own output."""
    name_output(program, values)
