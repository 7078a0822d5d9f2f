"""The time that an id carries: X's ids are snowflakes, and the last part of a Bluesky id is a TID.
It says which units can have a deleted id at all, without a look into them.

Formats: github.com/twitter-archive/snowflake, atproto.com/specs/tid.
"""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_SNOWFLAKE = r"^[1-9]\d{14,18}$"  # from the first of 2010 on; older ids are counters
_EPOCH_MS = 1_288_834_974_657
_TID = re.compile(r"/([2-7a-j][2-7a-z]{12})$")
_DIGITS = {sign: value for value, sign in enumerate("234567abcdefghijklmnopqrstuvwxyz")}
UNKNOWN = -1


def times_ms(ids: pa.Array) -> NDArray[np.int64]:
    """The time of each id in ms since 1970, UNKNOWN where it has none."""
    ids = pc.fill_null(ids, "")
    numbers = pc.match_substring_regex(ids, _SNOWFLAKE)
    of_x = pc.cast(pc.if_else(numbers, ids, "0"), pa.int64(), safe=False).to_numpy()
    found = np.where(of_x > 0, (of_x >> 22) + _EPOCH_MS, UNKNOWN)
    for at in np.flatnonzero(~numbers.to_numpy(zero_copy_only=False)).tolist():
        found[at] = _of_tid(ids[at].as_py())
    return found


def _of_tid(text: str) -> int:
    match = _TID.search(text)
    if not match:
        return UNKNOWN
    value = 0
    for sign in match[1]:
        value = value << 5 | _DIGITS[sign]
    return (value >> 10) // 1000


def span_ms(ids: pa.Array) -> tuple[int, int] | None:
    """The first and the last time of these ids; None where one has no time."""
    found = times_ms(ids)
    if not len(found) or found.min() == UNKNOWN:
        return None
    return int(found.min()), int(found.max())


def joined(spans: list[tuple[int, int] | None]) -> tuple[int, int] | None:
    """The span of several ones; None where one is not known."""
    known = [span for span in spans if span is not None]
    if len(known) < len(spans) or not known:
        return None
    return min(span[0] for span in known), max(span[1] for span in known)


def is_account(id: str) -> bool:
    """Whether the id is that of a whole account (a DID): all its posts are meant."""
    return id.startswith("did:") and "/" not in id
