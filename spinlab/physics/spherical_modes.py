"""Spherically symmetric diffusion modes of a sphere and their overlaps (SI 2), in units of its radius.

A mode is sin(xr)/r, or uniform for x = 0. The noble gas does not relax at the wall: x = 0 and the roots of tan x = x. A wall
of extrapolation length ℓ gives the alkali the roots of x cos x + (1/ℓ − 1) sin x = 0, which are mπ for ℓ = 0. Modes are
positive in the centre and ordered by decay.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

TINY = 0.03  # x below which series do better than differences


def mode_numbers(count: int, length: float) -> FloatArray:
    """The first ``count`` x of a sphere of radius 1 whose wall has extrapolation length ℓ, lowest first.

    They solve x + atan2(x, 1/ℓ − 1) = mπ, whose left side grows with x, by bisection to the last digit.
    """
    index = np.arange(1, count + 1)
    if length == 0:
        return np.asarray(np.pi * index)
    if np.isinf(length):
        return np.concatenate([[0.0], _bisect(np.arange(2, count + 1), -1.0)])
    return _bisect(index, 1 / length - 1)


def _bisect(index: npt.NDArray[np.int_], shift: float) -> FloatArray:
    goal = np.pi * index
    low, high = goal - np.pi, goal.copy()
    for _ in range(60):
        middle = (low + high) / 2
        below = middle + np.arctan2(middle, shift) < goal
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)


def overlaps(alkali: FloatArray, noble_gas: FloatArray) -> FloatArray:
    """c_mn = ∫A_m B_n d³r of normalised modes, in closed form → ``(len(alkali), len(noble_gas))``.

    For Dirichlet alkali modes c_m0 = √6(−1)^{m+1}/(mπ) and c_mn = 2(−1)^{m+1} sgn(sin x_n) mπ/(m²π² − x_n²).
    """
    x, y = alkali[:, None], noble_gas[None, :]
    both = (np.sinc((x - y) / np.pi) - np.sinc((x + y) / np.pi)) / 2
    against = np.where(y == 0, _against_uniform(x), np.where(x == 0, _against_uniform(y), both))
    against = np.where((x == 0) & (y == 0), 1 / 3, against)
    return np.asarray(against / (_norm(alkali)[:, None] * _norm(noble_gas)[None, :]))


def _against_uniform(x: FloatArray) -> FloatArray:
    """∫ r sin(xr) dr = (sin x − x cos x)/x², 0 for x = 0; small x keep their digits."""
    tiny = np.abs(x) < TINY
    safe = np.where(tiny, 1.0, x)
    return np.where(tiny, x / 3 - x**3 / 30 + x**5 / 840, (np.sin(safe) / safe - np.cos(safe)) / safe)


def _norm(x: FloatArray) -> FloatArray:
    """√∫sin²(xr) dr, in which small x, of a nearly perfect coating, keep their digits; √(1/3) for the uniform mode."""
    tiny = np.abs(x) < TINY
    series = x**2 / 3 - x**4 / 15 + 2 * x**6 / 315
    square = np.where(tiny, series, (1 - np.sinc(2 * x / np.pi)) / 2)
    return np.sqrt(np.where(x == 0, 1 / 3, square))
