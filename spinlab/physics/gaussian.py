"""Gaussian states of one or more modes, and what the interface does to them (paper, Fig. 4b).

Quadratures x = a + a†, p = −i(a − a†), so that vacuum has variance 1; ordered x₁, p₁, x₂, p₂, …. The quadrature at angle
θ is x cos θ + p sin θ. A loss η with background n makes Var = ηV + 1 − η + 2n.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinlab.physics import checked
from spinlab.physics.checked import ComplexArray, FloatArray
from spinlab.physics.counts import whole_number
from spinlab.physics.langevin import Evolution, Langevin
from spinlab.physics.two_mode import TwoMode

TOLERANCE = 1e-9  # of the largest covariance element: by how much rounding may break the uncertainty relation
MOST_SQUEEZED = 60.0  # dB


@dataclass(frozen=True, eq=False)
class GaussianState:
    """Mean ``(2N,)`` and covariance ``(2N, 2N)`` of the quadratures of N modes, vacuum = 1.

    Raises ValueError for shapes that do not match, values that are not finite, or a covariance that is not symmetric or
    violates the uncertainty relation σ + iΩ ≥ 0.
    """

    mean: FloatArray
    covariance: FloatArray

    def __post_init__(self) -> None:
        mean = checked.real("mean", self.mean).copy()
        covariance = checked.real("covariance", self.covariance).copy()
        if mean.ndim != 1 or len(mean) % 2 or not len(mean):
            raise ValueError(f"mean must have shape (2N,) for N modes, got {mean.shape}")
        if covariance.shape != (len(mean), len(mean)):
            raise ValueError(
                f"covariance must be {len(mean)} × {len(mean)} to go with mean, got shape {covariance.shape}"
            )
        _check_uncertainty(covariance)
        for name, value in (("mean", mean), ("covariance", (covariance + covariance.T) / 2)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @classmethod
    def vacuum(cls, modes: int = 1) -> GaussianState:
        """No excitations."""
        return cls.thermal(*[0.0] * whole_number("modes", modes, 1))

    @classmethod
    def coherent(cls, *amplitudes: complex) -> GaussianState:
        """One mode per amplitude α, |α|² excitations each."""
        alpha = checked.vector("amplitudes", amplitudes, len(amplitudes))
        return cls(2 * _interleave(alpha), np.eye(2 * len(alpha)))

    @classmethod
    def thermal(cls, *excitations: float) -> GaussianState:
        """One mode per mean excitation number n ≥ 0: variances 1 + 2n."""
        n = checked.not_negative("excitations", excitations)
        return cls(np.zeros(2 * len(n)), np.diag(np.repeat(1 + 2 * n, 2)))

    @classmethod
    def squeezed(cls, decibel: float, angle: float = 0.0) -> GaussianState:
        """Squeezed vacuum: variance 10^{−dB/10} in the quadrature at ``angle`` (rad), 10^{dB/10} across.

        ValueError for less than 0 or more than 60 dB, where a covariance of doubles holds no longer both.
        """
        amount = checked.one("decibel", checked.not_negative("decibel", decibel))
        if amount > MOST_SQUEEZED:
            raise ValueError(f"decibel must be at most {MOST_SQUEEZED:g}, got {amount:g}")
        factor = 10 ** (amount / 10)
        return cls(np.zeros(2), np.diag([1 / factor, factor])).rotate(angle)

    @property
    def modes(self) -> int:
        """How many modes."""
        return len(self.mean) // 2

    @property
    def amplitudes(self) -> ComplexArray:
        """⟨a⟩ of each mode."""
        return np.asarray((self.mean[0::2] + 1j * self.mean[1::2]) / 2)

    @property
    def excitations(self) -> FloatArray:
        """⟨a†a⟩ of each mode."""
        spread = np.diag(self.covariance).reshape(-1, 2).sum(axis=1) / 4 - 0.5
        return np.asarray(np.maximum(spread, 0.0) + np.abs(self.amplitudes) ** 2)

    @property
    def purity(self) -> float:
        """Tr ρ² = 1/√det σ."""
        return float(np.exp(-np.linalg.slogdet(self.covariance)[1] / 2))

    def mode(self, index: int) -> GaussianState:
        """The reduced state of one mode."""
        if not 0 <= index < self.modes:
            raise ValueError(f"index must lie in 0…{self.modes - 1}, got {index}")
        own = slice(2 * index, 2 * index + 2)
        return GaussianState(self.mean[own], self.covariance[own, own])

    def join(self, other: GaussianState) -> GaussianState:
        """The uncorrelated state of these modes and ``other``'s after them."""
        size, both = 2 * self.modes, 2 * (self.modes + other.modes)
        covariance = np.zeros((both, both))
        covariance[:size, :size], covariance[size:, size:] = self.covariance, other.covariance
        return GaussianState(np.concatenate([self.mean, other.mean]), covariance)

    def rotate(self, angle: float) -> GaussianState:
        """All modes turned in phase, a → a e^{i·angle}."""
        turn = np.exp(1j * checked.one("angle", checked.real("angle", angle)))
        return self.transform(turn * np.eye(self.modes), np.zeros((self.modes, self.modes)))

    def displace(self, *amplitudes: complex) -> GaussianState:
        """a → a + α, one α per mode."""
        alpha = checked.vector("amplitudes", amplitudes, self.modes)
        return GaussianState(self.mean + 2 * _interleave(alpha), self.covariance)

    def lose(self, efficiency: npt.ArrayLike, background: npt.ArrayLike = 0.0) -> GaussianState:
        """Efficiency η and background n (normally ordered), one number for all modes or one per mode."""
        eta = checked.fraction("efficiency", efficiency)
        noise = checked.not_negative("background", background)
        for name, value in (("efficiency", eta), ("background", noise)):
            if value.shape not in ((), (self.modes,)):
                raise ValueError(f"{name} must be one number or {self.modes}, got shape {value.shape}")
        root, added = np.sqrt(eta) * np.ones(self.modes), (1 - eta + 2 * noise) * np.ones(self.modes)
        return self.transform(np.diag(root), np.diag(added))

    def evolve(
        self, modes: TwoMode, time: float, detuning: float = 0.0, noise: Langevin | None = None
    ) -> GaussianState:
        """Both modes after ``time`` ≥ 0 (s) at a detuning (rad/s); noise is vacuum noise unless given.

        Quadratures feel A + N of the noise only: both forms for imperfect polarization give the same state.
        """
        until = checked.one("time", checked.not_negative("time", time))
        return self.through((noise or Langevin.vacuum()).evolution(modes, until, detuning))

    def through(self, evolution: Evolution) -> GaussianState:
        """Two modes after an evolution at one time (as :meth:`Langevin.sequence` gives)."""
        return self.transform(evolution.propagator, evolution.added)

    def transform(self, propagator: npt.ArrayLike, added: npt.ArrayLike) -> GaussianState:
        """α → Uα + w for complex U and ⟨{w_i, w_j†}⟩ = ``added``, both ``(N, N)``; ``added`` of vacuum is 1 − UU†."""
        u, w = np.asarray(propagator, dtype=complex), np.asarray(added, dtype=complex)
        for name, value in (("propagator", u), ("added", w)):
            if value.shape != (self.modes, self.modes):
                raise ValueError(f"{name} must have shape {(self.modes, self.modes)}, got {value.shape}")
        turn = _realified(u)
        return GaussianState(turn @ self.mean, turn @ self.covariance @ turn.T + _realified(w))

    def variance(self, angle: npt.ArrayLike) -> FloatArray:
        """Variance of the quadrature at ``angle`` (rad, any shape) of a single mode."""
        _single(self)
        theta = checked.real("angle", angle)
        direction = np.stack([np.cos(theta), np.sin(theta)], axis=-1)
        return np.asarray(np.einsum("...i,ij,...j", direction, self.covariance, direction))

    def fidelity(self, other: GaussianState) -> float:
        """Uhlmann fidelity (Tr√(√ρ σ √ρ))² of two single-mode states; |⟨ψ|φ⟩|² of pure ones.

        Scutaru, J. Phys. A 31, 3659 (1998).
        """
        _single(self)
        _single(other)
        total = self.covariance + other.covariance
        apart = self.mean - other.mean
        both = np.linalg.det(total)
        mixed = max(np.linalg.det(self.covariance) - 1, 0.0) * max(np.linalg.det(other.covariance) - 1, 0.0)
        overlap = 2 * (np.sqrt(both + mixed) + np.sqrt(mixed)) / both
        return float(min(overlap, 1.0) * np.exp(-apart @ np.linalg.solve(total, apart) / 2))


def squeezing_db(state: GaussianState | npt.ArrayLike, angle: npt.ArrayLike | None = None) -> FloatArray | float:
    """10 log₁₀ of a variance relative to vacuum, negative when squeezed.

    ``state`` is a Gaussian state, or a covariance ``(2N, 2N)`` with vacuum = 1. With an ``angle`` (rad, any shape) it is
    the quadrature there of a single mode; without, the best of all quadratures (and of all combinations of modes).
    """
    if not isinstance(state, GaussianState):
        covariance = checked.real("covariance", state)
        if covariance.ndim != 2:
            raise ValueError(f"covariance must have shape (2N, 2N) for N modes, got {covariance.shape}")
        state = GaussianState(np.zeros(len(covariance)), covariance)
    if angle is None:
        return float(10 * np.log10(np.linalg.eigvalsh(state.covariance)[0]))
    return np.asarray(10 * np.log10(state.variance(angle)))


def _check_uncertainty(covariance: FloatArray) -> None:
    largest = np.max(np.abs(covariance))
    if np.max(np.abs(covariance - covariance.T)) > TOLERANCE * largest:
        raise ValueError("covariance must be symmetric")
    form = np.kron(np.eye(len(covariance) // 2), [[0.0, 1.0], [-1.0, 0.0]])
    least = np.linalg.eigvalsh(covariance + 1j * form)[0]
    if least < -TOLERANCE * largest or np.linalg.eigvalsh(covariance)[0] <= 0:
        raise ValueError(
            f"covariance must obey uncertainty, σ + iΩ ≥ 0 with vacuum = 1, got an eigenvalue of {least:.3g}"
        )


def _single(state: GaussianState) -> None:
    if state.modes != 1:
        raise ValueError(f"state must have one mode (take state.mode(k)), got {state.modes}")


def _interleave(amplitudes: ComplexArray) -> FloatArray:
    return np.stack([amplitudes.real, amplitudes.imag], axis=-1).ravel()


def _realified(matrix: ComplexArray) -> FloatArray:
    """The action of a complex matrix ``(N, N)`` on real and imaginary parts, interleaved."""
    n = len(matrix)
    blocks = np.array([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])
    return np.asarray(blocks.transpose(2, 0, 3, 1).reshape(2 * n, 2 * n))
