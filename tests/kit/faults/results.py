"""The slices' figures as files and one table: `python -m tests.kit.faults.results` after `make
test-fault`.

Reads build/fault/results and build/fault/cluster (or the folders given) and build/fault/cuts,
writes what it finds to docs/results/faults.json, cluster-kills.json and cluster-cuts.json, and
prints the table of docs/guarantees.md.
"""

import json
import math
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = [ROOT / "build" / "fault" / name for name in ("results", "cluster")]
HERE = {
    "driver": "driver",
    "worker": "Python worker",
    "kafka-1": "broker",
    "namenode": "NameNode",
    "datanode-1": "DataNode",
}
ON_A_CLUSTER = {
    "executor": "executor, standalone",
    "all executors": "all executors, standalone",
    "spark worker": "Worker, standalone",
    "host": "whole host, standalone",
    "master": "Master, standalone",
    "executor on yarn": "executor, YARN",
    "nodemanager": "NodeManager, YARN",
    "host on yarn": "whole host, YARN",
    "resourcemanager": "ResourceManager, YARN",
}
KINDS = {**HERE, **ON_A_CLUSTER}
FILES = {
    ROOT / "docs" / "results" / "faults.json": HERE,
    ROOT / "docs" / "results" / "cluster-kills.json": ON_A_CLUSTER,
}
AUDITED = ("lost", "duplicated", "invented", "corrupted", "unseen", "chain_errors")
CUTS = ROOT / "docs" / "results" / "cluster-cuts.json"


def merged(slices: list[dict[str, Any]]) -> dict[str, Any]:
    """All slices as one: sums, and the percentiles over all recoveries. Slices that failed are
    named, and count for nothing."""
    good = [one for one in slices if "failure" not in one]
    kinds: dict[str, Any] = {}
    for kind in KINDS:
        of_kind = [one for one in good if one["kind"] == kind]
        if of_kind:
            approaches = sorted({approach for one in of_kind for approach in one["jobs"]})
            kinds[kind] = {
                "slices": len(of_kind),
                "jobs": {
                    approach: _job(
                        [one["jobs"][approach] for one in of_kind if approach in one["jobs"]]
                    )
                    for approach in approaches
                },
            }
    return {
        "made_by": "make test-fault; python -m tests.kit.faults.results",
        "machine": machine(),
        "commits": dict(Counter(one["commit"] for one in slices)),
        "from": min(one["date"] for one in slices),
        "until": max(one["date"] for one in slices),
        "hours": round(sum(one["seconds"] for one in good) / 3600, 2),
        "load_per_s": sorted({one["load_per_s"] for one in slices}),
        "limit_s": sorted({one["limit_s"] for one in slices}),
        "seeds": sorted({one["seed"] for one in slices}),
        "kinds": kinds,
        "failed": [
            {key: one[key] for key in ("kind", "seed", "commit", "again", "failure")}
            for one in slices
            if one not in good
        ],
    }


def _job(slices: list[dict[str, Any]]) -> dict[str, Any]:
    faults: Counter[str] = sum((Counter(one["faults"]) for one in slices), Counter())
    codes: Counter[str] = sum((Counter(one["ended_by_itself"]) for one in slices), Counter())
    away = [second for one in slices for second in one["service_away_s"]]
    return {
        "kills": faults.total(),
        "kills_by_moment": dict(sorted(faults.items())),
        "recovery_s": spread([second for one in slices for second in one["recovered_s"]]),
        "longest_gap_s": max(one["longest_gap_s"] for one in slices),
        **({"service_away_s": spread(away)} if away else {}),
        "starts": sum(one["starts"] for one in slices),
        "starts_that_published": sum(one["starts_that_published"] for one in slices),
        "exit_codes_of_its_own": dict(codes),
        "records": sum(one["audit"]["in_kafka"] for one in slices),
        "published": sum(one["audit"]["published"] for one in slices),
        "batches": sum(one["audit"]["batches"] for one in slices),
        **{kind: sum(one["audit"][kind] for one in slices) for kind in AUDITED},
        "partial": sum(one["partial"] for one in slices),
        "delivered_again": sum(one["delivered_again"] for one in slices),
    }


def spread(seconds: list[float]) -> dict[str, float]:
    """How many, and nearest-rank percentiles."""
    ordered = sorted(seconds)
    at = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    return {
        "n": len(ordered),
        **{
            name: ordered[math.ceil(share * len(ordered)) - 1]
            for name, share in at.items()
            if ordered
        },
    }


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    packages = ("pyspark", "py4j", "kafka-python", "msgspec")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def cuts() -> None:
    """What the hosts that were cut off have left, as one file."""
    files = sorted((ROOT / "build" / "fault" / "cuts").glob("*.json"))
    if files:
        made_by = "tests/fault/cluster/test_lan.py; python -m tests.kit.faults.results"
        found = [json.loads(file.read_text()) for file in files]
        results = {"made_by": made_by, "machine": machine(), "jobs": found}
        CUTS.write_text(json.dumps(results, indent=1) + "\n")


def table(results: dict[str, Any]) -> str:
    """The figures in Markdown, a row for each component and job."""
    head = (
        "killed",
        "job",
        "kills",
        "records",
        *AUDITED[:4],
        "seen in part",
        "delivered again",
        "recovery p50 / p95 / max",
        "gap",
    )
    rows = ["| " + " | ".join(head) + " |", "|---|---|" + "--:|" * (len(head) - 2)]
    for kind, name in KINDS.items():
        for approach, job in results["kinds"].get(kind, {"jobs": {}})["jobs"].items():
            spread = job["recovery_s"]
            cells: Iterable[Any] = (
                name,
                approach,
                job["kills"],
                f"{job['records']:,}",
                *(job[what] for what in AUDITED[:4]),
                job["partial"],
                f"{job['delivered_again']:,}",
                f"{spread['p50']:.0f} / {spread['p95']:.0f} / {spread['max']:.0f} s",
                f"{job['longest_gap_s']:.0f} s",
            )
            rows.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows)


def main() -> None:
    folders = [Path(name) for name in sys.argv[1:]] or FOLDERS
    files = sorted(file for folder in folders for file in folder.glob("*.json"))
    slices = [json.loads(file.read_text()) for file in files]
    for target, kinds in FILES.items():
        found = [one for one in slices if one["kind"] in kinds]
        if not found:
            print(f"{target.relative_to(ROOT)} stays as it is: no slice of it is left in {folders}")
            continue
        results = merged(found)
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(results, indent=1) + "\n")
        print(table(results))
    cuts()


if __name__ == "__main__":
    main()
