"""python -m kafka_dstreams jars: what goes into spark-submit's --jars, the connector's jar and
Kafka's client."""

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
# installed; in the repository
PLACES = (PACKAGE / "jars", PACKAGE.parent.parent / "build" / "jars" / "connector")


def jars() -> list[Path]:
    """The two jars. Raises SystemExit when they have not been built."""
    for place in PLACES:
        found = [*place.glob("kafka-dstreams.jar"), *place.glob("kafka-clients-*.jar")]
        if len(found) == 2:
            return found
    sys.exit(
        f"error: no jars in {' or '.join(map(str, PLACES))}\n  next: make setup, or pip install "
        "./connector"
    )


if __name__ == "__main__":
    if sys.argv[1:] != ["jars"]:
        sys.exit(__doc__)
    print(",".join(map(str, jars())))
