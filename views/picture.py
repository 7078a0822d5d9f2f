"""A map as shapes, and the shapes as SVG, PNG or a page by itself.

Hexagons by count or mood over the coasts, a legend with numbers, and a caption that says what is
counted, from when to when, and which share has a place.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from views.outline import ABSENT, land, pieces
from views.projection import Points, equal_earth
from views.shades import COUNT, MOOD, MOOD_ENOUGH, MOOD_REACH, count_step, mood_step
from views.store.cells import Cells, Sums, boundaries
from views.store.fold import SCALE

WIDTH, MAP_HEIGHT, HEIGHT = 1200, 584, 684
SEA, LAND, INK, PAPER = "#eef2f6", "#dfe3e8", "#1b1f24", "#ffffff"
_FINER = 2  # a PNG is drawn this much larger, then made smaller: smooth edges


@dataclass(frozen=True)
class Shape:
    """A filled polygon, or a text at its first point."""

    points: list[tuple[float, float]]
    fill: str = ""
    text: str = ""
    size: int = 0


def _placed(points: Points) -> Points:
    xy = equal_earth(points)
    scale = (WIDTH - 20) / 2 / 2.7066
    return np.stack([WIDTH / 2 + xy[..., 0] * scale, MAP_HEIGHT / 2 - xy[..., 1] * scale], axis=-1)


def _pairs(points: Points) -> list[tuple[float, float]]:
    return [(round(float(x), 1), round(float(y), 1)) for x, y in points]


def shapes(cells: Cells, sums: Sums, mood: bool, title: str, caption: Iterable[str]) -> list[Shape]:
    """Everything on the picture, in the order in which it is drawn."""
    edge = np.linspace(-90, 90, 60)
    rim = np.concatenate(
        [np.stack([0 * edge + 180, edge], 1), np.stack([0 * edge - 180, -edge], 1)]
    )
    out = [Shape(_pairs(_placed(rim)), fill=SEA)]
    out += [Shape(_pairs(_placed(piece)), fill=LAND) for piece in pieces()]
    most = int(sums[:, 0].max(initial=0))
    for corners, (n, compound) in zip(boundaries(cells), sums.tolist(), strict=True):
        if mood and n < MOOD_ENOUGH:
            continue
        fill = MOOD[mood_step(compound / n / SCALE)] if mood else COUNT[count_step(n, most)]
        # a cell over the date line stands at both edges
        for shift in (0.0, -360.0) if corners[:, 0].max() > 180 else (0.0,):
            clipped = np.clip(corners + [shift, 0.0], [-180, -90], [180, 90])
            out.append(Shape(_pairs(_placed(clipped)), fill=fill))
    out += _legend(mood, most)
    out.append(Shape([(20, 24)], text=title, size=20))
    texts = [*caption, *([] if land() else [ABSENT])]
    out += [Shape([(20, 622 + 20 * row)], text=text, size=14) for row, text in enumerate(texts)]
    return out


def _legend(mood: bool, most: int) -> list[Shape]:
    colours, left, out = MOOD if mood else COUNT, WIDTH - 320.0, list[Shape]()
    for step, colour in enumerate(colours):
        x = left + step * 40.0
        box = [(x, 612.0), (x + 40, 612.0), (x + 40, 626.0), (x, 626.0)]
        out.append(Shape(box, fill=colour))
    ends = (f"−{MOOD_REACH}", "0", f"+{MOOD_REACH}") if mood else ("1", "", f"{most:,}")
    name = f"mean compound, cells of {MOOD_ENOUGH} tweets or more" if mood else "tweets, log scale"
    places = ((left, ends[0]), (left + 132, ends[1]), (left + 250, ends[2]))
    out += [Shape([(x, 632)], text=text, size=12) for x, text in places if text]
    return [*out, Shape([(left, 590)], text=name, size=12)]


def svg(drawn: list[Shape]) -> str:
    """The shapes as SVG."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif"><rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>'
    ]
    for shape in drawn:
        if shape.text:
            (x, y) = shape.points[0]
            where = f'x="{x}" y="{y + shape.size}" font-size="{shape.size}" fill="{INK}"'
            lines.append(f"<text {where}>{escape(shape.text)}</text>")
        else:
            path = " ".join(f"{x},{y}" for x, y in shape.points)
            lines.append(f'<polygon points="{path}" fill="{shape.fill}"/>')
    return "\n".join([*lines, "</svg>\n"])


def png(drawn: list[Shape]) -> bytes:
    """The shapes as PNG."""
    picture = Image.new("RGB", (WIDTH * _FINER, HEIGHT * _FINER), PAPER)
    draw = ImageDraw.Draw(picture)
    for shape in drawn:
        points = [(x * _FINER, y * _FINER) for x, y in shape.points]
        if shape.text:
            font = ImageFont.load_default(shape.size * _FINER)
            draw.text(points[0], shape.text, INK, font)
        else:
            draw.polygon(points, shape.fill)
    file = io.BytesIO()
    picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(file, "PNG", optimize=True)
    return file.getvalue()


def html(drawn: list[Shape], title: str, rows: Iterable[tuple[str, int, str]]) -> str:
    """A page by itself, without any script: the picture, and its figures as a table (place,
    tweets, mean compound)."""
    table = "".join(
        f"<tr><th scope=row>{escape(place)}<td>{n:,}<td>{escape(mean)}" for place, n, mean in rows
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\"><meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>body{{font-family:sans-serif;margin:1rem}}"
        "svg{max-width:100%}td,th{text-align:left;padding:0 1em}</style>"
        f"<main>{svg(drawn)}<table><caption>Fullest cells</caption><tr><th scope=col>centre"
        f"<th scope=col>tweets<th scope=col>mean compound{table}</table></main></html>\n"
    )
