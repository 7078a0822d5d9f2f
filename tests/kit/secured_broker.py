"""A Kafka broker of a test's own with SASL and TLS listeners, and with a topic whose offsets begin
beyond 2^31."""

import struct
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.record.default_records import DefaultRecordBatchBuilder

from local import jars, jdk
from local.processes import Home
from tests.conftest import HOST, PORTS

FAR = 3_000_000_000
FAR_RECORDS = 10


@dataclass(frozen=True)
class Broker:
    """Where its listeners are, and the secrets that its clients need (`canaries`: found anywhere
    else they have leaked)."""

    home: Home
    secrets: dict[str, str]
    port: int = PORTS + 1492

    @property
    def plain(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def sasl(self) -> str:
        return f"{HOST}:{self.port + 1}"

    @property
    def tls(self) -> str:
        return f"{HOST}:{self.port + 2}"

    @property
    def keys(self) -> Path:
        """The one key pair: the broker's, the client's, and (Java trusts a store's own keys) what
        each of them trusts."""
        return self.home.path / "keys.p12"

    def properties(self) -> str:
        """Its server.properties."""
        log_in = "org.apache.kafka.common.security"
        controller = f"{HOST}:{self.port + 3}"
        listeners = [
            f"PLAIN://{self.plain}",
            f"SASL://{self.sasl}",
            f"TLS://{self.tls}",
            f"CONTROLLER://{controller}",
        ]
        ann = f'user_ann="{self.secrets["PASSWORD"]}"'
        stores = "".join(
            f"ssl.{store}.{name}={value}\n"
            for store in ("keystore", "truststore")
            for name, value in self.store().items()
        )
        return f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
controller.listener.names=CONTROLLER
listeners={",".join(listeners)}
listener.security.protocol.map=PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAIN
sasl.enabled.mechanisms=SCRAM-SHA-256,PLAIN
listener.name.sasl.scram-sha-256.sasl.jaas.config={log_in}.scram.ScramLoginModule required;
listener.name.sasl.plain.sasl.jaas.config={log_in}.plain.PlainLoginModule required {ann};
ssl.client.auth=required
ssl.endpoint.identification.algorithm=
{stores}
log.dirs={self.home.path / "data"}
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
"""

    def store(self) -> dict[str, str]:
        """A key store's settings."""
        return {
            "location": str(self.keys),
            "type": "PKCS12",
            "password": self.secrets["STORE_PASSWORD"],
        }

    def run(self) -> None:
        """Start it and wait until it answers."""
        self.home.start(
            "broker", self.plain, [*JAVA, "kafka.Kafka", str(self.home.path / "server.properties")]
        )
        self.home.wait("broker", self._missing, 120)

    def _missing(self) -> str:
        try:
            admin = KafkaAdminClient(
                bootstrap_servers=self.plain, bootstrap_timeout_ms=2000, request_timeout_ms=5000
            )
            admin.close()
        except (KafkaError, OSError) as error:
            return f"no answer: {error}"
        return ""

    def topic(self, name: str, records: int) -> None:
        """Make a topic of one partition with this many numbered records."""
        admin = KafkaAdminClient(bootstrap_servers=self.plain)
        admin.create_topics(
            {name: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True
        )
        admin.close()
        producer = KafkaProducer(bootstrap_servers=self.plain)
        for number in range(records):
            producer.send(name, b"%d" % number)
        producer.close()

    def move_far(self, topic: str) -> None:
        """Give a topic of one partition a log that begins at FAR: a segment written by hand while
        the broker is down."""
        self.home.stop("broker")
        folder = self.home.path / "data" / f"{topic}-0"
        for old in [*folder.glob("0*"), *folder.glob("leader-epoch-checkpoint")]:
            old.unlink()
        batch = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 20)
        for number in range(FAR_RECORDS):
            batch.append(number, int(time.time() * 1000), None, b"%d" % number, [])
        data = bytearray(batch.build())
        # the base offset, and behind the batch's length the leader's epoch:
        struct.pack_into(">q", data, 0, FAR)
        struct.pack_into(">i", data, 12, 0)  # the checksum covers neither
        (folder / f"{FAR:020d}.log").write_bytes(data)
        self.run()


JAVA = [
    str(jdk.home() / "bin" / "java"),
    "-Xmx400m",
    "-XX:+UseSerialGC",
    "-cp",
    ":".join(map(str, jars.files("kafka"))),
]


@contextmanager
def secured_broker(folder: Path) -> Iterator[Broker]:
    """A running one with its data in `folder`; user ann may log in by SCRAM-SHA-256 or PLAIN, or
    come with the key by TLS."""
    secrets = {
        name: f"canary-{name.lower()}-{uuid.uuid4().hex}" for name in ("PASSWORD", "STORE_PASSWORD")
    }
    broker = Broker(Home(folder), secrets)
    keytool = [
        str(jdk.home() / "bin" / "keytool"),
        "-genkeypair",
        "-alias",
        "key",
        "-keyalg",
        "EC",
        "-validity",
        "2",
    ]
    keytool += [
        "-storetype",
        "PKCS12",
        "-keystore",
        str(broker.keys),
        "-storepass",
        secrets["STORE_PASSWORD"],
    ]
    subprocess.run(
        [*keytool, "-dname", "CN=ann", "-ext", f"san=ip:{HOST}"], check=True, capture_output=True
    )
    (folder / "server.properties").write_text(broker.properties())
    file, user = (
        str(folder / "server.properties"),
        f"SCRAM-SHA-256=[name=ann,password={secrets['PASSWORD']}]",
    )
    kafka_id = "MkU3OEVBNTcwNTJENDM2Qk"
    subprocess.run(
        [
            *JAVA,
            "kafka.tools.StorageTool",
            "format",
            "-t",
            kafka_id,
            "-c",
            file,
            "--add-scram",
            user,
        ],
        check=True,
    )
    try:
        broker.run()
        yield broker
    finally:
        broker.home.stop("broker")
