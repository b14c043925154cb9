"""Diffusion constants at the density and temperature of a cell. The paper prints none for its Fig. 4."""

from __future__ import annotations

from math import inf, sqrt
from typing import Final

AMAGAT: Final = 2.6867774e25  # m⁻³, Loschmidt's number at 0 °C and 1 atm

#: D n √(T₀/T) in 1/(m s) at T₀ = 273.15 K.
#: 0.35 cm²/s at 1 amagat and 0 °C, customary for K–He magnetometers (Allred et al., PRL 89, 130801 (2002)).
POTASSIUM_IN_HELIUM: Final = 0.35e-4 * AMAGAT
#: 1.9 cm²/s at 1 atm and 300 K, where the density is 273.15/300 amagat (Barbé, Leduc, Laloë, J. Phys. 35, 935 (1974)).
HELIUM3_IN_ITSELF: Final = 1.9e-4 * AMAGAT * (273.15 / 300) ** 1.5


def diffusion_constant(reference: float, noble_gas_density: float, temperature: float) -> float:
    """D in m²/s at a density (m⁻³) and temperature (K): ``reference``/n · √(T/273.15 K), as for hard spheres.

    ``reference`` is D n at 0 °C, such as ``POTASSIUM_IN_HELIUM``. ValueError unless all are positive and finite.
    """
    for name, value in (
        ("reference", reference),
        ("noble_gas_density", noble_gas_density),
        ("temperature", temperature),
    ):
        if not 0 < value < inf:
            raise ValueError(f"{name} must be positive and finite, got {value}")
    return reference / noble_gas_density * sqrt(temperature / 273.15)
