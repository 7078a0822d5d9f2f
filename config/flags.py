"""Settings as flags of a command line."""

import argparse
import difflib
from collections.abc import Iterable
from typing import Any, NoReturn

from config.errors import ConfigError


def meant(name: str, known: Iterable[str]) -> str:
    """A suggestion for a name that is not known, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {close[0]}?" if close else ""


class Parser(argparse.ArgumentParser):
    """argparse whose complaints are ConfigErrors with a suggestion."""

    def error(self, message: str) -> NoReturn:
        flags = [flag for action in self._actions for flag in action.option_strings]
        unknown = (
            message.rpartition("unrecognized arguments: ")[2].split(" ")[0].split("=")[0] if "unrecognized" in message else ""
        )
        raise ConfigError(f"{message}{meant(unknown, flags) if unknown else ''}", "the command line", f"{self.prog} --help")


def argument_parser(program: str, about: str) -> argparse.ArgumentParser:
    """A parser for a program that has arguments beside its settings; hand it to `load`."""
    return Parser(prog=program, description=about, allow_abbrev=False)


def with_flags(parser: argparse.ArgumentParser, table: Iterable[Any]) -> argparse.ArgumentParser:
    """The parser with a flag for each setting; an absent flag leaves no trace, so the other origins show through."""
    for setting in table:
        if setting.secret:
            continue
        text = f"{setting.help} (default {setting.default!r}, {setting.variable})".replace("%", "%%")
        if setting.kind is bool:
            parser.add_argument(setting.flag, action="store_const", const=True, default=argparse.SUPPRESS, help=text)
        else:
            parser.add_argument(setting.flag, metavar=setting.name.upper(), default=argparse.SUPPRESS, help=text)
    parser.add_argument("--print-config", action="store_true", help="print each value and where it came from, then stop")
    return parser
