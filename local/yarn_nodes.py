"""YARN on this machine: a ResourceManager, and N NodeManagers on hosts of their own."""

import json
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from config.settings import Settings
from local import hosts, jars, jdk, kerberos
from local.hdfs_nodes import site_file
from local.nodes import HOST, LOGGING, Node

MEMORY_MB = 6144  # of one NodeManager
CORES = 4
RESOURCEMANAGER = "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager"
NODEMANAGER = "org.apache.hadoop.yarn.server.nodemanager.NodeManager"
STORE = "org.apache.hadoop.yarn.server.resourcemanager.recovery.FileSystemRMStateStore"
SCHEDULER = "org.apache.hadoop.yarn.server.resourcemanager.scheduler.fifo.FifoScheduler"
# a JVM that is not Hadoop's own start script has to say what reflection may open
FLAGS = (
    *("-Xms32m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"),
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
)


def nodes(settings: Settings, home: Path) -> list[Node]:
    """The ResourceManager and the NodeManagers; none unless NodeManagers are wanted."""
    if not settings.yarn_nodes:
        return []
    numbers = range(1, settings.yarn_nodes + 1)
    return [_manager(settings, home), *(_node(settings, home, number) for number in numbers)]


def client_folder(home: Path) -> Path:
    """HADOOP_CONF_DIR for programs that submit to a set without Kerberos."""
    return home / "resourcemanager"


def _manager(settings: Settings, home: Path) -> Node:
    folder, port = home / "resourcemanager", settings.yarn_port
    return Node(
        "resourcemanager",
        f"{HOST}:{port + 2}",
        dict.fromkeys(range(port, port + 5), "yarn_port"),
        _command(RESOURCEMANAGER, 384, settings, home, folder),
        lambda: None,
        lambda: _missing(settings, ""),
        _files(settings, home, folder, {}),
        environ=hosts.environment(),
    )


def _node(settings: Settings, home: Path, number: int) -> Node:
    name, host, port = f"nodemanager-{number}", hosts.address(number), settings.yarn_port + 5
    folder = home / name
    own = {
        "yarn.nodemanager.hostname": host,
        "yarn.nodemanager.bind-host": host,
        "yarn.nodemanager.address": f"{host}:{port}",
        "yarn.nodemanager.localizer.address": f"{host}:{port + 1}",
        "yarn.nodemanager.webapp.address": f"{host}:{port + 2}",
        "yarn.nodemanager.collector-service.address": f"{host}:{port + 3}",
        "yarn.nodemanager.local-dirs": str(folder / "local"),
        "yarn.nodemanager.log-dirs": str(folder / "logs"),
        "yarn.nodemanager.resource.memory-mb": str(MEMORY_MB),
        "yarn.nodemanager.resource.cpu-vcores": str(CORES),
        # its checks would count a full disk of this machine against each host
        "yarn.nodemanager.disk-health-checker.enable": "false",
        # the JVM reserves far more addresses than it uses
        "yarn.nodemanager.vmem-check-enabled": "false",
    }
    return Node(
        name,
        f"{host}:{port}",
        dict.fromkeys(range(port, port + 4), "yarn_port"),
        _command(NODEMANAGER, 256, settings, home, folder),
        lambda: None,
        lambda: _missing(settings, host),
        _files(settings, home, folder, own),
        host=host,
        environ={**hosts.environment(), "HADOOP_CONF_DIR": str(folder)},
    )


def _files(settings: Settings, home: Path, folder: Path, own: dict[str, str]) -> dict[Path, str]:
    port = settings.yarn_port
    core = {
        "fs.defaultFS": f"hdfs://{HOST}:{settings.namenode_port}",
        "hadoop.tmp.dir": str(folder / "tmp"),
    }
    site = {
        "yarn.resourcemanager.hostname": HOST,
        "yarn.resourcemanager.scheduler.address": f"{HOST}:{port}",
        "yarn.resourcemanager.resource-tracker.address": f"{HOST}:{port + 1}",
        "yarn.resourcemanager.address": f"{HOST}:{port + 2}",
        "yarn.resourcemanager.admin.address": f"{HOST}:{port + 3}",
        "yarn.resourcemanager.webapp.address": f"{HOST}:{port + 4}",
        # the capacity scheduler wants a file of queues
        "yarn.resourcemanager.scheduler.class": SCHEDULER,
        # a door that starts applications without a password
        "yarn.webapp.enable-rest-app-submissions": "false",
        # applications outlive a ResourceManager that starts again
        "yarn.resourcemanager.recovery.enabled": "true",
        "yarn.resourcemanager.store.class": STORE,
        "yarn.resourcemanager.fs.state-store.uri": f"file://{folder.parent}/resourcemanager/state",
        "yarn.resourcemanager.am.max-attempts": "100",
        # ms; YARN's ten minutes are long for a test
        "yarn.nm.liveness-monitor.expiry-interval-ms": "15000",
        "yarn.resourcemanager.nodemanagers.heartbeat-interval-ms": "500",
        "yarn.scheduler.minimum-allocation-mb": "256",
    }
    more = {}
    if settings.secure:
        core |= kerberos.node_core(home, "yarn")
        site |= kerberos.yarn_site(home)
        # as a file of each host that Java finds by itself, /etc/krb5.conf
        krb5 = f"JAVA_TOOL_OPTIONS=-Djava.security.krb5.conf={kerberos.krb5_conf(home)}"
        own = {**own, "yarn.nodemanager.admin-env": krb5}
        more[folder / "hdfs-site.xml"] = site_file(kerberos.HDFS_SITE)
        more[kerberos.client_folder(home) / "yarn-site.xml"] = site_file(site)
    return {
        **more,
        folder / "core-site.xml": site_file(core),
        folder / "yarn-site.xml": site_file({**site, **own}),
        folder / "log4j.properties": (LOGGING / "log4j.properties").read_text(encoding="utf-8"),
    }


def _missing(settings: Settings, host: str) -> str:
    """What is missing until the ResourceManager, and the host's NodeManager if one is named, are at
    work. In a secured set it is enough that its page asks for Kerberos."""
    door = f"http://{HOST}:{settings.yarn_port + 4}/ws/v1/cluster/{'nodes' if host else 'info'}"
    if host and settings.secure:
        door = f"http://{host}:{settings.yarn_port + 7}/ws/v1/node/info"
    try:
        with urlopen(door, timeout=5) as answer:
            found = json.load(answer)
    except (OSError, ValueError) as error:
        asks = settings.secure and isinstance(error, HTTPError) and error.code == 401
        return "" if asks else f"no answer: {error}"
    if settings.secure:
        return "its page does not ask for Kerberos"
    if not host:
        return "" if found["clusterInfo"]["state"] == "STARTED" else "it has not started yet"
    running = [
        node["nodeHostName"]
        for node in (found["nodes"] or {}).get("node", [])
        if node["state"] == "RUNNING"
    ]
    return "" if host in running else "the ResourceManager does not count it as running yet"


def _command(main: str, heap_mb: int, settings: Settings, home: Path, folder: Path) -> list[str]:
    class_path = ":".join(map(str, [folder, *jars.files("hdfs"), *jars.files("yarn")]))
    krb5 = [f"-Djava.security.krb5.conf={kerberos.krb5_conf(home)}"] if settings.secure else []
    java = str(jdk.home() / "bin" / "java")
    return [java, f"-Xmx{heap_mb}m", *FLAGS, *krb5, "-cp", class_path, main]
