"""Who a program is to an HDFS with Kerberos: the settings, and whether this HDFS asks at all.

The address of the KDC is in the file that KRB5_CONFIG names, and what HDFS wants is in the folder
that HADOOP_CONF_DIR names, as for Hadoop's own programs. `audit/access.py` takes the same settings
by itself.
"""

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from config.errors import ConfigError, CredentialsError
from config.settings import Setting

SETTINGS = (
    Setting("principal", "", "HDFS with Kerberos: who this program is, NAME@REALM"),
    Setting("keytab", "", "the file with that principal's keys, mode 400; renews the login"),
)
LOGIN = "--principal NAME@REALM --keytab FILE (TWEETS_PRINCIPAL, TWEETS_KEYTAB), or kinit"


def asked_for(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether Hadoop's configuration says that HDFS wants Kerberos. Raises ConfigError for a
    core-site.xml that is no XML."""
    file = Path(environ.get("HADOOP_CONF_DIR", ""), "core-site.xml")
    if not environ.get("HADOOP_CONF_DIR") or not file.is_file():
        return False
    try:
        rows = ET.parse(file).iter("property")
        found = {row.findtext("name"): row.findtext("value") or "" for row in rows}
    except ET.ParseError as error:
        raise ConfigError(f"not XML: {error}", str(file), "correct the file") from None
    return found.get("hadoop.security.authentication", "").strip().lower() == "kerberos"


def checked(principal: str, keytab: str) -> tuple[str, str]:
    """Both settings, the keytab's path absolute; empty ones mean a ticket of kinit's.

    Raises ConfigError for one without the other and for a file that is no keytab,
    CredentialsError for a keytab that others may read.
    """
    if bool(principal) != bool(keytab):
        what = "principal and keytab go together"
        raise ConfigError(what, "the settings", "see docs/security.md")
    if not keytab:
        return "", ""
    if not re.fullmatch(r"[^\s@/]+(/[^\s@/]+)?(@[^\s@/]+)?", principal):
        raise ConfigError("not a principal", repr(principal), "--principal NAME@REALM")
    file = Path(keytab).absolute()
    try:
        beginning = file.read_bytes()[:1]
    except OSError as error:
        what = f"the keytab cannot be read ({error.strerror})"
        raise ConfigError(what, str(file), "set --keytab to a file of this machine") from None
    if beginning != b"\x05":
        remedy = "ktutil or kadmin ktadd makes one"
        raise ConfigError("the file is not a keytab", str(file), remedy)
    if file.stat().st_mode & 0o077:
        what = "others than its owner may read the keytab"
        raise CredentialsError(what, str(file), f"chmod 400 {file}")
    return principal, str(file)
