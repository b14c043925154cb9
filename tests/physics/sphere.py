"""The oracle: Eq. 18 in a sphere by Chebyshev collocation of r a(r) and r b(r), nothing shared with the library."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import expm


def chebyshev(count: int) -> tuple[Any, Any]:
    """Points on [0, 1], from 1 down to 0, and the differentiation matrix (Trefethen)."""
    k = np.arange(count + 1)
    x = np.cos(np.pi * k / count)
    c = np.where((k == 0) | (k == count), 2.0, 1.0) * (-1.0) ** k
    apart = x[:, None] - x[None, :] + np.eye(count + 1)
    d = np.outer(c, 1 / c) / apart
    d -= np.diag(d.sum(axis=1))
    return (x + 1) / 2, 2 * d


def laplacian(points: Any, d: Any, length: float) -> tuple[Any, Any]:
    """d²/dr² of w = r a on the inner points with w(0) = 0 and a + ℓ a' = 0 at 1 → (matrix, the wall's w from them)."""
    second = d @ d
    if np.isinf(length):
        row = d[0] - np.eye(len(points))[0]
    else:  # a' = w' − w at r = 1
        row = (1 - length) * np.eye(len(points))[0] + length * d[0]
    wall = -row[1:-1] / row[0]
    return second[1:-1, 1:-1] + np.outer(second[1:-1, 0], wall), wall


def transferred(cell: Any, length: float, time: float, detuning: float = 0.0, count: int = 60) -> complex:
    """Amplitude of the uniform noble-gas mode at ``time`` from a uniform alkali excitation."""
    points, d = chebyshev(count)
    inner = points[1:-1]
    alkali, _ = laplacian(points, d, length)
    noble_gas, wall = laplacian(points, d, np.inf)
    one = np.eye(len(inner))
    area = cell.radius**2
    generator = np.block(
        [
            [
                cell.alkali_diffusion / area * alkali + (1j * detuning - cell.alkali_decay) * one,
                -1j * cell.coupling * one,
            ],
            [-1j * cell.coupling * one, cell.noble_gas_diffusion / area * noble_gas - cell.noble_gas_decay * one],
        ]
    )
    after = expm(generator * time) @ np.concatenate([inner, 0 * inner])
    w = np.concatenate([[wall @ after[len(inner) :]], after[len(inner) :], [0.0]])
    return complex(3 * quadrature(points) @ (points * w))


def quadrature(points: Any) -> Any:
    """Weights that integrate polynomials through the points over [0, 1] (Clenshaw–Curtis)."""
    x = 2 * points - 1
    degrees = np.arange(len(x))
    moments = np.where(degrees % 2 == 0, 1 / np.where(degrees % 2 == 0, 1.0 - degrees**2, 1.0), 0.0)
    return np.linalg.solve(np.cos(np.outer(degrees, np.arccos(np.clip(x, -1, 1)))), moments)
