"""First on the path, this makes numba absent: each process of a driver that lives for seconds saves
a second of importing it.

The scores are the same without it; tests/unit/sentiment/test_sentiment.py shows that.
"""

raise ImportError("not in this test")
