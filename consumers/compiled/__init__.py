"""The kit of both compiled kernels: the compiler and its cache (jit), whole blocks of bytes
(blocks), a table of words (words), and `jitable` for what runs with and without numba."""

try:
    from numba.extending import register_jitable  # type: ignore[import-untyped, import-not-found, unused-ignore]
except ImportError:

    def jitable(function):
        """Without numba there is nothing to compile for."""
        return function
else:
    # Inlined, because a call would pass a table by value: some hundred machine words.
    jitable = register_jitable(forceinline=True)
