"""How every program gets its settings. Which settings there are, the rooms say: see ROOMS.

A value comes from, later wins: the default, `config/pipeline.toml`, the environment
(`TWEETS_NAME`), a flag (`--name`). A secret comes from the environment or from `.env`, which only
its owner may read. Each value remembers where it came from; an unknown or wrong one ends the
program with exit code 2.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from config import env_file
from config.checking import checked
from config.command_line import argument_parser as argument_parser
from config.command_line import meant, with_flags
from config.errors import ConfigError
from config.venv import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = ROOT / "config" / "pipeline.toml"
PREFIX = "TWEETS_"
# The modules that declare settings: ROWS (program: its rows) and, where values depend on each
# other, complete(program, values, origins). Imported by name and late: config stands below all
# rooms, and every program has to know the names that others may set.
ROOMS = (
    "producer.settings",
    "consumers.driver.settings",
    "units.settings",
    "local.settings",
)


@dataclass(frozen=True)
class Setting:
    """One row: the default's type is the type of all its values, `choices` are the allowed ones.

    `span` is the smallest and the largest number. `only` names the kinds of run that take it, such
    as the producer's sources; empty is all. A `secret` comes from the environment or `.env` alone:
    it has no flag, may not stand in pipeline.toml, and is never printed. `short` is a second flag,
    which may be given several times.
    """

    name: str
    default: Any
    help: str
    only: tuple[str, ...] = ()
    choices: tuple[Any, ...] = ()
    span: tuple[float, float] = (0, 1e15)
    secret: bool = False
    short: str = ""

    @property
    def kind(self) -> type:
        return type(self.default)

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    @property
    def told(self) -> str:
        """The help, with the kinds of run that take it in front."""
        return f"{', '.join(self.only)}: {self.help}" if self.only else self.help


class Settings:
    """The values of one program as attributes; `origins[name]` says where each came from."""

    def __init__(self, program: str, values: Mapping[str, Any], origins: Mapping[str, str]) -> None:
        self.program, self.values, self.origins = program, dict(values), dict(origins)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(
                f"{self.__dict__.get('program')} has no setting {name!r}"
            ) from None

    def table(self) -> str:
        """One line per setting: name, value, origin; secrets are masked."""
        rows = []
        for setting in of(self.program):
            value = self.values[setting.name]
            shown = ("(set)" if value else "(not set)") if setting.secret else repr(value)
            rows.append(f"{setting.name:<20} {shown:<45} {self.origins[setting.name]}")
        return "\n".join(rows)


@cache
def programs() -> dict[str, tuple[Setting, ...]]:
    """The rows of each program, from all rooms."""
    return {program: rows for room in ROOMS for program, rows in import_module(room).ROWS.items()}


def of(program: str) -> tuple[Setting, ...]:
    """The rows of `program`."""
    return programs()[program]


def load(
    program: str,
    argv: Sequence[str],
    about: str = "",
    environ: Mapping[str, str] = os.environ,
    file: Path = FILE,
    parser: argparse.ArgumentParser | None = None,
    secrets: Path = env_file.FILE,
) -> Settings:
    """Read `program`'s settings from all four places; a secret may also be in the file `secrets`,
    which the environment overrides.

    `parser` may bring arguments of the program's own; they become values too. `--help` and
    `--print-config` are answered here. Raises ConfigError for an unknown name, a wrong value or a
    wrong type, naming its origin.
    """
    table = {setting.name: setting for setting in of(program)}
    values = {name: setting.default for name, setting in table.items()}
    origins = dict.fromkeys(values, "default")
    kept = env_file.read(secrets) if any(setting.secret for setting in table.values()) else {}
    for name, value, origin in [*_from_file(file), *_from_environment({**kept, **environ})]:
        if name in table:
            values[name], origins[name] = checked(table[name], value, origin), origin
    parser = with_flags(parser or argument_parser(program, about), table.values())
    for name, value in vars(parser.parse_args(list(argv))).items():
        if name in table:
            value = ",".join(value) if isinstance(value, list) else value
            value, origins[name] = checked(table[name], value, table[name].flag), table[name].flag
        values[name] = value
    print_config = values.pop("print_config", False)
    for room in map(import_module, ROOMS):
        if program in room.ROWS and hasattr(room, "complete"):
            room.complete(program, values, origins)
    settings = Settings(program, values, origins)
    if print_config:
        print(settings.table())
        sys.exit(0)
    return settings


def _all() -> list[Setting]:
    return [setting for rows in programs().values() for setting in rows]


def _from_file(file: Path) -> list[tuple[str, Any, str]]:
    """(name, value, origin) of each line of the TOML file; none where there is no such file."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", str(file), "fix the file") from None
    known = [setting.name for setting in _all() if not setting.secret]
    for name in content:
        if name not in known:
            raise ConfigError(
                f"unknown setting {name!r}{meant(name, known)}",
                str(file),
                f"remove the line from {file.name}",
            )
    return [(name, value, file.name) for name, value in content.items()]


def _from_environment(environ: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(name, value, origin) of each TWEETS_ variable."""
    by_variable = {setting.variable: setting.name for setting in _all()}
    found = []
    for variable, value in environ.items():
        if variable.startswith(PREFIX):
            if variable not in by_variable:
                raise ConfigError(
                    f"unknown setting {variable}{meant(variable, by_variable)}",
                    "the environment",
                    f"unset {variable}",
                )
            found.append((by_variable[variable], value, variable))
    return found
