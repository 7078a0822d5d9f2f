"""A short run of what each job does, for the archive of its classes: a stream with Python in it, a
batch, a question to HDFS.

Run by `local.class_archive` under spark-submit.
"""

from pyspark import RDD, SparkContext
from pyspark.streaming import StreamingContext


def main() -> None:
    """Load the classes; what they do is of no interest."""
    context = SparkContext("local[1]", "class training")
    context.setLogLevel("OFF")
    streaming = StreamingContext(context, 1)
    numbers = streaming.queueStream([context.parallelize(range(3))])
    numbers.map(str).foreachRDD(_count)
    streaming.start()
    streaming.awaitTerminationOrTimeout(2)
    streaming.stop(stopSparkContext=False, stopGraceFully=True)
    _ask_hdfs(context)
    context.stop()


def _count(batch: RDD[str]) -> None:
    batch.count()


def _ask_hdfs(context: SparkContext) -> None:
    """Nobody listens on port 9: its client is loaded and refused."""
    java = context._jvm
    assert java is not None
    settings = java.org.apache.hadoop.conf.Configuration()
    settings.set("ipc.client.connect.max.retries", "0")
    path = java.org.apache.hadoop.fs.Path("hdfs://127.0.0.1:9/")
    try:
        path.getFileSystem(settings).exists(path)
    except Exception:  # noqa: BLE001  py4j's, as expected
        return


main()
