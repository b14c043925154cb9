"""Exponentials of 2 × 2 matrices in closed form, and of moving ones by the sixth-order Magnus expansion."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
import numpy.typing as npt

from spinlab.physics.checked import LARGEST, ComplexArray, FloatArray

GAUSS_NODES = 0.5 + np.array([-1.0, 0.0, 1.0]) * sqrt(15) / 10  # of the three-point rule on 0…1
GAUSS_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18


def exponential(matrix: ComplexArray, times: npt.ArrayLike) -> ComplexArray:
    """exp(M t) of 2 × 2 matrices ``(…, 2, 2)`` at ``times`` that broadcast with ``(…)``; safe at degenerate eigenvalues.

    With λ₁, λ₂ the eigenvalues, exp(Mt) = e^{λ₂t} + t e^{λ₂t} φ((λ₁ − λ₂)t)(M − λ₂), φ(x) = (eˣ − 1)/x.
    λ₂ is the slower one, so nothing overflows; the smaller eigenvalue comes from the determinant, so a mode that lives
    for hours keeps its digits beside one that turns a million times a second.
    """
    t = np.asarray(times, dtype=float)
    first, second = eigenvalues(matrix)
    slow = np.exp(second * t)
    gain = t * slow * exprel((first - second) * t)
    result: ComplexArray = gain[..., None, None] * matrix
    diagonal = slow - gain * second
    result[..., 0, 0] += diagonal
    result[..., 1, 1] += diagonal
    return result


def eigenvalues(matrix: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Both eigenvalues of 2 × 2 matrices ``(…, 2, 2)``, the faster decaying one first."""
    a, b, c, d = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 0], matrix[..., 1, 1]
    half = (a + d) / 2
    root = np.sqrt((a - d) ** 2 / 4 + b * c)
    root = np.where((half.conj() * root).real < 0, -root, root)
    large = half + root
    nothing = np.abs(large) < 1 / LARGEST
    small = np.where(nothing, half - root, (a * d - b * c) / np.where(nothing, 1, large))
    swap = large.real > small.real
    return np.where(swap, small, large), np.where(swap, large, small)


def exprel(x: ComplexArray) -> ComplexArray:
    """(eˣ − 1)/x, 1 at x = 0."""
    tiny = np.abs(x) < 1e-8
    return np.where(tiny, 1 + x / 2, np.expm1(x) / np.where(tiny, 1, x))


def moving_exponential(
    generator: Callable[[FloatArray], ComplexArray], starts: npt.ArrayLike, lengths: npt.ArrayLike
) -> ComplexArray:
    """Propagators of x' = M(t) x over short steps → ``starts.shape + (2, 2)``.

    ``generator(times)`` gives M for times of any shape. Sixth order in the length: the Magnus expansion by three-point
    Gauss quadrature (Blanes, Casas and Ros, BIT 40, 434 (2000)).
    """
    begin = np.asarray(starts, dtype=float)
    h = np.broadcast_to(np.asarray(lengths, dtype=float), begin.shape)
    first, middle, last = (h[..., None, None] * generator(begin + node * h) for node in GAUSS_NODES)
    slope = sqrt(15) / 3 * (last - first)
    bend = 10 / 3 * (last - 2 * middle + first)
    inner = commutator(middle, slope)
    outer = commutator(middle, 2 * bend + inner) / -60
    total = middle + bend / 12 + commutator(inner - 20 * middle - bend, slope + outer) / 240
    return exponential(total, 1.0)


def commutator(left: ComplexArray, right: ComplexArray) -> ComplexArray:
    """[A, B] = AB − BA of 2 × 2 matrices ``(…, 2, 2)``."""
    a, b, c, d = left[..., 0, 0], left[..., 0, 1], left[..., 1, 0], left[..., 1, 1]
    e, f, g, h = right[..., 0, 0], right[..., 0, 1], right[..., 1, 0], right[..., 1, 1]
    result = np.empty(np.broadcast_shapes(left.shape, right.shape), dtype=complex)
    result[..., 0, 0] = b * g - c * f
    result[..., 1, 1] = -result[..., 0, 0]
    result[..., 0, 1] = (a - d) * f - b * (e - h)
    result[..., 1, 0] = c * (e - h) - (a - d) * g
    return result


def dagger(matrix: ComplexArray) -> ComplexArray:
    """Hermitian conjugates of matrices ``(…, n, n)``."""
    return np.conj(np.swapaxes(matrix, -1, -2))


def running_products(steps: ComplexArray) -> ComplexArray:
    """Products 1, U₁, U₂U₁, … of 2 × 2 steps ``(n, 2, 2)`` → ``(n + 1, 2, 2)``."""
    a, b, c, d = 1 + 0j, 0j, 0j, 1 + 0j
    rows = [(a, b, c, d)]
    for e, f, g, h in steps.reshape(-1, 4).tolist():
        a, b, c, d = e * a + f * c, e * b + f * d, g * a + h * c, g * b + h * d
        rows.append((a, b, c, d))
    return np.array(rows).reshape(-1, 2, 2)
