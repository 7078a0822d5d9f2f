"""/metrics and /health of a producer whose broker is away: records wait in its spool."""

import json
import subprocess
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.conftest import ROOT, wait_until
from tests.kit.jobs import default_ctrl_c, unused_port
from tests.kit.producing import COMMAND


def answer(url: str) -> tuple[int, str]:
    """Status and text; status 0 where no program answers."""
    try:
        with urlopen(url, timeout=5) as found:
            return found.status, found.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def test_a_producer_that_waits_for_its_broker_says_so(tmp_path: Path) -> None:
    url = f"127.0.0.1:{unused_port()}"
    flags = ["--source", "sample", "--rate", "50", "--max-posts", "1000000", "--metrics", url]
    flags += ["--spool", str(tmp_path / "spool"), "--bootstrap", f"127.0.0.1:{unused_port()}"]
    process = subprocess.Popen(
        [*COMMAND, *flags],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=default_ctrl_c,
    )
    try:
        wait_until(lambda: answer(f"http://{url}/health")[0] == 503, 60, "/health turns 503")
        health = json.loads(answer(f"http://{url}/health")[1])
        assert "no Kafka broker answers" in health["reason"] and health["acked"] == 0
        text = answer(f"http://{url}/metrics")[1]
        at = '{source="sample",topic="tweets"}'
        found = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.endswith(".0"))
        assert float(found[f"tweets_producer_waiting_records{at}"]) > 0
        assert found[f"tweets_producer_stuck{at}"] == "1.0"
        assert found[f"tweets_producer_acked_total{at}"] == "0.0"
    finally:
        process.kill()
        process.wait()


def test_an_address_that_cannot_be_had_ends_the_producer_with_2(tmp_path: Path) -> None:
    elsewhere = "192.0.2.1:9400"  # an address that no machine of ours has
    flags = ["--source", "sample", "--metrics", elsewhere, "--spool", str(tmp_path / "spool")]
    done = subprocess.run(
        [*COMMAND, *flags], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2 and "metrics cannot be served" in done.stderr
