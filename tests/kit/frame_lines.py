"""A frame's lines, as a job's task asks for them."""

from consumers.tweets.lines import Lines, Ranges, lines
from kafka_dstreams import layout


def lines_of(data: bytes, wanted: Ranges, max_bytes: int) -> Lines:
    return lines(data, layout(data), wanted, max_bytes)
