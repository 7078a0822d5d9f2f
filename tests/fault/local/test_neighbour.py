"""Another host tries every port of the secured services: nothing answers. The other host is a
network namespace with a cable to the one that the services run in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, ROOT, SERVICES_HOME, Services

HERE, THERE = "10.77.0.1", "10.77.0.2"
OPEN = 47_999  # a port of the test's own that is open to the neighbour
SCRIPT = f"""
set -euo pipefail
other= server=
ip link set lo up
ip link add near type veth peer name far
unshare -n sleep 1000 & other=$!
trap 'kill $other $server 2>/dev/null; "$SERVICES" stop >/dev/null 2>&1' EXIT
for try in $(seq 50); do ip link set far netns $other 2>/dev/null && break; sleep 0.1; done
ip addr add {HERE}/24 dev near; ip link set near up
nsenter -t $other -n ip addr add {THERE}/24 dev far; nsenter -t $other -n ip link set far up
"$PYTHON" -m http.server --bind {HERE} {OPEN} >/dev/null 2>&1 & server=$!
"$SERVICES" start --secure >&2
ports=$(ss -Hltn | awk '{{print $4}}' | sed 's/.*://' | sort -un)
nsenter -t $other -n "$PYTHON" -c '
import socket, sys
for port in map(int, sys.argv[1:]):
    with socket.socket() as probe:
        probe.settimeout(5)
        print(port, probe.connect_ex(("{HERE}", port)))
' $ports
"""


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("nsenter"), reason="needs util-linux")
def test_a_neighbour_finds_no_open_port(tmp_path: Path) -> None:
    services = Services(tmp_path / SERVICES_HOME.name)
    environ = {
        **os.environ,
        **services.environ,
        "SERVICES": str(ROOT / "scripts" / "services"),
        "PYTHON": sys.executable,
    }
    command = ["unshare", "--user", "--map-root-user", "--net", "bash", "-c", SCRIPT]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=300 * PATIENCE, check=False
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("this user may make no namespaces")
    assert done.returncode == 0, done.stderr[-3000:]
    found = dict(map(int, line.split()) for line in done.stdout.splitlines())
    assert found.pop(OPEN) == 0, "the cable works"
    wanted = {services.kafka_port, services.kafka_tls_port, services.controller_port}
    wanted |= {services.namenode_port, services.namenode_http_port, services.datanode_port}
    assert wanted <= set(found), "the services run"
    assert {port: error for port, error in found.items() if not error} == {}
