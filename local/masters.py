"""What scripts/submit adds where the master is a cluster's: addresses, the way to our code, and the
secret."""

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

from config import settings, venv
from config.errors import ConfigError
from consumers.driver.settings import JOBS
from local import cluster, compile

PROFILES = (Path("config/spark.conf"), Path("config/profiles/cluster.conf"))
SECURED = Path("config/profiles/secure.conf")
# lines of spark.conf that are for a driver with its executors in one process, here
LOCAL = ("master", "driver.host", "driver.bindAddress", "jars", "driver.extraJavaOptions")
ARCHIVE = "#app"  # how an archive of `make pack` is named in the containers
IN_ENVIRONMENT = "in-the-environment"  # goes into checkpoints and pages; the secret does not


def given(options: Sequence[str], name: str) -> str:
    """The value of spark-submit's last option of this name; for "--conf NAME" that of the setting.
    Empty where there is none."""
    option, _, key = name.partition(" ")
    found = ""
    for i, word in enumerate(options):
        value = word.partition("=")[2] if word.startswith(f"{option}=") else ""
        if word == option and i + 1 < len(options):
            value = options[i + 1]
        if key and value.partition("=")[0] == key:
            found = value.partition("=")[2]
        elif value and not key:
            found = value
    return found


def master(options: Sequence[str]) -> str:
    """The master that these options of spark-submit name, or this project's own."""
    return given(options, "--master") or given(options, "--conf spark.master") or "local"


def is_local(options: Sequence[str]) -> bool:
    """Whether the driver and its executors are one process."""
    return master(options).split("[")[0] == "local"


def shipped(options: Sequence[str]) -> bool:
    """Whether our code goes to the hosts in an archive; otherwise it is there, at this path."""
    return any(part.endswith(ARCHIVE) for part in given(options, "--archives").split(","))


def driver_root(options: Sequence[str]) -> Path:
    """Where our files are for the driver: here, unless it runs elsewhere from an archive."""
    away = shipped(options) and given(options, "--deploy-mode") == "cluster"
    return Path("app") if away else venv.ROOT


def python(options: Sequence[str]) -> str:
    """The interpreter of the executors. An archive does not hold one: each host has it."""
    return f"python3.{sys.version_info[1]}" if shipped(options) else str(venv.PYTHON)


def lines(options: Sequence[str], environ: Mapping[str, str], second: bool) -> list[str]:
    """spark-submit's options for a cluster, to be put before the user's; `second` says that
    executors use the JVM's second compiler too. Raises ConfigError."""
    conf = _profiles()
    path = "app" if shipped(options) else f"{venv.ROOT}:{venv.ROOT / 'connector'}"
    conf["spark.executorEnv.PYTHONPATH"] = path
    logs = _logs(options)
    conf["spark.executor.extraJavaOptions"] += f" {logs}" if logs else ""
    if second:
        conf["spark.executor.extraJavaOptions"] = conf["spark.executor.extraJavaOptions"].replace(
            "-XX:TieredStopAtLevel=1 ", ""
        )
    if master(options).startswith("spark:"):
        conf |= _standalone(options, environ)
    if master(options) == "yarn":
        conf |= _yarn(options, environ, path)
    here = address(options, environ)
    if here and given(options, "--deploy-mode") != "cluster":
        conf |= {"spark.driver.host": here, "spark.driver.bindAddress": here}
    return _options(conf)


def secure_lines() -> list[str]:
    """spark-submit's options of the secure profile, to be put before the user's."""
    return _options(_read(SECURED))


def _options(conf: Mapping[str, str]) -> list[str]:
    return [word for name, value in conf.items() for word in ("--conf", f"{name}={value}")]


def address(options: Sequence[str], environ: Mapping[str, str]) -> str:
    """This machine's address on the way to the master: what the driver listens on. Empty where it
    cannot be found; Spark then takes the host's name."""
    if environ.get("SPARK_LOCAL_IP"):
        return environ["SPARK_LOCAL_IP"]
    there = urlsplit(master(options).split(",")[0]).hostname or ""
    if master(options) == "yarn":
        there = _resource_manager(environ)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((there, 9))  # sends nothing
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def _profiles() -> dict[str, str]:
    found = {name: value for file in PROFILES for name, value in _read(file).items()}
    return {name: value for name, value in found.items() if name[6:] not in LOCAL}


def _read(file: Path) -> dict[str, str]:
    lines = (venv.ROOT / file).read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(" ") for line in lines if line.startswith("spark."))
    return {name: value.strip() for name, _, value in pairs}


def _logs(options: Sequence[str]) -> str:
    """Where an executor finds its logging settings: Spark's own where our file arrives only after
    its start."""
    if shipped(options) and master(options) != "yarn":
        return ""
    root = Path("app") if shipped(options) else venv.ROOT
    return f'"-Dlog4j2.configurationFile={root / "config" / "log4j2.properties"}"'


def _standalone(options: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    if given(options, "--conf spark.authenticate") == "false":
        return {}
    if given(options, "--conf spark.authenticate.secret"):
        return {}
    if not environ.get(cluster.SECRET):
        what = "a standalone cluster's daemons and applications share a secret, and none is set"
        remedy = f'eval "$(scripts/services env)"; on your cluster, export {cluster.SECRET}=…'
        raise ConfigError(what, master(options), remedy)
    return {"spark.authenticate.secret": IN_ENVIRONMENT}


def _yarn(options: Sequence[str], environ: Mapping[str, str], path: str) -> dict[str, str]:
    """The driver's environment in cluster mode, and Spark's jars where they are on each host."""
    conf = {"spark.executorEnv.PYSPARK_PYTHON": python(options)}
    # a container listens on its NodeManager's host: otherwise an executor takes over what the
    # application master was told
    for container in ("executorEnv", "yarn.appMasterEnv"):
        conf[f"spark.{container}.SPARK_LOCAL_IP"] = "{{NM_HOST}}"
    if not shipped(options):
        conf["spark.yarn.jars"] = f"local:{compile.pyspark_jars()}/*"
    if given(options, "--deploy-mode") == "cluster":
        ours = {row.variable for job in JOBS for row in settings.of(job) if not row.secret}
        wanted = {"PYTHONPATH": path, "PYSPARK_PYTHON": python(options)}
        wanted |= {name: environ[name] for name in sorted(ours & environ.keys())}
        conf |= {f"spark.yarn.appMasterEnv.{name}": value for name, value in wanted.items()}
    return conf


def _resource_manager(environ: Mapping[str, str]) -> str:
    """The host that yarn-site.xml names; empty where it names none."""
    folder = environ.get("YARN_CONF_DIR") or environ.get("HADOOP_CONF_DIR") or os.devnull
    try:
        tree = ElementTree.parse(Path(folder) / "yarn-site.xml")
    except (OSError, ElementTree.ParseError):
        return ""
    found = {row.findtext("name"): row.findtext("value") or "" for row in tree.iter("property")}
    one = found.get("yarn.resourcemanager.address", "").partition(":")[0]
    return one or found.get("yarn.resourcemanager.hostname", "")
