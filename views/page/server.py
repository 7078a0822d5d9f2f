"""A page of what the jobs have published: map, time and both jobs side by side, live.

Reads what is published, over WebHDFS, and nothing else. Exit codes: 0 stopped, 2 wrong usage.
"""

import asyncio
import gzip
import secrets
import socket
import sys
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from mimetypes import guess_type
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from config.errors import ConfigError
from views import followers
from views.command import outputs, parser, stores
from views.outline import LIBRARIES, packed
from views.page.answers import Answers
from views.page.asked import whole
from views.page.changes import Changes
from views.page.guard import Guard, is_loopback
from views.reading import Published

PORT = 8780
LEVEL = 4
"""How hard answers are packed: by 6 they take four times as long and lose a twentieth."""
OWN = Path(__file__).parent
FILES = {
    "/": OWN / "index.html",
    "/page.css": OWN / "page.css",
    "/icon.svg": OWN / "icon.svg",
    **{f"/{file.name}": file for file in OWN.glob("*.js")},
    "/lib/uplot.js": LIBRARIES / "uplot/dist/uPlot.iife.min.js",
    "/lib/uplot.css": LIBRARIES / "uplot/dist/uPlot.min.css",
}
"""All that is served as a file: the path of a request never becomes a path on the disk."""


def application(given: Namespace, token: str) -> Starlette:
    """The server for these outputs; with a token where others can reach it."""
    published = [Published(output, given.webhdfs) for output in outputs(given)]
    changes = Changes(stores(given))
    answers = Answers(published, stores(given), given.audit or [], changes)

    @asynccontextmanager
    async def watching(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(changes.watch())
        yield
        task.cancel()

    return Starlette(
        routes=[*answers.routes(), *(Route(path, _file) for path in FILES), Route("/land", _land)],
        middleware=[
            Middleware(Guard, token=token),
            Middleware(GZipMiddleware, minimum_size=500, compresslevel=LEVEL),
        ],
        exception_handlers={HTTPException: _error},
        lifespan=watching,
    )


def _file(request: Request) -> Response:
    file = FILES[request.url.path]
    if not file.exists():
        raise HTTPException(404, "the page's libraries are not here: make setup")
    data, kept = file.read_bytes(), {"Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        data, kept = _smallest(file, file.stat().st_mtime_ns), kept | {"Content-Encoding": "gzip"}
    return Response(data, headers=kept, media_type=guess_type(file.name)[0])


@cache
def _smallest(file: Path, _: int) -> bytes:
    """A file packed as well as gzip can, once; packed again when it has changed."""
    return gzip.compress(file.read_bytes(), 9)


def _land(_: Request) -> Response:
    return Response(packed(), media_type="application/octet-stream")


def _error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


def _bound(bind: str, port: int) -> socket.socket:
    """The socket that the server listens on. Raises ConfigError where it cannot be opened."""
    try:
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        return socket.create_server((bind, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"cannot listen ({error.strerror})", f"{bind}:{port}", "choose another --port"
        ) from None


def main() -> None:
    """Serve the page until Ctrl-C. Raises ConfigError."""
    made = parser("scripts/dashboard", __doc__ or "")
    made.add_argument("--port", type=whole(0, 65_535), default=PORT, help=f"default {PORT}; 0: any")
    made.add_argument(
        "--bind",
        default="127.0.0.1",
        help="address to listen on; beyond the loopback the page needs a token, which is made "
        "and printed",
    )
    made.add_argument(
        "--audit", action="append", type=Path, help="show the result that audit --json wrote there"
    )
    given = made.parse_args()
    listening = _bound(given.bind, given.port)
    token = "" if is_loopback(given.bind) else secrets.token_urlsafe(24)
    host = f"[{given.bind}]" if ":" in given.bind else given.bind
    where = f"http://{host}:{listening.getsockname()[1]}/"
    config = uvicorn.Config(
        application(given, token),
        log_level="warning",
        access_log=False,  # it would log the token's absence and strangers' languages
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    if not (LIBRARIES / "uplot").exists():
        print("dashboard: the map needs its libraries: make setup", file=sys.stderr)
    print(f"dashboard: {where}{f'#token={token}' if token else ''}  (Ctrl-C ends it)", flush=True)
    with followers.running(given), suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
