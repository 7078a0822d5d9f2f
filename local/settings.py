"""The settings of the services on this machine."""

from config.settings import Setting
from config.shared import WEBHDFS_PORT

_PORT = (1, 65_535)
_SERVICES = (
    Setting("brokers", 1, "Kafka brokers", choices=(1, 3)),  # two keep no majority
    Setting("datanodes", 1, "HDFS DataNodes", span=(1, 1_000)),
    Setting("kafka_port", 9092, "first broker's port; the next ones follow", span=_PORT),
    Setting(
        "controller_port",
        19092,
        "first KRaft controller's port; the next ones follow",
        span=_PORT,
    ),
    Setting(
        "secure",
        False,
        "brokers with TLS, logins and ACLs, HDFS with Kerberos; each program is a user: "
        "scripts/services env USER",
    ),
    Setting("kdc_port", 10088, "Kerberos KDC's port, with --secure", span=_PORT),
    Setting(
        "kafka_tls_port",
        9192,
        "first broker's port for clients with a certificate, with --secure; the next ones follow",
        span=_PORT,
    ),
    Setting("namenode_port", 8020, "NameNode's RPC port", span=_PORT),
    Setting("namenode_http_port", WEBHDFS_PORT, "NameNode's WebHDFS port", span=_PORT),
    Setting("datanode_port", 9866, "first DataNode's port; each DataNode takes ten", span=_PORT),
    Setting(
        "spark_workers",
        0,
        "Workers of a Spark cluster, each on an address of its own; 0 is no cluster",
        span=(0, 200),
    ),
    Setting("spark_port", 7077, "Spark Master's port; the Workers take the next", span=_PORT),
    Setting("spark_http_port", 8080, "Spark Master's page; the Workers take the next", span=_PORT),
    Setting(
        "yarn_nodes",
        0,
        "NodeManagers of YARN, each on an address of its own; 0 is no YARN",
        span=(0, 200),
    ),
    Setting(
        "yarn_port",
        8030,
        "ResourceManager's first port of five; the NodeManagers take the next four",
        span=_PORT,
    ),
    Setting(
        "hdfs_site",
        "",
        "properties for HDFS's hdfs-site.xml, NAME=VALUE, comma separated; read at a start",
    ),
    Setting("page", False, "also start the page of what is published (scripts/dashboard)"),
    Setting("page_port", 8780, "port of the page", span=_PORT),
    Setting("x_stub", False, "also start a stub server of X"),
    Setting("x_stub_port", 9440, "port of X's stub", span=_PORT),
    Setting("jetstream_stub", False, "also start a stub server of Bluesky's Jetstream"),
    Setting("jetstream_stub_port", 9441, "port of Jetstream's stub", span=_PORT),
    Setting("services_home", ".run/services", "folder of the services' data, logs and pids"),
)
ROWS = {"services": _SERVICES}
