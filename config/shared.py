"""The settings that the producer and the jobs share: where they meet."""

from typing import Any

from config.settings import Setting

WEBHDFS_PORT = 9870  # Hadoop's default

BOOTSTRAP = Setting("bootstrap", "127.0.0.1:9092", "Kafka brokers, host:port, comma separated")
TOPIC = Setting("topic", "tweets", "Kafka topic")
OUTPUT = Setting(
    "output",
    "hdfs://127.0.0.1:8020/tweets/{program}",
    "folder of the job's batches; {program} is the job's name",
)
METRICS = Setting(
    "metrics",
    "",
    "HOST:PORT for /metrics (Prometheus) and /health, as 127.0.0.1:9400; empty is off",
)


def name_output(program: str, values: dict[str, Any]) -> None:
    """Put the program's name into the output's address."""
    values["output"] = values["output"].replace("{program}", program).rstrip("/")
