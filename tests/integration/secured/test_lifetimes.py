"""Weeks of Kerberos in five minutes: tokens live for one minute, the KDC is frozen, the NameNode
restarts, and at last the keytab is taken away."""

import os
import re
import shutil
import signal
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

import pytest

from local import kerberos
from tests.conftest import PATIENCE
from tests.kit.jobs import APPROACHES, Job, started
from tests.kit.secured_services import Secured, apart

TOKEN_S, LIFE_S = 60, 90  # a token's until it must be renewed, and its whole life
SITE = {
    "dfs.namenode.delegation.token.renew-interval": 1000 * TOKEN_S,
    "dfs.namenode.delegation.token.max-lifetime": 1000 * LIFE_S,
    "dfs.namenode.delegation.key.update-interval": 1000 * TOKEN_S,
}
SPARK = {
    "spark.security.credentials.retryWait": "2s",
    "spark.kerberos.relogin.period": "20s",
    "spark.hadoop.hadoop.kerberos.min.seconds.before.relogin": "5",
}
RUN_S = 300
REFUSED = "does not accept the login"


def restart_namenode(secured: Secured) -> None:
    """All connections end: what comes next logs in again."""
    secured.services.run("stop", "namenode")
    secured.services.run("start", "namenode")


@pytest.mark.long
@pytest.mark.timeout(1800 * PATIENCE)
def test_tokens_are_replaced_until_the_keytab_is_gone(tmp_path: Path) -> None:
    own = apart(7, hdfs_site=",".join(f"{name}={value}" for name, value in SITE.items()))
    with own.running("--secure"):
        _run(Secured(own), tmp_path)


def _run(secured: Secured, folder: Path) -> None:
    sent = 0
    keytab, krb5 = folder / "jobs.keytab", folder / "krb5.conf"
    shutil.copy(kerberos.keytab(secured.services.home, "jobs"), keytab)
    text = kerberos.krb5_conf(secured.services.home).read_text()
    krb5.write_text(text.replace("[libdefaults]", "[libdefaults]\n ticket_lifetime = 60s"))
    environ = {**secured.environ("jobs"), "TWEETS_KEYTAB": str(keytab), "KRB5_CONFIG": str(krb5)}
    outputs = {name: f"{secured.services.hdfs}/long/{uuid.uuid4().hex[:8]}" for name in APPROACHES}
    spark = ["--supervise", "--secure"]  # a NameNode may need a minute to start
    for name, value in SPARK.items():
        spark += ["--conf", f"{name}={value}"]

    def send() -> None:
        nonlocal sent
        secured.produce("long", 50, environ=secured.environ("producer"))
        sent += 50

    send()
    with ExitStack() as stack:
        jobs = {
            name: stack.enter_context(
                started(
                    secured.services,
                    folder,
                    name,
                    "long",
                    output,
                    spark=spark,
                    environ=environ,
                )
            )
            for name, output in outputs.items()
        }
        for name, job in jobs.items():
            job.until(lambda job=job: "batch 0:" in job.said(), 240, f"{name} publishes")
        begun, kdc = time.monotonic(), secured.services.pid("kdc")
        restarted = frozen = False
        while time.monotonic() < begun + RUN_S:
            send()
            passed = time.monotonic() - begun
            if not frozen and passed > 1.5 * LIFE_S:
                os.kill(kdc, signal.SIGSTOP)
                time.sleep(8)  # logins that are due meanwhile get no answer
                os.kill(kdc, signal.SIGCONT)
                frozen = True
            if not restarted and passed > 2 * LIFE_S:
                restart_namenode(secured)  # no token of the start is valid any more
                restarted = True
            assert [job.process.poll() for job in jobs.values()] == [None, None], _said(jobs)
            time.sleep(5)
        for name, output in outputs.items():
            _published(secured, output, sent, jobs[name])
            assert REFUSED not in jobs[name].said()
        keytab.unlink()
        time.sleep(LIFE_S + 5)  # no token of the lost keytab is valid any more
        restart_namenode(secured)
        for job in jobs.values():
            # 2: started again meanwhile, and the first thing it misses is the keytab
            assert job.ended(300) in (5, 2), job.said()[-4000:]
            assert REFUSED in job.said() or str(keytab) in job.said().rpartition("error:")[2]


def _published(secured: Secured, output: str, sent: int, job: Job) -> None:
    def all_there() -> bool:
        return sum(map(int, re.findall(r"batch \d+: .* (\d+) tweets", job.said()))) >= sent

    job.until(all_there, 60, f"{sent} tweets are published")
    secured.published_once("long", output, sent)


def _said(jobs: dict[str, Job]) -> str:
    return "\n".join(f"{name}: {job.said()[-4000:]}" for name, job in jobs.items())
