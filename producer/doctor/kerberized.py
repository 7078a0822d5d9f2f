"""Can the jobs' output be written, where HDFS has Kerberos: sends a small file by HDFS's own
protocol, and removes it. The doctor logs in as the jobs do: TWEETS_PRINCIPAL, TWEETS_KEYTAB, or
kinit's ticket."""

import os
import uuid
from typing import Any
from urllib.parse import urlsplit

from config import kerberos
from config.errors import ConfigError, CredentialsError, PipelineError, ServiceUnreachable

# of a NameNode that is away: some seconds
_ATTEMPTS = {"dfs.client.failover.max.attempts": "4"}


def write(output: str) -> str:
    """Writes, and deletes. Raises ServiceUnreachable, ConfigError, CredentialsError."""
    from hdfs_native import Client  # here alone: it loads the system's library of Kerberos

    environ, address = os.environ, urlsplit(output)
    principal, keytab = kerberos.checked(
        environ.get("TWEETS_PRINCIPAL", ""), environ.get("TWEETS_KEYTAB", "")
    )
    try:
        client = Client(
            f"hdfs://{address.netloc}",
            _ATTEMPTS,
            environ["HADOOP_CONF_DIR"],
            kerberos_principal=principal or None,
            kerberos_keytab=keytab or None,
        )
        folder = _nearest(client, address.path.rstrip("/"))
        file = f"{folder}/_check-{uuid.uuid4().hex}"
        try:
            with client.create(file) as opened:
                opened.write(b"a check\n")
        finally:
            client.delete(file)
    except (OSError, RuntimeError) as error:
        raise _meant(str(error), output) from None
    return f", written to {folder or '/'} as {principal or 'the user of the ticket'}"


def _nearest(client: Any, path: str) -> str:
    """The folder, or the nearest above it that exists."""
    while path:
        try:
            client.get_file_info(path)
            return path
        except FileNotFoundError:
            path = path.rpartition("/")[0]
    return ""


def _meant(said: str, output: str) -> PipelineError:
    why = max(said.split('"'), key=len).splitlines()[0][:200]
    if "AccessControlException" in said:
        remedy = "log in as the jobs do, or have the output's owner let you write"
        return ConfigError("no permission on the output", output, remedy)
    if "KDC" not in said and ("GSSAPIError" in said or "SASL" in said.upper()):
        remedy = "set TWEETS_PRINCIPAL and TWEETS_KEYTAB as for the jobs, or kinit"
        return CredentialsError(f"HDFS does not accept the login: {why}", output, remedy)
    remedy = "scripts/services status; check HADOOP_CONF_DIR and KRB5_CONFIG"
    return ServiceUnreachable(f"HDFS or the KDC does not answer: {why}", output, remedy)
