"""Periodic waveforms as steps of level, and playing one on the bench's timeline."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spinlab.virtual.schedule import Schedule, Ticket

SMOOTH = 64  # levels that stand for one cycle of a sine or a ramp
UNSEEN = 256  # cycles that may pile up before whole ones are skipped


@dataclass(frozen=True)
class Waveform:
    """One cycle as steps ``(fraction of the period, level)`` from 0 on, repeated ``cycles`` times (may be inf)."""

    steps: tuple[tuple[float, float], ...]
    period: float
    cycles: float

    @classmethod
    def from_points(cls, points: Sequence[float], period: float, cycles: float) -> Waveform:
        """Make one from equally spaced levels; consecutive equal ones are merged."""
        steps = [
            (index / len(points), level)
            for index, level in enumerate(points)
            if index == 0 or level != points[index - 1]
        ]
        return cls(tuple(steps), period, cycles)

    @property
    def duration(self) -> float:
        """Seconds from the first to the last point."""
        return self.period * self.cycles

    @property
    def mean(self) -> float:
        """Average level of a cycle."""
        ends = [fraction for fraction, _ in self.steps[1:]] + [1.0]
        return sum(level * (end - begin) for (begin, level), end in zip(self.steps, ends, strict=True))


def unit_points(function: str, duty_cycle: float, points: Sequence[float] = ()) -> list[float]:
    """Return one cycle between -1 and 1: SIN, RAMP, SQU (``duty_cycle`` in per cent) or the points of an ARB."""
    phases = [index / SMOOTH for index in range(SMOOTH)]
    duty = duty_cycle / 100
    if function == "SIN":
        return [math.sin(2 * math.pi * phase) for phase in phases]
    if function == "RAMP":
        return [2 * phase / duty - 1 if phase < duty else 1 - 2 * (phase - duty) / (1 - duty) for phase in phases]
    if function == "SQU":
        return [1.0 if index / 1000 < duty else -1.0 for index in range(1000)]
    return list(points)


class Playback:
    """Sends a waveform's levels to ``emit(time, level)`` when they are due, and calls ``finished(time)`` at its end.

    When more cycles have piled up than anybody looked at (hours of a kilohertz), whole ones are skipped and their mean
    level is sent instead.
    """

    def __init__(
        self,
        schedule: Schedule,
        waveform: Waveform,
        emit: Callable[[float, float], None],
        finished: Callable[[float], None],
    ) -> None:
        self._schedule = schedule
        self._waveform = waveform
        self._emit = emit
        self._finished = finished
        self._origin = 0.0
        self._cycle = 0
        self._index = 0
        self._ticket: Ticket | None = None

    def start(self, time: float) -> None:
        """Play from the first point; a playback that runs already starts again."""
        self.stop()
        self._origin, self._cycle, self._index = time, 0, 0
        self._step(time)

    def stop(self) -> None:
        """Stop without a word; the last level stays."""
        if self._ticket is not None:
            self._ticket.cancel()
            self._ticket = None

    @property
    def running(self) -> bool:
        """Whether levels are still to come."""
        return self._ticket is not None

    def _step(self, time: float) -> None:
        wave = self._waveform
        self._emit(time, wave.steps[self._index][1])
        if self._index == 0:
            self._skip_unseen(time)
        self._index += 1
        if self._index == len(wave.steps):
            self._index = 0
            self._cycle += 1
        elapsed = (self._cycle + wave.steps[self._index][0]) * wave.period
        if elapsed < wave.duration * (1 - 1e-12):
            self._ticket = self._schedule.at(self._origin + elapsed, self._step)
        else:
            self._ticket = self._schedule.at(self._origin + wave.duration, self._end)

    def _skip_unseen(self, time: float) -> None:
        wave = self._waveform
        behind = (self._schedule.clock.now() - time) / wave.period
        ahead = wave.cycles - self._cycle
        skipped = int(min(behind, ahead)) - 1
        if skipped >= UNSEEN:
            self._emit(time, wave.mean)
            self._cycle += skipped

    def _end(self, time: float) -> None:
        self._ticket = None
        self._finished(time)
