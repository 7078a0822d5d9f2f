"""Figures of a running program for Prometheus, whether it is well, and what starts it again when it
ended."""
