"""What these tests share."""

import os
from collections.abc import Iterator

import pytest


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
