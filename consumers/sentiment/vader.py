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
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from consumers.sentiment import plain
from consumers.sentiment.lexicon import COMPENSATED, REFERENCE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME = f"vaderSentiment {REFERENCE}"
THRESHOLD = 0.05  # the package's own recommendation
# bytes of a text that the kernel takes: it counts in int32, and emoji become up to 33 times as long
LONGEST = 2**31 // 33
LOG = logging.getLogger("sentiment")


class Sentiment(Struct, frozen=True):
    """compound -1 to 1; neg, neu and pos are shares of 1 (0 without words); label negative, neutral
    or positive."""

    compound: float
    neg: float
    neu: float
    pos: float
    label: str


def prepare() -> bool:
    """Compile, or load what is compiled, before it is needed: True. False where numba is absent,
    which a warning says."""
    if _kernel() is None:
        LOG.warning("numba is absent: sentiment takes fifteen times as long (pip install numba)")
    return _kernel() is not None


def score(texts: Sequence[str]) -> list[Sentiment]:
    """The sentiment of each text, in the same order."""
    return [
        Sentiment(compound, neg, neu, pos, label(compound))
        for compound, neg, neu, pos in _scores(texts)
    ]


def polarity_scores(text: str) -> dict[str, float]:
    """What SentimentIntensityAnalyzer().polarity_scores(text) returns. For many texts score() and
    columns() are faster."""
    ((compound, neg, neu, pos),) = _scores([text])
    return {"neg": neg, "neu": neu, "pos": pos, "compound": compound}


def label(compound: float) -> str:
    """positive, negative or neutral."""
    return (
        "positive" if compound >= THRESHOLD else "negative" if compound <= -THRESHOLD else "neutral"
    )


def columns(
    data: "bytes | memoryview | NDArray[np.uint8]",
    starts: "NDArray[np.int64]",
    ends: "NDArray[np.int64]",
    compensated: bool = COMPENSATED,
) -> "NDArray[np.float64]":
    """The scores of the texts data[starts[k]:ends[k]], in UTF-8 (lone surrogates allowed), without
    an object for each.

    Returns an array of four rows: compound, neg, neu and pos. Of offsets as Arrow has them, pass
    offsets[:-1] and offsets[1:]. Raises ValueError where a text does not lie within the data. Bytes
    that are no UTF-8 get some score, unless a text has more than 65 MB: then Python alone does the
    work, and raises UnicodeDecodeError. Needs numpy.
    """
    import numpy as np

    buffer = np.frombuffer(data, np.uint8)
    starts, ends = np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(ends, np.int64)
    if (
        len(starts) != len(ends)
        or (starts < 0).any()
        or (ends < starts).any()
        or (ends > len(buffer)).any()
    ):
        raise ValueError(
            f"texts must start and end within the {len(buffer)} bytes of the data, each end "
            "behind its start"
        )
    out = np.empty((4, len(starts)))
    run = _kernel()
    if run is not None and (ends - starts).max(initial=0) <= LONGEST:
        run(buffer, starts, ends, compensated, out)
    else:
        for k, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            out[:, k] = plain.scores(
                buffer[start:end].tobytes().decode("utf-8", "surrogatepass"), compensated
            )
    return out


def _scores(texts: Sequence[str]) -> Any:
    """compound, neg, neu and pos of each text."""
    if _kernel() is None:
        return map(plain.scores, texts)
    import numpy as np

    # JSON may hold half a surrogate pair, which strict UTF-8 refuses.
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = np.fromiter(accumulate(map(len, encoded), initial=0), np.int64, len(encoded) + 1)
    return zip(*columns(b"".join(encoded), offsets[:-1], offsets[1:]).tolist(), strict=True)


@cache
def _kernel() -> Callable[..., None] | None:
    """Imported at the first text: numba takes 0.4 s, and not everybody who imports this room
    scores."""
    try:
        from consumers.sentiment.compiled import kernel
    except ImportError:
        return None
    return kernel()
