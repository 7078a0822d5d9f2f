"""A network of hosts on this machine, to be cut: each host is a network namespace with an address,
a cable to one switch, and a neighbour table of its own.

It needs no root: all of it is below one user namespace, in which `pytest_inside` runs the tests.
A direction is cut by a neighbour entry with a hardware address that nobody has: what is sent goes
out and is lost without a word, as in a broken network; nothing is refused.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT, Services, wait_until

HERE = "10.77.0.1"  # the driver, the test and its reader
MASTER, KAFKA, HDFS = "10.77.0.10", "10.77.0.11", "10.77.0.12"
HOSTS = ("10.77.0.2", "10.77.0.3")  # of the Workers
NOBODY = "02:00:00:00:00:00"
VARIABLE = "TEST_LAN"  # the namespaces' pids by address, for tests.kit.lan_services


def forbidden() -> str:
    """Why this machine lets us have no such network; empty when it does."""
    done = subprocess.run(
        ["unshare", "-Urnm", "ip", "link", "add", "name", "br0", "type", "bridge"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip() if done.returncode else ""


def pytest_inside(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with these arguments in a user and network namespace of its own."""
    # no name server can be reached from there, and Java wants the machine's own name
    names = f"127.0.0.1 localhost {socket.gethostname()}\n" + "".join(
        f"{address} host-{address.rpartition('.')[2]}\n"
        for address in (HERE, *HOSTS, MASTER, KAFKA, HDFS)
    )
    with tempfile.NamedTemporaryFile("w", suffix=".hosts") as hosts:
        hosts.write(names)
        hosts.flush()
        script = f'mount --bind {hosts.name} /etc/hosts && ip link set lo up && exec "$@"'
        command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider"]
        command += ["--timeout", "7200", "-o", "faulthandler_timeout=0"]
        return subprocess.run(
            ["unshare", "-Urnm", "sh", "-c", script, "sh", *command, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )


class Lan:
    """The switch, and one namespace for each address but this one's."""

    def __init__(self) -> None:
        self.pids: dict[str, int] = {}
        self._cut: list[tuple[str, str]] = []
        self._ip("link", "add", "name", "br0", "type", "bridge")
        self._ip("addr", "add", f"{HERE}/24", "dev", "br0")
        self._ip("link", "set", "br0", "up")

    def add(self, address: str) -> subprocess.Popen[bytes]:
        """Make the namespace of this address; it is there as long as the process."""
        number = address.rpartition(".")[2]
        holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        wait_until(
            lambda: network_of(holder.pid) != network_of(os.getpid()), 30, f"{address} is there"
        )
        self.pids[address] = holder.pid
        self._ip("link", "add", f"v{number}", "type", "veth", "peer", "name", f"e{number}")
        self._ip("link", "set", f"e{number}", "netns", str(holder.pid))
        self._ip("link", "set", f"v{number}", "master", "br0", "up")
        self._ip("link", "set", "lo", "up", at=address)
        self._ip("addr", "add", f"{address}/24", "dev", f"e{number}", at=address)
        self._ip("link", "set", f"e{number}", "up", at=address)
        return holder

    def network(self, address: str) -> Path:
        """The namespace of this address."""
        return network_of(self.pids[address])

    def lose(self, sender: str, receiver: str) -> None:
        """From now on nothing that the sender sends reaches the receiver."""
        self._ip(
            *("neigh", "replace", receiver, "lladdr", NOBODY, "nud", "permanent"),
            *("dev", self._device(sender)),
            at=sender,
        )
        self._cut.append((sender, receiver))

    def heal(self) -> None:
        """Everything reaches its receiver again."""
        while self._cut:
            sender, receiver = self._cut.pop()
            self._ip("neigh", "del", receiver, "dev", self._device(sender), at=sender)

    def _device(self, address: str) -> str:
        return "br0" if address == HERE else f"e{address.rpartition('.')[2]}"

    def _ip(self, *arguments: str, at: str = HERE) -> None:
        inside = [] if at == HERE else enter(self.pids[at])
        subprocess.run([*inside, "ip", *arguments], check=True)


def network_of(pid: int) -> Path:
    """The network namespace of a process."""
    return Path(f"/proc/{pid}/ns/net").readlink()


def enter(pid: int) -> list[str]:
    """What comes before a command to run it in this process's network."""
    return ["nsenter", "-t", str(pid), "-n", "--"]


@contextmanager
def lan() -> Iterator[Lan]:
    """A network with all the hosts; gone at the end."""
    made, holders = Lan(), []
    try:
        holders = [made.add(address) for address in (MASTER, KAFKA, HDFS, *HOSTS)]
        os.environ[VARIABLE] = json.dumps(made.pids)
        yield made
    finally:
        for holder in holders:
            holder.kill()
            holder.wait()


class LanServices(Services):
    """The services, each on its host of the network."""

    @property
    def bootstrap(self) -> str:
        return f"{KAFKA}:{self.kafka_port}"

    @property
    def hdfs(self) -> str:
        return f"hdfs://{HDFS}:{self.namenode_port}"

    @property
    def webhdfs(self) -> str:
        return f"http://{HDFS}:{self.namenode_http_port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.kit.lan_services"]
