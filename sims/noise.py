"""One seeded generator per source of noise, so that adding one source leaves the others' numbers alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class NoiseSources:
    """Independent generators derived from one seed."""

    coil: np.random.Generator
    spins: np.random.Generator
    photons: np.random.Generator
    amplifier: np.random.Generator
    thermometer: np.random.Generator

    @classmethod
    def from_seed(cls, seed: int) -> NoiseSources:
        """The same seed gives the same noise, on any machine and at any speed."""
        return cls(*(np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(5)))

    def spin_normals(self, count: int) -> npt.NDArray[np.complex128]:
        """Complex normals with unit variance in all, for projection noise."""
        pairs: npt.NDArray[np.float64] = self.spins.standard_normal(2 * count)
        normals: npt.NDArray[np.complex128] = pairs.view(np.complex128) * np.sqrt(0.5)
        return normals
