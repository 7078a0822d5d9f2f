"""The error tree: its exit codes, its messages, and how a program ends."""

import pytest

from config import errors
from config.errors import PipelineError

CODES = {
    errors.PipelineError: 1,
    errors.ServiceUnreachable: 1,
    errors.ConfigError: 2,
    errors.DataLossRisk: 3,
    errors.Fenced: 4,
    errors.CredentialsError: 5,
    errors.QuotaExceeded: 6,
}


@pytest.mark.parametrize(
    ("kind", "code"), CODES.items(), ids=lambda value: getattr(value, "__name__", value)
)
def test_a_program_ends_with_its_error_s_code(
    kind: type[PipelineError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise kind("retention overtook us", "tweets[2] [1842, 1850)", "start with a new --output")

    with pytest.raises(SystemExit) as ended:
        errors.exit_with(main)
    assert ended.value.code == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "error: retention overtook us at tweets[2] [1842, 1850)\n  next: start with a new "
        "--output\n"
    )


def test_every_error_of_the_tree_is_here() -> None:
    assert {PipelineError, *PipelineError.__subclasses__()} == set(CODES)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("what",), "what"),
        (("what", "where"), "what at where"),
        (("what", "", "remedy"), "what\n  next: remedy"),
    ],
)
def test_a_message_has_what_it_was_given(arguments: tuple[str, ...], text: str) -> None:
    assert str(PipelineError(*arguments)) == text


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1), (3, 3)])
def test_a_program_ends_with_its_result(result: int | None, code: int) -> None:
    with pytest.raises(SystemExit) as ended:
        errors.exit_with(lambda: result)
    assert ended.value.code == code


def test_an_unforeseen_error_keeps_its_traceback() -> None:
    def main() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        errors.exit_with(main)
