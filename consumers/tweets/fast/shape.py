"""The shape that the walk reads, as tables of numbers for compiled code: X v2's answer,
consumers.tweets.shapes.Wrapped.

Each place in it where something of interest may stand is a node: "data.id", "data.geo",
"includes.users" (the list), "includes.users[]" (each of its items). Node 0 is everything else.
docs/fast-path.md has an example.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec.inspect as shapes
import numpy as np

from consumers.compiled import words
from consumers.tweets.shapes import Wrapped

ANYTHING, OBJECT, LIST, STRING, COUNT, NUMBER, TIME = range(7)  # kinds of nodes


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


def _bits() -> tuple[list[int], list[int]]:
    """For each node its bit in the mask of the members that an object has had, and the bits of
    those that it must have."""
    bit, required, used = [0] * len(NODES), [0] * len(NODES), [0] * len(NODES)
    for number, node in enumerate(NODES):
        if node.name:
            bit[number] = 1 << used[node.parent]
            used[node.parent] += 1
            required[node.parent] |= bit[number] * node.required
    return bit, required


KIND = np.array([node.kind for node in NODES], np.int64)
NULLABLE = np.array([node.nullable for node in NODES], np.int64)
LEAST = np.array([node.least for node in NODES], np.int64)
BIT, REQUIRED = (np.array(bits, np.int64) for bits in _bits())
ITEM = np.zeros(len(NODES), np.int64)  # of a list's node, the node of its items
for _number, _node in enumerate(NODES):
    ITEM[_node.parent] = _number if NODES[_node.parent].kind == LIST else 0
NAMES, NAME_SLOTS = words.table([(node.name, node.parent) for node in NODES], 8)
