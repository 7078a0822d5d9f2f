"""The two kernels compiled, or loaded from the scorer's cache."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import types  # type: ignore[import-untyped, import-not-found, unused-ignore]

from consumers.compiled.jit import compiled
from consumers.tweets import shapes as tweet_shapes
from consumers.tweets.fast import kernels

SOURCES = (Path(__file__).parent, Path(tweet_shapes.__file__))
INDEXES = types.Array(types.int64, 1, "C", readonly=True)
BYTES = types.Array(types.uint8, 1, "C", readonly=True)


def _work() -> Any:
    bytes_, table = types.uint8[::1], types.int64[:, ::1]
    kinds = (bytes_, table, table, types.int64[::1], types.int64[:, :, ::1], types.float64[:, ::1])
    return types.NamedTuple(kinds, kernels.Work)


@cache
def find() -> Callable[..., int]:
    """kernels.find, compiled."""
    return compiled(
        kernels.find, types.int64(_work(), INDEXES, INDEXES, types.boolean[::1]), SOURCES
    )


@cache
def write_rows() -> Callable[..., int]:
    """kernels.write, compiled."""
    begun = types.Tuple((BYTES, types.int64))
    out = (types.float64[:, ::1], types.uint8[::1], types.int64[::1])
    return compiled(
        kernels.write, types.int64(_work(), INDEXES, begun, INDEXES, INDEXES, *out), SOURCES
    )
