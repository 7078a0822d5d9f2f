"""Hours of batches become Parquet units; what they replace is removed; what was deleted is erased.

    scripts/submit compact --output hdfs://HOST:PORT/PATH [--every 1h] [--keep-days N]
    scripts/submit compact --output … --erase-ids FILE --because 'WHO AND WHY'

Jobs and readers continue meanwhile. One compactor works at a time: a newer one ends the older
one with 4. Each run ends with one line of JSON on standard output.
"""

import json
import logging
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

from config import errors
from config.settings import Settings, load
from consumers.output import aside, fail_points
from consumers.output.jvm_errors import innermost
from consumers.output.refusals import check_address, refusal
from consumers.output.storage import Storage
from units import erasures
from units.compactor import Compactor, Shown
from units.settings import check, seconds

LOG = logging.getLogger("compact")


def main() -> None:
    """Compact once, or again and again."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    logging.getLogger("py4j").setLevel(logging.WARNING)
    settings = load("compact", sys.argv[1:], (__doc__ or "").partition("\n")[0])
    check(settings)
    check_address(settings.output)
    ids = erasures.ids_in(settings.erase_ids) if settings.erase_ids else []
    context = SparkContext(conf=_conf())
    try:
        _run(settings, ids)
    except Py4JJavaError as error:
        what = f"a task failed: {innermost(error)}"
        remedy = "scripts/services status; then start again, nothing is lost"
        raise (
            refusal(error, settings.output) or errors.PipelineError(what, settings.output, remedy)
        ) from None
    finally:
        context.stop()


def _conf() -> SparkConf:
    """spark-submit's settings, but for the blocks: those of config/spark.conf are for small
    files."""
    return SparkConf().setAppName("compact").set("spark.hadoop.dfs.blocksize", "128m")


def _run(settings: Settings, ids: list[str]) -> None:
    storage = Storage(settings.output.rstrip("/"))
    fail_points.arm(settings.fail_point, storage.exists(fail_points.MARK))
    own = aside.claim(storage)
    if ids:
        name = erasures.publish(storage, ids, settings.because)
        LOG.info("%d ids are on the list erasures/%s", len(ids), name)
    pause = seconds(settings.every)
    while True:
        if not own.holds():
            raise own.lost()
        with _Shown() as shown:
            compactor = Compactor(storage, own, shown)
            hours = settings.grace_hours, settings.erase_hours, settings.keep_days
            report = compactor.run(*hours)
        print(json.dumps(report.as_dict()), flush=True)
        if pause is None:
            return
        threading.Event().wait(pause)


class _Shown:
    """One live line at a terminal, plain lines without one."""

    def __enter__(self) -> Shown:
        console = Console(stderr=True)
        if not console.is_terminal:
            self._live = None
            return LOG.info
        self._live = Live(Spinner("dots", "looking"), console=console, transient=True)
        self._live.start()
        return lambda text: self._live.update(Spinner("dots", text)) if self._live else None

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()


if __name__ == "__main__":
    errors.exit_with(main)
