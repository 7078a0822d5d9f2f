"""The fifteen places where users of such programs stumble: each has a message of ours in the code,
and a row in the runbook."""

import re

import pytest

from tests.conftest import ROOT

MESSAGES = {  # number: (file, words of its message)
    1: [("producer/doctor/machine.py", "packages are not as pinned")],
    2: [("producer/sources/x/wire.py", "v1.1 is closed")],
    3: [("producer/sources/x/wire.py", "a plan, and an app inside a project")],
    4: [
        ("producer/sources/x/wire.py", "X refuses the bearer token"),
        ("producer/sources/x/check.py", "clock is "),
    ],
    5: [("producer/sources/x/connection.py", "another program reads this stream")],
    6: [
        ("producer/sources/x/wire.py", "X has no rules for the stream"),
        ("producer/sources/x/check.py", "others stay active"),
        ("producer/sources/x/rules.py", "a rule has "),
    ],
    7: [("connector/kafka_dstreams_hook.py", "pyspark.streaming.kafka")],
    8: [("local/services.py", "the jars of ")],
    9: [
        ("producer/publishing/brokers.py", "no Kafka broker answers"),
        ("producer/publishing/brokers.py", "the broker says it is at "),
    ],
    10: [("producer/doctor/output.py", "the NameNode sends writers to ")],
    11: [("producer/doctor/machine.py", "packages are not as pinned")],
    12: [("producer/doctor/machine.py", "text is written as ")],
    13: [("views/summary.py", "no post has a location")],
    14: [("producer/doctor/machine.py", "Windows lacks what Spark and Hadoop need")],
    15: [
        ("consumers/output/refusals.py", "no permission on HDFS"),
        ("consumers/driver/checkpoints.py", "the checkpoint was made with other settings"),
    ],
}


@pytest.mark.parametrize("number", range(1, 16))
def test_each_has_a_message_and_a_row(number: int) -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| {number} \| .*$", runbook, re.MULTILINE)
    assert row, f"the runbook has no row {number}"
    for file, words in MESSAGES[number]:
        assert words in (ROOT / file).read_text(encoding="utf-8"), (
            f"{file} no longer says {words!r}"
        )
        assert words.strip() in row[0], f"row {number} does not quote {words!r}"
