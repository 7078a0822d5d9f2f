"""The causes in a Java stack trace, and what HDFS's answers mean to the jobs."""

import socket

import pytest

from config.errors import ConfigError, CredentialsError, ServiceUnreachable
from consumers.output import refusals
from consumers.output.jvm_errors import causes, innermost
from consumers.output.refusals import clear, login, refusal

ROOT = "hdfs://namenode:8020/out"
HADOOP = "org.apache.hadoop"
LIMIT = "The DiskSpace quota of /out is exceeded"
JOB = (
    "Job aborted due to stage failure: Lost task 0.1 in stage 3.0 (TID 7) (127.0.0.1 executor "
    f"driver): {HADOOP}.hdfs.protocol.DSQuotaExceededException: {LIMIT}"
)
TASK = f"""An error occurred while calling z:partfiles.PartFiles.write.
: org.apache.spark.SparkException: {JOB}
\tat {HADOOP}.hdfs.server.namenode.FSDirectory.verifyQuota(FSDirectory.java:1)

Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.failJob(DAGScheduler.scala:1)
\tSuppressed: java.io.IOException: not a cause
Caused by: {HADOOP}.ipc.RemoteException({HADOOP}.fs.FileAlreadyExistsException): /out/a
\t... 1 more
Caused by: java.io.EOFException
"""
UNKNOWN = [("java.net.UnknownHostException", "namenode")]


def test_the_causes_from_the_outermost_to_the_innermost() -> None:
    assert list(causes(TASK)) == [
        ("org.apache.spark.SparkException", JOB),
        (f"{HADOOP}.hdfs.protocol.DSQuotaExceededException", LIMIT),
        (f"{HADOOP}.fs.FileAlreadyExistsException", "/out/a"),
        ("java.io.EOFException", "java.io.EOFException"),
    ]
    assert innermost(TASK) == "java.io.EOFException"
    assert innermost("not Java\nat all") == "not Java"


def test_a_limit_is_found_in_a_task_s_report() -> None:
    error = refusal(TASK, ROOT)
    assert error is not None and error.exit_code == 2
    assert str(error).startswith(f"HDFS's quota is used up: {LIMIT} at {ROOT}")
    trace = "org.apache.spark.SparkException: Exception thrown in awaitResult: \n\tat a.B.c(D:1)\n"
    assert refusal(trace) is None and refusal("") is None
    denied = f"Caused by: {HADOOP}.security.AccessControlException: Permission denied: user=ana\n"
    assert "no permission on HDFS" in str(refusal(trace + denied))
    fenced = f"Caused by: {HADOOP}.security.AccessControlException: /a/b (is not a directory)\n"
    assert refusal(trace + fenced) is None


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        (f"{HADOOP}.fs.FileAlreadyExistsException", "/out/a", FileExistsError),
        (f"{HADOOP}.fs.ParentNotDirectoryException", "/out/a", FileNotFoundError),
        (f"{HADOOP}.security.AccessControlException", "/a (is not a directory)", FileNotFoundError),
        (f"{HADOOP}.hdfs.protocol.NSQuotaExceededException", "The NameSpace quota", ConfigError),
        (f"{HADOOP}.ipc.StandbyException", "not active", type(None)),
    ],
)
def test_an_answer_that_is_clear(name: str, text: str, kind: type) -> None:
    assert isinstance(clear([(name, text)], ROOT, answered=True), kind)


@pytest.mark.parametrize(
    ("code", "answered", "kind"),
    [
        (socket.EAI_NONAME, False, ConfigError),
        (socket.EAI_AGAIN, False, ServiceUnreachable),
        (socket.EAI_FAIL, False, ServiceUnreachable),
        (None, False, type(None)),  # found by now: try again
        (socket.EAI_NONAME, True, type(None)),  # the address has answered in this run
    ],
)
def test_a_name_is_wrong_only_if_the_name_service_says_so(
    code: int | None, answered: bool, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(host: str, _port: None) -> None:
        assert host == "namenode"
        if code is not None:
            raise socket.gaierror(code, "the resolver's words")

    monkeypatch.setattr(refusals.socket, "getaddrinfo", resolve)
    error = clear(UNKNOWN, ROOT, answered)
    assert isinstance(error, kind) and (error is None or "namenode" in str(error)), error


NO_TICKET = "SIMPLE authentication is not enabled.  Available:[TOKEN, KERBEROS]"


def test_an_hdfs_that_wants_a_ticket_says_so_at_once() -> None:
    error = clear([("org.apache.hadoop.security.AccessControlException", NO_TICKET)], ROOT, True)
    assert isinstance(error, CredentialsError) and "--keytab" in str(error)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("org.apache.hadoop.security.KerberosAuthException", "no valid credentials"),
        ("org.ietf.jgss.GSSException", "no valid credentials"),
        ("javax.security.sasl.SaslException", "no valid credentials"),
        ("org.apache.hadoop.security.token.SecretManager$InvalidToken", "no valid credentials"),
        (
            "org.apache.hadoop.security.AccessControlException",
            "Client cannot authenticate via:[TOKEN, KERBEROS]",
        ),
    ],
)
def test_a_ticket_that_is_refused_may_be_the_kdcs_trouble_first(name: str, text: str) -> None:
    found = [("java.io.IOException", "Failed on local exception"), (name, text)]
    assert clear(found, ROOT, answered=True) is None, "it is tried again for a minute"
    error = login(found, ROOT)
    assert error is not None and error.exit_code == 5
    assert login(found[:1], ROOT) is None
