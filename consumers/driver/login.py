"""The job's login to an HDFS with Kerberos, before anything is asked of it.

Spark renews what comes of it: the ticket from the keytab, and the tokens that executors and the
write-ahead log use.
"""

from typing import Any
from urllib.parse import urlsplit

from py4j.protocol import Py4JJavaError
from pyspark import SparkContext

from config import kerberos
from config.errors import ConfigError, CredentialsError, PipelineError, ServiceUnreachable
from config.settings import Settings
from consumers.output.jvm_errors import causes

# what a KDC that is away looks like to the JVM
_AWAY = ("Connection refused", "timed out", "No route to host", "Network is unreachable")
_UNKNOWN = ("Cannot locate", "Cannot find KDC", "Cannot get kdc", "Could not load configuration")
# what the KDC and the JVM say, in parts of a sentence; what it means, and what to change
_REFUSED = {
    "Unable to obtain password": (
        "the keytab has no key of this principal",
        "klist -kt FILE shows whose keys it has",
    ),
    "Checksum failed": ("the KDC has another key of this principal", "fetch the keytab again"),
    "Pre-authentication": ("the KDC has another key of this principal", "fetch the keytab again"),
    "Integrity check": ("the KDC has another key of this principal", "fetch the keytab again"),
    "Client not found": ("the KDC does not know this principal", "correct --principal"),
    "Clock skew": ("this machine's clock is not the KDC's", "set the clock"),
}


def log_in(settings: Settings) -> None:
    """Log in by the keytab, or make sure that there is a ticket where HDFS wants one.

    Raises ConfigError where Hadoop's configuration does not fit the settings, CredentialsError
    where there is no ticket or the KDC refuses, ServiceUnreachable where the KDC is away.
    """
    principal, keytab = kerberos.checked(settings.principal, settings.keytab)
    SparkContext._ensure_initialized()
    jvm: Any = SparkContext._jvm
    jvm.org.apache.spark.deploy.SparkHadoopUtil.get()  # hands Spark's configuration to Hadoop
    users = jvm.org.apache.hadoop.security.UserGroupInformation
    if principal and not users.isSecurityEnabled():
        what = "Hadoop's configuration does not say that HDFS has Kerberos"
        raise ConfigError(what, "--principal", "set HADOOP_CONF_DIR to the folder of its core-site")
    if principal:
        try:
            users.loginUserFromKeytab(principal, keytab)
        except Py4JJavaError as error:
            raise _refused([text for _, text in causes(error)], principal) from None
        _tell_spark(jvm, settings, principal, keytab)
    elif users.isSecurityEnabled():
        user = users.getCurrentUser()
        if not user.hasKerberosCredentials() and not user.getCredentials().numberOfTokens():
            what = "HDFS wants Kerberos, and this job has no ticket"
            raise CredentialsError(what, settings.output, kerberos.LOGIN)


def _tell_spark(jvm: Any, settings: Settings, principal: str, keytab: str) -> None:
    """As system properties: a context that comes from a checkpoint reads them there."""
    properties = jvm.java.lang.System
    properties.setProperty("spark.kerberos.principal", principal)
    properties.setProperty("spark.kerberos.keytab", keytab)
    if not properties.getProperty("spark.kerberos.access.hadoopFileSystems"):
        output = urlsplit(settings.output)
        properties.setProperty(
            "spark.kerberos.access.hadoopFileSystems", f"{output.scheme}://{output.netloc}"
        )


def _refused(texts: list[str], principal: str) -> PipelineError:
    """What the JVM's words about a login mean."""
    said = " ".join(texts)
    for words, (what, remedy) in _REFUSED.items():
        if words in said:
            return CredentialsError(what, principal, remedy)
    if any(words in said for words in _AWAY):
        return ServiceUnreachable(
            "the KDC does not answer", principal, "check KRB5_CONFIG; then start again"
        )
    if any(words in said for words in _UNKNOWN):
        remedy = "set KRB5_CONFIG to the krb5.conf that names it"
        return ConfigError("no KDC is known for this principal", principal, remedy)
    return CredentialsError(f"the KDC refuses the login: {texts[-1]}", principal, kerberos.LOGIN)
