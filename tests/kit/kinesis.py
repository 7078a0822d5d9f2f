"""moto's stand-in for Kinesis and DynamoDB: it holds a stream, its shards and a table in memory.

`with kinesis() as aws` starts it; what boto3 needs to find it is in the environment meanwhile.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock
from urllib.request import urlopen

import boto3
from moto.server import ThreadedMotoServer

from tests.conftest import HOST, PORTS

PORT = PORTS + 390
URL = f"http://{HOST}:{PORT}"


class Aws:
    """A stream and a table, by boto3."""

    def __init__(self) -> None:
        self.kinesis = boto3.client("kinesis")
        self.dynamodb = boto3.client("dynamodb")

    def create(self, stream: str, shards: int, table: str) -> None:
        """An empty stream, and an empty table of places."""
        self.kinesis.create_stream(StreamName=stream, ShardCount=shards)
        self.dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "shard", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "shard", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def publish(self, stream: str, values: list[bytes]) -> None:
        """Put the values, each with another key."""
        for start in range(0, len(values), 500):
            rows = enumerate(values[start : start + 500], start)
            records = [{"Data": value, "PartitionKey": f"key {n}"} for n, value in rows]
            assert not self.kinesis.put_records(StreamName=stream, Records=records)[
                "FailedRecordCount"
            ]

    def split(self, stream: str) -> None:
        """Split the first open shard in two halves."""
        shards = self.kinesis.list_shards(StreamName=stream)["Shards"]
        shard = next(
            one for one in shards if "EndingSequenceNumber" not in one["SequenceNumberRange"]
        )
        low, high = (int(shard["HashKeyRange"][f"{end}HashKey"]) for end in ("Starting", "Ending"))
        self.kinesis.split_shard(
            StreamName=stream,
            ShardToSplit=shard["ShardId"],
            NewStartingHashKey=str((low + high) // 2),
        )


@contextmanager
def kinesis() -> Iterator[Aws]:
    """The running stand-in, on this machine."""
    server = ThreadedMotoServer(ip_address=HOST, port=PORT, verbose=False)
    server.start()
    found = {
        "AWS_ENDPOINT_URL": URL,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        with mock.patch.dict(os.environ, found):
            urlopen(f"{URL}/moto-api/reset", b"").close()  # its state is global
            yield Aws()
    finally:
        server.stop()
