"""The spool attacked: each system call failed or cut short, each byte of its files flipped, each
file cut at each length.

Whatever happens, after the next start each record of the source is acknowledged or in the spool, or
the start has ended with exit code 3 and a sentence. The whole of it is `long`; samples of it are in
`make test`.
"""

import errno
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigError, DataLossRisk
from producer.spool import appending, spool
from tests.conftest import ROOT
from tests.kit.faults import spool_feeding
from tests.kit.faults.spool_feeding import RECORDS, feed, missing, waiting

# the latter: both fail
CALLS = (
    "pwrite",
    "write",
    "fsync",
    "rename",
    "open",
    "unlink",
    "pwrite+ftruncate",
    "fsync+ftruncate",
)
COMPILER = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
needs_compiler = pytest.mark.skipif(
    not COMPILER, reason="failing system calls need a C compiler: install gcc or clang"
)
Answer = dict[str, Any]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands between the spool and the system."""
    built = tmp_path_factory.mktemp("shim") / "failing_calls.so"
    source = ROOT / "tests" / "kit" / "faults" / "failing_calls.c"
    subprocess.run(
        [str(COMPILER), "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", built, source, "-ldl"],
        check=True,
    )
    return built


def answers(shim: Path, folder: Path, trials: list[Answer]) -> list[Answer]:
    """Each trial with how it ended."""
    environ = {**os.environ, "LD_PRELOAD": str(shim)}
    command = [sys.executable, "-m", "tests.kit.faults.spool_feeding", str(folder)]
    asked = "".join(json.dumps(trial) + "\n" for trial in trials)
    done = subprocess.run(
        command, cwd=ROOT, env=environ, input=asked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(trials)
    return found


def trial(call: str, at: int, number: int, cut: int = -1, planted: str = "") -> Answer:
    """The `at`th call fails with this errno, or with 0 by the end of the process, `cut` bytes of it
    having been written."""
    return {"call": call, "at": at, "errno": number, "cut": cut, "plant": planted}


def faults(answer: Answer) -> list[str]:
    """What is wrong with how a trial ended."""
    found = []
    if answer["missing"]:
        found.append(f"missing: {answer['missing']}")
    killed = answer["code"] == -9 and not answer["errno"]
    said = answer["said"].startswith(("error: ", "spool: ")) and "next: " in answer["said"]
    if not killed and not (answer["code"] == 0 or (answer["code"] in (1, 2, 3) and said)):
        found.append(f"ended with {answer['code']}: {answer['said']}")
    if "Traceback" in answer["said"]:
        found.append(answer["said"])
    return found


@pytest.fixture(scope="module")
def times(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How many calls of each name one run makes."""
    folder = tmp_path_factory.mktemp("counted")
    return {
        found["call"]: found["calls"]
        for found in answers(shim, folder, [trial(call, 0, errno.EIO) for call in CALLS])
    }


def convicted(shim: Path, folder: Path, trials: list[Answer]) -> list[str]:
    return [
        f"{found['call']} {found['at']} {errno.errorcode.get(found['errno'], 'killed')} cut "
        f"{found['cut']}: {fault}"
        for found in answers(shim, folder, trials) for fault in faults(found)
    ]  # fmt: skip


@needs_compiler
def test_a_sample_of_failing_calls_loses_nothing(
    shim: Path, times: dict[str, int], tmp_path: Path
) -> None:
    chance = random.Random(1)
    assert all(times.values()), times
    trials = [
        trial(call, chance.randint(1, times[call]), number)
        for call in CALLS
        for number in (errno.EIO, errno.ENOSPC, 0)
    ]
    trials += [
        trial("pwrite", chance.randint(1, times["pwrite"]), 0, chance.randint(0, 150))
        for _ in range(6)
    ]
    trials += [
        trial("pwrite", chance.randint(1, times["pwrite"]), errno.ENOSPC, chance.randint(0, 150))
        for _ in range(4)
    ]
    trials += [
        trial("write", chance.randint(1, times["write"]), 0, chance.randint(0, 20))
        for _ in range(2)
    ]
    assert convicted(shim, tmp_path, trials) == []


@needs_compiler
@pytest.mark.long
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, 0], ids=["EIO", "ENOSPC", "killed"])
def test_every_call_fails_once(
    shim: Path, times: dict[str, int], tmp_path: Path, call: str, number: int
) -> None:
    trials = [trial(call, at, number) for at in range(1, times[call] + 1)]
    assert convicted(shim, tmp_path, trials) == []


@needs_compiler
@pytest.mark.long
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, 0], ids=["ENOSPC", "EIO", "killed"])
@pytest.mark.parametrize("call", ["pwrite", "write"])
def test_every_write_is_cut_short_at_many_lengths(
    shim: Path, times: dict[str, int], tmp_path: Path, call: str, number: int
) -> None:
    longest = 180 if call == "pwrite" else 60
    trials = [
        trial(call, at, number, cut)
        for at in range(1, times[call] + 1)
        for cut in range(at % 23, longest, 23)
    ]
    assert convicted(shim, tmp_path, trials) == []


@needs_compiler
def test_the_attack_convicts_a_spool_that_goes_on_behind_a_failed_group(
    shim: Path, times: dict[str, int], tmp_path: Path
) -> None:
    trials = [
        trial("fsync", at, errno.EIO, planted="goes on behind a failed group")
        for at in range(2, min(times["fsync"], 8))
    ]
    assert any("missing" in fault for fault in convicted(shim, tmp_path, trials))


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, set[int]]]:
    """A spool in the middle of its work, and what Kafka has of its records."""
    for module, name, number in (
        (spool, "SEGMENT_BYTES", 900),
        (spool, "ACKNOWLEDGED_BYTES", 60),
        (appending, "SEGMENT_RECORDS", 7),
    ):
        monkeypatch.setattr(module, name, number)
    monkeypatch.setattr(spool, "GATHER_S", 0.0)
    acknowledged: set[int] = set()
    feed(tmp_path / "left", acknowledged.add)
    assert len(list((tmp_path / "left").glob("*.segment"))) > 2 and len(acknowledged) > 5
    yield tmp_path / "left", acknowledged


def verdict(folder: Path, acknowledged: set[int]) -> str:
    """Empty when each record is acknowledged or here, or the damage is said. The source is not
    asked again: not all can be."""
    try:
        gone = sorted(set(range(RECORDS)) - acknowledged - waiting(folder))
    except DataLossRisk as error:
        return (
            ""
            if str(folder) in error.where and " at byte " in error.where and error.remedy
            else f"said badly: {error}"
        )
    except ConfigError as error:  # the owner's name was damaged: nothing is touched
        return "" if "the spool holds records of" in error.what else str(error)
    return f"missing: {gone}" if gone else ""


def damaged(left: tuple[Path, set[int]], every: int, cut: bool) -> list[str]:
    """What went wrong with one bit of each `every`th byte flipped, or with each file cut there."""
    source, acknowledged = left
    found, copy, chance = [], source.with_name("copy"), random.Random(1)
    for file in sorted(source.iterdir()):
        whole = file.read_bytes()
        for at in range(chance.randrange(every), len(whole), every):
            shutil.copytree(source, copy)
            changed = (
                whole[:at]
                if cut
                else whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :]
            )
            (copy / file.name).write_bytes(changed)
            if told := verdict(copy, acknowledged):
                found.append(f"{file.name} byte {at}: {told}")
            shutil.rmtree(copy)
    return found


@pytest.mark.parametrize("cut", [False, True], ids=["flipped", "cut"])
def test_a_sample_of_damage_is_said(left: tuple[Path, set[int]], cut: bool) -> None:
    assert damaged(left, 61, cut) == []


@pytest.mark.long
@pytest.mark.parametrize("cut", [False, True], ids=["flipped", "cut"])
def test_all_damage_is_said(left: tuple[Path, set[int]], cut: bool) -> None:
    assert damaged(left, 1, cut) == []


def test_the_attack_convicts_a_spool_that_cuts_off_whatever_is_behind_damage(
    left: tuple[Path, set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from producer.spool import folder as spool_folder

    for module, name in (
        (spool_folder, "_unfinished"),
        (spool_folder, "Forced"),
        (spool, "Forced"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))  # put back at the end
    spool_feeding.plant("cuts off whatever is behind damage")
    assert any("missing" in told for told in damaged(left, 61, cut=False))


def test_what_is_not_damaged_is_not_convicted(left: tuple[Path, set[int]]) -> None:
    assert verdict(*left) == "" and missing(*left) == []
