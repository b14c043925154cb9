"""Where to cut a timeline: sub-steps that follow p_a, p_b and the coil, as long as each of them lets them be."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from spinlab.physics.controls import CellState, Control, Sampling, Stretch
from spinlab.physics.polarization import longest_step

if TYPE_CHECKING:
    from spinlab.physics.propagation import Cell

FloatArray = npt.NDArray[np.float64]

EARLY = 6.0  # time constants within which the coil's sub-steps are finest
TRANSIENT = 18.0  # time constants after which the coil counts as settled (1.5e-8 of the step)
FINE = 0.004  # change of p_a per sub-step while the modes can exchange, or are recorded
COARSE = 0.02  # … while they are far detuned and nobody looks
SMOOTH = 0.016  # change of p_a over which a parabola follows it to 1e-8: one step of the rate equation
SLOW = 0.001  # change of p_b per step
DETUNED = 300.0  # |Δ|/J beyond which the modes count as far detuned


class _Row(NamedTuple):
    """One step of the polarizations, to be cut into equal ``pieces``: p_a at three times, p_b at two."""

    stretch: int
    start: float
    length: float
    alkali_start: float
    alkali_middle: float
    alkali_end: float
    noble_gas_start: float
    noble_gas_end: float
    pieces: int


class Grid:
    """All sub-steps of consecutive stretches, as arrays with one entry per sub-step.

    ``stretch``: which one it belongs to. ``start`` (from the beginning of the first stretch) and ``length`` in s.
    ``alkali`` and ``noble_gas``: p_a and p_b at its start, middle and end. ``states`` are the cell's after each
    stretch, transverse spins aside; ``ends`` the number of sub-steps until then; ``origins`` each stretch's start (s)
    and ``fields`` the field (T) it begins with.
    """

    def __init__(
        self, cell: Cell, state: CellState, stretches: Sequence[Stretch], samplings: Sequence[Sampling]
    ) -> None:
        self.cell = cell
        self.states: list[CellState] = []
        self.ends: list[int] = []
        self.origins: list[float] = []
        self.fields: list[float] = []
        self._rows: list[_Row] = []
        begin, count = 0.0, 0
        for number, (control, duration) in enumerate(stretches):
            looked_at = any(each.overlaps(begin, begin + duration) for each in samplings)
            self.origins.append(begin)
            self.fields.append(state.field)
            first = len(self._rows)
            state = self._add(number, begin, state, control, duration, looked_at)
            count += sum(row.pieces for row in self._rows[first:])
            self.states.append(state)
            self.ends.append(count)
            begin += duration
        self._expand()

    def _add(
        self, number: int, begin: float, state: CellState, control: Control, duration: float, looked_at: bool
    ) -> CellState:
        """Cut one stretch; returns the state at its end, transverse spins as they were."""
        rates = self.cell.rates
        alkali, noble_gas, time = state.alkali_polarization, state.noble_gas_polarization, 0.0
        fine = looked_at or control.tilt_rate != 0 or self._is_near(alkali, noble_gas, control.field)
        largest = FINE if fine else COARSE
        coil = _Transient(self, state, control, duration)
        length = duration
        while time < duration:
            slope = abs(rates.alkali_slope(alkali, noble_gas, control.pumping_rate))
            limit = min(
                longest_step(SLOW, rates.noble_gas_slope(alkali, noble_gas)),
                longest_step(max(SMOOTH, largest), slope),
                coil.limit(time),
            )
            if time and slope:
                limit = min(limit, 3 * length)
            left = duration - time
            length = left if limit > 0.999 * left else min(limit, left / 2) if limit > left / 2 else limit
            step = rates.step(alkali, noble_gas, control.pumping_rate, length)
            moved = abs(step.alkali[2] - alkali)
            pieces = max(1, ceil(moved / largest - 1e-9), coil.pieces(time, length))
            self._rows.append(_Row(number, begin + time, length, *step.alkali, *step.noble_gas, pieces))
            alkali, noble_gas = step.alkali[2], step.noble_gas[1]
            time = duration if length == left else time + length
        return CellState(alkali, noble_gas, self.cell.field_after(state.field, control.field, duration))

    def _is_near(self, alkali: float, noble_gas: float, field: float) -> bool:
        lines = self.cell.lines
        return abs(lines.detuning(field, alkali, noble_gas)) < DETUNED * lines.coupling(alkali, noble_gas)

    def passes_resonance(self, state: CellState, goal: float) -> bool:
        """Whether the modes exchange anything worth following while the field goes to ``goal`` (T)."""
        lines, alkali, noble_gas = self.cell.lines, state.alkali_polarization, state.noble_gas_polarization
        before = lines.detuning(state.field, alkali, noble_gas)
        after = lines.detuning(goal, alkali, noble_gas)
        near = DETUNED * lines.coupling(alkali, noble_gas)
        return before * after < 0 or min(abs(before), abs(after)) < near

    def _expand(self) -> None:
        rows = np.array(self._rows, dtype=float).reshape(-1, len(_Row._fields)).T
        pieces = rows[-1].astype(int)
        which = np.repeat(np.arange(len(pieces)), pieces)
        count = pieces[which]
        piece = np.arange(len(which)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        stretch, start, length, begin, middle, end, first, last, _ = rows[:, which]
        x = np.array([piece, piece + 0.5, piece + 1.0]) / count
        linear, square = 4 * middle - 3 * begin - end, 2 * (begin + end - 2 * middle)
        self.stretch = stretch.astype(int)
        self.start = start + length * x[0]
        self.length = length / count
        self.alkali: FloatArray = begin + x * (linear + x * square)
        self.noble_gas: FloatArray = first + x * (last - first)


class _Transient:
    """How finely the coil's approach to a new field is cut: finest in its first time constants, and near resonance."""

    def __init__(self, grid: Grid, state: CellState, control: Control, duration: float) -> None:
        tau = self.tau = grid.cell.time_constant
        self.until = TRANSIENT * tau if state.field != control.field else 0.0
        if control.tilt_rate:
            self.early, self.late = 0.3 * tau, 0.3 * tau
        elif self.until and grid.passes_resonance(state, control.field):
            self.early, self.late = 0.2 * tau, 1.2 * tau
        else:
            self.early, self.late = 0.5 * tau, 1.5 * tau

    def limit(self, time: float) -> float:
        """How long (s) the next step may be at ``time`` (s)."""
        if time >= self.until:
            return float("inf")
        return (EARLY * self.tau if self._is_early(time) else self.until) - time

    def pieces(self, time: float, length: float) -> int:
        """Into how many pieces to cut a step of ``length`` s at ``time`` s."""
        if time >= self.until:
            return 1
        return ceil(length / (self.early if self._is_early(time) else self.late) - 1e-9)

    def _is_early(self, time: float) -> bool:
        return time < EARLY * self.tau * 0.999


def settle(start: float, goal: float, time: float, time_constant: float) -> float:
    """Field (T) at ``time`` s after the coil began to go from ``start`` to ``goal``."""
    return goal if time_constant == 0 else goal + (start - goal) * exp(-time / time_constant)
