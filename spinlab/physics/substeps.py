"""The transverse spins over the sub-steps of a :class:`Grid`: 2 × 2 exponentials of each mean generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spinlab.physics.controls import Control, Sampling, Stretch
from spinlab.physics.grid import Grid
from spinlab.physics.mixture import GasMixture
from spinlab.physics.two_mode import ComplexArray, eigenvalues, exprel

if TYPE_CHECKING:
    from spinlab.physics.propagation import Cell

FloatArray = npt.NDArray[np.float64]
Path = list[tuple[complex, complex]]

CONVERGENT = 20.0  # |Δ|·step in rad beyond which the Magnus series means nothing and the mean generator is all


def alkali_line(
    mixture: GasMixture, field: npt.ArrayLike, noble_gas: npt.ArrayLike, slowing_down: npt.ArrayLike
) -> FloatArray:
    """ω_a = (g_sμ_B B/ħ − ζq p_b n_b/2)/q in rad/s, for fields (T), p_b and q that broadcast."""
    shift = mixture.exchange_strength * mixture.noble_gas_density / 2
    electron = mixture.electron_gyromagnetic * np.asarray(field) - shift * np.asarray(noble_gas)
    return np.asarray(electron / np.asarray(slowing_down))


def exchange(
    mixture: GasMixture, alkali: npt.ArrayLike, noble_gas_over_q: npt.ArrayLike
) -> tuple[ComplexArray, ComplexArray]:
    """Off-diagonal generator elements −iζ n_b F_z and −iζ n_a K_z, 1/s, from p_a and p_b/q; their product is −J²."""
    half = -0.5j * mixture.exchange_strength
    into_alkali = half * mixture.noble_gas_density * np.asarray(alkali)
    return into_alkali, half * mixture.alkali_density * np.asarray(noble_gas_over_q)


class Steps:
    """All sub-steps of a timeline at once: mean generators, their slopes, and drives."""

    def __init__(self, cell: Cell, grid: Grid, stretches: Sequence[Stretch]) -> None:
        mixture = cell.mixture
        self.start, self.length = grid.start, grid.length
        q = cell.slowing_down(grid.alkali)
        self.inverse_q = 1 / q
        self.slowing_down = q[1]
        controls = [control for control, _ in stretches]
        fields, mean_field = _fields(cell.time_constant, grid, controls)
        static = alkali_line(mixture, mean_field, grid.noble_gas, q)
        line = alkali_line(mixture, fields, grid.noble_gas, q)
        rates = np.array([cell.rates.total(control.pumping_rate) for control in controls])[grid.stretch]
        back = mixture.noble_gas_gyromagnetic * mean_field
        back = back - mixture.exchange_strength * mixture.alkali_density / 2 * _mean(grid.alkali)
        self.alkali_decay = rates * _mean(self.inverse_q)
        self.chirp = -1j * (line[2] - line[0]) / self.length
        matrix = np.empty((len(self.length), 2, 2), dtype=complex)
        matrix[:, 0, 0] = -1j * _mean(static) - self.alkali_decay
        matrix[:, 1, 1] = -1j * back - mixture.noble_gas_decay
        twist = self.chirp * self.length**2 / 12
        twist[np.abs(matrix[:, 0, 0] - matrix[:, 1, 1]) * self.length > CONVERGENT] = 0
        into_alkali, into_noble_gas = exchange(mixture, _mean(grid.alkali), _mean(grid.noble_gas * self.inverse_q))
        matrix[:, 0, 1] = into_alkali * (1 + twist)
        matrix[:, 1, 0] = into_noble_gas * (1 - twist)
        self.matrix = matrix
        self.first, self.second = eigenvalues(matrix)
        drive = self.drive = _drives(mixture, grid, controls, self.inverse_q[1])
        drive[0] *= 1 + twist  # the same Magnus term, of the generator that has the drive as a column
        determinant = self.first * self.second
        # M⁻¹ × drive: the point about which the spins turn is minus this
        self.offset = (
            (matrix[:, 1, 1] * drive[0] - matrix[:, 0, 1] * drive[1]) / determinant,
            (matrix[:, 0, 0] * drive[1] - matrix[:, 1, 0] * drive[0]) / determinant,
        )

    def follow(self, alkali: complex, noble_gas: complex, kicks: ComplexArray | None) -> Path:
        """Transverse spins at the start of every sub-step and at the end of the last."""
        slow = np.exp(self.second * self.length)
        gain = self.length * slow * exprel((self.first - self.second) * self.length)
        m = self.matrix
        rest = slow - gain * self.second
        aa, ab, ba, bb = rest + gain * m[:, 0, 0], gain * m[:, 0, 1], gain * m[:, 1, 0], rest + gain * m[:, 1, 1]
        fa, fb = self.offset
        to_alkali, to_noble_gas = (aa - 1) * fa + ab * fb, ba * fa + (bb - 1) * fb
        if kicks is not None:
            to_alkali, to_noble_gas = to_alkali + kicks[0], to_noble_gas + kicks[1]
        path = [(alkali, noble_gas)]
        table = np.array([aa, ab, to_alkali, ba, bb, to_noble_gas]).T.tolist()
        for xx, xy, x, yx, yy, y in table:
            alkali, noble_gas = xx * alkali + xy * noble_gas + x, yx * alkali + yy * noble_gas + y
            path.append((alkali, noble_gas))
        return path

    def sample(self, path: Path, sampling: Sampling) -> FloatArray:
        """Re f/q at the sampling times: both normal modes of each sub-step, chirp included."""
        part, index = self.cover(sampling.times)
        m, first, second = self.matrix[part], self.first[part], self.second[part]
        begin = np.array(path[part]).T + np.array([self.offset[0][part], self.offset[1][part]])
        split = 1 / (first - second)
        fast = ((m[:, 0, 0] - second) * begin[0] + m[:, 0, 1] * begin[1]) * split
        weight = (first - m[:, 1, 1]) * split * self.chirp[part]
        tau = sampling.times - self.start[part][index]
        aperture = sampling.aperture
        middle = tau + aperture / 2  # chirp and 1/q move so little within an aperture that its middle stands for it
        bend = (middle * middle - self.length[part][index] * middle) / 2
        result = -self.offset[0].real[part][index]
        result += real_wave(fast * exprel(first * aperture), first, weight, index, tau, bend)
        slow = (begin[0] - fast) * exprel(second * aperture)
        result += real_wave(slow, second, self.chirp[part] - weight, index, tau, bend)
        return np.asarray(result * self.inverse_q_at(part, index, middle))

    def cover(self, times: FloatArray) -> tuple[slice, npt.NDArray[np.intp]]:
        """The sub-steps in which ascending ``times`` fall, and for each time which of these it is."""
        before = np.searchsorted(times, self.start)
        before[0] = 0  # rounding may put a sample just before the beginning
        counts = np.diff(before, append=len(times))
        used = np.flatnonzero(counts)
        part = slice(int(used[0]), int(used[-1]) + 1)
        return part, np.repeat(np.arange(part.stop - part.start), counts[part])

    def inverse_q_at(self, part: slice, index: npt.NDArray[np.intp], tau: FloatArray) -> FloatArray:
        """1/q between the three values of each sub-step, by the parabola through them."""
        begin, middle, end = self.inverse_q[:, part]
        length = self.length[part]
        linear = (4 * middle - 3 * begin - end) / length
        square = 2 * (begin + end - 2 * middle) / length**2
        return np.asarray(begin[index] + tau * (linear[index] + tau * square[index]))


def real_wave(
    amplitude: ComplexArray,
    rate: ComplexArray,
    bending: ComplexArray,
    index: npt.NDArray[np.intp],
    tau: FloatArray,
    bend: FloatArray,
) -> FloatArray:
    """Re[A exp(r τ + c β)] with A, r, c of each sample's sub-step; real arithmetic takes half the time of complex."""
    size = np.exp(rate.real[index] * tau + bending.real[index] * bend)
    phase = rate.imag[index] * tau + bending.imag[index] * bend + np.angle(amplitude)[index]
    return np.asarray(np.abs(amplitude)[index] * size * np.cos(phase))


def _fields(time_constant: float, grid: Grid, controls: Sequence[Control]) -> tuple[FloatArray, FloatArray]:
    """Field at the start, middle and end of each sub-step, and its exact mean, T."""
    goal = np.array([control.field for control in controls])[grid.stretch]
    if time_constant == 0:
        return np.broadcast_to(goal, (3, len(goal))), goal
    away = np.array(grid.fields)[grid.stretch] - goal
    since = grid.start - np.array(grid.origins)[grid.stretch]
    ratio = grid.length / time_constant
    away = away * np.exp(-since / time_constant)
    half = np.exp(-ratio / 2)
    return goal + away * np.array([np.ones_like(half), half, half * half]), goal - away * np.expm1(-ratio) / ratio


def _drives(mixture: GasMixture, grid: Grid, controls: Sequence[Control], inverse_q: FloatArray) -> ComplexArray:
    """What drives f and k: signal light and transverse field, per second."""
    across = np.array([-1j * control.transverse_field for control in controls])[grid.stretch]
    tilt = np.array([control.tilt_rate for control in controls])[grid.stretch]
    alkali, noble_gas = grid.alkali[1] / 2, grid.noble_gas[1] / 2
    return np.array(
        [
            alkali * (tilt / inverse_q + across * mixture.electron_gyromagnetic),
            noble_gas * across * mixture.noble_gas_gyromagnetic,
        ]
    )


def _mean(values: FloatArray) -> FloatArray:
    """Simpson's mean of values at the start, middle and end of each step."""
    mean: FloatArray = (values[0] + 4 * values[1] + values[2]) / 6
    return mean
