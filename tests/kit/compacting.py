"""Running the compactor in tests."""

import json
import os
import subprocess
from typing import Any

from tests.conftest import PATIENCE, ROOT, Services

NOW = str(ROOT / "tests" / "on_spark" / "compact_now.py")


def compact(
    services: Services, output: str, *arguments: str, program: str = NOW, expect: int = 0
) -> dict[str, Any]:
    """Run the compactor once, with no grace unless `arguments` say so; returns its report."""
    command = [str(ROOT / "scripts" / "submit"), program, "--output", output]
    if "--grace-hours" not in arguments:
        arguments = ("--grace-hours", "0", "--erase-hours", "0", *arguments)
    done = subprocess.run(
        [*command, *arguments],
        env={**os.environ, **_without_output(services.environ)},
        capture_output=True,
        text=True,
        timeout=240 * PATIENCE,
        check=False,
    )
    assert done.returncode == expect, done.stderr[-4000:]
    return dict(json.loads(done.stdout.splitlines()[-1])) if not expect else {}


def _without_output(environ: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name != "TWEETS_OUTPUT"}
