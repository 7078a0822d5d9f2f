"""The examples, unmodified, one after the other in one Spark: the command on top of each, what it
reads from the cases' services, and what it prints.

spark-submit … all_examples.py BOOTSTRAP WEBHDFS HDFS FOLDER
"""

import contextlib
import getpass
import io
import re
import runpy
import shlex
import socket
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import cases
import pyspark
from hdfs import InsecureClient
from pyspark.streaming import StreamingContext

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BOOTSTRAP, WEBHDFS, HDFS, FOLDER = sys.argv[1:]
LINES = ["to be or", "not to be"]
LOG = ['127.0.0.1 - ann [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326', "no log line"] * 2


class Seen(io.StringIO):
    """Standard output that is kept; it is the examples' and nobody else's."""

    def write(self, text):
        sys.__stderr__.write(text)
        return super().write(text)


class Shared(pyspark.SparkContext):
    """Gives each example the cases' context."""

    def __new__(cls, **_):
        return cases.sc


class Ended(Exception):
    """Leaves the example where it waits for its end."""


def feed(topic, lines):
    """The README's way onto a topic."""
    command = [sys.executable, EXAMPLES / "lines_to_kafka.py", BOOTSTRAP, topic]
    subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True)


@contextlib.contextmanager
def speaker(lines):
    """The port of a socket that says the lines to each caller, and keeps the connection open."""

    def speak():
        with contextlib.suppress(OSError):
            while True:
                callers.append(server.accept()[0])
                callers[-1].sendall("".join(f"{line}\n" for line in lines).encode())

    callers = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=speak, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    for caller in callers:
        caller.close()


def command_and_output(example):
    """The arguments on top of an example, and the parts of what it says that it prints."""
    top = (EXAMPLES / example).read_text()
    arguments = re.search(rf"^scripts/submit examples/{example}(.*)$", top, re.MULTILINE)
    prints = re.search(r"^prints (.+)$", top, re.MULTILINE)
    assert arguments and prints, f"{example} does not say how to run it and what it prints"
    whole = prints[1].startswith(("[", "|")) or "(" not in prints[1]
    return shlex.split(arguments[1]), [prints[1]] if whole else re.findall(
        r"\(.*?\)+(?= \(|$)", prints[1]
    )


def told(arguments, here):
    """The arguments with the cases' services and folder in place of those of the command."""
    return [
        here.get(word, word)
        if word in here
        else re.sub(r"^(file://)?/tmp/", rf"\g<1>{FOLDER}/", word)
        for word in arguments
    ]


def run(example, arguments, wanted, during=lambda _seen: None):
    """Run the example's file as __main__ until all that is wanted is printed; returns what it
    printed."""
    seen = Seen()

    def wait(ssc, *_):
        def done():
            during(seen.getvalue())
            return all(text in seen.getvalue() for text in wanted)

        try:
            cases.wait_until(done, 60, lambda: ssc.awaitTerminationOrTimeout(0.1))
        except AssertionError as error:
            raise AssertionError(f"{error}: {wanted} in {seen.getvalue()[-2000:]}") from None
        raise Ended

    kept = pyspark.SparkContext, StreamingContext.awaitTermination, sys.argv
    pyspark.SparkContext = Shared
    StreamingContext.awaitTermination = wait
    sys.argv = [example, *arguments]
    try:
        with contextlib.redirect_stdout(seen), contextlib.suppress(Ended):
            runpy.run_path(str(EXAMPLES / example), run_name="__main__")
    finally:
        pyspark.SparkContext, StreamingContext.awaitTermination, sys.argv = kept
        if StreamingContext.getActive():
            StreamingContext.getActive().stop(stopSparkContext=False, stopGraceFully=False)
    return seen.getvalue()


def plain(example, lines=LINES, other=()):
    """An example that reads what it is given, once."""

    def case():
        topic, second = cases.make_topic(), cases.make_topic() if other else ""
        arguments, wanted = command_and_output(example)
        if "TOPIC" in arguments:
            feed(topic, lines)
        if other:
            feed(second, other)
        with speaker(lines) as port:
            here = {"127.0.0.1:9092": BOOTSTRAP, "TOPIC": topic, "OTHER": second, "9999": str(port)}
            run(example, told(arguments, here), wanted)

    return case


case_direct_wordcount = plain("direct_wordcount.py")
case_receiver_wordcount = plain("receiver_wordcount.py", ["be be"])  # one line is in one batch
case_windowed_wordcount = plain("windowed_wordcount.py")
case_stateful_wordcount = plain("stateful_wordcount.py")
case_requests_per_user = plain("requests_per_user.py", LOG)
case_sentiment_of_a_topic = plain("sentiment_of_a_topic.py")
case_network_wordcount = plain("network_wordcount.py", ["be be"])
case_sql_network_wordcount = plain("sql_network_wordcount.py", ["be be"])
case_stateful_network_wordcount = plain("stateful_network_wordcount.py")
case_queue_stream = plain("queue_stream.py")
case_network_wordjoinsentiments = plain("network_wordjoinsentiments.py", ["I love you", "love it"])
case_joined_streams = plain("joined_streams.py", ["ann tea", "bob milk"], ["ann paid", "carl paid"])
case_posts_of_x_and_bluesky = plain(
    "posts_of_x_and_bluesky.py", ['{"data": {"id": "1", "text": "a coffee"}}']
)


def case_hdfs_wordcount():
    files, name = InsecureClient(WEBHDFS, user=getpass.getuser()), f"/tests/{uuid.uuid4().hex}"
    files.makedirs(f"{name}/lines")
    _, wanted = command_and_output("hdfs_wordcount.py")

    def move(seen):
        if seen.count("Time:") and not files.status(f"{name}/lines/one.txt", strict=False):
            files.write(f"{name}/one.txt", data="\n".join(LINES), encoding="utf-8")
            files.rename(f"{name}/one.txt", f"{name}/lines/one.txt")

    run("hdfs_wordcount.py", [f"{HDFS}{name}/lines"], wanted, move)


def case_hdfs_wordcount_of_this_machine():
    arguments, wanted = command_and_output("hdfs_wordcount.py")
    (Path(FOLDER) / "lines").mkdir()

    def move(seen):
        if seen.count("Time:") and not (Path(FOLDER) / "lines" / "one.txt").exists():
            (Path(FOLDER) / "one.txt").write_text("\n".join(LINES))
            (Path(FOLDER) / "one.txt").rename(Path(FOLDER) / "lines" / "one.txt")

    run("hdfs_wordcount.py", told(arguments, {}), wanted, move)


def case_recoverable_network_wordcount_continues():
    arguments, wanted = command_and_output("recoverable_network_wordcount.py")
    with speaker(["to be or not to be"]) as port:
        arguments = told(arguments, {"9999": str(port)})
        first = run("recoverable_network_wordcount.py", arguments, wanted)
        second = run("recoverable_network_wordcount.py", arguments, wanted)
    assert "a new context" in first and "a new context" not in second
    # a batch that the first start had not recorded as done is counted again by the second
    assert len(Path(arguments[-1]).read_text().splitlines()) >= 2


def case_offsets_in_sqlite_count_once():
    topic = cases.make_topic()
    arguments, wanted = command_and_output("offsets_in_sqlite.py")
    arguments = told(arguments, {"127.0.0.1:9092": BOOTSTRAP, "TOPIC": topic})
    feed(topic, LINES)
    run("offsets_in_sqlite.py", arguments, wanted)
    feed(topic, ["be"])  # the second start reads this record and no other
    run("offsets_in_sqlite.py", arguments, ["[('be', 3), ('not', 1), ('or', 1), ('to', 2)]"])


if __name__ == "__main__":
    cases.main(globals())
