"""Whole processes, as a user starts them."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNS = 3


def measure() -> Iterator[tuple[str, str, str]]:
    """Median wall seconds of the default storage run and of the help, after one that does not count."""
    command = str(Path(sys.executable).parent / "spinlab")
    yield "`spinlab run storage`, whole process", f"{_median([command, 'run', 'storage']):.2f} s", "10 s"
    yield "`spinlab --help`, whole process", f"{_median([command, '--help']):.3f} s", "0.4 s"


def _median(command: list[str]) -> float:
    seconds = []
    for _ in range(RUNS + 1):
        begin = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds[1:])
