"""Publishes tweets as records: a source yields (id, bytes), the publisher brings them onto a Kafka
topic."""
