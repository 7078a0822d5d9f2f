"""The words that move a score: VADER's lexicon, read from its package's file."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# all bytes but letters, digits, apostrophe and hyphen part two words
_APART = bytes(
    byte if chr(byte).isalnum() and byte < 128 or chr(byte) in "'-" else 32 for byte in range(256)
)
_WORD = re.compile(r"[a-z0-9][a-z0-9'-]*")


@cache
def lexicon() -> dict[str, float]:
    """The lexicon's words, without its emoticons, and what each adds to a score (-4 to 4)."""
    spec = find_spec("vaderSentiment")
    if spec is None or not spec.submodule_search_locations:
        return {}
    file = Path(spec.submodule_search_locations[0]) / "vader_lexicon.txt"
    rows = (line.split("\t") for line in file.read_text(encoding="utf-8").splitlines())
    return {row[0]: float(row[1]) for row in rows if len(row) > 1 and _WORD.fullmatch(row[0])}


@cache
def _known() -> dict[bytes, str]:
    return {word.encode(): word for word in lexicon()}


def counted(texts: Iterable[str]) -> Counter[str]:
    """How often each word of the lexicon stands in the texts."""
    joined = " ".join(texts).encode("utf-8", "replace").lower().translate(_APART)
    known = _known()
    found = Counter(filter(known.__contains__, joined.split()))
    return Counter({known[word]: count for word, count in found.items()})
