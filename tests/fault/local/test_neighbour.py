"""Another host tries every port of the services and of a running job: nothing answers. The other
host is a network namespace with a cable to the one that they run in."""

import ipaddress
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, ROOT, SERVICES_HOME, Services

HERE, THERE = "10.77.0.1", "10.77.0.2"
OPEN = 47_999  # a port of the test's own that is open to the neighbour
PAGE = 47_998
SCRIPT = f"""
set -euo pipefail
other= server=
ip link set lo up
ip link add near type veth peer name far
unshare -n sleep 1000 & other=$!
job=
trap 'kill $other $server $job 2>/dev/null; wait $job; "$SERVICES" stop >/dev/null 2>&1' EXIT
for try in $(seq 50); do ip link set far netns $other 2>/dev/null && break; sleep 0.1; done
ip addr add {HERE}/24 dev near; ip link set near up
nsenter -t $other -n ip addr add {THERE}/24 dev far; nsenter -t $other -n ip link set far up
"$PYTHON" -m http.server --bind {HERE} {OPEN} >/dev/null 2>&1 & server=$!
"$SERVICES" start $OPTIONS >&2
as() {{ local user=$1; shift; (eval "$("$SERVICES" env $user)"; exec "$@"); }}
as producer "$PYTHON" -m producer --source sample --max-posts 100 --topic t >&2
eval "$("$SERVICES" env jobs)"
"$SUBMIT" $JOB direct --topic t > "$LOG" 2>&1 & job=$!
until grep -q " tweets, " "$LOG"; do kill -0 $job; sleep 0.5; done
ss -Hltn | awk '{{print "listens", $4}}'
ports=$(ss -Hltn | awk '{{print $4}}' | sed 's/.*://' | sort -un)
nsenter -t $other -n "$PYTHON" -c '
import socket, sys
for port in map(int, sys.argv[1:]):
    with socket.socket() as probe:
        probe.settimeout(5)
        print(port, probe.connect_ex(("{HERE}", port)))
' $ports
"""


def loopback(address: str) -> bool:
    """Whether `ss` means this host alone."""
    host = address.rpartition(":")[0].strip("[]").removeprefix("::ffff:")
    return ipaddress.ip_address(host).is_loopback


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("nsenter"), reason="needs util-linux")
@pytest.mark.parametrize(
    ("options", "job"),
    [
        ("--page", "--master local[2]"),
        ("--spark-workers 1", "--master $SPARK_MASTER"),
        ("--yarn-nodes 1", "--master yarn"),
        ("--secure", "--secure"),
    ],
)
def test_a_neighbour_finds_no_open_port(tmp_path: Path, options: str, job: str) -> None:
    services = Services(tmp_path / SERVICES_HOME.name)
    environ = {
        **os.environ,
        **services.environ,
        "TWEETS_PAGE_PORT": str(PAGE),
        "SERVICES": str(ROOT / "scripts" / "services"),
        "SUBMIT": str(ROOT / "scripts" / "submit"),
        "PYTHON": sys.executable,
        "LOG": str(tmp_path / "job.log"),
        "OPTIONS": options,
    }
    script = SCRIPT.replace("$JOB", job)
    command = ["unshare", "--user", "--map-root-user", "--net", "bash", "-c", script]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=300 * PATIENCE, check=False
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("this user may make no namespaces")
    log = Path(environ["LOG"])
    said = done.stderr + (log.read_text() if log.exists() else "")
    assert done.returncode == 0, said[-3000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    listens = {address for word, address in lines if word == "listens"}
    assert {address for address in listens if not loopback(address)} == {f"{HERE}:{OPEN}"}
    found = {int(port): int(error) for port, error in lines if port != "listens"}
    assert found.pop(OPEN) == 0, "the cable works"
    wanted = {services.kafka_port, services.controller_port, services.namenode_port}
    wanted |= {services.namenode_http_port, services.datanode_port}
    wanted |= {
        "--page": {PAGE},
        "--spark-workers 1": {services.spark_port, services.spark_port + 1},
        "--yarn-nodes 1": {services.yarn_port + 2, services.yarn_port + 5},
        "--secure": {services.kafka_tls_port},
    }[options]
    assert wanted <= set(found), "the services run"
    assert {port: error for port, error in found.items() if not error} == {}
