"""The mixture gives the paper's operating point, and the numbers its misprints hide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinlab.physics.mixture import KATZ_K_HE3, GasMixture
from spinlab.physics.slowing_down import slowing_down_factor


def test_the_operating_point_of_the_paper() -> None:
    mixture = KATZ_K_HE3
    assert mixture.slowing_down == pytest.approx(4.1024967, abs=1e-7)
    assert mixture.coupling == pytest.approx(1026.03, abs=0.01)
    assert mixture.collisional_shift == pytest.approx(-367497, abs=1)
    assert mixture.compensation_field == pytest.approx(86.03e-7, abs=1e-9)
    assert 1 / (mixture.spin_exchange_coefficient * mixture.alkali_density) / 3600 == pytest.approx(16.84, abs=0.01)


def test_the_alkali_decays_by_four_mechanisms_each_divided_by_q() -> None:
    rates = KATZ_K_HE3.electron_rates
    assert rates["spin exchange"] == pytest.approx(11.0)
    assert rates["spin rotation"] == pytest.approx(32.35, abs=0.01)
    assert rates["alkali-alkali"] == pytest.approx(21.85, abs=0.01)
    assert rates["nitrogen"] == pytest.approx(6.3, abs=0.01)
    assert KATZ_K_HE3.alkali_decay == pytest.approx(17.43, abs=0.01)


def test_the_detuning_is_noble_gas_minus_alkali_and_vanishes_at_compensation() -> None:
    mixture = KATZ_K_HE3
    field = mixture.compensation_field
    assert mixture.detuning(field) == pytest.approx(0.0, abs=1e-6)
    slope = mixture.alkali_gyromagnetic - mixture.noble_gas_gyromagnetic
    fields = np.array([[0.0, 1e-5], [1e-4, 2e-4]])
    assert mixture.detuning(fields) == pytest.approx(-(slope * fields + mixture.collisional_shift))


@given(st.sampled_from([0.5, 1.0, 1.5, 2.5, 3.5]), st.floats(0.05, 1.0))
def test_the_slowing_down_factor_is_eq_12_where_that_has_digits(spin: float, p: float) -> None:
    n = 2 * spin + 1
    up, down = (1 + p) ** n, (1 - p) ** n
    literal = n / p * (up + down) / (up - down) - 1 / p**2 + 1
    assert float(slowing_down_factor(spin, p)) == pytest.approx(literal, rel=1e-9)


@pytest.mark.parametrize("spin", [0.5, 1.5, 2.5, 3.5])
def test_the_slowing_down_factor_keeps_its_digits_down_to_zero_polarization(spin: float) -> None:
    assert float(slowing_down_factor(spin, 0.0)) == pytest.approx((4 * spin**2 + 4 * spin + 3) / 3)
    assert float(slowing_down_factor(spin, 1.0)) == pytest.approx(2 * spin + 1)
    near = float(slowing_down_factor(spin, 1e-7))
    assert near == pytest.approx(float(slowing_down_factor(spin, 0.0)), rel=1e-12)


@pytest.mark.parametrize("changes", [{"alkali_polarization": 1.1}, {"noble_gas_density": -1.0}, {"temperature": 0.0}])
def test_a_value_outside_its_range_is_refused_by_name(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        GasMixture(**{"alkali_density": 3e20, "noble_gas_density": 2e26, **changes})
