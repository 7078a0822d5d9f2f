"""A set of services with TLS, logins, ACLs and Kerberos, and the programs as users of it."""

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdfs_native import Client
from kafka.admin import KafkaAdminClient

from config import settings
from local import kerberos, keytabs, secured
from local.secured import Right
from tests.conftest import HOST, PATIENCE, ROOT, SERVICES_HOME, Services
from tests.kit.jobs import started


class Kerberized(Services):
    """A set whose HDFS asks who is there."""

    @property
    def files(self) -> Any:
        """The jobs' view of its files, with the calls that the kit makes."""
        os.environ["KRB5_CONFIG"] = str(kerberos.krb5_conf(self.home))  # libkrb5 reads it
        return _Files(
            Client(
                self.hdfs,
                config_dir=str(kerberos.client_folder(self.home)),
                kerberos_principal=kerberos.principal("jobs"),
                kerberos_keytab=str(kerberos.keytab(self.home, "jobs")),
            )
        )


@dataclass(frozen=True)
class _Files:
    client: Client

    def walk(self, path: str) -> Iterator[tuple[str, None, list[str]]]:
        found = list(self.client.list_status(path))
        yield path, None, [one.path.rpartition("/")[2] for one in found if not one.isdir]
        for one in found:
            if one.isdir:
                yield from self.walk(one.path)

    def read(self, path: str) -> io.BytesIO:
        return io.BytesIO(self.client.read(path).read())


@dataclass(frozen=True)
class Secured:
    """The running set. Each user has what `secured.rights` grants; `without` takes some away."""

    services: Kerberized

    def login(self, user: str) -> dict[str, str]:
        """The variables with which a program is this user to HDFS."""
        keytab = str(kerberos.keytab(self.services.home, user))
        return {"TWEETS_PRINCIPAL": kerberos.principal(user), "TWEETS_KEYTAB": keytab}

    def environ(self, user: str) -> dict[str, str]:
        """The TWEETS_ variables with which a program is this user."""
        ports = settings.load("services", [], environ=self.services.environ)
        return {
            **self.services.environ,
            **secured.variables(ports, self.services.home, user),
        }

    @property
    def folder(self) -> Path:
        """Where the keys and passwords are."""
        return secured.folder(self.services.home)

    def secrets(self) -> list[bytes]:
        """What must be found nowhere else: passwords, the middle of each private key, and of each
        key in a keytab."""
        lines = (self.folder / "passwords.properties").read_bytes().splitlines()
        keys = [file.read_bytes().splitlines()[1] for file in self.folder.glob("*-key.pem")]
        tabs = [file.read_bytes() for file in self.folder.glob("*.keytab")]
        # in this KDC's keytabs an entry ends with its key, of 16 bytes or more
        kept = [entry[-16:] for data in tabs for _, entry in keytabs.entries(data)]
        return [line.partition(b"=")[2] for line in lines] + keys + kept

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        """The administrator's client."""
        client = KafkaAdminClient(
            **secured.client(self.services.home),
            bootstrap_servers=f"{HOST}:{self.services.kafka_tls_port}",
        )
        try:
            yield client
        finally:
            client.close()

    def topic(self, name: str) -> None:
        """Make a topic with three partitions."""
        with self.admin() as admin:
            admin.create_topics(
                {name: {"num_partitions": 3, "replication_factor": 1}}, wait_for_metadata=True
            )

    @contextmanager
    def without(self, *rights: Right) -> Iterator[None]:
        """While it lasts these rights are taken back."""
        with self.admin() as admin:
            secured.forbid(admin, list(rights))
            try:
                yield
            finally:
                secured.allow(admin, list(rights))

    def produce(
        self, topic: str, count: int, *flags: str, expect: int = 0, environ: Mapping[str, str]
    ) -> str:
        """Publish invented tweets; returns what the producer said."""
        words = [
            "-m",
            "producer",
            "--source",
            "sample",
            "--topic",
            topic,
            "--max-posts",
            str(count),
        ]
        return self._run([sys.executable, *words, *flags], environ, expect)

    def job(
        self, approach: str, topic: str, output: str, *flags: str, expect: int = 0, **more: Any
    ) -> str:
        """Run a job to the ends its topics have; returns what it said."""
        environ = {**self.environ("jobs"), **more.pop("environ", {})}
        with tempfile.TemporaryDirectory() as folder:
            arguments = ("--available-now", *flags)
            with started(
                self.services,
                Path(folder),
                approach,
                topic,
                output,
                *arguments,
                environ=environ,
                **more,
            ) as job:
                assert job.ended(240) == expect, job.said()[-5000:]
                return job.said()

    def audit(
        self, topic: str, output: str, *flags: str, expect: int = 0, environ: Mapping[str, str] = {}
    ) -> str:
        """What the audit said."""
        words = [str(ROOT / "scripts" / "audit.py"), "--topic", topic, "--output", output, "--json"]
        return self._run(
            [sys.executable, *words, *flags], {**self.environ("audit"), **environ}, expect
        )

    def script(self, name: str, *words: str, environ: Mapping[str, str], expect: int = 0) -> str:
        """What scripts/NAME.py said."""
        command = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *words]
        return self._run(command, environ, expect)

    def module(self, name: str, *words: str, environ: Mapping[str, str], expect: int = 0) -> str:
        """What `python -m NAME` said."""
        return self._run([sys.executable, "-m", name, *words], environ, expect)

    def verdict(self, topic: str, output: str, *flags: str) -> dict[str, Any]:
        """The audit's figures."""
        found: dict[str, Any] = json.loads(self.audit(topic, output, *flags).splitlines()[0])
        return found

    def published_once(self, topic: str, output: str, count: int) -> None:
        """Fail the test unless the audit counts this many records, each published once."""
        found = self.verdict(topic, output)
        assert (found["published"], found["lost"], found["duplicated"]) == (count, 0, 0)

    def _run(self, command: list[str], environ: Mapping[str, str], expect: int) -> str:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=120 * PATIENCE,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr


def apart(number: int = 6, **settings: Any) -> Kerberized:
    """A set to be secured, beside the session's services and sets of other numbers, which use other
    ports."""
    home = SERVICES_HOME.with_name(f"{SERVICES_HOME.name}-secured-{number}")
    return Kerberized.beside(home, number, **settings)
