"""The tables in docs/benchmarks.md and README.md and the plot, made of the results file alone:
`python -m benchmarks.report`."""

import json
import math
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "jobs.json"
SWEEPS = ROOT / "benchmarks" / "results" / "sweeps.json"
SWEEPS_PAGE = ROOT / "docs" / "sweeps.md"
PAGE = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"
PLOT = ROOT / "docs" / "benchmark.svg"
BEGIN, END = "<!-- made by benchmarks/report.py -->\n", "<!-- so far -->\n"
OURS = ("direct", "receiver_based")
FEW = [  # the rows of README.md, by name and scorer
    *((name, "ours") for name in OURS),
    ("confluent-kafka loop", "ours"),
    ("Structured Streaming, mapInArrow", "ours"),
    ("Bytewax", "vaderSentiment"),
]

WIDTH, LABELS, BAR, GAP = 860, 330, 18, 8  # the plot's, in px


def table(result: dict[str, Any]) -> str:
    """The figures as Markdown, the fastest for its CPU time first."""
    measured = _measured(result)
    first = next((row for row in measured if row["name"] == "direct"), None)
    out = [
        "| contender | scorer | tweets per core-second (least to most) | direct is faster by "
        "| tweets/s | peak memory | start-up | tweets |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in measured:
        name = f"**{row['name']}**" if row["name"] in OURS else row["name"]
        ratio = f"{first['tweets_per_core_s'] / row['tweets_per_core_s']:.1f}x" if first else ""
        least, most = row["tweets_per_core_s_of"]
        figures = (
            f"{row['tweets_per_core_s']:,} ({least:,} to {most:,}) | {ratio} | "
            f"{row['tweets_per_s']:,} | {row['peak_mib']:,} MiB | {row['start_s']} s"
        )
        out.append(f"| {name} | {row['scorer']} | {figures} | {row['tweets']:,} |")
    for row in result["contenders"]:
        if row not in measured:
            out.append(
                f"| {row['name']} | {row['scorer']} | left out: {'; '.join(row['failures'])} | | "
                "| | | |"
            )
    return "\n".join(out) + "\n"


def few(result: dict[str, Any]) -> str:
    """The five rows of README.md."""
    out = [
        "| | scorer | tweets per core-second | tweets/s | peak memory |",
        "|---|---|---:|---:|---:|",
    ]
    for row in _measured(result):
        if (row["name"], row["scorer"]) in FEW:
            name = f"**{row['name']}**" if row["name"] in OURS else row["name"]
            figures = f"{row['tweets_per_core_s']:,} | {row['tweets_per_s']:,}"
            out.append(f"| {name} | {row['scorer']} | {figures} | {row['peak_mib']:,} MiB |")
    return "\n".join(out) + "\n"


def _measured(result: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(
        (row for row in result["contenders"] if "tweets_per_s" in row),
        key=lambda row: -row["tweets_per_core_s"],
    )


def _case(name: str, row: dict[str, Any]) -> str:
    if "peak_mib" not in row:
        return f"| {name} | {row['tweets']:,} | left out: {'; '.join(row['failures'])} | | | |"
    rates = [
        f"{row[rate]:,}" if rate in row else "" for rate in ("tweets_per_core_s", "tweets_per_s")
    ]
    return (
        f"| {name} | {row['tweets']:,} | {row['whole_s']} s | {rates[0]} | {rates[1]} | "
        f"{row['peak_mib']:,} MiB |"
    )


def conditions(result: dict[str, Any]) -> str:
    """One paragraph: on what and with what the figures were measured."""
    machine = result["machine"]
    versions = ", ".join(
        f"{name} {version}"
        for name, version in sorted({**machine.get("peers", {}), **machine["versions"]}.items())
    )
    return (
        f"{machine['cores_used']} cores of {machine['cores']} ({machine['cpu']}), load "
        f"{machine['load']} at the start; "
        f"{result['partitions']} partitions, values of {result['value_bytes']:,} bytes on "
        "average; medians of "
        f"{result['rounds']} round{'s' * (result['rounds'] > 1)} in turn, start-up until "
        f"{result['start_tweets']:,} tweets are "
        "on HDFS. "
        f"Python {machine['python']}, Java {machine['java']}, {versions}.\n"
    )


def sweeps(result: dict[str, Any]) -> str:
    """The sweeps' page."""
    out = [
        "# How the direct job's figures change with the work",
        "",
        "Made by `python -m benchmarks.sweeps` from [its "
        "results](../benchmarks/results/sweeps.json). The *whole run* lasts from the program's "
        "start to the last row on HDFS. The rates are of the tweets beyond a run over a thousand; "
        "they are missing where too few tweets remain. *Padding* is added to each tweet.",
    ]
    for sweep, cases in result["sweeps"].items():
        out += [
            "",
            f"| {sweep} | tweets | whole run | tweets per core-second | tweets/s | peak memory |",
            "|---:|" + "---:|" * 5,
        ]
        out += [_case(name, row) for name, row in cases.items()]
    return "\n".join([*out, "", conditions(result)])


def section(result: dict[str, Any]) -> str:
    """What stands in docs/benchmarks.md between the two marks."""
    return f"{table(result)}\n{conditions(result)}\n![The same figures as bars]({PLOT.name})\n"


def plot(result: dict[str, Any]) -> str:
    """Tweets per core-second as bars on a logarithmic scale."""
    rows = _measured(result)
    lowest = 10 ** math.floor(math.log10(min(row["tweets_per_core_s"] for row in rows)))
    highest = max(row["tweets_per_core_s"] for row in rows)
    scale = (WIDTH - LABELS - 90) / math.log10(highest / lowest * 1.01)
    height = 40 + len(rows) * (BAR + GAP)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        '<text x="10" y="20">Tweets per core-second of the client, Kafka to HDFS, same rows; '
        "logarithmic</text>",
    ]
    for place, row in enumerate(rows):
        y, length = 32 + place * (BAR + GAP), math.log10(row["tweets_per_core_s"] / lowest) * scale
        colour = "#1f77b4" if row["name"] in OURS else "#aaaaaa"
        label, number = escape(f"{row['name']}, {row['scorer']}"), f"{row['tweets_per_core_s']:,}"
        out += [
            f'<text x="{LABELS - 8}" y="{y + 13}" text-anchor="end">{label}</text>',
            f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>',
            f'<text x="{LABELS + length + 6:.1f}" y="{y + 13}">{number}</text>',
        ]
    return "\n".join([*out, "</svg>"]) + "\n"


def write(
    result: dict[str, Any], page: Path = PAGE, readme: Path = README, plotted: Path = PLOT
) -> None:
    """Put all three in their places."""
    for file, text in ((page, section(result)), (readme, few(result))):
        before, _, rest = file.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        file.write_text(f"{before}{BEGIN}{text}{END}{after}", encoding="utf-8")
    plotted.write_text(plot(result), encoding="utf-8")


if __name__ == "__main__":
    write(json.loads(RESULTS.read_text(encoding="utf-8")))
