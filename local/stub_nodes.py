"""The stub servers of X and Bluesky as services; they start only when asked for."""

import socket
import sys

from config.settings import Settings
from config.venv import ROOT
from local.nodes import HOST, Node
from local.processes import Home
from local.stub_servers.x_state import TOKEN

STUBS = {"x-stub": ("x", ["--rate", "200"]), "jetstream-stub": ("jetstream", ["--rate", "200"])}


def stubs(settings: Settings, home: Home) -> list[Node]:
    """The stubs that the settings ask for, and those that were started before."""
    names = [
        name
        for name in STUBS
        if settings.values[name.replace("-", "_")] or home.address(name) is not None
    ]
    return [_stub(name, settings.values[name.replace("-", "_") + "_port"]) for name in names]


def _stub(name: str, port: int) -> Node:
    module, options = STUBS[name]
    command = [
        "env",
        f"PYTHONPATH={ROOT}",
        sys.executable,
        "-m",
        f"local.stub_servers.{module}",
        "--port",
        str(port),
        *options,
    ]
    setting = name.replace("-", "_") + "_port"
    return Node(
        name, f"{HOST}:{port}", {port: setting}, command, lambda: None, lambda: unanswered(port)
    )


def unanswered(port: int) -> str:
    """What is missing until a program listens on this port of the loopback."""
    try:
        with socket.create_connection((HOST, port), timeout=2):
            return ""
    except OSError as error:
        return f"no answer: {error}"


def variables(home: Home) -> dict[str, str]:
    """The settings that point the producer at the stubs that run."""
    found: dict[str, str] = {}
    if home.pid("x-stub") is not None:
        found |= {
            "TWEETS_X_BASE_URL": f"http://{home.address('x-stub')}",
            "TWEETS_X_BEARER_TOKEN": TOKEN,
        }
    if home.pid("jetstream-stub") is not None:
        found["TWEETS_JETSTREAM_URL"] = f"ws://{home.address('jetstream-stub')}"
    return found
