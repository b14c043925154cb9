"""The mixture gives the paper's operating point, and the numbers its misprints hide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spinlab.physics.mixture import KATZ_K_HE3, GasMixture
from spinlab.physics.regime import coupling_regime
from spinlab.physics.two_mode import TwoMode
from spinlab.physics.vapour import vapour_density


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


# --- other species


def test_potassium_and_helium_from_the_species_table_are_the_paper_s_mixture() -> None:
    assert GasMixture.of("K-39", "He-3", noble_gas_density=2e26, alkali_density=3e20) == KATZ_K_HE3


def test_without_a_density_the_vapour_is_saturated() -> None:
    mixture = GasMixture.of("Rb-87", "He-3", noble_gas_density=2e26, temperature=450.0)
    assert mixture.alkali_density == pytest.approx(float(vapour_density("Rb", 450.0)))
    assert (
        mixture.alkali_decay > 5 * KATZ_K_HE3.alkali_decay
    )  # η of rubidium is 14 times smaller than that of potassium


def test_a_pair_constant_that_nobody_published_has_to_be_given() -> None:
    with pytest.raises(ValueError, match=r"Rb-87 with Xe-129: give spin_rotation_efficiency"):
        GasMixture.of("Rb-87", "Xe-129", noble_gas_density=1e25)
    given = GasMixture.of("Rb-87", "Xe-129", noble_gas_density=1e25, spin_rotation_efficiency=0.1)
    assert given.spin_exchange_coefficient == 1.75e-22


def test_a_noble_gas_of_spin_three_halves_has_three_times_the_field_of_a_half() -> None:
    half, more = KATZ_K_HE3, replace(KATZ_K_HE3, noble_gas_spin=1.5)
    assert more.coupling == pytest.approx(half.coupling * 3**0.5)
    assert more.alkali_larmor(0.0) == pytest.approx(3 * half.alkali_larmor(0.0))
    assert more.noble_gas_larmor(0.0) == half.noble_gas_larmor(0.0)
    assert more.detuning(more.compensation_field) == pytest.approx(0.0, abs=1e-6)
    assert more.electron_rates["spin exchange"] == pytest.approx(5 * half.electron_rates["spin exchange"])


# --- regimes, storage, pumping


def test_the_regimes_of_figure_2() -> None:
    assert coupling_regime(60.0, 1.0, detuning=600.0) == "decoupled"
    assert coupling_regime(1.0, 10.0) == "overdamped"
    assert coupling_regime(57.0, 1.0) == "strong"
    assert (KATZ_K_HE3.regime(), KATZ_K_HE3.regime(18e-6)) == ("strong", "decoupled")
    assert coupling_regime(0.0, 1.0) == "decoupled"


@given(st.floats(0.01, 1e4), st.floats(0, 1e4), st.floats(0, 10))
def test_strong_is_where_the_eigenvalues_on_resonance_are_complex(j: float, gamma: float, gamma_b: float) -> None:
    assume(abs(j - abs(gamma - gamma_b) / 2) > 1e-9 * j)
    splitting = np.diff(np.linalg.eigvals(TwoMode(j, gamma, gamma_b).generator()))[0]
    swings = abs(splitting.imag) > abs(splitting.real)
    assert (coupling_regime(j, gamma, gamma_b) == "strong") == swings


@pytest.mark.parametrize("field", [18e-6, 1e-4])
def test_the_stored_excitation_lives_as_the_slow_eigenvalue_says(field: float) -> None:
    mixture = KATZ_K_HE3
    delta = float(mixture.detuning(field))
    rate = 2 * mixture.alkali_decay * (mixture.coupling / delta) ** 2 + 2 * mixture.noble_gas_decay
    assert mixture.storage_lifetime(field) == pytest.approx(1 / rate, rel=1e-4)
    pumped = 2 * (mixture.alkali_decay + 291) * (mixture.coupling / delta) ** 2 + 2 * mixture.noble_gas_decay
    assert mixture.storage_lifetime(field, 1193.526) == pytest.approx(1 / pumped, rel=1e-3)


def test_a_mixture_without_losses_stores_for_ever() -> None:
    quiet = replace(
        KATZ_K_HE3, spin_exchange_coefficient=0.0, alkali_destruction_cross_section=0.0, nitrogen_density=0.0
    )
    assert quiet.storage_lifetime(18e-6) == float("inf")


@given(st.floats(0, 0.999), st.floats(0, 0.5))
def test_the_pumping_rate_holds_the_polarization_it_was_asked_for(p: float, noble_gas: float) -> None:
    mixture = KATZ_K_HE3.with_polarizations(p, noble_gas)
    rate = mixture.pumping_rate()
    assume(rate >= 0)
    assert mixture.pumped_polarization(rate) == pytest.approx(p, abs=1e-12)


# --- spin exchange beyond SERF


def test_spin_exchange_broadening_is_small_at_resonance_large_at_the_read_field_and_off_unless_asked_for() -> None:
    mixture = KATZ_K_HE3
    assert mixture.alkali_exchange_rate == pytest.approx(3.9e5, rel=0.02)
    assert mixture.spin_exchange_broadening(mixture.compensation_field) == pytest.approx(0.517, abs=0.005)
    assert mixture.spin_exchange_broadening(18e-6) == pytest.approx(3415, rel=0.01)
    assert mixture.two_mode().alkali_decay == mixture.alkali_decay
    assert mixture.two_mode(mixture.compensation_field).alkali_decay == pytest.approx(17.43 + 0.517, abs=0.01)


def test_a_stored_noble_gas_hardly_feels_the_spin_exchange_of_the_alkali() -> None:
    plain, broadened = (KATZ_K_HE3.storage_lifetime(18e-6, broadened=each) for each in (False, True))
    assert 0.9 < broadened / plain < 1
    with pytest.raises(ValueError, match="field must be far from resonance"):
        KATZ_K_HE3.storage_lifetime(KATZ_K_HE3.compensation_field, broadened=True)


# --- refusals


REFUSED = [
    {"alkali_polarization": 1.1},
    {"noble_gas_polarization": float("nan")},
    {"noble_gas_density": -1.0},
    {"alkali_density": float("inf")},
    {"temperature": 0.0},
    {"exchange_strength": float("nan")},
    {"spin_rotation_efficiency": 0.0},
    {"noble_gas_spin": 0.7},
    {"nuclear_spin": 1.2},
    {"nuclear_spin": float("nan")},
    {"hyperfine_splitting": -1.0},
]


@pytest.mark.parametrize("changes", REFUSED, ids=str)
def test_a_value_outside_its_range_is_refused_by_name(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        GasMixture(**{"alkali_density": 3e20, "noble_gas_density": 2e26, **changes})


def test_a_negative_pumping_rate_is_refused() -> None:
    for call in (KATZ_K_HE3.pumped_polarization, lambda rate: KATZ_K_HE3.storage_lifetime(18e-6, rate)):
        with pytest.raises(ValueError, match="pumping_rate must be finite and not negative"):
            call(-1.0)


def test_rates_that_must_not_be_negative_are_refused_by_the_regime_too() -> None:
    with pytest.raises(ValueError, match="alkali_decay"):
        coupling_regime(1.0, -1.0)
    with pytest.raises(ValueError, match="detuning"):
        coupling_regime(1.0, 1.0, 0.0, float("nan"))
