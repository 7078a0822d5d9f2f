"""What a Java error says: py4j hands it over as one text, a stack trace with the causes one after
the other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from py4j.protocol import Py4JJavaError

# An exception is named at the beginning of a line, behind "Caused by: ", or where Spark quotes a
# task's behind its executor in brackets.
_CAUSE = re.compile(r"(?:^(?:Caused by: |: )?|\): )((?:\w+\.)+[\w$]+)(?=: (.*)|$)", re.MULTILINE)


def causes(error: Py4JJavaError) -> Iterator[tuple[str, str]]:
    """The class and the first line of the message of each exception, from the outermost to the
    innermost cause."""
    for found in _CAUSE.finditer(str(error)):
        yield found[1], found[2] or found[1]
