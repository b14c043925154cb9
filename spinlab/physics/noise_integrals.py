"""What the reservoir of one mode adds to the moments of both: Q = 2γ_χ∫U(s)e_χe_χ†U(s)†ds.

Only the more weakly damped mode's is ever integrated. Together both put back what was lost, Q_a + Q_b = 1 − UU†, and the
helium's is next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinlab.physics import checked
from spinlab.physics.checked import ComplexArray, FloatArray
from spinlab.physics.exponential import GAUSS_NODES, GAUSS_WEIGHTS, dagger
from spinlab.physics.segments import Segment
from spinlab.physics.two_mode import BLOCK, TwoMode


def weaker(modes: TwoMode) -> Reservoir:
    """The reservoir of the more weakly damped mode."""
    return Reservoir(modes, 0 if modes.alkali_decay < modes.noble_gas_decay else 1)


@dataclass(frozen=True)
class Reservoir:
    """The reservoir of ``mode`` 0 (alkali) or 1 (noble gas), whichever is damped more weakly."""

    modes: TwoMode
    mode: int

    @property
    def diffusion(self) -> FloatArray:
        """D = 2γ_χ e_χe_χ†, 1/s."""
        matrix = np.zeros((2, 2))
        matrix[self.mode, self.mode] = 2 * (self.modes.noble_gas_decay if self.mode else self.modes.alkali_decay)
        return matrix

    def added(self, propagator: ComplexArray, detuning: npt.ArrayLike) -> ComplexArray:
        """Q ``(…, 2, 2)`` of propagators at constant detunings (rad/s): the solution of MQ + QM† = UDU† − D.

        Written with the exchange rate Γ = J²G/(G² + Δ²), G = γ + γ_b, so that no term cancels.
        """
        source = self.diffusion
        if not source.any():
            return np.zeros_like(propagator)
        j, first, second = self.modes.coupling, self.modes.alkali_decay, self.modes.noble_gas_decay
        right = source - propagator @ source @ dagger(propagator)
        total = first + second
        width = total - 1j * np.asarray(detuning, dtype=float)
        exchange = j * (j * total / np.abs(width) ** 2)
        torque = j * (right[..., 0, 1] / width).imag
        gain = exchange * (right[..., 0, 0] + right[..., 1, 1]).real / 2
        determinant = first * second + exchange * total
        alkali = second * (right[..., 0, 0].real / 2 - torque)
        noble_gas = first * (right[..., 1, 1].real / 2 + torque)
        result = np.empty_like(propagator)
        result[..., 0, 0] = (alkali + gain) / determinant
        result[..., 1, 1] = (noble_gas + gain) / determinant
        result[..., 0, 1] = (right[..., 0, 1] + 1j * j * ((alkali - noble_gas) / determinant)) / width
        result[..., 1, 0] = result[..., 0, 1].conj()
        return result

    def added_through(self, segments: Sequence[Segment], times: npt.ArrayLike) -> ComplexArray:
        """Q at ``times`` ≥ 0 (s) through segments → ``times.shape + (2, 2)``: Q ← UQU† + Q of each stretch."""
        wanted = checked.not_negative("times", times)
        result = np.zeros((*wanted.shape, 2, 2), dtype=complex)
        if not self.diffusion.any():
            return result
        carried, begin, detuning = np.zeros((2, 2), dtype=complex), 0.0, 0.0
        for segment in segments:
            end = begin + segment.duration
            inside = (wanted >= begin) & (wanted <= end)
            path = self._within(segment, carried, np.append(wanted[inside] - begin, segment.duration))
            result[inside], carried = path[:-1], path[-1]
            begin, detuning = end, segment.final
        after = wanted > begin
        result[after] = self._held(detuning, carried, wanted[after] - begin)
        return result

    def _within(self, segment: Segment, carried: ComplexArray, times: FloatArray) -> ComplexArray:
        result = np.empty((len(times), 2, 2), dtype=complex)
        early = times < segment.moving
        result[early], carried = self._moved(segment, carried, times[early])
        result[~early] = self._held(segment.final, carried, np.maximum(times[~early] - segment.moving, 0.0))
        return result

    def _held(self, detuning: float, carried: ComplexArray, times: FloatArray) -> ComplexArray:
        u = self.modes.propagator(times, detuning)
        return np.asarray(u @ carried @ dagger(u) + self.added(u, detuning))

    def _moved(self, segment: Segment, carried: ComplexArray, times: FloatArray) -> tuple[ComplexArray, ComplexArray]:
        """Q at ``times`` while the detuning moves, and where it comes to rest."""
        result = np.empty((len(times), 2, 2), dtype=complex)
        if segment.moving == 0:
            return result, carried
        count = self.modes.steps(segment)
        length = segment.moving / count
        number = np.minimum((times / length).astype(int), count - 1)
        for first in range(0, count, BLOCK):
            block = np.arange(first, min(first + BLOCK, count))
            path = [carried]
            for u, q in zip(*self._steps(segment, block * length, length), strict=True):
                path.append(u @ path[-1] @ u.conj().T + q)
            here = (number >= first) & (number <= block[-1])
            begin = number[here] * length
            u, q = self._steps(segment, begin, times[here] - begin)
            result[here] = u @ np.array(path)[number[here] - first] @ dagger(u) + q
            carried = path[-1]
        return result, carried

    def _steps(
        self, segment: Segment, starts: npt.ArrayLike, lengths: npt.ArrayLike
    ) -> tuple[ComplexArray, ComplexArray]:
        """U and Q over short stretches; Q by three-point Gauss quadrature."""
        begin = np.asarray(starts, dtype=float)
        h = np.broadcast_to(np.asarray(lengths, dtype=float), begin.shape)
        q = np.zeros((*begin.shape, 2, 2), dtype=complex)
        for node, weight in zip(GAUSS_NODES, GAUSS_WEIGHTS, strict=True):
            u = self.modes.step(segment, begin + node * h, (1 - node) * h)
            q += (weight * h)[..., None, None] * (u @ self.diffusion @ dagger(u))
        return self.modes.step(segment, begin, h), q
