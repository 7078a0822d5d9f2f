"""The plain columns, which are one path in a shape: how the shape gets the members, and the row
their values."""

import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec
from msgspec import Meta, Struct

from consumers.tweets.row import Time, Tweet, paths, without_none

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Shape = TypeVar("Shape", bound=Struct)
Source = Literal["x", "v1"]
UTC = timezone.utc
# What stands at a path, by the column's type: the type to decode, and the default.
_MEMBERS: dict[Any, tuple[Any, Any]] = {
    str: (str | None, None),
    Time: (datetime | None, None),
    int: (Count, 0),
}


def has_columns(source: Source) -> Callable[[type[Shape]], type[Shape]]:
    """A class decorator: gives the shape the members at the row's paths that it does not declare
    itself. A column of another type than text, count or time raises KeyError."""
    members = {path: _MEMBERS[kind] for path, kind in paths(source).values()}
    return lambda shape: _grown(shape, members)


def _grown(shape: type[Shape], members: dict[str, tuple[Any, Any]]) -> type[Shape]:
    known = {field.name: field.type for field in msgspec.structs.fields(shape)}
    own: dict[str, tuple[Any, Any]] = {}
    below: dict[str, dict[str, tuple[Any, Any]]] = {}
    for path, member in members.items():
        name, _, rest = path.partition(".")
        if rest:
            below.setdefault(name, {})[rest] = member
        elif name not in known:
            own[name] = member
    for name, rests in below.items():
        own[name] = (_grown(without_none(known.get(name, Struct)), rests) | None, None)
    added = [(name, *member) for name, member in own.items()]
    return msgspec.defstruct(shape.__name__, added, bases=(shape,), kw_only=True)  # type: ignore[return-value]


def maker(source: Source) -> Callable[..., Tweet]:
    """The function from a decoded shape to a row with its plain columns. It takes `id` and `text`
    by name where they are not plain.

    It is written as Python and compiled, as dataclasses are: the general way calls it per tweet.
    """
    values = []
    for name, (path, kind) in paths(source).items():
        parents = [f"found.{path[: dot.start()]}" for dot in re.finditer(r"\.", path)]
        value = f"found.{path}"
        if parents:
            value += f" if {' and '.join(parents)} else {_MEMBERS[kind][1]}"
        values.append(f"{name}={f'iso({value})' if kind is Time else value}")
    needed = [name for name in ("id", "text") if name not in paths(source)]
    values += [f"{name}={name}" for name in needed]
    code = f"lambda found, *, {', '.join(needed)}: Tweet({', '.join(values)})"
    return cast(Callable[..., Tweet], eval(code, {"Tweet": Tweet, "iso": iso}))


def utc(moment: datetime | None) -> datetime | None:
    """The same moment in UTC, which is also what a time without a zone is taken for; None beyond
    the calendar's ends."""
    if moment is None or moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None


def iso(moment: datetime | None) -> str | None:
    """The moment as a row has it."""
    if moment is not None and moment.tzinfo is not UTC:
        moment = utc(moment)
    return moment.isoformat("T", "milliseconds")[:-6] + "Z" if moment is not None else None
