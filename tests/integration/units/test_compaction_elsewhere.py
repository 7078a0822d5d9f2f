"""The compactor on a cluster, and with Kerberos: what it makes is what it makes here."""

import json
import os
import subprocess
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.conftest import PATIENCE, ROOT, Services
from tests.kit import jobs
from tests.kit.clusters import on_two_hosts
from tests.kit.compacting import environ, mirror
from tests.kit.secured_services import Secured, apart

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


def compact(
    options: list[str],
    output: str,
    *arguments: str,
    program: str = "compact",
    more: Mapping[str, str] | None = None,
    expect: int = 0,
) -> tuple[dict[str, Any], str]:
    """Compact once with these options of spark-submit: the report, and what was said."""
    line = [str(ROOT / "scripts" / "submit"), *options, program, "--output", output, *arguments]
    done = subprocess.run(
        [*line, "--grace-hours", "0", "--erase-hours", "0"],
        env={**environ(), **(more or {})},
        capture_output=True,
        text=True,
        timeout=240 * PATIENCE,
        check=False,
    )
    assert done.returncode == expect, (done.stdout + done.stderr)[-4000:]
    said = done.stdout.splitlines()
    return json.loads(said[-1]) if not expect else {}, done.stdout + done.stderr


def test_on_a_standalone_cluster(services: Services, topic: str, output: str) -> None:
    jobs.publish(services, topic, 300, "--malformed", "0.05")
    mirror(services, topic, output, hour="2026-01-01T00")
    jobs.publish(services, topic, 100)
    mirror(services, topic, output, hour="2026-01-01T01")
    before = jobs.audit(services, topic, output)
    with on_two_hosts(services) as cluster:
        report, said = compact(cluster.options, output, more=cluster.environ)
        assert cluster.logs(), "no executor has worked"
    assert report["units"] == 2 and report["rows"] == before["in_kafka"], said
    after = jobs.audit(services, topic, output)
    assert (after["units"], after["in_kafka"]) == (2, before["in_kafka"])
    assert after["published"] + after["erased"] == before["published"]


def test_with_a_keytab() -> None:
    """By Spark's own options; without a login it says so and publishes nothing."""
    own = apart()
    output = f"{own.hdfs}/tests/{uuid.uuid4().hex[:12]}"
    with own.running("--secure"):
        secured = Secured(own)
        secured.produce("filled", 200, environ=secured.environ("producer"))
        secured.job("direct", "filled", output)
        before = secured.verdict("filled", output)
        user = secured.environ("jobs")
        keytab = ["--principal", user["TWEETS_PRINCIPAL"], "--keytab", user["TWEETS_KEYTAB"]]
        now = str(ROOT / "tests" / "on_spark" / "compact_now.py")
        _, said = compact([], output, program=now, more=user, expect=5)
        assert "HDFS does not accept the login" in said
        report, _ = compact(keytab, output, program=now, more={**os.environ, **user})
        assert report["units"] == 1 and report["rows"] == before["in_kafka"]
        after = secured.verdict("filled", output)
        assert (after["units"], after["lost"], after["duplicated"]) == (1, 0, 0)
