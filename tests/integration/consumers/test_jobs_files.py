"""How a job's files lie on HDFS: forced to the DataNodes' disks, and written by the driver's Hadoop
settings."""

from pathlib import Path
from typing import Any

import pytest

from local.hdfs_nodes import bean
from tests.conftest import HOST, Services
from tests.kit.jobs import (
    RECEIVER_AT_LEAST,
    batches,
    manifests,
    path_of,
    publish,
    run_job,
    slowly,
    started,
)

# executors of their own
CLUSTER = ("--master", "local-cluster[2,2,1024]", "--conf", "spark.authenticate.secret=a-test-s")
MIB = 1024 * 1024


def activity(services: Services) -> dict[str, Any]:
    """The DataNode's own counters."""
    return bean(f"{HOST}:{services.datanode_port + 1}", "DataNodeActivity-*")


@pytest.mark.parametrize("approach", RECEIVER_AT_LEAST)
def test_every_file_of_a_batch_is_forced_to_the_disk(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    """The write-ahead log is not forced: what it has and no batch has, Kafka has too."""
    publish(services, topic, 600, "--malformed", "0.2")
    before = activity(services)
    run_job(services, tmp_path, approach, topic, output, *slowly(approach, 100))
    after = activity(services)
    published = manifests(services, output)
    files = sum(len(manifest["files"]) + 1 for manifest in published)  # and the manifest
    assert len(published) >= 4 and files >= 3 * len(published), (
        "far more than manifests, epochs and settings"
    )
    assert after["FsyncCount"] - before["FsyncCount"] >= files
    # By hsync a DataNode forces what it has so far, and not the closed block's place: the flag of
    # the block does that.
    assert after["FsyncNanosNumOps"] - before["FsyncNanosNumOps"] >= 2 * files, "data and checksums"


@pytest.mark.parametrize("approach", RECEIVER_AT_LEAST)
def test_executors_write_by_the_drivers_hadoop_settings(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    publish(services, topic, 300)
    mine = (*CLUSTER, "--conf", "spark.hadoop.dfs.blocksize=2m")
    with started(services, tmp_path, approach, topic, output, "--available-now", spark=mine) as job:
        assert job.ended(150) == 0, job.said()
    sizes = set()
    for name in batches(services, output):
        folder = f"{path_of(output)}/batches/{name}/tweets"
        sizes |= {status["blockSize"] for _, status in services.files.list(folder, status=True)}
    assert sizes == {2 * MIB}
