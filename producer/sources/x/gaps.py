"""Gaps of X's stream: from the last post before the break to the reconnect, fetched by search or
named with their price."""

import logging
import threading
import time
from dataclasses import dataclass

from config.errors import ConfigError, CredentialsError, PipelineError
from producer.sources import State
from producer.sources.x.connection import DOING, Events, Filled
from producer.sources.x.counts import count
from producer.sources.x.ids import SEARCHABLE_S, id_at, seconds_of
from producer.sources.x.pages import Search
from producer.sources.x.purse import Purse
from producer.sources.x.query import KNOWN_AFTER_S, QUERY_CHARACTERS
from producer.sources.x.rules import Rule
from producer.sources.x.wire import Account

# 10 s of ids: how far out of order the stream may be; its 99th percentile of latency is 7 s
OVERLAP = 10_000 << 22
# 5 s of ids: what is posted so soon after the reconnect may not be in the stream yet
LATE = 5_000 << 22
AGAIN_S, AGAIN_MOST_S = 60.0, 900.0

log = logging.getLogger("producer")


@dataclass
class Gap:
    """Posts with ids in (`since_id`, `until_id`) are missing; X was silent for `silent_s`. Not to
    be searched before `due`."""

    since_id: int
    until_id: int
    silent_s: float
    due: float = 0.0
    tries: int = 0

    def __post_init__(self) -> None:
        self.due = self.due or seconds_of(self.until_id + LATE) + KNOWN_AFTER_S

    def __str__(self) -> str:
        begin, end = (
            time.strftime("%d %b %H:%M:%S", time.gmtime(seconds_of(id)))
            for id in (self.since_id, self.until_id)
        )
        return f"the gap from {begin} to {end} UTC"


def after_a_pause(
    since_id: int, skipped: list[tuple[int, int]], alive: float, now: float
) -> list[Gap]:
    """The gaps between `since_id` and `now`, but what is `skipped` already. `alive` is when the
    stream was last known whole.

    Only the last one counts as silence: before it X was heard.
    """
    gaps, begin = [], since_id
    for skipped_since, skipped_until in sorted(skipped):
        if skipped_until > begin:
            if skipped_since > begin:
                gaps.append(Gap(begin, skipped_since, 0.0))
            begin = skipped_until
    return [*gaps, Gap(begin, id_at(now), now - max(alive, seconds_of(begin)))]


class Filler:
    """Closes one gap at a time, in a thread of its own, because the stream must be read meanwhile.
    Puts the records and one Filled into `events`."""

    def __init__(
        self, account: Account, purse: Purse, state: State, events: Events, longest_s: float
    ) -> None:
        self._account, self._purse, self._state, self._events, self._longest_s = (
            account,
            purse,
            state,
            events,
            longest_s,
        )
        self._thread: threading.Thread | None = None

    @property
    def at_work(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, gap: Gap, rules: list[Rule]) -> None:
        """Begin to close this gap."""
        self._thread = threading.Thread(
            target=self._run, args=(gap, rules), name="gap", daemon=True
        )
        self._thread.start()

    def _run(self, gap: Gap, rules: list[Rule]) -> None:
        skipped, error = gap.silent_s > self._longest_s, None
        try:
            self._name(gap, rules) if skipped else self._fetch(gap, rules)
        except PipelineError as failed:
            error = failed
        # a thread that dies silently would leave the gap open for ever
        except Exception as unforeseen:
            log.exception("%s", gap)
            error = PipelineError(
                f"{gap} cannot be filled ({type(unforeseen).__name__})",
                DOING,
                "a defect: please report it",
            )
        self._events.put(Filled(skipped, error))

    def _name(self, gap: Gap, rules: list[Rule]) -> None:
        """Say how many posts are missing and what they cost; fetch none."""
        posts, why = 0, f"is not fetched: it is longer than --fill-gaps ({self._longest_s:.0f} s)"
        for rule in _searchable(rules, gap):
            try:
                posts += count(self._account, rule.value, gap.since_id, gap.until_id)
            except (ConfigError, CredentialsError) as refused:
                log.warning("%s %s; how many posts it has X does not tell: %s", gap, why, refused)
                return
            self._purse.counted()
        usd, most_usd = self._purse.prices.of(posts)
        log.warning(
            "%s %s; it has %d posts: %.2f USD, at most %.2f with authors and quoted posts. "
            "--fill-gaps 7d fetches such gaps",
            *(gap, why, posts, usd, most_usd),
        )

    def _fetch(self, gap: Gap, rules: list[Rule]) -> None:
        if seconds_of(gap.since_id) < self._account.now() - SEARCHABLE_S:
            log.warning(
                "%s begins before the 7 days that X's search reaches back; what is older is not "
                "fetched",
                gap,
            )
        search = Search(self._account, self._purse, State())
        for rule in _searchable(rules, gap):
            paid = False
            try:
                matching = [{"id": rule.id, "tag": rule.tag}]
                for page in search.pages(
                    rule.value, max(gap.since_id - OVERLAP, 0), gap.until_id + LATE, matching
                ):
                    paid = page.last
                    for record in page.records:
                        self._state.backfilled += 1
                        self._events.put(record)
            # for the search; the stream may continue
            except (ConfigError, CredentialsError) as refused:
                log.warning("%s is not filled for the rule %s: %s", gap, rule.tag, refused)
                continue
            if not paid:
                raise PipelineError(
                    f"{gap} is not filled: the limit of costs or posts is reached",
                    DOING,
                    "raise --max-cost",
                )


def _searchable(rules: list[Rule], gap: Gap) -> list[Rule]:
    """Those that X's search takes; says which it does not."""
    for rule in rules:
        if len(rule.value) > QUERY_CHARACTERS:
            log.warning(
                "%s cannot be filled for a rule of more than %d characters: %s",
                gap,
                QUERY_CHARACTERS,
                rule.tag,
            )
    return [rule for rule in rules if len(rule.value) <= QUERY_CHARACTERS]
