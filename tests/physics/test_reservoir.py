"""Fast modes as a reservoir: better than leaving them out when they are fast, announced when they are not."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from spinlab.physics import KATZ_K_HE3, ReservoirWarning, SphericalCell
from spinlab.physics.reservoir import StableModes, truncated

J = KATZ_K_HE3.coupling
TIMES = np.linspace(0, 2 * np.pi / J, 41)


def small_cell(modes: int = 60) -> SphericalCell:
    """2 mm across: from the third mode on diffusion is faster than 10 J."""
    return SphericalCell(1e-3, 1.5e-4, 2.5e-4, modes=modes, form="modal", coupling=J)


def error(cell: SphericalCell, reduced: Any, detuning: float) -> float:
    """Largest error of the stored amplitude beginning in the lowest alkali mode."""
    full, few = np.zeros(cell.coupled.size), np.zeros(reduced.size)
    full[0] = few[0] = 1.0
    exact = cell.coupled.amplitudes(full, TIMES, detuning)[:, cell.coupled.alkali_count]
    return float(np.abs(reduced.amplitudes(few, TIMES, detuning)[:, reduced.alkali_count] - exact).max())


@pytest.mark.parametrize("detuning", [0.0, 2 * J, -2 * J])
def test_a_fast_reservoir_is_better_than_truncation(detuning: float) -> None:
    cell = small_cell()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reduced = cell.stable_modes(4)
    assert reduced.slowest_eliminated > 10 * J
    eliminated, left_out = error(cell, reduced, detuning), error(cell, truncated(cell.coupled, 4), detuning)
    assert eliminated < 2e-4
    assert eliminated < left_out / 3


def test_the_sign_that_the_papers_conjugation_turns_matters_off_resonance() -> None:
    """With ε^(b)* in place of ε^(b), as S4 is printed, the stored mode turns the wrong way."""
    cell = small_cell()

    class AsPrinted(StableModes):
        def couplings(self, detuning: float = 0.0) -> Any:
            alkali, noble_gas = super().couplings(detuning)
            return alkali, noble_gas.conj()

    for detuning in (20 * J, -20 * J):
        right = error(cell, StableModes(cell.coupled, 4), detuning)
        assert right < 0.2 * error(cell, AsPrinted(cell.coupled, 4), detuning)


def test_a_slow_reservoir_is_announced_and_then_worse_than_truncation() -> None:
    cell = SphericalCell.of(KATZ_K_HE3)
    with pytest.warns(ReservoirWarning, match="10 J"):
        reduced = cell.stable_modes(5)
    assert error(cell, reduced, 0.0) > error(cell, truncated(cell.coupled, 5), 0.0)


def test_the_couplings_stay_below_the_papers_bound() -> None:
    """|ε| < J/(π² γ_r0) with γ_r0 = Dπ²r₀²/R² of the other gas, up to the factor r₀² that its text drops."""
    cell = small_cell()
    for epsilon in cell.stable_modes(4).couplings(0.0):
        assert np.all(np.abs(epsilon) < J / small_cell().stable_modes(4).slowest_eliminated)
        assert np.all(np.linalg.eigvalsh(epsilon.real) > -1e-15)


def test_reduction_keeps_at_least_one_mode_and_leaves_at_least_one() -> None:
    for wrong in (0, 60):
        with pytest.raises(ValueError, match="stable"):
            small_cell().stable_modes(wrong)
