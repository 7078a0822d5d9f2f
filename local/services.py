"""The commands of scripts/services: they start, stop and inspect the services of one home."""

import fcntl
import json
import shlex
import shutil
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

from config import settings as table
from config.errors import ConfigError
from config.venv import ROOT
from local import (
    cluster,
    hdfs_nodes,
    hosts,
    jars,
    kafka_nodes,
    kerberos,
    nodes,
    page,
    secured,
    stub_nodes,
    yarn_nodes,
)
from local.processes import Home
from local.say import say

ABOUT = "Kafka and HDFS on this machine, each service a process of its own, on 127.0.0.1 only."
READY_S = 120.0
# the parts of a set that may grow and shrink, each with how its services' names begin
CLUSTERS = {"spark_workers": "spark-worker", "yarn_nodes": "nodemanager"}
MADE_WITH = ("brokers", "datanodes", "secure", *CLUSTERS)
REMEDIES = dict.fromkeys(CLUSTERS, "stop")
REMEDY = "clean (removes their data)"


class Services:
    """The set of services of one home, as its settings (and what it already holds) say."""

    def __init__(self, settings: table.Settings) -> None:
        self.home = Home(ROOT / settings.services_home)
        self.settings = self._remembered(settings)
        wanted = ("kafka", "hdfs", "yarn", *(["kdc"] if self.settings.secure else []))
        missing = [name for name in wanted if not jars.installed(name)]
        if missing:
            raise ConfigError(
                f"the jars of {' and '.join(missing)} are not installed",
                str(jars.TARGET),
                "make setup",
            )
        if self.settings.secure and self.settings.spark_workers:
            what = "HDFS has Kerberos in a secured set, and Spark's standalone cluster has none"
            raise ConfigError(what, str(self.home.path), "--yarn-nodes, or a set without --secure")
        self.nodes = [
            *kafka_nodes.brokers(self.settings, self.home.path),
            *hdfs_nodes.nodes(self.settings, self.home.path),
        ]
        self.nodes += cluster.nodes(self.settings, self.home.path)
        self.nodes += yarn_nodes.nodes(self.settings, self.home.path)
        self.nodes += stub_nodes.stubs(self.settings, self.home)
        self.nodes += page.nodes(self.settings, self.home)

    def _remembered(self, settings: table.Settings) -> table.Settings:
        """The settings, with the numbers of brokers and DataNodes that this home was made with, and
        the cluster that it was last started with."""
        file = self.home.path / "set.json"
        if file.exists():
            for name, made_with in json.loads(file.read_text()).items():
                wanted = settings.values[name]
                chosen = wanted != made_with and settings.origins[name] != "default"
                if chosen and name in CLUSTERS and not self._runs(CLUSTERS[name]):
                    continue
                if chosen:
                    what = f"these services were made with {name} = {made_with}, not {wanted}"
                    raise ConfigError(
                        what,
                        str(self.home.path),
                        f"scripts/services {REMEDIES.get(name, REMEDY)}, then start",
                    )
                settings.values[name] = made_with
        return settings

    def _runs(self, prefix: str) -> bool:
        records = (self.home.path / "pids").glob(f"{prefix}-*.json")
        return any(self.home.pid(record.stem) is not None for record in records)

    def chosen(self, names: list[str]) -> list[nodes.Node]:
        """The nodes of these names, all of them when there are none. Raises ConfigError for an
        unknown name."""
        known = {node.name: node for node in self.nodes}
        for name in names:
            if name not in known:
                raise ConfigError(
                    f"there is no service {name!r}",
                    str(self.home.path),
                    f"choose from {', '.join(known)}",
                )
        return [known[name] for name in names or known]

    def start(self, names: list[str]) -> None:
        """Start what does not run and wait until it is ready."""
        chosen = self.chosen(names)
        down = [node for node in chosen if self.home.pid(node.name) is None]
        running = [node for node in chosen if node not in down]
        for node in running:
            self._same_address(node)
        if running:
            more = f"; starting {', '.join(node.name for node in down)}" if down else ""
            say(f"services: already running: {', '.join(node.name for node in running)}{more}")
        for node in down:
            refuse_taken_ports(node)
        (self.home.path / "set.json").write_text(
            json.dumps({n: self.settings.values[n] for n in MADE_WITH})
        )
        kafka_nodes.make_cluster_id(self.home.path)
        if self.settings.secure:
            secured.prepare(self.home.path)
        for node in [
            node for node in down if node.name == kerberos.KDC
        ]:  # the others want its keys
            self._launch(node)
            self._await(node)
            kerberos.share(self.home.path)
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._launch, [node for node in down if node.name != kerberos.KDC]))
            list(pool.map(self._await, sorted(chosen, key=lambda node: node.name == "namenode")))
        if self.settings.secure and any(node.name.startswith("kafka-") for node in chosen):
            secured.grant(self.settings, self.home.path)
        if self.settings.secure and any(node.name == "namenode" for node in chosen):
            kerberos.hand_over(self.settings, self.home.path)
        for node in down:
            say(f"services: {node.name} is up on {node.address}, pid {self.home.pid(node.name)}")

    def _same_address(self, node: nodes.Node) -> None:
        at = self.home.address(node.name)
        if at != node.address:
            raise ConfigError(
                f"{node.name} already runs on {at}, not {node.address}",
                "",
                "scripts/services stop, then start",
            )

    def _launch(self, node: nodes.Node) -> None:
        for file, content in node.configuration.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
        node.prepare()
        self.home.start(node.name, node.address, node.command, node.environ)

    def _await(self, node: nodes.Node) -> None:
        self.home.wait(node.name, node.ready, READY_S)

    def stop(self, names: list[str]) -> None:
        """Stop what runs, all at once, and wait until it has ended."""
        chosen = self.chosen(names)
        with ThreadPoolExecutor() as pool:
            stopped = list(pool.map(lambda node: self.home.stop(node.name), chosen))
        ended = [node.name for node, did in zip(chosen, stopped, strict=True) if did]
        say(f"services: stopped {', '.join(ended)}" if ended else "services: nothing was running")

    def clean(self, names: list[str]) -> None:
        """Stop everything and remove the home with all its data."""
        if names:
            raise ConfigError(
                "clean takes no names",
                "",
                "scripts/services clean removes the data of all services",
            )
        self.stop([])
        if (self.home.path / "set.json").exists():  # otherwise it is not a home of ours
            shutil.rmtree(self.home.path)

    def status(self, names: list[str]) -> int:
        """Print one line per service; 0 when all are up, otherwise 1."""
        chosen = self.chosen(names)
        states = [self._state(node) for node in chosen]
        for node, state in zip(chosen, states, strict=True):
            address = self.home.address(node.name) or node.address
            print(f"{node.name:<12} {self.home.pid(node.name) or '-':>8}  {state:<10} {address}")
        down = [node.name for node, state in zip(chosen, states, strict=True) if state != "up"]
        if down:
            say(f"services: not up: {', '.join(down)}\n  next: scripts/services start")
        return 1 if down else 0

    def _state(self, node: nodes.Node) -> str:
        if self.home.pid(node.name) is None:
            return "died" if self.home.address(node.name) else "stopped"
        missing = node.ready()
        return f"not ready ({missing})" if missing else "up"

    def env(self, names: list[str]) -> None:
        """Print the settings that point the other programs at this set and its stubs, for a shell's
        `eval`; a secured set wants the name of a user."""
        ports = self.settings
        if ports.secure:
            user = names[0] if names else ""
            for name, value in secured.variables(ports, self.home.path, user).items():
                print(f"export {name}={shlex.quote(value)}")
        else:
            print(f"export TWEETS_BOOTSTRAP={nodes.HOST}:{ports.kafka_port}")
        print(f"export TWEETS_OUTPUT=hdfs://{nodes.HOST}:{ports.namenode_port}/tweets/{{program}}")
        print(
            f"export TWEETS_WEBHDFS=http{'s' * ports.secure}://{nodes.HOST}:{ports.namenode_http_port}"
        )
        if ports.spark_workers:
            print(f"export SPARK_MASTER={cluster.master(ports)}")
            file = shlex.quote(str(hosts.secret_file(self.home.path)))
            print(f'export {cluster.SECRET}="$(cat {file})"')
        if ports.yarn_nodes and not ports.secure:
            folder = shlex.quote(str(yarn_nodes.client_folder(self.home.path)))
            print(f"export HADOOP_CONF_DIR={folder}")
        for name, value in stub_nodes.variables(self.home).items():
            print(f"export {name}={value}")

    def logs(self, names: list[str], lines: int) -> None:
        """Print the last lines of each log."""
        for node in self.chosen(names):
            print(f"==> {self.home.log(node.name)} <==\n{self.home.tail(node.name, lines)}")


def refuse_taken_ports(node: nodes.Node) -> None:
    """Raise ConfigError naming the setting that moves it when another program listens on one of the
    node's ports."""
    for port, name in node.ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((node.host, port))
            except OSError as error:
                setting = next(one for one in table.of("services") if one.name == name)
                remedy = f"set {name} / {setting.variable} / {setting.flag}"
                why = f"port {port} of {node.name} is taken by another process ({error.strerror})"
                raise ConfigError(why, f"{node.host}:{port}", remedy) from None


def main() -> int:
    """Carry out the command line; the exit code is its result."""
    parser = table.argument_parser("scripts/services", ABOUT)
    parser.add_argument("action", choices=["start", "stop", "status", "logs", "env", "clean"])
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="kafka-1, namenode, datanode-1, …; none is all of them; env --secure: a user",
    )
    parser.add_argument(
        "-n", "--lines", type=int, default=20, help="logs: number of lines (default 20)"
    )
    settings = table.load("services", sys.argv[1:], parser=parser)
    services = Services(settings)
    if settings.action == "status":
        return services.status(settings.names)
    if settings.action == "env":
        services.env(settings.names)
        return 0
    if settings.action == "logs":
        services.logs(settings.names, settings.lines)
        return 0
    services.home.path.mkdir(parents=True, exist_ok=True)
    with (services.home.path / "lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # two starts at once would start everything twice
        getattr(services, settings.action)(settings.names)
    return 0
