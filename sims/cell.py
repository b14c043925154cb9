"""The vapour cell of the bench: atoms that are carried to whatever moment somebody asks about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spinlab.physics.propagation import Cell, CellState, Control, Sampling, Stretch

FloatArray = npt.NDArray[np.float64]
LONGEST_NOTE = 1000  # changes of the controls that are noted down before the atoms follow, looked at or not


class Tap:
    """A record in the making: ``count`` samples of ⟨s_x⟩ from ``start`` (s) on, each averaged over ``aperture`` (s)."""

    def __init__(self, start: float, count: int, sample_rate: float, aperture: float) -> None:
        self.start = start
        self.count = count
        self.sample_rate = sample_rate
        self.aperture = aperture
        self.filled = 0
        self.spin = np.empty(count)

    @property
    def end(self) -> float:
        """When the last sample is taken, s."""
        return self.start + self.count / self.sample_rate

    def due(self, begin: float, until: float) -> FloatArray:
        """Times from ``begin`` of the samples that start before ``until`` and are not taken yet."""
        stop = min(self.count, max(0, int(np.ceil((until - self.start) * self.sample_rate - 1e-6))))
        index = np.arange(self.filled, stop)
        return np.maximum(self.start + index / self.sample_rate - begin, 0.0)

    def take(self, samples: FloatArray) -> None:
        """Append the samples that became due."""
        self.spin[self.filled : self.filled + len(samples)] = samples
        self.filled += len(samples)


class VapourCell:
    """A :class:`Cell` with a present: controls change at given times, and the atoms follow when somebody looks.

    Until then the controls are only noted down: a whole shot is evolved at once, when its record is read.
    """

    def __init__(
        self,
        cell: Cell,
        state: CellState,
        transverse_field: complex,
        normals: Callable[[int], npt.NDArray[np.complex128]],
    ) -> None:
        self.cell = cell
        self.control = Control(state.field, transverse_field=transverse_field)
        self.time = 0.0  # until when the controls are known
        self._state = cell.thermal(state, normals)
        self._state_time = 0.0
        self._normals = normals
        self._noted: list[Stretch] = []
        self._taps: list[Tap] = []

    @property
    def state(self) -> CellState:
        """The atoms at :attr:`time`."""
        self._catch_up()
        return self._state

    def change(self, time: float, **controls: Any) -> None:
        """Let ``controls`` (fields of :class:`Control`) act from ``time`` (s) on."""
        if all(getattr(self.control, name) == value for name, value in controls.items()):
            return
        self._note(time)
        self.control = replace(self.control, **controls)

    def become(self, time: float, cell: Cell) -> None:
        """From ``time`` (s) on the atoms are those of ``cell`` (another density or temperature); per atom nothing jumps."""
        self._note(time)
        self._catch_up()
        self.cell = cell

    def tap(self, time: float, count: int, sample_rate: float, aperture: float) -> Tap:
        """Begin a record at ``time`` (s)."""
        tap = Tap(max(time, self.time), count, sample_rate, aperture)
        self._taps.append(tap)
        return tap

    def advance(self, until: float) -> None:
        """Carry the atoms to ``until`` (s) under the present controls; the past stays as it was."""
        self._note(until)
        self._catch_up()

    def _note(self, until: float) -> None:
        if until > self.time:
            self._noted.append(Stretch(self.control, until - self.time))
            self.time = until
            if len(self._noted) >= LONGEST_NOTE:
                self._catch_up()

    def _catch_up(self) -> None:
        """Evolve the atoms through all that was noted down, and fill the records that saw some of it."""
        begin = self._state_time
        wanted = [(tap, tap.due(begin, self.time)) for tap in self._taps]
        open_taps = [(tap, times) for tap, times in wanted if len(times)]
        samplings = [Sampling(times, tap.aperture) for tap, times in open_taps]
        if self._noted:
            states, samples = self.cell.play(self._state, self._noted, samplings, self._normals)
            self._state, self._state_time, self._noted = states[-1], self.time, []
            for (tap, _), each in zip(open_taps, samples, strict=True):
                tap.take(each)
        self._taps = [tap for tap in self._taps if tap.filled < tap.count]
