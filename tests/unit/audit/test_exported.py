"""The verdict as a file for Prometheus' textfile collector."""

from pathlib import Path

from audit import exported
from audit.verdict import Verdict


def test_every_kind_of_finding_is_there_also_when_there_is_none(tmp_path: Path) -> None:
    verdict, file = Verdict(in_kafka=7), tmp_path / "tweets.prom"
    verdict.convict("lost", "t[0] 3", 2)
    file.write_text("what was there before")
    exported.write(verdict, "hdfs://h/x", str(file))
    lines = file.read_text().splitlines()
    assert 'tweets_audit_findings{kind="lost",output="hdfs://h/x"} 2.0' in lines
    assert 'tweets_audit_findings{kind="duplicated",output="hdfs://h/x"} 0.0' in lines
    assert 'tweets_audit_records{output="hdfs://h/x"} 7.0' in lines
    assert any(line.startswith("tweets_audit_timestamp_seconds{") for line in lines)
    assert list(tmp_path.iterdir()) == [file]
