"""Messages for the person at the terminal; standard output stays free for data."""

import sys


def say(text: str) -> None:
    """Print one message to standard error."""
    print(text, file=sys.stderr, flush=True)
