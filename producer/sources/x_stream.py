"""Posts as X's filtered stream sends them: each line is one post, its bytes untouched; gaps are filled by search."""

import logging
import threading
import time
from queue import Empty, Queue

from config.errors import ConfigError, CredentialsError, PipelineError, QuotaExceeded, ServiceUnreachable
from producer.sources import Record, Records, State
from producer.sources.x_connection import DOING, Connected, Connection, Ended, Events, Filled
from producer.sources.x_ids import id_at, searchable, seconds_of
from producer.sources.x_pages import Search
from producer.sources.x_purse import Purse
from producer.sources.x_query import QUERY_CHARACTERS, Query
from producer.sources.x_reconnects import Reconnects
from producer.sources.x_rules import Rule, Rules
from producer.sources.x_wire import Account

QUEUED = 1_000
FILL_AFTER_S = 10.0  # the search finds a post some seconds later than the stream has it
FILL_AGAIN_S = 60.0
OVERLAP = 10_000 << 22  # 10 s of ids: how far out of order the stream may be; its 99th percentile of latency is 7 s

log = logging.getLogger("producer")


def tweets(account: Account, want: list[Rule], replace: bool, purse: Purse, state: State, position: str = "") -> Records:
    """One record a post that matches one of the account's rules, until the purse is empty; reconnects within X's limits.

    `replace` deletes rules of others too. `position` is the newest post up to which all had been handed over; what came since
    is searched for, back to a little before it, so the posts of those seconds come again.
    Raises CredentialsError, QuotaExceeded or ConfigError when X refuses, ServiceUnreachable when it stays away.
    """
    return _Stream(account, want, replace, purse, state, position).records()


class _Stream:
    """One connection after the other, their events in one queue. Only `records` writes what is here."""

    def __init__(self, account: Account, want: list[Rule], replace: bool, purse: Purse, state: State, position: str) -> None:
        self._account, self._want, self._replace, self._purse, self._state = account, want, replace, purse, state
        self._rules = Rules(account, state)
        self._active: list[Rule] = []
        self._events: Events = Queue(QUEUED)
        self._reconnects = Reconnects()
        self._whole_to = int(position or 0)  # every post up to this id has been handed over
        self._newest = self._whole_to
        self._gap = int(bool(position))  # number of the open gap; 0 is none
        self._gaps = self._gap
        self._fill_at = float("inf")
        self._filler: threading.Thread | None = None
        self._without_rules = False

    def records(self) -> Records:
        """See `tweets`."""
        connection = self._connect()
        try:
            while True:
                event = self._next()
                if isinstance(event, Record):
                    yield self._positioned(event)
                elif isinstance(event, Connected):
                    self._on_connected()
                elif isinstance(event, Filled):
                    self._on_filled(event)
                    if self._purse.affordable() < 1:  # the search has spent the rest
                        connection.disconnect()
                elif isinstance(event, Ended):
                    if self._purse.affordable() < 1:
                        self._state.now = "the limit is reached"
                        return
                    self._on_ended(event)
                    connection = self._connect()
        finally:
            connection.disconnect()  # tweepy's thread notices at the next line, and ends with the process at the latest

    def _connect(self) -> Connection:
        if not self._active:
            self._rules.carry_out(self._rules.plan(self._want, self._replace))
            self._active = self._rules.present()
            self._whole_to = self._whole_to or id_at(time.time())
        self._state.now = "connecting"
        return Connection(self._account, self._purse, self._events)

    def _next(self) -> Record | Connected | Ended | Filled | None:
        """The next event; None when it was time to begin to fill a gap instead."""
        try:
            due_s = self._fill_at - time.monotonic()
            return self._events.get(timeout=None if due_s == float("inf") else max(due_s, 0.001))
        except Empty:
            self._fill()
            return None

    def _positioned(self, record: Record) -> Record:
        """The record, with its position where no gap is open before it."""
        if record.id is None or not record.id.isdigit():
            return record
        self._newest = max(self._newest, int(record.id))
        if self._gap:
            return record
        self._whole_to = self._newest
        return record._replace(position=str(self._newest))

    def _on_connected(self) -> None:
        self._reconnects.connected()
        self._without_rules = False
        self._state.now = "connected"
        if self._gap:
            self._fill_at = time.monotonic() + FILL_AFTER_S

    def _on_ended(self, ended: Ended) -> None:
        """Wait as X's rules want it. Raises what makes another attempt useless."""
        if ended.no_rules and not self._without_rules:
            self._without_rules, self._active = True, []  # somebody deleted them: once, they are added again
        elif ended.error is not None:
            raise ended.error
        pause_s = self._reconnects.pause_s(ended.rule, ended.reset_in_s, ended.answered)
        if pause_s is None:
            remedy = "stop the other program, or free the stream by DELETE /2/connections/all" if "TooMany" in ended.why else ""
            raise ServiceUnreachable(f"X's stream stays away: {ended.why}", DOING, remedy or "start again later")
        self._gaps += 1
        self._gap, self._fill_at = self._gaps, float("inf")
        self._state.reconnects += 1
        self._state.now = f"{ended.why}, connecting again in {pause_s:g} s"
        log.warning("X's stream: %s", self._state.now)
        self._account.pause(pause_s)

    def _fill(self) -> None:
        """Search for what the stream has missed, in a thread: the stream has to be read on."""
        self._fill_at = float("inf")
        if self._filler is not None and self._filler.is_alive():
            self._fill_at = time.monotonic() + 1.0
            return
        since_id = str(max(self._whole_to - OVERLAP, 0))
        if not searchable(since_id):
            log.warning("the gap begins before the 7 days that X's search reaches back; what is older is not fetched")
        self._filler = threading.Thread(
            target=self._search, args=(self._gap, since_id, list(self._active)), name="gap", daemon=True
        )
        self._filler.start()

    def _search(self, number: int, since_id: str, rules: list[Rule]) -> None:
        search, error = Search(self._account, self._purse, State()), None
        for rule in rules:
            if len(rule.value) > QUERY_CHARACTERS:
                log.warning("a gap cannot be filled for a rule of more than %d characters: %s", QUERY_CHARACTERS, rule.tag)
                continue
            try:
                for page in search.pages(Query(rule.value), since_id, [{"id": rule.id, "tag": rule.tag}]):
                    for record in page.records:
                        self._state.backfilled += 1
                        self._events.put(record)
            except (ConfigError, CredentialsError) as refused:  # for the search; the stream may go on
                log.warning("the gap is not filled for the rule %s: %s", rule.tag, refused)
            except PipelineError as failed:
                error = failed
                break
        self._events.put(Filled(number, error))

    def _on_filled(self, filled: Filled) -> None:
        if isinstance(filled.error, QuotaExceeded):
            raise filled.error
        if filled.number != self._gap:
            return  # there is a newer gap, and its search begins where this one began
        if filled.error is not None:
            self._fill_at = time.monotonic() + FILL_AGAIN_S
            return
        self._gap = 0
        log.warning("the gap since %s is filled", time.strftime("%H:%M:%S", time.gmtime(seconds_of(str(self._whole_to)))))
        self._whole_to = self._newest = max(self._newest, self._whole_to)
