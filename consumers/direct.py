"""The direct job: the driver plans offset ranges, each task reads exactly its own. No receiver, no
log, no checkpoint."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from consumers.driver import contexts, opening, running, trampoline
from consumers.driver.driver import Driver
from kafka_dstreams import direct_frames


def run(driver: Driver) -> None:
    ssc = contexts.streaming_context(driver.settings)
    frames = direct_frames(
        ssc,
        driver.topics,
        driver.params,
        # The receiver job may have published beyond a gap: start at the gap, skip what is above it.
        start=driver.frontiers(),
        start_epochs=driver.leader_epochs(),
        stop_at=driver.ends,
        skip=driver.published_ranges(),
    )
    frames.foreachRDD(trampoline.store)
    running.run(ssc, driver)


if __name__ == "__main__":
    opening.main("direct", __doc__, run)
