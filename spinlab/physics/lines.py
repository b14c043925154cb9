"""Larmor lines, coupling and resonance of a mixture as functions of its two polarizations: one number at a time, fast."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from spinlab.physics.mixture import GasMixture
from spinlab.physics.polarization import PolarizationRates


@dataclass(frozen=True)
class Lines:
    """What :class:`GasMixture` says of one pair of polarizations, for all of them; p_a and p_b in 0…1, SI.

    ``alkali_shift`` is ζq n_b/2 (electron rad/s for p_b = 1), ``noble_gas_shift`` ζq n_a/2 (rad/s for p_a = 1).
    """

    rates: PolarizationRates
    electron_gyromagnetic: float
    noble_gas_gyromagnetic: float
    alkali_shift: float
    noble_gas_shift: float
    noble_gas_decay: float

    @classmethod
    def of(cls, mixture: GasMixture) -> Lines:
        """The constants of a mixture; its polarizations play no part."""
        half = mixture.exchange_strength / 2
        return cls(
            PolarizationRates.of(mixture),
            mixture.electron_gyromagnetic,
            mixture.noble_gas_gyromagnetic,
            half * mixture.noble_gas_density,
            half * mixture.alkali_density,
            mixture.noble_gas_decay,
        )

    def alkali(self, field: float, alkali: float, noble_gas: float) -> float:
        """ω_a(B) = [g_sμ_B B/ħ − ζq p_b n_b/2]/q(p_a), rad/s."""
        return (self.electron_gyromagnetic * field - self.alkali_shift * noble_gas) / self.rates.slowing_down(alkali)

    def noble_gas(self, field: float, alkali: float) -> float:
        """ω_b(B) = g_b B − ζq p_a n_a/2, rad/s."""
        return self.noble_gas_gyromagnetic * field - self.noble_gas_shift * alkali

    def detuning(self, field: float, alkali: float, noble_gas: float) -> float:
        """Δ = ω_b − ω_a, rad/s."""
        return self.noble_gas(field, alkali) - self.alkali(field, alkali, noble_gas)

    def coupling(self, alkali: float, noble_gas: float) -> float:
        """J = (ζ/2)√(q p_a p_b n_a n_b), rad/s."""
        product = self.alkali_shift * self.noble_gas_shift * alkali * noble_gas
        return sqrt(product / self.rates.slowing_down(alkali))

    def resonance(self, alkali: float, noble_gas: float) -> float:
        """The compensation field, Δ(B) = 0, in T."""
        q = self.rates.slowing_down(alkali)
        shift = self.alkali_shift * noble_gas / q - self.noble_gas_shift * alkali
        return shift / (self.electron_gyromagnetic / q - self.noble_gas_gyromagnetic)

    def decay(self, alkali: float) -> float:
        """γ in the dark, 1/s."""
        return self.rates.total(0.0) / self.rates.slowing_down(alkali)
