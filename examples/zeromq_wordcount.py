"""Words of ZeroMQ's messages: a source of fifteen lines. At most once: ZeroMQ has no
acknowledgements, so a crash loses what is on its way.

scripts/submit examples/zeromq_wordcount.py tcp://127.0.0.1:5556 words
"""

import sys

import zmq
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams.sources import Message, Source, source_stream


class Subscriber(Source):
    def __init__(self, address, topic):
        self.address, self.name = address, topic

    def open(self):
        self.socket = zmq.Context().socket(zmq.SUB)
        self.socket.connect(self.address)
        self.socket.subscribe(self.name)

    def poll(self, limit, wait):
        out = []
        while len(out) < limit and self.socket.poll(0 if out else wait * 1000):
            topic, value = self.socket.recv_multipart()
            out.append(Message(value, topic))
        return out


if __name__ == "__main__":
    address, topic = sys.argv[1:]
    ssc = StreamingContext(SparkContext(appName="zeromq_wordcount"), 1)
    lines = source_stream(ssc, Subscriber(address, topic)).map(lambda record: record.value.decode())
    pairs = lines.flatMap(str.split).map(lambda word: (word, 1))
    pairs.reduceByKey(lambda a, b: a + b).pprint()
    ssc.start()
    ssc.awaitTermination()
