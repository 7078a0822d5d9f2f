"""One output, both jobs in turn, each killed in the middle of its turn, while tweets are
published."""

from pathlib import Path

import pytest

from tests.conftest import Services
from tests.kit.faults.attacks import attacked
from tests.kit.faults.watching import load
from tests.kit.jobs import run_job

PATIENCE_S = 120


@pytest.mark.long
@pytest.mark.parametrize(
    "turns",
    [("receiver_based", "direct"), ("direct", "receiver_based")],
    ids=lambda turns: turns[0],
)
def test_handed_over_and_back_with_kills_in_the_middle(
    services: Services, topic: str, output: str, turns: tuple[str, str], tmp_path: Path
) -> None:
    """Each turn: some batches and `kill -9` between two steps of one; then the other, killed in its
    first batch."""
    first, second = turns
    with attacked(services, tmp_path, first, topic, output) as attack:
        with load(services, topic, tmp_path, seed=2):
            for point in ("files taken", "after rename"):
                with attack.started("--fail-point", f"{point}:3") as job:
                    assert job.ended(PATIENCE_S) == -9, job.said()
                with attack.started("--fail-point", f"{point}:1", approach=second) as job:
                    assert job.ended(PATIENCE_S) == -9, job.said()
            with attack.started(approach=second) as job:
                attack.grows(job)
                job.kill()  # wherever it is
        attack.records = attack.on_topic()
        # to the end of the topic, as fast as it can
        run_job(services, tmp_path, "direct", topic, attack.address)
