"""Calls of the NameNode that do not wait for one another."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from consumers.output import storage
from consumers.output.storage import Storage


@pytest.fixture
def files() -> Storage:
    """One without a file system: only its threads are used."""
    found = object.__new__(Storage)
    found._pool = ThreadPoolExecutor(storage._AT_ONCE)
    return found


def test_eight_are_under_way_at_once(files: Storage) -> None:
    """Each waits until all eight have begun."""
    meet = threading.Barrier(8, timeout=30)
    assert files.each(lambda number: (meet.wait(), number)[1], range(8)) == list(range(8))


def test_a_failure_waits_for_the_others(files: Storage) -> None:
    """Otherwise a batch that is given up would still be written to."""
    ended: list[int] = []

    def work(number: int) -> None:
        if not number:
            raise FileNotFoundError("0")
        time.sleep(0.05)
        ended.append(number)

    with pytest.raises(FileNotFoundError):
        files.each(work, range(4))
    assert sorted(ended) == [1, 2, 3]
