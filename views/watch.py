"""The jobs' outputs in the terminal, side by side, with a small map; live unless told otherwise.

Reads what is published, over WebHDFS, and nothing else. Without a terminal it prints once and ends,
as with --once. Exit codes: 0 done, 1 HDFS does not answer, 2 wrong usage.
"""

import json
import sys
import time
from argparse import Namespace
from contextlib import closing
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from views import braille, followers
from views.command import outputs, parser, stores
from views.shades import located, printable
from views.store import jobs
from views.store.queries import View, opened

EVERY_S = 0.5
SPARKS = "▁▂▃▄▅▆▇█"


def figures(given: Namespace) -> dict[str, Any]:
    """Everything that is shown, as --json prints it."""
    with opened(stores(given)) as views:
        return _figures(outputs(given), views)


def _figures(names: list[str], views: list[View | None]) -> dict[str, Any]:
    columns = [jobs.column(view, time.time()) if view else {"batches": 0} for view in views]
    jobs.behind(columns)
    out: dict[str, Any] = {"outputs": []}
    for output, view, column in zip(names, views, columns, strict=True):
        shown: dict[str, Any] = {"output": output, **column}
        if view and column["batches"]:
            shown |= {"totals": view.totals(None), "languages": view.languages(None, 5)}
            shown |= {"hashtags": view.terms("tag", None, 5), "status": view.status()}
        out["outputs"].append(shown)
    if len(views) == 2 and views[0] and views[1]:
        out["coverage"] = jobs.coverage(views[0], views[1])
    return out


def _column(shown: dict[str, Any]) -> Panel:
    table = Table.grid(padding=(0, 2))
    if not shown["batches"]:
        table.add_row("nothing is published yet")
    else:
        last, totals = shown["last"] or {}, shown["totals"]
        positive, neutral, negative = totals["labels"]
        rows = {
            "tweets": f"{shown['tweets']:,} in {shown['batches']:,} batches",
            "rate": f"{shown['rate']:.1f} tweets/s over the last minute",
            "last batch": f"{last.get('tweets', 0):,} tweets, {_age(last.get('at'))} ago",
            "delay": f"{last.get('median_ms', 0):,} ms median, {last.get('late_ms', 0):,} ms p99",
            "behind": f"{shown['behind_s']:.1f} s",
            "driver": f"{shown['approach']}, epoch {shown['epoch']}",
            "marks": ", ".join(f"{m['kind']} at {m['seq']}" for m in shown["marks"][:3]) or "none",
            "sentiment": f"{positive:,} + / {neutral:,} 0 / {negative:,} −",
            "languages": ", ".join(
                f"{printable(row['name'], 8)} {row['n']:,}" for row in shown["languages"]
            ),
            "hashtags": ", ".join(
                f"#{printable(row['name'], 14)} {row['n']:,}" for row in shown["hashtags"]["terms"]
            ),
            "rejected": f"{shown['rejected']:,}, tombstones {shown['deleted']:,}",
            "rates": _spark([row["tweets"] for row in shown["recent"]][-30:]),
        }
        for name, value in rows.items():
            table.add_row(Text(name, style="dim"), Text(value))
        if shown["missing"]:
            table.add_row("backfill", f"{shown['missing']:,} older batches are still to come")
        if shown["status"]["message"]:
            table.add_row("state", Text(printable(shown["status"]["message"], 120)))
    return Panel(table, title=Text(printable(shown["output"], 60)))


def _age(at: float | None) -> str:
    seconds = max(time.time() - (at or time.time()), 0)
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _spark(values: list[int]) -> str:
    most = max(values, default=0) or 1
    return "".join(SPARKS[value * (len(SPARKS) - 1) // most] for value in values)


def screen(given: Namespace, width: int) -> Group:
    """Both columns, the map of the first output, and the offsets that both have covered."""
    shown, parts = figures(given), list[Table | Panel]()
    columns = Table.grid(expand=True)
    panels = [_column(each) for each in shown["outputs"]]
    if width >= 100:
        for _ in panels:
            columns.add_column(ratio=1)
        columns.add_row(*panels)
        parts.append(columns)
    else:
        parts += panels
    first = shown["outputs"][0]
    if first["batches"]:
        with closing(View(stores(given)[0])) as view:
            cells, sums = view.cells(None, 3)
        drawn = braille.world(cells, sums, min(width, 120) - 4)
        parts.append(Panel(drawn, title=located(first["totals"])))
    if covered := shown.get("coverage"):
        table = Table("partition", "both", "first only", "second only", box=None)
        for row in covered[:12]:
            name = f"{printable(row['topic'])}[{row['partition']}]"
            table.add_row(Text(name), *(f"{n:,}" for n in (row["both"], *row["only"])))
        parts.append(Panel(table, title="offsets covered"))
    return Group(*parts)


def main() -> None:
    """Watch the outputs. Raises PipelineError."""
    made = parser("scripts/watch", __doc__ or "")
    made.add_argument("--once", action="store_true", help="print what is published now, and end")
    made.add_argument("--json", action="store_true", help="the figures as JSON, once")
    given = made.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 100)
    if given.json or given.once or not sys.stdout.isatty():
        followers.catch_up(given)
        if given.json:
            print(json.dumps(figures(given)))
        else:
            console.print(screen(given, console.width))
        return
    with followers.running(given), Live(console=console, auto_refresh=False) as live:
        try:
            while True:
                live.update(screen(given, console.width), refresh=True)
                time.sleep(EVERY_S)
        except KeyboardInterrupt:
            return
