"""The "hosts" of a cluster on this machine: one loopback address each, so nothing else can reach
them."""

import os
import secrets
from pathlib import Path

from config.errors import ConfigError
from local import jdk

MOST = 200


def address(number: int) -> str:
    """The address of host 1, 2, …; 127.0.0.1 is where Kafka, HDFS and the masters are."""
    if not 1 <= number <= MOST:
        raise ConfigError(f"no host {number}", "", f"1 to {MOST} hosts fit on this machine")
    return f"127.0.0.{number + 1}"


def environment() -> dict[str, str]:
    """A daemon's environment as on another host: nothing of ours, so nothing of it reaches what
    the daemon starts."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "JAVA_HOME": str(jdk.home()),
    }


def secret(home: Path) -> str:
    """The secret that the cluster's daemons and applications share; made at the first call, in a
    file that only its owner can read."""
    file = secret_file(home)
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(32), encoding="utf-8")
        fresh.replace(file)
    return file.read_text(encoding="utf-8")


def secret_file(home: Path) -> Path:
    """Where the secret of this home's cluster is."""
    return home / "spark-secret"
