"""`.env`: what it gives, and that it is refused while others may read it."""

from pathlib import Path

import pytest

from config import env_file, settings
from config.errors import ConfigError, CredentialsError

CANARY = "canary-58c1d0aa"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text(f"# a comment\n\nexport TWEETS_X_BEARER_TOKEN='{CANARY}'\nOTHER = 1\n")
    path.chmod(0o600)
    return path


def load(file: Path, program: str = "producer", **environ: str) -> settings.Settings:
    return settings.load(program, [], environ=environ, secrets=file)


def test_a_secret_from_the_file(file: Path) -> None:
    assert env_file.read(file) == {"TWEETS_X_BEARER_TOKEN": CANARY, "OTHER": "1"}
    assert load(file).x_bearer_token == CANARY
    assert load(file, TWEETS_X_BEARER_TOKEN="nearer").x_bearer_token == "nearer"
    assert CANARY not in load(file).table()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_may_read_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(CredentialsError, match="others than its owner") as raised:
        load(file)
    assert "chmod 600" in raised.value.remedy
    assert load(file, program="direct").topic == "tweets", "a program without secrets does not look"


@pytest.mark.parametrize("line", [CANARY, f"= {CANARY}", f"NAME='{CANARY}", f"A {CANARY}=1"])
def test_a_line_that_is_no_assignment_is_named_without_its_words(file: Path, line: str) -> None:
    file.write_text(f"# a comment\n{line}\n")
    with pytest.raises(ConfigError, match=":2") as raised:
        load(file)
    assert CANARY not in str(raised.value)


def test_no_file_is_no_secret(tmp_path: Path) -> None:
    assert load(tmp_path / "none").x_bearer_token == ""
