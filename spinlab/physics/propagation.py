"""The cell under a timeline of fields, light and pulses: transverse spins on sub-steps that follow p_a and p_b.

Per-atom transverse spins f, k (``x − iy``, laboratory frame; spins polarized along −z, F_z and K_z are magnitudes):

    f' = (−iω_a − γ) f − iζ n_b F_z k + θ' F_z − i g_a B_⊥ F_z,         F_z = q p_a/2
    k' = (−iω_b − γ_b) k − iζ n_a K_z f − i g_b B_⊥ K_z,                K_z = p_b/2

(Eqs. 15–18: Eq. 1 for small tilts. As there, what collisions bring across the field, n_b k_se k and n_a k_se f/q, is left
out; spinlab.physics.bloch has it, docs/model.md what it amounts to.) Each sub-step is a 2 × 2 exponential of
the generator's mean with the fourth-order Magnus term for its slope, so the coil's exponential approach and the chirp
that a decaying p_a causes cost a few steps instead of one per precession.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil, exp

import numpy as np
import numpy.typing as npt

from spinlab.physics.mixture import GasMixture
from spinlab.physics.polarization import PolarizationRates, Step, longest_step
from spinlab.physics.slowing_down import slowing_down_polynomials
from spinlab.physics.two_mode import ComplexArray, eigenvalues, exprel

FloatArray = npt.NDArray[np.float64]
Normals = Callable[[int], ComplexArray]

EARLY = 6.0  # time constants within which its sub-steps are finest
TRANSIENT = 18.0  # time constants after which the coil counts as settled (1.5e-8 of the step)
FINE = 0.004  # change of p_a per sub-step while the modes can exchange, or are recorded
COARSE = 0.02  # … while they are far detuned and nobody looks
SLOW = 0.001  # change of p_b per sub-step
CONVERGENT = 20.0  # |Δ|·step in rad beyond which the Magnus series means nothing and the mean generator is all
DETUNED = 300.0  # |Δ|/J beyond which the modes count as far detuned


@dataclass(frozen=True)
class Control:
    """What acts on the cell during one stretch of time.

    ``field``: coil's final field along z, T. ``pumping_rate``: R, 1/s. ``tilt_rate``: signal light, rad/s of alkali tilt
    along x. ``transverse_field``: B_x − iB_y, T.
    """

    field: float
    pumping_rate: float = 0.0
    tilt_rate: float = 0.0
    transverse_field: complex = 0.0


@dataclass(frozen=True)
class CellState:
    """Per-atom transverse spins (complex, ħ), polarizations, and the field (T) as it is now."""

    alkali_polarization: float
    noble_gas_polarization: float
    field: float
    alkali: complex = 0.0
    noble_gas: complex = 0.0


@dataclass(frozen=True)
class Sampling:
    """Ask for the alkali's transverse electron spin at ``times`` (s from the segment's start), each averaged over
    ``aperture`` seconds from there on."""

    times: FloatArray
    aperture: float = 0.0


@dataclass
class _Grid:
    """Sub-steps of one segment: start, length, p_a (start, middle, end), p_b (start, end)."""

    start: list[float] = field(default_factory=list)
    length: list[float] = field(default_factory=list)
    alkali: list[tuple[float, float, float]] = field(default_factory=list)
    noble_gas: list[tuple[float, float]] = field(default_factory=list)

    def append(self, time: float, length: float, step: Step, pieces: int) -> None:
        """Add a step of the polarizations, cut into equal pieces along the parabola through its p_a."""
        if pieces == 1:
            self.start.append(time)
            self.length.append(length)
            self.alkali.append(step.alkali)
            self.noble_gas.append(step.noble_gas)
            return
        begin, middle, end = step.alkali
        linear, square = 4 * middle - 3 * begin - end, 2 * (begin + end - 2 * middle)
        first, last = step.noble_gas
        p = [begin + x * (linear + x * square) for x in (i / (2 * pieces) for i in range(2 * pieces + 1))]
        for i in range(pieces):
            self.start.append(time + length * i / pieces)
            self.length.append(length / pieces)
            self.alkali.append((p[2 * i], p[2 * i + 1], p[2 * i + 2]))
            self.noble_gas.append((first + (last - first) * i / pieces, first + (last - first) * (i + 1) / pieces))


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


class Cell:
    """Propagates a :class:`CellState` through controls; holds constants only.

    ``time_constant`` is the coil's L/R in s (0 for an ideal step), ``volume`` the cell's in m³ (projection noise only).
    """

    def __init__(self, mixture: GasMixture, time_constant: float = 0.0, volume: float = 6.86e-5) -> None:
        self.mixture = mixture
        self.rates = PolarizationRates.of(mixture)
        self.time_constant = time_constant
        self.volume = volume

    def slowing_down(self, polarization: npt.ArrayLike) -> FloatArray:
        """q(p_a)."""
        above, below = slowing_down_polynomials(self.mixture.nuclear_spin)
        x = np.square(np.asarray(polarization, dtype=float))
        top, bottom = np.full_like(x, above[-1]), np.full_like(x, below[-1])
        for n, d in zip(above[-2::-1], below[-2::-1], strict=True):
            top, bottom = top * x + n, bottom * x + d
        return np.asarray(top / bottom)

    def evolve(
        self,
        state: CellState,
        control: Control,
        duration: float,
        sampling: Sampling | None = None,
        normals: Normals | None = None,
    ) -> tuple[CellState, FloatArray]:
        """Carry ``state`` through ``duration`` s of ``control`` → (state, samples).

        Samples are the x component of the alkali's electron spin, ⟨s_x⟩ = Re f/q, one per sampling time.
        ``normals(n)`` gives n complex unit normals for projection noise; None means none.
        """
        samples = np.empty(0)
        if duration <= 0:
            return state, samples
        grid = self._grid(state, control, duration, fine=sampling is not None or control.tilt_rate != 0)
        steps = _Steps(self, grid, state.field, control)
        kicks = self._kicks(steps, normals) if normals else None
        path = steps.follow(state.alkali, state.noble_gas, kicks)
        if sampling is not None:
            samples = steps.sample(path, sampling)
        return self._after(state, control, duration, grid, path), samples

    def _after(
        self, state: CellState, control: Control, duration: float, grid: _Grid, path: list[tuple[complex, complex]]
    ) -> CellState:
        return replace(
            state,
            alkali_polarization=grid.alkali[-1][2],
            noble_gas_polarization=grid.noble_gas[-1][1],
            field=self._field(state.field, control.field, duration),
            alkali=path[-1][0],
            noble_gas=path[-1][1],
        )

    def _field(self, start: float, goal: float, time: float) -> float:
        if self.time_constant == 0:
            return goal
        return goal + (start - goal) * exp(-time / self.time_constant)

    def _grid(self, state: CellState, control: Control, duration: float, fine: bool) -> _Grid:
        """Cut the segment where p_a or p_b has moved enough, and finer while the coil still moves."""
        grid = _Grid()
        alkali, noble_gas, time = state.alkali_polarization, state.noble_gas_polarization, 0.0
        length = duration
        moving = TRANSIENT * self.time_constant if state.field != control.field else 0.0
        near = fine or self._near(alkali, noble_gas, control.field)
        while time < duration:
            limit = longest_step(SLOW, self.rates.noble_gas_slope(alkali, noble_gas))
            slope = self.rates.alkali_slope(alkali, noble_gas, control.pumping_rate)
            limit = min(limit, longest_step(FINE if near else COARSE, slope))
            if grid.start and slope:
                limit = min(limit, 3 * length)
            pieces = 1
            if time < moving:
                limit, pieces = self._transient(limit, time, min(duration - time, limit), control.tilt_rate != 0)
            left = duration - time
            length = left if limit > 0.999 * left else min(limit, left / 2) if limit > left / 2 else limit
            step = self.rates.step(alkali, noble_gas, control.pumping_rate, length)
            grid.append(time, length, step, pieces)
            alkali, noble_gas = step.alkali[2], step.noble_gas[1]
            time = duration if length == left else time + length
        return grid

    def _transient(self, limit: float, time: float, length: float, lit: bool) -> tuple[float, int]:
        """Next stretch (s) while the coil approaches its field, and into how many pieces to cut it."""
        tau = self.time_constant
        early = time < EARLY * tau * 0.999
        limit = min(limit, (EARLY if early else TRANSIENT) * tau - time)
        return limit, max(1, ceil(min(limit, length) / (tau * (0.1 if lit else 0.2 if early else 0.6)) - 1e-9))

    def _near(self, alkali: float, noble_gas: float, goal: float) -> bool:
        mixture = self.mixture
        q = float(self.slowing_down(alkali))
        strength = mixture.exchange_strength
        line = float(alkali_line(mixture, goal, noble_gas, q))
        densities = mixture.alkali_density * mixture.noble_gas_density
        coupling = strength / 2 * (densities * alkali * noble_gas / q) ** 0.5
        return bool(abs(mixture.noble_gas_gyromagnetic * goal - line) < DETUNED * coupling)

    def _kicks(self, steps: _Steps, normals: Normals) -> ComplexArray:
        """Langevin increments that keep the projection noise stationary: var f = q/2N_a, var k = 1/2N_b (complex)."""
        draws = normals(2 * len(steps.length)).reshape(2, -1)
        alkali = steps.slowing_down / (2 * self.mixture.alkali_density * self.volume)
        noble_gas = 1 / (2 * self.mixture.noble_gas_density * self.volume)
        draws[0] *= np.sqrt(alkali * -np.expm1(-2 * steps.alkali_decay * steps.length))
        draws[1] *= np.sqrt(noble_gas * -np.expm1(-2 * self.mixture.noble_gas_decay * steps.length))
        return draws

    def thermal(self, state: CellState, normals: Normals) -> CellState:
        """The same state with transverse spins drawn from equilibrium projection noise."""
        alkali, noble_gas = normals(2)
        q = float(self.slowing_down(state.alkali_polarization))
        return replace(
            state,
            alkali=complex(alkali) * (q / (2 * self.mixture.alkali_density * self.volume)) ** 0.5,
            noble_gas=complex(noble_gas) * (1 / (2 * self.mixture.noble_gas_density * self.volume)) ** 0.5,
        )


class _Steps:
    """All sub-steps of a segment at once: mean generators, their slopes, and drives."""

    def __init__(self, cell: Cell, grid: _Grid, start_field: float, control: Control) -> None:
        mixture = cell.mixture
        self.start = np.array(grid.start)
        self.length = np.array(grid.length)
        p = np.array(grid.alkali).T
        p_b = np.array(grid.noble_gas).T
        p_b = np.array([p_b[0], (p_b[0] + p_b[1]) / 2, p_b[1]])
        q = cell.slowing_down(p)
        self.inverse_q = 1 / q
        self.slowing_down = q[1]
        fields, mean_field = self._fields(cell, start_field, control)
        strength = mixture.exchange_strength
        static = alkali_line(mixture, mean_field, p_b, q)
        line = alkali_line(mixture, fields, p_b, q)
        decay = cell.rates.total(control.pumping_rate) / q
        back = mixture.noble_gas_gyromagnetic * mean_field - strength * mixture.alkali_density * p / 2
        self.alkali_decay = _mean(decay)
        self.chirp = -1j * (line[2] - line[0]) / self.length
        matrix = np.empty((len(self.length), 2, 2), dtype=complex)
        matrix[:, 0, 0] = -1j * _mean(static) - self.alkali_decay
        matrix[:, 1, 1] = -1j * _mean(back) - mixture.noble_gas_decay
        twist = self.chirp * self.length**2 / 12
        twist[np.abs(matrix[:, 0, 0] - matrix[:, 1, 1]) * self.length > CONVERGENT] = 0
        into_alkali, into_noble_gas = exchange(mixture, _mean(p), _mean(p_b / q))
        matrix[:, 0, 1] = into_alkali * (1 + twist)
        matrix[:, 1, 0] = into_noble_gas * (1 - twist)
        self.matrix = matrix
        self.drive = self._drives(mixture, control, q[1] * p[1] / 2, p_b[1] / 2)
        self.first, self.second = eigenvalues(matrix)

    def _fields(self, cell: Cell, start: float, control: Control) -> tuple[FloatArray, FloatArray]:
        """Field at the start, middle and end of each step, and its exact mean, T."""
        goal, tau = control.field, cell.time_constant
        if start == goal or tau == 0:
            flat = np.full((3, len(self.length)), goal)
            return flat, flat[0]
        edges = np.array([self.start, self.start + self.length / 2, self.start + self.length])
        fields = goal + (start - goal) * np.exp(-edges / tau)
        mean = goal + (start - goal) * np.exp(-edges[0] / tau) * -np.expm1(-self.length / tau) * tau / self.length
        return fields, mean

    def _drives(self, mixture: GasMixture, control: Control, alkali: FloatArray, noble_gas: FloatArray) -> ComplexArray:
        across = -1j * control.transverse_field
        drives = np.empty((2, len(self.length)), dtype=complex)
        drives[0] = alkali * (control.tilt_rate + across * mixture.electron_gyromagnetic * self.inverse_q[1])
        drives[1] = noble_gas * across * mixture.noble_gas_gyromagnetic
        return drives

    def _offset(self) -> ComplexArray:
        """M⁻¹ × drive: the point about which the spins turn is minus this."""
        m = self.matrix
        determinant = self.first * self.second
        return (
            np.array(
                [
                    m[:, 1, 1] * self.drive[0] - m[:, 0, 1] * self.drive[1],
                    m[:, 0, 0] * self.drive[1] - m[:, 1, 0] * self.drive[0],
                ]
            )
            / determinant
        )

    def follow(self, alkali: complex, noble_gas: complex, kicks: ComplexArray | None) -> list[tuple[complex, complex]]:
        """Transverse spins at the start of every sub-step and at the end of the last."""
        slow = np.exp(self.second * self.length)
        gain = self.length * slow * exprel((self.first - self.second) * self.length)
        m = self.matrix
        shift = self._offset()
        rest = slow - gain * self.second
        table = np.array(
            [
                rest + gain * m[:, 0, 0],
                gain * m[:, 0, 1],
                gain * m[:, 1, 0],
                rest + gain * m[:, 1, 1],
                shift[0],
                shift[1],
            ]
        )
        noise = kicks if kicks is not None else np.zeros((2, len(self.length)), dtype=complex)
        path = [(alkali, noble_gas)]
        for (aa, ab, ba, bb, fa, fb), (na, nb) in zip(table.T.tolist(), noise.T.tolist(), strict=True):
            a, b = alkali + fa, noble_gas + fb
            alkali = aa * a + ab * b - fa + na
            noble_gas = ba * a + bb * b - fb + nb
            path.append((alkali, noble_gas))
        return path

    def sample(self, path: list[tuple[complex, complex]], sampling: Sampling) -> FloatArray:
        """Re f/q at the sampling times: both normal modes of each sub-step, chirp included."""
        shift = self._offset()
        begin = np.array(path[:-1]).T + shift
        m, first, second = self.matrix, self.first, self.second
        split = 1 / (first - second)
        fast = ((m[:, 0, 0] - second) * begin[0] + m[:, 0, 1] * begin[1]) * split
        weight = (first - m[:, 1, 1]) * split
        index = np.clip(np.searchsorted(self.start, sampling.times, side="right") - 1, 0, None)
        tau = sampling.times - self.start[index]
        bend = (tau * tau - self.length[index] * tau) / 2
        aperture = sampling.aperture
        result = np.zeros(len(tau), dtype=complex)
        for rate, amplitude, share in (
            (first, fast * exprel(first * aperture), weight),
            (second, (begin[0] - fast) * exprel(second * aperture), 1 - weight),
        ):
            result += amplitude[index] * np.exp(rate[index] * tau + (share * self.chirp)[index] * bend)
        return np.asarray((result.real - shift[0].real[index]) * self._inverse_q(index, tau))

    def _inverse_q(self, index: npt.NDArray[np.intp], tau: FloatArray) -> FloatArray:
        """1/q between the three values of each sub-step, by the parabola through them."""
        begin, middle, end = self.inverse_q
        linear = (4 * middle - 3 * begin - end) / self.length
        square = 2 * (begin + end - 2 * middle) / self.length**2
        return np.asarray(begin[index] + tau * (linear[index] + tau * square[index]))


def _mean(values: FloatArray) -> FloatArray:
    """Simpson's mean of values at the start, middle and end of each step."""
    mean: FloatArray = (values[0] + 4 * values[1] + values[2]) / 6
    return mean
