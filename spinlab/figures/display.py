"""What a person sees while figures are made: a line per figure, and on a terminal a progress bar below."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from spinlab.figures.catalogue import Figure
from spinlab.figures.making import Made

if TYPE_CHECKING:
    from rich.progress import Progress

COMPILING = "preparing; the very first run compiles, some seconds"


class FiguresDisplay:
    """A watcher that prints; use as a context manager, so that the bar goes away."""

    def __init__(self, count: int, terminal: bool | None = None) -> None:
        self._count = count
        self._number = 0
        self._bar = _bar() if (sys.stdout.isatty() if terminal is None else terminal) else None
        self._task: Any = None

    def __enter__(self) -> FiguresDisplay:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar:
            self._bar.stop()

    def begin(self, figure: Figure) -> None:
        """A figure is about to be computed: the bar begins anew."""
        self._number += 1
        if self._bar:
            if self._task is not None:
                self._bar.remove_task(self._task)
            what = COMPILING if figure.compiles else ""
            name = f"figure {figure.name} ({self._number} of {self._count})"
            self._task = self._bar.add_task(name, total=None, what=what)

    def moved(self, done: int, total: int) -> None:
        """So much of it is computed."""
        if self._bar:
            self._bar.update(self._task, completed=done, total=total, what="")

    def end(self, made: Made) -> None:
        """Its files are there."""
        found = ", ".join(f"{name} {value:.5g}" for name, value in list(made.table.values.items())[:2])
        for line in (f"{made.name}  {made.table.title}: {found}", f"    {made.picture}", f"    {made.data}"):
            if self._bar:
                self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)
            else:
                print(line, flush=True)


def _bar() -> Progress:
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[what]}"),
        transient=True,
    )
