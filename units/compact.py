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

from config import errors
from config.settings import Settings, load
from consumers.output import aside, fail_points
from consumers.output.jvm_errors import innermost
from consumers.output.refusals import check_address, refusal
from consumers.output.storage import Storage
from monitoring.page import serve
from units import erasures
from units.compactor import Compactor
from units.figures import Figures
from units.settings import check, seconds
from units.shown import Shown

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
    figures = Figures(settings.output.rstrip("/"), seconds(settings.every))
    if settings.metrics:
        serve(settings.metrics, figures.registry, figures.health)
    context = SparkContext(conf=_conf())
    try:
        _run(context, settings, ids, figures)
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


def _run(context: SparkContext, settings: Settings, ids: list[str], figures: Figures) -> None:
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
        with Shown(context.statusTracker()) as shown:
            compactor = Compactor(storage, own, shown)
            hours = settings.grace_hours, settings.erase_hours, settings.keep_days
            report = compactor.run(*hours)
        figures.ended(report)
        print(json.dumps(report.as_dict()), flush=True)
        if pause is None:
            return
        threading.Event().wait(pause)


if __name__ == "__main__":
    errors.exit_with(main)
