"""Density of the saturated vapour over an alkali metal, and the temperature that gives a density.

Pressures: C. B. Alcock, V. P. Itkin, M. K. Horrigan, Can. Metall. Q. 23, 309 (1984), as in the CRC Handbook:
log₁₀(P/atm) = A − B/T, one pair for the solid and one for the liquid, good to 5 % from 298 K to 600 K (K) or 550 K (Rb, Cs).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spinlab.physics import constants as c

ATMOSPHERE: Final = 101325.0  # Pa
COLDEST, HOTTEST = 200.0, 1000.0  # K: beyond, not even extrapolation of the formulas means anything


@dataclass(frozen=True)
class VapourPressure:
    """A and B (K) of log₁₀(P/atm) = A − B/T, below and above the melting point (K)."""

    melting_point: float
    solid: tuple[float, float]
    liquid: tuple[float, float]


PRESSURES: Final = {
    "K": VapourPressure(336.70, (4.961, 4646.0), (4.402, 4453.0)),
    "Rb": VapourPressure(312.46, (4.857, 4215.0), (4.312, 4040.0)),
    "Cs": VapourPressure(301.59, (4.711, 3999.0), (4.165, 3830.0)),
}


def vapour_density(alkali: str, temperature: npt.ArrayLike) -> Any:
    """Return n = P(T)/k_B T in m⁻³ over the metal at ``temperature`` (K, any shape).

    ``alkali``: K, Rb, Cs or an isotope of one. Raises ValueError for another metal or a temperature outside 200…1000 K.
    """
    formula = _formula(alkali)
    t = np.asarray(temperature, dtype=float)
    if not np.all((t >= COLDEST) & (t <= HOTTEST)):
        raise ValueError(
            f"temperature must lie in {COLDEST:g}…{HOTTEST:g} K for the vapour pressure, got {temperature!r}"
        )
    a, b = (np.where(t < formula.melting_point, *each) for each in zip(formula.solid, formula.liquid, strict=True))
    return ATMOSPHERE * 10 ** (a - b / t) / (c.BOLTZMANN * t)


def vapour_temperature(alkali: str, density: npt.ArrayLike) -> Any:
    """Return the temperature in K whose saturated vapour has ``density`` (m⁻³, any shape).

    Closed form: u e⁻ᵘ = n k_B B'/P₀ with u = B'/T is solved by Lambert's W₋₁. Densities in the step that the two formulas
    make at the melting point give the melting point. Raises ValueError as :func:`vapour_density` does.
    """
    formula = _formula(alkali)
    n = np.asarray(density, dtype=float)
    low, high = vapour_density(alkali, COLDEST), vapour_density(alkali, HOTTEST)
    slack = 1 + 1e-12  # the ends' own densities are rounded
    if not np.all((n * slack >= low) & (n <= high * slack)):
        raise ValueError(
            f"density must lie in {low:.3g}…{high:.3g} m⁻³, what {alkali} has from {COLDEST:g} to {HOTTEST:g} K, got {density!r}"
        )
    solid, liquid = (_invert(n, *each) for each in (formula.solid, formula.liquid))
    return np.where(
        liquid >= formula.melting_point, liquid, np.minimum(solid, formula.melting_point)
    )[()]  # fmt: skip


def _invert(density: npt.NDArray[np.float64], a: float, b: float) -> npt.NDArray[np.float64]:
    from scipy.special import lambertw

    slope = b * log(10)
    argument = density * c.BOLTZMANN * slope / (ATMOSPHERE * 10**a)
    return np.asarray(slope / -lambertw(-argument, k=-1).real)


def _formula(alkali: str) -> VapourPressure:
    element = alkali.partition("-")[0]
    if element not in PRESSURES:
        raise ValueError(f"alkali must be {', '.join(PRESSURES)} or an isotope of one, got {alkali!r}")
    return PRESSURES[element]
