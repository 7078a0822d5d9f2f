"""Words of a Kinesis stream: a source of fifty lines, at least once.

Spark's own door, `pyspark.streaming.kinesis`, is the one to use where there is a jar of it for your
Spark: several receivers share its shards. This is for a Spark without one, and shows a source that
has nobody to acknowledge to: it keeps its place in each shard in a DynamoDB table, as Spark's does.
The key is the string `shard`. Credentials and region are boto3's: AWS_DEFAULT_REGION …

scripts/submit examples/kinesis_wordcount.py words places file:///tmp/kinesis-words
"""

import sys
import time

import boto3
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams.sources import Message, Source, source_stream

ENDED = "ended"  # the place in a shard that was split or merged, and read to its end


class Shards(Source):
    """All shards of a stream; `table` has the sequence number after which each continues."""

    def __init__(self, stream, table):
        self.stream, self.table = stream, table

    def open(self):
        self.kinesis = boto3.client("kinesis")
        self.places = boto3.resource("dynamodb").Table(self.table)
        self.read = {row["shard"]: row["place"] for row in self.places.scan()["Items"]}
        self.stored, self.iterators = dict(self.read), {}
        self.look()

    def look(self):
        """Begin to read the shards that are not read yet."""
        for shard in self.kinesis.list_shards(StreamName=self.stream)["Shards"]:
            name = shard["ShardId"]
            place = self.read.get(name)
            if place == ENDED or name in self.iterators:
                continue
            start = {"ShardIteratorType": "TRIM_HORIZON"}
            if place:
                start = {
                    "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                    "StartingSequenceNumber": place,
                }
            found = self.kinesis.get_shard_iterator(StreamName=self.stream, ShardId=name, **start)
            self.iterators[name] = found["ShardIterator"]

    def poll(self, limit, wait):
        out, end = [], time.monotonic() + wait
        while not out and time.monotonic() < end:
            for name, at in list(self.iterators.items()):
                most = min(limit - len(out), 10_000)
                if most < 1:
                    break
                found = self.kinesis.get_records(ShardIterator=at, Limit=most)
                for one in found["Records"]:
                    out.append(Message(one["Data"], one["PartitionKey"].encode()))
                    self.read[name] = one["SequenceNumber"]
                self.iterators[name] = found.get("NextShardIterator")
                if not self.iterators[name]:
                    del self.iterators[name]
                    self.read[name] = ENDED
                    self.look()
            time.sleep(0.2)  # Kinesis allows five reads per second and shard
        return out

    def ack(self):
        for shard, place in self.read.items():
            if self.stored.get(shard) != place:
                self.places.put_item(Item={"shard": shard, "place": place})
        self.stored = dict(self.read)


def create(stream, table, checkpoint):
    conf = SparkConf().set("spark.streaming.receiver.writeAheadLog.enable", "true")
    ssc = StreamingContext(SparkContext(appName="kinesis_wordcount", conf=conf), 1)
    ssc.checkpoint(checkpoint)
    lines = source_stream(ssc, Shards(stream, table)).map(lambda record: record.value.decode())
    pairs = lines.flatMap(str.split).map(lambda word: (word, 1))
    pairs.reduceByKey(lambda a, b: a + b).pprint()
    return ssc


if __name__ == "__main__":
    checkpoint = sys.argv[3]
    ssc = StreamingContext.getOrCreate(checkpoint, lambda: create(*sys.argv[1:]))
    ssc.start()
    ssc.awaitTermination()
