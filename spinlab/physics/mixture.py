"""A gas mixture and everything the paper derives from it: J, Δ(B), γ, γ_b (Eqs. 2, 16, 17 and Methods)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import pi, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from spinlab.physics import constants as c
from spinlab.physics.slowing_down import slowing_down_factor
from spinlab.physics.two_mode import TwoMode

POTASSIUM_HELIUM_EXCHANGE = 4.9e-15 * 1e-6 * 4.102496714848884  # m³/s, ⟨σvφ⟩ = ζq: Methods, ζ at p_a = 0.95


@dataclass(frozen=True)
class GasMixture:
    """Alkali and noble gas in one cell; SI throughout, polarizations as magnitudes 0…1.

    ``exchange_strength`` is ⟨σvφ⟩ = ζq in m³/s, the physical constant behind ζ. Decay rates are amplitude rates
    in 1/s; the electron rates of Eq. 16 are divided by the slowing-down factor. Raises ValueError for a
    polarization outside 0…1 or a negative density, temperature or rate.
    """

    alkali_density: float  # m⁻³
    noble_gas_density: float  # m⁻³
    alkali_polarization: float = 0.95
    noble_gas_polarization: float = 0.75
    temperature: float = 488.15  # K
    nuclear_spin: float = 1.5
    nitrogen_density: float = 9.884e23  # m⁻³, 30 Torr filled at 20 °C
    noble_gas_relaxation: float = 0.0  # 1/s, T_b⁻¹: everything but the alkali
    exchange_strength: float = POTASSIUM_HELIUM_EXCHANGE  # m³/s
    spin_exchange_coefficient: float = 5.5e-26  # k_se, m³/s: Methods, K–³He at 220 °C
    spin_rotation_efficiency: float = 0.34  # η = k_se/(σ_sr v): Methods, K–³He
    alkali_destruction_cross_section: float = 1e-22  # σ_sd, m²: K–K
    nitrogen_destruction_cross_section: float = 8e-27  # m²: K–N₂
    electron_gyromagnetic: float = c.ELECTRON_GYROMAGNETIC  # g_s μ_B/ħ, rad/s/T
    noble_gas_gyromagnetic: float = c.HELIUM3_GYROMAGNETIC  # rad/s/T

    def __post_init__(self) -> None:
        for name in ("alkali_polarization", "noble_gas_polarization"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0…1, got {getattr(self, name)}")
        for name in ("alkali_density", "noble_gas_density", "nitrogen_density", "noble_gas_relaxation"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be finite and not negative, got {getattr(self, name)}")
        if not 0 < self.temperature < np.inf:
            raise ValueError(f"temperature must be positive, in kelvin, got {self.temperature}")

    @property
    def slowing_down(self) -> float:
        """Slowing-down factor q (Eq. 12)."""
        return float(slowing_down_factor(self.nuclear_spin, self.alkali_polarization))

    @property
    def mean_field_strength(self) -> float:
        """ζ = ⟨σvφ⟩/q, m³/s."""
        return self.exchange_strength / self.slowing_down

    @property
    def coupling(self) -> float:
        """J = (ζ/2)√(q p_a p_b n_a n_b), rad/s."""
        polarization = self.alkali_polarization * self.noble_gas_polarization
        densities = self.alkali_density * self.noble_gas_density
        return self.mean_field_strength / 2 * sqrt(self.slowing_down * polarization * densities)

    @property
    def collisional_shift(self) -> float:
        """Δ_c = ζ(p_a n_a q − p_b n_b)/2, rad/s: negative when the noble gas dominates."""
        alkali = self.alkali_polarization * self.alkali_density * self.slowing_down
        return self.mean_field_strength * (alkali - self.noble_gas_polarization * self.noble_gas_density) / 2

    @property
    def alkali_gyromagnetic(self) -> float:
        """g_a = g_s μ_B/(ħ q), rad/s/T."""
        return self.electron_gyromagnetic / self.slowing_down

    @property
    def compensation_field(self) -> float:
        """The field of resonance, Δ(B) = 0, in T."""
        return -self.collisional_shift / (self.alkali_gyromagnetic - self.noble_gas_gyromagnetic)

    def alkali_larmor(self, field: npt.ArrayLike) -> Any:
        """ω_a(B) = g_a B − ζ p_b n_b/2, rad/s (above Eq. 18)."""
        shift = self.mean_field_strength * self.noble_gas_polarization * self.noble_gas_density / 2
        return self.alkali_gyromagnetic * np.asarray(field, dtype=float) - shift

    def noble_gas_larmor(self, field: npt.ArrayLike) -> Any:
        """ω_b(B) = g_b B − ζ p_a n_a q/2, rad/s (above Eq. 18)."""
        shift = self.exchange_strength * self.alkali_polarization * self.alkali_density / 2
        return self.noble_gas_gyromagnetic * np.asarray(field, dtype=float) - shift

    def detuning(self, field: npt.ArrayLike) -> Any:
        """Δ = ω_b − ω_a = −[(g_a − g_b)B + Δ_c], rad/s: the sign that Eq. 2 needs, not the one its text gives."""
        return self.noble_gas_larmor(field) - self.alkali_larmor(field)

    @property
    def electron_destruction(self) -> float:
        """Γ_sd: electron spin destruction by noble gas, alkali and nitrogen together, 1/s."""
        terms = self.electron_rates
        return terms["spin rotation"] + terms["alkali-alkali"] + terms["nitrogen"]

    @property
    def electron_rates(self) -> dict[str, float]:
        """Electron relaxation by mechanism (Eq. 16 with the mean relative speed), 1/s."""
        exchange = self.noble_gas_density * self.spin_exchange_coefficient
        pair_speed = _relative_speed(self.temperature, c.POTASSIUM_MASS, c.POTASSIUM_MASS)
        nitrogen_speed = _relative_speed(self.temperature, c.POTASSIUM_MASS, c.NITROGEN_MASS)
        return {
            "spin exchange": exchange,
            "spin rotation": exchange / self.spin_rotation_efficiency,
            "alkali-alkali": self.alkali_density * self.alkali_destruction_cross_section * pair_speed,
            "nitrogen": self.nitrogen_density * self.nitrogen_destruction_cross_section * nitrogen_speed,
        }

    @property
    def alkali_decay_terms(self) -> dict[str, float]:
        """γ by mechanism, amplitude rates in 1/s: the electron rates divided by q."""
        q = self.slowing_down
        return {name: rate / q for name, rate in self.electron_rates.items()}

    @property
    def alkali_decay(self) -> float:
        """γ, amplitude rate of the alkali's transverse spin in the dark, 1/s."""
        return sum(self.alkali_decay_terms.values())

    @property
    def noble_gas_decay(self) -> float:
        """γ_b = k_se n_a + T_b⁻¹ (Eq. 17), 1/s."""
        return self.spin_exchange_coefficient * self.alkali_density + self.noble_gas_relaxation

    def two_mode(self) -> TwoMode:
        """The two-mode problem of Eq. 2 for this mixture."""
        return TwoMode(self.coupling, self.alkali_decay, self.noble_gas_decay)

    def pumped_polarization(self, pumping_rate: float) -> float:
        """Steady p_a under optical pumping at electron rate R (1/s), the noble gas as it is."""
        exchange = self.electron_rates["spin exchange"]
        total = pumping_rate + self.electron_destruction + exchange
        return (pumping_rate + exchange * self.noble_gas_polarization) / total

    def with_polarizations(self, alkali: float, noble_gas: float) -> GasMixture:
        """The same mixture at other polarizations."""
        return replace(self, alkali_polarization=alkali, noble_gas_polarization=noble_gas)


def _relative_speed(temperature: float, mass: float, other: float) -> float:
    reduced = mass * other / (mass + other)
    return sqrt(8 * c.BOLTZMANN * temperature / (pi * reduced))


#: The paper's operating point: potassium-39 and helium-3 at 215 °C, p_a = 0.95, p_b = 0.75.
KATZ_K_HE3 = GasMixture(alkali_density=3e20, noble_gas_density=2e26)
