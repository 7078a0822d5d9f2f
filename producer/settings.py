"""The producer's settings, and what the flags say about the source."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from config import access
from config.errors import ConfigError
from config.settings import Setting
from config.shared import BOOTSTRAP, METRICS, OUTPUT, TOPIC, WEBHDFS_PORT, name_output
from config.venv import ROOT

SOURCES = ("stream", "search", "bluesky", "mqtt", "replay", "sample")
SAID_BY = {  # flag: the source that it says
    "track": "stream",
    "rules": "stream",
    "query": "search",
    "keywords": "bluesky",
    "mqtt_url": "mqtt",
    "file": "replay",
}
CAN_BE_READ_AGAIN = ("replay", "sample")
SAMPLE_POSTS = 2000  # what `sample` makes unless it is told otherwise: it would never end

_STREAM, _SEARCH, _BLUESKY, _MQTT, _REPLAY, _SAMPLE = ((source,) for source in SOURCES)
_X = _STREAM + _SEARCH
_JETSTREAMS = ",".join(
    f"wss://jetstream{n}.us-{side}.bsky.network" for side in ("east", "west") for n in (1, 2)
)
_OF_ALL = (
    BOOTSTRAP,
    *access.SETTINGS,
    TOPIC,
    Setting(
        "source",
        "",
        "where the tweets come from; empty is the source that the flags say",
        choices=SOURCES,
    ),
    Setting(
        "max_posts",
        0,
        f"stop after this number of posts; 0 is no limit; sample makes {SAMPLE_POSTS:,} by default",
    ),
    Setting(
        "spool",
        "",
        "keep records in this folder until Kafka has them; none is no spool; empty is "
        ".run/spool/<topic>-<source> in the project's folder for live sources, and none for those "
        "that can be read again (replay, sample)",
    ),
    Setting(
        "spool_max_bytes",
        4 * 1024**3,
        "a spool of this size is full: reading pauses until Kafka catches up",
    ),
    Setting(
        "spool_min_free_bytes",
        1024**3,
        "reading pauses while the spool's disk has fewer bytes free; 0 is no limit",
    ),
    Setting("report", "", "write the closing report (JSON) to this file; empty is standard output"),
    Setting("ledger", "", "append one JSON line per acknowledged record to this file"),
    METRICS,
    Setting("json", False, "progress as JSON lines on standard error"),
    replace(OUTPUT, help="the jobs' output, into which --check writes and deletes a small file"),
    Setting("webhdfs", "", f"the output's WebHDFS; empty is port {WEBHDFS_PORT} of its host"),
)
_OF_X = (
    Setting("track", "", "phrases, comma separated, one rule each", _STREAM),
    Setting(
        "rules", "", 'TOML file of rules, one line each: tag = "rule"; instead of --track', _STREAM
    ),
    Setting("replace_rules", False, "also delete the account's rules that are not ours", _STREAM),
    Setting(
        "fill_gaps",
        "15m",
        "fetch what was missed in up to this time (0, 30s, 15m, 2h, 7d)",
        _STREAM,
    ),
    Setting("query", "", "the query, in X's language", _SEARCH),
    Setting(
        "since",
        "",
        "from this day or time on, UTC, or this long ago: 2026-11-21, 2h, 3d",
        _SEARCH,
    ),
    Setting("until", "", "up to this day or time, exclusive; then the search ends", _SEARCH),
    Setting("min_likes", 0, "posts with at least this number of likes", _SEARCH),
    Setting(
        "adaptive_likes",
        False,
        "the most liked first, less liked ones when a page is not full",
        _SEARCH,
    ),
    Setting("interval", 60.0, "seconds between two searches", _SEARCH),
    Setting("max_cost", 0.0, "no run, and no UTC day, costs more USD; 0 is no limit", _X),
    Setting("x_usd_a_post", 0.005, "X's price of a post, in USD", _X),
    Setting(
        "x_usd_a_user",
        0.010,
        "X's price of an author that comes with a post; 0 if X does not bill it",
        _X,
    ),
    Setting("x_usd_a_count", 0.005, "X's price of a request for counts, which --dry-run makes", _X),
    Setting("x_base_url", "https://api.x.com", "X's address; another one for tests only", _X),
    Setting("x_bearer_token", "", "X's bearer token", _X, secret=True),
)
_OF_MQTT = (
    Setting("mqtt_url", "", "the broker: mqtt://HOST or, over TLS, mqtts://HOST", _MQTT),
    Setting("mqtt_topic", "tweets/#", "the filter of topics to subscribe to, with QoS 1", _MQTT),
    Setting(
        "mqtt_client_id",
        "",
        "the id under which the broker keeps messages for us; nobody else may use it",
        _MQTT,
    ),
    Setting("mqtt_user", "", "log in to the broker as this user", _MQTT),
    Setting(
        "mqtt_password",
        "",
        "where its password is: ${env:NAME} or ${file:/PATH:KEY}; never the password itself",
        _MQTT,
    ),
    Setting("mqtt_ca", "", "PEM file of the authorities that sign the broker's certificate", _MQTT),
    Setting("mqtt_certificate", "", "PEM file of this client's certificate and its chain", _MQTT),
    Setting("mqtt_key", "", "PEM file of its private key, mode 400", _MQTT),
)
_OF_OTHERS = (
    Setting("lang", "", "posts in this language only (en, pt, ja, …)", only=_SEARCH + _BLUESKY),
    Setting(
        "keywords",
        "",
        "phrases, comma separated; a post has one of them; empty is all posts",
        _BLUESKY,
    ),
    Setting(
        "deletions",
        "all",
        "deletions that become tombstones, whatever --keywords",
        _BLUESKY,
        choices=("all", "none"),
    ),
    Setting(
        "jetstream_url",
        _JETSTREAMS,
        "servers, comma separated; those without a path speak v2 or v1",
        _BLUESKY,
    ),
    Setting(
        "file",
        "",
        "JSON Lines, twarc2 pages or a JSON array, plain or .gz; - is standard input",
        _REPLAY,
    ),
    Setting("loop", False, "begin again at the end of the file", _REPLAY),
    Setting("rate", 0.0, "records per second; 0 is as fast as possible", _REPLAY + _SAMPLE),
    Setting("seed", 1, "the same seed gives the same tweets", _SAMPLE),
    Setting("malformed", 0.0, "share of malformed records, 0 to 1", _SAMPLE),
)
ROWS = {"producer": _OF_ALL + _OF_X + _OF_MQTT + _OF_OTHERS}


def complete(program: str, values: dict[str, Any], origins: dict[str, str]) -> None:
    """Fill in the source that the flags say, and the defaults that depend on it.

    A relative spool is in the working directory where it is typed, otherwise in the project's
    folder. Raises ConfigError for flags of different sources, or of a source that is not chosen.
    """
    name_output(program, values)
    flags = [name for name, origin in origins.items() if origin.startswith("--")]
    if origins["source"] != "--source":
        said = {SAID_BY[name]: "--" + name.replace("_", "-") for name in flags if name in SAID_BY}
        if len(said) > 1:
            raise ConfigError(
                f"flags of {len(said)} sources: {', '.join(sorted(said.values()))}",
                "the command line",
                "choose one source",
            )
        for source, flag in said.items():
            values["source"], origins["source"] = source, flag
    source = values["source"]
    taken_by = {setting.name: setting.only for setting in ROWS["producer"]}
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
    """The error to raise where neither flags nor settings name a source."""
    ways = (
        '--track "…" or --rules FILE (stream), --query "…" (search), --keywords "…" or --source '
        "bluesky, --mqtt-url URL (mqtt), --file FILE (replay), --source sample; "
        "python3 -m producer --help"
    )
    return ConfigError(
        "no source is named", "the command line", f"say where the tweets come from: {ways}"
    )


def _belongs_elsewhere(name: str, takers: tuple[str, ...], source: str) -> ConfigError:
    flag = "--" + name.replace("_", "-")
    own = next((other for other, of in SAID_BY.items() if of == source), "")
    meant = f", did you mean --{own.replace('_', '-')}?" if own and name in SAID_BY else ""
    what = f"{flag} is a flag of the source {' or '.join(takers)}, not of {source}{meant}"
    return ConfigError(what, "the command line", f"leave {flag} out, or say --source {takers[0]}")
