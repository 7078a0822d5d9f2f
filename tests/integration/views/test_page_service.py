"""The page as one of this machine's services: started when asked for, ended like the others."""

import urllib.request

from tests.conftest import HOST, PORTS, Services, wait_until
from tests.kit.jobs import alive, descendants

PORT = PORTS + 99


def test_the_page_is_a_service(services: Services) -> None:
    services.run("start", "page", "--page", "--page-port", str(PORT))
    pid = services.pid("page")
    with urllib.request.urlopen(f"http://{HOST}:{PORT}/api/state", timeout=30) as answer:
        said = answer.read().decode()
    for job in ("direct", "receiver_based"):
        assert f"{services.hdfs}/tweets/{job}" in said
    wait_until(lambda: len(descendants(pid)) == 2, 30, "a follower for each output runs")
    family = [pid, *descendants(pid)]
    services.run("stop", "page")
    wait_until(lambda: not any(map(alive, family)), 30, "the page and its followers end")
    assert "page" not in services.run("status", expect=None).stdout
