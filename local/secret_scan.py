#!/usr/bin/env python3
"""Looks for secrets in the files that git tracks (or those named); prints file and line of each,
never the secret itself."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PATTERNS = {
    "X bearer token": r"A{18,}[A-Za-z0-9%]{30,}",
    "bearer token in a header": r"(?i)bearer[ :=\"']+[A-Za-z0-9%._~+/-]{40,}",
    "X access token": r"\b\d{8,20}-[A-Za-z0-9]{35,45}\b",
    "private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
    "cloud key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50,})",
    "filled-in secret": (
        r"(?i)(?:BEARER_TOKEN|API_SECRET|ACCESS_TOKEN|PASSWORD)[ \t]*=[ "
        r"\t]*['\"]?[A-Za-z0-9%._~+/-]{25,}"
    ),
}
_PATTERNS = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}


def findings(file: Path) -> Iterator[tuple[int, str]]:
    """Line number and kind of each secret in the file; a file that is not text has none."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (UnicodeDecodeError, OSError):
        return
    for number, line in enumerate(lines, 1):
        yield from ((number, name) for name, pattern in _PATTERNS.items() if pattern.search(line))


def main(names: list[str]) -> int:
    """1 when there are findings, otherwise 0."""
    if not names:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True,
            check=True,
        )
        names = [name for name in listed.stdout.decode().split("\0") if name]
    found = [(name, *finding) for name in names for finding in findings(Path(name))]
    for name, number, kind in found:
        print(f"{name}:{number}: {kind}")
    if found:
        print(
            "error: secrets in the repository\n  next: take them out, and have their owner make "
            "new ones",
            file=sys.stderr,
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
