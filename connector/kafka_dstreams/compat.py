"""`import kafka_dstreams.compat` makes `from pyspark.streaming.kafka import KafkaUtils` work in
this process."""

import sys

import pyspark.streaming

from kafka_dstreams import kafka_utils

sys.modules.setdefault("pyspark.streaming.kafka", kafka_utils)
pyspark.streaming.kafka = sys.modules["pyspark.streaming.kafka"]
