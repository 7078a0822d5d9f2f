"""python -m kafka_dstreams jars: what goes into spark-submit's --jars, the connector's jar for this
Spark and Kafka's client."""

from __future__ import annotations

import sys

from kafka_dstreams import running

if __name__ == "__main__":
    if sys.argv[1:] != ["jars"]:
        sys.exit(__doc__)
    try:
        print(",".join(map(str, running.jars())))
    except FileNotFoundError as error:
        sys.exit(f"error: {error}\n  next: make setup, or pip install ./connector")
