"""Where a checkpoint may be, and whether it can be written."""

from unittest.mock import MagicMock

import pytest

from config.errors import ConfigError
from consumers.driver import checkpoints
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


def test_a_checkpoint_is_tried_once_per_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    storage, now = MagicMock(), [0.0]
    monkeypatch.setattr(checkpoints, "Storage", lambda _address: storage)
    watch = checkpoints.Watch(OUTPUT, lambda: now[0])
    for now[0], tries in ((59.0, 0), (61.0, 1), (62.0, 1), (122.0, 2)):
        watch.check_writable()
        assert storage.create.call_count == storage.delete.call_count == tries
    storage.create.side_effect = ConfigError("HDFS's quota is used up")
    now[0] = 200.0
    with pytest.raises(ConfigError):
        watch.check_writable()
    assert storage.delete.call_count == 3, "what was half written goes"
