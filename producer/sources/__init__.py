"""Where records come from: one file a source, each an iterator of (id, value), none of which knows where they go."""

from collections.abc import Iterator
from typing import TypeAlias

Record: TypeAlias = tuple[str | None, bytes | None]  # the tweet's id as text, and its bytes as received; no bytes: it was deleted
Records: TypeAlias = Iterator[Record]
