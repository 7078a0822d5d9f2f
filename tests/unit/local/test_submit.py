"""The spark-submit line that scripts/submit makes; Spark itself is not started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import venv
from config.errors import ConfigError
from local import class_archive, submit
from tests.conftest import ROOT


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose path has a space, with two jars."""
    root = tmp_path / "a checkout"
    jars = root / "build" / "jars" / "connector"
    jars.mkdir(parents=True)
    for name in ("b.jar", "a.jar", "not-a-jar.txt"):
        (jars / name).touch()
    monkeypatch.setattr(venv, "ROOT", root)
    monkeypatch.setattr(venv, "PYTHON", root / ".venv" / "bin" / "python")
    return root


def options(line: list[str]) -> dict[str, str]:
    """The options of ours, which come in pairs behind the program."""
    return dict(zip(line[1:7:2], line[2:7:2], strict=True))


@pytest.mark.parametrize("job", ["direct", "receiver_based"])
def test_a_job_s_line(job: str, checkout: Path) -> None:
    line = submit.command([job, "--topic", "t", "--available-now"])
    assert line[0] == str(checkout / ".venv" / "bin" / "spark-submit")
    log = f'"-Dlog4j2.configurationFile={checkout}/config/log4j2.properties"'
    assert options(line) == {
        "--properties-file": str(checkout / "config" / "spark.conf"),
        "--jars": ",".join(
            str(checkout / "build" / "jars" / "connector" / name) for name in ("a.jar", "b.jar")
        ),
        "--driver-java-options": (
            f'-XX:TieredStopAtLevel=1 -Duser.timezone=UTC -XX:OnOutOfMemoryError="kill -9 %p" {log}'
        ),
    }
    assert line[7:] == [
        str(checkout / "consumers" / f"{job}.py"),
        "--topic",
        "t",
        "--available-now",
    ]


def test_the_jobs_are_there() -> None:
    for job in ("direct", "receiver_based"):
        assert (ROOT / "consumers" / f"{job}.py").is_file()


@pytest.mark.usefixtures("checkout")
def test_options_before_the_job_are_spark_submit_s_own(checkout: Path) -> None:
    line = submit.command(
        ["--master", "local[5]", "--conf", "a=b", "direct", "--conf", "the job's"]
    )
    assert line[7:] == [
        "--master",
        "local[5]",
        "--conf",
        "a=b",
        str(checkout / "consumers" / "direct.py"),
        "--conf",
        "the job's",
    ]


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    "script", ["count.py", "../examples/count.py", "/somewhere/else/my count.py"]
)
def test_any_script_s_path_is_left_as_it_is(script: str) -> None:
    """Relative to where one is: spark-submit is started there."""
    line = submit.command([script, "direct", "x.py"])
    assert line[7:] == [script, "direct", "x.py"]
    assert "TieredStopAtLevel" not in options(line)["--driver-java-options"]


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("arguments", [[], ["--topic", "t"], ["receiver-based"], ["directly"]])
def test_no_job(arguments: list[str]) -> None:
    with pytest.raises(ConfigError, match="no job named"):
        submit.command(arguments)


@pytest.mark.usefixtures("checkout")
def test_an_accepted_loss_is_not_supervised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "argv", ["submit", "--supervise", "direct", "--accept-loss=ada: the disk was full"]
    )
    with pytest.raises(ConfigError, match="every loss to come"):
        submit.main()


def test_missing_jars(checkout: Path) -> None:
    for jar in (checkout / "build" / "jars" / "connector").glob("*.jar"):
        jar.unlink()
    with pytest.raises(ConfigError, match="(?s)the jars are missing.*make setup"):
        submit.command(["direct"])


def test_the_environment_finds_our_modules_and_keeps_the_user_s(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit.jdk, "home", lambda: Path("/a/jdk"))
    monkeypatch.setenv("PYTHONPATH", "/mine:/also mine")
    monkeypatch.setenv("TWEETS_TOPIC", "t")
    environment = submit.environment([])
    assert environment["PYTHONPATH"].split(os.pathsep) == [
        str(checkout),
        str(checkout / "connector"),
        "/mine",
        "/also mine",
    ]
    assert environment["JAVA_HOME"] == "/a/jdk"
    assert environment["PYSPARK_PYTHON"] == str(checkout / ".venv" / "bin" / "python")
    assert environment["TWEETS_TOPIC"] == "t"
    assert environment["SPARK_LOCAL_IP"] == "127.0.0.1"
    monkeypatch.setenv("SPARK_LOCAL_IP", "192.0.2.7")
    assert submit.environment([])["SPARK_LOCAL_IP"] == "192.0.2.7", "the user's own wins"
    monkeypatch.delenv("PYTHONPATH")
    assert submit.environment([])["PYTHONPATH"] == f"{checkout}{os.pathsep}{checkout / 'connector'}"


def test_the_collector_is_the_user_s_where_the_user_names_options_of_the_jvm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SPARK_SUBMIT_OPTS", "JAVA_TOOL_OPTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(class_archive, "options", lambda: "-XX:SharedArchiveFile=/an/archive")
    assert submit.environment([])["SPARK_SUBMIT_OPTS"].split() == [
        "-XX:+UseParallelGC",
        "-XX:SharedArchiveFile=/an/archive",
    ]
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:+UseSerialGC")
    assert "SPARK_SUBMIT_OPTS" not in submit.environment([])
    monkeypatch.setenv("SPARK_SUBMIT_OPTS", "-Xss2m")
    assert submit.environment([])["SPARK_SUBMIT_OPTS"] == "-Xss2m"


def test_both_jvms_know_the_kdc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On YARN in cluster mode the driver's options are not for the JVM that submits."""
    krb5 = tmp_path / "krb5.conf"
    krb5.touch()
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("SPARK_SUBMIT_OPTS", "-Xss2m")
    monkeypatch.setenv("KRB5_CONFIG", str(krb5))
    option = f'"-Djava.security.krb5.conf={krb5}"'
    assert submit.environment([])["SPARK_SUBMIT_OPTS"] == f"-Xss2m {option}"
    line = submit.command(["--master", "yarn", "--deploy-mode", "cluster", "direct"])
    assert option in line[line.index("--driver-java-options") + 1]


def run(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "submit"), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_itself_from_anywhere(tmp_path: Path) -> None:
    refused = run("--topic", "t", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(
        "error: no job named at --topic t\n  next: scripts/submit direct"
    )
    helped = run("--help", cwd=tmp_path)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "scripts/submit" in helped.stdout


@pytest.mark.parametrize("master", ["local[2]", "yarn"])
def test_secure_adds_the_profile_in_front_of_the_users_options(
    monkeypatch: pytest.MonkeyPatch, master: str
) -> None:
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    own = ["--master", master, "--conf", "spark.ui.enabled=true"]
    line = submit.command(["--secure", *own, "direct", "--topic", "t"])
    assert "--secure" not in line
    assert "spark.network.crypto.enabled=true" in line
    assert line.index("spark.ui.enabled=false") < line.index("spark.ui.enabled=true")
    script = str(ROOT / "examples" / "network_wordcount.py")
    assert script in submit.command(["--secure", script])
    plain = submit.command([*own, "direct", "--topic", "t"])
    assert "spark.network.crypto.enabled=true" not in plain


@pytest.mark.parametrize("master", ["local[2]", "yarn"])
@pytest.mark.parametrize(
    ("profile", "settings", "variable", "second"),
    [
        ([], [], "", False),
        ([], ["--kafka-security", "SASL_PLAINTEXT"], "PLAINTEXT", False),
        (["--secure"], [], "", True),
        ([], ["--kafka-security", "SASL_SSL"], "", True),
        ([], ["--kafka-security=SSL"], "", True),
        ([], [], "SSL", True),
    ],
)
def test_encryption_gets_the_second_compiler(
    monkeypatch: pytest.MonkeyPatch,
    master: str,
    profile: list[str],
    settings: list[str],
    variable: str,
    second: bool,
) -> None:
    """Without it Java has AES in software, which costs more than all the rest of a secured job."""
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("TWEETS_KAFKA_SECURITY", variable)
    line = submit.command([*profile, "--master", master, "direct", "--topic", "t", *settings])
    limited = [word for word in line if "TieredStopAtLevel" in word]
    assert len(limited) == (0 if second else 1 + (master == "yarn"))
