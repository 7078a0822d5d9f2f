"""What every peer does with a record: the row of docs/wire-format.md out of the tweet's bytes, and
files of rows onto HDFS."""

import argparse
import importlib
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

ROWS_A_FILE, LONGEST_S = 10_000, 1.0
Scorer = Callable[[Sequence[str]], Sequence[dict[str, Any] | None]]
At = tuple[str, int, int, int]  # topic, partition, offset, timestamp in ms

_encode = msgspec.json.Encoder().encode


def arguments() -> argparse.Namespace:
    """The command line of each peer; `index` is the number of this process among `processes`."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "topic", "output", "scorer"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--index", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    return parser.parse_args()


def say(words: str) -> None:
    """A mark for the measuring program."""
    print(f"bench: {words}", flush=True)


def scorer(name: str) -> Scorer:
    """`none`, `vaderSentiment` or `ours`, for a list of texts."""
    if name == "none":
        return lambda texts: [None] * len(texts)
    if name == "ours":
        sentiment = importlib.import_module("consumers.sentiment")
        sentiment.prepare()
        return lambda texts: [msgspec.structs.asdict(score) for score in sentiment.score(texts)]
    vader = importlib.import_module("vaderSentiment.vaderSentiment").SentimentIntensityAnalyzer()

    def score(texts: Sequence[str]) -> list[dict[str, Any] | None]:
        found = [vader.polarity_scores(text) for text in texts]
        return [{**one, "label": label(one["compound"])} for one in found]

    return score


def label(compound: float) -> str:
    """The package's own recommendation."""
    return "positive" if compound >= 0.05 else "negative" if compound <= -0.05 else "neutral"


def parse(value: bytes) -> dict[str, Any]:
    """The row of an X v2 tweet but for its coordinates and sentiment."""
    found = msgspec.json.decode(value)
    data, includes = found["data"], found["includes"]
    metrics, geo = data["public_metrics"], data.get("geo")
    references = {
        reference["type"]: reference["id"] for reference in data.get("referenced_tweets", ())
    }
    authors = {user["id"]: user["username"] for user in includes["users"]}
    place = next(
        (place for place in includes.get("places", ()) if geo and place["id"] == geo["place_id"]),
        None,
    )
    lat = lon = kind = None
    if geo and "coordinates" in geo:
        (lon, lat), kind = geo["coordinates"]["coordinates"], "point"
    elif place:
        west, south, east, north = place["geo"]["bbox"]
        lon, lat, kind = (west + east) / 2, (south + north) / 2, "place"
    return {
        "id": data["id"],
        "source": "x",
        "created_at": data["created_at"],
        "lang": data["lang"],
        "author_id": data["author_id"],
        "author": authors.get(data["author_id"]),
        "likes": metrics["like_count"],
        "reposts": metrics["retweet_count"],
        "replies": metrics["reply_count"],
        "hashtags": [tag["tag"] for tag in data.get("entities", {}).get("hashtags", ())],
        "lat": lat,
        "lon": lon,
        "geo_kind": kind,
        "country": place and place["country_code"],
        "place": place and place["full_name"],
        "is_repost": "retweeted" in references,
        "reply_to": references.get("replied_to"),
        "text": data["text"],
        "tweet": msgspec.Raw(value),
    }


def line(at: At, row: dict[str, Any], sentiment: dict[str, Any] | None) -> bytes:
    """The row as a line of JSON."""
    kafka = dict(zip(("topic", "partition", "offset", "timestamp"), at, strict=True))
    return _encode({"kafka": kafka, **row, "sentiment": sentiment}) + b"\n"


def lines(records: Sequence[tuple[At, bytes]], score: Scorer) -> list[bytes]:
    """A batch of records to their lines."""
    rows = [parse(value) for _, value in records]
    scores = score([row["text"] for row in rows])
    return [line(at, row, one) for (at, _), row, one in zip(records, rows, scores, strict=True)]


class Files:
    """Lines into gzip files on HDFS, each closed and so visible when it is full or a second old."""

    def __init__(self, output: str, index: int) -> None:
        # Structured Streaming writes by itself and has no need of it
        from hdfs_native import Client, WriteOptions

        self._client, self._options = Client(output), WriteOptions(replication=1)
        self._name, self._number = f"{urlsplit(output).path}/{index}", 0
        self._lines: list[bytes] = []
        self._since = time.monotonic()

    def add(self, lines: Sequence[bytes]) -> bool:
        """True when a file was written: all lines so far are on HDFS."""
        self._lines += lines
        return self._due() and self.flush()

    def flush(self) -> bool:
        """Write what there is."""
        from isal import igzip

        if self._lines:
            with self._client.create(f"{self._name}-{self._number}.json.gz", self._options) as file:
                file.write(igzip.compress(b"".join(self._lines), 1))
            say(f"rows {len(self._lines)}")
            self._lines, self._number = [], self._number + 1
        self._since = time.monotonic()
        return True

    def _due(self) -> bool:
        return len(self._lines) >= ROWS_A_FILE or time.monotonic() > self._since + LONGEST_S
