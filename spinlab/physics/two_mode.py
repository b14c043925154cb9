"""Two coupled collective spin modes (paper, Eqs. 2 and S5): closed-form propagation.

Amplitudes are ordered ``[alkali, noble gas]`` in the rotating frame of the noble gas, with generator
``M = [[iΔ − γ, −iJ], [−iJ, −γ_b]]`` and Δ = ω_b − ω_a. The paper's text writes Δ = (g_a − g_b)B + Δ_c, which is
ω_a − ω_b: populations cannot tell the two apart, phases and ramps can.

J and the rates are constants here. While the polarizations move, :mod:`spinlab.physics.propagation` evolves the per-atom
spins behind these modes; for polarizations that stand still the two agree.
"""

from __future__ import annotations

import cmath
from collections.abc import Sequence
from dataclasses import dataclass
from math import asinh, atan2, ceil, hypot, sqrt

import numpy as np
import numpy.typing as npt

from spinlab.physics import checked
from spinlab.physics.checked import ComplexArray, FloatArray
from spinlab.physics.exponential import (
    eigenvalues,
    exponential,
    exprel,
    moving_exponential,
    running_products,
)
from spinlab.physics.segments import Hold, Ramp, Segment, Settle

__all__ = ["ComplexArray", "Hold", "Ramp", "Segment", "Settle", "TwoMode", "eigenvalues", "exponential", "exprel"]

FINENESS = 6.0  # steps per radian of the fastest turning while the detuning moves: errors stay below 1e-9
FEWEST = 4  # … and per segment
MOST = 20_000_000  # steps of one segment, about a minute; beyond that one should think again
DEGENERATE = 1e-3  # |λ₁ − λ₂|/2|λ| below which exp(Mt) is not taken apart: the parts would cancel
BLOCK = 1 << 13  # steps or samples done at a time


@dataclass(frozen=True)
class TwoMode:
    """J (rad/s) and the amplitude decay rates γ, γ_b (1/s) of Eq. 2; ValueError if one is negative or not finite.

    Below 1e-100 they count as 0, so that no product of them vanishes by itself.
    """

    coupling: float
    alkali_decay: float
    noble_gas_decay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("coupling", "alkali_decay", "noble_gas_decay"):
            value = checked.one(name, checked.not_negative(name, getattr(self, name)))
            object.__setattr__(self, name, value if value >= 1 / checked.LARGEST else 0.0)

    def generator(self, detuning: npt.ArrayLike = 0.0) -> ComplexArray:
        """M for detunings (rad/s) of any shape → ``shape + (2, 2)``, 1/s."""
        delta = checked.real("detuning", detuning)
        matrix = np.empty((*delta.shape, 2, 2), dtype=complex)
        matrix[..., 0, 0] = 1j * delta - self.alkali_decay
        matrix[..., 0, 1] = matrix[..., 1, 0] = -1j * self.coupling
        matrix[..., 1, 1] = -self.noble_gas_decay
        return matrix

    def propagator(self, times: npt.ArrayLike, detuning: npt.ArrayLike = 0.0) -> ComplexArray:
        """exp(M t) for times ≥ 0 (s) of any shape → ``times.shape + (2, 2)``; times and detunings (rad/s) broadcast.

        Raises ValueError for a time that is negative or not finite: noise makes the evolution irreversible.
        """
        t = checked.not_negative("times", times)
        spectrum = self._spectrum(detuning)
        if spectrum is None:
            matrix = self.generator(detuning)
            checked.together(times=t.shape, detuning=matrix.shape[:-2])
            return exponential(matrix, t)
        values, parts = spectrum
        return np.asarray(np.exp(t[..., None] * values) @ parts).reshape(*t.shape, 2, 2)

    def trace(self, initial: npt.ArrayLike, times: npt.ArrayLike, detuning: float = 0.0) -> ComplexArray:
        """Both amplitudes at ``times`` ≥ 0 (s) for one detuning (rad/s) → ``times.shape + (2,)``.

        What ``propagator(times, detuning) @ initial`` gives, without the matrices: one complex exponential per mode and
        sample.
        """
        t = checked.not_negative("times", times)
        start = checked.vector("initial", initial, 2)
        spectrum = self._spectrum(checked.one("detuning", checked.real("detuning", detuning)))
        if spectrum is None:
            return np.asarray(exponential(self.generator(detuning), t) @ start)
        values, parts = spectrum
        parts = parts.reshape(2, 2, 2) @ start
        result = np.empty((t.size, 2), dtype=complex)
        for first in range(0, t.size, BLOCK):  # in pieces that stay in the processor's cache
            piece = t.ravel()[first : first + BLOCK, None]
            np.matmul(np.exp(piece * values), parts, out=result[first : first + BLOCK])
        return result.reshape(*t.shape, 2)

    def evolve(self, initial: npt.ArrayLike, segments: Sequence[Segment], times: npt.ArrayLike) -> ComplexArray:
        """Amplitudes at ``times`` ≥ 0 (s from the start of the first segment) → ``times.shape + (2,)``.

        ``initial`` are the two amplitudes at time 0. See :meth:`sequence`.
        """
        start = checked.vector("initial", initial, 2)
        return np.asarray(self.sequence(segments, times) @ start)

    def sequence(self, segments: Sequence[Segment], times: npt.ArrayLike) -> ComplexArray:
        """Propagators from 0 to ``times`` ≥ 0 (s) through segments, one after the other → ``times.shape + (2, 2)``.

        After the last segment its final detuning stays. Holds are exact; ramps and settling coils are cut into steps
        that the sixth-order Magnus expansion carries to better than 1e-9. Raises ValueError for a negative time, or for
        a segment that would take more than 20 million steps.
        """
        wanted = checked.not_negative("times", times)
        carried = np.eye(2, dtype=complex)
        result = np.broadcast_to(carried, (*wanted.shape, 2, 2)).copy()
        begin, detuning = 0.0, 0.0
        for segment in segments:
            end = begin + segment.duration
            inside = (wanted >= begin) & (wanted <= end)
            partial, whole = self._through(segment, wanted[inside] - begin)
            result[inside] = partial @ carried
            carried = whole @ carried
            begin, detuning = end, segment.final
        after = wanted > begin
        result[after] = self.propagator(wanted[after] - begin, detuning) @ carried
        return result

    def best_transfer(self) -> tuple[float, float]:
        """(time in s, efficiency) of the largest resonant transfer, t* = atan2(2Ω, γ + γ_b)/Ω.

        Efficiency is the excitation number that arrived over the one that began. With γ_b = 0 the alkali is empty just
        then, a(t*) = 0. Overdamped mixtures have no a = 0 and return the time of largest transfer.
        """
        if self.coupling == 0:
            return 0.0, 0.0
        unit = max(self.coupling, self.alkali_decay, self.noble_gas_decay)  # so that no square vanishes or overflows
        j, first, second = self.coupling / unit, self.alkali_decay / unit, self.noble_gas_decay / unit
        total = (first + second) / 2
        square = j**2 - (first - second) ** 2 / 4
        omega = sqrt(abs(square))
        if square > 0:
            time = atan2(omega, total) / omega
        elif square == 0:
            time = 1 / total
        else:
            time = asinh(omega / hypot(j, sqrt(first * second))) / omega
        return time / unit, float(abs(self.propagator(time / unit)[1, 0]) ** 2)

    def steps(self, segment: Segment) -> int:
        """Into how many equal steps the moving part of a segment has to be cut."""
        rate = max(segment.fastest, 2 * self.coupling, self.alkali_decay, self.noble_gas_decay)
        wanted = segment.moving * rate * FINENESS
        if not wanted <= MOST:
            raise ValueError(
                f"{segment} would take {wanted:.3g} steps, more than {MOST:.0e}: make it shorter or slower"
            )
        return max(FEWEST, ceil(wanted))

    def step(self, segment: Segment, starts: npt.ArrayLike, lengths: npt.ArrayLike) -> ComplexArray:
        """Propagators over short stretches (s) that begin at ``starts`` (s from the segment's start)."""
        return moving_exponential(lambda times: self.generator(segment.at(times)), starts, lengths)

    def _spectrum(self, detuning: npt.ArrayLike) -> tuple[ComplexArray, ComplexArray] | None:
        """λ ``(2,)`` and flattened matrices P ``(2, 4)`` with exp(Mt) = Σ P e^{λt}.

        None for several detunings, or where λ₁ ≈ λ₂ makes P blow up.
        """
        if np.ndim(detuning):
            return None
        delta, j = float(checked.real("detuning", detuning)), self.coupling
        a, d = complex(-self.alkali_decay, delta), -self.noble_gas_decay
        half, root = (a + d) / 2, cmath.sqrt((a - d) ** 2 / 4 - j * j)
        large = half - root if (half.conjugate() * root).real < 0 else half + root
        if abs(root) <= DEGENERATE * abs(large):
            return None
        small = (a * d + j * j) / large
        apart = large - small
        p, q, r = (a - small) / apart, -1j * j / apart, (d - small) / apart
        return np.array((large, small)), np.array(((p, q, q, r), (1 - p, -q, -q, 1 - r)))

    def _through(self, segment: Segment, times: FloatArray) -> tuple[ComplexArray, ComplexArray]:
        """Propagators from a segment's start to ``times`` within it, and to its end."""
        moving = segment.moving
        result = np.empty((*times.shape, 2, 2), dtype=complex)
        early = times < moving
        result[early], settled = self._moving(segment, times[early])
        result[~early] = self.propagator(np.maximum(times[~early] - moving, 0.0), segment.final) @ settled
        return result, self.propagator(segment.duration - moving, segment.final) @ settled

    def _moving(self, segment: Segment, times: FloatArray) -> tuple[ComplexArray, ComplexArray]:
        result = np.empty((*times.shape, 2, 2), dtype=complex)
        carried = np.eye(2, dtype=complex)
        if segment.moving == 0:
            return result, carried
        count = self.steps(segment)
        length = segment.moving / count
        number = np.minimum((times / length).astype(int), count - 1)
        for first in range(0, count, BLOCK):
            block = np.arange(first, min(first + BLOCK, count))
            products = running_products(self.step(segment, block * length, length)) @ carried
            here = (number >= first) & (number <= block[-1])
            begin = number[here] * length
            result[here] = self.step(segment, begin, times[here] - begin) @ products[number[here] - first]
            carried = products[-1]
        return result, carried
