"""Hosts that are cut off, a straggler, a full disk: the tests in `lan/`, which run in a network of
hosts of its own (`tests.kit.lan`)."""

import pytest

from tests.kit import lan


@pytest.mark.long
@pytest.mark.timeout(10800)
@pytest.mark.parametrize("name", ["cut_off", "straggler", "full_disk"])
def test_on_a_lan(name: str) -> None:
    why = lan.forbidden()
    if why:
        pytest.skip(f"this machine permits no network namespaces without root: {why}")
    done = lan.pytest_inside("-s", f"tests/fault/cluster/lan/{name}.py")
    assert done.returncode == 0, done.stdout + done.stderr
