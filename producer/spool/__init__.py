"""The spool: records on this machine's disk from reading until Kafka has acknowledged them."""
