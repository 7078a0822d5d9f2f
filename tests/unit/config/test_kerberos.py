"""Who a program is to an HDFS with Kerberos: what fits together, and whether HDFS asks."""

from pathlib import Path

import pytest

from audit import kerberized as of_audit
from audit.access import Refused
from config import kerberos, settings
from config.errors import ConfigError, CredentialsError, PipelineError, ServiceUnreachable
from consumers.driver import login

SITE = "<configuration><property><name>hadoop.security.authentication</name><value>{}</value>"
SITE += "</property></configuration>"


@pytest.fixture
def keytab(tmp_path: Path) -> Path:
    file = tmp_path / "own.keytab"
    file.write_bytes(b"\x05\x02")
    file.chmod(0o400)
    return file


def test_a_keytab_is_named_by_its_whole_path(keytab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(keytab.parent)
    assert kerberos.checked("ann@REALM", keytab.name) == ("ann@REALM", str(keytab))
    assert kerberos.checked("", "") == ("", "")


@pytest.mark.parametrize("principal", ["", "@REALM", "ann@", "a b@REALM", "a/b/c@REALM"])
def test_a_principal_has_a_form(keytab: Path, principal: str) -> None:
    with pytest.raises(ConfigError):
        kerberos.checked(principal, str(keytab))


def test_a_keytab_that_others_may_read_is_refused(keytab: Path) -> None:
    keytab.chmod(0o440)
    with pytest.raises(CredentialsError, match="chmod 400"):
        kerberos.checked("ann@REALM", str(keytab))
    with pytest.raises(Refused, match="chmod 400") as refused:
        of_audit.Kerberized("hdfs://h:1/p", "ann@REALM", str(keytab))
    assert refused.value.code == 5


def test_a_file_that_is_no_keytab_is_refused(tmp_path: Path) -> None:
    for text in (b"", b"password"):
        (tmp_path / "x").write_bytes(text)
        with pytest.raises(ConfigError, match="not a keytab"):
            kerberos.checked("ann@REALM", str(tmp_path / "x"))
    with pytest.raises(ConfigError, match="cannot be read"):
        kerberos.checked("ann@REALM", str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("value", "asks"), [("kerberos", True), (" KERBEROS ", True), ("simple", False), ("", False)]
)
def test_hadoops_configuration_says_whether_hdfs_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, asks: bool
) -> None:
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    assert not kerberos.asked_for() and not of_audit.asked_for()
    (tmp_path / "core-site.xml").write_text(SITE.format(value))
    assert kerberos.asked_for() == of_audit.asked_for() == asks
    (tmp_path / "core-site.xml").write_text("<configuration>")
    with pytest.raises(ConfigError, match="not XML"):
        kerberos.asked_for()
    with pytest.raises(Refused, match="not XML"):
        of_audit.asked_for()


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Unable to obtain password from user", CredentialsError),
        ("Checksum failed", CredentialsError),
        ("Client not found in Kerberos database (6) - CLIENT_NOT_FOUND", CredentialsError),
        ("Clock skew too great (37)", CredentialsError),
        ("anything else", CredentialsError),
        ("Connection refused (Connection refused)", ServiceUnreachable),
        ("Receive timed out", ServiceUnreachable),
        ("Cannot locate KDC", ConfigError),
    ],
)
def test_what_the_kdc_says_has_an_exit_code(said: str, kind: type[PipelineError]) -> None:
    error = login._refused(["failure to login", said], "ann@REALM")
    assert type(error) is kind and error.remedy


def test_both_jobs_take_the_settings(keytab: Path) -> None:
    for job in ("direct", "receiver_based"):
        found = settings.load(
            job,
            ["--principal", "ann@REALM", "--keytab", str(keytab)],
            environ={},
            file=Path("none"),
            secrets=Path("none"),
        )
        assert (found.principal, found.keytab) == ("ann@REALM", str(keytab))
