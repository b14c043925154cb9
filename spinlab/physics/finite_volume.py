"""Finite volumes between concentric spheres: diffusion modes whose overlaps are an orthogonal matrix, exactly.

Both gases live on the same cells, so the local coupling is the identity there and stays orthogonal in the modes of the two
diffusion operators, which no truncated set of analytic modes is. Cells shrink towards the wall: the alkali layer there is
√(D/J) thick at resonance, some 80 µm, and √(D/Δ) in storage, some 4 µm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

FINEST = 1e-3  # of the mean thickness: cells at the wall
LAYER = 3e-5  # of the radius: where the thickness of graded cells begins to grow geometrically


@dataclass(frozen=True, eq=False)
class DiffusionModes:
    """Eigenmodes of −∇² in a sphere of radius 1: ``squares`` are k², columns of ``vectors`` the modes on the cells."""

    squares: FloatArray
    vectors: FloatArray


def cell_faces(count: int) -> FloatArray:
    """Radii 0…1 of the ``count + 1`` spheres that bound the cells; their distance from the wall is s³ + εs."""
    s = 1 - np.arange(count + 1) / count
    return np.asarray(1 - (s**3 + FINEST * s) / (1 + FINEST))


def graded_faces(count: int) -> FloatArray:
    """The same for cells that grow geometrically from the wall on, at a distance ∝ e^{sL} − 1 from it: twelve of them resolve
    layers that take a hundred of the others."""
    s = (1 - np.arange(count + 1) / count) * -np.log(LAYER)
    return np.asarray(1 - np.expm1(s) / np.expm1(s[0]))


def uniform(count: int, cut: Callable[[int], FloatArray] = cell_faces) -> FloatArray:
    """The uniform mode on the cells: the square root of each cell's share of the volume."""
    return np.asarray(np.sqrt(np.diff(cut(count) ** 3)))


def diffusion_modes(count: int, length: float, cut: Callable[[int], FloatArray] = cell_faces) -> DiffusionModes:
    """All modes of ``count`` cells whose wall has extrapolation length ℓ (in radii), by decay, positive in the centre.

    ``cut`` says where the cells end: ``cell_faces`` or ``graded_faces``.
    Fluxes between the middles of neighbouring cells, and from the last middle to the wall and ℓ beyond: second order in
    the thickness of the cells.
    """
    from scipy.linalg import eigh_tridiagonal

    faces = cut(count)
    middles = (faces[1:] + faces[:-1]) / 2
    volumes = np.diff(faces**3) / 3
    flows = faces[1:-1] ** 2 / np.diff(middles)
    loss = np.zeros(count)
    loss[:-1] += flows
    loss[1:] += flows
    loss[-1] += 1 / (1 - middles[-1] + length)
    squares, vectors = eigh_tridiagonal(loss / volumes, -flows / np.sqrt(volumes[1:] * volumes[:-1]))
    vectors *= np.where(vectors[0] < 0, -1.0, 1.0)
    if np.isinf(length):  # what is known exactly
        squares[0], vectors[:, 0] = 0.0, uniform(count, cut)
    return DiffusionModes(np.maximum(squares, 0.0), vectors)
