"""Where a tweet is. One source for both ways: Python runs it as it is, numba compiles it."""

from consumers.compiled import jitable

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"

NOWHERE, POINT, PLACE = -1, 0, 1  # places in the row's geo_kind


@jitable
def position(point, box):
    """(kind, latitude, longitude) of a point [lon, lat], otherwise of the centre of a box [west,
    south, east, north]; NOWHERE if neither has its numbers, or they are not on earth."""
    if len(point) == 2 and _on_earth(point[0], point[1]):
        return POINT, point[1], point[0]
    if len(box) == 4:
        # in a box that crosses the date line west is greater than east
        lon = (box[0] + box[2] + (360.0 if box[0] > box[2] else 0.0)) / 2
        lon, lat = lon - 360.0 if lon > 180 else lon, (box[1] + box[3]) / 2
        if _on_earth(lon, lat):
            return PLACE, lat, lon
    return NOWHERE, 0.0, 0.0


@jitable
def _on_earth(lon, lat):
    return -180 <= lon <= 180 and -90 <= lat <= 90
