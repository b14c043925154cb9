"""What a simulation returns: probabilities beside the times at which they were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinlab.physics.collisions.model import Gas

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SingleExcitation:
    """Probabilities of one excitation, ``(records,)`` or ``(realisations, records)``; unpacks as F10, F01, P_alkali."""

    gas: Gas
    times: IndexArray  # (records,), in steps τ; 0 and the last step are among them
    F10: FloatArray  # |⟨1_a 0_b|ψ⟩|² = |Σa|²/N_a, the symmetric alkali excitation
    F01: FloatArray  # |⟨0_a 1_b|ψ⟩|² = |Σb|²/N_b, the symmetric noble-gas excitation
    P_alkali: FloatArray  # Σ|a|², the excitation is in some alkali atom

    @property
    def exchange_phase(self) -> FloatArray:
        """J t at ``times``, in rad: a full transfer is at π/2."""
        return np.asarray(self.gas.coupling * self.times, dtype=float)

    def __iter__(self) -> Iterator[FloatArray]:
        return iter((self.F10, self.F01, self.P_alkali))


@dataclass(frozen=True, eq=False)
class TwoExcitations:
    """Probabilities of two excitations, ``(records,)`` or ``(realisations, records)``; unpacks as P20, P11, P02."""

    gas: Gas
    times: IndexArray  # (records,), in steps τ; 0 and the last step are among them
    P20: FloatArray  # both excitations are in the alkali; P20 + P11 + P02 = 1
    P11: FloatArray  # one in each
    P02: FloatArray  # both are in the noble gas
    F20: FloatArray  # |⟨2_a 0_b|ψ⟩|², the symmetric state of two alkali excitations; 0 for a single atom
    F11: FloatArray  # |⟨1_a 1_b|ψ⟩|²
    F02: FloatArray  # |⟨0_a 2_b|ψ⟩|²

    @property
    def exchange_phase(self) -> FloatArray:
        """J t at ``times``, in rad: the excitations bunch at π/4 + mπ/2."""
        return np.asarray(self.gas.coupling * self.times, dtype=float)

    def __iter__(self) -> Iterator[FloatArray]:
        return iter((self.P20, self.P11, self.P02))
