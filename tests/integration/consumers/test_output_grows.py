"""An output that holds more batches than HDFS allows a folder entries, and what a start costs by
then."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.chain import Chain
from audit.files import Output
from tests.conftest import ROOT, Services
from tests.kit.jobs import batches, path_of

# entries in a folder, batches in a shard, batches in all, batches between two starts
SIZES = [(30, 20, 90, 15), pytest.param(1100, 1000, 3000, 30, marks=pytest.mark.long)]


@pytest.fixture
def tight(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Services]:
    """Services whose HDFS limits the entries of a folder."""
    limit = f"dfs.namenode.fs-limits.max-directory-items={request.param}"
    own = Services.beside(tmp_path / "tight", 5, hdfs_site=limit)
    with own.running():
        yield own


@pytest.mark.parametrize(("tight", "shard", "count", "each"), SIZES, indirect=["tight"])
def test_more_batches_than_a_folder_takes(
    tight: Services, shard: int, count: int, each: int
) -> None:
    output = f"{tight.hdfs}/tests/grows"
    script = str(ROOT / "tests" / "on_spark" / "many_batches.py")
    command = [str(ROOT / "scripts" / "submit"), script, output, str(count), str(each), str(shard)]
    done = subprocess.run(
        command, env=os.environ, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    starts = json.loads(done.stdout.splitlines()[-1])["starts"]
    assert starts[-1][0] == count

    # All starts but the first, which makes the output, and those that find a full last shard ask
    # for as much.
    asked = {calls for seq, calls, _ in starts[1:]}
    assert len(asked) == 1 and asked.pop() <= 25, starts

    names = batches(tight, output)
    assert len(names) == count and len(
        tight.files.list(f"{path_of(output)}/batches")
    ) == count // shard + (count % shard > 0)
    for folder in ("_epochs", "_staging", "_seen"):
        assert len(tight.files.list(f"{path_of(output)}/{folder}")) == 1, folder
    if shard == 1000:  # as the audit knows it
        chain = Chain()
        errors = [
            error
            for batch in Output(tight.webhdfs, path_of(output)).batches()
            for error in chain.link(batch).errors
        ]
        assert (errors, chain.length) == ([], count)
