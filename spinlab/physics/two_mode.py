"""Two coupled collective spin modes (paper, Eq. 2): closed-form propagation.

Amplitudes are ordered ``[alkali, noble gas]`` in the rotating frame of the noble gas, with generator
``M = [[iΔ − γ, −iJ], [−iJ, −γ_b]]`` and Δ = ω_b − ω_a. The paper's text writes Δ = (g_a − g_b)B + Δ_c, which is
ω_a − ω_b: populations cannot tell the two apart, phases and ramps can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, sqrt

import numpy as np
import numpy.typing as npt

ComplexArray = npt.NDArray[np.complex128]


@dataclass(frozen=True)
class Hold:
    """Constant detuning (rad/s) for a duration (s)."""

    duration: float
    detuning: float


@dataclass(frozen=True)
class Ramp:
    """Detuning moving linearly from start to stop (rad/s) within a duration (s)."""

    duration: float
    start: float
    stop: float


@dataclass(frozen=True)
class TwoMode:
    """J (rad/s) and the amplitude decay rates γ, γ_b (1/s) of Eq. 2; ValueError if one is negative or not finite."""

    coupling: float
    alkali_decay: float
    noble_gas_decay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("coupling", "alkali_decay", "noble_gas_decay"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be finite and not negative, got {getattr(self, name)}")

    def generator(self, detuning: npt.ArrayLike = 0.0) -> ComplexArray:
        """M for detunings of any shape → ``shape + (2, 2)``, 1/s."""
        delta = np.asarray(detuning, dtype=float)
        matrix = np.empty((*delta.shape, 2, 2), dtype=complex)
        matrix[..., 0, 0] = 1j * delta - self.alkali_decay
        matrix[..., 0, 1] = matrix[..., 1, 0] = -1j * self.coupling
        matrix[..., 1, 1] = -self.noble_gas_decay
        return matrix

    def propagator(self, times: npt.ArrayLike, detuning: npt.ArrayLike = 0.0) -> ComplexArray:
        """exp(M t) for times (s) of any shape → ``times.shape + (2, 2)``; times and detunings broadcast."""
        t, delta = np.broadcast_arrays(np.asarray(times, dtype=float), np.asarray(detuning, dtype=float))
        if not np.all(np.isfinite(t)):
            raise ValueError("times must be finite")
        return exponential(self.generator(delta), t)

    def evolve(self, initial: npt.ArrayLike, segments: Sequence[Hold | Ramp], times: npt.ArrayLike) -> ComplexArray:
        """Amplitudes at ``times`` (s from the start of the first segment) → ``times.shape + (2,)``.

        After the last segment its final detuning stays. Ramps are cut into steps that fourth-order Magnus
        propagates to about 1e-9.
        """
        wanted = np.asarray(times, dtype=float)
        state = np.asarray(initial, dtype=complex)
        result = np.empty((*wanted.shape, 2), dtype=complex)
        begin = 0.0
        last = 0.0
        for segment in segments:
            _, stop = _ends(segment)
            inside = (wanted >= begin) & (wanted <= begin + segment.duration)
            result[inside] = self._within(state, segment, wanted[inside] - begin)
            state = self._within(state, segment, np.array([segment.duration]))[0]
            begin += segment.duration
            last = stop
        after = wanted > begin
        result[after] = self.propagator(wanted[after] - begin, last) @ state
        return result

    def best_transfer(self) -> tuple[float, float]:
        """(time, efficiency) of the largest resonant transfer, t* = atan2(2Ω, γ − γ_b)/Ω; a(t*) = 0 exactly there.

        Efficiency is the excitation number that arrived over the one that began. Overdamped mixtures have no
        a = 0 and return the time of largest transfer.
        """
        damping = self.alkali_decay - self.noble_gas_decay
        square = self.coupling**2 - damping**2 / 4
        if self.coupling == 0:
            return 0.0, 0.0
        if square <= 0:
            return self._overdamped_transfer(sqrt(-square))
        omega = sqrt(square)
        time = atan2(2 * omega, damping) / omega
        return time, float(abs(self.propagator(time)[1, 0]) ** 2)

    def _overdamped_transfer(self, rate: float) -> tuple[float, float]:
        total = (self.alkali_decay + self.noble_gas_decay) / 2
        time = np.arctanh(rate / total) / rate if rate > 0 else 1 / total
        return float(time), float(abs(self.propagator(time)[1, 0]) ** 2)

    def _within(self, state: ComplexArray, segment: Hold | Ramp, times: npt.NDArray[np.float64]) -> ComplexArray:
        if isinstance(segment, Hold):
            return self.propagator(times, segment.detuning) @ state
        return np.array([self._ramp(segment, t) @ state for t in times.ravel()]).reshape(*times.shape, 2)

    def _ramp(self, ramp: Ramp, until: float) -> ComplexArray:
        slope = (ramp.stop - ramp.start) / ramp.duration
        scale = max(abs(ramp.start), abs(ramp.stop), self.coupling, sqrt(abs(slope)))
        count = max(4, int(np.ceil(until * scale * 12)))
        step = until / count
        middles = ramp.start + slope * step * (np.arange(count) + 0.5)
        matrices = self.generator(middles)
        twist = 1j * slope * step**2 / 12
        matrices[..., 0, 1] *= 1 + twist
        matrices[..., 1, 0] *= 1 - twist
        result = np.eye(2, dtype=complex)
        for u in exponential(matrices, np.full(count, step)):
            result = u @ result
        return result


def exponential(matrix: ComplexArray, times: npt.NDArray[np.float64]) -> ComplexArray:
    """exp(M t) of 2 × 2 matrices ``(…, 2, 2)`` at ``times`` ``(…)``, closed form, safe at degenerate eigenvalues.

    With λ₁, λ₂ the eigenvalues, exp(Mt) = e^{λ₂t} + t e^{λ₂t} φ((λ₁ − λ₂)t)(M − λ₂), φ(x) = (eˣ − 1)/x.
    λ₂ is the slower one, so nothing overflows; the smaller eigenvalue comes from the determinant, so a mode that lives
    for hours keeps its digits beside one that turns a million times a second.
    """
    first, second = eigenvalues(matrix)
    slow = np.exp(second * times)
    gain = times * slow * exprel((first - second) * times)
    result = gain[..., None, None] * matrix
    diagonal = slow - gain * second
    result[..., 0, 0] += diagonal
    result[..., 1, 1] += diagonal
    return result


def eigenvalues(matrix: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Both eigenvalues of 2 × 2 matrices ``(…, 2, 2)``, the faster decaying one first."""
    a, b, c, d = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 0], matrix[..., 1, 1]
    half = (a + d) / 2
    root = np.sqrt((a - d) ** 2 / 4 + b * c)
    root = np.where((half.conj() * root).real < 0, -root, root)
    large = half + root
    nonzero = np.where(large == 0, 1, large)
    small = np.where(large == 0, half - root, (a * d - b * c) / nonzero)
    swap = large.real > small.real
    return np.where(swap, small, large), np.where(swap, large, small)


def exprel(x: ComplexArray) -> ComplexArray:
    """(eˣ − 1)/x, 1 at x = 0."""
    tiny = np.abs(x) < 1e-8
    return np.where(tiny, 1 + x / 2, np.expm1(x) / np.where(tiny, 1, x))


def _ends(segment: Hold | Ramp) -> tuple[float, float]:
    if segment.duration < 0:
        raise ValueError(f"duration must not be negative, got {segment.duration}")
    if isinstance(segment, Hold):
        return segment.detuning, segment.detuning
    return segment.start, segment.stop
