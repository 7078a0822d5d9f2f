"""What the connector holds is bounded in bytes, whatever a broker hands out: records that unpack to
gigabytes, and headers."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Services
from tests.kit import hostile
from tests.kit.java_programs import java_program

FRAME_BYTES = 384 * 1024


@pytest.mark.parametrize("with_headers", [False, True])
def test_a_gigabyte_is_read_in_a_heap_of_a_few_megabytes(
    services: Services, topic: str, tmp_path: Path, with_headers: bool
) -> None:
    """One batch of 45 KB that holds a gigabyte, headers of 270 MB, and small records without end:
    96 MB of heap are enough."""
    batches = [
        hostile.batch(hostile.zeros(1000), compressed=True),
        hostile.batch(hostile.headers(300), compressed=True),
        hostile.batch(hostile.headers(20_000, 10), compressed=True),
        hostile.batch(hostile.headers(1)),
    ]
    hostile.send(services.bootstrap, topic, 0, batches)
    run = java_program("BoundedReads", tmp_path, "-Xmx96m", "-XX:+UseSerialGC")
    arguments = [services.bootstrap, topic, "21301", str(with_headers).lower()]
    done = subprocess.run(
        [*run, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    records, largest = map(int, done.stdout.splitlines()[-1].split())
    assert records == 21_301
    assert largest < FRAME_BYTES + 1_000_000 + 1000, (
        "a frame is larger than its target by its last record only"
    )
