"""What the page asks for: figures of the stores as JSON, the map's cells as numbers.

/api/changes answers when something has changed, or after a while.
"""

import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from config.errors import PipelineError
from views.page.asked import parameters, span
from views.page.changes import Changes, Full
from views.reading import Published
from views.shades import located
from views.store import jobs
from views.store.cells import FINEST, Cells, Sums, boundaries
from views.store.fold import SCALE
from views.store.queries import NoStore, View, opened

CELLS, LISTED, EXAMPLES, BATCHES = 3000, 20, 5, 25
UNITS = {1: 1024, 2: 1024, 3: 4096, 4: 8192}
"""How many units a circle has at each resolution: finer than a pixel at its zoom."""


class Answers:
    """The answers from the stores of these outputs; `audits` are files that audit --json wrote."""

    def __init__(
        self, outputs: list[Published], stores: list[Path], audits: list[Path], changes: Changes
    ) -> None:
        self._outputs, self._stores, self._audits = outputs, stores, audits
        self._changes = changes

    def routes(self) -> list[Route]:
        """One route for each question."""
        from_store: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
            "view": (self._view, ("from", "until")),
            "cells": (self._cells, ("from", "until", "resolution", "lang")),
            "examples": (self._examples, ("cell",)),
            "batches": (self._batches, ("before",)),
        }
        found = [
            Route(f"/api/{name}", self._of_an_output(*how)) for name, how in from_store.items()
        ]
        found.append(Route("/api/changes", self._change))
        found.append(Route("/api/state", self._state))
        return [*found, Route("/api/manifest", self._manifest)]

    def _of_an_output(
        self, answer: Callable[..., Any], names: tuple[str, ...]
    ) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            given = parameters(request, "output", *names)
            try:
                with closing(View(self._stores[self._number(given)])) as view:
                    found = answer(view, given)
            except NoStore:
                raise HTTPException(404, "nothing is published yet") from None
            return found if isinstance(found, Response) else JSONResponse(found)

        return endpoint

    def _number(self, given: dict[str, Any]) -> int:
        number = int(given.get("output", 0))
        if number >= len(self._outputs):
            raise HTTPException(400, f"there are {len(self._outputs)} outputs, counted from 0")
        return number

    async def _change(self, request: Request) -> Response:
        given = parameters(request, "since")
        try:
            return JSONResponse({"version": await self._changes.after(given.get("since", 0))})
        except Full:
            raise HTTPException(503, "too many pages are open") from None

    def _state(self, request: Request) -> Response:
        """Both columns, what both have covered, the followers' states, the last audits."""
        parameters(request)
        version = self._changes.version
        with opened(self._stores) as views:
            columns = [
                jobs.column(view, time.time()) if view else {"batches": 0, "recent": []}
                for view in views
            ]
            jobs.behind(columns)
            for output, view, column in zip(self._outputs, views, columns, strict=True):
                column["output"] = output.output
                column["status"] = view.status() if view else {"state": "starting", "message": ""}
            both = [view for view in views if view]
            coverage = jobs.coverage(*both) if len(both) == 2 else []
        state = {"version": version, "now": time.time(), "outputs": columns, "coverage": coverage}
        return JSONResponse(state | {"audits": [_audit(file) for file in self._audits]})

    def _view(self, view: View, given: dict[str, Any]) -> Any:
        wanted = span(given)
        totals = view.totals(wanted)
        return {
            "totals": totals,
            "located": located(totals),
            "series": view.series(None),
            "languages": view.languages(wanted, LISTED),
            "hashtags": view.terms("tag", wanted, LISTED),
            "countries": view.terms("country", wanted, LISTED),
            "reasons": view.terms("reason", None, LISTED),
            "words": view.words(wanted, LISTED // 2),
        }

    def _cells(self, view: View, given: dict[str, Any]) -> Response:
        wanted = span(given)
        resolution = given.get("resolution", FINEST)
        cells, sums = view.cells(wanted, resolution, given.get("lang", ""))
        return Response(packed(cells, sums, resolution), media_type="application/octet-stream")

    def _examples(self, view: View, given: dict[str, Any]) -> Any:
        return {"examples": view.examples(given.get("cell"), EXAMPLES)}

    def _batches(self, view: View, given: dict[str, Any]) -> Any:
        return {"batches": view.batches(BATCHES, given.get("before"))}

    def _manifest(self, request: Request) -> Response:
        """A batch's manifest, byte for byte, from HDFS."""
        given = parameters(request, "output", "seq")
        try:
            found = self._outputs[self._number(given)].manifest(given.get("seq", 0))
        except PipelineError as error:
            raise HTTPException(502, error.what) from None
        if found is None:
            raise HTTPException(404, "there is no such batch")
        return Response(found[1], media_type="application/json")


def packed(cells: Cells, sums: Sums, resolution: int) -> bytes:
    """The fullest cells in columns, little-endian: their number, that of those left out, the units
    of a circle and 0 (uint32 each); the cells (uint64), each as its difference to the one before;
    tweets (uint32), mean compounds in hundredths (int16); in units the first corner's longitudes
    and latitudes, then those of each of the five others relative to it, as differences to the cell
    before (int16, the low bytes of all first): small numbers, much alike, which pack well."""
    left_out = max(len(cells) - CELLS, 0)
    if left_out:
        fullest = np.sort(np.argsort(sums[:, 0], kind="stable")[-CELLS:])
        cells, sums = cells[fullest], sums[fullest]
    n, compound = sums[:, 0], sums[:, 1]
    mean = np.round(compound / np.maximum(n, 1) / SCALE * 100)
    units = UNITS[resolution]
    corners = np.round(boundaries(cells) * units / 360)
    corners[:, 1:] -= corners[:, :1]
    columns = np.diff(corners.reshape(len(cells), 12).T, axis=1, prepend=0).astype("<i2", "C")
    parts = (
        np.array([len(cells), left_out, units, 0], "<u4"),
        np.diff(cells, prepend=np.uint64(0)).astype("<u8"),
        n.astype("<u4"),
        mean.astype("<i2"),
        *(columns.view("u1")[:, half::2] for half in (0, 1)),
    )
    return b"".join(part.tobytes() for part in parts)


def _audit(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
        return {"file": file.name, "at": file.stat().st_mtime, "found": found}
    except (OSError, ValueError) as error:
        return {"file": file.name, "error": str(error)}
