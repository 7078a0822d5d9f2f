"""A real browser at a real dashboard."""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, wait_until

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
NEEDED = (
    "the browser tests need Playwright and a Chromium: .venv/bin/pip install -r "
    "requirements-browser.txt; apt install chromium-headless-shell"
)


def browser_path() -> str:
    """The machine's Chromium; without it, or without Playwright, the test is skipped, or fails in
    CI."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    try:
        import playwright  # noqa: F401
    except ImportError:
        found = None
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(NEEDED)
    return str(found)


@contextmanager
def dashboard(folder: Path, *arguments: str) -> Iterator[str]:
    """scripts/dashboard on a free port, its store in `folder`; gives its address."""
    command = [sys.executable, str(ROOT / "scripts" / "dashboard"), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--store", str(folder), *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        said = process.stdout.readline()
        address = re.search(r"http://\S+", said)
        assert address, said
        url = address[0]
        wait_until(lambda: _answers(url.partition("#")[0]), 60, "the dashboard answers")
        yield url
    finally:
        process.terminate()
        assert process.wait(timeout=30) in (0, -15)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


class Watched:
    """A page of the browser, and everything it did that it should not."""

    def __init__(self, browser: Any, url: str, **context: Any) -> None:
        how = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}
        self.context = browser.new_context(**(how | context))
        self.page = self.context.new_page()
        self.url, self.wrong, self.requests = url, [], []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (event) => console.error("
            "`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`))"
        )

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.type}: {message.text}")

    def open(self) -> Any:
        """Go to the page; returns it when its figures are there."""
        self.page.goto(self.url)
        return self.page

    def close(self) -> None:
        """Close it, and fail the test for anything wrong: an error on its console, a breach of its
        policy, a request to anybody else."""
        origin = self.url.partition("#")[0]
        foreign = [url for url in self.requests if not url.startswith(origin)]
        self.context.close()
        assert not self.wrong, "\n".join(self.wrong)
        assert not foreign, "\n".join(foreign)


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser, started."""
    path = browser_path()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
