"""The source that the settings name: what each source offers, found by its name.

A source is a module (or a package) with

- `open(chosen, state, memory)`: its records; `memory` is what an earlier run kept for it. Records
  with a `close` are closed when the spool has all of them, or the run has failed
- `question(chosen)`: what it is asked for, so that a position of another question is not used;
  None where every run reads from the beginning
- `estimate(chosen, folder)`, where it costs money: what a run would cost
- `checks(chosen)`, where it can be asked: (name, probe) of each point of `--check`

and has its settings in `producer/settings.py`, its example in `producer/help.py`.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from config.errors import ConfigError
from config.settings import Settings
from producer.sources import Check, Memory, Record, State

MODULES = {  # imported when chosen: the other sources need no tweepy
    "stream": "producer.sources.x.stream",
    "search": "producer.sources.x.search",
    "bluesky": "producer.sources.bluesky",
    "mqtt": "producer.sources.mqtt",
    "replay": "producer.sources.replay",
    "sample": "producer.sources.sample",
}
OLD_FLAGS = {  # as scripts for X's API v1.1 have them
    "--keyword": '--query "…" with --source search, or --track "…" with --source stream',
    "--min-faves": "--min-likes (with --source search)",
    "--locations": (
        "a rule or query with bounding_box:[west south east north], as in --track "
        '"bounding_box:[13 52 14 53]"'
    ),
    "--language": "--lang",
    "--count": "--max-posts",
}


def refuse_old_flags(arguments: Sequence[str]) -> None:
    """Raise ConfigError that names today's flag where the command line has an old one."""
    for argument in arguments:
        typed = argument.partition("=")[0]
        today = OLD_FLAGS.get(typed.replace("_", "-"))
        if today is not None:
            raise ConfigError(f"{typed} is an old name", "the command line", f"today it is {today}")


def spool_folder(chosen: Settings) -> Path | None:
    """Where the settings put the spool; None where there is none."""
    return None if chosen.spool == "none" else Path(chosen.spool)


def question(chosen: Settings) -> str:
    """A digest of what the source is asked for; empty where that does not matter. A position that
    belongs to another question means nothing to this one."""
    asked = _module(chosen).question(chosen)
    written = repr((chosen.source, asked)).encode()
    return hashlib.sha256(written).hexdigest()[:16] if asked is not None else ""


def open_source(
    chosen: Settings,
    state: State,
    position: str = "",
    folder: Path | None = None,
    kept: Callable[[], int] | None = None,
) -> Iterable[Record]:
    """The records of the source, which tells `state` what it does.

    `position` is the newest one that was kept with a record of the same question, `folder` is where
    the source may keep a file of its own: the spool's, `kept` says how many records of this run are
    in the spool. Raises ConfigError or CredentialsError for what can be seen before reading.
    """
    memory = Memory(position, question(chosen), folder, kept)
    records: Iterable[Record] = _module(chosen).open(chosen, state, memory)
    return records


def estimate(chosen: Settings) -> dict[str, Any]:
    """What a run would cost, and what it would change; only the asking costs.

    Raises ConfigError for a source that costs nothing, and what the source's refusals give.
    """
    module = _module(chosen)
    if not hasattr(module, "estimate"):
        raise ConfigError(
            f"the source {chosen.source} costs nothing",
            "--dry-run",
            "use it with --source stream or search",
        )
    told: dict[str, Any] = module.estimate(
        chosen, Memory("", question(chosen), spool_folder(chosen))
    )
    return told


def checks(chosen: Settings) -> list[Check]:
    """What to ask the source in `--check`; nothing for one that has nothing to be asked."""
    module = _module(chosen)
    found: list[Check] = module.checks(chosen) if hasattr(module, "checks") else []
    return found


def _module(chosen: Settings) -> Any:
    return import_module(MODULES[chosen.source])
