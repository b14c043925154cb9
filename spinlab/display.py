"""What a person sees while a plan runs: a progress bar in laboratory time and a line per shot."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from spinlab.measurement import Column, Measurement
from spinlab.units import format_quantity

if TYPE_CHECKING:
    from rich.progress import Progress

    from spinlab.analysis.result import Table
    from spinlab.session import Outcome

WIDTH = 16


class RunDisplay:
    """Prints rows as events arrive; on a terminal a progress bar with elapsed and remaining laboratory time stays below.

    Use as the observer of :meth:`Session.run`; call :meth:`close` when the run is over.
    """

    def __init__(self, terminal: bool | None = None) -> None:
        self._terminal = sys.stdout.isatty() if terminal is None else terminal
        self._columns: tuple[Column, ...] = ()
        self._primary: set[str] = set()
        self._bar: Progress | None = None
        self._task: Any = None
        self._began = 0.0
        self._expected = 0.0
        self._stop_observing: Callable[[], None] | None = None
        self._clock: Any = None

    def begin(self, measurement: Measurement, engine: Any) -> None:
        """The boxes answer, the plan is about to start."""
        self._columns = measurement.columns
        self._clock = engine.clock
        self._began = engine.clock.now()
        if self._terminal:
            self._stop_observing = engine.clock.observe(self._moved)

    def __call__(self, name: str, document: Mapping[str, Any]) -> None:
        """Take one document."""
        if name == "start":
            self._start(document)
        elif name == "descriptor" and document["name"] == "primary":
            self._primary.add(document["uid"])
        elif name == "event" and document["descriptor"] in self._primary:
            self._print("  ".join(_cell(column, document["data"]).ljust(WIDTH) for column in self._columns).rstrip())
            if self._clock is not None:
                self._moved(self._clock.now())

    def close(self) -> None:
        """Take the bar away."""
        if self._stop_observing:
            self._stop_observing()
            self._stop_observing = None
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _start(self, document: Mapping[str, Any]) -> None:
        self._expected = float(document.get("expected_duration_s", 0.0))
        kind = "virtual time" if document["clock"]["kind"] == "virtual" else "wall clock"
        shots = document.get("num_points", "?")
        expected = format_quantity(self._expected, "s", 3)
        self._print(f"{document['plan_name']}: {shots} shots, about {expected} of laboratory time ({kind})")
        self._print("  ".join(column.title.ljust(WIDTH) for column in self._columns).rstrip())
        if self._terminal and self._expected:
            self._bar = _bar()
            self._task = self._bar.add_task("", total=self._expected, elapsed="0 s", left=expected)
            self._bar.start()

    def _moved(self, now: float) -> None:
        if self._bar is None:
            return
        elapsed = now - self._began
        self._bar.update(
            self._task,
            completed=min(elapsed, self._expected),
            elapsed=format_quantity(elapsed, "s", 3),
            left=format_quantity(max(self._expected - elapsed, 0.0), "s", 3),
        )

    def _print(self, line: str) -> None:
        if self._bar:
            self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)
        else:
            print(line, flush=True)


def show_outcome(outcome: Outcome) -> None:
    """The end of a run: result table, what it means, where it went."""
    print()
    if outcome.result:
        print_table(outcome.result.table)
        for line in outcome.result.summary:
            print(line)
        print()
    lab, wall = format_quantity(outcome.lab_time_s, "s", 3), format_quantity(outcome.wall_time_s, "s", 3)
    print(f"{outcome.plan}: {outcome.exit_status}; {lab} of laboratory time in {wall}")
    for name, path in outcome.paths.items():
        print(f"{name:8} {path}")


def print_table(table: Table) -> None:
    """A table in plain aligned columns, or drawn with Rich on a terminal."""
    if sys.stdout.isatty():
        _rich_table(table)
        return
    rows = (table.headers, *table.rows)
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.headers))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _rich_table(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable

    drawn = RichTable(*table.headers, box=box.SIMPLE_HEAD)
    for row in table.rows:
        drawn.add_row(*row)
    Console(highlight=False, markup=False).print(drawn)


def _cell(column: Column, data: Mapping[str, Any]) -> str:
    value = data[column.key]
    sigma = data[column.sigma] if column.sigma else None
    if column.unit:
        text = format_quantity(value, column.unit)
        return text if sigma is None or not value else f"{text} ± {abs(sigma / value):.1%}"
    text = format(value, column.form)
    return text if sigma is None else f"{text} ± {format(sigma, column.form)}"


def _bar() -> Progress:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    return Progress(
        TextColumn("lab time {task.fields[elapsed]}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]} left"),
        transient=True,
    )
