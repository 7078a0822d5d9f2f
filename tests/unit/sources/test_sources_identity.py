"""Keys: the tweet's id as text, in every shape that the sources know."""

import pytest

from producer.sources import Record
from producer.sources.identity import record_of


@pytest.mark.parametrize(
    ("value", "id"),
    [
        (b'{"data":{"id":"2006515713472203136","text":"x"},"includes":{}}', "2006515713472203136"),
        (b' { "id" : "7" , "text" : "bare v2" } ', "7"),
        (b'{"id":2006515713551895600,"id_str":"2006515713551895488"}', "2006515713551895488"),
        (b'{"id":2006515713560284161}', "2006515713560284161"),
        (b'{"id_str":null,"id":12}', "12"),
        (b'{"id":"\\u0037"}', "7"),
        (b'{"id":"7","text":"\xff"}', "7"),
        (
            b'{"did":"did:plc:a","commit":{"operation":"create","rkey":"r1","record":{"text":"x"}}}',
            "did:plc:a/r1",
        ),
    ],
)
def test_id_is_text_as_written(value: bytes, id: str) -> None:
    assert record_of(value) == Record(id, value)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"this is not JSON",
        b"42",
        b"null",
        b"[1,2,3]",
        b'{"hello":"world"}',
        b'{"id":"cut off',
        b'{"id":1.5}',
        b'{"id":-1}',
        b'{"id":true}',
        b'{"id":null}',
        b'{"id":""}',
        b'{"id":"\xff"}',
        b'{"id":"\\ud800"}',
        b'{"id":{"deep":1}}',
        b'{"data":[]}',
        b'{"did":"did:plc:a","kind":"identity"}',
        b'{"did":"did:plc:a","commit":{"operation":"delete"}}',
        b'{"delete":{"status":{}}}',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_without_an_id_the_record_is_kept_whole(value: bytes) -> None:
    assert record_of(value) == Record(None, value)


@pytest.mark.parametrize(
    ("value", "id"),
    [
        (
            b'{"delete":{"status":{"id":20065157135518956,"id_str":"20065157135518954"}}}',
            "20065157135518954",
        ),
        (b'{"did":"did:plc:a","commit":{"operation":"delete","rkey":"r1"}}', "did:plc:a/r1"),
    ],
)
def test_deletion_is_a_tombstone(value: bytes, id: str) -> None:
    assert record_of(value) == Record(id, None)
