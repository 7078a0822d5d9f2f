"""A job's figures, and when the job is well."""

from unittest.mock import MagicMock

from consumers.driver.figures import Figures

FAR = 1_000_000


def value(figures: Figures, name: str, **labels: str) -> float | None:
    return figures.registry.get_sample_value(name, labels)


def test_lag_margin_and_frontier_of_a_partition_with_a_hole() -> None:
    figures = Figures(2.0)
    figures.offsets({("t", 0): [(100, 200), (300, 400)]}, {("t", 0): (150, 450), ("t", 1): (7, 9)})
    at = {"topic": "t", "partition": "0"}
    assert value(figures, "tweets_frontier_offset", **at) == 200
    assert value(figures, "tweets_lag_records", **at) == 100 + 50
    assert value(figures, "tweets_retention_margin_records", **at) == 50
    new = {"topic": "t", "partition": "1"}
    assert value(figures, "tweets_lag_records", **new) == 2
    assert value(figures, "tweets_retention_margin_records", **new) == 0


def test_what_retention_has_taken_is_below_zero() -> None:
    figures = Figures(2.0)
    figures.offsets({("t", 0): [(0, 10)]}, {("t", 0): (15, 20)})
    at = {"topic": "t", "partition": "0"}
    assert value(figures, "tweets_retention_margin_records", **at) == -5


def test_health_begins_with_the_first_batch_and_ends_with_a_late_one() -> None:
    now = [FAR]
    figures = Figures(2.0, clock=lambda: now[0])
    assert "starting" in figures.health().reason
    figures.batch_ended()
    assert not figures.health().reason
    now[0] += 6
    assert not figures.health().reason, "three intervals are not late yet"
    now[0] += 1
    assert figures.health().reason == "no batch has ended for 7 s"
    figures.batch_ended()
    assert not figures.health().reason


def test_each_kind_counts_from_zero() -> None:
    figures = Figures(2.0)
    for kind in ("tweets", "deleted", "rejected"):
        assert value(figures, "tweets_published_records_total", kind=kind) == 0


def test_rejected_records_are_counted_by_reason() -> None:
    figures = Figures(2.0)
    for _ in range(2):
        figures.published(MagicMock(counts={}, seq=1), 0, {"empty": 1, "not_json": 2})
    assert value(figures, "tweets_rejected_total", reason="not_json") == 4
    assert value(figures, "tweets_rejected_total", reason="empty") == 2
