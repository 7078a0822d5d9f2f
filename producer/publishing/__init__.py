"""From the spool to Kafka: one sender, its publisher, and the count of what was acknowledged or
refused."""
