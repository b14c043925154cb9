"""The spin-exchange line at its known limits, and its response against the integrated master equation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from spinlab.physics.slowing_down import slowing_down_factor
from spinlab.physics.spin_exchange import spin_exchange_line, spin_exchange_response

SPINS = [1.5, 2.5, 3.5]
RATE = 4e5


@pytest.mark.parametrize("spin", SPINS)
def test_slow_precession_is_slowed_down_by_q_and_broadened_quadratically(spin: float) -> None:
    """The SERF regime at low polarization: Γ = (ω²/R_se)(q² − (2I + 1)²)/2q."""
    q = float(slowing_down_factor(spin, 0.0))
    line = spin_exchange_line(spin, 1e-6, 1e-3 * RATE, RATE)
    omega = 1e-3 * RATE / q
    assert line.frequency == pytest.approx(omega, rel=1e-6)
    assert line.broadening == pytest.approx(omega**2 / RATE * (q**2 - (2 * spin + 1) ** 2) / (2 * q), rel=1e-4)


@pytest.mark.parametrize("spin", SPINS)
def test_fast_precession_at_low_polarization_has_the_full_width(spin: float) -> None:
    """Γ = R_se · 2I(2I − 1)/3(2I + 1)², 1/8 for I = 3/2."""
    line = spin_exchange_line(spin, 1e-6, 1e4 * RATE, RATE)
    assert line.frequency == pytest.approx(1e4 * RATE / (2 * spin + 1), rel=1e-6)
    assert line.broadening / RATE == pytest.approx(2 * spin * (2 * spin - 1) / (3 * (2 * spin + 1) ** 2), rel=1e-5)


def test_polarization_narrows_the_line_of_three_halves_to_a_fifth_of_what_is_missing() -> None:
    """Savukov et al., PRL 95, 063004 (2005): R_se (1 − p)/5 for I = 3/2 when the Zeeman lines are not resolved."""
    assert spin_exchange_line(1.5, 1 - 1e-5, 1e4 * RATE, RATE).broadening / RATE == pytest.approx(1e-5 / 5, rel=1e-3)
    assert spin_exchange_line(1.5, 1.0, 1e4 * RATE, RATE).broadening == pytest.approx(0.0, abs=1e-3)


@given(st.sampled_from(SPINS), st.floats(0, 1))
def test_spin_exchange_conserves_spin_where_there_is_no_field(spin: float, p: float) -> None:
    line = spin_exchange_line(spin, p, 0.0, RATE)
    assert line.broadening == pytest.approx(0.0, abs=1e-6)
    assert line.frequency == pytest.approx(0.0, abs=1e-6)


@given(st.sampled_from(SPINS), st.floats(0, 0.99), st.floats(1e2, 1e6))
def test_in_the_serf_regime_the_frequency_is_that_of_the_slowing_down_factor(
    spin: float, p: float, omega: float
) -> None:
    line = spin_exchange_line(spin, p, omega, 1e4 * omega)
    assert line.frequency == pytest.approx(omega / float(slowing_down_factor(spin, p)), rel=1e-5)


def test_without_spin_exchange_nothing_broadens_and_without_a_nucleus_neither() -> None:
    assert spin_exchange_line(1.5, 0.5, 1e5, 0.0).broadening == 0
    assert spin_exchange_line(0.0, 0.5, 1e5, RATE) == pytest.approx((1e5, 0.0))


def test_a_resolved_quadratic_shift_stops_the_narrowing() -> None:
    free, split = (spin_exchange_line(1.5, 0.9, 3e8, 1e4, splitting).broadening for splitting in (np.inf, 461.7e6))
    assert split > 1.2 * free


def test_arguments_broadcast() -> None:
    line = spin_exchange_line(1.5, np.array([[0.1], [0.9]]), np.array([1e3, 1e5, 1e7]), RATE)
    assert line.broadening.shape == line.frequency.shape == (2, 3)
    one = spin_exchange_line(1.5, 0.9, 1e5, RATE)
    assert line.broadening[1, 1] == pytest.approx(one.broadening)
    assert np.ndim(one.broadening) == 0


# --- the oracle: the nonlinear equation for the whole density matrix, independent of coherences and Clebsch–Gordan


def operators(spin: float) -> tuple[list[Any], Any, Any]:
    """S_x, S_y, S_z of the electron, F_z, and the sign ±1/(2I + 1) of each hyperfine level as an operator."""
    size = round(2 * spin) + 1
    m = spin - np.arange(size)
    raising = np.diag(np.sqrt(spin * (spin + 1) - m[1:] * (m[1:] + 1)), 1)
    nuclear = [(raising + raising.T) / 2, (raising - raising.T) / 2j, np.diag(m)]
    pauli = [np.array([[0, 1], [1, 0]]) / 2, np.array([[0, -1j], [1j, 0]]) / 2, np.diag([0.5, -0.5])]
    electron = [np.kron(each, np.eye(size)) for each in pauli]
    nuclei = [np.kron(np.eye(2), each) for each in nuclear]
    product = sum(s @ i for s, i in zip(electron, nuclei, strict=True))
    upper = (product + (spin + 1) / 2 * np.eye(2 * size)) / (spin + 0.5)  # 1 in F = I + 1/2, 0 in F = I − 1/2
    return electron, electron[2] + nuclei[2], upper


@pytest.mark.parametrize(("p", "omega"), [(0.3, 0.2), (0.6, 2.0), (0.9, 5.0)])
def test_the_line_is_the_late_decay_of_the_nonlinear_density_matrix(p: float, omega: float) -> None:
    """R_se = 1. A spin-temperature state tilted by 1e-4 precesses; its late ⟨S₊⟩ gives frequency and width."""
    electron, f_z, upper = operators(1.5)
    rest = np.eye(8) - upper
    weights = ((1 + p) / (1 - p)) ** np.diag(f_z).real
    state = np.diag(weights / weights.sum()).astype(complex)
    tilt = np.eye(8) - 1e-4j * (upper @ electron[1] @ upper - rest @ electron[1] @ rest) * 4
    state = tilt @ state @ tilt.conj().T
    zeeman = omega / 4 * (upper @ f_z @ upper - rest @ f_z @ rest)

    def slope(_: float, flat: Any) -> Any:
        rho = flat.reshape(8, 8)
        phi = rho / 4 + sum(s @ rho @ s for s in electron)
        exchanged = phi @ (np.eye(8) + 4 * sum(np.trace(s @ rho) * s for s in electron))
        change = exchanged - rho
        secular = upper @ change @ upper + rest @ change @ rest  # hyperfine coherences average to nothing
        return (-1j * (zeeman @ rho - rho @ zeeman) + secular).ravel()

    times = np.linspace(60, 90, 61)
    found = solve_ivp(slope, (0, 90), state.ravel(), method="DOP853", t_eval=times, rtol=1e-9, atol=1e-14)
    signal = [np.trace((electron[0] - 1j * electron[1]) @ each.reshape(8, 8)) for each in found.y.T]
    exponent = np.polyfit(times, np.unwrap(np.angle(signal)), 1)[0], np.polyfit(times, np.log(np.abs(signal)), 1)[0]
    line = spin_exchange_line(1.5, p, omega, 1.0)
    assert abs(exponent[0]) == pytest.approx(line.frequency, rel=1e-3)
    assert -exponent[1] == pytest.approx(line.broadening, rel=5e-3)


# --- the response


@given(st.floats(0, 0.99), st.floats(-100, 100))
def test_in_the_serf_regime_the_response_is_one_over_decay_plus_detuning(p: float, drive: float) -> None:
    q = float(slowing_down_factor(1.5, p))
    answer = spin_exchange_response(1.5, p, 50.0 * q, 1e7, 20.0, drive)
    assert answer == pytest.approx(1 / (20 + 1j * (50 - drive)), rel=1e-4)


@given(st.sampled_from(SPINS), st.floats(0, 0.99), st.floats(0.01, 100))
def test_a_field_at_rest_tilts_the_alkali_without_any_loss_by_spin_exchange(
    spin: float, p: float, ratio: float
) -> None:
    """The tilted spin-temperature state is stationary in the tilted field, whatever R_se."""
    answer = spin_exchange_response(spin, p, ratio * RATE, RATE, 0.0, 0.0)
    assert answer.imag == pytest.approx(-float(slowing_down_factor(spin, p)) / (ratio * RATE), rel=1e-6)
    assert abs(answer.real) < 1e-6 * abs(answer.imag)


def test_driven_on_its_line_it_answers_with_the_width_of_the_line() -> None:
    line = spin_exchange_line(1.5, 0.95, 4.1e4, RATE)
    answer = spin_exchange_response(1.5, 0.95, 4.1e4, RATE, 17.0, line.frequency)
    assert answer.real == pytest.approx(1 / (17 + line.broadening), rel=0.02)


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("polarization", {"polarization": 1.5}),
    ("electron_larmor", {"electron_larmor": float("nan")}),
    ("exchange_rate", {"exchange_rate": -1.0}),
    ("hyperfine_splitting", {"hyperfine_splitting": 0.0}),
    ("nuclear_spin", {"nuclear_spin": 1.3}),
    ("decay", {"decay": -1.0}),
    ("drive", {"drive": float("inf")}),
]


@pytest.mark.parametrize(("name", "changes"), REFUSED)
def test_what_is_outside_its_range_is_refused_by_name(name: str, changes: dict[str, Any]) -> None:
    good = {
        "nuclear_spin": 1.5,
        "polarization": 0.5,
        "electron_larmor": 1e3,
        "exchange_rate": 1.0,
        "decay": 1.0,
        "drive": 0.0,
    }
    with pytest.raises(ValueError, match=f"^{name} "):
        spin_exchange_response(**{**good, **changes})
