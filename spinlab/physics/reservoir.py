"""Fast diffusion modes as a reservoir (SI 2, Eqs. S3 and S4): a few stable modes with what the others do to them.

A mode r that relaxes at γ_r ≫ J follows the stable ones, a_r = −iJ/(γ_ar − iΔ) Σ c_rn b_n and
b_r = −iJ/(γ_br + iΔ) Σ c_mr a_m, which damps and couples these by

    ε^(a)_sm = Σ_r c_sr c_mr J/(γ_br + iΔ),        ε^(b)_sn = Σ_r c_rs c_rn J/(γ_ar − iΔ).

S4 prints ε^(b)*, which turns −iΔ into +iΔ; inserting S3 in S2 gives ε^(b), as used here.
"""

from __future__ import annotations

import warnings

import numpy as np

from spinlab.physics.coupled_modes import CoupledModes, LinearModes
from spinlab.physics.decomposition import ComplexArray, FloatArray

FAST = 10.0  # J: reservoir modes must relax this much faster than they are driven


class ReservoirWarning(UserWarning):
    """The modes eliminated are not fast: plain truncation, or more stable modes, is closer to the full solution."""


class StableModes(LinearModes):
    """The first ``stable`` modes of both gases, the others eliminated; amplitudes as in ``CoupledModes``.

    Raises ValueError unless 1 ≤ stable < modes; warns with ``ReservoirWarning`` when γ_r0, the slowest decay among the
    eliminated (``slowest_eliminated``), is below 10 J.
    """

    def __init__(self, full: CoupledModes, stable: int) -> None:
        kept, self._fast = _split(full, stable)
        super().__init__(2 * stable, stable)
        self.kept = kept
        self.slowest_eliminated = float(min(full.alkali_decay[stable], full.noble_gas_decay[stable]))
        self._alkali_overlap: FloatArray = full.overlap[:stable, stable:]
        self._noble_gas_overlap: FloatArray = full.overlap[stable:, :stable]
        if self.slowest_eliminated < FAST * full.coupling:
            warnings.warn(
                f"the slowest eliminated mode relaxes at {self.slowest_eliminated:.4g} 1/s, less than {FAST:g} J = "
                f"{FAST * full.coupling:.4g} 1/s: keep more than {stable} modes, or truncate",
                ReservoirWarning,
                stacklevel=2,
            )

    def couplings(self, detuning: float = 0.0) -> tuple[ComplexArray, ComplexArray]:
        """ε^(a) and ε^(b) at one detuning (rad/s), each ``(stable, stable)``."""
        alkali, noble_gas = self._fast
        through_noble_gas = self._alkali_overlap * (self.kept.coupling / (noble_gas + 1j * detuning))
        through_alkali = self._noble_gas_overlap.T * (self.kept.coupling / (alkali - 1j * detuning))
        return (
            np.asarray(through_noble_gas @ self._alkali_overlap.T),
            np.asarray(through_alkali @ self._noble_gas_overlap),
        )

    def generator(self, detuning: float = 0.0) -> ComplexArray:
        """M of S4 at one detuning (rad/s) → ``(2 stable, 2 stable)``, 1/s."""
        n, j = self.alkali_count, self.kept.coupling
        matrix = self.kept.generator(detuning)
        alkali, noble_gas = self.couplings(detuning)
        matrix[:n, :n] -= j * alkali
        matrix[n:, n:] -= j * noble_gas
        return matrix


def truncated(full: CoupledModes, stable: int) -> CoupledModes:
    """The first ``stable`` modes of both gases, the others left out; ValueError unless 1 ≤ stable < modes."""
    return _split(full, stable)[0]


def _split(full: CoupledModes, stable: int) -> tuple[CoupledModes, tuple[FloatArray, FloatArray]]:
    modes = min(full.alkali_count, full.size - full.alkali_count)
    if not 1 <= stable < modes:
        raise ValueError(f"stable must lie in 1…{modes - 1}, fewer than the modes there are, got {stable}")
    kept = CoupledModes(
        full.alkali_decay[:stable], full.noble_gas_decay[:stable], full.coupling, full.overlap[:stable, :stable]
    )
    return kept, (np.asarray(full.alkali_decay[stable:]), np.asarray(full.noble_gas_decay[stable:]))
