"""The licences: our own text, and the page of those of what the programs bring."""

import re
from importlib import metadata

import pytest

from local import licenses
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "licenses.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of each row of the table below the heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_license_is_whole_and_goes_into_the_wheel() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "Copyright 2026 The tweets-to-hdfs authors" in text and "END OF TERMS" in text
    assert (ROOT / "connector" / "LICENSE").read_text(encoding="utf-8") == text
    for project in (ROOT, ROOT / "connector"):
        assert 'license = "Apache-2.0"\n' in (project / "pyproject.toml").read_text()


def test_the_page_has_every_package_that_requirements_txt_names() -> None:
    found = {row[0].lower(): row[1] for row in rows("Python packages that requirements.txt names")}
    assert sorted(found) == licenses.required(), "make licenses"
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").lower()
    for name, version in found.items():
        assert f"{name}=={version}" in pins, f"{name} is pinned to another version: make licenses"


def test_the_page_has_what_those_bring() -> None:
    found = {row[0].lower() for row in rows("Python packages that these bring")}
    assert {"py4j", "requests"} <= found
    here = {dist.metadata["Name"].lower() for dist in metadata.distributions()}
    assert licenses.brought(licenses.required()) & here <= found, "make licenses"


@pytest.mark.parametrize("name", licenses.WHAT_FOR)
def test_the_page_has_every_jar(name: str) -> None:
    found = [row[0] for row in rows(f"Jars: {licenses.WHAT_FOR[name]}")]
    assert found == licenses.locked_jars()[name], "make licenses"


def test_every_jar_has_its_licence_and_no_other_has_one() -> None:
    locked = {
        coordinate.rpartition(":")[0]
        for jars in licenses.locked_jars().values()
        for coordinate in jars
    }
    assert set(licenses.jar_licenses()) == locked, "config/jars/licenses.txt"


def test_nothing_obliges_us_to_open_what_links_it() -> None:
    listed = [row for part in re.findall(r"^## (.+)$", PAGE, re.MULTILINE) for row in rows(part)]
    assert len(listed) > 80
    assert [row[0] for row in listed if re.search(r"\bA?GPL", " ".join(row[1:]))] == []
    assert [row[0] for row in listed if "UNKNOWN" in row] == []


def test_no_lexicon_is_copied() -> None:
    """VADER's lexicon is under another licence than ours: it is read from its package."""
    tops = ("good\t1.9", "awful\t-2.0")
    texts = [
        file
        for tree in ("consumers", "config", "producer")
        for file in (ROOT / tree).rglob("*.txt")
    ]
    assert not [
        file for file in texts if any(top in file.read_text(errors="replace") for top in tops)
    ]
