"""The documentation against what it speaks of: settings, commands, links, exit codes, tests."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import errors, reference, settings
from local.submit import SCRIPTS
from producer import __main__ as producer
from tests.kit.documents import PAGES, ROOT, anchors, blocks

SYSTEM = {"printf", "mkdir", "mv", "nc", "diff", "pkill"}  # what every Linux has
INTERPRETERS = {"python3", ".venv/bin/python"}
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def commands(page: Path) -> list[str]:
    """The commands in the page's bash blocks, each part of a pipe by itself, without comments."""
    lines = [line for block in blocks(page, "bash") for line in block.splitlines() if line.strip()]
    return [part.strip() for line in lines for part in line.partition("  #")[0].split(" | ")]


def test_configuration_is_the_settings_table() -> None:
    written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == reference.document(), "python3 -m config.reference > docs/configuration.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        at = page.parent / target if target else page
        assert at.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(at), f"{page.name} links to {target}#{anchor}"


@pytest.mark.parametrize(
    "command", sorted({command for page in PAGES for command in commands(page)})
)
def test_commands_can_be_typed(command: str) -> None:
    words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
    program, arguments = words[0], words[1:]
    if program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{arguments[0]}:", makefile, re.MULTILINE)
    elif program in INTERPRETERS:
        interpreted(arguments)
    elif program == "scripts/submit":
        submitted(arguments)
    elif program == ".venv/bin/spark-submit":
        job = next(word for word in arguments if word.endswith(".py"))
        assert all((ROOT / path).exists() for path in (job, "config/spark.conf"))
        load_job(Path(job).stem, arguments[arguments.index(job) + 1 :])
    elif program not in SYSTEM:
        assert os.access(ROOT / program, os.X_OK), f"{program} is no program"
        check_flags(ROOT / program, arguments)


def interpreted(arguments: list[str]) -> None:
    """Fail where Python would not find the script or module, or that would refuse its flags."""
    if arguments[0] != "-m":
        assert (ROOT / arguments[0]).exists(), arguments[0]
        return
    module = ROOT / arguments[1].replace(".", "/")
    if arguments[1] == "pytest":
        assert [word for word in arguments[2:] if not (ROOT / word).exists()] == []
    elif arguments[1] == "producer":
        settings.load(arguments[1], arguments[2:], environ={}, parser=producer.arguments())
    else:
        check_flags(module.with_suffix(".py"), arguments[2:])


def submitted(arguments: list[str]) -> None:
    """Fail where scripts/submit would not find the job, or the job would refuse its flags."""
    named = (word in SCRIPTS or word.endswith(".py") for word in arguments)
    job = list(named).index(True)
    if arguments[job] in SCRIPTS:
        load_job(arguments[job], arguments[job + 1 :])
    else:
        assert (ROOT / arguments[job]).exists(), arguments[job]


def load_job(job: str, arguments: list[str]) -> None:
    """Fail where the job would refuse these arguments."""
    settings.load(
        job, [argument for argument in arguments if argument != "--print-config"], environ={}
    )


def behind(launcher: Path) -> list[Path]:
    """The module that a launcher starts."""
    source = launcher.read_text(encoding="utf-8")
    names = re.findall(r"^from ((?:audit|experiments|views)\.\S+) import", source, re.MULTILINE)
    return [ROOT / f"{name.replace('.', '/')}.py" for name in names]


def check_flags(program: Path, arguments: list[str]) -> None:
    """Fail where a flag is one that nothing in the scripts knows."""
    known = "".join(
        path.read_text(encoding="utf-8")
        for path in [program, *(ROOT / "local").glob("*.py"), *behind(program)]
    )
    known += "".join(f'"{setting.flag}"' for setting in settings.of("services"))
    for flag in arguments:
        assert not flag.startswith("-") or f'"{flag}"' in known, f"{program.name} knows no {flag}"


def test_no_command_opens_a_port_beyond_this_machine() -> None:
    """Without SPARK_LOCAL_IP Spark's page listens on every address; scripts/submit sets it."""
    lines = [line for page in PAGES for line in page.read_text(encoding="utf-8").splitlines()]
    commands = [
        line
        for line in lines
        if re.search(r"(^|/|\s)spark-submit --(properties-file|jars|master|packages)", line)
    ]
    assert len(commands) >= 3
    # a driver that hosts have to reach names the one address on which they do
    allowed = ("SPARK_LOCAL_IP=127.0.0.1 ", "SPARK_LOCAL_IP=ADDRESS-OF-THIS-HOST ")
    assert [line for line in commands if not line.startswith(allowed)] == []


def kinds(
    kind: type[errors.PipelineError] = errors.PipelineError,
) -> Iterator[type[errors.PipelineError]]:
    """The error and all that derive from it."""
    yield kind
    for child in kind.__subclasses__():
        yield from kinds(child)


def test_runbook_has_every_exit_code() -> None:
    headings = anchors(ROOT / "docs" / "runbook.md")
    for code in {0, *(kind.exit_code for kind in kinds())}:
        assert f"exit-code-{code}" in headings, f"docs/runbook.md says nothing of exit code {code}"


def test_guarantees_name_tests_that_exist() -> None:
    page = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)
    assert named
    for path, function in named:
        assert (ROOT / path).exists(), path
        assert not function or f"def {function}(" in (ROOT / path).read_text(encoding="utf-8"), (
            f"{path}::{function}"
        )


def test_every_package_has_its_reason() -> None:
    reasons = (ROOT / "docs" / "adr" / "0007-runtime-dependencies.md").read_text(encoding="utf-8")
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            assert f"`{line.partition('==')[0]}`" in reasons, f"no reason for {line}"


def test_readme_names_every_exit_code_and_no_page_names_a_machine() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"| {code} |" in readme for code in range(7))
    for page in PAGES:
        assert not re.search(r"/(?:home|root|work|Users)/", page.read_text(encoding="utf-8")), (
            f"{page.name} names a machine's folder"
        )
