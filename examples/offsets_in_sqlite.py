"""Words of a topic, counted exactly once: counts and offsets are kept in one transaction of a
database. A restart reads on where the last transaction ended.

scripts/submit examples/offsets_in_sqlite.py 127.0.0.1:9092 TOPIC /tmp/counts.db

prints [('be', 2), ('not', 1), ('or', 1), ('to', 2)]
"""

import sqlite3
import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import direct_stream

brokers, topic, file = sys.argv[1:]


def keep(rdd):
    """Runs on the driver. Counts and offsets are written together or not at all."""
    ranges = [r for r in rdd.offsetRanges() if r.fromOffset < r.untilOffset]
    if not ranges:
        return
    words = rdd.flatMap(lambda record: record.value.decode().split())
    counts = words.countByValue().items()
    with sqlite3.connect(file) as db:
        db.executemany(
            "INSERT INTO counts VALUES (?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n", counts
        )
        db.executemany(
            "INSERT OR REPLACE INTO offsets VALUES (?, ?, ?)",
            [(r.topic, r.partition, r.untilOffset) for r in ranges],
        )
    print(db.execute("SELECT * FROM counts ORDER BY word").fetchall(), flush=True)


with sqlite3.connect(file) as db:
    db.execute("CREATE TABLE IF NOT EXISTS counts (word TEXT PRIMARY KEY, n INT)")
    db.execute("CREATE TABLE IF NOT EXISTS offsets (topic, part, until, PRIMARY KEY (topic, part))")
    start = {(t, p): until for t, p, until in db.execute("SELECT * FROM offsets")}
ssc = StreamingContext(SparkContext(appName="offsets in SQLite"), 1)
# a partition that `start` does not name is read from its beginning
direct_stream(ssc, [topic], {"bootstrap.servers": brokers}, start or "earliest").foreachRDD(keep)
ssc.start()
ssc.awaitTermination()
