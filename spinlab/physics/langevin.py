"""Quantum noise of the two modes: Langevin forces, what they have added after a time, and the channel that makes.

The forces of Eq. 2 are white, ⟨F_χ(t)F_χ†(t')⟩ = 2γ_χ A_χ δ(t − t') and ⟨F_χ†(t)F_χ(t')⟩ = 2γ_χ N_χ δ(t − t'), χ = a, b.
Vacuum has A = 1, N = 0. At imperfect polarization there are two forms, alike in A + N = 1/p, the noise of a quadrature:

- :meth:`Langevin.polarized` has A − N = 1, which keeps [a, a†] = 1: a thermal reservoir of n̄ = (1 − p)/2p excitations.
- :meth:`Langevin.spin_exchange` has the paper's moments of collisional noise (Methods, below Eq. 20), A, N =
  (2 ± (p_a + p_b))/4p_a. Their A − N = (p_a + p_b)/2p_a lets the commutator drift from 1, to .895 at .95 and .75.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinlab.physics import checked
from spinlab.physics.channel import Channel
from spinlab.physics.checked import ComplexArray, FloatArray
from spinlab.physics.exponential import dagger
from spinlab.physics.noise_integrals import weaker
from spinlab.physics.segments import Segment
from spinlab.physics.two_mode import TwoMode

#: ⟨a†a⟩ and ⟨b†b⟩ that the paper starts from at p_a = 0.95, p_b = 0.75; its own (1 − p)/2p gives .0263 and .1667.
PAPER_INCOHERENT_EXCITATIONS = (0.05, 0.17)


def incoherent_excitations(polarization: npt.ArrayLike) -> FloatArray:
    """n̄ = (1 − p)/2p, thermal excitations per mode at polarization p of any shape, 0 < p ≤ 1 (main text).

    Exact for any nuclear spin in spin-temperature equilibrium.
    """
    p = checked.fraction("polarization", polarization)
    if np.any(p < 1 / checked.LARGEST):
        raise ValueError(f"polarization must be above 0, where the excitations have no bound, got {polarization!r}")
    return np.asarray((1 - p) / (2 * p))


@dataclass(frozen=True)
class Langevin:
    """N and A of the alkali's and the noble gas's force. ValueError if N < 0 or A + N < 1, which no force can have."""

    normal: tuple[float, float] = (0.0, 0.0)
    antinormal: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        for name in ("normal", "antinormal"):
            if checked.not_negative(name, getattr(self, name)).shape != (2,):
                raise ValueError(f"{name} must be two numbers, alkali and noble gas, got {getattr(self, name)!r}")
        both = tuple(a + n for a, n in zip(self.antinormal, self.normal, strict=True))
        if min(both) < 1 - 1e-12:
            raise ValueError(f"antinormal + normal must be at least 1 (Heisenberg), got {both}")

    @classmethod
    def vacuum(cls) -> Langevin:
        """Noise of perfectly polarized gases (Eq. 20)."""
        return cls()

    @classmethod
    def thermal(cls, alkali: float, noble_gas: float = 0.0) -> Langevin:
        """Reservoirs of so many excitations per mode; commutators stay 1."""
        return cls((alkali, noble_gas), (1 + alkali, 1 + noble_gas))

    @classmethod
    def polarized(cls, alkali: float, noble_gas: float) -> Langevin:
        """Thermal noise at polarizations p_a, p_b; commutators stay 1."""
        return cls.thermal(*map(float, incoherent_excitations([alkali, noble_gas])))

    @classmethod
    def spin_exchange(cls, alkali: float, noble_gas: float, share: tuple[float, float] = (1.0, 1.0)) -> Langevin:
        """The paper's noise moments at polarizations p_a, p_b; commutators do *not* stay 1.

        ``share`` is the part of γ and γ_b that spin exchange makes; the rest is :meth:`polarized`. 1 is what the paper
        suggests ("quantitatively similar"). The noble gas has the same moments with a and b exchanged.
        """
        rest = cls.polarized(alkali, noble_gas)
        part = checked.fraction("share", share)
        own, both = np.array([alkali, noble_gas]), alkali + noble_gas
        normal = part * (2 - both) / (4 * own) + (1 - part) * rest.normal
        antinormal = part * (2 + both) / (4 * own) + (1 - part) * rest.antinormal
        return cls((float(normal[0]), float(normal[1])), (float(antinormal[0]), float(antinormal[1])))

    def evolution(self, modes: TwoMode, times: npt.ArrayLike, detuning: npt.ArrayLike = 0.0) -> Evolution:
        """What ``times`` ≥ 0 (s) at detunings (rad/s) do, in closed form; shapes broadcast."""
        propagator = modes.propagator(times, detuning)
        if self._alike:
            return self._mixed(propagator, 0, np.zeros_like(propagator))
        reservoir = weaker(modes)
        return self._mixed(propagator, reservoir.mode, reservoir.added(propagator, detuning))

    def sequence(self, modes: TwoMode, segments: Sequence[Segment], times: npt.ArrayLike) -> Evolution:
        """What happens until ``times`` ≥ 0 (s) through segments, as :meth:`TwoMode.sequence`."""
        propagator = modes.sequence(segments, times)
        if self._alike:
            return self._mixed(propagator, 0, np.zeros_like(propagator))
        reservoir = weaker(modes)
        return self._mixed(propagator, reservoir.mode, reservoir.added_through(segments, times))

    @property
    def _alike(self) -> bool:
        """Both reservoirs the same: what they add together is all that counts."""
        return self.normal[0] == self.normal[1] and self.antinormal[0] == self.antinormal[1]

    def _mixed(self, propagator: ComplexArray, mode: int, part: ComplexArray) -> Evolution:
        """Moments from what both reservoirs add together, Q_a + Q_b = 1 − UU†, and ``part``, what that of ``mode`` adds."""
        lost = np.eye(2) - propagator @ dagger(propagator)

        def noise(moments: tuple[float, float]) -> ComplexArray:
            other = moments[1 - mode]
            return np.asarray(other * lost + (moments[mode] - other) * part)

        return Evolution(propagator, noise(self.normal), noise(self.antinormal))


@dataclass(frozen=True, eq=False)
class Evolution:
    """α(t) = U α(0) + w of the two modes: U and the moments of the accumulated noise w, each ``times.shape + (2, 2)``.

    ``normal`` is ⟨w_j† w_i⟩, ``antinormal`` ⟨w_i w_j†⟩. w has no anomalous moments ⟨w_i w_j⟩.
    """

    propagator: ComplexArray
    normal: ComplexArray
    antinormal: ComplexArray

    @property
    def added(self) -> ComplexArray:
        """⟨{w_i, w_j†}⟩: what the noise adds to the quadratures' covariance, vacuum = 1."""
        return self.normal + self.antinormal

    @property
    def commutator(self) -> ComplexArray:
        """[α_i, α_j†] as it has become: 1 unless the forces have A − N ≠ 1."""
        return np.asarray(self.propagator @ dagger(self.propagator) + self.antinormal - self.normal)

    def channel(self, initial: tuple[float, float] = (0.0, 0.0), source: int = 0, target: int = 1) -> Channel:
        """The channel from mode ``source`` to mode ``target``, by default alkali → noble gas, at all times.

        ``initial`` are incoherent excitations [alkali, noble gas] at the start: in the target mode thermal ones that were
        there before, in the source mode those that come on top of the state that is put in.
        """
        if not {source, target} <= {0, 1}:
            raise ValueError(f"source and target must be 0 (alkali) or 1 (noble gas), got {source} and {target}")
        both = checked.not_negative("initial", initial)
        if both.shape != (2,):
            raise ValueError(f"initial must be two numbers, alkali and noble gas, got {initial!r}")
        row = np.abs(self.propagator[..., target, :]) ** 2
        background = row @ both + np.maximum(self.normal[..., target, target].real, 0.0)
        return Channel(np.minimum(row[..., source], 1.0), background, self.commutator[..., target, target].real)
