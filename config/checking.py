"""Checks that a value is what its setting wants."""

from typing import Any

from config.command_line import meant
from config.errors import ConfigError


def checked(setting: Any, value: Any, origin: str) -> Any:
    """`value` as the setting's kind. Raises ConfigError that names `origin`."""
    typed: Any
    try:
        if setting.kind is bool:
            typed = (
                value
                if isinstance(value, bool)
                else {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]
            )
        elif isinstance(value, bool) or (setting.kind is str and not isinstance(value, str)):
            raise ValueError
        else:
            typed = setting.kind(value)
    except (KeyError, ValueError, TypeError):
        shown = "" if setting.secret else f": {value!r}"
        raise ConfigError(
            f"{setting.name} wants {_wanted(setting.kind)}{shown}",
            origin,
            f"set {setting.flag} or {setting.variable}",
        ) from None
    if setting.choices and typed not in setting.choices:
        choices = list(map(str, setting.choices))
        raise ConfigError(
            f"{setting.name} is one of {', '.join(choices)}, not {typed!r}"
            f"{meant(str(typed), choices)}",
            origin,
            "choose one",
        )
    if setting.kind in (int, float) and not setting.span[0] <= typed <= setting.span[1]:
        raise ConfigError(
            f"{setting.name} cannot be {typed}",
            origin,
            "give a number from {:g} to {:g}".format(*setting.span),
        )
    return typed


def _wanted(kind: type) -> str:
    return {str: "text", int: "a whole number", float: "a number", bool: "true or false"}[kind]
