"""examples/tweets_to_kafka.py, the tutorials' producer, against X's stub and a real broker; both
jobs read what it sends."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.stub_servers.x import TOKEN, XStub
from tests.conftest import ROOT, Services, wait_until
from tests.kit.jobs import APPROACHES, audit, default_ctrl_c, rows, run_job
from tests.kit.producing import published

EXAMPLE = ROOT / "examples" / "tweets_to_kafka.py"
# The stub stands where tweepy has X's address built in; the script itself is started as it is.
AT_THE_STUB = """
import runpy, sys, tweepy
from producer.sources.x.wire import Account
begin, address = tweepy.StreamingClient.__init__, sys.argv[1]
def at_the_stub(self, token, **options):
    begin(self, token, **options)
    Account(token, address).attach(self.session)
tweepy.StreamingClient.__init__ = at_the_stub
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.long
def test_both_jobs_read_what_the_tutorials_producer_sends(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    line = re.search(r"\.venv/bin/python examples/tweets_to_kafka\.py (.+)", EXAMPLE.read_text())
    assert line and len(shlex.split(line[1])) == 3, "the command on top of it"
    arguments = [services.bootstrap, topic, shlex.split(line[1])[2]]
    with XStub() as x:
        command = [sys.executable, "-c", AT_THE_STUB, x.url, str(EXAMPLE), *arguments]
        environ = {**os.environ, "TWEETS_X_BEARER_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            command, env=environ, stderr=subprocess.PIPE, preexec_fn=default_ctrl_c
        ) as script:
            wait_until(lambda: x.open_streams or script.poll() is not None, 30, "it listens")
            assert script.poll() is None and script.stderr, script.communicate()
            assert [rule["value"] for rule in x.world.rules] == [arguments[2]]
            x.world.invent(100)
            wait_until(lambda: len(x.delivered) == 100, 30, "X has given everything")
            script.send_signal(signal.SIGINT)
            assert b"KeyboardInterrupt" in script.communicate(timeout=60)[1]
        found = {key.decode(): value for key, value in published(services, topic).values() if key}
    assert found == x.delivered, "each post as received, its id as key"
    for approach in APPROACHES:
        run_job(services, tmp_path, approach, topic, f"{output}/{approach}")
        assert audit(services, topic, f"{output}/{approach}")["published"] == 100
        tweets = rows(services, f"{output}/{approach}", "tweets")
        assert {tweet["id"] for tweet in tweets} == set(found) and all(
            "compound" in tweet["sentiment"] for tweet in tweets
        )
