"""A stream of the connector's own, without any tweet: prints one JSON line per batch. Run by
tests/integration/connector/test_connector.py.

    probe.py direct|receiver BOOTSTRAP TOPIC RECORDS [KAFKA_PARAMETER=VALUE …]

Ends when RECORDS records have come. The first batch takes spark.probe.delay seconds longer, the
others spark.probe.delays. {"ranges": [[[topic, partition, from, until], …] a partition], "records":
[[partition, offset, value], …]}
"""

import json
import sys
import time

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import decode, direct_frames, offset_ranges, receiver_frames

approach, bootstrap, topic, wanted = sys.argv[1:5]
params = {
    "bootstrap.servers": bootstrap,
    "group.id": topic,
    **dict(pair.split("=") for pair in sys.argv[5:]),
}
seen = 0


def rows(data):
    return [
        (record.partition, record.offset, record.value and record.value.decode())
        for record in decode(data).records()
    ]


def show(rdd):
    global seen
    time.sleep(
        float(rdd.context.getConf().get("spark.probe.delays" if seen else "spark.probe.delay", "0"))
    )
    records = rdd.flatMap(rows).collect()
    seen += len(records)
    print(json.dumps({"ranges": offset_ranges(rdd), "records": records}), flush=True)


sc = SparkContext(appName="probe")
ssc = StreamingContext(sc, 1)
checkpoint = sc.getConf().get("spark.probe.checkpoint")
if checkpoint:
    ssc.checkpoint(checkpoint)
stream = (
    direct_frames(ssc, [topic], params)
    if approach == "direct"
    else receiver_frames(ssc, {topic: 1}, params)
)
stream.foreachRDD(show)
ssc.start()
while seen < int(wanted) and not ssc.awaitTerminationOrTimeout(0.2):
    pass
ssc.stop(stopSparkContext=True, stopGraceFully=False)
