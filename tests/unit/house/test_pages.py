"""What the documents look like: wrapped, indexed, their Python and their figures true."""

import ast
import importlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kafka_dstreams import params
from tests.kit.documents import PAGES, ROOT, blocks

EXEMPT = {"CHANGELOG.md", "configuration.md", "licenses.md", "sweeps.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_are_wrapped(page: Path) -> None:
    """Tables, code and generated pages are as wide as they are."""
    if page.name in EXEMPT:
        return
    prose = re.sub(
        r"^```.*?^```|<!-- made by .*?<!-- so far -->",
        "",
        page.read_text(encoding="utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )
    wide = [line for line in prose.splitlines() if len(line) > 100 and not line.startswith("|")]
    assert wide == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_in_a_page_finds_what_it_imports(page: Path) -> None:
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module:
                module = importlib.import_module(node.module)
                assert [name.name for name in node.names if not hasattr(module, name.name)] == []


def test_the_secured_script_has_no_secret_in_clear() -> None:
    """The parameters shown are ones that the connector takes."""
    page = ROOT / "docs" / "migrating.md"
    block = next(block for block in blocks(page, "python") if "SASL_SSL" in block)
    assigned = [node for node in ast.parse(block).body if isinstance(node, ast.Assign)]
    shown: dict[str, Any] = {}
    exec("\n".join(ast.unparse(node) for node in assigned[:2]), shown)
    assert params.without_secrets(shown["params"]) == shown["params"]
    with pytest.raises(ValueError, match="password"):
        params.without_secrets({**shown["params"], "ssl.truststore.password": "in clear"})


def test_the_examples_readme_has_the_commands_on_top_of_the_examples() -> None:
    """Those are run by tests/integration/connector/test_examples.py; the README names topics."""
    page = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^scripts/submit examples/(\w+\.py)(.*)$", page, re.MULTILINE)
    assert len(shown) == 15
    for name, arguments in shown:
        plain = re.sub(r" (words|log|orders)\b", " TOPIC", arguments)
        command = f"\nscripts/submit examples/{name}{plain.replace('payments', 'OTHER')}\n"
        assert command in (ROOT / "examples" / name).read_text(encoding="utf-8")


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md"]
    assert [name for name in pages if f"({name})" not in index] == []


def test_every_example_is_in_its_readme() -> None:
    table = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in (ROOT / "examples").glob("*.py") if path.name not in table] == []


def test_the_readme_says_first_what_is_needed_and_what_to_type() -> None:
    """What it is, for whom, what it needs and costs in time stand before the one command."""
    before, command, _ = (
        (ROOT / "README.md").read_text(encoding="utf-8").partition("```bash\nmake demo\n```")
    )
    assert command and len(before.split()) < 180
    assert all(word in before for word in ("Python 3.10", "JDK 17", "GB of disk", "downloads"))


def figures() -> list[str]:
    """What the table of the two approaches must show, from the results files."""
    read = {
        name: json.loads((ROOT / name).read_text(encoding="utf-8"))
        for name in (
            "docs/results/faults.json",
            "benchmarks/results/jobs.json",
            "benchmarks/results/latency.json",
        )
    }
    kills, speed, latency = read.values()
    jobs = kills["kinds"]["driver"]["jobs"]
    pair = ("receiver_based", "direct")
    again = [f"{jobs[job]['delivered_again']:,}" for job in pair]
    rate = {
        row["name"]: row["tweets_per_core_s"]
        for row in speed["contenders"]
        if (row["name"], row["scorer"]) in ((job, "ours") for job in pair)
    }
    half = [f"{latency['jobs'][job]['p50_s']:.1f} s" for job in pair]
    lost = [sum(jobs[job][finding] for finding in ("lost", "duplicated")) for job in pair]
    assert lost == [0, 0]
    return [
        f"| {again[0]} records | {again[1]} |",
        f"| {rate[pair[0]]:,} | {rate[pair[1]]:,} |",
        f"| {half[0]} | {half[1]} |",
    ]


@pytest.mark.parametrize("page", ["README.md", "docs/learn.md"])
def test_the_approaches_have_the_measured_figures(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [row for row in figures() if row not in text] == []


def test_the_diff_of_the_jobs_is_shown_in_full() -> None:
    command = "diff consumers/direct.py consumers/receiver_based.py"
    shown = blocks(ROOT / "docs" / "learn.md", "diff")
    done = subprocess.run(command.split(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert shown == [done.stdout], f"paste into docs/learn.md what this says: {command}"
