"""The job of benchmarks.sources: scripts/submit benchmarks/sources_reads.py FOLDER SCALE.

Each source has a number of records waiting, or makes them, and is read until all are counted.
Prints one JSON line per source, in records per second.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pika
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams.sources import Message, Source, source_stream
from kafka_dstreams.sources.flume import FlumePush
from kafka_dstreams.sources.mqtt import MQTT
from tests.conftest import HOST, PORTS, ROOT
from tests.kit.flume import agent
from tests.kit.mosquitto import Mosquitto, mosquitto
from tests.kit.rabbitmq import RabbitMQ, rabbitmq

sys.path.insert(0, str(ROOT / "examples"))
from rabbitmq_wordcount import Queue  # noqa: E402

VALUE = b"x" * 200
TRIVIAL, MQTT_RECORDS, RABBITMQ, FLUME = 4_000_000, 200_000, 200_000, 400_000
FLUME_PORT = PORTS + 345
# mosquitto's own: how many it sends without an acknowledgement, and keeps for a client
WIDE = ("max_inflight_messages 5000", "max_queued_messages 0")
WINDOW = 10_000  # RabbitMQ's prefetch


class Trivial(Source):
    """`count` values, as fast as it is asked."""

    def __init__(self, count: int) -> None:
        self.left = count

    def poll(self, limit: int, wait: float) -> list[Message]:
        if not self.left:
            time.sleep(wait)
        count = min(limit, self.left)
        self.left -= count
        return [Message(VALUE)] * count


def counted(sc: Any, source: Source, count: int, log: bool, folder: Path) -> int:
    """Records per second, from the beginning of the first batch that has some to the end of the
    last one's count()."""
    conf = sc._jsc.sc().conf()
    conf.set("spark.streaming.receiver.writeAheadLog.enable", str(log).lower())
    ssc = StreamingContext(sc, 1)
    if log:
        ssc.checkpoint((folder / f"checkpoint-{time.time()}").as_uri())
    seen: dict[str, Any] = {"records": 0, "begun": None, "ended": 0.0}

    def add(when: Any, rdd: Any) -> None:
        found = rdd.count()
        if found and not seen["begun"]:
            seen["begun"] = when.timestamp() - 1
        seen["records"] += found
        seen["ended"] = time.time()

    source_stream(ssc, source).foreachRDD(add)
    ssc.start()
    while seen["records"] < count:
        ssc.awaitTerminationOrTimeout(0.2)
        if seen["ended"] and time.time() - seen["ended"] > 300:
            raise TimeoutError(f"{source.name}: {seen['records']} of {count} records")
    ssc.stop(stopSparkContext=False, stopGraceFully=False)
    return round(count / (seen["ended"] - seen["begun"]))


def rate(count: int, read: Callable[[], object]) -> int:
    """Records per second of `read`, which reads `count`."""
    begun = time.monotonic()
    read()
    return round(count / (time.monotonic() - begun))


def paho_alone(address: tuple[str, int], client_id: str, count: int) -> None:
    """paho's own loop: each message is acknowledged as it comes."""
    seen = 0

    def take(client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        nonlocal seen
        client.ack(message.mid, message.qos)
        seen += 1

    client = paho.Client(CallbackAPIVersion.VERSION2, client_id, False, manual_ack=True)
    client.on_message = take
    client.connect(*address)
    while seen < count:
        client.loop(0.2)
    client.disconnect()


def pika_alone(url: str, queue: str, count: int) -> None:
    """pika's own generator: every thousandth message acknowledges those before it."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=WINDOW)
        for number, (method, _, _) in enumerate(channel.consume(queue), 1):
            if number % 1000 == 0 or number == count:
                channel.basic_ack(method.delivery_tag, multiple=True)
            if number == count:
                return


def source_alone(source: Source, count: int) -> None:
    """The source without Spark: polled and acknowledged at once."""
    source.open()
    while count > 0:
        count -= len(source.poll(65_536, 0.2))
        source.ack()
    source.close()


def mqtt_case(broker: Mosquitto, count: int) -> Iterator[Any]:
    """Messages that wait in a session; twice for the stream, once for paho."""
    for name in ("off", "on", "alone"):
        source, session = (MQTT(f"tcp://{broker.address}", f"bench/{name}", name) for _ in range(2))
        session.open()
        session.close()
        broker.publish(f"bench/{name}", [VALUE] * count)
        yield source if name != "alone" else lambda: paho_alone((HOST, broker.port), "alone", count)


def rabbitmq_case(broker: RabbitMQ, count: int) -> Iterator[Any]:
    for name in ("off", "on", "alone"):
        broker.publish(name, [VALUE] * count)
        source = Queue(broker.url, name, WINDOW)
        yield source if name != "alone" else lambda: pika_alone(broker.url, "alone", count)


@contextmanager
def flume_agent(folder: Path, count: int) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with agent(folder, FLUME_PORT, count, "batch-size = 1000"):
        yield


def measured(
    sc: Any, name: str, count: int, cases: Iterator[Any], folder: Path, around: Any
) -> None:
    """One source's line."""
    row: dict[str, Any] = {"source": name, "records": count}
    for way, case in zip(("log_off", "log_on", "library_alone"), cases, strict=False):
        with around(folder / way):
            if isinstance(case, Source):
                row[way] = counted(sc, case, count, way == "log_on", folder)
            else:
                row[way] = rate(count, case)
    print(json.dumps(row), flush=True)


def main() -> None:
    folder, scale = Path(sys.argv[1]), float(sys.argv[2])
    sizes = [max(100, int(count * scale)) for count in (TRIVIAL, MQTT_RECORDS, RABBITMQ, FLUME)]

    def nothing(_folder: Path) -> AbstractContextManager[None]:
        return nullcontext()

    sc = SparkContext(appName="benchmark of sources")
    sc.addPyFile(str(ROOT / "examples" / "rabbitmq_wordcount.py"))
    counted(sc, Trivial(sizes[0] // 4), sizes[0] // 4, False, folder)  # warms up
    trivial = iter([Trivial(sizes[0]), Trivial(sizes[0])])
    measured(sc, "trivial", sizes[0], trivial, folder, nothing)
    with mosquitto(folder / "mosquitto", *WIDE) as broker:
        measured(sc, "MQTT", sizes[1], mqtt_case(broker, sizes[1]), folder, nothing)
    with rabbitmq(folder / "rabbitmq") as queues:
        measured(sc, "RabbitMQ", sizes[2], rabbitmq_case(queues, sizes[2]), folder, nothing)
    source = FlumePush(HOST, FLUME_PORT)
    flume = iter([source, source, lambda: source_alone(source, sizes[3])])
    measured(
        sc, "Flume", sizes[3], flume, folder / "flume", lambda place: flume_agent(place, sizes[3])
    )
    sc.stop()


if __name__ == "__main__":
    main()
