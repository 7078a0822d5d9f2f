"""Hours of batches as Parquet: compaction, erasure, retention, and reading both as one table."""
