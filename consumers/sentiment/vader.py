"""The scores of the vaderSentiment package, score for score, in a time linear in the text's length.

The package's negation and idiom checks lower-case all words again for each word of the lexicon they
meet: a long post of 25,000 characters holds it up for ten seconds. Here numba's kernel does the
work, or, where numba is absent, plain Python; all give the package's scores on the interpreter that
runs (lexicon.COMPENSATED has the reason for "that runs").
"""

import logging
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, get_args

from msgspec import Struct

from consumers.sentiment.lexicon import COMPENSATED, REFERENCE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME = f"vaderSentiment {REFERENCE}"
Label = Literal["negative", "neutral", "positive"]
LABELS: tuple[Label, ...] = get_args(Label)
# bytes of the longest text for the kernel: it counts in int32, and emoji grow up to 33-fold
LONGEST = 2**31 // 33
LOG = logging.getLogger("sentiment")


class Sentiment(Struct, frozen=True):
    """`compound` is from -1 to 1; `neg`, `neu` and `pos` are shares of 1, or 0 in a text without
    words."""

    compound: float
    neg: float
    neu: float
    pos: float
    label: Label


def prepare() -> bool:
    """Compile the kernel, or load it, before it is needed. False, with a warning, where numba is
    absent."""
    if _kernel() is None:
        LOG.warning("numba is absent: sentiment takes fifteen times as long (pip install numba)")
    return _kernel() is not None


def score(texts: Sequence[str]) -> list[Sentiment]:
    """The sentiment of each text, in the same order."""
    from consumers.sentiment.rules import verdict

    return [
        Sentiment(compound, neg, neu, pos, LABELS[verdict(compound)])
        for compound, neg, neu, pos in _scores(texts)
    ]


def polarity_scores(text: str) -> dict[str, float]:
    """What SentimentIntensityAnalyzer().polarity_scores(text) returns. For many texts score() and
    columns() are faster."""
    ((compound, neg, neu, pos),) = _scores([text])
    return {"neg": neg, "neu": neu, "pos": pos, "compound": compound}


def label(compound: float) -> Label:
    """positive from 0.05 up, negative from -0.05 down, otherwise neutral."""
    from consumers.sentiment.rules import verdict

    place: int = verdict(compound)
    return LABELS[place]


def columns(
    data: "bytes | memoryview | NDArray[np.uint8]",
    starts: "NDArray[np.int64]",
    ends: "NDArray[np.int64]",
    compensated: bool = COMPENSATED,
) -> "NDArray[np.float64]":
    """The scores of the texts data[starts[k]:ends[k]], in UTF-8 (lone surrogates allowed), without
    an object per text.

    Returns an array of four rows: compound, neg, neu and pos. With Arrow's offsets, pass
    offsets[:-1] and offsets[1:]. Raises ValueError where a text does not lie within the data. Bytes
    that are no UTF-8 get some score, unless a text has more than 65 MB: then Python alone does the
    work, and raises UnicodeDecodeError. Needs numpy.
    """
    import numpy as np

    buffer = np.frombuffer(data, np.uint8)
    starts, ends = np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(ends, np.int64)
    if len(starts) != len(ends) or ((starts < 0) | (ends < starts) | (ends > len(buffer))).any():
        raise ValueError(
            f"texts must start and end within the {len(buffer)} bytes of the data, each end "
            "behind its start"
        )
    out = np.empty((4, len(starts)))
    run = _kernel()
    if run is not None and (ends - starts).max(initial=0) <= LONGEST:
        run(buffer, starts, ends, compensated, out)
    else:
        from consumers.sentiment import plain

        for k, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            out[:, k] = plain.scores(
                buffer[start:end].tobytes().decode("utf-8", "surrogatepass"), compensated
            )
    return out


def _scores(texts: Sequence[str]) -> Any:
    """compound, neg, neu and pos of each text."""
    if _kernel() is None:
        from consumers.sentiment import plain

        return map(plain.scores, texts)
    import numpy as np

    # JSON may hold half a surrogate pair, which strict UTF-8 refuses.
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = np.fromiter(accumulate(map(len, encoded), initial=0), np.int64, len(encoded) + 1)
    return zip(*columns(b"".join(encoded), offsets[:-1], offsets[1:]).tolist(), strict=True)


@cache
def _kernel() -> Callable[..., None] | None:
    """The kernel, or None where numba is absent. Imported at the first text: numba takes 0.4 s, and
    some programs only need the types of this room."""
    try:
        from consumers.sentiment.kernel import scorer
    except ImportError:
        return None
    return scorer()
