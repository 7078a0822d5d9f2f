"""The page of views/ as a service; it starts only when asked for, and shows the outputs that
TWEETS_OUTPUT names then."""

import os
import sys

from config.settings import Settings
from config.venv import ROOT
from local import secured
from local.nodes import HOST, Node
from local.processes import Home
from local.stub_nodes import unanswered

NAME = "page"


def nodes(settings: Settings, home: Home) -> list[Node]:
    """The page, where the settings ask for it or it was started before."""
    if not settings.page and home.address(NAME) is None:
        return []
    port = settings.page_port
    environ = {
        "TWEETS_OUTPUT": f"hdfs://{HOST}:{settings.namenode_port}/tweets/{{program}}",
        "TWEETS_WEBHDFS": f"http://{HOST}:{settings.namenode_http_port}",
        **os.environ,
        **(secured.variables(settings, home.path, "audit") if settings.secure else {}),
    }
    return [
        Node(
            NAME,
            f"{HOST}:{port}",
            {port: "page_port"},
            [sys.executable, str(ROOT / "scripts" / "dashboard"), "--port", str(port)],
            lambda: None,
            lambda: unanswered(port),
            environ=environ,
        )
    ]
