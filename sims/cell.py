"""The vapour cell of the bench: atoms that are carried to whatever moment somebody asks about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spinlab.physics.propagation import Cell, CellState, Control, Sampling

FloatArray = npt.NDArray[np.float64]


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
    """A :class:`Cell` with a present: controls change at given times, records are taken as time goes by."""

    def __init__(
        self,
        cell: Cell,
        state: CellState,
        transverse_field: complex,
        normals: Callable[[int], npt.NDArray[np.complex128]],
    ) -> None:
        self.cell = cell
        self.state = cell.thermal(state, normals)
        self.control = Control(state.field, transverse_field=transverse_field)
        self.time = 0.0
        self._normals = normals
        self._taps: list[Tap] = []

    def change(self, time: float, **controls: Any) -> None:
        """Let ``controls`` (fields of :class:`Control`) act from ``time`` (s) on."""
        if all(getattr(self.control, name) == value for name, value in controls.items()):
            return
        self.advance(time)
        self.control = replace(self.control, **controls)

    def tap(self, time: float, count: int, sample_rate: float, aperture: float) -> Tap:
        """Begin a record at ``time`` (s)."""
        self.advance(time)
        tap = Tap(time, count, sample_rate, aperture)
        self._taps.append(tap)
        return tap

    def advance(self, until: float) -> None:
        """Carry the atoms to ``until`` (s) under the present controls; the past stays as it was."""
        while self._taps and self.time < until:
            self._stretch(min(until, min(tap.end for tap in self._taps)))
            self._taps = [tap for tap in self._taps if tap.filled < tap.count]
        self._stretch(until)

    def _stretch(self, until: float) -> None:
        duration = until - self.time
        if duration <= 0:
            return
        wanted = [tap.due(self.time, until) for tap in self._taps]
        sampling = Sampling(np.concatenate(wanted), self._taps[0].aperture) if self._taps else None
        self.state, samples = self.cell.evolve(self.state, self.control, duration, sampling, self._normals)
        begin = 0
        for tap, times in zip(self._taps, wanted, strict=True):
            tap.take(samples[begin : begin + len(times)])
            begin += len(times)
        self.time = until
