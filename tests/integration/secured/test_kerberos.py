"""An HDFS with Kerberos: who may what, and what each program says where it may not."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from local import kerberos, keytabs
from tests.kit.jobs import APPROACHES
from tests.kit.secured_services import Secured, apart

TWEETS = 200
LONG = pytest.mark.long
NO_LOGIN = {"TWEETS_PRINCIPAL": "", "TWEETS_KEYTAB": ""}


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    own = apart()
    with own.running("--secure"):
        found = Secured(own)
        found.produce("filled", TWEETS, environ=found.environ("producer"))
        yield found


@pytest.mark.parametrize("approach", [APPROACHES[0], pytest.param(APPROACHES[1], marks=LONG)])
def test_job_audit_and_summary_with_a_keytab(secured: Secured, output: str, approach: str) -> None:
    flags = {"TWEETS_PRINCIPAL": "--principal", "TWEETS_KEYTAB": "--keytab"}
    given = [word for name, value in secured.login("jobs").items() for word in (flags[name], value)]
    secured.job(approach, "filled", output, *given, environ=NO_LOGIN)
    secured.published_once("filled", output, TWEETS)
    said = secured.script("summary", "--output", output, environ=secured.environ("audit"))
    assert f"all{TWEETS:>17}" in said
    without = {**secured.environ("audit"), **NO_LOGIN}
    said = secured.script("summary", "--output", output, environ=without, expect=5)
    assert "does not accept the login" in said and "kinit" in said
    said = secured.audit("filled", output, expect=5, environ=NO_LOGIN)
    assert "--principal and --keytab, or kinit" in said


def test_the_doctor_writes_as_the_jobs_do(secured: Secured, output: str) -> None:
    words = ("--check", "--source", "sample", "--topic", "filled", "--output", output)
    own = secured.environ("producer")
    said = secured.module("producer", *words, environ={**own, **secured.login("jobs")})
    assert "as jobs@TWEETS.TEST" in said
    said = secured.module("producer", *words, environ=own, expect=5)
    assert "does not accept the login" in said
    said = secured.module("producer", *words, environ={**own, **secured.login("audit")}, expect=2)
    assert "no permission on the output" in said


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (NO_LOGIN, 5, "this job has no ticket"),
        ({"TWEETS_KEYTAB": "/no/such.keytab"}, 2, "the keytab cannot be read"),
        pytest.param(
            {"TWEETS_PRINCIPAL": "bob@TWEETS.TEST"}, 5, "no key of this principal", marks=LONG
        ),
        pytest.param({"KRB5_CONFIG": "/no/krb5.conf"}, 2, "KRB5_CONFIG", marks=LONG),
        pytest.param({"HADOOP_CONF_DIR": "/no"}, 2, "set HADOOP_CONF_DIR", marks=LONG),
    ],
)
def test_a_job_that_may_not_log_in_says_what_to_change(
    secured: Secured, output: str, change: dict[str, str], code: int, words: str
) -> None:
    assert words in secured.job("direct", "filled", output, environ=change, expect=code)


@LONG
def test_an_old_keytab_another_principal_and_a_kdc_that_is_away(
    secured: Secured, output: str, tmp_path: Path
) -> None:
    own = Path(secured.login("jobs")["TWEETS_KEYTAB"])
    old = tmp_path / "old.keytab"
    pairs = list(keytabs.entries(own.read_bytes()))
    turned = [entry[:-16] + entry[-16:][::-1] for _, entry in pairs]  # another key
    old.write_bytes(b"\x05\x02" + b"".join(turned))
    old.chmod(0o400)
    said = secured.job("direct", "filled", output, environ={"TWEETS_KEYTAB": str(old)}, expect=5)
    assert "fetch the keytab again" in said
    said = secured.job("direct", "filled", output, environ=secured.login("audit"), expect=2)
    assert "no permission on HDFS" in said and "user=audit" in said
    text = kerberos.krb5_conf(secured.services.home).read_text()
    away = tmp_path / "away.conf"
    away.write_text(text.replace(str(secured.services.kdc_port), "9"))
    said = secured.job("direct", "filled", output, environ={"KRB5_CONFIG": str(away)}, expect=1)
    assert "the KDC does not answer" in said


@pytest.mark.parametrize("page", ["webhdfs/v1/?op=LISTSTATUS&user.name=nn", "jmx", "conf", "logs"])
def test_a_stranger_reads_nothing_on_the_namenodes_pages(secured: Secured, page: str) -> None:
    refused(secured, f"127.0.0.1:{secured.services.namenode_http_port}/{page}")


@pytest.mark.parametrize("page", ["webhdfs/v1/a?op=OPEN&offset=0&user.name=nn", "jmx", "conf"])
def test_a_stranger_reads_nothing_on_a_datanodes_pages(secured: Secured, page: str) -> None:
    namenode = secured.services.hdfs.removeprefix("hdfs://")
    more = f"&namenoderpcaddress={namenode}" if "?" in page else ""
    refused(secured, f"127.0.0.1:{secured.services.datanode_port + 1}/{page}{more}")


def refused(secured: Secured, page: str) -> None:
    trust = ssl.create_default_context(cafile=str(secured.folder / "ca.pem"))
    with pytest.raises(HTTPError, match="401|403"):
        urlopen(f"https://{page}", timeout=30, context=trust)


def test_a_secured_set_has_no_standalone_cluster(secured: Secured) -> None:
    done = secured.services.run("start", "--secure", "--spark-workers", "1", expect=2)
    assert "--yarn-nodes, or a set without --secure" in done.stderr
