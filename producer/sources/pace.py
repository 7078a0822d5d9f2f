"""A source slowed down to a number of records per second."""

import time

from producer.sources import Records


def paced(records: Records, rate: float) -> Records:
    """The same records, `rate` per second on average; 0 does not slow them down."""
    if not rate:
        yield from records
        return
    begin = time.monotonic()
    for number, record in enumerate(records):
        early_s = begin + number / rate - time.monotonic()
        if early_s > 0:
            time.sleep(early_s)
        yield record
