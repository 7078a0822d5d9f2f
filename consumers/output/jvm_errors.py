"""What a Java error says: it arrives as one text, a stack trace with the causes one after the
other."""

import re
from collections.abc import Iterator

# An exception is named at the beginning of a line, behind "Caused by: ", or where Spark quotes a
# task's behind its executor in brackets. Hadoop writes the NameNode's as RemoteException(CLASS).
_CAUSE = re.compile(
    r"(?:^(?:Caused by: |: )?|\): )(?:[\w.$]+\()?((?:\w+\.)+[\w$]+)\)?(?=: (.*)|$)", re.MULTILINE
)


def causes(error: Exception | str) -> Iterator[tuple[str, str]]:
    """The class and the first line of the message of each exception, from the outermost to the
    innermost cause.

    `error` is what py4j raised, or the text of a stack trace.
    """
    for found in _CAUSE.finditer(str(error)):
        yield found[1], (found[2] or found[1]).rstrip("\r")


def innermost(error: Exception | str) -> str:
    """The innermost cause in one line: the rest of Spark's report is stack traces."""
    found = list(causes(error))
    if not found:
        return str(error).partition("\n")[0]
    name, text = found[-1]
    return f"{name}: {text}" if text != name else name
