"""One run: records go from the source into the spool or the backlog, and from there to Kafka; the
run counts them."""

import sys
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path

from config import settings
from producer.figures import Figures
from producer.opening import open_source, question, spool_folder
from producer.publishing import access
from producer.publishing.ledger import Ledger
from producer.publishing.publisher import Publisher
from producer.publishing.sending import Sender
from producer.publishing.tally import Tally
from producer.report import Report
from producer.sources import State
from producer.sources.pace import paced
from producer.spool.backlog import Backlog
from producer.spool.spool import Spool
from producer.stopping import Interrupt

DRAIN_S = 10.0  # after a signal or an error; the spool keeps the rest
POLL_S = 0.1


def records_of(chosen: settings.Settings) -> Spool | Backlog:
    """The place where records wait for Kafka: the spool that the settings name, or memory.
    Raises what `Spool` raises."""
    if chosen.spool == "none":
        return Backlog()
    owner = spool_owner(chosen.source, chosen.topic, chosen.bootstrap)
    return Spool(
        Path(chosen.spool),
        owner,
        chosen.spool_max_bytes,
        question(chosen),
        chosen.spool_min_free_bytes,
    )


def spool_owner(source: str, topic: str, bootstrap: str) -> str:
    """Names the owner of a spool's records: one source, one topic, one cluster."""
    return f"{source} for {topic} on {','.join(sorted(bootstrap.split(',')))}"


class Run:
    """Opens the spool, the source and the sender. Raises PipelineError for what cannot work."""

    def __init__(self, chosen: settings.Settings, interrupt: Interrupt) -> None:
        self._chosen, self._interrupt = chosen, interrupt
        self._read, self._stopped_by, self._begin = 0, "", time.monotonic()
        self._login = access.properties(chosen)
        self._state, self._records = State(), records_of(chosen)
        self._spooled = isinstance(self._records, Spool)
        aside = (
            self._records.folder / "rejected.jsonl" if isinstance(self._records, Spool) else None
        )
        self._tally = Tally(
            chosen.topic,
            Ledger(chosen.ledger) if chosen.ledger else None,
            aside,
            patient=self._spooled,
        )
        self._source = open_source(
            chosen,
            self._state,
            self._records.position,
            spool_folder(chosen),
            (lambda: self._read - self._records.unwritten) if self._spooled else None,
        )
        self._sender = Sender(self._records, self._connect, interrupt.end)

    def _connect(self) -> Publisher:
        return Publisher(
            self._chosen.bootstrap,
            self._chosen.topic,
            self._tally,
            forever=self._spooled,
            login=self._login,
        )

    def go(self) -> None:
        """Publish what the source gives until it ends, `max_posts` are read or a signal comes; then
        wait for Kafka.

        Raises what ended the source or the sender, once everything is settled or on the disk.
        """
        outcome = "error"
        try:
            self._hand_over()
            limit = self._chosen.max_posts and self._read == self._chosen.max_posts
            outcome = "max_posts" if limit else "signal" if self._interrupt.asked else "end"
        finally:
            self._drain(in_haste=outcome == "error")
            self._stopped_by = "error" if self._sender.error else outcome
        if self._sender.error:
            raise self._sender.error

    def _hand_over(self) -> None:
        records, sender, interrupt = self._records, self._sender, self._interrupt
        given = islice(paced(iter(self._source), self._chosen.rate), self._chosen.max_posts or None)
        for id, value, position in interrupt.until_asked(given):
            records.append(id.encode() if id is not None else None, value, position)
            self._read += 1
            while not (records.has_room or interrupt.asked or sender.error):
                records.wait_for_room(POLL_S)
            if sender.error:
                return

    def _drain(self, in_haste: bool) -> None:
        """Wait until Kafka has everything, or the sender has ended; with a spool, at most DRAIN_S
        after a signal or an error."""
        end, records = 0.0, self._records
        while (records.waiting or records.unwritten) and not self._sender.error:
            if self._spooled and (self._interrupt.asked or in_haste):
                end = end or time.monotonic() + DRAIN_S
                if time.monotonic() > end:
                    break
            self._sender.wait(POLL_S)
        self._sender.stop()
        records.close()
        if hasattr(self._source, "close"):
            self._source.close()
        if self._tally.ledger:
            self._tally.ledger.close()

    def report(self) -> Report:
        """The figures so far."""
        state, tally, found = self._state, self._tally, self._records.found
        seconds = time.monotonic() - self._begin
        spooled = self._records.waiting if self._spooled else 0
        return Report(
            source=self._chosen.source,
            topic=self._chosen.topic,
            state=state.now,
            read=self._read,
            from_spool=found,
            acked=tally.acked,
            failed=self._read + found - tally.acked - tally.rejected - spooled
            if self._stopped_by
            else 0,
            rejected=tally.rejected,
            spooled=spooled,
            reconnects=state.reconnects,
            backfilled=state.backfilled,
            repeats=state.repeats,
            gaps=state.gaps,
            gap_seconds=round(state.gap_s, 1),
            skipped_empty_lines=getattr(self._source, "skipped", 0),
            bytes=tally.value_bytes,
            seconds=round(seconds, 3),
            records_per_second=round(tally.acked / seconds, 1) if seconds else 0.0,
            cost_usd=round(state.cost_usd, 3),
            stopped_by=self._stopped_by,
        )

    def trouble(self) -> str:
        """What keeps reading or records waiting."""
        return self._records.trouble or (self._sender.trouble if self.report().waiting else "")

    def figures(self) -> Figures:
        """The figures so far as metrics."""
        return Figures(self.report, self.trouble, lambda: self._records.full_ratio)

    def say_what_waits(self) -> None:
        """After the end: say what is still in the spool."""
        if isinstance(self._records, Spool) and self._records.waiting:
            with suppress(OSError):  # a closed standard error is no failure: the report says it too
                print(
                    f"{self._records.waiting} records wait in {self._records.folder}: the next "
                    "start sends them",
                    file=sys.stderr,
                )
