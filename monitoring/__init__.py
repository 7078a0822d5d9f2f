"""Figures of a running program for Prometheus, and whether it is well."""
