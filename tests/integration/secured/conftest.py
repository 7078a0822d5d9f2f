"""What these tests share."""

import os
import uuid
from collections.abc import Iterator

import pytest

from tests.kit.secured_services import Secured


@pytest.fixture
def output(secured: Secured) -> str:
    """A new output on the HDFS of the module's set."""
    return f"{secured.services.hdfs}/tests/{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module", autouse=True)
def krb5_config_as_before() -> Iterator[None]:
    """The library of Kerberos takes KRB5_CONFIG from this process's environment; other tests find
    it as it was."""
    before = os.environ.get("KRB5_CONFIG")
    yield
    if before is None:
        os.environ.pop("KRB5_CONFIG", None)
    else:
        os.environ["KRB5_CONFIG"] = before
