"""The command line of every program: argparse whose complaints are ConfigErrors, and a flag for
each setting."""

import argparse
import difflib
import re
from collections.abc import Iterable
from importlib import metadata
from typing import Any, NoReturn

from config.errors import ConfigError
from config.venv import INSTALLED, ROOT


def meant(name: str, known: Iterable[str]) -> str:
    """A question that names the known word closest to `name`; empty when none is close."""
    # the dashes alone make --version resemble --json
    bare = {word.lstrip("-"): word for word in known}
    close = difflib.get_close_matches(name.lstrip("-"), list(bare), n=1)
    return f", did you mean {bare[close[0]]}?" if close else ""


def version() -> str:
    """The project's version, from pyproject.toml or what pip has installed."""
    if INSTALLED:
        return metadata.version("tweets-to-hdfs")
    found = re.search(
        r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    return found[1] if found else "unknown"


class _Parser(argparse.ArgumentParser):
    """argparse whose complaints are ConfigErrors with a suggestion."""

    def error(self, message: str) -> NoReturn:
        flags = [flag for action in self._actions for flag in action.option_strings]
        unknown = (
            message.rpartition("unrecognized arguments: ")[2].split(" ")[0].split("=")[0]
            if "unrecognized" in message
            else ""
        )
        raise ConfigError(
            f"{message}{meant(unknown, flags) if unknown else ''}",
            "the command line",
            f"{self.prog} --help",
        )


def argument_parser(program: str, about: str) -> argparse.ArgumentParser:
    """A parser for a program that has arguments beside its settings; hand it to `load`."""
    return _Parser(prog=program, description=about, allow_abbrev=False)


def with_flags(parser: argparse.ArgumentParser, table: Any) -> argparse.ArgumentParser:
    """The parser with a flag for each setting; an absent flag leaves no trace, so the other origins
    show through."""
    for setting in table:
        if setting.secret:
            continue
        text = f"{setting.told} (default {setting.default!r}, {setting.variable})".replace(
            "%", "%%"
        )
        if setting.kind is bool:
            parser.add_argument(
                setting.flag, action="store_const", const=True, default=argparse.SUPPRESS, help=text
            )
        else:
            parser.add_argument(
                *filter(None, (setting.short, setting.flag)),
                dest=setting.name,
                action="append" if setting.short else "store",
                metavar=metavar(setting),
                default=argparse.SUPPRESS,
                help=text,
            )
    parser.add_argument(
        "--print-config",
        action="store_true",
        help="print each value and where it came from, then stop",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"{parser.prog} {version()}",
        help="print the version, then stop",
    )
    return parser


def metavar(setting: Any) -> str:
    """What stands for the value in the help: what it may be, N for a number, otherwise the last
    word of its name."""
    if setting.choices:
        return "{" + ",".join(map(str, setting.choices)) + "}"
    return "N" if setting.kind in (int, float) else setting.name.rpartition("_")[2].upper()
