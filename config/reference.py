"""The settings as a page of the manual: `python3 -m config.reference > docs/configuration.md`."""

from config.settings import JOBS, TABLE, Setting

_ABOUT = """\
# Configuration

Written by `python3 -m config.reference > docs/configuration.md` from the table in
`config/settings.py`; do not edit it here.

A value comes from, later wins: the default, `config/pipeline.toml` (the name as it stands below),
the environment, a flag. `--print-config` shows each value and where it came from. An unknown or
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
    ("Jobs", "`scripts/submit direct` and `scripts/submit receiver_based` take these.", JOBS),
    ("Services", "`scripts/services` takes these.", ("services",)),
)


def document() -> str:
    """The whole page as Markdown."""
    return _ABOUT + "".join(_section(*section) for section in _SECTIONS)


def _section(title: str, about: str, programs: tuple[str, ...]) -> str:
    rows = [_row(setting, programs) for setting in TABLE if set(setting.programs) & set(programs)]
    head = ["| name | flag | variable | default | meaning |", "|---|---|---|---|---|"]
    return "\n".join(["", f"## {title}", "", about, "", *head, *rows, ""])


def _row(setting: Setting, programs: tuple[str, ...]) -> str:
    flag = "environment or `.env`" if setting.secret else f"`{setting.flag}`"
    default = str(setting.default).lower() if setting.kind is bool else str(setting.default)
    choices = f": {', '.join(setting.choices)}" if setting.choices else ""
    only = [program for program in programs if program in setting.programs]
    limited = f"; {' and '.join(only)} only" if len(only) < len(programs) else ""
    meaning = f"{setting.help}{choices}{limited}".replace("|", "\\|").replace("<", "&lt;")
    return (
        f"| `{setting.name}` | {flag} | `{setting.variable}` | "
        f"{f'`{default}`' if default else 'empty'} | {meaning} |"
    )


if __name__ == "__main__":
    print(document(), end="")
