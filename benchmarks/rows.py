"""Whether all wrote the same rows: a count and a sum of hashes, which knows no order."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from confluent_kafka import Consumer, TopicPartition
from hdfs import InsecureClient
from isal import igzip
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from consumers import sentiment
from consumers.sentiment import Sentiment
from consumers.tweets import parse as tweets

_MODULUS = 1 << 128
_encode = msgspec.json.Encoder(order="sorted").encode


@dataclass
class Digest:
    """How many rows, their hash, and their hash without the sentiment."""

    count: int = 0
    scored: int = 0
    bare: int = 0

    def add(self, line: bytes) -> None:
        """A row, in whatever order and spelling its JSON is."""
        row = msgspec.json.decode(line)
        sentiment = row.pop("sentiment")
        hashed = hashlib.blake2b(_encode(row), digest_size=16)
        self.count += 1
        self.bare = (self.bare + int.from_bytes(hashed.digest(), "big")) % _MODULUS
        hashed.update(_encode(sentiment))
        self.scored = (self.scored + int.from_bytes(hashed.digest(), "big")) % _MODULUS

    def difference(self, expected: "Digest", scored: bool) -> str | None:
        """What is wrong with these rows, None if nothing; `scored`: whether the sentiment
        counts."""
        if self.count != expected.count:
            return f"{self.count} rows, not {expected.count}"
        equal = self.scored == expected.scored if scored else self.bare == expected.bare
        return None if equal else "its rows differ"


def digest(lines: Iterable[bytes]) -> Digest:
    """The digest of these rows."""
    made = Digest()
    for line in lines:
        made.add(line)
    return made


def written(files: InsecureClient, output: str) -> Iterator[bytes]:
    """The lines of all gzip files below the folder `output` (a path on HDFS) but for what is staged
    or checkpointed."""
    for folder, _folders, names in files.walk(output):
        if any(part.startswith("_") for part in folder.removeprefix(output).split("/")):
            continue
        for name in names:
            if name.endswith(".gz"):
                with files.read(f"{folder}/{name}") as raw, igzip.open(raw) as lines:
                    yield from lines


def expected(bootstrap: str, topic: str, scorer: str) -> Iterator[bytes]:
    """The row of each record on the topic, made one by one; `scorer` is vaderSentiment, or ours for
    the rest of them."""
    package = SentimentIntensityAnalyzer().polarity_scores

    def stock(text: str) -> Sentiment:
        found = package(text)
        return Sentiment(**found, label=sentiment.label(found["compound"]))

    for batch in _records(bootstrap, topic):
        found = [tweets.parse(message.value(), message.key(), 1 << 20) for message in batch]
        texts = [tweet.text for tweet in found]  # type: ignore[union-attr]  # our sample has nothing but tweets
        scores = sentiment.score(texts) if scorer == "ours" else map(stock, texts)
        for message, tweet, score in zip(batch, found, scores, strict=True):
            yield tweets.row(
                topic, message.partition(), message.offset(), message.timestamp()[1], tweet, score
            )


def _records(bootstrap: str, topic: str) -> Iterator[list[Any]]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "bench-expected", "enable.auto.commit": False}
    )
    partitions = [
        TopicPartition(topic, p, 0) for p in consumer.list_topics(topic).topics[topic].partitions
    ]
    consumer.assign(partitions)
    left = sum(consumer.get_watermark_offsets(partition)[1] for partition in partitions)
    while left:
        batch = consumer.consume(5000, 1)
        left -= len(batch)
        yield batch
    consumer.close()
