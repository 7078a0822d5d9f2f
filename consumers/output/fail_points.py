"""Places where a test ends or holds this process. Inert unless `fail_point` is set; refused unless
the output is a test's.

`NAME`, `NAME:N` and `NAME:N:FILE`: at the N-th visit of NAME the driver is killed (its JVM first),
or waits until FILE is there.
"""

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from config.errors import ConfigError

MARK = "_test_output"
OF_A_DRIVER = (
    "before the claim",
    "epoch claimed",
    "staging taken",
    "stage made",
    "tasks done",
    "files taken",
    "manifest written",
    "before rename",
    "after rename",
    "published",
)
NAMES = (
    *OF_A_DRIVER,
    "unit staged",
    "unit written",
    "unit files taken",
    "unit manifest written",
    "before unit rename",
    "after unit rename",
    "batches removed",
    "revision removed",
    "unit removed",
    "unit in the table",
)

_armed: tuple[str, int, str] | None = None
_visits: Counter[str] = Counter()


def arm(spec: str, marked: bool) -> None:
    """Arm the point that `spec` names; an empty one arms none. Raises ConfigError for an unknown
    point or a real output."""
    global _armed
    if not spec:
        return
    name, _, rest = spec.partition(":")
    number, _, file = rest.partition(":")
    if name not in NAMES or not (number or "1").isdigit():
        raise ConfigError(f"no fail point {spec!r}", "fail_point", f"one of: {', '.join(NAMES)}")
    if not marked:
        raise ConfigError(
            "a fail point on an output that is not a test's",
            "fail_point",
            f"unset it; a test's output has {MARK}",
        )
    _armed = (name, int(number or 1), file)


def visit(name: str) -> None:
    """Say that the driver has reached this point."""
    if _armed is None or _armed[0] != name:
        return
    _visits[name] += 1
    _, number, file = _armed
    if _visits[name] != number:
        return
    if not file:
        os.kill(os.getppid(), signal.SIGKILL)  # spark-submit's JVM
        os.kill(os.getpid(), signal.SIGKILL)
    print(f"fail point: held at {name}", file=sys.stderr, flush=True)
    while not Path(file).exists():
        time.sleep(0.05)
