"""scripts/setup: what it verifies, what it refuses, and that a second run has nothing to do."""

import hashlib
import http.server
import re
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.errors import ConfigError, PipelineError, ServiceUnreachable
from config.venv import ROOT
from local import compile, jars, jdk, steps

CONTENT = b"the jar's bytes"
COORDINATE = "org.example:small:1.0"


@pytest.mark.parametrize("name", [*jars.SETS, jars.NOTEBOOK])
def test_lock_files_pin_every_wanted_jar_by_checksum_and_name_no_host(name: str) -> None:
    rows = jars.locked(name)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest, _ in rows)
    wanted = {
        line.removeprefix("only ")
        for line in (jars.SPECS / f"{name}.txt").read_text().splitlines()
        if line[0] != "#"
    }
    assert wanted <= {coordinate for _, coordinate in rows}
    assert "/" not in (jars.SPECS / f"{name}.lock").read_text().partition("\n")[2]


def test_a_second_run_has_nothing_to_do() -> None:
    subprocess.run([ROOT / "scripts" / "setup"], check=True, capture_output=True)
    again = subprocess.run([ROOT / "scripts" / "setup"], check=True, capture_output=True, text=True)
    assert again.stdout + again.stderr == ""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Maven repository on this machine, the only one that jgo knows, and a set `small` that wants
    one jar of it."""
    served = tmp_path / "served"
    served.mkdir()

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args) -> None:
            super().__init__(*args, directory=str(served))

        def log_message(self, *_) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "jgo.conf").write_text(
        f"[repositories]\nhere = http://127.0.0.1:{server.server_port}\n"
    )
    monkeypatch.setenv("JGO_CONFIG_FILE", str(tmp_path / "jgo.conf"))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(jars, "SPECS", tmp_path)
    monkeypatch.setattr(jars, "TARGET", tmp_path / "a folder with spaces")
    (tmp_path / "small.lock").write_text(f"{hashlib.sha256(CONTENT).hexdigest()}  {COORDINATE}\n")
    yield served
    server.shutdown()
    server.server_close()


def publish(repository: Path, content: bytes) -> None:
    """Put the jar into the repository."""
    folder = repository / "org" / "example" / "small" / "1.0"
    folder.mkdir(parents=True)
    (folder / "small-1.0.jar").write_bytes(content)


def test_a_jar_is_fetched_verified_and_installed(repository: Path) -> None:
    publish(repository, CONTENT)
    assert not jars.installed("small")
    jars.install("small")
    assert jars.installed("small")
    assert [jar.read_bytes() for jar in jars.files("small")] == [CONTENT]


def test_an_interrupted_download_in_the_cache_is_fetched_again(
    repository: Path, tmp_path: Path
) -> None:
    publish(repository, CONTENT)
    shutil.copytree(repository, tmp_path / "cache")
    (tmp_path / "cache" / "org/example/small/1.0/small-1.0.jar").write_bytes(CONTENT[:3])
    jars.install("small")
    assert [jar.read_bytes() for jar in jars.files("small")] == [CONTENT]


def test_a_jar_that_is_not_the_locked_one_is_refused(repository: Path) -> None:
    publish(repository, b"something else")
    with pytest.raises(
        PipelineError, match=r"sha256 is [0-9a-f]{64}, not .* at org.example:small:1.0"
    ):
        jars.install("small")
    assert not jars.installed("small")


def test_a_jar_that_cannot_be_fetched_is_said_with_the_remedy(repository: Path) -> None:
    assert not list(repository.iterdir())
    with pytest.raises(
        ServiceUnreachable, match=r"cannot fetch the jars at org.example:small:1.0(.|\n)*make setup"
    ):
        jars.install("small")


def test_a_lock_file_changed_since_makes_the_set_stale(repository: Path, tmp_path: Path) -> None:
    publish(repository, CONTENT)
    jars.install("small")
    with (tmp_path / "small.lock").open("a") as lock:
        lock.write("# changed\n")
    assert not jars.installed("small")


def fake_jdk(folder: Path, version: str) -> Path:
    """A folder that looks like a JDK of this version."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "javac").touch(mode=0o755)
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\n')
    return folder


@pytest.mark.parametrize(("version", "good"), [("11.0.2", False), ("17.0.15", True), ("25", True)])
def test_a_jdk_of_17_or_newer_is_taken(
    version: str, good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = fake_jdk(tmp_path / "jdk", version)
    monkeypatch.setenv("JAVA_HOME", str(place))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(jdk, "FETCHED", tmp_path / "fetched")
    assert jdk.find() == (place if good else None)


def test_no_jdk_at_all_is_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(jdk, "FETCHED", tmp_path / "fetched")
    with pytest.raises(ConfigError, match="no JDK 17 or newer(.|\n)*set JAVA_HOME"):
        jdk.home()


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> compile.Product:
    """A jar of one class, in a path with a space."""
    sources = tmp_path / "a folder" / "java"
    (sources / "hello").mkdir(parents=True)
    (sources / "hello" / "Hello.java").write_text(
        "package hello; class Hello { int answer() { return 42; } }"
    )
    only = compile.Product("hello.jar", sources)
    monkeypatch.setattr(compile, "PRODUCTS", (only,))
    monkeypatch.setattr(compile, "TARGET", tmp_path / "a folder" / "jars")
    return only


def test_java_is_compiled_again_only_when_it_changed(
    product: compile.Product, capsys: pytest.CaptureFixture
) -> None:
    compile.compile_all()
    jar = compile.TARGET / product.name
    assert "hello/Hello.class" in zipfile.ZipFile(jar).namelist()
    made = jar.read_bytes()
    capsys.readouterr()
    compile.compile_all()
    assert capsys.readouterr().err == ""
    (product.sources / "hello" / "Hello.java").write_text(
        "package hello; class Hello { int answer() { return 43; } }"
    )
    compile.compile_all()
    assert "compiling 1 Java files" in capsys.readouterr().err and jar.read_bytes() != made


def test_what_javac_refuses_is_shown(product: compile.Product) -> None:
    (product.sources / "hello" / "Hello.java").write_text(
        "package hello; class Hello { int answer() { return; } }"
    )
    with pytest.raises(PipelineError, match=r"javac refuses(.|\n)*Hello.java:1: error"):
        compile.compile_all()
    assert not (compile.TARGET / product.name).exists()


def test_a_full_disk_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "SPACE_BYTES", 1 << 60)
    with pytest.raises(ConfigError, match="set-up needs .* MB(.|\n)*make room"):
        steps.need_space()


def test_packages_that_cannot_be_fetched_are_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.txt").write_text("hopefully-no-such-package==1.0\n")
    monkeypatch.setattr(steps, "ROOT", tmp_path)
    monkeypatch.setattr(steps, "VENV", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(
        ServiceUnreachable,
        match="cannot install requirements.txt: ERROR: No matching(.|\n)*network",
    ):
        steps.install_packages("requirements.txt")
    assert not (tmp_path / "requirements.txt.sha256").exists()
