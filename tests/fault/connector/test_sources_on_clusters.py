"""A source written in Python on clusters: a killed executor on standalone, and YARN."""

from pathlib import Path

import pytest

from tests.conftest import Services, wait_until
from tests.kit.clusters import on_two_hosts
from tests.kit.sourced import (
    acknowledged,
    alive,
    kill,
    missing,
    opened,
    parent,
    sourcing,
    stopped,
    values,
)
from tests.kit.yarn import running as on_yarn

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def test_a_killed_executor_takes_its_source_along(services: Services, tmp_path: Path) -> None:
    """On a standalone cluster: another executor's receiver goes on from what was acknowledged."""
    with (
        on_two_hosts(services) as cluster,
        sourcing(tmp_path, "Numbers", options=cluster.options, environ=cluster.environ) as run,
    ):
        for turn in (1, 2, 3):
            before = acknowledged(tmp_path)
            run.wait_for(lambda _, n=before: acknowledged(tmp_path) > n + 400, "400 acknowledged")
            source = opened(tmp_path)[-1]
            kill(parent(source))
            wait_until(lambda pid=source: not alive(pid), 1, "no orphan is left")
            run.wait_for(lambda _, n=turn: len(opened(tmp_path)) > n, "another source")
        before = acknowledged(tmp_path)
        run.wait_for(lambda _: acknowledged(tmp_path) > before + 400, "400 more")
        stopped(run, tmp_path)
        came = values(run.output())
    assert missing(came) == [] and max(map(int, came)) + 1 == acknowledged(tmp_path)


def test_on_yarn(services: Services, tmp_path: Path) -> None:
    """The receiver and its source's process in a container; a stop acknowledges all."""
    with on_yarn(services) as yarn:
        options = yarn.options("client", "spark.executor.cores=2")
        with sourcing(tmp_path, "Numbers", options=options, environ=yarn.environ) as run:
            run.wait_for(lambda _: acknowledged(tmp_path) > 1000, "1000 acknowledged")
            stopped(run, tmp_path)
            came = values(run.output())
    assert missing(came) == [] and set(came.values()) == {1}
    assert max(map(int, came)) + 1 == acknowledged(tmp_path)
