"""What a job is pointed at, refused before anything is made: addresses that are not HDFS's, names
that no topic can have."""

import pytest

import tests.kit.frame_bytes  # noqa: F401 - puts the connector on the path
from config.errors import ConfigError
from consumers.driver.opening import names_of_topics
from consumers.output.refusals import check_address


@pytest.mark.parametrize(
    "address",
    ["hdfs://127.0.0.1:8020/tweets/direct", "hdfs://nameservice1/a", "hdfs://h:1/a b/c#d"],
)
def test_an_address_on_hdfs(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("file:/tmp/tweets", "file is not HDFS at file:/tmp/tweets"),
        ("s3a://bucket/tweets", "s3a is not HDFS"),
        ("viewfs://cluster/tweets", "viewfs is not HDFS"),
        ("hdsf://127.0.0.1:8020/tweets", "hdsf is not HDFS"),
        ("/tweets/direct", "an address without a scheme is not HDFS"),
        ("", "an address without a scheme"),
        ("hdfs:///tweets", "names no host"),
        ("hdfs:/tweets", "names no host"),
        ("hdfs://127.0.0.1:8020", "names no folder"),
        ("hdfs://127.0.0.1:8020/", "names no folder"),
    ],
)
def test_an_address_elsewhere(address: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        check_address(address)
    assert "hdfs://HOST:PORT/PATH" in refused.value.remedy


def test_topics_each_once() -> None:
    assert names_of_topics("tweets") == ["tweets"]
    assert names_of_topics(" a,b.c-d_1 ,,a") == ["a", "b.c-d_1"]


@pytest.mark.parametrize(
    "text", ["", ",", " , ", "a b", "a,b/c", "a,..", ".", "caf\u00e9", "t" * 250, "a;b"]
)
def test_no_topics_name(text: str) -> None:
    with pytest.raises(ConfigError, match="no topic") as refused:
        names_of_topics(text)
    assert "--topic NAME" in refused.value.remedy
