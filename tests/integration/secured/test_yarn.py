"""YARN with Kerberos: the jobs in client and in cluster mode, and what a job without a ticket
says."""

from collections.abc import Iterator

import pytest

from tests.conftest import PATIENCE
from tests.kit.secured_services import Secured, apart
from tests.kit.yarn import SMALL

pytestmark = [pytest.mark.long, pytest.mark.timeout(900 * PATIENCE)]
TWEETS = 200
YARN = ["--secure", "--master", "yarn"]
YARN += [word for name, value in SMALL.items() for word in ("--conf", f"{name}={value}")]


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    own = apart(8)
    with own.running("--secure", "--yarn-nodes", "1"):
        found = Secured(own)
        found.produce("filled", TWEETS, environ=found.environ("producer"))
        yield found


def test_client_mode(secured: Secured, output: str) -> None:
    """The job's own settings log in."""
    secured.job("direct", "filled", output, spark=YARN)
    secured.published_once("filled", output, TWEETS)


def test_cluster_mode(secured: Secured, output: str) -> None:
    """spark-submit logs in, and YARN takes the keytab to the application master."""
    login = secured.login("jobs")
    given = ["--principal", login["TWEETS_PRINCIPAL"], "--keytab", login["TWEETS_KEYTAB"]]
    spark = [YARN[0], *given, *YARN[1:], "--deploy-mode", "cluster"]
    without = dict.fromkeys(login, "")
    secured.job("receiver_based", "filled", output, spark=spark, environ=without)
    secured.published_once("filled", output, TWEETS)


def test_without_a_ticket(secured: Secured, output: str) -> None:
    without = dict.fromkeys(secured.login("jobs"), "")
    said = secured.job("direct", "filled", output, spark=YARN, environ=without, expect=5)
    assert "no ticket" in said
