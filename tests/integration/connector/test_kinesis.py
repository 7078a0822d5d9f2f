"""The Kinesis example, against moto's stand-in: its place in each shard, splits, and its words."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.kit.kinesis import kinesis
from tests.kit.old_scripts import running
from tests.kit.sourced import numbers, received


def test_what_was_not_stored_comes_again_across_a_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "examples")
    from kinesis_wordcount import Shards

    with kinesis() as aws:
        aws.create("numbers", 3, "places")
        aws.publish("numbers", numbers(0, 300))
        source = Shards("numbers", "places")
        source.open()
        stored = received(source, 100)
        lost = [int(message.value) for message in source.poll(50, 2)]
        aws.split("numbers")
        aws.publish("numbers", numbers(300, 400))
        again = Shards("numbers", "places")
        again.open()
        rest = received(again, 400 - len(stored))
        assert sorted(stored + rest) == list(range(400))
        assert lost and set(lost) <= set(rest)
        assert not again.poll(10, 0.5)


def test_its_words(tmp_path: Path) -> None:
    with kinesis() as aws:
        aws.create("words", 2, "places")
        aws.publish("words", [b"to be or not to be"] * 9)
        words = ["words", "places", (tmp_path / "checkpoint").as_uri()]
        with running("../../examples/kinesis_wordcount.py", words, tmp_path / "run") as script:
            script.wait_for(lambda text: "('be', " in text, "words")
