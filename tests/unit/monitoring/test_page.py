"""/metrics and /health: what they answer, and a port that is taken."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, Gauge

from config.errors import ConfigError
from monitoring.page import Health, serve
from tests.kit.jobs import unused_port


@contextmanager
def served(health: Health) -> Iterator[str]:
    registry, address = CollectorRegistry(), f"127.0.0.1:{unused_port()}"
    Gauge("tweets_test", "a figure", registry=registry).set(7)
    close = serve(address, registry, lambda: health)
    try:
        yield f"http://{address}"
    finally:
        close()


def test_the_figures_and_a_healthy_program() -> None:
    with served(Health("", {"lag": 3})) as url:
        assert b"tweets_test 7.0" in urlopen(f"{url}/metrics").read()
        answer = json.loads(urlopen(f"{url}/health").read())
    assert answer == {"healthy": True, "reason": "", "lag": 3}


def test_a_program_that_is_not_well_answers_503_and_why() -> None:
    with served(Health("HDFS is frozen")) as url, pytest.raises(HTTPError) as refused:
        urlopen(f"{url}/health")
    assert refused.value.code == 503
    assert json.loads(refused.value.read())["reason"] == "HDFS is frozen"


def test_nothing_else_is_served() -> None:
    with served(Health("")) as url, pytest.raises(HTTPError) as refused:
        urlopen(f"{url}/")
    assert refused.value.code == 404


@pytest.mark.parametrize("address", ["9400", ":9400", "127.0.0.1:", "127.0.0.1:x", "h:70000"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ConfigError, match="not an address"):
        serve(address, CollectorRegistry(), lambda: Health(""))


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError) as refused:
            serve(address, CollectorRegistry(), lambda: Health(""))
    assert refused.value.exit_code == 2 and address in str(refused.value)
