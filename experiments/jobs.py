"""The experiments with the two jobs of this project: kills, new partitions, a hand-over."""

import re
from typing import Any

from experiments.lab import Lab, pause, say

APPROACHES = ("receiver_based", "direct")
BATCH = re.compile(r"batch (\d+): (.*), (\d+) tweets")
Rows = list[dict[str, Any]]


def slowly(approach: str, rate: int = 1500) -> tuple[str, ...]:
    """Settings for one batch per second, of up to `rate` records of a topic with three
    partitions."""
    limit = rate // 3 if approach == "direct" else rate
    return "--batch-interval-s", "1", "--max-rate", str(limit)


def verdict(lab: Lab, topic: str, output: str) -> dict[str, Any]:
    """The columns that the judge fills."""
    found = lab.audit(topic, output)
    return {name: found[name] for name in ("in_kafka", "published", "lost", "duplicated")}


def kill_receiver(lab: Lab) -> Rows:
    """Kill a job while tweets come, start it again, count what it is given twice.

    In local mode the receiver, its executor and the driver are one JVM: kill -9 ends all three.
    """
    say("look at: 'delivered again' of each approach, and that 'duplicated' is 0 for both")
    rows = []
    for approach in APPROACHES:
        topic, output, again = lab.make_topic(f"-{approach}"), lab.output(approach), 0
        with lab.publishing(topic, 300):
            for _ in range(lab.size(3, 1)):
                job = lab.job(approach, topic, output, *slowly(approach))
                job.until(lambda said: len(BATCH.findall(said)) >= 2, "two batches")
                pause(0.7)
                job.kill()
                again += job.delivered_again()
        again += lab.drain(approach, topic, output, *slowly(approach)).delivered_again()
        rows.append(
            {
                "approach": approach,
                "kills": lab.size(3, 1),
                "delivered again": again,
                **verdict(lab, topic, output),
            }
        )
    return rows


def kill_in_commit(lab: Lab) -> Rows:
    """Kill the driver just before, and just after, the rename that publishes a batch."""
    say("look at: killed before the rename the batch is not there, after it the batch is there")
    say("and Spark does not know; 'delivered again' says which approach works it out twice")
    rows = []
    for point in ["before rename", "after rename"][-lab.size(2, 1) :]:
        for approach in APPROACHES:
            name = f"{approach}-{point.replace(' ', '-')}"
            topic, output = lab.make_topic(f"-{name}"), lab.output(name)
            lab.publish(topic, lab.size(5000, 900))
            fault = ("--fail-point", f"{point}:2")
            pace = slowly(approach, 300)
            lab.job(approach, topic, output, *pace, *fault).ended()
            there = lab.audit(topic, output)["published"]
            again = lab.drain(approach, topic, output, *pace).delivered_again()
            rows.append(
                {
                    "approach": approach,
                    "killed": point,
                    "published at the kill": there,
                    "delivered again": again,
                    **verdict(lab, topic, output),
                }
            )
    return rows


def add_partitions(lab: Lab) -> Rows:
    """Add partitions to a topic while a job reads it. No job is started again."""
    say("look at: each job reads the new partitions, from their first record on")
    rows = []
    for approach in APPROACHES:
        topic, output = lab.make_topic(f"-{approach}"), lab.output(approach)
        # Kafka's clients look for new partitions every five minutes, unless told otherwise
        often = ("--batch-interval-s", "1", "-X", "metadata.max.age.ms=2000")
        job = lab.job(approach, topic, output, *often)
        lab.publish(topic, lab.size(3000, 300))
        job.until(BATCH.search, "a first batch")
        say("adding partitions 3 and 4")
        lab.admin.create_partitions({topic: 5})
        with lab.publishing(topic, 100):
            # not its first record: a batch's line names its first four ranges only
            job.until(lambda said: re.search(r"\[[34]\] \[\d", said), "a new partition")
        job.stop()
        lab.drain(approach, topic, output, *often)
        rows.append(
            {"approach": approach, "partitions": "3, then 5", **verdict(lab, topic, output)}
        )
    return rows


def hand_over(lab: Lab) -> Rows:
    """One output, begun by direct, continued by receiver_based, which is killed, finished by
    direct."""
    say("look at: each continues the batches' numbers, in each partition at the offset where the")
    say("one before ended: so nothing is lost, nothing is there twice")
    topic, output = lab.make_topic(), lab.output("shared")
    rows = []
    with lab.publishing(topic, 300):
        for approach, end in (("direct", "Ctrl-C"), ("receiver_based", "kill -9")):
            job = lab.job(approach, topic, output, *slowly(approach))
            job.until(lambda said: len(BATCH.findall(said)) >= lab.size(10, 2), "its batches")
            job.stop() if end == "Ctrl-C" else job.kill()
            rows.append(stint(approach, job.said(), end))
    rows.append(stint("direct", lab.drain("direct", topic, output).said(), "end of the topic"))
    total = verdict(lab, topic, output)
    whole = {"approach": "audit of all", "ended by": "-", "batches": "all"}
    counts = {"lost": total["lost"], "duplicated": total["duplicated"]}
    return [*rows, {**whole, "tweets": total["published"], **counts}]


def stint(approach: str, said: str, end: str) -> dict[str, Any]:
    """One driver's batches, as its log has them."""
    numbers = [(int(number), int(tweets)) for number, _, tweets in BATCH.findall(said)]
    ends = sorted({numbers[0][0], numbers[-1][0]}) if numbers else ["none"]
    return {
        "approach": approach,
        "ended by": end,
        "batches": " to ".join(map(str, ends)),
        "tweets": sum(tweets for _, tweets in numbers),
        "lost": "-",
        "duplicated": "-",
    }
