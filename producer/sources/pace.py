"""A source slowed down to so many records a second."""

import time

from producer.sources import Records


def paced(records: Records, rate: float) -> Records:
    """The same records, `rate` a second on average; 0 leaves them as fast as they come."""
    if not rate:
        yield from records
        return
    begin = time.monotonic()
    for number, record in enumerate(records):
        early_s = begin + number / rate - time.monotonic()
        if early_s > 0:
            time.sleep(early_s)
        yield record
