"""The outlines of the continents: world-atlas's TopoJSON, which make setup fetches for the page."""

import json
from functools import cache

import numpy as np

from config.venv import ROOT
from views.projection import Points

LIBRARIES = ROOT / "build" / "page" / "node_modules"
ABSENT = "the world's outline is not here: make setup fetches it"

Line = list[tuple[float, float]]


@cache
def land() -> list[Line]:
    """Each coast as a closed line of (lon, lat); none where the file is absent.

    TopoJSON 1.0: an arc is the differences of whole numbers, a ring the indices of its arcs, ~i
    being arc i backwards.
    """
    try:
        world = json.loads((LIBRARIES / "world-atlas" / "land-110m.json").read_text("utf-8"))
    except FileNotFoundError:
        return []
    (sx, sy), (tx, ty) = world["transform"]["scale"], world["transform"]["translate"]
    arcs = []
    for arc in world["arcs"]:
        x = y = 0
        line: Line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append((x * sx + tx, y * sy + ty))
        arcs.append(line)
    rings = []
    for shape in world["objects"]["land"]["geometries"]:
        polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
        rings += [ring for polygon in polygons for ring in polygon]
    return [
        [point for arc in ring for point in (arcs[arc] if arc >= 0 else arcs[~arc][::-1])]
        for ring in rings
    ]


def pieces() -> list[Points]:
    """The coasts, cut where they cross the date line, of three points or more each."""
    found = []
    for line in land():
        at = np.array(line)
        cuts = np.flatnonzero(np.abs(np.diff(at[:, 0])) > 180) + 1
        found += [piece for piece in np.split(at, cuts) if len(piece) > 2]
    return found


@cache
def packed() -> bytes:
    """The pieces for the page, little-endian: their number and how many points each has (uint32),
    then the points' (lon, lat) in hundredths of a degree (int16), as differences: small numbers,
    which pack well."""
    points = [np.round(piece * 100).astype(int) for piece in pieces()]
    steps = [np.diff(piece, axis=0, prepend=[[0, 0]]) for piece in points]
    numbers = np.array([len(steps), *map(len, steps)], "<u4")
    return b"".join([numbers.tobytes(), *(step.astype("<i2").tobytes() for step in steps)])
