"""What a run decides before it reads: whose spool it uses, and whose position."""

from pathlib import Path

import pytest

from config import settings
from producer.run import question, spool_owner


def asked(*flags: str) -> str:
    return question(settings.load("producer", flags, environ={}, file=Path("/nowhere"), secrets=Path("/nowhere")))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("--source", "search", "--query", "coffee"), ("--source", "search", "--query", "tea")),
        (("--source", "search", "--query", "coffee"), ("--source", "search", "--query", "coffee", "--lang", "en")),
        (("--source", "stream", "--track", "coffee"), ("--source", "stream", "--track", "coffee,tea")),
        (("--source", "bluesky", "--keywords", "coffee"), ("--source", "bluesky", "--keywords", "tea")),
    ],
)
def test_another_question_has_another_digest(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert asked(*one) == asked(*one) != asked(*other)


def test_what_does_not_choose_posts_does_not_change_the_question() -> None:
    query = ("--source", "search", "--query", "coffee")
    assert asked(*query) == asked(*query, "--since", "3d", "--interval", "5", "--max-posts", "7", "--bootstrap", "other:9092")


def test_the_rules_are_those_in_the_file(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    flags = ("--source", "stream", "--rules", str(rules))
    missing = asked(*flags)
    rules.write_text('coffee = "coffee"')
    coffee = asked(*flags)
    rules.write_text('coffee = "coffee lang:en"')
    assert len({missing, coffee, asked(*flags)}) == 3


def test_an_owner_knows_its_cluster_in_any_order_of_its_brokers() -> None:
    assert spool_owner("stream", "tweets", "b:1,a:2") == spool_owner("stream", "tweets", "a:2,b:1")
    assert spool_owner("stream", "tweets", "a:2") != spool_owner("stream", "tweets", "b:1")
