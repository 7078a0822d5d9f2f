"""One connection to X's filtered stream, read by a thread of its own into a queue."""

import sys
import threading
from dataclasses import dataclass
from queue import Queue
from typing import Any, TypeAlias

import msgspec
import requests
import tweepy  # type: ignore[import-untyped]

from config.errors import PipelineError
from producer.sources import Record
from producer.sources.identity import record_of
from producer.sources.x.pages import came_with
from producer.sources.x.purse import Purse
from producer.sources.x.reconnects import LIMITED, NETWORK, SERVER, Backoff
from producer.sources.x.wire import FIELDS, MASK, Account, printable, problem_of

DOING = "X's filtered stream"


@dataclass(frozen=True)
class Connected:
    """X has accepted the connection."""


@dataclass(frozen=True)
class Ended:
    """Why a connection ended and by which backoff to connect again; `error` where that would not
    help."""

    why: str
    backoff: Backoff = NETWORK
    reset_in_s: float | None = None
    answered: bool = True  # it counts in X's limit of connects
    error: PipelineError | None = None
    no_rules: bool = False


@dataclass(frozen=True)
class Filled:
    """A gap is closed; where `error` says why not, it stays open. `skipped`: nothing was fetched,
    as the user wants it."""

    skipped: bool = False
    error: PipelineError | None = None


Event: TypeAlias = Record | Connected | Ended | Filled
Events: TypeAlias = "Queue[Event]"


class _Notice(msgspec.Struct):
    """A line by which X says that it is about to disconnect."""

    errors: list[dict[str, Any]]
    data: msgspec.Raw = msgspec.Raw(b"")


class Connection(tweepy.StreamingClient):  # type: ignore[misc]
    """tweepy's stream, held to a single attempt: all its own reconnecting is unsafe, so every way
    out ends the thread.

    Puts Connected, Records and, whatever happens, one Ended last.
    """

    def __init__(self, account: Account, purse: Purse, events: Events) -> None:
        super().__init__(MASK, return_type=dict, daemon=True, max_retries=0)
        self._account, self._purse, self._events = account, purse, events
        self._ended = Ended("X closed the stream")
        self._was_connected = threading.Event()
        self.alive = 0.0  # X's time at its last line, an empty one too
        self._answer = requests.Response()
        account.attach(self.session)
        self.session.hooks["response"].append(self._remember)
        self.filter(threaded=True, **FIELDS)

    def on_data(self, raw_data: bytes) -> None:
        notice = _notice(raw_data)
        if notice is not None:
            self._end(notice)
            return
        self.alive = self._account.now()
        record = record_of(raw_data)
        if self._purse.received(record.id, *came_with(raw_data)):
            self._events.put(record)
        if self._purse.affordable() < 1:
            self._end(Ended("the limit is reached"))

    def on_connect(self) -> None:
        if self._was_connected.is_set():  # tweepy is at its second attempt
            self.running = False
            return
        self._was_connected.set()
        self.alive = self._account.now()
        self._events.put(Connected())

    def on_keep_alive(self) -> None:
        self.alive = self._account.now()

    def on_closed(self, _response: requests.Response) -> None:
        self.running = False

    def on_connection_error(self) -> None:
        error = sys.exc_info()[1]
        silent = "timed out" in str(error).lower() and self._was_connected.is_set()
        why = (
            f"silent for {self._account.silence_s:.0f} s"
            if silent
            else f"broken off ({type(error).__name__})"
        )
        self._end(Ended(why, answered=self._was_connected.is_set()))

    def on_request_error(self, status_code: int) -> None:
        problem = problem_of(self._answer)
        if status_code == 409:
            self._end(
                Ended(
                    "409, X has no rules",
                    no_rules=True,
                    error=self._account.refusal(self._answer, DOING),
                )
            )
        elif problem.get("connection_issue") == "TooManyConnections":
            self._end(Ended(_TAKEN, LIMITED, self._account.limited_for_s(self._answer)))
        else:
            backoff = LIMITED if status_code == 429 else SERVER
            error, limited_for_s = (
                self._account.refusal(self._answer, DOING),
                self._account.limited_for_s(self._answer),
            )
            self._end(
                Ended(
                    str(status_code),
                    backoff,
                    limited_for_s if backoff is LIMITED else None,
                    error=error,
                )
            )

    def on_exception(self, exception: Exception) -> None:
        if isinstance(exception, requests.TooManyRedirects):
            self._end(
                Ended("redirected", error=self._account.redirected(exception.response, DOING))
            )
        elif isinstance(exception, requests.RequestException):
            self._end(Ended(f"broken off ({type(exception).__name__})"))
        else:
            what = f"the stream cannot be read ({type(exception).__name__})"
            self._end(Ended(what, error=PipelineError(what, DOING, "a defect: please report it")))

    def on_disconnect(self) -> None:
        self._events.put(self._ended)

    def _end(self, ended: Ended) -> None:
        self._ended = ended
        self.running = False

    def _remember(self, response: requests.Response, *_args: Any, **_options: Any) -> None:
        """tweepy tells its hooks the status only; the reason is in the answer."""
        self._answer = response


_TAKEN = (
    "TooManyConnections: another program reads this stream, or X has not let go of the last "
    "connection yet"
)


def _notice(line: bytes) -> Ended | None:
    """What X says before it disconnects; None for everything else, a post with errors beside it
    too."""
    if not line.startswith(b'{"errors"'):
        return None
    try:
        notice = msgspec.json.decode(line, type=_Notice)
    except msgspec.MsgspecError:
        return None
    if notice.data or not notice.errors:
        return None
    error = notice.errors[0]
    if "TooManyConnections" in (error.get("connection_issue"), error.get("disconnect_type")):
        return Ended(_TAKEN, LIMITED)
    return Ended(f"X disconnects: {printable(error.get('title', 'no reason given'))}")
