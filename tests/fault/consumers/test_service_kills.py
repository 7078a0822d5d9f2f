"""kill -9 of the broker, the NameNode and the DataNode under both running jobs, while tweets are
published.

The jobs wait for the service or end with 1 and are started again, as by their supervisor; no person
does anything.
"""

import pytest
from kafka.admin import KafkaAdminClient

from tests.conftest import Services
from tests.integration.producer.test_producer_outages import start_again
from tests.kit.faults import slices

SLICES = [(kind, turn) for turn in range(2) for kind in ("kafka-1", "namenode", "datanode-1")]


@pytest.mark.long
@pytest.mark.parametrize(("kind", "turn"), SLICES, ids=[f"{kind}-{turn}" for kind, turn in SLICES])
def test_killed_services_cost_nothing(
    services: Services,
    admin: KafkaAdminClient,
    topic: str,
    kind: str,
    turn: int,
    request: pytest.FixtureRequest,
) -> None:
    try:
        slices.Slice(services, topic, kind, turn, request.node.nodeid).run(slices.kill_service)
    finally:
        start_again(services, admin)  # what runs already stays as it is
