"""The wheel works without the repository: it migrates, serves and finds what it shows."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import time
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(target), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel, and our dependencies but not our sources."""
    folder = tmp_path_factory.mktemp("installed") / "env"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    libraries = next(folder.glob("lib/python*/site-packages"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
         "--disable-pip-version-check", "--target", str(libraries), str(wheel)],
        check=True, capture_output=True,
    )  # fmt: skip
    # A plain path line: the editable install's own .pth in there is not followed.
    (libraries / "dependencies.pth").write_text(site.getsitepackages()[0] + "\n")
    return python


def run(python: Path, home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": os.environ["PATH"],
        "MILEPOST_HOME": str(home),
        "MILEPOST_ENVIRONMENT": "demo",
        **more,
    }
    return subprocess.run(
        [str(python), *words], env=env, cwd=home, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_no_tests_and_everything_that_is_shown(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith("tests/")]
    for part in (
        "templates/base.html",
        "core/web/static/milepost.css",
        "core/migrations/env.py",
        "badges/achievements/images/compass.svg",
        "badges/openbadges/contexts/",
        "core/web/translations/",
    ):
        assert any(name.startswith(part) for name in names), part


def test_the_code_that_runs_is_the_wheels(installed: Path, tmp_path: Path) -> None:
    done = run(
        installed,
        tmp_path,
        "-c",
        "import core, templates; print(core.__file__, templates.__file__)",
    )
    assert done.stdout.count(str(installed.parent.parent)) == 2, done


def test_it_migrates_says_how_it_is_and_serves_pages(installed: Path, tmp_path: Path) -> None:
    assert run(installed, tmp_path, "-m", "lti_tool.cli", "db", "upgrade").returncode == 0
    done = run(installed, tmp_path, "-m", "lti_tool.cli", "doctor", "--json")
    assert {row["state"] for row in json.loads(done.stdout)} <= {"ok", "look"}, done
    port = free_port()
    env = {
        "PATH": os.environ["PATH"],
        "MILEPOST_HOME": str(tmp_path),
        "MILEPOST_ENVIRONMENT": "demo",
        "MILEPOST_WORKERS": "1",
        "MILEPOST_BASE_URL": f"http://localhost:{port}",
    }
    process = subprocess.Popen(
        [str(installed), "-m", "lti_tool.cli", "serve", "--port", str(port)], env=env, cwd=tmp_path
    )
    try:
        page = fetch(f"http://127.0.0.1:{port}/", process)
        assert "Milepost lives in your LMS" in page
        assert "/static/" in page
        style = page.split('rel="stylesheet" href="', 1)[1].split('"', 1)[0]
        assert "--paper" in fetch(f"http://127.0.0.1:{port}{style}", process)
        spanish = fetch(f"http://127.0.0.1:{port}/", process, language="es")
        assert '<html lang="es"' in spanish
        assert "Milepost lives in your LMS" not in spanish
        assert '"ready":true' in fetch(f"http://127.0.0.1:{port}/readyz", process).replace(" ", "")
    finally:
        process.terminate()
        process.wait(timeout=30)


def fetch(url: str, process: subprocess.Popen[bytes], language: str = "en") -> str:
    request = urllib.request.Request(url, headers={"Accept-Language": language})
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        assert process.poll() is None, "the server stopped by itself"
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")
