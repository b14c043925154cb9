"""The ``spinlab`` command on a copy of the reference laboratory, in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
COMMAND = (sys.executable, "-c", "from spinlab.cli import main; main()")

LISTENING = '''
"""The bench, with every message that arrives at a box noted in ``wire.jsonl`` of the laboratory."""

import json
from pathlib import Path

from sims.bench import open_bench as open_quiet_bench

WIRE = Path(__file__).parent.parent / "wire.jsonl"


def open_bench(profile, clock):
    bench = open_quiet_bench(profile, clock)
    for role, instrument in bench.instruments.items():
        instrument.receive = noting(role, instrument.receive, clock)
    return bench


def noting(role, receive, clock):
    def heard(message):
        with WIRE.open("a") as wire:
            wire.write(json.dumps([clock.now(), role, message.decode("latin-1")]) + "\\n")
        return receive(message)

    return heard
'''

# Runs many command lines in one process; a line of JSON each: [exit code, standard output, standard error].
MANY = """
import contextlib, io, json, sys
from spinlab.cli import main

for arguments in json.loads(sys.argv[1]):
    sys.argv = ["spinlab", *arguments]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""


@dataclass(frozen=True)
class Ended:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What ``--json`` printed: one object and nothing else."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class CopiedLaboratory:
    """Devices, sims, plans and profiles of the repository in a folder of their own, the bench listening.

    ``profiles/sim.toml`` is the repository's; what ``write`` adds stands beside it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("devices", "sims", "plans", "profiles"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        (root / "sims" / "listening.py").write_text(LISTENING)

    def write(self, name: str, text: str, extends: str | None = "sim.toml") -> Path:
        """Write a profile, on the listening bench when it extends another one; returns its path."""
        text = textwrap.dedent(text)
        if extends:
            text = f'extends = "{extends}"\nbench.factory = "sims.listening:open_bench"\n{text}'
        path = self.root / "profiles" / name
        path.write_text(text)
        return path

    @property
    def runs(self) -> list[Path]:
        """The folders of all runs."""
        return sorted((self.root / "records").glob("*/*"))

    @property
    def wire(self) -> list[tuple[float, str, str]]:
        """What the boxes of listening benches have heard: time (s), role, message."""
        file = self.root / "wire.jsonl"
        return [tuple(json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []

    def start(self, *arguments: str, folder: Path | None = None, **options: Any) -> subprocess.Popen[str]:
        """Begin one command, in the laboratory's folder unless told otherwise."""
        return begin((*COMMAND, *arguments), folder or self.root, **options)

    def spinlab(self, *arguments: str, folder: Path | None = None) -> Ended:
        """One command, to its end."""
        return end(self.start(*arguments, folder=folder))

    def many(self, command_lines: Sequence[Sequence[str]]) -> list[Ended]:
        """Several commands, one after the other in one process."""
        done = end(begin((sys.executable, "-c", MANY, json.dumps(command_lines)), self.root))
        assert done.code == 0, done.err
        return [Ended(*json.loads(line)) for line in done.out.splitlines()]


def begin(command: Sequence[str], folder: Path, **options: Any) -> subprocess.Popen[str]:
    """Start a process that finds this spinlab, and whose output is text that can be read."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **{**pipes, **options})


def end(process: subprocess.Popen[str], patience: float = 50) -> Ended:
    """Wait for a process, s."""
    try:
        out, err = process.communicate(timeout=patience)
    finally:
        process.kill()
    return Ended(process.returncode, out or "", err or "")
