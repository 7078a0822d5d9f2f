"""Posts of X and Bluesky as a DStream: the producer receives them, Kafka keeps them.

.venv/bin/python -m producer --source bluesky --keywords coffee --topic TOPIC
scripts/submit examples/posts_of_x_and_bluesky.py 127.0.0.1:9092 TOPIC

prints {"data": {"id": "1", "text": "a coffee"}}
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import direct_stream

brokers, topic = sys.argv[1:]
ssc = StreamingContext(SparkContext(appName="posts of X and Bluesky"), 1)
posts = direct_stream(ssc, [topic], {"bootstrap.servers": brokers})
posts.map(lambda record: (record.value or b"deleted").decode()[:120]).pprint()
ssc.start()
ssc.awaitTermination()
