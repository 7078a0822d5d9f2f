"""spark-submit with the connector in place.

    scripts/submit [--supervise] [--secure] [SPARK-SUBMIT OPTIONS] direct|receiver_based [SETTINGS]
    scripts/submit [--secure] [SPARK-SUBMIT OPTIONS] compact|delta [SETTINGS]
    scripts/submit [--secure] [SPARK-SUBMIT OPTIONS] PATH/TO/ANY.py [ARGUMENTS]

Options before the job are spark-submit's own (--master, --conf, …); what follows it belongs to the
job (try: direct --help). --supervise starts the job again, after a growing pause, when a service
was away, when it was killed or fenced off; wrong configuration and the risk of losing data end it
for good. --secure adds config/profiles/secure.conf: Spark encrypts what it sends.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyspark

from config import venv
from config.command_line import version
from config.errors import ConfigError
from consumers.driver import settings as jobs
from local import class_archive, jdk, masters
from local import jars as sets
from monitoring.supervisor import supervise
from units import settings as units

SCRIPTS = {job: f"consumers/{job}.py" for job in jobs.ROWS} | {
    program: f"units/{program}.py" for program in units.ROWS
}

SECURE, DELTA = "--secure", sets.DELTA


def command(argv: list[str]) -> list[str]:
    """The spark-submit line for these arguments. Raises ConfigError where they name no job."""
    secure = masters.secure_lines() if argv[:1] == [SECURE] else []
    argv = argv[1:] if secure else argv
    # the value of an option such as --py-files is no job
    found = (
        i
        for i, word in enumerate(argv)
        if word in SCRIPTS or (word.endswith(".py") and not argv[max(0, i - 1)].startswith("--"))
    )
    position = next(found, None)
    if position is None:
        raise ConfigError(
            "no job named",
            " ".join(argv),
            "scripts/submit direct | receiver_based | compact | delta | PATH/TO/ANY.py",
        )
    job = argv[position]
    script = str(venv.ROOT / SCRIPTS[job]) if job in SCRIPTS else job
    jars = sorted((venv.ROOT / "build" / "jars" / "connector").glob("*.jar"))
    if job == DELTA:
        if not sets.installed(DELTA):
            remedy = "scripts/setup --delta"
            raise ConfigError("Delta's jars are missing", "build/jars/delta", remedy)
        jars += sets.files(DELTA)
    # config/spark.conf leaves the JVM's second compiler out for our own jobs; what others do in the
    # JVM may need it, and only its code uses the processor's instructions for AES
    second = job not in SCRIPTS or bool(secure) or _over_tls(argv[position + 1 :])
    compiler = "" if second else "-XX:TieredStopAtLevel=1 "
    options = argv[:position]
    root = masters.driver_root(options)
    kdc = _kdc()
    logs = f'"-Dlog4j2.configurationFile={root / "config" / "log4j2.properties"}"'
    if not jars:
        raise ConfigError("the jars are missing", "build/jars/connector", "make setup")
    profile = (
        ["--properties-file", str(venv.ROOT / "config" / "spark.conf")]
        if masters.is_local(options)
        else masters.lines(options, os.environ, second)
    )
    return [
        str(venv.PYTHON.with_name("spark-submit")),
        *profile,
        # spark.conf has these two relative to the repository; this script runs from anywhere
        "--jars",
        ",".join(map(str, jars)),
        "--driver-java-options",
        f'{compiler}{kdc}-Duser.timezone=UTC -XX:OnOutOfMemoryError="kill -9 %p" {logs}',
        *secure,
        *options,
        script,
        *argv[position + 1 :],
    ]


def _kdc() -> str:
    """Java's option for MIT's variable, which Java does not read by itself."""
    file = os.environ.get("KRB5_CONFIG", "")
    if file and not Path(file).is_file():
        raise ConfigError("there is no such file", f"KRB5_CONFIG={file}", "name a krb5.conf")
    return f'"-Djava.security.krb5.conf={file}" ' if file else ""


def _over_tls(arguments: list[str]) -> bool:
    """Whether the job's settings say that its Kafka speaks TLS."""
    words = (*arguments, os.environ.get("TWEETS_KAFKA_SECURITY", ""))
    return any(word.rpartition("=")[2] in ("SSL", "SASL_SSL") for word in words)


def environment(argv: list[str]) -> dict[str, str]:
    """This process's environment with what spark-submit and its Python workers need."""
    here = "127.0.0.1" if masters.is_local(argv) else masters.address(argv, os.environ)
    python = str(venv.PYTHON) if masters.is_local(argv) else masters.python(argv)
    paths = [str(venv.ROOT), str(venv.ROOT / "connector"), os.environ.get("PYTHONPATH", "")]
    # config/spark.conf's collector and the classes' archive, unless the user names options of the
    # JVM: two collectors are an error
    given = os.environ.get("SPARK_SUBMIT_OPTS", "")
    if not given and "JAVA_TOOL_OPTIONS" not in os.environ:
        given = f"-XX:+UseParallelGC {class_archive.options()}"
    # on YARN in cluster mode the driver's own options are not for this JVM, which logs in too
    options = f"{given} {_kdc()}".strip()
    return {
        **({"SPARK_LOCAL_IP": here} if here else {}),  # Spark listens nowhere else, its page too
        **os.environ,
        # spark-submit gives its Python a pipe: this is where a bar can be drawn
        **({"SUBMIT_TERMINAL": os.ttyname(2)} if os.isatty(2) else {}),
        **({"SPARK_SUBMIT_OPTS": options} if options else {}),
        # spark-submit's own search for it fails on a path with a space
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "JAVA_HOME": str(jdk.home()),
        "PYSPARK_PYTHON": python,
        "PYSPARK_DRIVER_PYTHON": str(venv.PYTHON),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }


def main() -> None:
    """Replace this process by spark-submit, or supervise it."""
    if sys.argv[1:] in (["--help"], ["-h"]):
        print(__doc__)
        return
    if sys.argv[1:] == ["--version"]:
        print(f"scripts/submit {version()}")
        return
    supervised = sys.argv[1:2] == ["--supervise"]
    line = command(sys.argv[2:] if supervised else sys.argv[1:])
    if supervised and any(word.startswith("--accept-loss") for word in line):
        raise ConfigError(
            "--accept-loss would hold for every loss to come",
            "--supervise",
            "start once without it, then supervised again",
        )
    if not supervised:
        os.execve(line[0], line, environment(sys.argv[1:]))
    with tempfile.TemporaryDirectory(prefix="supervised-") as folder:
        progress = Path(folder, "progress")
        environ = {**environment(sys.argv[2:]), "TWEETS_PROGRESS_FILE": str(progress)}
        # In a session of its own: Ctrl-C reaches the supervisor only, which passes it on once.
        code = supervise(
            lambda: subprocess.Popen(line, env=environ, start_new_session=True), progress=progress
        )
    sys.exit(code)
