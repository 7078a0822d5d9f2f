"""Batches become what they add to the store: sums by minute, cell, language and label, terms, and a
few examples. Pure: bytes in, numbers out."""

import gc
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import numpy as np

from consumers.output.manifests import Manifest, digest
from views.store import lines, words
from views.store.cells import cell_of
from views.store.levels import DAY, HOUR, MINUTE

LABELS = ("positive", "neutral", "negative")
NUMBERS = {label: number for number, label in enumerate(LABELS)}
SCALE = 10_000
"""Compounds have four decimals: as whole ten-thousandths their sums are exact."""
EXAMPLES = 5
"""For each cell and label the newest ones are kept."""
TERM_CHARACTERS, LANGUAGE_CHARACTERS = 100, 35
NOWHERE = 0
"""The cell of tweets without a place."""

_FIRST_TWEET = datetime(2006, 3, 21, tzinfo=timezone.utc).timestamp()


def seconds(moment: str) -> float:
    """An ISO time as seconds since 1970. Raises ValueError."""
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


@dataclass
class Folded:
    """One batch as the list of batches shows it."""

    manifest: Manifest
    sha256: str
    delays_ms: tuple[int, int]  # record -> published, median and 99th percentile
    newest_ms: int  # Kafka's time of the newest record


def collect_rarely() -> None:
    """For a process that folds much: it makes many small tuples and no circles, and Python's
    collector would walk through them after every 700."""
    gc.set_threshold(100_000)


@dataclass
class Digest:
    """What a run of batches adds; `batches` are in the order in which they were folded."""

    batches: list[Folded] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    # (minute, language, label): tweets, sum of compounds, at a point, in a place
    totals: defaultdict[tuple[int, str, int], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0])
    )
    # (minute, cell, language, label): tweets, sum of compounds
    cells: defaultdict[tuple[int, int, str, int], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0])
    )
    # (kind, minute, term): tweets, sum of compounds (of a word: times, sum of its valences)
    terms: defaultdict[tuple[str, int, str], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0])
    )
    examples: defaultdict[tuple[int, int], deque[lines.Line]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=EXAMPLES))
    )
    gone: set[str] = field(default_factory=set)

    def add(
        self, manifest: Manifest, data: bytes, files: Iterable[tuple[str, Iterable[bytes]]]
    ) -> None:
        """Fold one batch: its manifest, the manifest's bytes, and (path, blocks) of its files."""
        published_s, sent_ms = seconds(manifest.batch_time), []
        for path, blocks in files:
            for block in blocks:
                if path.startswith("tweets/"):
                    sent_ms.append(self.tweets(lines.tweets(block), published_s))
                else:
                    self.rejected(lines.rejected(block), published_s)
        sent = np.concatenate(sent_ms) if sent_ms else np.zeros(0, np.int64)
        delays, newest_ms = (0, 0), 0
        if len(sent):
            middle, late = np.percentile(published_s * 1000 - sent, (50, 99))
            delays, newest_ms = (int(middle), int(late)), int(sent.max())
        self.batches.append(Folded(manifest, digest(data), delays, newest_ms))

    def rejected(self, found: list[lines.Rejected], published_s: float) -> None:
        """Fold lines of rejected/."""
        until = _latest(published_s)
        reasons = Counter((line.reason, _sent(line.kafka, until)) for line in found)
        self.counts["rejected"] += len(found)
        for (reason, minute), count in reasons.items():
            self.terms["reason", minute, reason[:TERM_CHARACTERS]][0] += count

    def tweets(
        self, everything: list[lines.Line], published_s: float
    ) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Fold lines of tweets/; returns Kafka's times of their records. Only the hour of
        `published_s` counts, so that a unit adds what its batches did."""
        found = [line for line in everything if line.sentiment is not None]
        if len(found) < len(everything):
            for line in everything:
                if line.sentiment is None:
                    self._deleted(line)
        if found:
            self._folded(found, _latest(published_s))
        return np.array([line.kafka.timestamp for line in everything], np.int64)

    def _deleted(self, line: lines.Line) -> None:
        self.counts["deleted"] += 1
        if line.id is not None:
            self.gone.add(line.id)

    def _folded(self, found: list[lines.Line], until: float) -> None:
        """Sums go by the number of each line's (time, language, label): few of them differ."""
        scores = [line.sentiment for line in found if line.sentiment is not None]
        moments: list[Any] = [line.created_at and line.created_at[:16] for line in found]
        minutes: dict[Any, int] = {moment: _minute(moment, until) for moment in set(moments)}
        if 0 in minutes.values():  # where a tweet tells no time its record does
            for place, line in enumerate(found):
                moments[place] = minutes[moments[place]] or _sent(line.kafka, until)
            minutes = {minute: minute for minute in moments}
        numbers: dict[tuple[Any, str | None, str], int] = {}
        rows = np.array(
            [
                numbers.setdefault((moment, line.lang, score.label), len(numbers))
                for moment, line, score in zip(moments, found, scores, strict=True)
            ]
        )
        keys = [
            (minutes[moment], (lang or "und")[:LANGUAGE_CHARACTERS], NUMBERS[label])
            for moment, lang, label in numbers
        ]
        compounds = np.rint(np.array([score.compound for score in scores]) * SCALE)
        counts, sums = np.bincount(rows), np.bincount(rows, compounds)
        self.counts["tweets"] += len(found)
        for key, n, compound in zip(keys, counts.tolist(), sums.tolist(), strict=True):
            _add(self.totals[key], n, int(compound))
        for line, row, compound in zip(found, rows.tolist(), compounds.tolist(), strict=True):
            if line.hashtags or line.country or line.lat is not None:
                self._named(line, keys[row], int(compound))
        self._nowhere(found, scores)
        of_row = np.array([key[0] for key in keys])
        for minute, word, n in words.counted([line.text for line in found], of_row[rows]):
            _add(self.terms["word", minute, word], n, round(n * words.lexicon()[word] * SCALE))

    def _named(self, line: lines.Line, key: tuple[int, str, int], compound: int) -> None:
        """Add a line that has hashtags, a country, or a place."""
        minute, lang, label = key
        for tag in line.hashtags:
            sum_ = self.terms["tag", minute, tag[:TERM_CHARACTERS].lower()]
            sum_[0] += 1
            sum_[1] += compound
        if line.country:
            _add(self.terms["country", minute, line.country[:TERM_CHARACTERS]], 1, compound)
        if line.located:
            self.totals[key][2 if line.geo_kind == "point" else 3] += 1
            cell = cell_of(line.lat or 0.0, line.lon or 0.0)
            _add(self.cells[minute, cell, lang, label], 1, compound)
            self.examples[cell, label].append(line)

    def _nowhere(self, found: list[lines.Line], scores: list[lines.Sentiment]) -> None:
        """Keep the newest lines without a place, of each label."""
        newest: dict[str, list[lines.Line]] = {label: [] for label in LABELS}
        missing = len(LABELS) * EXAMPLES
        for line, score in zip(reversed(found), reversed(scores), strict=True):
            kept = newest[score.label]
            if len(kept) < EXAMPLES and not line.located:
                kept.append(line)
                missing -= 1
                if not missing:
                    break
        for label, kept in newest.items():
            if kept:
                self.examples[NOWHERE, NUMBERS[label]].extend(reversed(kept))


def _add(sum_: list[int], n: int, compound: int) -> None:
    sum_[0] += n
    sum_[1] += compound


def _latest(published_s: float) -> float:
    """What is said to be later than this is not believed: a day after the hour of publishing."""
    return published_s // HOUR * HOUR + HOUR + DAY


def _minute(moment: str | None, until: float) -> int:
    """The minute that a tweet says of itself; 0 where it says none, or one that cannot be."""
    try:
        second = seconds(f"{moment}:00Z") if moment else 0.0
    except ValueError:
        second = 0.0
    return int(second) // MINUTE * MINUTE if _FIRST_TWEET <= second <= until else 0


def _sent(kafka: lines.Kafka, until: float) -> int:
    """The minute of the record's own time, within what can be."""
    second = min(max(kafka.timestamp / 1000, _FIRST_TWEET), until)
    return int(second) // MINUTE * MINUTE
