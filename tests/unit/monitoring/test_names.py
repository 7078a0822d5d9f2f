"""Every metric that the rules, the dashboard and the pages name is one that a program has."""

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from audit import exported
from audit.verdict import Verdict
from consumers.driver.figures import Figures as OfJob
from producer.figures import Figures as OfProducer
from producer.report import Report
from tests.conftest import ROOT
from units.figures import Figures as OfCompactor

FOLDER = ROOT / "docs" / "monitoring"
RULES, DASHBOARD = FOLDER / "alerts.yml", FOLDER / "dashboard.json"
NAME = re.compile(r"\btweets_[a-z_]+[a-z]\b")
SUFFIXES = ("_bucket", "_count", "_sum", "_total", "_created", "")


def report() -> Report:
    fields = dict.fromkeys(Report.__dataclass_fields__, 0)
    texts = dict.fromkeys(("source", "topic", "state", "stopped_by"), "x")
    return Report(**{**fields, **texts})  # type: ignore[arg-type]


def registries() -> list[CollectorRegistry]:
    return [
        OfJob(2.0).registry,
        OfProducer(report, lambda: "", lambda: 0.0).registry(),
        exported.registry(Verdict(), "hdfs://h/x"),
        OfCompactor("hdfs://h/x", 3600.0).registry,
    ]


def known() -> set[str]:
    """Every name that can be asked for."""
    kinds = {"counter": ("_total", "_created"), "histogram": ("_bucket", "_count", "_sum")}
    return {
        family.name + suffix
        for registry in registries()
        for family in registry.collect()
        for suffix in kinds.get(family.type, ("",))
    }


def expressions(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def test_the_rules_name_what_there_is() -> None:
    named = set(NAME.findall(" ".join(re.findall(r"expr: (.*)", RULES.read_text()))))
    assert len(named) > 10 and named <= known()


def test_the_dashboard_names_what_there_is() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len(panels) == 9 and len({panel["id"] for panel in dashboard["panels"]}) == 12
    named = set(NAME.findall(" ".join(expressions(dashboard))))
    assert len(named) > 10 and named <= known()


def test_a_name_that_no_program_has_would_be_found() -> None:
    assert "tweets_published_records_total" in known()
    assert not {"tweets_published_records", "tweets_lag", "tweets_refused_total"} & known()


def test_the_page_has_each_alert_and_each_metric() -> None:
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    alerts = re.findall(r"alert: (\w+)", RULES.read_text())
    assert len(alerts) > 10 and [alert for alert in alerts if f"`{alert}`" not in page] == []
    families = {family.name for registry in registries() for family in registry.collect()}
    assert [name for name in sorted(families) if name not in page] == []
    assert set(NAME.findall(page)) <= known() | families


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is in Debian's prometheus")
@pytest.mark.parametrize("what", [("check", RULES), ("test", FOLDER / "alerts-test.yml")])
def test_promtool_agrees(what: tuple[str, Any]) -> None:
    done = subprocess.run(
        ["promtool", what[0], "rules", str(what[1])], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
