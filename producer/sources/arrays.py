"""The elements of a JSON array, one after the other, whatever the array's size: only one of them is
in memory."""

import re
from collections.abc import Iterable, Iterator

# strings, which may be cut off, and brackets
_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("?)|[\[\]{}]', re.DOTALL)


class NotAnArray(ValueError):
    """What is wrong, and in which line (from 1)."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.what, self.line = what, line


def elements(chunks: Iterable[bytes], largest_bytes: int) -> Iterator[bytes]:
    """The objects in the array (or in several, one behind the other) that the chunks make together.

    Looks at brackets and strings only: whether an element is sound is its reader's to find out.
    Raises NotAnArray for anything else than an array of objects, for one that is cut off, and for
    an element longer than `largest_bytes`.
    """
    buffer, at, depth, line, comma = b"", 0, 0, 1, b""
    for chunk in chunks:
        buffer += chunk
        begin = 0  # of the element, or of what is between two
        brackets, at = _brackets(buffer, at)
        for start, end in brackets:
            mark = buffer[start:end]
            if depth < 2 and not _fits(buffer[begin:start].strip(), depth, mark, comma):
                raise NotAnArray(
                    "neither JSON Lines nor an array of objects",
                    line + buffer.count(b"\n", 0, start),
                )
            if mark in b"[{":
                begin = (end, start, begin)[min(depth, 2)]
                comma = b"" if depth == 0 else b","
                depth += 1
                continue
            depth -= 1
            if depth == 1:
                yield buffer[begin:end]
            if depth < 2:
                begin = end
        line += buffer.count(b"\n", 0, begin)
        buffer, at = buffer[begin:], at - begin
        if len(buffer) > largest_bytes:
            raise NotAnArray(f"an element of more than {largest_bytes:,} bytes", line)
    if depth or buffer.strip():
        raise NotAnArray(
            "the array is cut off" if depth else "something behind the array",
            line + buffer.count(b"\n"),
        )


def _brackets(buffer: bytes, at: int) -> tuple[list[tuple[int, int]], int]:
    """The places of the brackets from `at` on that are in no string, and where to continue when
    there is more of the buffer."""
    found: list[tuple[int, int]] = []
    for token in _TOKENS.finditer(buffer, at):
        if token[1] == b"":
            return found, token.start()
        if token[1] is None:
            found.append(token.span())
    return found, len(buffer)


def _fits(between: bytes, depth: int, mark: bytes, comma: bytes) -> bool:
    """Around arrays there is nothing, before each element but the first a comma; and elements are
    objects."""
    if depth == 1 and mark == b"{":
        return between == comma
    return not between and mark == (b"]" if depth else b"[")
