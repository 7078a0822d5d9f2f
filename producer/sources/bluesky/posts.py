"""Posts of Bluesky as its Jetstream sends them: each frame is one post or one deletion, its bytes
untouched. Needs no key."""

import logging
import time
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection

from config.errors import ConfigError, ServiceUnreachable
from producer.sources import Record, Records, State
from producer.sources.bluesky.filter import Wanted
from producer.sources.bluesky.jetstream import (
    V2,
    CursorTooOld,
    Event,
    Notice,
    Place,
    Refused,
    Server,
    event_of,
    servers,
    subscribe,
)

SAY_SILENCE_S = 5.0
# Bluesky has many posts per second: this long without one means that the host has stopped
SILENCE_S = 30.0
# events that are remembered, to drop repeats: more than Bluesky has in the five minutes that are
# asked for again
REMEMBERED = 60_000
# when the first event is younger than our last one by more than this, something is missing
GAP_S = 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
TOO_MANY = "refuses with 429"
ROUNDS_AT_START = 2  # over all hosts, until one has answered for the first time

log = logging.getLogger("producer")


class _Arrived(NamedTuple):
    """A frame: what to hand on, where that is, and whether it is wanted. One that cannot be
    understood has no place."""

    record: Record
    place: Place | None = None
    wanted: bool = True


def tweets(urls: str, wanted: Wanted, position: str, state: State) -> Records:
    """One record per post or deletion, without end; reconnects by itself, to the next of the
    servers.

    Raises ConfigError at once for what is not an address, later when every server refuses;
    ServiceUnreachable when none ever answers.
    """
    place = Place.of(position)
    known = sorted(servers(urls), key=lambda server: (server.wire != V2, server.host != place.host))
    return _Reader(known, wanted, place, state).records()


class _Reader:
    """All connections of a run, one after the other. A server that fails is left for the next, v2
    comes before v1."""

    def __init__(self, known: list[Server], wanted: Wanted, place: Place, state: State) -> None:
        self._servers, self._wanted, self._place, self._state = known, wanted, place, state
        self._last_of_earlier_run = place
        self._known: dict[str, None] = {}  # in the order of arrival
        self._failed: dict[Server, str] = {}  # since something new came, and why
        self._failures, self._answered = 0, False

    def records(self) -> Records:
        while True:
            server = next(one for one in self._servers if one not in self._failed)
            try:
                with subscribe(
                    server, self._place.cursor(server), self._wanted.deletions
                ) as socket:
                    self._answered, self._state.now = True, f"connected to {server}"
                    yield from self._new(self._behind(self._arriving(socket, server), server))
            except CursorTooOld as error:
                self._ask_by_time(server, error)
            except Refused as error:
                self._leave(server, f"refuses with {error}", at_once=True)
            except (OSError, WebSocketException) as error:
                self._leave(server, str(error) or type(error).__name__)

    def _ask_by_time(self, server: Server, error: CursorTooOld) -> None:
        """The number means nothing there: what the server has begins later, or under other numbers.
        See `_look_for_gap`."""
        if not self._place.seq:
            return self._leave(server, str(error))
        log.warning(
            "bluesky: %s does not continue at event %d, asking by time", server, self._place.seq
        )
        self._place = self._place._replace(seq=0)
        return None

    def _leave(self, server: Server, reason: str, at_once: bool = False) -> None:
        """Go to the next server: after a pause, or at once while there is one that has not failed
        yet.

        Raises ConfigError when all refuse for good, ServiceUnreachable when none has answered in
        the first rounds.
        """
        self._failed[server] = reason
        self._servers = sorted(
            [*(one for one in self._servers if one != server), server],
            key=lambda one: one.wire != V2,
        )
        told = ", ".join(f"{one} {why}" for one, why in self._failed.items())
        if len(self._failed) == len(self._servers):
            if all(
                why.startswith("refuses with 4") and why != TOO_MANY
                for why in self._failed.values()
            ):
                raise ConfigError(
                    f"every Jetstream refuses: {told}",
                    "--jetstream-url",
                    "check the addresses, or leave it out",
                )
            self._failed.clear()
            at_once = False
        self._failures += not at_once
        if not self._answered and self._failures >= ROUNDS_AT_START * len(
            {one.host for one in self._servers}
        ):
            raise ServiceUnreachable(
                f"no Jetstream answers: {told}",
                "--jetstream-url",
                "check the network and the addresses",
            )
        seconds = 0 if at_once else min(FIRST_PAUSE_S * 2 ** (self._failures - 1), LONGEST_PAUSE_S)
        following = next(one for one in self._servers if one not in self._failed)
        self._state.now = f"{server} {reason}; {following} next, in {seconds:.0f} s"
        log.warning("bluesky: %s", self._state.now)
        self._state.reconnects += not at_once
        time.sleep(seconds)

    def _arriving(self, socket: ClientConnection, server: Server) -> Iterator[_Arrived]:
        """The connection's posts and deletions; raises OSError, WebSocketException or CursorTooOld
        at its end."""
        first = True
        while True:
            frame = self._frame(socket, server)
            try:
                event = event_of(frame, server.wire)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                # published all the same: the jobs show it among the rejected
                yield _Arrived(Record(None, frame))
                continue
            if isinstance(event, Notice):
                log.warning("bluesky: %s says %s: %s", server, event.name, event.message)
                # its numbers are not those we know: it has begun a new archive
                if event.name == "FutureCursor":
                    raise CursorTooOld
            elif event is not None:
                if first:
                    self._look_for_gap(event, server)
                first = False
                place = Place(server.wire, event.seq, event.time_us, server.host, event.name)
                yield _Arrived(event.record, place, self._wanted.has(event))

    def _frame(self, socket: ClientConnection, server: Server) -> bytes:
        """The next frame; says when the host is silent. Raises TimeoutError when it stays so."""
        silent_s = 0.0
        while True:
            try:
                frame = bytes(
                    socket.recv(timeout=min(SAY_SILENCE_S, SILENCE_S - silent_s), decode=False)
                )
            except TimeoutError:
                silent_s += SAY_SILENCE_S
                if silent_s >= SILENCE_S:
                    raise TimeoutError(f"is connected, but silent for {SILENCE_S:.0f} s") from None
                self._state.now = f"connected to {server}, silent for {silent_s:.0f} s"
                continue
            if silent_s:
                self._state.now = f"connected to {server}"
            return frame

    def _look_for_gap(self, first: Event, server: Server) -> None:
        """Every answer begins at or before the place asked for, unless the server no longer has
        that: v1 does not say so."""
        if not self._place.time_us:
            return
        missing_s = (first.time_us - self._place.time_us) / 1e6
        if missing_s > GAP_S:
            self._state.gaps += 1
            self._state.gap_s += missing_s
            begin, end = (
                time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at / 1e6))
                for at in (self._place.time_us, first.time_us)
            )
            log.warning(
                "bluesky: a gap: %s has nothing from %s to %s, posts are missing (%.0f s)",
                server,
                begin,
                end,
                missing_s,
            )

    def _behind(self, arriving: Iterator[_Arrived], server: Server) -> Iterator[_Arrived]:
        """What comes behind the event that the last run ended with; everything when that one does
        not come again.

        One host sends its events in the same order again: what comes before that event was handed
        over then. Until it comes, or something younger does, nothing is decided, and so nothing
        handed over.
        """
        held: list[_Arrived] = []
        for arrived in arriving:
            last, place = self._last_of_earlier_run, arrived.place
            held.append(arrived)
            if last.event and last.is_of(server):
                if place is None or place.time_us <= last.time_us and place.event != last.event:
                    continue
                if place.event == last.event:
                    self._state.repeats += sum(one.wanted for one in held)
                    held.clear()
            self._last_of_earlier_run = Place()
            yield from held
            held.clear()

    def _new(self, arriving: Iterator[_Arrived]) -> Records:
        """The wanted records, without those that this run has had before."""
        for record, place, wanted in arriving:
            if place is None:
                yield record
                continue
            if place.event in self._known:
                self._state.repeats += wanted
                continue
            self._failures, self._place = 0, place
            self._failed.clear()
            self._known[place.event] = None
            if len(self._known) > REMEMBERED:
                del self._known[next(iter(self._known))]
            if wanted:
                yield record._replace(position=str(place))
