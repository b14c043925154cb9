"""Incoherent excitations of imperfectly polarized gases, and the noise that keeps them there (Methods, "Noise")."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal

from spinlab.physics.mixture import GasMixture

NoiseForm = Literal["preserving", "paper"]


def thermal_occupation(polarization: float) -> float:
    """n̄ = (1 − p)/2p, incoherent excitations in each mode of a gas of polarization p; ValueError unless 0 < p ≤ 1.

    At p = 0.95 this is 0.0263; the paper prints 0.05 for its numerical solution, which is (1 − p)/p.
    """
    if not 0 < polarization <= 1:
        raise ValueError(f"polarization must lie in 0…1 and not vanish, got {polarization}")
    return (1 - polarization) / (2 * polarization)


@dataclass(frozen=True)
class SpinNoise:
    """Mean incoherent excitations a mode: what the gases begin with, and what their relaxation in the gas tends to.

    ``alkali`` and ``noble_gas`` are n̄ of every mode at t = 0 and of what diffusion exchanges with the wall; ``alkali_bath``
    and ``noble_gas_bath`` those of the noise behind γ and γ_b. Raises ValueError for negative or infinite numbers.
    """

    alkali: float = 0.0
    noble_gas: float = 0.0
    alkali_bath: float = 0.0
    noble_gas_bath: float = 0.0

    def __post_init__(self) -> None:
        for name in ("alkali", "noble_gas", "alkali_bath", "noble_gas_bath"):
            if not 0 <= getattr(self, name) < inf:
                raise ValueError(f"{name} must be finite and not negative, got {getattr(self, name)}")

    @classmethod
    def from_occupations(cls, alkali: float, noble_gas: float) -> SpinNoise:
        """Baths as hot as the gases: commutators keep their value and uncoupled gases stay as they are.

        ``SpinNoise.from_occupations(0.05, 0.17)`` is what the paper prints.
        """
        return cls(alkali, noble_gas, alkali, noble_gas)

    @classmethod
    def from_polarizations(cls, alkali: float, noble_gas: float) -> SpinNoise:
        """n̄ = (1 − p)/2p for each gas and its baths; none for p = 1."""
        return cls.from_occupations(thermal_occupation(alkali), thermal_occupation(noble_gas))

    @classmethod
    def of(cls, mixture: GasMixture, form: NoiseForm = "preserving") -> SpinNoise:
        """Noise of a mixture; ``"paper"`` gives spin exchange, one part of γ, the moment (2 − p_a − p_b)/4p_a.

        That moment and its partner (2 + p_a + p_b)/4p_a differ by (p_a + p_b)/2p_a, 0.895 at 0.95 and 0.75, so the
        commutator does not stay 1; ``"preserving"`` gives every part n̄_a.
        """
        noise = cls.from_polarizations(mixture.alkali_polarization, mixture.noble_gas_polarization)
        if form == "preserving":
            return noise
        if form != "paper":
            raise ValueError(f'form must be "preserving" or "paper", got {form!r}')
        p_a, p_b = mixture.alkali_polarization, mixture.noble_gas_polarization
        share = mixture.alkali_decay_terms["spin exchange"] / mixture.alkali_decay if mixture.alkali_decay else 0.0
        bath = share * (2 - p_a - p_b) / (4 * p_a) + (1 - share) * noise.alkali
        return cls(noise.alkali, noise.noble_gas, bath, noise.noble_gas)
