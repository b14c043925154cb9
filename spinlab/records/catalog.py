"""The catalog: found from the folders each time, so that it cannot go stale."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from spinlab.errors import BadInput
from spinlab.records.encoding import decode
from spinlab.records.layout import DOCUMENTS
from spinlab.records.reader import Run, open_run

_BLOCK = 4096


@dataclass(frozen=True)
class RunSummary:
    """What the first and the last line of a run say. ``written`` orders runs: ns, when it was last written to."""

    path: Path
    start: dict[str, Any]
    stop: dict[str, Any] | None
    written: int

    @property
    def uid(self) -> str:
        """The run's uid."""
        return str(self.start["uid"])

    @property
    def plan(self) -> str:
        """The plan's name."""
        return str(self.start.get("plan_name", ""))

    @property
    def time(self) -> float:
        """When the run started, POSIX, on the run's own clock."""
        return float(self.start["time"])

    @property
    def exit_status(self) -> str:
        """``success``, ``abort``, ``fail``, or ``incomplete``: still running, or its writer died."""
        return str(self.stop["exit_status"]) if self.stop else "incomplete"

    @property
    def duration(self) -> float | None:
        """From start to stop, s, on the run's own clock."""
        return None if self.stop is None else float(self.stop["time"]) - self.time

    def num_events(self, stream: str = "primary") -> int | None:
        """How many events the stop document counts in a stream."""
        return None if self.stop is None else int(self.stop.get("num_events", {}).get(stream, 0))


def list_runs(directory: Path) -> list[RunSummary]:
    """Return the runs below a records directory, the one last written to last; none when there is no directory.

    Rehearsed runs all begin at the same virtual time, so the order is that of the files, not of the documents.
    Folders whose first line is not whole are left out.
    """
    summaries = (_summarize(path) for path in _run_folders(directory))
    return sorted((s for s in summaries if s is not None), key=lambda s: (s.written, s.path))


def find_run(directory: Path, which: str | int = "last") -> Run:
    """Open a run: ``"last"``, an index such as -1 into `list_runs`, the beginning of a uid, or a folder.

    Raises BadInput when there is none, or when several fit.
    """
    text = str(which)
    if (Path(text) / DOCUMENTS).is_file():
        return open_run(Path(text))
    runs = list_runs(directory)
    if not runs:
        raise BadInput(f"{directory}: holds no runs yet")
    index = -1 if text == "last" else _index(text)
    if index is not None and -len(runs) <= index < 0:
        return open_run(runs[index].path)
    fitting = [run for run in runs if text and run.uid.startswith(text)]
    if len(fitting) != 1:
        raise BadInput(_not_found(directory, text, fitting))
    return open_run(fitting[0].path)


def _index(text: str) -> int | None:
    """Only negative numbers are indices: ``12345678`` begins a uid."""
    return int(text) if text.startswith("-") and text[1:].isdecimal() else None


def _not_found(directory: Path, text: str, fitting: list[RunSummary]) -> str:
    if fitting:
        return (
            f"{text!r} fits {len(fitting)} runs: {', '.join(run.uid[:12] for run in fitting[:5])}; give more of the uid"
        )
    return f"no run {text!r} in {directory}: give the beginning of a uid, 'last', -2 for the one before it, or a folder"


def _run_folders(directory: Path) -> Iterator[Path]:
    """Yield ``<day>/<run>`` folders."""
    for day in _folders(directory):
        yield from _folders(day)


def _folders(directory: Path) -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _summarize(path: Path) -> RunSummary | None:
    try:
        with (path / DOCUMENTS).open("rb") as file:
            first = _read_document(file.readline())
            last = _read_document(_last_line(file))
            written = os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError:
        return None
    if first is None or first[0] != "start":
        return None
    stop = last[1] if last is not None and last[0] == "stop" else None
    return RunSummary(path, first[1], stop, written)


def _read_document(line: bytes) -> tuple[str, dict[str, Any]] | None:
    try:
        return decode(line) if line.endswith(b"\n") else None
    except ValueError:
        return None


def _last_line(file: BinaryIO) -> bytes:
    """Return the last line, newline included when it is whole, reading no more of the file than that."""
    end = file.seek(0, os.SEEK_END)
    tail = b""
    while end > 0 and tail.count(b"\n", 0, -1) == 0:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        tail = file.read(end - begin) + tail
        end = begin
    return tail[tail.rfind(b"\n", 0, -1) + 1 :]
