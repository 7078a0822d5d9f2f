"""Every example, started by the command on top of it."""

import contextlib
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from tests.conftest import PATIENCE, ROOT, Services
from tests.kit.old_scripts import running
from tests.kit.rabbitmq import rabbitmq

LINES = ["to be or not to be"] * 9
LOG = ['127.0.0.1 - ann [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326', "no log line"] * 6
WANTED: dict[str, tuple[list[str], str]] = {
    "receiver_wordcount.py": (LINES, "('be', "),
    "direct_wordcount.py": (LINES, "('be', 18)"),
    "windowed_wordcount.py": (LINES, "('be', 18)"),
    "stateful_wordcount.py": (LINES, "('be', 18)"),
    "requests_per_user.py": (LOG, "('ann', 6)"),
    "folder_wordcount.py": (LINES, "('be', "),
    "socket_wordcount.py": (LINES, "('be', "),
    "sentiment_of_a_topic.py": (["I love this", "I hate this"] * 3, "(0.6369, 'I love this')"),
}


def command(example: str) -> list[str]:
    """The arguments in the command on top of an example."""
    line = re.search(
        rf"scripts/submit examples/{re.escape(example)} ([^\"\n]+)",
        (ROOT / "examples" / example).read_text(),
    )
    assert line, f"{example} has no command on top"
    return shlex.split(line.group(1))


@contextlib.contextmanager
def speaker(lines: list[str]) -> Iterator[int]:
    """The port of a socket that says the lines to whoever comes, and keeps the line open."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            with contextlib.suppress(OSError):
                caller = server.accept()[0]
                caller.sendall("".join(f"{line}\n" for line in lines).encode())
                gone.wait()
                caller.close()

        gone = threading.Event()
        threading.Thread(target=speak, daemon=True).start()
        yield server.getsockname()[1]
        gone.set()


def test_every_example_is_tried() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == {
        *WANTED,
        "lines_to_kafka.py",  # feeds the others
        "tweets_to_kafka.py",  # test_tutorial_producer.py
        "rabbitmq_wordcount.py",  # the last two tests
        "zeromq_wordcount.py",
    }


def feed(bootstrap: str, topic: str, lines: list[str]) -> None:
    """Put the lines onto the topic, as examples/README.md says."""
    subprocess.run(
        [sys.executable, ROOT / "examples" / "lines_to_kafka.py", bootstrap, topic],
        input="\n".join(lines) + "\n",
        text=True,
        check=True,
        timeout=60 * PATIENCE,
    )


@pytest.mark.parametrize("example", WANTED)
def test_example(services: Services, topic: str, tmp_path: Path, example: str) -> None:
    lines, wanted = WANTED[example]
    folder = tmp_path / "lines"
    folder.mkdir()
    with speaker(lines) as port:
        here: dict[str, Callable[[], str]] = {
            "127.0.0.1:9092": lambda: services.bootstrap,
            "TOPIC": lambda: topic,
            "9999": lambda: str(port),
            "file:///tmp/lines": folder.as_uri,
        }
        words = [
            here[word]() if word in here else word.replace("file:///tmp", tmp_path.as_uri())
            for word in command(example)
        ]
        feed(services.bootstrap, topic, lines)
        with running(f"../../examples/{example}", words, tmp_path / "run") as script:
            if example == "folder_wordcount.py":
                script.wait_for(lambda text: "Time:" in text, "a first batch")
                (tmp_path / "one.txt").write_text("\n".join(lines))
                (tmp_path / "one.txt").rename(folder / "one.txt")
            script.wait_for(lambda text: wanted in text, wanted)


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
        broker.publish("words", [line.encode() for line in LINES])
        words = [broker.url, "words", (tmp_path / "checkpoint").as_uri()]
        with running("../../examples/rabbitmq_wordcount.py", words, tmp_path / "run") as script:
            script.wait_for(lambda text: "('be', " in text, "words")
