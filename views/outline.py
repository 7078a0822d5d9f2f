"""The outlines of the continents: world-atlas's TopoJSON, which make setup fetches for the page."""

import json
from functools import cache

from config.venv import ROOT

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
