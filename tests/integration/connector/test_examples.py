"""Every example: in one Spark, one after the other, and one by the command on top of it."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import zmq

from local.stub_servers.jetstream import Jetstream
from local.stub_servers.x import XStub
from tests.conftest import PATIENCE, ROOT, Services
from tests.kit.old_scripts import running, send_lines
from tests.kit.other_spark import SUBMIT
from tests.kit.producing import produce
from tests.kit.rabbitmq import rabbitmq

CASES = ROOT / "tests" / "on_spark" / "all_examples.py"
ELSEWHERE = {
    "lines_to_kafka.py",  # feeds the others
    "tweets_to_kafka.py",  # test_tutorial_producer.py
    "rabbitmq_wordcount.py",  # the last two tests
    "zeromq_wordcount.py",
    "kinesis_wordcount.py",  # test_kinesis.py
}


def test_every_example_is_tried() -> None:
    tried = {f"{name}.py" for name in re.findall(r'"(\w+)\.py"', CASES.read_text())}
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == tried | ELSEWHERE


def test_an_example_by_its_command(services: Services, topic: str, tmp_path: Path) -> None:
    send_lines(services.bootstrap, topic, ["to be or not to be"] * 9)
    arguments = [services.bootstrap, topic]
    with running("../../examples/direct_wordcount.py", arguments, tmp_path) as script:
        script.wait_for(lambda text: "('be', 18)" in text, "18 times be")


def test_the_examples_print_what_they_say(services: Services, tmp_path: Path) -> None:
    places = [services.bootstrap, services.webhdfs, services.hdfs, str(tmp_path)]
    done = subprocess.run(
        [*SUBMIT, str(CASES), *places],
        capture_output=True,
        text=True,
        timeout=270 * PATIENCE,
        check=False,
    )
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"case"')]
    assert [result for result in results if result["error"]] == [], done.stderr[-3000:]
    assert len(results) == CASES.read_text().count("\ncase_") + CASES.read_text().count("def case_")


@pytest.mark.long
def test_posts_of_x_and_bluesky(services: Services, topic: str, tmp_path: Path) -> None:
    """Both received by the producer, from servers that speak X's and Bluesky's wire."""
    ends = ("--topic", topic, "--max-posts", "4")  # pprint shows ten of a batch
    with XStub() as x, Jetstream(rate=500) as bluesky:
        x.world.invent(4)
        of_x = ("--source", "stream", "--track", "coffee", "--x-base-url", x.url)
        produce(services, *of_x, *ends)
        produce(services, "--source", "bluesky", "--jetstream-url", bluesky.url, *ends)
    words = [services.bootstrap, topic]
    with running("../../examples/posts_of_x_and_bluesky.py", words, tmp_path) as script:
        script.wait_for(lambda text: '{"data":' in text and "network.bsky" in text, "both")


def test_zeromq(tmp_path: Path) -> None:
    """It has no queue for who is not there yet, so the words are said until they came."""
    with zmq.Context() as context, context.socket(zmq.PUB) as publisher:
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        words = [f"tcp://127.0.0.1:{port}", "words"]
        with running("../../examples/zeromq_wordcount.py", words, tmp_path / "run") as script:

            def said(text: str) -> bool:
                publisher.send_multipart([b"words", b"to be or not to be"])
                return "('be', " in text

            script.wait_for(said, "words")


def test_rabbitmq(tmp_path: Path) -> None:
    with rabbitmq(tmp_path / "broker") as broker:
        broker.publish("words", [b"to be or not to be"] * 9)
        words = [broker.url, "words", (tmp_path / "checkpoint").as_uri()]
        with running("../../examples/rabbitmq_wordcount.py", words, tmp_path / "run") as script:
            script.wait_for(lambda text: "('be', " in text, "words")
