"""The process that Spark's Python workers are forked from, in local mode: it has loaded what they
need, so that each of them has it at once, and in the same memory.

Spark runs it in place of `pyspark.daemon`, as `spark.python.daemon.module` says. On a cluster each
worker loads for itself.
"""

import gc

from pyspark import daemon

from consumers.driver import batches  # noqa: F401  a task's function is in it
from consumers.tweets import lines

if __name__ == "__main__":
    lines.prepare()
    gc.freeze()  # PySpark collects garbage after each task, and would walk through all of it
    daemon.manager()
