"""exp(Mt) of a complex symmetric generator: diagonalised once, or by SciPy's expm where eigenvectors do not serve.

Mᵀ = M makes eigenvectors orthogonal without conjugation, so their inverse is their transpose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from spinlab.physics.exponential import exprel

ComplexArray = npt.NDArray[np.complex128]
FloatArray = npt.NDArray[np.float64]

PRECISION = 1e-8  # what a decomposition must reproduce of the identity and of the generator
CONTRACTION = 1e8  # largest 1/|v·v|: beyond it the generator is as good as defective
SHORTEST = 1e-2  # ‖M‖h of the step from which Direct.absorbed doubles


class Evolution(Protocol):
    """exp(Mt), seen from what one wants of it; ``times`` are arrays of any shape, s, not negative."""

    def propagator(self, times: FloatArray) -> ComplexArray:
        """exp(Mt) → ``times.shape + (n, n)``."""
        ...

    def apply(self, initial: ComplexArray, times: FloatArray) -> ComplexArray:
        """exp(Mt) applied to a vector → ``times.shape + (n,)``."""
        ...

    def absorbed(self, final: ComplexArray, weights: FloatArray, times: FloatArray) -> FloatArray:
        """∫₀ᵗ Σ_k w_k |(fᵀ e^{Ms})_k|² ds → ``times.shape``: what white noise of strength w adds to mode f."""
        ...

    def covariance(self, weights: FloatArray, time: float) -> ComplexArray:
        """∫₀ᵗ e^{Ms} w (e^{Ms})† ds → ``(n, n)``: what that noise adds to all modes and between them."""
        ...


@dataclass(eq=False)
class Spectral:
    """exp(Mt) = V e^{λt} V⁻¹; V⁻¹ of the last initial state is remembered, for one time after the other."""

    rates: ComplexArray
    vectors: ComplexArray
    inverse: ComplexArray
    _last: tuple[bytes, ComplexArray] | None = field(default=None, init=False, repr=False)

    def propagator(self, times: FloatArray) -> ComplexArray:
        """exp(Mt) → ``times.shape + (n, n)``: one matrix product a time."""
        turned = np.exp(times[..., None] * self.rates)
        return np.asarray((self.vectors * turned[..., None, :]) @ self.inverse)

    def apply(self, initial: ComplexArray, times: FloatArray) -> ComplexArray:
        """exp(Mt) applied to a vector → ``times.shape + (n,)``: one matrix–vector product a time."""
        turned = np.exp(times[..., None] * self.rates)
        turned *= self._projected(initial)
        return np.asarray(turned @ self.vectors.T)

    def absorbed(self, final: ComplexArray, weights: FloatArray, times: FloatArray) -> FloatArray:
        """The integral in closed form, (e^{xt} − 1)/x with x = λ_k + λ_l* between the modes of both factors."""
        row = (final @ self.vectors)[:, None] * self.inverse
        table = (row * weights) @ row.conj().T
        sums = self.rates[:, None] + self.rates.conj()
        slow = np.abs(sums) * np.max(times, initial=0.0) < 1e-3  # where the difference would lose its digits
        fast = np.where(slow, 0, table / np.where(slow, 1, sums))
        turned = np.exp(times[..., None] * self.rates)
        result = np.sum((turned @ fast) * turned.conj(), axis=-1).real - np.sum(fast).real
        for power, factor in enumerate((1, 1 / 2, 1 / 6, 1 / 24)):  # (e^{xt} − 1)/x = t + xt²/2 + …
            result += np.sum(table[slow] * sums[slow] ** power).real * factor * times ** (power + 1)
        return np.asarray(result)

    def covariance(self, weights: FloatArray, time: float) -> ComplexArray:
        """The integral in closed form, as in :meth:`absorbed`."""
        table = (self.inverse * weights) @ self.inverse.conj().T
        table *= time * exprel((self.rates[:, None] + self.rates.conj()) * time)
        return np.asarray(self.vectors @ table @ self.vectors.conj().T)

    def _projected(self, initial: ComplexArray) -> ComplexArray:
        key, last = initial.tobytes(), self._last
        if last is None or last[0] != key:
            self._last = last = key, self.inverse @ initial
        return last[1]


@dataclass(frozen=True, eq=False)
class Direct:
    """exp(Mt) by scaling and squaring: slow, and right at exceptional points too."""

    generator: ComplexArray

    def propagator(self, times: FloatArray) -> ComplexArray:
        """exp(Mt) → ``times.shape + (n, n)``."""
        from scipy.linalg import expm

        n = len(self.generator)
        return np.array([expm(self.generator * t) for t in times.flat], dtype=complex).reshape(*times.shape, n, n)

    def apply(self, initial: ComplexArray, times: FloatArray) -> ComplexArray:
        """exp(Mt) applied to a vector → ``times.shape + (n,)``."""
        return np.asarray(self.propagator(times) @ initial)

    def absorbed(self, final: ComplexArray, weights: FloatArray, times: FloatArray) -> FloatArray:
        """The integral from the covariance of all modes at each time."""
        found = [(final @ self.covariance(weights, t) @ final.conj()).real for t in times.flat]
        return np.array(found, dtype=float).reshape(times.shape)

    def covariance(self, weights: FloatArray, time: float) -> ComplexArray:
        """The integral by X(2h) = X(h) + U(h) X(h) U(h)†, from a step so short that Simpson's rule is exact enough."""
        from scipy.linalg import expm

        scale = float(np.linalg.norm(self.generator, 2)) * time
        doublings = max(0, int(np.ceil(np.log2(max(scale / SHORTEST, 1.0)))))
        step = time / 2**doublings
        half, whole = expm(self.generator * step / 2), expm(self.generator * step)
        source = np.diag(weights).astype(complex)
        at_middle, at_end = ((u * weights) @ u.conj().T for u in (half, whole))
        covariance = step / 6 * (source + 4 * at_middle + at_end)
        for _ in range(doublings):
            covariance = covariance + whole @ covariance @ whole.conj().T
            whole = whole @ whole
        return np.asarray(covariance)


def decompose(generator: ComplexArray, rates: ComplexArray, vectors: ComplexArray) -> Evolution:
    """The evolution of a complex symmetric ``generator`` (1/s) from its eigenvalues and eigenvectors (columns).

    Degenerate modes that are not orthogonal among themselves are inverted numerically; what still fails to reproduce
    the generator, near an exceptional point, goes to ``Direct``.
    """
    squares = np.sum(vectors * vectors, axis=0)
    if np.min(np.abs(squares)) * CONTRACTION > 1:
        scaled = vectors / np.sqrt(squares)
        found = Spectral(rates, scaled, np.ascontiguousarray(scaled.T))
        if _reproduces(found, generator):
            return found
    try:
        found = Spectral(rates, vectors, np.asarray(np.linalg.inv(vectors), dtype=complex))
    except np.linalg.LinAlgError:
        return Direct(generator)
    return found if _reproduces(found, generator) else Direct(generator)


def _reproduces(found: Spectral, generator: ComplexArray) -> bool:
    """Whether V V⁻¹ and V λ V⁻¹ do to a few vectors what 1 and M do: as telling as the matrices and far cheaper."""
    n = len(generator)
    probes = np.exp(1j * np.outer(np.arange(n) ** 2, [1.0, np.sqrt(2), np.sqrt(3)]))
    inside = found.inverse @ probes
    identity = np.abs(found.vectors @ inside - probes).max()
    error = np.abs(found.vectors @ (found.rates[:, None] * inside) - generator @ probes).max()
    scale = np.abs(generator).max() + np.finfo(float).tiny
    condition = np.abs(found.inverse).max() * np.abs(found.vectors).max()
    return bool(identity < PRECISION and error < PRECISION * scale and condition < CONTRACTION)
