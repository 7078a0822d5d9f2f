"""The NameNode, the DataNodes and the KDC of a secured set: their configuration, their commands,
and when they are ready."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen
from xml.sax.saxutils import escape

from config.errors import ConfigError
from config.settings import Settings
from local import kerberos
from local.nodes import HOST, LOGGING, Node, java, run

# enough for a month of batches, one every 2 s; docs/runbook.md has the arithmetic
NAMENODE_HEAP_MB = 4096


def nodes(settings: Settings, home: Path) -> list[Node]:
    """The NameNode and the DataNodes, and in a secured set the KDC before them."""
    return [
        *([_kdc(settings, home)] if settings.secure else []),
        _namenode(settings, home),
        *(_datanode(settings, home, n) for n in range(1, settings.datanodes + 1)),
    ]


def _kdc(settings: Settings, home: Path) -> Node:
    log4j = (LOGGING / "log4j.properties").read_text(encoding="utf-8")
    configuration = {
        **kerberos.files(settings, home),
        home / "kdc" / "log4j.properties": log4j,
        kerberos.client_folder(home) / "core-site.xml": site_file(
            {**_core(settings), **kerberos.CORE_SITE}
        ),
        kerberos.client_folder(home) / "hdfs-site.xml": site_file(kerberos.HDFS_SITE),
    }
    command = java("kdc", 128, ["-Djava.net.preferIPv4Stack=true"], [home / "kdc"])
    return Node(
        kerberos.KDC,
        f"{HOST}:{settings.kdc_port}",
        {settings.kdc_port: "kdc_port"},
        [*command, kerberos.MAIN, *kerberos.arguments(home)],
        lambda: kerberos.prepare(home),
        lambda: kerberos.missing(settings, home),
        configuration,
    )


def _hadoop_options(settings: Settings, home: Path) -> list[str]:
    return [
        "-Djava.net.preferIPv4Stack=true",
        *([f"-Djava.security.krb5.conf={kerberos.krb5_conf(home)}"] if settings.secure else []),
    ]


def _namenode(settings: Settings, home: Path) -> Node:
    folder, web = home / "namenode", f"{HOST}:{settings.namenode_http_port}"
    command = java("hdfs", NAMENODE_HEAP_MB, _hadoop_options(settings, home), [folder])
    main = "org.apache.hadoop.hdfs.server.namenode.NameNode"

    def missing() -> str:
        if settings.secure:
            return kerberos.namenode_missing(settings, home)
        return _namenode_missing(web)

    def prepare() -> None:
        if not (folder / "data" / "current").exists():
            run([*command, main, "-format", "-nonInteractive"], folder, "format namenode")

    return Node(
        "namenode",
        f"{HOST}:{settings.namenode_port} (WebHDFS {web})",
        {
            settings.namenode_port: "namenode_port",
            settings.namenode_http_port: "namenode_http_port",
        },
        [*command, main],
        prepare,
        missing,
        _hadoop_files(settings, home, folder, {"dfs.namenode.name.dir": "data"}),
    )


def _datanode(settings: Settings, home: Path, number: int) -> Node:
    name, folder = f"datanode-{number}", home / f"datanode-{number}"
    port = settings.datanode_port + 10 * (number - 1)
    scheme = "https" if settings.secure else "http"
    own = {
        "dfs.datanode.data.dir": "data",
        "dfs.datanode.address": f"{HOST}:{port}",
        f"dfs.datanode.{scheme}.address": f"{HOST}:{port + 1}",
        "dfs.datanode.ipc.address": f"{HOST}:{port + 2}",
    }
    command = java("hdfs", 256, _hadoop_options(settings, home), [folder])

    def missing() -> str:
        if settings.secure:
            return kerberos.datanode_missing(settings, home, name, port)
        namenode, web = (f"{HOST}:{one}" for one in (settings.namenode_http_port, port + 1))
        return _datanode_missing(namenode, f"{HOST}:{port}", web)

    return Node(
        name,
        f"{HOST}:{port}",
        dict.fromkeys(range(port, port + 3), "datanode_port"),
        [*command, "org.apache.hadoop.hdfs.server.datanode.DataNode"],
        lambda: None,
        missing,
        _hadoop_files(settings, home, folder, own),
    )


def _core(settings: Settings) -> dict[str, str]:
    return {"fs.defaultFS": f"hdfs://{HOST}:{settings.namenode_port}"}


def _hadoop_files(
    settings: Settings, home: Path, folder: Path, own: dict[str, str]
) -> dict[Path, str]:
    """core-site.xml, hdfs-site.xml and log4j.properties of one node; a secured one has more."""
    core = {**_core(settings), "hadoop.tmp.dir": str(folder / "tmp")}
    scheme = "https" if settings.secure else "http"
    site = {
        "dfs.replication": str(min(settings.datanodes, 3)),
        "dfs.namenode.rpc-address": f"{HOST}:{settings.namenode_port}",
        f"dfs.namenode.{scheme}-address": f"{HOST}:{settings.namenode_http_port}",
        "dfs.namenode.safemode.extension": "0",
        # otherwise a busy one of three is left out, and a block has two copies
        "dfs.namenode.redundancy.considerLoad": "false",
        # s; then the copy is ordered again: its node may be dead
        "dfs.namenode.reconstruction.pending.timeout-sec": "10",
        "dfs.heartbeat.interval": "1",
        # ms; twice that and ten heartbeats: dead after 20 s
        "dfs.namenode.heartbeat.recheck-interval": "5000",
        "dfs.datanode.hostname": HOST,
        "dfs.namenode.datanode.registration.ip-hostname-check": "false",
    }
    more = {}
    if settings.secure:
        core |= kerberos.node_core(home)
        site |= kerberos.node_site(home)
        more[folder / "ssl-server.xml"] = site_file(kerberos.ssl_server(home))
    return {
        **more,
        folder / "core-site.xml": site_file(core),
        folder / "hdfs-site.xml": site_file({**site, **own, **_properties(settings.hdfs_site)}),
        folder / "log4j.properties": (LOGGING / "log4j.properties").read_text(encoding="utf-8"),
    }


def _properties(text: str) -> dict[str, str]:
    """The properties in "NAME=VALUE,NAME=VALUE". Raises ConfigError for a part that is no such
    pair."""
    pairs = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    for name, equals, value in pairs:
        if not name or not value:
            remedy = "set hdfs_site / TWEETS_HDFS_SITE / --hdfs-site to NAME=VALUE,NAME=VALUE"
            raise ConfigError(f"not a property of HDFS: {name}{equals}{value}", "hdfs_site", remedy)
    return {name.strip(): value.strip() for name, _, value in pairs}


def site_file(properties: dict[str, str]) -> str:
    """The text of one of Hadoop's …-site.xml files."""
    rows = [
        f"  <property><name>{name}</name><value>{escape(value)}</value></property>"
        for name, value in properties.items()
    ]
    return "\n".join(["<configuration>", *rows, "</configuration>", ""])


def _namenode_missing(web: str) -> str:
    try:
        return "safe mode is on" if bean(web, "NameNodeInfo")["Safemode"] else ""
    except (URLError, OSError, KeyError, IndexError) as error:
        return f"no answer: {error}"


def _datanode_missing(namenode_web: str, address: str, web: str) -> str:
    try:
        actors = json.loads(bean(web, "DataNodeInfo")["BPServiceActorInfo"])
        if not any(actor["ActorState"] == "RUNNING" and actor["BlockPoolID"] for actor in actors):
            return "it has not joined the NameNode yet"
        namenode = bean(namenode_web, "NameNodeInfo")
    except (URLError, OSError, KeyError, IndexError) as error:
        return f"no answer: {error}"
    if not any(node["xferaddr"] == address for node in json.loads(namenode["LiveNodes"]).values()):
        return "the NameNode does not count it as live yet"
    # it says how many seconds ago
    reported = time.time() - min(int(actor["LastBlockReport"]) for actor in actors)
    return (
        ""
        if reported > namenode["NNStartedTimeInMillis"] / 1000
        else "it has not told this NameNode of its blocks yet"
    )


def bean(address: str, name: str) -> dict[str, Any]:
    """One of Hadoop's management beans, of the node whose pages are at `address` ("host:port").
    Raises OSError when none answers."""
    service = "DataNode" if name.startswith("DataNode") else "NameNode"
    query = quote(f"Hadoop:service={service},name={name}")
    with urlopen(f"http://{address}/jmx?qry={query}", timeout=5) as answer:
        return dict(json.load(answer)["beans"][0])
