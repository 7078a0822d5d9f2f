"""The scorer's kernel, compiled, with the lexicon bound to it."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numba  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numba import types

from consumers.compiled.jit import compiled
from consumers.sentiment.kernel import score
from consumers.sentiment.tables import tables


@cache
def kernel() -> Callable[..., None]:
    """kernel.score for these types, the lexicon bound to it. It lets other threads run
    meanwhile."""
    known = tables()
    # Read-only takes both kinds of array: np.frombuffer(bytes) is one.
    data = types.Array(types.uint8, 1, "C", readonly=True)
    places = types.Array(types.int64, 1, "C", readonly=True)
    signature = types.int64(
        data, places, places, types.boolean, numba.typeof(known), types.float64[:, ::1]
    )
    run = compiled(score, signature, (Path(__file__).parent,))
    return lambda texts, starts, ends, compensated, out: run(
        texts, starts, ends, compensated, known, out
    )
