"""An HDFS of a test's own with two NameNodes, one active, one on stand-by, and no ZooKeeper: they
share a folder of edits, and a test says which of them is active."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.error import URLError

from local import jars, jdk
from local.hdfs_nodes import bean, site_file
from local.processes import Home
from tests.conftest import HOST, PORTS, Services

NAME = "tweets"  # the name service: hdfs://tweets/…
NAMENODES = ("a", "b")
PACKAGE = "org.apache.hadoop.hdfs"
PROXY = f"{PACKAGE}.server.namenode.ha.ConfiguredFailoverProxyProvider"
RPC = {"a": PORTS + 520, "b": PORTS + 530}
DATANODE = PORTS + 540


@dataclass(frozen=True)
class TwoNameNodes(Services):
    """The session's Kafka, beside an HDFS of its own in `place`."""

    place: Path = Path()

    @property
    def hdfs(self) -> str:
        return f"hdfs://{NAME}"

    @property
    def webhdfs(self) -> str:
        """Both addresses: the client asks the one on stand-by once."""
        return ";".join(f"http://{http(one)}" for one in NAMENODES)

    @property
    def environ(self) -> dict[str, str]:
        """As `Services` says; and hdfs-site.xml, which knows what the name stands for."""
        return {**super().environ, "HADOOP_CONF_DIR": str(self.place / "client")}

    def start(self, *namenodes: str) -> None:
        """Start these NameNodes, and wait until they answer."""
        home = Home(self.place)
        for one in namenodes:
            home.start(one, f"{HOST}:{RPC[one]}", self._java("server.namenode.NameNode", one))
        for one in namenodes:
            home.wait(one, lambda one=one: _missing(one), 120)  # type: ignore[misc]

    def kill(self, namenode: str) -> None:
        """`kill -9`."""
        pid = Home(self.place).pid(namenode)
        assert pid
        os.kill(pid, signal.SIGKILL)

    def admin(self, *words: str) -> None:
        """`hdfs haadmin WORDS`."""
        self.run_java("tools.DFSHAAdmin", "client", *words)

    def run_java(self, main: str, folder: str, *words: str) -> None:
        """A command of HDFS with the configuration in a folder."""
        done = subprocess.run(
            [*self._java(main, folder), *words],
            cwd=self.place / folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    def _java(self, main: str, folder: str) -> list[str]:
        class_path = [self.place / folder, *jars.files("hdfs")]
        heap = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        java = [str(jdk.home() / "bin" / "java"), *heap, "-Djava.net.preferIPv4Stack=true"]
        return [*java, "-cp", ":".join(map(str, class_path)), f"{PACKAGE}.{main}"]

    def configure(self) -> None:
        """Write the files of both NameNodes, of the DataNode and of clients."""
        core = site_file({"fs.defaultFS": self.hdfs})
        own = {one: {"dfs.ha.namenode.id": one} for one in NAMENODES}
        for folder, properties in {**own, "datanode": {}, "client": {}}.items():
            (self.place / folder).mkdir(parents=True)
            (self.place / folder / "core-site.xml").write_text(core)
            site = site_file({**_site(self.place), **properties})
            (self.place / folder / "hdfs-site.xml").write_text(site)


def http(namenode: str) -> str:
    """Where its WebHDFS is."""
    return f"{HOST}:{RPC[namenode] + 1}"


def _site(place: Path) -> dict[str, str]:
    """hdfs-site.xml, but for what one node has of its own; relative paths are below a node's
    folder."""
    found = {
        "dfs.nameservices": NAME,
        f"dfs.ha.namenodes.{NAME}": ",".join(NAMENODES),
        f"dfs.client.failover.proxy.provider.{NAME}": PROXY,
        "dfs.namenode.shared.edits.dir": (place / "edits").as_uri(),
        # who kills the active one is the fence
        "dfs.ha.fencing.methods": "shell(/bin/true)",
        "dfs.ha.tail-edits.period": "1s",
        "dfs.namenode.name.dir": "data",
        "dfs.namenode.safemode.extension": "0",
        "dfs.replication": "1",
        "dfs.heartbeat.interval": "1",
        "dfs.datanode.data.dir": "data",
        "dfs.datanode.address": f"{HOST}:{DATANODE}",
        "dfs.datanode.http.address": f"{HOST}:{DATANODE + 1}",
        "dfs.datanode.ipc.address": f"{HOST}:{DATANODE + 2}",
        "dfs.datanode.hostname": HOST,
        "dfs.namenode.datanode.registration.ip-hostname-check": "false",
    }
    for one in NAMENODES:
        found[f"dfs.namenode.rpc-address.{NAME}.{one}"] = f"{HOST}:{RPC[one]}"
        found[f"dfs.namenode.http-address.{NAME}.{one}"] = http(one)
    return found


def state(namenode: str) -> str:
    """active or standby; raises OSError where it does not answer."""
    return str(bean(http(namenode), "NameNodeStatus")["State"])


def _missing(namenode: str) -> str:
    try:
        return "" if state(namenode) else "no state"
    except (URLError, OSError, KeyError, IndexError) as error:
        return f"no answer: {error}"


@contextmanager
def running(services: Services, place: Path) -> Iterator[TwoNameNodes]:
    """Both NameNodes and a DataNode; `a` is active. Gone at the end."""
    known = {field.name: getattr(services, field.name) for field in fields(Services)}
    hdfs = TwoNameNodes(**known, place=place)
    hdfs.configure()
    home = Home(place)
    try:
        hdfs.run_java("server.namenode.NameNode", "a", "-format", "-nonInteractive")
        hdfs.start("a")
        hdfs.run_java("server.namenode.NameNode", "b", "-bootstrapStandby", "-nonInteractive")
        hdfs.start("b")
        hdfs.admin("-transitionToActive", "a")
        java = hdfs._java("server.datanode.DataNode", "datanode")
        home.start("datanode", f"{HOST}:{DATANODE}", java)
        home.wait("datanode", lambda: _live("a"), 120)
        yield hdfs
    finally:
        for name in ("datanode", *NAMENODES):
            home.stop(name)


def _live(namenode: str) -> str:
    """What is missing until this NameNode counts the DataNode."""
    try:
        info = bean(http(namenode), "NameNodeInfo")
    except (URLError, OSError, KeyError, IndexError) as error:
        return f"no answer: {error}"
    live = json.loads(info["LiveNodes"])
    return "" if live and not info["Safemode"] else "no DataNode yet"
