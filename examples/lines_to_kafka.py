"""Each line of standard input becomes one record of a topic; what the other examples read.

printf 'to be or\\nnot to be\\n' | .venv/bin/python examples/lines_to_kafka.py 127.0.0.1:9092 words
"""

import sys

from kafka import KafkaProducer

brokers, topic = sys.argv[1:]
producer = KafkaProducer(bootstrap_servers=brokers)
for line in sys.stdin:
    producer.send(topic, line.rstrip("\n").encode())
producer.flush()
