"""The parameters of a request: typed, bounded, and no others."""

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from views.store.cells import COARSEST, FINEST, may_be_shown
from views.store.fold import LANGUAGE_CHARACTERS

LAST_SECOND = 1 << 33


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of a whole number from low to high."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 20):
            raise ValueError(text)
        if not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    return read


def cell(text: str) -> int:
    """A cell that may be on the map."""
    number = whole(1, 1 << 62)(text)
    if not may_be_shown(number):
        raise ValueError(text)
    return number


def language(text: str) -> str:
    """A language, as a stranger wrote it."""
    if len(text) > LANGUAGE_CHARACTERS:
        raise ValueError(text)
    return text


KINDS: dict[str, Callable[[str], Any]] = {
    "output": whole(0, 15),
    "from": whole(0, LAST_SECOND),
    "until": whole(1, LAST_SECOND),
    "resolution": whole(COARSEST, FINEST),
    "lang": language,
    "cell": cell,
    "before": whole(0, 1 << 62),
    "seq": whole(0, 10**10 - 1),
    "since": whole(0, 1 << 53),
}


def parameters(request: Request, *names: str) -> dict[str, Any]:
    """The named parameters that the request has. Raises HTTPException 400 for any other, for one
    that is given twice, and for a value that it cannot have."""
    out: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name not in names or name in out:
            raise HTTPException(400, "only these parameters, once each: " + ", ".join(names))
        try:
            out[name] = KINDS[name](text)
        except ValueError:
            raise HTTPException(400, f"{name} cannot have this value") from None
    return out


def span(given: dict[str, Any]) -> tuple[int, int] | None:
    """The range of time that is asked for; None is everything. Raises HTTPException 400."""
    if "from" not in given and "until" not in given:
        return None
    start, until = given.get("from", 0), given.get("until", LAST_SECOND)
    if start >= until:
        raise HTTPException(400, "from must be before until")
    return start, until
