"""The error tree and its exit codes.

PipelineError            1  an error with a name that fits nowhere below
├── ServiceUnreachable   1  a service is out of reach after bounded retries
├── ConfigError          2  wrong configuration
├── DataLossRisk         3  retention overtook us, topic recreated, gap in the chain
├── Fenced               4  a newer driver owns the output
├── CredentialsError     5  a token is missing or refused
└── QuotaExceeded        6  quota or credit used up
"""

import sys
from collections.abc import Callable


class PipelineError(Exception):
    """What went wrong, at which coordinates, and what to do next.

    `what` is one sentence, `where` the coordinates (`tweets[2] [1842, 1850)`, a path, an address),
    `remedy` the next step.
    """

    exit_code = 1

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where, remedy)
        self.what, self.where, self.remedy = what, where, remedy

    def __str__(self) -> str:
        place = f" at {self.where}" if self.where else ""
        remedy = f"\n  next: {self.remedy}" if self.remedy else ""
        return f"{self.what}{place}{remedy}"


class ServiceUnreachable(PipelineError):
    """A broker, the NameNode or X did not answer within bounded retries."""


class ConfigError(PipelineError):
    """A setting, or a combination of them, that cannot work."""

    exit_code = 2


class DataLossRisk(PipelineError):
    """Continuing would skip records; an operator has to look."""

    exit_code = 3


class Fenced(PipelineError):
    """A newer driver has taken over this output."""

    exit_code = 4


class CredentialsError(PipelineError):
    """A token is missing, malformed or refused."""

    exit_code = 5


class QuotaExceeded(PipelineError):
    """The paid quota or the credit is used up."""

    exit_code = 6


def exit_with(main: Callable[[], int | None]) -> None:
    """Run `main` and end the process with its result, or with the exit code of the PipelineError it
    raised.

    The message goes to stderr; anything but a PipelineError keeps its traceback and ends with 1.
    """
    try:
        code = main() or 0
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        code = error.exit_code
    sys.exit(code)
