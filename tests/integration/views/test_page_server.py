"""The page's server against strangers, without a browser: methods, hosts, parameters, token, sizes.
The store is a real one; no service is needed."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.conftest import ROOT, wait_until
from tests.kit.browsing import dashboard
from tests.kit.memory_files import MemoryFiles
from tests.kit.published_output import FromFiles, opened, publish, records
from views.follow import Follower, store_path
from views.page.server import FILES
from views.store.frontier import Store

OUTPUT, NOBODY = "hdfs://127.0.0.1:1/tweets/direct", "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one output, whose HDFS is gone."""
    found, files = tmp_path_factory.mktemp("stores"), MemoryFiles()
    driver = opened(files)
    for seq in range(3):
        publish(driver, records(Random(seq), 300 * seq, 300))
    Follower(FromFiles(files), Store(store_path(found, OUTPUT))).catch_up()
    return found


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with dashboard(folder, "--output", OUTPUT, "--webhdfs", NOBODY) as found:
        yield found


def ask(url: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body)."""
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


@pytest.mark.parametrize("path", ["", "api/state", "api/view", "nothing", "land"])
def test_every_answer_carries_the_policy(url: str, path: str) -> None:
    _, headers, _ = ask(url + path)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy and "*" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in {name.lower() for name in headers}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_reading(url: str, method: str) -> None:
    assert ask(url + "api/state", method)[0] == 405


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example:8780", 421),
        ("169.254.169.254", 421),
        ("[::ffff:10.0.0.1]", 421),
        ("", 421),
        ("[", 421),
        ("localhost", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:5", 200),
    ],
)
def test_the_host_is_checked(url: str, host: str, status: int) -> None:
    """A foreign name that points here (DNS rebinding) gets nothing, not even the page."""
    assert ask(url + "api/state", Host=host)[0] == status
    assert ask(url, Host=host)[0] == status


@pytest.mark.parametrize(
    "query",
    [
        "view?from=x", "view?from=-1", "view?from=5&until=5", "view?until=99999999999999999999",
        "view?output=1", "view?output=١", "view?output=0&output=0", "view?other=1",
        "cells?resolution=5", "cells?resolution=0", f"cells?lang={'a' * 36}", "examples?cell=1",
        "examples?cell=0x8428309ffffffff", "batches?before=1e9", "changes?since=-1",
        "manifest?seq=99999999999", "state?x",
    ],
)  # fmt: skip
def test_parameters_are_typed_and_bounded(url: str, query: str) -> None:
    from urllib.parse import quote

    status, _, body = ask(url + "api/" + quote(query, safe="?=&"))
    assert status == 400, body
    assert json.loads(body)["error"]


def test_no_path_leads_to_the_disk(url: str) -> None:
    for path in ("..%2f..%2fetc%2fpasswd", "page/../server.py", "lib/../server.py", "//etc/passwd"):
        assert ask(url + path)[0] == 404


def test_a_manifest_whose_hdfs_is_gone(url: str) -> None:
    status, _, body = ask(url + "api/manifest?output=0&seq=0")
    assert status == 502 and b"HDFS does not answer" in body


def test_a_language_is_a_value_and_no_query(url: str) -> None:
    status, _, body = ask(url + "api/cells?lang=%27%20OR%201%3D1%20--")
    assert status == 200 and body[:4] == b"\0\0\0\0"


def test_another_address_needs_the_token(folder: Path) -> None:
    arguments = ("--output", OUTPUT, "--webhdfs", NOBODY, "--bind", "0.0.0.0")
    with dashboard(folder, *arguments) as printed:
        url, _, token = printed.replace("0.0.0.0", "127.0.0.1").partition("#token=")
        assert len(token) >= 32
        assert ask(url)[0] == 200  # the page holds nothing
        assert ask(url + "api/state")[0] == 401
        assert ask(url + "api/state", Authorization="Bearer wrong")[0] == 401
        assert ask(url + "api/state", Authorization=f"Bearer {token}")[0] == 200


def test_the_first_load_is_small(url: str) -> None:
    """120 KB, packed as they travel: the page, its libraries, the coasts and the first figures."""
    total = 0
    api = ("api/state", "api/view", "api/cells?resolution=2", "api/batches", "land")
    for path in (*(path[1:] for path in FILES), *api):
        status, headers, body = ask(url + path, **{"Accept-Encoding": "gzip"})
        assert status == 200, path
        total += len(body) if "content-encoding" in {k.lower() for k in headers} else len(body)
    assert total <= 120_000


def test_a_waiting_page_does_not_hold_up_the_end(folder: Path) -> None:
    """SIGTERM while pages wait for news: the server ends all the same."""
    command = [sys.executable, str(ROOT / "scripts" / "dashboard"), "--port", "0"]
    command += ["--store", str(folder), "--output", OUTPUT, "--webhdfs", NOBODY]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    url = process.stdout.readline().split()[1]
    wait_until(lambda: _status(url) == 200, 60, "the dashboard answers")
    version = json.loads(ask(url + "api/state")[2])["version"]
    waiting = subprocess.Popen(
        [sys.executable, "-c", "import urllib.request, sys; urllib.request.urlopen(sys.argv[1])",
         f"{url}api/changes?since={version}"], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(1)  # nothing tells when the request has begun to wait; if not yet, the end is easy
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)
    waiting.kill()
    waiting.wait()


def _status(url: str) -> int:
    try:
        return ask(url)[0]
    except OSError:
        return 0


def test_a_waiting_page_is_told_of_a_change(folder: Path, url: str) -> None:
    version = json.loads(ask(url + "api/state")[2])["version"]
    store = Store(store_path(folder, OUTPUT))
    store.say("waiting", "a change")
    began = time.monotonic()
    while json.loads(ask(url + f"api/changes?since={version}")[2])["version"] == version:
        assert time.monotonic() - began < 15, "the page hears nothing"
