"""Colours, and the words that go with every view. The colours are safe for the colour-blind: no red
stands against green."""

from math import log10

COUNT = ("#00224e", "#2a3f6d", "#575d6d", "#7d7c78", "#a59c74", "#d2c060", "#fee838")
"""Few to many: cividis in seven steps, on a logarithmic scale."""
MOOD = ("#08519c", "#4292c6", "#9ecae1", "#d0d0d0", "#fdbe85", "#fd8d3c", "#d94701")
"""Negative (blue) to positive (orange), by mean compound."""
MOOD_ENOUGH, MOOD_REACH = 5, 0.6
"""A mean of fewer tweets says little; beyond the reach a mean has the last colour."""


def count_step(n: int, most: int) -> int:
    """The step of a cell with n tweets, where the fullest has `most`."""
    return min(int(len(COUNT) * log10(max(n, 1)) / (log10(max(most, 2)) + 1e-9)), len(COUNT) - 1)


def mood_step(mean: float) -> int:
    """The step of a mean compound."""
    place = (mean + MOOD_REACH) / (2 * MOOD_REACH) * len(MOOD)
    return min(max(int(place), 0), len(MOOD) - 1)


def located(totals: dict[str, int]) -> str:
    """How many of the tweets have a place, and where the others' map is."""
    tweets, points, places = totals["tweets"], totals["points"], totals["places"]
    found = points + places
    if not tweets:
        return "no tweet yet"
    if not found:
        return (
            f"0 of {tweets:,} located: X gives a point or place to few, Bluesky to none; "
            "the languages say where they come from"
        )
    return (
        f"{found:,} of {tweets:,} located ({found / tweets:.1%}: {points:,} points, "
        f"{places:,} places at the centre of their box)"
    )


def printable(text: str, length: int = 40) -> str:
    """A stranger's word, fit for a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:length])
