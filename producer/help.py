"""`python -m producer --help`: usage, the sources with an example each, exit status, and the flags
of all sources. With a source: an example and that source's flags. One screen each."""

import textwrap
from collections.abc import Sequence

from config import access
from config.command_line import metavar
from config.settings import Setting
from producer.settings import ROWS, SAID_BY, SOURCES

WIDTH, LEFT = 110, 28
COMMAND = "python3 -m producer"
ABOUT = (
    "Reads tweets from a source and publishes each as one Kafka record; ends with a report (JSON)."
)
EXAMPLES = {  # source: what it is, and a run of it
    "stream": (
        "X's filtered stream; needs a bearer token, and each post costs money",
        '--track "coffee,climate change"',
    ),
    "search": (
        "X's recent search, repeated; needs a bearer token, and each post costs money",
        '--query "coffee lang:en" --interval 60',
    ),
    "bluesky": ("Bluesky's Jetstream; needs no key", '--keywords "coffee,tea" --lang en'),
    "mqtt": (
        "messages of an MQTT broker, each one tweet; needs paho-mqtt",
        "--mqtt-url mqtt://localhost --mqtt-client-id tweets-1",
    ),
    "replay": ("a file of tweets, or standard input", "--file tests/data/tweets_x_v2.jsonl"),
    "sample": ("invented tweets", "--source sample"),
}
EXIT_STATUS = (
    "0 done; 1 a service is out of reach; 2 wrong configuration; 3 the spool is damaged, records "
    "are at risk; 5 token missing or refused; 6 quota or credit used up; 130 second Ctrl-C"
)
ACTIONS = {
    "--check": "test every service and file that this run needs, then stop; costs nothing",
    "--dry-run": "stream, search: print what X would charge, buy no post, then stop",
    "--supervise": "start again after an end that may pass: a service out of reach, a kill",
    "--print-config": "print each value and where it came from, then stop",
    "--version": "print the version, then stop",
}


def text(arguments: Sequence[str]) -> str:
    """The help for this command line: of its source where it names one, of all otherwise."""
    source = _source(arguments)
    return _of_source(source) if source else _overview()


def _source(arguments: Sequence[str]) -> str:
    """The source that the arguments name or say, empty where there is none."""
    words = [word for argument in arguments for word in argument.split("=", 1)]
    if "--source" in words[:-1]:
        named = words[words.index("--source") + 1]
        return named if named in SOURCES else ""
    said = ((name.replace("_", "-"), source) for name, source in SAID_BY.items())
    return next((source for name, source in said if f"--{name}" in words), "")


def _overview() -> str:
    sources = [
        _row(name, about) + f"\n{'':{LEFT}}{COMMAND} {run}"
        for name, (about, run) in EXAMPLES.items()
    ]
    common = [
        _setting(setting)
        for setting in ROWS["producer"]
        if not (setting.only or setting.secret or setting in access.SETTINGS)
    ]
    secured = f"a secured Kafka, see docs/security.md: {', '.join(s.flag for s in access.SETTINGS)}"
    return "\n".join(
        [
            f"usage: {COMMAND} [--source NAME] [FLAGS]",
            "",
            ABOUT,
            "",
            "sources, with an example each",
            *sources,
            f"  {COMMAND} --source NAME --help shows the flags of one source",
            "",
            *textwrap.wrap(f"exit status: {EXIT_STATUS}", WIDTH, subsequent_indent=" " * 13),
            "",
            "flags of all sources",
            *common,
            *textwrap.wrap(secured, WIDTH, initial_indent="  ", subsequent_indent=" " * 4),
            *(_row(flag, told) for flag, told in ACTIONS.items()),
        ]
    )


def _of_source(source: str) -> str:
    about, run = EXAMPLES[source]
    own = [
        _setting(setting)
        for setting in ROWS["producer"]
        if source in setting.only and not setting.secret
    ]
    secret = [
        _row(setting.variable, f"{setting.help}; in the environment or in .env")
        for setting in ROWS["producer"]
        if setting.secret and source in setting.only
    ]
    return "\n".join(
        [
            f"{source}: {about}",
            "",
            f"    {COMMAND} {run}",
            "",
            *own,
            *secret,
            "",
            f"{COMMAND} --help shows the flags of all sources",
        ]
    )


def _setting(setting: Setting) -> str:
    default = f" [{setting.default}]" if setting.default and len(str(setting.default)) < 50 else ""
    return _row(
        setting.flag + ("" if setting.kind is bool else f" {metavar(setting)}"),
        setting.help + default,
    )


def _row(name: str, told: str) -> str:
    lines = textwrap.wrap(told, WIDTH - LEFT)
    if len(name) + 3 > LEFT:
        return "\n".join([f"  {name}", *(f"{'':{LEFT}}{line}" for line in lines)])
    return f"\n{'':{LEFT}}".join([f"  {name:<{LEFT - 2}}{lines[0]}", *lines[1:]])
