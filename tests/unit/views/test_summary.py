"""The summary reads the views' store where there is one, and what is new into it first."""

from pathlib import Path
from random import Random

import pytest

from consumers.output import commits
from tests.kit.memory_files import MemoryFiles
from tests.kit.memory_units import compact
from tests.kit.published_output import opened, publish, records
from tests.kit.web_files import webhdfs
from views.follow import store_path
from views.store.frontier import Store
from views.summary import stored


def test_the_summary_is_the_stores(tmp_path: Path) -> None:
    files, output = MemoryFiles(), "hdfs://host/tweets/direct"
    driver = opened(files)
    counts = [publish(driver, records(Random(n), 100 * n, 100), n % 3).counts for n in range(3)]
    with webhdfs({"/tweets/direct": files}) as address:
        assert stored(output, address, tmp_path) is None
        Store(store_path(tmp_path, output)).close()
        found = stored(output, address, tmp_path)
    assert found
    sums = [sum(each[name] for each in counts) for name in ("tweets", "deleted", "rejected")]
    assert [found.everything.labels.total(), found.deleted, found.reasons.total()] == sums
    assert found.batches == 3 and found.located > 0
    assert found.table().splitlines()[1].startswith("all ")


def test_an_output_with_units_is_read_without_a_store(tmp_path: Path) -> None:
    files, output = MemoryFiles(), "hdfs://host/tweets/direct"
    driver, now = opened(files), commits.now
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commits, "now", lambda: "2026-11-27T01:00:00.000Z")
        counts = [publish(driver, records(Random(n), 100 * n, 100), n % 3).counts for n in range(3)]
        patch.setattr(commits, "now", now)
        counts.append(publish(driver, records(Random(7), 9000, 9)).counts)
    report = compact(files, -1)
    assert report.units and report.batches_removed == 3
    with webhdfs({"/tweets/direct": files}) as address:
        found = stored(output, address, tmp_path)
    assert found and not list(tmp_path.iterdir())
    said = sum(each["tweets"] for each in counts) - report.erased
    assert found.everything.labels.total() == said and found.batches == len(counts)
