"""The slowing-down factor against exact arithmetic, against a spin-temperature sum, and at its limits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinlab.physics.slowing_down import slowing_down_factor

SPINS = st.integers(0, 15).map(lambda twice: twice / 2)
FRACTIONS = st.fractions(Fraction(1, 10**12), 1, max_denominator=10**12)


def eq_12(spin: float, p: Fraction) -> Fraction:
    """The paper's Eq. 12 as it is printed, in exact arithmetic."""
    n = round(2 * spin) + 1
    up, down = (1 + p) ** n, (1 - p) ** n
    return n / p * (up + down) / (up - down) - 1 / p**2 + 1


def spin_temperature(spin: float, p: float) -> float:
    """⟨F_z⟩/⟨S_z⟩ summed over the product states |m_s, m_I⟩ of a spin-temperature distribution."""
    m_s, m_i = np.meshgrid([0.5, -0.5], np.arange(-spin, spin + 1), indexing="ij")
    weight = np.exp(np.log((1 + p) / (1 - p)) * (m_s + m_i - spin - 0.5))
    return float(np.sum(weight * (m_s + m_i)) / np.sum(weight * m_s))


@given(SPINS, FRACTIONS)
def test_it_is_eq_12_to_the_last_digits_at_every_polarization(spin: float, p: Fraction) -> None:
    exact = eq_12(spin, Fraction(float(p)))
    assert float(slowing_down_factor(spin, float(p))) == pytest.approx(float(exact), rel=1e-14)


@given(SPINS, st.floats(0.01, 0.999))
def test_it_is_the_ratio_of_total_to_electron_spin_of_a_spin_temperature(spin: float, p: float) -> None:
    assert float(slowing_down_factor(spin, p)) == pytest.approx(spin_temperature(spin, p), rel=1e-11)


@given(SPINS)
def test_its_limits_are_those_of_an_unpolarized_and_of_a_stretched_atom(spin: float) -> None:
    assert float(slowing_down_factor(spin, 0.0)) == pytest.approx((4 * spin**2 + 4 * spin + 3) / 3, rel=1e-15)
    assert float(slowing_down_factor(spin, 1.0)) == pytest.approx(2 * spin + 1, rel=1e-15)


@given(SPINS, st.floats(0, 1), st.floats(0, 1))
def test_it_falls_with_polarization_between_its_limits(spin: float, p: float, other: float) -> None:
    low, high = sorted((p, other))
    assert slowing_down_factor(spin, low) >= slowing_down_factor(spin, high) * (1 - 1e-15)
    assert 2 * spin + 1 <= slowing_down_factor(spin, p) * (1 + 1e-15)


def test_for_three_halves_it_is_the_familiar_fraction() -> None:
    p = np.linspace(0, 1, 11)
    assert slowing_down_factor(1.5, p) == pytest.approx((6 + 2 * p**2) / (1 + p**2), rel=1e-15)
    assert float(slowing_down_factor(1.5, 0.95)) == pytest.approx(4.1024967, abs=1e-7)


def test_it_takes_and_gives_any_shape_and_a_number_for_a_number() -> None:
    assert isinstance(slowing_down_factor(1.5, 0.5), float)
    assert np.shape(slowing_down_factor(1.5, np.full((2, 3), 0.5))) == (2, 3)
    both = slowing_down_factor(np.array([[1.5], [2.5]]), np.array([0.0, 0.5, 1.0]))
    assert np.shape(both) == (2, 3)
    assert both[1, 2] == slowing_down_factor(2.5, 1.0)


def test_a_very_large_spin_does_not_overflow() -> None:
    assert slowing_down_factor(499.5, 1.0) == pytest.approx(1000.0)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan"), [0.5, 2.0]])
def test_a_polarization_outside_its_range_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=r"polarization must lie in 0…1, got"):
        slowing_down_factor(1.5, p)


@pytest.mark.parametrize("spin", [-0.5, 0.3, float("nan"), float("inf"), 1e6])
def test_what_is_no_spin_is_refused(spin: float) -> None:
    with pytest.raises(ValueError, match="nuclear_spin must be a non-negative multiple of 1/2"):
        slowing_down_factor(spin, 0.5)
