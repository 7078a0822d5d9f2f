"""The settings as one page of the manual: `python3 -m config.reference > docs/configuration.md`."""

from config.settings import Setting, programs

_ABOUT = """\
# Configuration

Written by `python3 -m config.reference > docs/configuration.md` from the rows in
`producer/settings.py`, `consumers/driver/settings.py`, `units/settings.py` and `local/settings.py`;
do not edit it here.

A value comes from, later wins: the default, `config/pipeline.toml` (under its name below), the
environment, a flag. `--print-config` shows each value and where it came from. An unknown or
wrong one ends the program with exit code 2.

A secret has no flag: it comes from the environment or from `.env` (see `.env.example`), which only
its owner may read. Numbers are zero or positive; some have a narrower range, which the refusal
names. A truth value is `true`, `false`, `1` or `0`; its flag takes no value and means true.

Spark's own settings are in `config/spark.conf`, under Spark's own names;
`scripts/submit --conf NAME=VALUE direct …` overrides one. `scripts/audit.py`,
`scripts/summary.py`, `scripts/dashboard`, `scripts/watch` and `scripts/heatmap` take flags only
(`--help`), and some variables: `TWEETS_OUTPUT` (the last three), `TWEETS_WEBHDFS` (all; set it
for that one command, because the other programs refuse a variable that the tables do not have) and
`TWEETS_BOOTSTRAP` (audit). `POSTS=N make demo` and `SOURCE=NAME make demo` say what the demo
publishes.
"""

_SECTIONS = (
    ("Producer", "`python3 -m producer` takes these.", ("producer",)),
    (
        "Jobs",
        "`scripts/submit direct` and `scripts/submit receiver_based` take these.",
        ("direct", "receiver_based"),
    ),
    ("Compactor", "`scripts/submit compact` takes these.", ("compact",)),
    ("Services", "`scripts/services` takes these.", ("services",)),
)


def document() -> str:
    """The whole page as Markdown."""
    return _ABOUT + "".join(_section(*section) for section in _SECTIONS)


def _section(title: str, about: str, names: tuple[str, ...]) -> str:
    takers: dict[Setting, list[str]] = {}
    for name in names:
        for setting in programs()[name]:
            takers.setdefault(setting, []).append(name)
    rows = [_row(setting, own if len(own) < len(names) else []) for setting, own in takers.items()]
    head = ["| name | flag | variable | default | meaning |", "|---|---|---|---|---|"]
    return "\n".join(["", f"## {title}", "", about, "", *head, *rows, ""])


def _row(setting: Setting, only: list[str]) -> str:
    """One row of a table; `only` has the programs that take it, unless all of the section do."""
    flag = "environment or `.env`" if setting.secret else f"`{setting.flag}`"
    default = str(setting.default).lower() if setting.kind is bool else str(setting.default)
    choices = f": {', '.join(map(str, setting.choices))}" if setting.choices else ""
    limited = f"; {' and '.join(only)} only" if only else ""
    meaning = f"{setting.told}{choices}{limited}".replace("|", "\\|").replace("<", "&lt;")
    return (
        f"| `{setting.name}` | {flag} | `{setting.variable}` | "
        f"{f'`{default}`' if default else 'empty'} | {meaning} |"
    )


if __name__ == "__main__":
    print(document(), end="")
