"""Write docs/licenses.md, the licences of all that the programs bring: `make licenses`.

The packages' licences are what pip-licenses reads from their metadata; the jars' stand in
config/jars/licenses.txt, because many jars do not carry theirs.
"""

import json
import subprocess
from collections.abc import Iterable

from config.errors import ConfigError, exit_with
from config.venv import PYTHON, ROOT
from local import jars, requirements

PAGE = ROOT / "docs" / "licenses.md"
JARS = ROOT / "config" / "jars" / "licenses.txt"
WHAT_FOR = {
    "connector": "the connector: needed wherever the jobs run",
    "kafka": "brokers of scripts/services",
    "hdfs": "NameNode and DataNodes of scripts/services",
    "kdc": "the Kerberos KDC of scripts/services start --secure",
    "structured": "the notebook and the benchmarks",
    "delta": "scripts/submit delta",
}
OTHER_PYTHONS = {"tomli": ("2.2.1", "MIT", "https://github.com/hukkin/tomli")}  # Python 3.10 only
# a wheel whose metadata names none: the licence of its source, and of the list of parts inside
UNNAMED = {"hdfs-native": "Apache-2.0"}
HEAD = """\
# Licences of what the programs bring

Written by `make licenses`; do not edit. This project itself is under the Apache License 2.0
([LICENSE](../LICENSE)). None of the code below is copied into this repository: pip and Maven fetch
it. VADER's lexicon (MIT) is read from the installed package `vaderSentiment`. The connector's wheel
contains one foreign jar, `kafka-clients`.

PySpark's package contains Spark's own jars; their licences are in Spark's
[LICENSE-binary](https://github.com/apache/spark/blob/master/LICENSE-binary). The wheel of
`confluent-kafka` contains librdkafka (BSD-2-Clause) and the libraries that it links.
"""


def required() -> list[str]:
    """The packages that requirements.txt names, in lower case."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return sorted({line.partition("==")[0].lower() for line in lines if "==" in line})


def brought(names: Iterable[str]) -> set[str]:
    """The installed packages that these need, in lower case."""
    return requirements.closure(names) - set(names)


def packages(names: Iterable[str]) -> list[tuple[str, str, str, str]]:
    """(name, version, licence, address) of each of these that is installed."""
    line = [
        str(PYTHON.with_name("pip-licenses")),
        f"--python={PYTHON}",
        "--format=json",
        "--with-urls",
    ]
    done = subprocess.run(
        [*line, "--with-system", "--packages", *names], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ConfigError(f"pip-licenses failed: {done.stderr.strip()}", "", "scripts/setup --dev")
    rows = {
        name: (row["Name"], row["Version"], UNNAMED.get(name, row["License"]), row["URL"])
        for row in json.loads(done.stdout)
        for name in [row["Name"].lower()]
    }
    rows |= {name: (name, *OTHER_PYTHONS[name]) for name in names if name in OTHER_PYTHONS}
    return [rows[name] for name in sorted(rows)]


def jar_licenses() -> dict[str, str]:
    """The licence of each `group:artifact`."""
    lines = JARS.read_text(encoding="utf-8").splitlines()
    pairs = (line.rsplit("  ", 1) for line in lines if line and not line.startswith("#"))
    return {artifact: license for license, artifact in pairs}


def locked_jars() -> dict[str, list[str]]:
    """The coordinates in each lock file, by the file's name."""
    return {name: [coordinate for _, coordinate in jars.locked(name)] for name in WHAT_FOR}


def table(rows: Iterable[tuple[str, str, str, str]]) -> list[str]:
    out = ["| package | version | licence | home |", "|---|---|---|---|"]
    return out + [f"| {name} | {version} | {text} | {url} |" for name, version, text, url in rows]


def document() -> str:
    """The whole page."""
    named, of_jars = required(), jar_licenses()
    out = [HEAD, "## Python packages that requirements.txt names", "", *table(packages(named))]
    out += ["", "## Python packages that these bring", "", *table(packages(brought(named)))]
    for name, coordinates in locked_jars().items():
        out += ["", f"## Jars: {WHAT_FOR[name]}", "", "| jar | licence |", "|---|---|"]
        out += [
            f"| {coordinate} | {of_jars[coordinate.rpartition(':')[0]]} |"
            for coordinate in coordinates
        ]
    return "\n".join(out) + "\n"


def main() -> None:
    PAGE.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    exit_with(main)
