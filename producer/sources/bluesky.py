"""Posts of Bluesky as its Jetstream sends them: each frame is one post or one deletion, its bytes untouched. Needs no key.

The wire is that of https://github.com/bluesky-social/jetstream, without compression.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from config.errors import ConfigError, ServiceUnreachable
from producer.sources import Record, Records, State
from producer.sources.identity import record_of

POSTS = "app.bsky.feed.post"
SILENCE_S = 30.0  # Bluesky has many posts a second: so long without any means that the connection is dead
OPEN_S = 10.0
BACK_US = 5_000_000  # another host may have the same events a little later: go on a little before where we were
REMEMBERED = 20_000  # events, for what comes twice; a multiple of what Bluesky has in BACK_US
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
ROUNDS_AT_START = 2  # over all hosts, until one has answered for the first time
LARGEST_EVENT_BYTES = 1_000_000  # asked of the server, which leaves larger ones out


class _Post(Struct):
    text: str = ""
    langs: list[str] | None = None


class _Commit(Struct):
    rev: str = ""
    operation: str = ""
    collection: str = ""
    record: _Post | None = None


class _Event(Struct):
    """What we look at in a frame; the rest goes on unread."""

    time_us: int = 0
    commit: _Commit | None = None


_decode = msgspec.json.Decoder(_Event).decode


@dataclass(frozen=True)
class Wanted:
    """Which posts: those with one of the keywords (any, without regard to case) and in the language (any). Deletions always are.

    A deletion says nothing of the post but its id, and whoever keeps the post has to hear of it.
    """

    keywords: tuple[str, ...] = ()
    lang: str = ""

    def has(self, commit: _Commit) -> bool:
        """Whether this commit is to be handed on."""
        if commit.operation == "delete" or commit.record is None:
            return True
        langs = [lang.lower().partition("-")[0] for lang in commit.record.langs or ()]
        if self.lang and self.lang.lower() not in langs:
            return False
        text = commit.record.text.casefold()
        return not self.keywords or any(keyword in text for keyword in self.keywords)


def wanted(keywords: str, lang: str) -> Wanted:
    """The filter that `--keywords "coffee,climate change"` and `--lang en` mean."""
    return Wanted(tuple(word.strip().casefold() for word in keywords.split(",") if word.strip()), lang.strip())


class _Place(NamedTuple):
    """Where reading stands: behind an event of one host. As a position: time, host and the event's name, separated by blanks."""

    time_us: int = 0
    host: str = ""
    event: str = ""

    @classmethod
    def of(cls, position: str) -> "_Place":
        """What cannot be understood is no place: then reading begins with what is new."""
        parts = position.split(" ", 2)
        return cls(int(parts[0]), parts[1], parts[2]) if len(parts) == 3 and parts[0].isdigit() else cls()

    def __str__(self) -> str:
        return f"{self.time_us} {self.host} {self.event}"


class _Arrived(NamedTuple):
    """A frame; `wanted` is whether it is to be handed on. One that cannot be understood has no place."""

    record: Record
    place: _Place = _Place()
    wanted: bool = True


def tweets(urls: str, wanted: Wanted, position: str, state: State) -> Records:
    """One record a post or deletion, without end; connects again by itself, to the next of the addresses.

    Raises ConfigError at once for what is no address, later when a server refuses; ServiceUnreachable when none ever answers.
    """
    addresses = [url.strip() for url in urls.split(",") if url.strip()]
    for address in addresses or [""]:
        if urlsplit(address).scheme not in ("ws", "wss") or not urlsplit(address).hostname:
            raise ConfigError(f"not an address of a Jetstream: {address!r}", "--jetstream-url", "give wss://HOST/subscribe")
    return _Reader(addresses, wanted, _Place.of(position), state).records()


class _Reader:
    """All connections of a run, one after the other."""

    def __init__(self, addresses: list[str], wanted: Wanted, place: _Place, state: State) -> None:
        self._addresses, self._wanted, self._place, self._state = addresses, wanted, place, state
        self._last_of_earlier_run = place
        self._known: dict[str, None] = {}  # in the order of arrival
        self._failures, self._answered = 0, False

    def records(self) -> Records:
        while True:
            address = self._addresses[self._failures % len(self._addresses)]
            try:
                with _connected(address, self._place.time_us) as socket:
                    self._answered, self._state.now = True, f"connected to {urlsplit(address).netloc}"
                    yield from self._new(self._behind(self._arriving(socket, urlsplit(address).netloc)))
            except (OSError, WebSocketException) as error:
                self._pause(urlsplit(address).netloc, error)

    def _pause(self, host: str, error: Exception) -> None:
        reason = "nothing came for a while" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        self._failures += 1
        if not self._answered and self._failures >= ROUNDS_AT_START * len(self._addresses):
            what = f"no Jetstream answers: {reason}"
            raise ServiceUnreachable(what, ", ".join(self._addresses), "check the network and --jetstream-url") from None
        seconds = min(FIRST_PAUSE_S * 2 ** (self._failures - 1), LONGEST_PAUSE_S)
        self._state.now = f"{host}: {reason}, connecting again in {seconds:.0f} s"
        self._state.reconnects += 1
        time.sleep(seconds)

    def _arriving(self, socket: ClientConnection, host: str) -> Iterator[_Arrived]:
        """The connection's posts and deletions; raises OSError or WebSocketException at its end."""
        while True:
            message = socket.recv(timeout=SILENCE_S, decode=False)
            frame = bytes(message)
            self._failures = 0
            try:
                event = _decode(frame)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                yield _Arrived(Record(None, frame))  # somebody should see it: it will be among the rejected
                continue
            commit = event.commit
            if commit is not None and commit.collection == POSTS:
                record = record_of(frame)
                place = _Place(max(event.time_us, 0), host, f"{record.id}/{commit.rev or commit.operation}")
                yield _Arrived(record, place, self._wanted.has(commit))

    def _behind(self, arriving: Iterator[_Arrived]) -> Iterator[_Arrived]:
        """What comes behind the event that the last run ended with; everything when that one does not come again.

        One host sends its events in the same order again: what comes before that event was handed over then. Until it comes, or
        something younger does, nothing is decided, and so nothing handed over.
        """
        held: list[_Arrived] = []
        for arrived in arriving:
            last, place = self._last_of_earlier_run, arrived.place
            held.append(arrived)
            if place.event and place == last:
                self._state.repeats += sum(one.wanted for one in held)
                held.clear()
            if not last.event or place.host != last.host or place.time_us >= last.time_us:
                self._last_of_earlier_run = _Place()
                yield from held
                held.clear()

    def _new(self, arriving: Iterator[_Arrived]) -> Records:
        """The wanted records, without those that this run has had before."""
        for record, place, wanted in arriving:
            if place.event and place.event in self._known:
                self._state.repeats += wanted
                continue
            if place.event:
                self._place = place
                self._known[place.event] = None
                if len(self._known) > REMEMBERED:
                    del self._known[next(iter(self._known))]
            if wanted:
                yield record._replace(position=str(place) if place.event else "")


def _connected(address: str, time_us: int) -> ClientConnection:
    """A subscription from a little before that time on; from now on where it is 0.

    Raises ConfigError when the server refuses, OSError or WebSocketException when there is no connection.
    """
    parameters: dict[str, str | int] = {"wantedCollections": POSTS, "maxMessageSizeBytes": LARGEST_EVENT_BYTES}
    if time_us:
        parameters["cursor"] = time_us - BACK_US
    local = urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1")
    try:
        return connect(
            f"{address}?{urlencode(parameters)}",
            compression=None,
            max_size=2 * LARGEST_EVENT_BYTES,
            open_timeout=OPEN_S,
            close_timeout=1,
            proxy=None if local else True,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        if 400 <= status < 500 and status != 429:
            raise ConfigError(f"the Jetstream refuses with {status}", address, "check --jetstream-url") from None
        raise
