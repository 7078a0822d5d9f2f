"""The documentation against what it speaks of: settings, commands, links, exit codes, tests."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import errors, reference, settings
from producer import __main__ as producer

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def commands(page: Path) -> list[str]:
    """The lines of the page's bash blocks, without comments."""
    blocks = re.findall(
        r"^```bash\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [
        line.partition("  #")[0].strip()
        for block in blocks
        for line in block.splitlines()
        if line.strip()
    ]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_configuration_is_the_settings_table() -> None:
    written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == reference.document(), "python3 -m config.reference > docs/configuration.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
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
        assert re.search(
            rf"^{arguments[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
        )
    elif program == "python3":
        assert arguments[0] == "-m"
        module = ROOT / arguments[1].replace(".", "/")
        if (module / "__main__.py").exists():
            settings.load(arguments[1], arguments[2:], environ={}, parser=producer.arguments())
        else:
            check_flags(module.with_suffix(".py"), arguments[2:])
    elif program == "scripts/submit":
        job = next(index for index, word in enumerate(arguments) if word in settings.JOBS)
        load_job(arguments[job], arguments[job + 1 :])
    elif program == ".venv/bin/spark-submit":
        job = next(word for word in arguments if word.endswith(".py"))
        assert all((ROOT / path).exists() for path in (job, "config/spark.conf"))
        load_job(Path(job).stem, arguments[arguments.index(job) + 1 :])
    else:
        assert os.access(ROOT / program, os.X_OK), f"{program} is no program"
        check_flags(ROOT / program, arguments)


def load_job(job: str, arguments: list[str]) -> None:
    """Fail where the job would refuse these arguments."""
    settings.load(
        job, [argument for argument in arguments if argument != "--print-config"], environ={}
    )


def behind(launcher: Path) -> list[Path]:
    """The module that a launcher starts."""
    source = launcher.read_text(encoding="utf-8")
    names = re.findall(r"^from ((?:audit|views)\.\S+) import", source, re.MULTILINE)
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
    lines = [
        line
        for page in (*PAGES, ROOT / "connector" / "README.md")
        for line in page.read_text(encoding="utf-8").splitlines()
    ]
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
