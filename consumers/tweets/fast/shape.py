"""What the walk looks for: consumers.tweets.shapes.Wrapped, X v2's answer, as tables of numbers for
compiled code.

Each place in that shape where something of interest may stand is a node: "data.id", "data.geo",
"includes.users" (the list), "includes.users[]" (each item of it). Node 0 is everything else.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec.inspect as shapes
import numpy as np

from consumers.tweets.shapes import Wrapped

ANYTHING, OBJECT, LIST, STRING, COUNT, NUMBER, TIME = range(7)  # kinds of nodes
LONGEST = 23  # bytes of a name; with its length three words of eight
SLOTS_BITS = 8
MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
WORD = 2**64 - 1


class Node(NamedTuple):
    """One place in the shape."""

    path: str
    name: str  # its key in the object `parent`; "" for a list's item
    parent: int
    kind: int
    nullable: bool
    required: bool
    least: int  # characters of a string


def _nodes(
    kind: Any, path: str, name: str, parent: int, required: bool, count: list[int]
) -> Iterator[Node]:
    """The node of this type and those below it, in the order of their numbers."""
    nullable = isinstance(kind, shapes.UnionType)
    if nullable:
        (kind,) = [one for one in kind.types if not isinstance(one, shapes.NoneType)]
    number, count[0] = count[0], count[0] + 1
    known = {
        shapes.StructType: OBJECT,
        shapes.ListType: LIST,
        shapes.StrType: STRING,
        shapes.IntType: COUNT,
        shapes.FloatType: NUMBER,
        shapes.DateTimeType: TIME,
    }[type(kind)]
    yield Node(
        path, name, parent, known, nullable, required, getattr(kind, "min_length", None) or 0
    )
    if isinstance(kind, shapes.StructType):
        for field in kind.fields:
            below = f"{path}.{field.encode_name}" if path else field.encode_name
            yield from _nodes(field.type, below, field.encode_name, number, field.required, count)
    elif isinstance(kind, shapes.ListType):
        yield from _nodes(kind.item_type, f"{path}[]", "", number, False, count)


NODES = [
    Node("?", "", 0, ANYTHING, True, False, 0),
    *_nodes(shapes.type_info(Wrapped), "", "", 0, True, [1]),
]
NUMBER_OF = {node.path: number for number, node in enumerate(NODES)}
ROOT = NUMBER_OF[""]


def words_of(name: str) -> list[int]:
    """A name as three words of eight bytes, its length in the last byte."""
    if not name.isascii() or len(name) > LONGEST:
        raise RuntimeError(f"{name!r} is not ASCII of at most {LONGEST} bytes")
    padded = name.encode().ljust(LONGEST, b"\0") + bytes([len(name)])
    return [int.from_bytes(padded[at : at + 8], "little") for at in (0, 8, 16)]


def _tables() -> dict[str, Any]:
    """Columns by a node's number, and a hash table from a parent and a name's words to the node."""
    bit, required, item = [0] * len(NODES), [0] * len(NODES), [0] * len(NODES)
    used = [0] * len(NODES)
    words = np.zeros((len(NODES), 3), np.uint64)
    slots = np.zeros(1 << SLOTS_BITS, np.int64)
    for number, node in enumerate(NODES):
        if NODES[node.parent].kind == LIST:
            item[node.parent] = number
        if not node.name:
            continue
        bit[number] = 1 << used[node.parent]
        used[node.parent] += 1
        required[node.parent] |= bit[number] * node.required
        words[number] = words_of(node.name)
        mixed = node.parent * MULTIPLIERS[0] & WORD
        for word, multiplier in zip(words_of(node.name), MULTIPLIERS, strict=True):
            mixed ^= word * multiplier & WORD
        slot = ((mixed ^ mixed >> 32) * MULTIPLIERS[0] & WORD) >> (64 - SLOTS_BITS)
        while slots[slot]:
            slot = (slot + 1) % len(slots)
        slots[slot] = number
    return {
        "bit": bit,
        "required": required,
        "item": item,
        "words": words.reshape(-1),
        "slots": slots,
    }


_FOUND = _tables()
KIND = np.array([node.kind for node in NODES], np.int64)
NULLABLE = np.array([node.nullable for node in NODES], np.int64)
LEAST = np.array([node.least for node in NODES], np.int64)
PARENT = np.array([node.parent for node in NODES], np.int64)
BIT = np.array(_FOUND["bit"], np.int64)  # in the mask of the members that an object has had
REQUIRED = np.array(_FOUND["required"], np.int64)  # the same bits of those it must have
ITEM = np.array(_FOUND["item"], np.int64)
WORDS = _FOUND["words"]
NODE_SLOTS = _FOUND["slots"]
