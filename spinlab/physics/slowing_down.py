"""The Larmor slowing-down factor of an alkali in spin-temperature equilibrium (paper, Eq. 12)."""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
LARGEST_SPIN = 500.0  # of any use, and small enough for the binomials


def slowing_down_factor(nuclear_spin: npt.ArrayLike, polarization: npt.ArrayLike) -> FloatArray | np.float64:
    """Return q = ⟨F⟩/⟨S⟩ for electron polarization p, 0 ≤ p ≤ 1; both arguments of any shape, they broadcast.

    Eq. 12 with its p → 0 cancellation carried out, q = 1 + Σ[nC(n,2k+2) − C(n,2k+3)]p²ᵏ / ΣC(n,2k+1)p²ᵏ and
    n = 2I + 1; every term is positive, so it keeps its digits from (4I² + 4I + 3)/3 at p = 0 to 2I + 1 at p = 1. Raises
    ValueError for p outside 0…1 or an I that is not a non-negative multiple of 1/2.
    """
    p = np.asarray(polarization, dtype=float)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"polarization must lie in 0…1, got {polarization!r}")
    spins = np.asarray(nuclear_spin, dtype=float)
    if spins.ndim == 0:
        return _factor(float(spins), p)
    spins, p = np.broadcast_arrays(spins, p)
    result = np.empty(spins.shape)
    for spin in np.unique(spins):
        result[spins == spin] = _factor(float(spin), p[spins == spin])
    return result


def _factor(nuclear_spin: float, p: FloatArray) -> FloatArray | np.float64:
    above, below = (np.array(each) for each in slowing_down_polynomials(nuclear_spin))
    x = p * p
    result: FloatArray | np.float64 = np.polynomial.polynomial.polyval(x, above) / np.polynomial.polynomial.polyval(
        x, below
    )
    return result


@cache
def slowing_down_polynomials(nuclear_spin: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return numerator and denominator coefficients of q in powers of p², lowest first, up to a common factor."""
    if not 0 <= nuclear_spin < LARGEST_SPIN or abs(round(2 * nuclear_spin) - 2 * nuclear_spin) > 1e-9:
        raise ValueError(
            f"nuclear_spin must be a non-negative multiple of 1/2 below {LARGEST_SPIN:g}, got {nuclear_spin}"
        )
    n = round(2 * nuclear_spin) + 1
    powers = range((n + 1) // 2)
    below = [comb(n, 2 * k + 1) for k in powers]
    above = [b + n * comb(n, 2 * k + 2) - comb(n, 2 * k + 3) for k, b in zip(powers, below, strict=True)]
    scale = 1 << max(0, max(above).bit_length() - 900)  # a power of two, 1 for every real nucleus: floats stop at 2¹⁰²⁴
    return tuple(each / scale for each in above), tuple(each / scale for each in below)
