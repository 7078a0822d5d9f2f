"""The row as a section of the manual: `python3 -m consumers.tweets.reference` prints what stands in
docs/wire-format.md between two comments."""

from types import NoneType
from typing import Any, Literal, get_args, get_origin

from msgspec import Raw, Struct

from consumers.tweets.row import COLUMNS, Column, Time, Tweet, hints, is_path

BEGIN = "<!-- from here on written by `python3 -m consumers.tweets.reference`; do not edit -->\n"
END = "<!-- up to here -->\n"
_TYPES = {
    str: "text",
    Time: "time, UTC with ms",
    int: "whole number, as of the reading; 0 where there is none",
    float: "number",
    bool: "true or false",
    list[str]: "list of texts",
    Raw: "JSON",
}


def section() -> str:
    """The line and the table of its columns, as Markdown."""
    head = ["| field | type | meaning | X v2 | X v1.1 | Bluesky |", "|---|---|---|---|---|---|"]
    rows = [_row(name, *one) for name, one in COLUMNS.items()]
    return "\n".join([BEGIN, "```", _line(), "```", "", *head, *rows, "", END])


def _line() -> str:
    lines = ["{"]
    for name, (kind, _) in COLUMNS.items():
        inside = ", ".join(f'"{member}"' for member in getattr(kind, "__struct_fields__", ()))
        value = f": {{{inside}}}" if inside else ": <the record's value>" if kind is Raw else ""
        if len(lines[-1]) + len(name + value) > 94:
            lines.append(" ")
        lines[-1] += f'"{name}"{value}, '
    return "\n".join(line.rstrip() for line in lines).removesuffix(",") + "}"


def _row(name: str, kind: Any, column: Column) -> str:
    shapes = (column.x, column.v1, column.bluesky)
    sources = [f"`{source}`" if is_path(source) else source or "–" for source in shapes]
    return f"| {' | '.join([f'`{name}`', _type(name, kind), column.means, *sources])} |"


def _type(name: str, kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Struct):
        return "object"
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    shown = " or ".join(f"`{choice}`" for choice in choices) or _TYPES[kind]
    may_be_null = NoneType in get_args(get_args(hints(Tweet)[name])[0])
    return f"{shown}, or null" if may_be_null else shown


if __name__ == "__main__":
    print(section(), end="")
