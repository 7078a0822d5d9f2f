"""Words of a RabbitMQ queue: a source of forty lines, at least once. Give the password as a
reference, ${env:NAME}.

scripts/submit examples/rabbitmq_wordcount.py amqp://127.0.0.1:5672 words file:///tmp/rabbit-words
"""

import sys
import time

import pika
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams.sources import Message, Source, secret, source_stream


class Queue(Source):
    """`window` messages may be on their way without an acknowledgement."""

    def __init__(self, url, queue, window=10_000):
        self.url, self.name, self.window = url, queue, window

    def open(self):
        connection = pika.BlockingConnection(pika.URLParameters(secret(self.url)))
        self.channel = connection.channel()
        self.channel.basic_qos(prefetch_count=self.window)

    def poll(self, limit, wait):
        out, end = [], time.monotonic() + wait
        for method, _, body in self.channel.consume(self.name, inactivity_timeout=wait):
            if method is None:
                break
            self.tag = method.delivery_tag
            out.append(Message(body, method.routing_key.encode()))
            if len(out) >= min(limit, self.window) or time.monotonic() > end:
                break
        return out

    def ack(self):
        self.channel.basic_ack(self.tag, multiple=True)

    def close(self):
        self.channel.connection.close()


def create(url, queue, checkpoint):
    conf = SparkConf().set("spark.streaming.receiver.writeAheadLog.enable", "true")
    ssc = StreamingContext(SparkContext(appName="rabbitmq_wordcount", conf=conf), 1)
    ssc.checkpoint(checkpoint)
    lines = source_stream(ssc, Queue(url, queue)).map(lambda record: record.value.decode())
    pairs = lines.flatMap(str.split).map(lambda word: (word, 1))
    pairs.reduceByKey(lambda a, b: a + b).pprint()
    return ssc


if __name__ == "__main__":
    checkpoint = sys.argv[3]
    ssc = StreamingContext.getOrCreate(checkpoint, lambda: create(*sys.argv[1:]))
    ssc.start()
    ssc.awaitTermination()
