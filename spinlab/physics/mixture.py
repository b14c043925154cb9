"""A gas mixture and everything the paper derives from it: J, Δ(B), γ, γ_b, regime (Eqs. 2, 12, 16, 17 and Methods)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, pi, sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spinlab.physics import constants as c
from spinlab.physics import species
from spinlab.physics.regime import Regime, coupling_regime
from spinlab.physics.slowing_down import slowing_down_factor
from spinlab.physics.spin_exchange import Line, spin_exchange_line, spin_exchange_response
from spinlab.physics.two_mode import TwoMode, eigenvalues
from spinlab.physics.vapour import vapour_density

POTASSIUM_HELIUM_EXCHANGE = 4.9e-15 * 1e-6 * species.PAPER_SLOWING_DOWN  # m³/s, ⟨σvφ⟩ = ζq: Methods, ζ at p_a = 0.95

# What the paper prints but its own inputs do not give (the formulas: 86.03 mG, 279 Hz); documented, never computed with.
PAPER_COMPENSATION_FIELD: Final = 94e-7  # T
PAPER_RESONANCE_FREQUENCY: Final = 300.0  # Hz
PAPER_COUPLING: Final = 1000.0  # 1/s
PAPER_ALKALI_DECAY: Final = 17.5  # 1/s

_FRACTIONS = ("alkali_polarization", "noble_gas_polarization")
_NOT_NEGATIVE = (
    "alkali_density", "noble_gas_density", "nitrogen_density", "noble_gas_relaxation", "exchange_strength",
    "spin_exchange_coefficient", "alkali_destruction_cross_section", "nitrogen_destruction_cross_section",
    "alkali_exchange_cross_section",
)  # fmt: skip
_POSITIVE = (
    "temperature", "spin_rotation_efficiency", "electron_gyromagnetic", "noble_gas_gyromagnetic", "alkali_mass",
    "noble_gas_spin",
)  # fmt: skip


@dataclass(frozen=True)
class GasMixture:
    """Alkali and noble gas in one cell; SI throughout, polarizations as magnitudes 0…1.

    ``exchange_strength`` is ⟨σvφ⟩ = ζq in m³/s, the physical constant behind ζ. Decay rates are amplitude rates
    in 1/s; the electron rates of Eq. 16 are divided by the slowing-down factor. A noble gas of ``noble_gas_spin`` K > 1/2
    has ⟨k_z⟩ = K p_b, and its alkali relaxation by spin exchange is that of an unpolarized gas, n_b k_se 4K(K + 1)/3.
    Defaults are the paper's potassium-39 and helium-3; :meth:`of` takes other species. Raises ValueError naming
    argument, value and rule for a polarization outside 0…1, a negative density, temperature or rate, or what is not finite.
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
    noble_gas_spin: float = 0.5
    alkali_mass: float = c.POTASSIUM_MASS  # kg
    alkali_exchange_cross_section: float = 1.8e-18  # σ_se, m²: K–K spin exchange
    hyperfine_splitting: float = 461.7197202e6  # Hz: K-39

    def __post_init__(self) -> None:
        for name in _FRACTIONS:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0…1, got {getattr(self, name)}")
        for name in _NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < inf:
                raise ValueError(f"{name} must be finite and not negative, got {getattr(self, name)}")
        for name in _POSITIVE:
            if not 0 < getattr(self, name) < inf:
                unit = ", in kelvin" if name == "temperature" else ""
                raise ValueError(f"{name} must be finite and positive{unit}, got {getattr(self, name)}")
        if not self.hyperfine_splitting > 0:
            raise ValueError(f"hyperfine_splitting must be positive, got {self.hyperfine_splitting}")
        if (2 * self.noble_gas_spin) % 1:
            raise ValueError(f"noble_gas_spin must be a positive multiple of 1/2, got {self.noble_gas_spin}")
        slowing_down_factor(self.nuclear_spin, self.alkali_polarization)

    @classmethod
    def of(
        cls,
        alkali: str,
        noble_gas: str,
        *,
        noble_gas_density: float,
        temperature: float = 488.15,
        alkali_density: float | None = None,
        **given: float,
    ) -> GasMixture:
        """The mixture of two species, such as ``GasMixture.of("Rb-87", "He-3", noble_gas_density=2e25, temperature=450)``.

        Without ``alkali_density`` the vapour is saturated at ``temperature`` (K). ``given``: any other field of this class,
        before what the species table has. Raises ValueError for a species that is not known, and, naming them, for pair
        constants that are neither given nor published (see :mod:`spinlab.physics.species`).
        """
        found = species_constants(alkali, noble_gas, temperature) | given
        missing = [name for name, value in found.items() if value is None]
        if missing:
            raise ValueError(f"nothing is published here on {alkali} with {noble_gas}: give {', '.join(missing)}")
        density = vapour_density(alkali, temperature) if alkali_density is None else alkali_density
        constants: dict[str, Any] = dict(found)
        return cls(float(density), noble_gas_density, temperature=temperature, **constants)

    @property
    def slowing_down(self) -> float:
        """Slowing-down factor q (Eq. 12)."""
        return float(slowing_down_factor(self.nuclear_spin, self.alkali_polarization))

    @property
    def mean_field_strength(self) -> float:
        """ζ = ⟨σvφ⟩/q, m³/s."""
        return self.exchange_strength / self.slowing_down

    @property
    def _noble_gas_magnetization(self) -> float:
        return 2 * self.noble_gas_spin * self.noble_gas_polarization

    @property
    def coupling(self) -> float:
        """J = (ζ/2)√(q p_a p_b n_a n_b), rad/s; with 2K p_b in place of p_b for a noble gas of spin K."""
        polarization = self.alkali_polarization * self._noble_gas_magnetization
        densities = self.alkali_density * self.noble_gas_density
        return self.mean_field_strength / 2 * sqrt(self.slowing_down * polarization * densities)

    @property
    def collisional_shift(self) -> float:
        """Δ_c = ζ(p_a n_a q − p_b n_b)/2, rad/s: negative when the noble gas dominates."""
        alkali = self.alkali_polarization * self.alkali_density * self.slowing_down
        return self.mean_field_strength * (alkali - self._noble_gas_magnetization * self.noble_gas_density) / 2

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
        shift = self.mean_field_strength * self._noble_gas_magnetization * self.noble_gas_density / 2
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
        collisions = self.noble_gas_density * self.spin_exchange_coefficient
        nitrogen_speed = _relative_speed(self.temperature, self.alkali_mass, c.NITROGEN_MASS)
        return {
            "spin exchange": collisions * (4 * self.noble_gas_spin * (self.noble_gas_spin + 1) / 3),
            "spin rotation": collisions / self.spin_rotation_efficiency,
            "alkali-alkali": self.alkali_density * self.alkali_destruction_cross_section * self._alkali_pair_speed,
            "nitrogen": self.nitrogen_density * self.nitrogen_destruction_cross_section * nitrogen_speed,
        }

    @property
    def _alkali_pair_speed(self) -> float:
        return _relative_speed(self.temperature, self.alkali_mass, self.alkali_mass)

    @property
    def alkali_decay_terms(self) -> dict[str, float]:
        """γ by mechanism, amplitude rates in 1/s: the electron rates divided by q."""
        q = self.slowing_down
        return {name: rate / q for name, rate in self.electron_rates.items()}

    @property
    def alkali_decay(self) -> float:
        """γ, amplitude rate of the alkali's transverse spin in the dark, 1/s: the paper's constant, without R_se."""
        return sum(self.alkali_decay_terms.values())

    @property
    def noble_gas_decay(self) -> float:
        """γ_b = k_se n_a + T_b⁻¹ (Eq. 17), 1/s."""
        return self.spin_exchange_coefficient * self.alkali_density + self.noble_gas_relaxation

    @property
    def alkali_exchange_rate(self) -> float:
        """R_se = n_a σ_se v, alkali–alkali spin exchange, 1/s: what the SERF regime makes harmless."""
        return self.alkali_density * self.alkali_exchange_cross_section * self._alkali_pair_speed

    def spin_exchange_line(self, field: npt.ArrayLike) -> Line:
        """Frequency (rad/s) and spin-exchange width (1/s, to be added to γ) of the free alkali line at ``field`` (T)."""
        return spin_exchange_line(
            self.nuclear_spin,
            self.alkali_polarization,
            self.slowing_down * self.alkali_larmor(field),
            self.alkali_exchange_rate,
            self.hyperfine_splitting,
        )

    def spin_exchange_broadening(self, field: npt.ArrayLike) -> Any:
        """Width that alkali–alkali spin exchange adds to γ for a freely precessing alkali, 1/s: 0.5 at the paper's resonance,
        thousands at 180 mG. An option: nothing but ``two_mode(field)`` and what asks for it uses it."""
        return self.spin_exchange_line(field).broadening

    def two_mode(self, field: float | None = None) -> TwoMode:
        """The two-mode problem of Eq. 2 for this mixture.

        γ is the paper's constant; with a ``field`` (T) it is γ plus the spin-exchange broadening there, which holds near
        resonance (far from it see :meth:`storage_lifetime`).
        """
        broadening = 0.0 if field is None else float(self.spin_exchange_broadening(field))
        return TwoMode(self.coupling, self.alkali_decay + broadening, self.noble_gas_decay)

    def regime(self, field: float | None = None) -> Regime:
        """``decoupled``, ``overdamped`` or ``strong`` at ``field`` (T; none: on resonance), by the rule of
        :func:`~spinlab.physics.regime.coupling_regime`."""
        detuning = 0.0 if field is None else float(self.detuning(field))
        return coupling_regime(self.coupling, self.alkali_decay, self.noble_gas_decay, detuning)

    def storage_lifetime(self, field: float, pumping_rate: float = 0.0, broadened: bool = False) -> float:
        """Time (s) in which the excitations stored in the noble gas at ``field`` (T) fall to 1/e, all else constant.

        From the slow eigenvalue of Eq. 2, about 1/[2(γ + R/q)(J/Δ)² + 2γ_b]; R is ``pumping_rate``, an electron rate in
        1/s. ``broadened``: with alkali–alkali spin exchange, by linear response, for fields where the modes are decoupled
        only. Raises ValueError elsewhere, and for a negative pumping rate.
        """
        decay = self.alkali_decay + _not_negative("pumping_rate", pumping_rate) / self.slowing_down
        if broadened:
            if self.regime(field) != "decoupled":
                raise ValueError(f"field must be far from resonance for the broadened lifetime, got {field} T")
            rate = self.coupling**2 * self._response(field, decay) + self.noble_gas_decay
        else:
            modes = TwoMode(self.coupling, decay, self.noble_gas_decay)
            rate = -float(eigenvalues(modes.generator(self.detuning(field)))[1].real)
        return 1 / (2 * rate) if rate > 0 else inf

    def _response(self, field: float, decay: float) -> float:
        """Real part of the alkali's response at the noble gas's frequency, s."""
        answer = spin_exchange_response(
            self.nuclear_spin,
            self.alkali_polarization,
            self.slowing_down * self.alkali_larmor(field),
            self.alkali_exchange_rate,
            decay,
            self.noble_gas_larmor(field),
            self.hyperfine_splitting,
        )
        return float(answer.real)

    def pumping_rate(self) -> float:
        """R (electron rate, 1/s) that holds p_a where it is: the inverse of :meth:`pumped_polarization`.

        Infinite at p_a = 1, negative when spin exchange with the noble gas alone polarizes the alkali beyond p_a.
        """
        p, exchange = self.alkali_polarization, self.electron_rates["spin exchange"]
        need = self.electron_destruction * p + exchange * (p - self.noble_gas_polarization)
        return need / (1 - p) if p < 1 else inf

    def pumped_polarization(self, pumping_rate: float) -> float:
        """Steady p_a under optical pumping at electron rate R (1/s), the noble gas as it is."""
        _not_negative("pumping_rate", pumping_rate)
        exchange = self.electron_rates["spin exchange"]
        total = pumping_rate + self.electron_destruction + exchange
        return (pumping_rate + exchange * self.noble_gas_polarization) / total

    def with_polarizations(self, alkali: float, noble_gas: float) -> GasMixture:
        """The same mixture at other polarizations."""
        return replace(self, alkali_polarization=alkali, noble_gas_polarization=noble_gas)


def species_constants(alkali: str, noble_gas: str, temperature: float) -> dict[str, float | None]:
    """The fields of a :class:`GasMixture` that two species determine, by name; None for what is not published."""
    metal, gas = species.alkali(alkali), species.noble_gas(noble_gas)
    published = species.pair(metal, gas)
    return {
        "nuclear_spin": metal.nuclear_spin,
        "electron_gyromagnetic": metal.electron_gyromagnetic,
        "alkali_mass": metal.mass,
        "hyperfine_splitting": metal.hyperfine_splitting,
        "alkali_exchange_cross_section": metal.exchange,
        "alkali_destruction_cross_section": metal.destruction,
        "nitrogen_destruction_cross_section": metal.nitrogen_destruction,
        "noble_gas_spin": gas.nuclear_spin,
        "noble_gas_gyromagnetic": gas.gyromagnetic,
        "exchange_strength": species.exchange_strength(metal, gas, temperature),
        "spin_exchange_coefficient": published.exchange,
        "spin_rotation_efficiency": published.efficiency,
    }


def _not_negative(name: str, value: float) -> float:
    if not 0 <= value < inf:
        raise ValueError(f"{name} must be finite and not negative, got {value}")
    return value


def _relative_speed(temperature: float, mass: float, other: float) -> float:
    reduced = mass * other / (mass + other)
    return sqrt(8 * c.BOLTZMANN * temperature / (pi * reduced))


#: The paper's operating point: potassium-39 and helium-3 at 215 °C, p_a = 0.95, p_b = 0.75.
KATZ_K_HE3 = GasMixture(alkali_density=3e20, noble_gas_density=2e26)
