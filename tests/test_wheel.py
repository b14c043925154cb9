"""Installed from its wheel, with the laboratory's folders elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.command_line import ROOT, CopiedLaboratory


def build(folder: Path) -> Path:
    """The wheel of this checkout, unpacked as an installer would."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_the_library_and_runs_a_laboratory_elsewhere(tmp_path: Path) -> None:
    site = build(tmp_path / "wheel")
    packages = {path.name for path in site.iterdir() if not path.name.endswith(".dist-info")}
    assert packages == {"spinlab", "pyvisa_spinlab.py"}
    laboratory = CopiedLaboratory(tmp_path / "our lab")
    done = subprocess.run(
        [sys.executable, "-c", "import spinlab.cli as c; print(c.__file__); c.main()", "run", "fid", "shots=1"],
        cwd=laboratory.root, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(site))
    assert len(laboratory.runs) == 1
