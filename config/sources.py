"""Which source the producer's settings mean, and what follows from that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.errors import ConfigError
from config.venv import ROOT

SOURCES = ("stream", "search", "bluesky", "replay", "sample")
SAID_BY = {
    "track": "stream",
    "rules": "stream",
    "query": "search",
    "keywords": "bluesky",
    "file": "replay",
}
CAN_BE_READ_AGAIN = ("replay", "sample")
SAMPLE_POSTS = 2000  # what `sample` makes unless it is told otherwise: it would never end


def complete(
    taken_by: Mapping[str, tuple[str, ...]], values: dict[str, Any], origins: dict[str, str]
) -> None:
    """Fill in the source that the flags say, and the defaults that depend on it.

    `taken_by` has the sources that take each setting, () for all. A relative spool is the user's
    where he types it, otherwise the project's. Raises ConfigError for flags of different sources,
    or of another one.
    """
    flags = [name for name, origin in origins.items() if origin.startswith("--")]
    if origins["source"] != "--source":
        said = {SAID_BY[name]: f"--{name}" for name in flags if name in SAID_BY}
        if len(said) > 1:
            raise ConfigError(
                f"flags of {len(said)} sources: {', '.join(said.values())}",
                "the command line",
                "choose one source",
            )
        for source, flag in said.items():
            values["source"], origins["source"] = source, flag
    source = values["source"]
    for name in flags if source else []:
        if taken_by[name] and source not in taken_by[name]:
            raise _belongs_elsewhere(name, taken_by[name], source)
    if source == "sample" and origins["max_posts"] == "default":
        values["max_posts"], origins["max_posts"] = SAMPLE_POSTS, "sample's default"
    typed = origins["spool"] == "--spool"
    if source and not values["spool"]:
        values["spool"] = (
            "none" if source in CAN_BE_READ_AGAIN else f".run/spool/{values['topic']}-{source}"
        )
    if values["spool"] not in ("", "none"):  # cron and the shell have different working directories
        values["spool"] = str((Path.cwd() if typed else ROOT) / values["spool"])


def no_source() -> ConfigError:
    """What to say where neither flags nor settings name a source."""
    ways = (
        '--track "…" or --rules FILE (stream), --query "…" (search), --keywords "…" or --source '
        "bluesky, --file FILE (replay),"
        " --source sample; python3 -m producer --help"
    )
    return ConfigError(
        "no source is named", "the command line", f"say where the tweets come from: {ways}"
    )


def _belongs_elsewhere(name: str, takers: tuple[str, ...], source: str) -> ConfigError:
    flag = "--" + name.replace("_", "-")
    own = next((other for other, of in SAID_BY.items() if of == source), "")
    meant = f", did you mean --{own}?" if own and name in SAID_BY else ""
    what = f"{flag} is a flag of the source {' or '.join(takers)}, not of {source}{meant}"
    return ConfigError(what, "the command line", f"leave {flag} out, or say --source {takers[0]}")
