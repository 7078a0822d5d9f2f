"""Limits of HDFS that a running job meets: it ends with 2 at once and its supervisor too; with room
made it continues, all once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from tests.conftest import Services
from tests.kit.faults.attacks import dfsadmin
from tests.kit.jobs import (
    APPROACHES,
    audit,
    await_batches,
    batches,
    new_topic,
    path_of,
    publish,
    run_job,
    slowly,
    started,
)

SUPERVISED = ("--supervise",)


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_a_quota_reached_while_a_job_runs(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    publish(services, topic, 900)
    settings = slowly(approach, 60)  # a checkpoint keeps them
    if approach == "receiver_based":  # the quota is on what is published, not on the log
        settings += ("--checkpoint", f"{output}-checkpoint")
    with started(services, tmp_path, approach, topic, output, *settings, spark=SUPERVISED) as job:
        await_batches(services, output, 2, job)
        dfsadmin(services, "-setSpaceQuota", "1", path_of(output))
        try:
            assert job.ended(120) == 2, job.said()
        finally:
            dfsadmin(services, "-clrSpaceQuota", path_of(output))
    said = job.said()
    assert (
        "error: HDFS's quota is used up: " in said
        and path_of(output) in said
        and "\n  next: remove what" in said
    ), said
    assert said.count("epoch ") == 1, "it was not started again"
    run_job(services, tmp_path, approach, topic, output, *settings)
    assert audit(services, topic, output)["published"] == 900


@pytest.mark.long
@pytest.mark.parametrize(
    "limit",
    [
        "-setSpaceQuota",
        "-setQuota",
        "permission",
    ],
)
def test_a_write_ahead_log_that_cannot_be_written(
    services: Services, topic: str, output: str, limit: str, tmp_path: Path
) -> None:
    """Spark would start the receivers again for ever, and nothing would be published."""
    publish(services, topic, 900)
    log, user = f"{output}-checkpoint", {"HADOOP_USER_NAME": "writer"}
    for folder in (output, log):
        services.files.makedirs(path_of(folder))
        services.files.set_owner(path_of(folder), owner="writer")
    settings = (*slowly("receiver_based", 60), "--checkpoint", log)
    with started(
        services,
        tmp_path,
        "receiver_based",
        topic,
        output,
        *settings,
        spark=SUPERVISED,
        environ=user,
    ) as job:
        await_batches(services, output, 2, job)
        if limit == "permission":
            services.files.set_permission(path_of(log), "500")
        else:
            dfsadmin(services, limit, "1", path_of(log))
        # once per minute a batch that brings nothing tries to write
        assert job.ended(240) == 2, job.said()[-4000:]
    if limit == "permission":
        services.files.set_permission(path_of(log), "700")
    else:
        dfsadmin(services, limit.replace("set", "clr"), path_of(log))
    what = "no permission on HDFS" if limit == "permission" else "HDFS's quota is used up"
    said = job.said()
    assert f"error: {what}: " in said and f" at {log}/watch." in said, said[-4000:]
    assert said.count("epoch ") == 1, "it was not started again"
    with started(
        services,
        tmp_path,
        "receiver_based",
        topic,
        output,
        "--available-now",
        *settings,
        environ=user,
    ) as job:
        assert job.ended(120) == 0, job.said()
    assert audit(services, topic, output)["published"] == 900


def test_a_quota_that_is_used_up_at_the_start(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    publish(services, topic, 10)
    services.files.makedirs(path_of(output))
    dfsadmin(services, "-setQuota", "1", path_of(output))
    said = run_job(services, tmp_path, "direct", topic, output, expect=2)
    assert "error: HDFS's quota is used up: " in said and "\n  next: " in said, said
    assert services.files.list(path_of(output)) == [], "nothing was made"


@pytest.fixture
def tight(tmp_path: Path) -> Iterator[Services]:
    """Services whose HDFS allows a folder six entries."""
    limit = "dfs.namenode.fs-limits.max-directory-items=6"
    own = Services.beside(tmp_path / "tight", 4, hdfs_site=limit)
    with own.running():
        yield own


def test_a_folder_that_is_full(tight: Services, tmp_path: Path) -> None:
    admin = KafkaAdminClient(bootstrap_servers=tight.bootstrap)
    topic, output = new_topic(admin, 3), f"{tight.hdfs}/tests/full"
    admin.close()
    publish(tight, topic, 900)
    with started(
        tight, tmp_path, "direct", topic, output, *slowly("direct", 30), spark=SUPERVISED
    ) as job:
        assert job.ended(120) == 2, job.said()
    assert (
        "error: HDFS takes no more entries into this folder: The directory item limit of "
        in job.said()
    )
    assert "max-directory-items" in job.said().partition("  next: ")[2]
    assert len(batches(tight, output)) == 6
    run_job(tight, tmp_path, "direct", topic, output, expect=2)
    assert audit(tight, topic, output, expect=1)["duplicated"] == 0
