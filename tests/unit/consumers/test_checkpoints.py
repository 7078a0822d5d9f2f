"""Where a checkpoint may be."""

import pytest

from config.errors import ConfigError
from consumers.driver.checkpoints import check_place

OUTPUT = "hdfs://h:8020/tweets/receiver_based"


@pytest.mark.parametrize(
    "place",
    [
        "",
        "/",
        "/batches",
        "/batches/0000000",
        "/_staging/x",
        "/_epochs",
        "/_seen/",
        "/_identity.json",
        "/x/../batches",
        "/..",
    ],
)
def test_not_among_what_is_published(place: str) -> None:
    with pytest.raises(ConfigError, match="would be among what is published"):
        check_place(OUTPUT + place, OUTPUT)
    with pytest.raises(ConfigError):
        check_place(OUTPUT + place, OUTPUT + "/")


@pytest.mark.parametrize(
    "checkpoint",
    [
        "",
        f"{OUTPUT}/_checkpoint",
        f"{OUTPUT}/_checkpoint-2",
        f"{OUTPUT}-2",
        "hdfs://h:8020/checkpoints/a",
        "hdfs://other:8020/tweets",
    ],
)
def test_elsewhere(checkpoint: str) -> None:
    check_place(checkpoint, OUTPUT)
