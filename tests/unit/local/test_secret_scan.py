"""The secret scan: each kind planted and found, the repository clean."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SCAN = [sys.executable, str(ROOT / "local" / "secret_scan.py")]
PLANTED = [  # put together here, so that this file has none of them
    "A" * 22 + "b7%3D" * 12,
    "Authorization: Bearer " + "x9" * 25,
    "1234567890-" + "aB3" * 13,
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "AKIA" + "Q" * 16,
    "ghp_" + "a1" * 18,
    "TWEETS_X_BEARER_TOKEN" + "=" + "q" * 30,
]


@pytest.mark.parametrize("secret", PLANTED)
def test_a_planted_secret_is_found_and_not_repeated(secret: str, tmp_path: Path) -> None:
    file = tmp_path / "planted.txt"
    file.write_text(f"harmless\nbefore {secret} after\n")
    done = subprocess.run([*SCAN, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{file}:2: " in done.stdout
    assert secret not in done.stdout + done.stderr


def test_the_repository_has_none() -> None:
    done = subprocess.run(SCAN, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
