"""Posts as X's filtered stream sends them: each line is one post, its bytes untouched; gaps are
filled by search."""

import logging
from queue import Empty, Queue

from config.errors import QuotaExceeded, ServiceUnreachable
from producer.sources import Record, Records, State
from producer.sources.x.connection import DOING, Connected, Connection, Ended, Event, Events, Filled
from producer.sources.x.gaps import AGAIN_MOST_S, AGAIN_S, Filler, Gap, after_a_pause
from producer.sources.x.ids import id_at
from producer.sources.x.kept import Kept
from producer.sources.x.purse import Purse
from producer.sources.x.reconnects import Reconnects
from producer.sources.x.rules import Rule, Rules
from producer.sources.x.wire import Account

QUEUED = 1_000
# how often to look for what is due, and to write down that the stream is whole
LOOK_S, KEEP_S = 0.5, 10.0

log = logging.getLogger("producer")


def tweets(
    account: Account,
    want: list[Rule],
    replace: bool,
    purse: Purse,
    state: State,
    kept: Kept,
    longest_gap_s: float,
) -> Records:
    """One record per post that matches one of the account's rules, until the purse is empty;
    reconnects within X's limits.

    `replace` deletes rules of others too. `kept.position` is the newest post up to which all had
    been handed over; what came since is searched for, back to a little before it, so the posts of
    those seconds come again. A gap in which X was silent for more than `longest_gap_s` seconds is
    named with its price, and not fetched. Raises CredentialsError, QuotaExceeded or ConfigError
    when X refuses, ServiceUnreachable when it was never there.
    """
    return _Stream(account, want, replace, purse, state, kept, longest_gap_s).records()


class _Stream:
    """One connection after the other, their events in one queue. Only `records` writes what is
    here."""

    def __init__(
        self,
        account: Account,
        want: list[Rule],
        replace: bool,
        purse: Purse,
        state: State,
        kept: Kept,
        longest_gap_s: float,
    ) -> None:
        self._account, self._want, self._replace = account, want, replace
        self._purse, self._state = purse, state
        self._rules, self._kept = Rules(account, state), kept
        self._active: list[Rule] = []
        self._events: Events = Queue(QUEUED)
        self._reconnects = Reconnects()
        # every post up to this id has been handed over, but for the gaps
        self._newest = int(kept.position or 0)
        # open ones, oldest first; while there is one no record has a position
        self._gaps: list[Gap] = []
        self._filler = Filler(account, purse, state, self._events, longest_gap_s)
        self._alive = kept.alive  # X's time at its last sign of life, over all connections
        self._paused = self._broken = bool(kept.position or kept.alive)
        self._without_rules = False
        self._connection: Connection | None = None

    def records(self) -> Records:
        """See `tweets`."""
        try:
            self._connect()
            while self._connection is not None:
                event = self._next()
                if isinstance(event, Record):
                    yield self._positioned(event)
                elif isinstance(event, Connected):
                    self._on_connected()
                elif isinstance(event, Filled):
                    self._on_filled(event)
                elif isinstance(event, Ended):
                    self._on_ended(event)
        finally:
            if self._connection is not None and not self._gaps and not self._broken:
                self._kept.whole(self._connection.alive)
            # tweepy's thread notices at the next line, and ends with the process at the latest
            if self._connection is not None:
                self._connection.disconnect()
            self._kept.settle()

    def _connect(self) -> None:
        """Open a connection, or none where not even one more post can be paid."""
        self._connection = None
        if self._purse.affordable() < 1:
            self._state.now = "the limit is reached"
            return
        if not self._active:
            self._rules.carry_out(self._rules.plan(self._want, self._replace))
            self._active = self._rules.present()
        if not self._paused and not self._newest:
            self._alive = self._account.now()
            self._newest = id_at(self._alive)
        self._state.now = "connecting"
        self._connection = Connection(self._account, self._purse, self._events)

    def _next(self) -> Event | None:
        """The next event; None after LOOK_S without one. Begins to fill the gap that is due, writes
        down what is whole."""
        if self._gaps and not self._filler.at_work and self._account.now() >= self._gaps[0].due:
            self._gaps[0].due = float("inf")
            self._filler.start(self._gaps[0], list(self._active))
        alive = self._connection.alive if self._connection else 0.0
        if alive and not self._gaps and not self._broken:
            self._alive = alive
            if alive > self._kept.alive + KEEP_S:
                self._kept.whole(alive)
        try:
            return self._events.get(timeout=LOOK_S)
        except Empty:
            return None

    def _positioned(self, record: Record) -> Record:
        """The record, with its position where no gap is open before it."""
        if record.id is None or not record.id.isdigit():
            return record
        self._newest = max(self._newest, int(record.id))
        return (
            record if self._gaps else record._replace(position=self._kept.marked(str(self._newest)))
        )

    def _on_connected(self) -> None:
        self._reconnects.connected()
        self._without_rules = False
        self._state.now = "connected"
        now = self._account.now()
        if self._paused:
            self._gaps = after_a_pause(
                self._newest or id_at(self._alive), self._kept.skipped, self._alive, now
            )
        elif self._broken:
            self._gaps.append(Gap(self._newest, id_at(now), now - self._alive))
        self._paused = self._broken = False

    def _on_ended(self, ended: Ended) -> None:
        """Wait as X's rules want it, and connect again. Raises what makes another attempt
        useless."""
        self._broken = True
        if self._connection is not None and self._connection.alive:
            self._alive = self._connection.alive
        if self._purse.affordable() >= 1:
            self._wait(ended)
        self._connect()

    def _wait(self, ended: Ended) -> None:
        if ended.no_rules and not self._without_rules:
            # another program deleted them: they are added again, once
            self._without_rules, self._active = True, []
        elif ended.error is not None:
            raise ended.error
        pause_s = self._reconnects.pause_s(ended.backoff, ended.reset_in_s, ended.answered)
        if pause_s is None:
            remedy = (
                "stop the other program, or free the stream by DELETE /2/connections/all"
                if "TooMany" in ended.why
                else ""
            )
            raise ServiceUnreachable(
                f"X's stream stays away: {ended.why}", DOING, remedy or "start again later"
            )
        self._state.reconnects += 1
        self._state.now = f"{ended.why}, connecting again in {pause_s:g} s"
        log.warning("X's stream: %s", self._state.now)
        self._account.pause(pause_s)

    def _on_filled(self, filled: Filled) -> None:
        """Close the oldest gap, or have it tried again later."""
        gap = self._gaps[0]
        if isinstance(filled.error, QuotaExceeded):
            raise filled.error
        if filled.error is not None:
            pause_s = min(AGAIN_S * 2**gap.tries, AGAIN_MOST_S)
            gap.tries += 1
            gap.due = self._account.now() + pause_s
            log.warning(
                "%s; the gap stays open and is tried again in %.0f s", filled.error, pause_s
            )
        else:
            self._gaps.pop(0)
            self._newest = max(self._newest, gap.until_id)
            if filled.skipped:
                self._kept.skip(gap.since_id, gap.until_id)
            else:
                log.warning("%s is filled", gap)
        # the search has spent the rest
        if self._purse.affordable() < 1 and self._connection is not None:
            self._connection.disconnect()
