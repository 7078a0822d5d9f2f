"""Words that come from a socket, appended to a file. A restart continues from the checkpoint. Words
to leave out are broadcast and counted, by variables that a recovered context makes again.

scripts/submit examples/recoverable_network_wordcount.py 127.0.0.1 9999 file:///tmp/kept /tmp/counts

prints [('be', 2), ('not', 1), ('to', 2)] and 1 word left out
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

host, port, checkpoint, output = sys.argv[1:]


def once(name, make):
    """A global variable that is made at its first use. Only `globals()` knows it, so that no
    checkpoint takes it along: it could not be restored."""
    if name not in globals():
        globals()[name] = make()
    return globals()[name]


def append(time, rdd):
    """Runs on the driver, once for each batch."""
    out = once("out", lambda: rdd.context.broadcast({"or"}))
    left_out = once("left_out", lambda: rdd.context.accumulator(0))

    def wanted(pair):
        if pair[0] in out.value:
            left_out.add(pair[1])
        return pair[0] not in out.value

    counts = sorted(rdd.filter(wanted).collect())
    if counts:
        line = f"{counts} and {left_out.value} word left out"
        with open(output, "a") as file:  # noqa: PTH123
            file.write(f"{time} {line}\n")
        print(time, line, flush=True)


def create():
    """Everything is built in here: a restart takes it from the checkpoint, and not from this
    file."""
    print("no checkpoint: a new context", flush=True)
    ssc = StreamingContext(SparkContext(appName="recoverable network word count"), 1)
    ssc.checkpoint(checkpoint)
    words = ssc.socketTextStream(host, int(port)).flatMap(lambda line: line.split())
    words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).foreachRDD(append)
    return ssc


ssc = StreamingContext.getOrCreate(checkpoint, create)
ssc.start()
ssc.awaitTermination()
