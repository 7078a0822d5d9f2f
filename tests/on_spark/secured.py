"""A stream that logs in, and shows all it can. Run by
tests/integration/connector/test_connector_secured.py.

    secured.py direct|receiver TOPIC FOLDER RECORDS

The parameters are in FOLDER/params.json. Its checkpoint, and the pages of Spark's web interface,
are written into FOLDER. Ends when RECORDS records have come.
"""

import json
import sys
from pathlib import Path
from urllib.request import urlopen

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import commit_ranges, direct_stream, receiver_stream

approach, topic, folder, wanted = sys.argv[1:]
params = json.loads(Path(folder, "params.json").read_text())
seen = 0


def count(rdd):
    global seen
    seen += rdd.count()
    if approach == "direct":
        commit_ranges(params, rdd.offsetRanges())


sc = SparkContext(appName="secured")
sc.setLogLevel("INFO")
ssc = StreamingContext(sc, 1)
ssc.checkpoint(Path(folder, "checkpoint").as_uri())
stream = (
    direct_stream(ssc, [topic], params)
    if approach == "direct"
    else receiver_stream(ssc, {topic: 1}, params)
)
stream.foreachRDD(count)
ssc.start()
while seen < int(wanted) and not ssc.awaitTerminationOrTimeout(0.2):
    pass
for page in ("environment", "streaming", "jobs", "executors", "api/v1/applications"):
    Path(folder, page.replace("/", "-") + ".page").write_bytes(
        urlopen(f"{sc.uiWebUrl}/{page}/").read()
    )
ssc.stop(stopSparkContext=True, stopGraceFully=True)
print("records", seen)
