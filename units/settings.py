"""The compactor's settings."""

from config.errors import ConfigError
from config.settings import Setting, Settings
from config.shared import METRICS

_OUTPUT = Setting("output", "", "the output: hdfs://HOST:PORT/PATH, as the job has it")
_FAIL_POINT = Setting("fail_point", "", "tests only: end or hold the program there")
_ROWS = (
    _OUTPUT,
    METRICS,
    Setting(
        "every",
        "",
        "1h, 30m, 90s: compact again after this time, until a signal comes; empty is once",
    ),
    Setting(
        "grace_hours",
        12.0,
        "hours that batches stay after a unit has them, and a unit after its next revision",
        span=(0, 8760),
    ),
    Setting(
        "erase_hours",
        6.0,
        "hours between two looks for what was deleted; a new list is applied at once",
        span=(0, 8760),
    ),
    Setting("keep_days", 0.0, "days that units are kept; 0 is for ever", span=(0, 36_500)),
    Setting(
        "erase_ids",
        "",
        "a file of ids to erase: one per line, or the JSON lines of X's batch compliance",
    ),
    Setting("because", "", "with --erase-ids: who wants that and why; it is published"),
    _FAIL_POINT,
)
_DELTA = (
    _OUTPUT,
    Setting("to", "", "the Delta table: hdfs://HOST:PORT/PATH; made where there is none"),
    Setting(
        "grace_hours",
        12.0,
        "hours that files stay after a transaction has replaced them, for readers and erasure",
        span=(0, 8760),
    ),
    _FAIL_POINT,
)
ROWS = {"compact": _ROWS, "delta": _DELTA}
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def check(settings: Settings) -> None:
    """Raises ConfigError for what cannot be meant."""
    if "{program}" in settings.output:
        what = "which job's output is meant is not said"
        raise ConfigError(what, settings.output, "--output hdfs://HOST:PORT/PATH")
    if bool(settings.erase_ids) != bool(settings.because.strip()):
        what = "--erase-ids and --because belong together"
        raise ConfigError(what, "erase_ids", "--erase-ids FILE --because 'WHO AND WHY'")
    seconds(settings.every)


def seconds(every: str) -> float | None:
    """The time between two runs; None for one run. Raises ConfigError."""
    if not every:
        return None
    number, unit = every[:-1], every[-1]
    if not number.isdecimal() or not int(number) or unit not in _UNITS_S:
        raise ConfigError(f"{every!r} is no time", "every", "a number and s, m, h or d: 1h")
    return float(int(number) * _UNITS_S[unit])
