"""The compiled kernels on hostile input, every array of theirs between two pages that no code may
touch.

    python tests/kit/faults/guarded_kernels.py \
        frames|texts SECONDS SEED [FIRST_ROUND] [--plant no-room]

An access beyond an array ends this process by SIGSEGV. The results must be the general way's: 1
where a byte or a score differs. Each round's number is printed before it begins, and depends on
nothing but the seed: FIRST_ROUND repeats one.
"""

import argparse
import ctypes
import mmap
import sys
import time
from collections.abc import Callable
from functools import cache
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numba import njit

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "connector")]

from benchmarks.hostile_texts import hostile  # noqa: E402
from consumers.compiled.blocks import borrowed  # noqa: E402
from consumers.sentiment import kernel, lexicon, plain, tables, tokens, vader  # noqa: E402
from consumers.tweets import lines as module  # noqa: E402
from consumers.tweets.fast import frame  # noqa: E402
from producer.sources.sample import sample  # noqa: E402
from tests.kit.frame_bytes import Row, pack  # noqa: E402
from tests.kit.frame_lines import lines_of  # noqa: E402
from tests.kit.tweet_samples import OLD, X, renamed  # noqa: E402
from tests.unit.tweets.test_frame_lines import compact, mutated  # noqa: E402

PAGE, NO_ACCESS, LIMIT = mmap.PAGESIZE, 0, 1 << 20
LIBC = ctypes.CDLL(None, use_errno=True)
NOTHING = np.empty(0, np.uint8)


def guarded(array: Any, high: bool) -> Any:
    """A copy between two pages without access; it ends where the second one begins (`high`), or
    begins where the first ends."""
    pages = -(-array.nbytes // PAGE) * PAGE
    memory = mmap.mmap(-1, pages + 2 * PAGE)
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for at in (base, base + PAGE + pages):
        if LIBC.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(PAGE), NO_ACCESS):
            raise OSError(ctypes.get_errno(), "mprotect")
    copy: Any = np.ndarray(
        array.shape, array.dtype, memory, PAGE + (pages - array.nbytes if high else 0)
    )
    copy[...] = array
    copy.flags.writeable = array.flags.writeable
    return copy


class Guard:
    """Calls a compiled function with guarded copies of its arrays, and brings back what it has
    written."""

    def __init__(self, high: bool, call: Callable[..., Any]) -> None:
        self.high, self.call = high, call

    def __call__(self, *arguments: Any) -> Any:
        copies = [self._copy(one) for one in arguments]
        result = self.call(*copies)
        for one, copy in zip(arguments, copies, strict=True):
            for whole, written in zip(
                *((part if isinstance(part, frame.Work) else (part,)) for part in (one, copy)),
                strict=True,
            ):
                if isinstance(whole, np.ndarray) and whole.flags.writeable:
                    whole[...] = written
        return result

    def _copy(self, one: Any) -> Any:
        if isinstance(one, np.ndarray):
            return guarded(one, self.high)
        if isinstance(one, tuple):
            parts = [self._copy(part) for part in one]
            return type(one)(*parts) if isinstance(one, frame.Work) else tuple(parts)
        return one


def frames(dice: Random) -> str:
    """One frame of mutated tweets by both ways; says how they differ, or nothing."""
    values = [_damaged(dice) for _ in range(dice.randrange(1, 40))]
    rows: list[Row] = [
        (k, dice.randrange(-(2**63), 2**63), None, value) for k, value in enumerate(values)
    ]
    topic = "t" * dice.randrange(1, 250)
    data = pack(topic, 0, rows)
    high = dice.random() < 0.7
    find, write, score = _compiled()
    frame.kernels = lambda: (Guard(high, find), Guard(high, write))  # type: ignore[assignment]
    vader._kernel = lambda: Guard(high, score)  # type: ignore[assignment]
    # its arrays are new, so that they are as large as they must be
    fast = _lines(data, topic, frame.FrameLines())
    vader._kernel = lambda: score  # type: ignore[assignment]
    return "" if fast == _lines(data, topic, None) else f"the two ways differ over {values!r}"


@cache
def _compiled() -> tuple[Callable[..., Any], ...]:
    return *frame.kernels(), vader._kernel()  # type: ignore[return-value]


def _lines(data: bytes, topic: str, way: Any) -> tuple[bytes, bytes]:
    module._compiled = lambda: way  # type: ignore[assignment]
    out = lines_of(data, [(topic, 0, 0, 2**62)], LIMIT)
    return b"".join(map(bytes, out.tweets)), b"".join(map(bytes, out.rejected))


@cache
def _wholes() -> list[bytes]:
    return [record.value for record in islice(sample(7), 60) if record.value] + 20 * [
        compact(X),
        compact(renamed(X)),
        compact(OLD),
    ]


def _damaged(dice: Random) -> bytes:
    value = dice.choice(_wholes())
    how = dice.randrange(8)
    if how == 0:
        return value
    if how == 1:  # a fragment
        start = dice.randrange(len(value))
        return value[start : start + dice.randrange(1, 400)]
    if how == 2:  # cut off, at times in the middle of a character or an escape
        return value[: dice.randrange(1, len(value))]
    if how == 3:  # a part over and over
        start = dice.randrange(len(value))
        end = start + dice.randrange(1, 60)
        return value[:start] + value[start:end] * dice.randrange(2, 41) + value[end:]
    if how == 4:  # a member twice, or a long run of one byte
        return (
            value[:-1] + b"," + value[1:]
            if dice.random() < 0.5
            else value + dice.choice([b"[", b'"', b"\\", b"9", b" "]) * 200
        )
    if how == 5:
        return value + dice.choice(_wholes())[: dice.randrange(200)]
    return mutated(dice, value)


def texts(dice: Random) -> str:
    """One hostile text, scored in arrays that are exactly as large as it needs."""
    text = (
        next(islice(hostile(dice.randrange(2**32)), 14 + dice.randrange(3), None))
        if dice.random() < 0.9
        else _repeated(dice)
    )
    data = text.encode("utf-8", "surrogatepass")
    if dice.random() < 0.3 and data:  # cut, within a character too, or with bytes that are no UTF-8
        at = dice.randrange(len(data))
        data = (
            data[:at]
            + dice.choice([b"", b"\xff", b"\xf0", b"\xe2\x80", b"\x00"])
            + data[at + dice.randrange(3) :]
        )
        data = data[: dice.randrange(len(data) + 1)]
    high = dice.random() < 0.7
    array, known, out = (
        guarded(np.frombuffer(data, np.uint8), high),
        _known(high),
        guarded(np.zeros((4, 1)), high),
    )
    size = int(_size(array, NOTHING, known))
    scratch = kernel.Scratch(*(guarded(one, high) for one in kernel._scratch(size)))
    _score(scratch, array, lexicon.COMPENSATED, known, out)
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return "" if np.isfinite(out).all() else f"no score of {data!r}: {out}"
    theirs = (
        lexicon.analyzer().polarity_scores(text)
        if len(text) < 2000
        else plain.scores(text)._asdict()
    )
    mine = dict(zip(("compound", "neg", "neu", "pos"), out[:, 0].tolist(), strict=True))
    return "" if mine == theirs else f"{mine} instead of {theirs} for {text!r}"


def _repeated(dice: Random) -> str:
    few = list(islice(hostile(dice.randrange(2**32)), 14, 16))
    return (
        dice.choice(few)[:40] + dice.choice(["", " ", "\U0001f3f4", "'", "n't ", "\u00e9"])
    ) * dice.randrange(1, 400)


@cache
def _known(high: bool) -> tables.Tables:
    return tables.Tables(*(guarded(one, high) for one in tables.tables()))


@njit(nogil=True, error_model="numpy")
def _size(data: Any, text: Any, t: Any) -> int:
    if tokens.ascii_only(data, 0, len(data)):
        return len(data)
    return tokens.expanded(data, 0, len(data), text, False, t)  # type: ignore[no-any-return]


@njit(nogil=True, error_model="numpy")
def _score(scratch: Any, data: Any, compensated: bool, known: Any, out: Any) -> None:
    """What kernel.score does with each text."""
    s, t = borrowed(scratch), borrowed(known)
    if tokens.ascii_only(data, 0, len(data)):
        size = tokens.copy(data, 0, len(data), s.text)
    else:
        size = tokens.expanded(data, 0, len(data), s.text, True, t)
    kernel._score(s, size, compensated, t, out, 0)


def plant_no_room() -> None:
    """The bug of old: what each line begins with had no block of room behind it."""
    right = frame._begun

    def wrong(topic: str, partition: int) -> Any:
        text, size = right(topic, partition)
        return text[:size], size

    frame._begun = wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["frames", "texts"])
    parser.add_argument("seconds", type=float)
    parser.add_argument("seed")
    parser.add_argument("first_round", type=int, nargs="?", default=0)
    parser.add_argument("--plant", choices=["no-room"])
    chosen = parser.parse_args()
    if chosen.plant:
        plant_no_room()
    attack = {"frames": frames, "texts": texts}[chosen.what]
    attack(Random(chosen.seed))  # compiles
    end = time.monotonic() + chosen.seconds
    for number in count(chosen.first_round):
        if time.monotonic() > end:
            print(f"done {number}")
            return 0
        print(number, flush=True)
        difference = attack(Random(f"{chosen.seed} {number}"))
        if difference:
            print(difference, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
