"""Kerberos of the secured set: a KDC on this machine, and an HDFS and a YARN that ask it who is
there.

The KDC is Hadoop's MiniKdc. It keeps its keys in memory: each start of it makes new ones, and new
keytabs for HDFS, for YARN and for the users.
"""

import os
import socket
from pathlib import Path
from typing import Any

from config.settings import Settings
from local import keytabs

HOST, REALM = "127.0.0.1", "TWEETS.TEST"
HDFS = ("nn/localhost", "dn/localhost", "HTTP/localhost")
YARN = ("yarn/localhost", "HTTP/localhost")
USERS = ("jobs", "audit")
PRINCIPALS = (*HDFS, *YARN[:1], *USERS)  # both have the one of pages
KDC = "kdc"  # the node's name
HADOOP = "org.apache.hadoop.security"
MAIN = "org.apache.hadoop.minikdc.MiniKdc"


def principal(user: str) -> str:
    """The full name of this user."""
    return f"{user}@{REALM}"


PASSWORD = "changeit"  # the file's mode protects the key; Java wants a word
# What both sides say: who the nodes are, and that all that is sent is encrypted.
CORE_SITE = {
    "hadoop.security.authentication": "kerberos",
    "hadoop.security.authorization": "true",
    "hadoop.rpc.protection": "privacy",
    # Hadoop's first choice wants its library in C, and logs that it is missing
    "hadoop.security.crypto.codec.classes.aes.ctr.nopadding": (
        "org.apache.hadoop.crypto.JceAesCtrCryptoCodec"
    ),
}
HDFS_SITE = {
    "dfs.data.transfer.protection": "privacy",
    "dfs.encrypt.data.transfer.cipher.suites": "AES/CTR/NoPadding",
    "dfs.block.access.token.enable": "true",
    "dfs.namenode.kerberos.principal": principal("nn/localhost"),
    "dfs.datanode.kerberos.principal": principal("dn/localhost"),
}


def krb5_conf(home: Path) -> Path:
    """The file that says where the KDC of this home is: KRB5_CONFIG, java.security.krb5.conf."""
    return home / "krb5.conf"


def client_folder(home: Path) -> Path:
    """HADOOP_CONF_DIR for programs that use this HDFS."""
    return home / "hadoop"


def keytab(home: Path, name: str) -> Path:
    """The keytab of a user, of "hdfs" or of "yarn", for its owner only."""
    return home / "secrets" / f"{name}.keytab"


def arguments(home: Path) -> list[str]:
    """The KDC's command behind its main class; `prepare` makes what it names."""
    folder = home / "kdc"
    return [str(folder), str(folder / "minikdc.properties"), str(_all(home)), *PRINCIPALS]


def _all(home: Path) -> Path:
    """Where the KDC writes every key, until `share` has put each where it belongs."""
    return home / "secrets" / "all.keytab"


def files(settings: Settings, home: Path) -> dict[Path, str]:
    """The configuration of the KDC and of its clients."""
    port = settings.kdc_port
    kdc = {
        "org.name": "TWEETS",
        "org.domain": "TEST",
        "kdc.bind.address": HOST,
        "kdc.port": str(port),
        "transport": "TCP",
        "debug": "false",
        "instance": "T",
        # ms
        "max.ticket.lifetime": "86400000",
        "max.renewable.lifetime": "604800000",
    }
    return {
        home / "kdc" / "minikdc.properties": "".join(f"{n}={v}\n" for n, v in kdc.items()),
        krb5_conf(home): f"""[libdefaults]
 default_realm = {REALM}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {REALM} = {{
  kdc = {HOST}:{port}
 }}
[domain_realm]
 localhost = {REALM}
""",
    }


def prepare(home: Path) -> None:
    """Remove the keys of a former KDC, which this one will not know."""
    for file in (home / "secrets").glob("*.keytab"):
        file.unlink()


def missing(settings: Settings, home: Path) -> str:
    """What is missing until the KDC has answered and each has its keytab."""
    try:
        socket.create_connection((HOST, settings.kdc_port), timeout=2).close()
    except OSError as error:
        return f"no answer: {error}"
    if keytab(home, "hdfs").exists():
        return ""
    wanted = set(map(principal, PRINCIPALS))
    try:
        data = _all(home).read_bytes()
    except FileNotFoundError:
        return "it has made no keys yet"
    return "" if wanted <= {name for name, _ in keytabs.entries(data)} else "it still makes keys"


def share(home: Path) -> None:
    """Give HDFS, YARN and each user a keytab with its own keys only."""
    found = list(keytabs.entries(_all(home).read_bytes()))
    owned = {"hdfs": HDFS, "yarn": YARN, **{user: (user,) for user in USERS}}
    for name, owners in owned.items():
        wanted = set(map(principal, owners))
        file = keytab(home, name)
        file.touch(mode=0o600)
        file.write_bytes(b"\x05\x02" + b"".join(entry for who, entry in found if who in wanted))
        file.chmod(0o400)
    _all(home).unlink()


def node_core(home: Path, name: str = "hdfs") -> dict[str, str]:
    """What only the core-site.xml of the nodes of "hdfs" or "yarn" says: all their pages want
    Kerberos. Without it WebHDFS believes the name in `?user.name=`."""
    return {
        **CORE_SITE,
        "hadoop.http.filter.initializers": f"{HADOOP}.AuthenticationFilterInitializer",
        "hadoop.http.authentication.type": "kerberos",
        "hadoop.http.authentication.kerberos.principal": principal("HTTP/localhost"),
        "hadoop.http.authentication.kerberos.keytab": str(keytab(home, name)),
        "hadoop.http.authentication.simple.anonymous.allowed": "false",
    }


def node_site(home: Path) -> dict[str, str]:
    """What only the nodes' hdfs-site.xml says."""
    file = str(keytab(home, "hdfs"))
    return {
        **HDFS_SITE,
        "dfs.http.policy": "HTTPS_ONLY",
        "dfs.namenode.keytab.file": file,
        "dfs.datanode.keytab.file": file,
        "dfs.web.authentication.kerberos.principal": principal("HTTP/localhost"),
        "dfs.web.authentication.kerberos.keytab": file,
    }


def yarn_site(home: Path) -> dict[str, str]:
    """What YARN's nodes and clients say in yarn-site.xml; only the nodes can read the keytab."""
    return {
        f"yarn.{node}.{name}": value
        for node in ("resourcemanager", "nodemanager")
        for name, value in (
            ("principal", principal(YARN[0])),
            ("keytab", str(keytab(home, "yarn"))),
        )
    }


def ssl_server(home: Path) -> dict[str, str]:
    """ssl-server.xml."""
    return {
        "ssl.server.keystore.location": str(home / "secrets" / "hdfs.p12"),
        "ssl.server.keystore.type": "PKCS12",
        "ssl.server.keystore.password": PASSWORD,
        "ssl.server.keystore.keypassword": PASSWORD,
    }


def namenode_missing(settings: Settings, home: Path) -> str:
    """What is missing until the NameNode answers who logs in."""
    try:
        _superuser(settings, home).get_file_info("/")
    except (OSError, RuntimeError) as error:
        return f"no answer: {_first_line(error)}"
    return ""


def datanode_missing(settings: Settings, home: Path, name: str, port: int) -> str:
    """What is missing until this DataNode listens and HDFS takes a file: safe mode is over then."""
    from hdfs_native import WriteOptions

    try:
        socket.create_connection((HOST, port), timeout=2).close()
        client, file = _superuser(settings, home), f"/_start-of-{name}"
        with client.create(file, WriteOptions(overwrite=True)) as opened:
            opened.write(b"started\n")
        client.delete(file)
    except (OSError, RuntimeError) as error:
        return f"no file can be written: {_first_line(error)}"
    return ""


def hand_over(settings: Settings, home: Path) -> None:
    """Give the root folder of the running HDFS to the jobs' user, for its outputs."""
    _superuser(settings, home).set_owner("/", "jobs", "jobs")


def _superuser(settings: Settings, home: Path) -> Any:
    from hdfs_native import Client  # here alone: it loads the system's library of Kerberos

    os.environ["KRB5_CONFIG"] = str(krb5_conf(home))  # which its library of C reads
    return Client(
        f"hdfs://{HOST}:{settings.namenode_port}",
        config_dir=str(client_folder(home)),
        kerberos_principal=principal("nn/localhost"),
        kerberos_keytab=str(keytab(home, "hdfs")),
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
