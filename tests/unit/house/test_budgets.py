"""How long the code for sources may be: it is to stay one mechanism, not a catalogue.

A line counts unless it is blank, a comment, a docstring or an import.
"""

import ast
import io
import re
import tokenize
from pathlib import Path

from tests.conftest import ROOT

PYTHON = ROOT / "connector" / "kafka_dstreams"
JAVA = ROOT / "connector" / "java" / "kafkadstreams"
SOURCES = [*(PYTHON / "sources").glob("*.py"), PYTHON / "mqtt_utils.py", PYTHON / "flume_utils.py"]
RECEIVER = [
    JAVA / f"{name}.java"
    for name in ("SourceReceiver", "PythonSource", "Allowance", "GaveUpException")
]
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def python_lines(text: str) -> int:
    """Lines of code."""
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE | {tokenize.ENDMARKER}:
            found.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring or isinstance(node, ast.Import | ast.ImportFrom):
            found -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(found)


def java_lines(text: str) -> int:
    """Lines of code."""
    lines = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).splitlines()
    return sum(not re.match(r"\s*(//|import |package |$)", line) for line in lines)


def total(files: list[Path]) -> int:
    count = python_lines if files[0].suffix == ".py" else java_lines
    return sum(count(file.read_text(encoding="utf-8")) for file in files)


def test_sources_stay_within_their_budget() -> None:
    assert 400 < total(SOURCES) <= 600
    assert 100 < total(RECEIVER) <= 170


def test_lines_of_code_are_counted() -> None:
    assert (
        python_lines(
            '"""D.\n\nE."""\nimport os\n\n\ndef f(a,\n      b):\n    # why\n    return a\n'
        )
        == 3
    )
    assert (
        java_lines("package a;\nimport b;\n/** c\n d */\nclass E {\n  // f\n\n  int g;\n}\n") == 3
    )
