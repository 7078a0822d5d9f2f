"""Publishing a file: the producer over librdkafka and over kafka-python, and plain loops, in turn,
onto one topic.

`python -m benchmarks.producers [--records N] [--rounds N] [--results FILE]`. Needs Kafka
(scripts/services start kafka-1). Prints one line per way and writes
benchmarks/results/producer.json. Compare ratios of one run only.

`producer…` is the whole of `python -m producer --source replay`, in a process of its own: it reads
the file, finds each tweet's id, publishes and counts every acknowledgement; the seconds are those
of its report. `producer_over_kafka_python…` is the same program with the same batches (1 MB, 20 ms,
no compression, acks=all, idempotent) and the other client. The plain loops have key and value ready
in memory and do `send(topic, value, key)` for each, then `flush`: with kafka-python's defaults
(acks=all, idempotent, batches of 16 KiB, no linger), and with the producer's batches.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from benchmarks.kafka_python_producer import SETTINGS
from producer.sources.replay import Replay
from producer.sources.sample import sample

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "producer.json"


def plain_loop(bootstrap: str, topic: str, file: Path, **settings: Any) -> float:
    """Records per second of kafka-python's `send` for each and one `flush`."""
    records = [
        (record.id.encode() if record.id else None, record.value) for record in Replay(str(file))
    ]
    client = KafkaProducer(bootstrap_servers=bootstrap, **settings)
    begun = time.perf_counter()
    for key, value in records:
        client.send(topic, value, key)
    client.flush()
    seconds = time.perf_counter() - begun
    client.close()
    return len(records) / seconds


def ours(
    bootstrap: str, topic: str, file: Path, *arguments: str, program: str = "producer"
) -> float:
    """Records per second of the producer's own report."""
    command = [
        sys.executable,
        "-m",
        program,
        "--source",
        "replay",
        "--file",
        str(file),
        "--topic",
        topic,
        *arguments,
    ]
    done = subprocess.run(
        [*command, "--bootstrap", bootstrap], cwd=ROOT, check=True, capture_output=True
    )
    report = json.loads(done.stdout)
    assert report["acked"] == report["read"] > 0, report
    return float(report["records_per_second"])


def measured(ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Each way in turn, `rounds` times: what disturbs the machine disturbs all of them."""
    results: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            results[name].append(round(way()))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.producers", description=__doc__)
    parser.add_argument(
        "--records", type=int, default=100_000, help="how many invented tweets (default 100000)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bootstrap", default=os.environ.get("TWEETS_BOOTSTRAP", "127.0.0.1:9092"))
    parser.add_argument("--results", type=Path, default=RESULT, help="where to write the figures")
    chosen = parser.parse_args()
    admin, topic = KafkaAdminClient(bootstrap_servers=chosen.bootstrap), f"bench-{int(time.time())}"
    admin.create_topics(
        {topic: {"num_partitions": 3, "replication_factor": 1}}, wait_for_metadata=True
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tweets.jsonl"
        values = (record.value for record in sample(1, 0.0))
        file.write_bytes(
            b"\n".join(islice((value for value in values if value is not None), chosen.records))
        )
        at = chosen.bootstrap, topic, file
        other = "benchmarks.kafka_python_producer"
        ledger, spool = ("--ledger", f"{folder}/ledger"), ("--spool", f"{folder}/spool")
        ways = {
            "kafka_python_plain_loop": lambda: plain_loop(*at),
            "kafka_python_plain_loop_same_batches": lambda: plain_loop(*at, **SETTINGS),
            "producer": lambda: ours(*at),
            "producer_over_kafka_python": lambda: ours(*at, program=other),
            "producer_with_spool": lambda: ours(*at, *spool),
            "producer_over_kafka_python_with_spool": lambda: ours(*at, *spool, program=other),
            "producer_with_ledger": lambda: ours(*at, *ledger),
        }
        results = measured(ways, chosen.rounds)
        bytes_a_record = round(file.stat().st_size / chosen.records)
    admin.delete_topics([topic])
    medians = {name: statistics.median(rates) for name, rates in results.items()}
    plain = medians["kafka_python_plain_loop"]
    ratios = {name: round(median / plain, 2) for name, median in medians.items()}
    for name, median in medians.items():
        print(f"{name:<40} {median:>10,.0f} records/s  {ratios[name]:>6.2f} x")
    chosen.results.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "records": chosen.records,
        "bytes_a_record": bytes_a_record,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }
    about |= {"load": round(os.getloadavg()[0], 1)}
    chosen.results.write_text(
        json.dumps(
            {**about, "records_per_second": results, "medians": medians, "ratio_to_plain": ratios},
            indent=1,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
