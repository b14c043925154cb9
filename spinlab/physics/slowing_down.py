"""The Larmor slowing-down factor of an alkali in spin-temperature equilibrium (paper, Eq. 12)."""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def slowing_down_factor(nuclear_spin: float, polarization: npt.ArrayLike) -> FloatArray | np.float64:
    """Return q = ⟨F⟩/⟨S⟩ for electron polarization p of any shape, 0 ≤ p ≤ 1.

    Eq. 12 with its p → 0 cancellation carried out, q = 1 + Σ[nC(n,2k+2) − C(n,2k+3)]p²ᵏ / ΣC(n,2k+1)p²ᵏ and
    n = 2I + 1; exact from (4I² + 4I + 3)/3 at p = 0 to 2I + 1 at p = 1. Raises ValueError for p outside 0…1 or an I
    that is not a non-negative multiple of 1/2.
    """
    above, below = slowing_down_polynomials(nuclear_spin)
    p = np.asarray(polarization, dtype=float)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"polarization must lie in 0…1, got {polarization!r}")
    x = p * p
    result: FloatArray | np.float64 = np.polynomial.polynomial.polyval(
        x, np.array(above)
    ) / np.polynomial.polynomial.polyval(x, np.array(below))
    return result


@cache
def slowing_down_polynomials(nuclear_spin: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return numerator and denominator coefficients of q in powers of p², lowest first."""
    n = round(2 * nuclear_spin) + 1
    if n < 1 or abs(n - 1 - 2 * nuclear_spin) > 1e-9:
        raise ValueError(f"nuclear_spin must be a non-negative multiple of 1/2, got {nuclear_spin}")
    powers = range((n + 1) // 2)
    below = tuple(float(comb(n, 2 * k + 1)) for k in powers)
    excess = (n * comb(n, 2 * k + 2) - comb(n, 2 * k + 3) for k in powers)
    return tuple(b + e for b, e in zip(below, excess, strict=True)), below
