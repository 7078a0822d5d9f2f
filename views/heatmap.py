"""A picture of where the tweets of an output are: hexagons by count or by mood, with a caption that
says what is counted.

Reads what is published, over WebHDFS; the first output is drawn. Exit codes: 0 done, 1 HDFS does
not answer, 2 wrong usage or nothing published.
"""

from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from config.errors import ConfigError
from views import followers, picture
from views.command import outputs, parser, stores
from views.shades import located, printable
from views.store.cells import boundaries
from views.store.fold import SCALE
from views.store.queries import View

ROWS = 20


def drawn(path: Path, to: str, name: str, mood: bool, resolution: int) -> bytes:
    """The picture of a store as PNG, SVG or HTML. Raises ConfigError where nothing is in it."""
    with closing(View(path)) as view:
        return _of(view, to, name, mood, resolution)


def _of(view: View, to: str, name: str, mood: bool, resolution: int) -> bytes:
    totals = view.totals(None)
    if not totals["tweets"]:
        raise ConfigError("nothing is published", name, "check --output, or run a job")
    cells, sums = view.cells(None, resolution)
    start, until = (_utc(second) for second in view.extent())
    caption = [
        f"{totals['tweets']:,} tweets of {start} to {until}, mean compound {totals['mean']:+.3f}",
        located(totals),
        f"{view.frontier()['next']:,} batches of {printable(name, 90)}",
    ]
    title = "Mood of the tweets" if mood else "Tweets by place"
    shapes = picture.shapes(cells, sums, mood, title, caption)
    if to == ".png":
        return picture.png(shapes)
    if to == ".svg":
        return picture.svg(shapes).encode()
    most = sorted(zip(boundaries(cells).mean(axis=1), sums.tolist(), strict=True), key=_fullest)
    rows = [
        (
            f"{abs(lat):.1f}°{'S' if lat < 0 else 'N'} {abs(lon):.1f}°{'W' if lon < 0 else 'E'}",
            n,
            f"{c / n / SCALE:+.2f}",
        )
        for (lon, lat), (n, c) in most[:ROWS]
    ]
    return picture.html(shapes, title, rows).encode()


def _fullest(row: tuple[object, list[int]]) -> int:
    return -row[1][0]


def _utc(second: int) -> str:
    return datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def main() -> None:
    """Draw the picture. Raises PipelineError."""
    made = parser("scripts/heatmap", __doc__ or "")
    made.add_argument("--to", required=True, type=Path, help="FILE.png, FILE.svg or FILE.html")
    made.add_argument("--by", choices=("count", "mood"), default="count", help="what colours show")
    made.add_argument(
        "--resolution", type=int, choices=(2, 3, 4), default=3, help="hexagons, by H3; 3 is 120 km"
    )
    given = made.parse_args()
    kinds = (".png", ".svg", ".html")
    if given.to.suffix not in kinds:
        made.error(f"--to wants a name that ends in {', '.join(kinds)}, not {given.to}")
    given.output = outputs(given)[:1]
    followers.catch_up(given)
    name = given.output[0]
    data = drawn(stores(given)[0], given.to.suffix, name, given.by == "mood", given.resolution)
    try:
        given.to.write_bytes(data)
    except OSError as error:
        raise ConfigError(
            f"cannot write: {error.strerror}", str(given.to), "another --to"
        ) from None
    print(given.to)
