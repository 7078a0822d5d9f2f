"""The row, consumers.tweets.row, as tables of numbers for compiled code: the columns' numbers,
their paths, and the parts of a line."""

from collections.abc import Iterator
from typing import get_args

import numpy as np
from msgspec import Raw

from consumers.compiled.blocks import BLOCK
from consumers.sentiment import Sentiment
from consumers.sentiment.vader import LABELS
from consumers.tweets.fast.shape import NUMBER_OF
from consumers.tweets.row import COLUMNS, GeoKind, Time, paths

# A column's number is its place in `spans`.
NUMBER = {name: number for number, name in enumerate(COLUMNS)}
PATHS = np.array(
    [(NUMBER[name], NUMBER_OF[f"data.{path}"]) for name, (path, _) in paths("x").items()]
)  # column and node, of the columns with a path

# A line, part by part: what stands before it, what kind of part it is, and its column. A score's
# column is its row in `scores`.
TEXT, BARE, INTEGER, TEXTS, CHOICE, FLAG, SCORE, LABEL = range(8)
_PART = {str: TEXT, Time: TEXT, int: INTEGER, list[str]: TEXTS, float: BARE, bool: FLAG, Raw: BARE}


def _parts() -> Iterator[tuple[str, int, int]]:
    text = "},"  # what ends the coordinates
    for name, (kind, _) in COLUMNS.items():
        if name == "kafka":
            continue
        text += f'"{name}":'
        if name == "source":
            text += '"x",'
            continue
        if kind is not Sentiment:
            yield text, _PART.get(kind, CHOICE), NUMBER[name]
            text = ","
            continue
        for number, part in enumerate(Sentiment.__struct_fields__):
            text += f'{"," if number else "{"}"{part}":'
            yield text, LABEL if part == "label" else SCORE, number
            text = ""
        text = "},"


PARTS = tuple(_parts())
PART_KIND, PART_COLUMN = (np.array([part[k] for part in PARTS]) for k in (1, 2))
_CHOICES = [f'"{one}"' for one in (*get_args(GeoKind), *LABELS)]
WORDS = ("true", "false", ',"timestamp":', "null", *_CHOICES)
# numbered: the parts, then the words. A choice's word stands at NULL + 1 + its span's start: -1 is
# null
TRUE, FALSE, TIMESTAMP, NULL = range(len(PARTS), len(PARTS) + 4)
FIRST_LABEL = len(PARTS) + len(WORDS) - len(LABELS)
_TEXTS = [text.encode() for text in (*(part[0] for part in PARTS), *WORDS)]
TEXT_AT = np.cumsum([0, *map(len, _TEXTS)])
ALL_TEXTS = np.frombuffer(b"".join(_TEXTS) + bytes(BLOCK), np.uint8).copy()
