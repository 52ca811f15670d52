"""systemd reads the units, and they leave a service little to do harm with."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
PROGRAMS = "/opt/milepost/current/"

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is missing (Debian: apt-get install systemd)",
)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with programs that are there: systemd looks for them."""
    programs = tmp_path / "programs"
    (programs / "bin").mkdir(parents=True)
    for name in ("milepost", "python"):
        (programs / "bin" / name).write_text("#!/bin/sh\n")
        (programs / "bin" / name).chmod(0o755)
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    for unit in folder.glob("*.service"):
        text = unit.read_text(encoding="utf-8")
        unit.write_text(text.replace(PROGRAMS, f"{programs}/"), encoding="utf-8")
    return folder


def analyze(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *words],
        env={"SYSTEMD_UNIT_PATH": f"{folder}:", "PATH": "/usr/bin:/bin", "SYSTEMD_LOG_COLOR": "0"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_systemd_finds_no_fault(units: Path) -> None:
    names = [str(path) for path in sorted(units.iterdir()) if path.is_file()]
    done = analyze(units, "verify", "--man=no", *names)
    assert done.returncode == 0, done.stderr
    assert "milepost" not in done.stderr, done.stderr


def test_a_fault_would_be_found(units: Path) -> None:
    unit = units / "milepost-web.service"
    unit.write_text(unit.read_text() + "\n[Service]\nNoNewPrivilegs=yes\n")
    assert "NoNewPrivilegs" in analyze(units, "verify", "--man=no", str(unit)).stderr


@pytest.mark.parametrize("name", ["web", "worker", "backup"])
def test_a_service_may_do_little(units: Path, name: str) -> None:
    done = analyze(units, "security", "--offline=true", "--threshold=20",
                   str(units / f"milepost-{name}.service"))  # fmt: skip
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd cannot judge units offline")
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure, done.stderr
    assert float(exposure[1]) <= 2.0
