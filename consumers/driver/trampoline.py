"""The one function that a stream holds, and the one place that knows this process's driver.

A checkpoint freezes what a stream's function holds, so `store` holds nothing: in a recovered
context it finds the driver that was opened in this process.
"""

from pyspark import RDD

from consumers.driver.driver import Driver

_driver: Driver | None = None


def lead_to(driver: Driver) -> None:
    """From now on `store` publishes through this driver."""
    global _driver
    _driver = driver


def store(rdd: RDD[bytes]) -> None:
    """Publish the frames of one batch. Spark calls it on the driver, for each batch of either
    job."""
    if _driver is None:
        raise RuntimeError("no driver was opened in this process: start the job by its entry")
    _driver.store(rdd)
