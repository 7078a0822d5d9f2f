"""The producer of the tutorials: tweepy hears X, kafka-python sends to port 9092. Both jobs read
its topic.

TWEETS_X_BEARER_TOKEN=… .venv/bin/python examples/tweets_to_kafka.py 127.0.0.1:9092 tweets coffee

X bills each post. What twenty lines leave out: gaps, restarts, a broker that is away, a limit to
the bill. `python3 -m producer --source stream --track coffee` does the same with all of that.
"""

import json
import os
import sys

import tweepy
from kafka import KafkaProducer

brokers, topic, rule = sys.argv[1:]


class Tweets(tweepy.StreamingClient):
    def on_data(self, raw_data):
        tweet = json.loads(raw_data)
        if "data" in tweet:  # otherwise X says that something is wrong
            producer.send(topic, key=tweet["data"]["id"].encode(), value=raw_data)


producer = KafkaProducer(bootstrap_servers=brokers)
stream = Tweets(os.environ["TWEETS_X_BEARER_TOKEN"])
stream.add_rules(tweepy.StreamRule(rule, tag="tutorial"))
try:
    stream.filter(tweet_fields="created_at,lang,author_id,public_metrics,geo")
finally:
    producer.flush()
