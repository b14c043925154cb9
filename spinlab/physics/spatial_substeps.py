"""The transverse spins of N spatial modes over the sub-steps of a :class:`Grid`: 2N × 2N exponentials of each mean generator.

Mean generators, slopes and drives are those of two uniform modes; diffusion, which does not depend on time, is added to
them. It commutes with the slope of the alkali line, so the Magnus term is that of two modes too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinlab.physics.controls import Sampling
from spinlab.physics.substeps import Steps, real_wave
from spinlab.physics.two_mode import ComplexArray, exprel

FloatArray = npt.NDArray[np.float64]

BLOCK = 1 << 19  # matrix elements that are diagonalised at a time: some 50 MB
CONDITION = 1e7  # ‖V‖·‖V⁻¹‖ beyond which a generator is as good as defective
NUDGE = 1e-10  # of J: what is added to a defective generator's alkali, a little more in each mode
UNSEEN = 1e-11  # of a record's largest wave: smaller ones are left out of it


@dataclass(frozen=True, eq=False)
class Diffusion:
    """What space does to both gases, 1/s, in the spatial modes of the noble gas: the first is the uniform one.

    ``alkali`` is a real symmetric N × N matrix of relaxation rates, ``noble_gas`` its own N rates.
    """

    alkali: FloatArray
    noble_gas: FloatArray

    @property
    def count(self) -> int:
        """N, modes of each gas."""
        return len(self.noble_gas)


class SpatialSteps:
    """All sub-steps of a timeline: two-mode generators ⊗ 1 plus diffusion.

    ``steps``: those of two uniform modes. ``sizes``: rms of one alkali and one noble-gas mode in equilibrium, ``(2, n)``.
    Spins are vectors ``[alkali modes…, noble-gas modes…]``.
    """

    def __init__(self, steps: Steps, diffusion: Diffusion, sizes: FloatArray) -> None:
        self.steps = steps
        self.diffusion = diffusion
        self.sizes = sizes
        shape = (len(steps.length), 2 * diffusion.count)
        self.rates: ComplexArray = np.empty(shape, dtype=complex)  # eigenvalues of each sub-step
        # what each eigenmode has of the uniform alkali mode at the sub-step's start, and how much of it is alkali
        self.waves: ComplexArray = np.empty(shape, dtype=complex)
        self.shares: ComplexArray = np.empty(shape, dtype=complex)
        self.rest: ComplexArray = np.empty(shape[0], dtype=complex)  # where the uniform alkali mode would come to rest

    def follow(self, spins: ComplexArray, normals: ComplexArray | None) -> ComplexArray:
        """Spins at the start of every sub-step and at the end of the last → ``(n + 1, 2N)``.

        ``normals``: complex unit normals ``(n, 2N)`` for the projection noise; None means none.
        """
        count, size = self.rates.shape
        path = np.empty((count + 1, size), dtype=complex)
        path[0] = spins
        block = max(1, BLOCK // size**2)
        for first in range(0, count, block):
            self._block(slice(first, min(first + block, count)), path, normals)
        return path

    def _block(self, part: slice, path: ComplexArray, normals: ComplexArray | None) -> None:
        n = self.diffusion.count
        rates, vectors, inverse = decompose(self._generators(part), n)
        length = self.steps.length[part, None]
        turned = np.exp(rates * length)
        propagators = (vectors * turned[:, None, :]) @ inverse
        into = self.steps.drive[0, part, None] * inverse[:, :, 0] + self.steps.drive[1, part, None] * inverse[:, :, n]
        added = _times(vectors, into * length * exprel(rates * length))
        if normals is not None:
            added += self._kicks(part, propagators, normals[part])
        for i, step, drift in zip(range(part.start, part.stop), propagators, added, strict=True):
            path[i + 1] = step @ path[i] + drift
        offset = into / np.where(rates == 0, np.inf, rates)  # M⁻¹ × drive, a term an eigenmode
        seen = vectors[:, 0, :]
        self.rates[part] = rates
        self.waves[part] = seen * (_times(inverse, path[part]) + offset)
        self.shares[part] = np.einsum("nim,nmi->nm", vectors[:, :n], inverse[:, :, :n])
        self.rest[part] = -(seen * offset).sum(axis=1)

    def _generators(self, part: slice) -> ComplexArray:
        small, n = self.steps.matrix[part], self.diffusion.count
        matrix = np.zeros((len(small), 2 * n, 2 * n), dtype=complex)
        one = np.arange(n)
        matrix[:, :n, :n] = -self.diffusion.alkali
        matrix[:, one, one] += small[:, 0, 0, None]
        matrix[:, one, n + one] = small[:, 0, 1, None]
        matrix[:, n + one, one] = small[:, 1, 0, None]
        matrix[:, n + one, n + one] = small[:, 1, 1, None] - self.diffusion.noble_gas
        return matrix

    def _kicks(self, part: slice, propagators: ComplexArray, normals: ComplexArray) -> ComplexArray:
        """Langevin increments, of either gas what its modes have lost of their equilibrium variance.

        In units of that variance C = 1 − UU†, without the small correlation between the gases.
        """
        n = self.diffusion.count
        size = np.repeat(self.sizes[:, part], n, axis=0).T
        scaled = propagators * size[:, None, :] / size[:, :, None]
        kicks = np.empty_like(normals)
        for gas in (slice(0, n), slice(n, 2 * n)):
            rows = scaled[:, gas]
            lost = np.eye(n) - rows @ rows.conj().transpose(0, 2, 1)
            variances, axes = np.linalg.eigh(lost)
            kicks[:, gas] = _times(axes, np.sqrt(np.maximum(variances, 0.0)) * normals[:, gas])
        return np.asarray(kicks * size)

    def sample(self, sampling: Sampling) -> FloatArray:
        """Re f/q at the sampling times, f being the uniform alkali mode; to be called after :meth:`follow`."""
        steps = self.steps
        part, index = steps.cover(sampling.times)
        tau = sampling.times - steps.start[part][index]
        middle = tau + sampling.aperture / 2  # as with two modes
        bend = (middle * middle - steps.length[part][index] * middle) / 2
        result = self.rest[part].real[index]
        for wave, rate, bending in self._by_size(part, sampling.aperture):
            result += real_wave(wave, rate, bending, index, tau, bend)
        return np.asarray(result * steps.inverse_q_at(part, index, middle))

    def _by_size(self, part: slice, aperture: float) -> list[tuple[ComplexArray, ComplexArray, ComplexArray]]:
        """Waves, rates and chirps of the eigenmodes that a record sees, of each sub-step the largest first."""
        waves = self.waves[part] * exprel(self.rates[part] * aperture)
        order = np.argsort(-np.abs(waves), axis=1)
        columns = [np.take_along_axis(each, order, axis=1).T for each in (waves, self.rates[part], self.shares[part])]
        largest = np.abs(columns[0]).max(axis=1)
        used = int(np.count_nonzero(largest > UNSEEN * largest[0]))
        chirp = self.steps.chirp[part]
        return [(wave, rate, share * chirp) for wave, rate, share in zip(*(c[:used] for c in columns), strict=True)]


def decompose(matrices: ComplexArray, count: int) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """Eigenvalues ``(n, 2N)``, eigenvectors and their inverses ``(n, 2N, 2N)`` of generators of ``count`` = N modes.

    Noble-gas spins are counted in units that make the generators symmetric while this is done. Where two eigenvectors
    coincide, the first N diagonal elements are moved by some 1e-10 of the coupling, which parts them.
    """
    into_alkali, into_noble_gas = np.abs(matrices[:, 0, count]), np.abs(matrices[:, count, 0])
    product = into_alkali * into_noble_gas
    unit = np.sqrt(np.where(product > 0, into_noble_gas, 1) / np.where(product > 0, into_alkali, 1))[:, None, None]
    scaled = matrices.copy()
    scaled[:, :count, count:] *= unit
    scaled[:, count:, :count] /= unit
    rates, vectors = np.linalg.eig(scaled)
    bad = _is_defective(vectors)
    if bad.any():
        one = np.arange(count)
        scaled[bad, :count, :count] += np.sqrt(product[bad])[:, None, None] * np.diag(NUDGE * (1.0 + one))
        rates[bad], vectors[bad] = np.linalg.eig(scaled[bad])
    inverse = np.linalg.inv(vectors)
    vectors[:, count:] *= unit
    inverse[:, :, count:] /= unit
    return rates, vectors, inverse


def _is_defective(vectors: ComplexArray) -> npt.NDArray[np.bool_]:
    try:
        inverse = np.linalg.inv(vectors)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.cond(vectors) > CONDITION)
    sizes = np.linalg.norm(vectors, axis=(1, 2)) * np.linalg.norm(inverse, axis=(1, 2))
    return np.asarray(sizes > CONDITION)


def _times(matrices: ComplexArray, vectors: ComplexArray) -> ComplexArray:
    return np.asarray((matrices @ vectors[..., None])[..., 0])
