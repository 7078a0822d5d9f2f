"""What the views show: one SQLite file for each output, folded from its published batches.

A batch's counts and the range of batches that the file holds change in one transaction: each batch
is in the sums once, whatever is killed and when.
"""
