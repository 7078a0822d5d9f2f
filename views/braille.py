"""The world in Braille: each character has 2 x 4 dots for the coasts, and the colour of the tweets
that lie in it."""

import numpy as np
from rich.text import Text

from views.outline import ABSENT, land
from views.shades import COUNT, count_step
from views.store.cells import Cells, Sums, boundaries

NORTH, SOUTH = 80.0, -58.0
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_NONE = 0x2800
_TWEETS = "•●█"


def world(cells: Cells, sums: Sums, width: int) -> Text:
    """The map, `width` characters wide; `sums[:, 0]` are the cells' tweets."""
    height = max(width // 5, 6)
    dots = np.zeros((height * 4, width * 2), bool)
    for line in land():
        for (lon, lat), (to_lon, to_lat) in zip(line, line[1:], strict=False):
            if abs(to_lon - lon) > 180:  # the date line is no coast
                continue
            steps = int(max(abs(to_lon - lon), abs(to_lat - lat))) + 1
            for step in range(steps):
                at = step / steps
                x, y = _place(lon + (to_lon - lon) * at, lat + (to_lat - lat) * at)
                column, row = int(x * width * 2), int(y * height * 4)
                if 0 <= row < height * 4:
                    dots[row, column % (width * 2)] = True
    tweets = np.zeros((height, width), np.int64)
    for (lon, lat), (n, *_) in zip(boundaries(cells).mean(axis=1), sums.tolist(), strict=True):
        x, y = _place(float(lon), float(lat))
        if 0 <= y < 1:
            tweets[int(y * height), int(x * width) % width] += n
    text, most = Text(no_wrap=True), int(tweets.max(initial=0))
    for row in range(height):
        for column in range(width):
            n = int(tweets[row, column])
            bits = sum(
                bit
                for dy, pair in enumerate(_DOTS)
                for dx, bit in enumerate(pair)
                if dots[row * 4 + dy, column * 2 + dx]
            )
            step = count_step(n, most)
            style = f"bold {COUNT[max(step, 3)]}" if n else "dim"
            text.append(
                _TWEETS[step * len(_TWEETS) // len(COUNT)] if n else chr(_NONE | bits), style
            )
        text.append("\n")
    return text if land() else text.append(ABSENT)


def _place(lon: float, lat: float) -> tuple[float, float]:
    """x and y of a place, 0 to 1 within the map."""
    return ((lon + 180) % 360) / 360, (NORTH - lat) / (NORTH - SOUTH)
