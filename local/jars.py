"""The jars of the JVM side: resolved once into a lock file, then installed from it with every
checksum verified.

`config/jars/<set>.txt` says what we want, one Maven coordinate per line; `config/jars/<set>.lock`
says which jars that means, one `sha256  group:artifact:version` per line. Only `install` and `lock`
need jgo, so everything else runs before there is a venv.
"""

import hashlib
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from config.errors import ConfigError, PipelineError, ServiceUnreachable, exit_with
from config.venv import ROOT
from local.say import say

SETS = ("kafka", "hdfs", "connector", "yarn", "kdc")
NOTEBOOK = "structured"
"""The set of the notebook and the benchmarks."""
DELTA = "delta"
"""The set of `scripts/submit delta`."""
# what the connector's wheel is compiled against; its setup.py fetches them itself
COMPILED_AGAINST = ("scala-2.12", "scala-2.13")
SPECS = ROOT / "config" / "jars"
WHEEL = ROOT / "connector"
TARGET = ROOT / "build" / "jars"
DOWNLOADS = 4  # at a time


def locked(name: str) -> list[tuple[str, str]]:
    """(sha256, coordinate) of each jar of the set `name`. Raises ConfigError when its lock file is
    missing or malformed."""
    path = SPECS / f"{name}.lock"
    try:
        lines = [
            line.split()
            for line in path.read_text(encoding="utf-8").splitlines()
            if not line.startswith("#")
        ]
        return [(digest, coordinate) for digest, coordinate in lines]
    except (FileNotFoundError, ValueError):
        raise ConfigError(
            "the lock file is missing or malformed", str(path), "git checkout it"
        ) from None


def files(name: str) -> list[Path]:
    """The set's jars below build/jars, in the lock file's order."""
    return [TARGET / name / _file_name(coordinate) for _, coordinate in locked(name)]


def installed(name: str) -> bool:
    """True when every jar of the set was verified against the lock file as it is now, and is still
    there."""
    stamp = TARGET / name / "verified"
    return (
        stamp.exists()
        and stamp.read_text() == _digest(SPECS / f"{name}.lock")
        and all(jar.exists() for jar in files(name))
    )


def install(name: str) -> None:
    """Fetch the set's jars (into Maven's usual cache) and link them into build/jars.

    Raises ServiceUnreachable when one cannot be fetched, PipelineError when one is not what the
    lock file says.
    """
    context, wanted, folder = _maven(), locked(name), TARGET / name
    say(f"setup: fetching the {len(wanted)} jars of {name}")
    with ThreadPoolExecutor(DOWNLOADS) as pool:
        sources = list(pool.map(lambda row: _verified(context, *row), wanted))
    folder.mkdir(parents=True, exist_ok=True)
    for stale in (
        {row.name for row in folder.iterdir()} - {source.name for source in sources} - _compiled()
    ):
        (folder / stale).unlink()
    for source in sources:
        _link(source, folder / source.name)
    (folder / "verified").write_text(_digest(SPECS / f"{name}.lock"))


def lock(name: str) -> None:
    """Resolve the set's coordinates again and write its lock file. Raises ServiceUnreachable."""
    context, folder = _maven(), WHEEL if name in COMPILED_AGAINST else SPECS
    lines = [
        line.strip() for line in (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    ]
    wanted = [line for line in lines if line and not line.startswith("#")]
    alone = [
        context.create_dependency(line.removeprefix("only "))
        for line in wanted
        if line.startswith("only ")
    ]
    whole = [context.create_dependency(line) for line in wanted if not line.startswith("only ")]
    try:
        resolved = (
            [dependency for part in context.resolver.resolve(whole) for dependency in part]
            if whole
            else []
        )
        rows = sorted(
            {_row(dependency.artifact) for dependency in [*alone, *resolved]},
            key=lambda row: row.split()[1],
        )
    except (RuntimeError, OSError) as error:
        raise _unreachable(str(error)) from None
    (folder / f"{name}.lock").write_text(
        "# Written by scripts/setup --update-locks.\n" + "".join(rows), encoding="utf-8"
    )
    say(f"setup: {len(rows)} jars in {(folder / name).relative_to(ROOT)}.lock")


def _row(artifact: Any) -> str:
    if artifact.packaging != "jar" or artifact.classifier:
        raise ConfigError("only plain jars can be locked", str(artifact), "exclude it")
    return (
        f"{_digest(artifact.resolve())}  "
        f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}\n"
    )


def _verified(context: Any, digest: str, coordinate: str) -> Path:
    """The jar in Maven's cache, its content as locked; a broken cached one (an interrupted
    download) is fetched once more."""
    artifact = context.create_dependency(coordinate).artifact
    found = ""
    for _ in range(2):
        try:
            path: Path = artifact.resolve()
        except (RuntimeError, OSError) as error:
            raise _unreachable(f"{coordinate}: {error}") from None
        found = _digest(path)
        if found == digest:
            return path
        path.unlink(missing_ok=True)
    raise PipelineError(
        f"the jar's sha256 is {found}, not {digest} as locked",
        coordinate,
        "do not use it; see config/jars/",
    )


def _unreachable(why: str) -> ServiceUnreachable:
    remedy = "check the network (a mirror goes into ~/.config/jgo.conf), then make setup"
    return ServiceUnreachable("cannot fetch the jars", why.splitlines()[0][:160], remedy)


def _maven() -> Any:
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext

    return MavenContext(remote_repos=GlobalSettings.load().repositories or None, timeout=30)


def _link(source: Path, target: Path) -> None:
    """A hard link where the cache is on the same disk, otherwise a copy; the old target is
    replaced in one step."""
    if target.exists() and target.samefile(source):
        return
    fresh = target.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    try:
        os.link(source, fresh)
    except OSError:
        shutil.copyfile(source, fresh)
    fresh.replace(target)


def _compiled() -> set[str]:
    """What the folder of the connector holds beside fetched jars."""
    from local.compile import PRODUCTS

    return {product.name for product in PRODUCTS}


def _file_name(coordinate: str) -> str:
    _, artifact, version = coordinate.split(":")
    return f"{artifact}-{version}.jar"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """`python -m local.jars install|lock SET...`, run by scripts/setup in the venv."""
    for name in sys.argv[2:]:
        {"install": install, "lock": lock}[sys.argv[1]](name)


if __name__ == "__main__":
    exit_with(main)
