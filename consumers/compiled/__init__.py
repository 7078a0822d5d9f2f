"""The kit that both compiled kernels share: the compiler and its cache, and readers of whole
blocks."""
