"""Tweets as X's filtered stream sends them: each line of the stream is one tweet, its bytes untouched."""

import logging
import threading
import time
from queue import Queue
from typing import Any

import requests
import tweepy  # type: ignore[import-untyped]

from config.errors import ConfigError, PipelineError, ServiceUnreachable
from producer.sources import Records, State
from producer.sources.identity import record_of
from producer.sources.x_wire import FIELDS, USD_A_POST, Account, printable, unreachable

TAG = "tweets-to-hdfs:"  # rules that carry it are ours to add and to delete
SECONDS_BETWEEN_CONNECTS = 20.0  # X allows 50 connects in 15 minutes
CONNECTION_ERRORS = 20  # in a row; about a minute
HTTP_ERRORS = 6  # in a row; tweepy doubles its pause from 5 s on
QUEUED_LINES = 1_000
_DOING = "X's filtered stream"

log = logging.getLogger("producer")


def phrases(track: str) -> list[str]:
    """The phrases of `--track`, which are separated by commas. Raises ConfigError when there are none."""
    wanted = [phrase.strip() for phrase in track.split(",") if phrase.strip()]
    if not wanted:
        raise ConfigError("the stream needs something to follow", "--track", 'give --track "coffee,climate change"')
    return wanted


def tweets(account: Account, track: list[str], state: State) -> Records:
    """One record a tweet that matches one of the phrases, without end; reconnects by itself within X's limits.

    Raises CredentialsError, QuotaExceeded or ConfigError when X refuses, ServiceUnreachable when it stays away.
    """
    stream = _Stream(account)
    try:
        _reconcile(stream, track)
        stream.filter(threaded=True, **FIELDS)
        while True:
            line = stream.lines.get()
            if isinstance(line, PipelineError):
                raise line
            state.bought += 1
            state.cost_usd += USD_A_POST
            yield record_of(line)
    finally:
        stream.stop()


def _reconcile(stream: "_Stream", track: list[str]) -> None:
    """Make X's rules match the phrases: what is missing is added, what is ours and stale is deleted, others' are left alone."""
    try:
        rules = stream.get_rules().get("data") or []
        stale = [rule["id"] for rule in rules if str(rule.get("tag", "")).startswith(TAG) and rule["value"] not in track]
        if stale:
            stream.delete_rules(stale)
        present = [rule["value"] for rule in rules]
        missing = [tweepy.StreamRule(phrase, tag=TAG + phrase) for phrase in track if phrase not in present]
        errors = stream.add_rules(missing).get("errors") if missing else None
    except tweepy.HTTPException as error:
        raise stream.account.refusal(error.response, "X's stream rules") or unreachable(error, "X's stream rules") from None
    except requests.RequestException as error:
        raise unreachable(error, "X's stream rules") from None
    if errors:
        reason = errors[0].get("detail") or errors[0].get("title")
        raise ConfigError(f"X does not accept a rule: {printable(reason)}", "--track", "mend the phrase")


class _Stream(tweepy.StreamingClient):  # type: ignore[misc]
    """tweepy's stream in its own thread, its lines in a bounded queue; a PipelineError in the queue is the end."""

    def __init__(self, account: Account) -> None:
        super().__init__(account.token, return_type=dict, daemon=True, max_retries=HTTP_ERRORS)
        self.account = account
        self.lines: Queue[bytes | PipelineError] = Queue(QUEUED_LINES)
        self._failure: PipelineError | None = None
        self._stopping = threading.Event()
        self._connected_at = float("-inf")
        self._errors_in_a_row = 0
        self._answer = requests.Response()
        account.attach(self.session)
        self.session.hooks["response"].append(self._remember)

    def stop(self) -> None:
        """Let go of the stream; tweepy's thread notices at the next line and ends with the process at the latest."""
        self._stopping.set()
        self.disconnect()

    def on_data(self, raw_data: bytes) -> None:
        if raw_data.startswith(b'{"errors"'):  # X announces that it is about to disconnect
            log.warning("X's stream: %s", printable(raw_data.decode(errors="replace")))
            return
        self.lines.put(raw_data)

    def on_connect(self) -> None:
        self._connected_at = time.monotonic()
        self._errors_in_a_row = 0

    def on_closed(self, _response: requests.Response) -> None:
        self._pause()

    def on_connection_error(self) -> None:
        self._errors_in_a_row += 1
        if self._errors_in_a_row > CONNECTION_ERRORS:
            self.running = False
        else:
            self._pause()

    def on_request_error(self, status_code: int) -> None:
        self._failure = self.account.refusal(self._answer, _DOING)
        if self._failure is not None:
            self.running = False
        else:
            log.warning("X's stream answers %d, trying again", status_code)

    def on_exception(self, exception: Exception) -> None:
        self._failure = unreachable(exception, _DOING)

    def on_disconnect(self) -> None:
        if not self._stopping.is_set():
            self.lines.put(self._failure or ServiceUnreachable("X's stream stays away", _DOING, "try again later"))

    def _pause(self) -> None:
        """tweepy would reconnect at once, and again at once: keep the connects as far apart as X wants them."""
        early_s = self._connected_at + SECONDS_BETWEEN_CONNECTS - time.monotonic()
        if early_s > 0:
            log.warning("X's stream broke off, connecting again in %.0f s", early_s)
            self._stopping.wait(early_s)

    def _remember(self, response: requests.Response, *_args: Any, **_options: Any) -> None:
        """tweepy tells its hooks the status only; the reason is in the answer."""
        self._answer = response
