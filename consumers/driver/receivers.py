"""Which errors of a receiver end the job: Spark starts a receiver again, whatever it died of."""

from typing import Any

from pyspark.streaming import StreamingContext
from pyspark.streaming.listener import StreamingListener

from consumers.driver.driver import Driver
from consumers.output.refusals import refusal


class _Refusals(StreamingListener):
    """Spark calls it on the driver, from a thread of its own."""

    def __init__(self, driver: Driver, checkpoint: str) -> None:
        super().__init__()
        self.driver, self.checkpoint = driver, checkpoint

    def onReceiverStopped(self, receiverStopped: Any) -> None:  # noqa: N802, N803  Spark's names
        """A receiver stops each time it is started again; the event has the stack trace of the
        reason."""
        error = refusal(receiverStopped.receiverInfo().lastError() or "", self.checkpoint)
        if error is not None and self.driver.failure is None:
            self.driver.failure = error


def end_with(ssc: StreamingContext, driver: Driver, checkpoint: str) -> None:
    """Have the job end when a receiver's write-ahead log in `checkpoint` meets what no further
    start of the receiver changes: a quota, a full folder, a missing permission."""
    ssc.addStreamingListener(_Refusals(driver, checkpoint))
