"""Browser tests: Debian's Chromium against a real `milepost demo`, third-party cookies blocked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.ports import free_port

# How long a page may take to show what it must; on a busy machine that says nothing of the page.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Demo:
    """A running demo: the tool's and the practice LMS's addresses."""

    tool: str
    lms: str
    home: Path


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`milepost demo` as a person would start it, in a folder of its own."""
    port, lms_port = free_port(), free_port()
    home = tmp_path_factory.mktemp("demo")
    env = {key: value for key, value in os.environ.items() if not key.startswith("MILEPOST_")}
    env["MILEPOST_HOME"] = str(home)
    process = subprocess.Popen(
        [sys.executable, "-m", "lti_tool.cli", "demo", "--port", str(port),
         "--lms-port", str(lms_port)],
        env=env, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "Stop with Ctrl-C" in line:
            break
    else:
        raise AssertionError("the demo did not start")
    yield Demo(f"http://localhost:{port}", f"http://127.0.0.1:{lms_port}", home)
    process.terminate()
    assert process.wait(timeout=40) == 0
    process.stdout.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of somebody's own."""
    made = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab."""
    return context.new_page()
