"""How soon a group gets the partitions of a receiver that died."""

import time
from pathlib import Path

from kafka.admin import KafkaAdminClient

from tests.conftest import Services, wait_until
from tests.kit.old_scripts import running


def test_a_killed_receivers_partitions_are_free_soon(
    services: Services, admin: KafkaAdminClient, topic: str, tmp_path: Path
) -> None:
    """Kafka's own session timeout is 45 s."""
    group, words = f"words-{topic}", ["receiver", services.bootstrap, topic, "1000000"]
    with running("words.py", words, tmp_path / "run") as script:
        wait_until(
            lambda: len(admin.describe_groups([group])[group]["members"]) == 1,
            120,
            "the receiver is in the group",
        )
        script.kill()
    killed = time.monotonic()
    wait_until(
        lambda: not admin.describe_groups([group])[group]["members"], 60, "the group puts it out"
    )
    assert time.monotonic() - killed < 30
