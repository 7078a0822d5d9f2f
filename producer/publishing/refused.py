"""Records of batches that a broker refused: one of them is the cause, the others only came with
it."""

from typing import NamedTuple


class Sent(NamedTuple):
    """A record on its way, under its number."""

    number: int
    key: bytes | None
    value: bytes | None


class Refused:
    """Says which records to send once more, those that only came with the cause together, each that
    may be it `alone`.

    A record that is refused while it is alone is the cause. A record that is refused twice may be
    the cause, whatever the broker says: so each record is sent at most three times.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Sent, bool]] = []
        self._again: set[int] = set()
        self._alone = -1

    @property
    def pending(self) -> bool:
        """Whether any of them is not settled; nothing else should be sent then."""
        return bool(self._waiting) or self._alone >= 0

    @property
    def alone(self) -> bool:
        """Whether one is on its way by itself."""
        return self._alone >= 0

    def add(self, record: Sent, may_be_the_cause: bool) -> None:
        """This one was refused."""
        self._waiting.append((record, may_be_the_cause or record.number in self._again))

    def take(self) -> list[Sent]:
        """Those to be sent now, in order: all before the first that may be the cause, or that one
        by itself."""
        self._waiting.sort(key=lambda waiting: waiting[0].number)
        others = next(
            (at for at, (_, suspect) in enumerate(self._waiting) if suspect), len(self._waiting)
        )
        taken, self._waiting = self._waiting[: others or 1], self._waiting[others or 1 :]
        self._alone = -1 if others or not taken else taken[0][0].number
        self._again.update(record.number for record, _ in taken)
        return [record for record, _ in taken]

    def back(self, number: int) -> bool:
        """This record's answer is there; says whether it was alone."""
        was_alone, self._alone = self._alone == number, -1 if self._alone == number else self._alone
        return was_alone
