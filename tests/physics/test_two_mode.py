"""Two coupled modes: closed forms, limits, and the sign of Δ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from spinlab.physics.mixture import KATZ_K_HE3
from spinlab.physics.two_mode import Hold, Ramp, TwoMode

rates = st.floats(0.0, 1e4)


def test_the_overdamped_and_the_strong_transfer_of_figure_2() -> None:
    time, efficiency = TwoMode(coupling=1.0, alkali_decay=10.0).best_transfer()
    assert time == pytest.approx(0.4679407, rel=1e-6)
    assert 1000 * efficiency == pytest.approx(9.2845222, rel=1e-7)
    strong = TwoMode(coupling=57.0, alkali_decay=1.0)
    assert 1000 * abs(strong.propagator(np.pi / 2 / 57.0)[1, 0]) ** 2 == pytest.approx(972.89328, rel=1e-7)


def test_at_the_best_switching_time_nothing_is_left_in_the_alkali() -> None:
    modes = TwoMode(1026.0, 17.4)
    time, efficiency = modes.best_transfer()
    u = modes.propagator(time)
    assert abs(u[0, 0]) < 1e-12
    assert efficiency == pytest.approx(np.exp(-17.4 * time), rel=1e-12)


@given(st.floats(1.0, 1e4), rates, rates, st.floats(-1e5, 1e5), st.floats(0.0, 1e-2))
def test_the_propagator_is_the_matrix_exponential(j: float, g: float, gb: float, delta: float, t: float) -> None:
    modes = TwoMode(j, g, gb)
    assert modes.propagator(t, delta) == pytest.approx(expm(modes.generator(delta) * t), rel=1e-8, abs=1e-9)


@given(st.floats(1.0, 1e4), st.floats(-1e7, 1e7), st.floats(0.0, 1.0))
def test_without_decay_the_evolution_is_unitary(j: float, delta: float, t: float) -> None:
    u = TwoMode(j, 0.0).propagator(t, delta)
    assert u.conj().T @ u == pytest.approx(np.eye(2), abs=1e-6)


def test_times_and_detunings_broadcast() -> None:
    u = TwoMode(100.0, 1.0).propagator(np.linspace(0, 1, 6).reshape(2, 3), 5.0)
    assert u.shape == (2, 3, 2, 2)


def test_a_ramp_is_what_its_differential_equation_says() -> None:
    modes, ramp = TwoMode(1026.0, 17.0), Ramp(1e-3, 0.0, 4e5)
    start = np.array([0.3 + 0j, 1j])
    exact = solve_ivp(
        lambda t, y: modes.generator(4e8 * t) @ y, (0, 1e-3), start, method="DOP853", rtol=1e-11, atol=1e-12
    )
    assert modes.evolve(start, [ramp], np.array([1e-3]))[0] == pytest.approx(exact.y[:, -1], abs=1e-9)


def test_a_ramp_of_a_millisecond_stores_visibly_less_than_a_step() -> None:
    modes = KATZ_K_HE3.two_mode()
    time, _ = modes.best_transfer()
    goal = float(KATZ_K_HE3.detuning(18e-6))
    end = np.array([time + 2e-3])
    step = modes.evolve([1, 0], [Hold(time, 0.0), Hold(1e-3, goal)], end)
    ramp = modes.evolve([1, 0], [Hold(time, 0.0), Ramp(1e-3, 0.0, goal)], end)
    assert abs(ramp[0, 1]) ** 2 < abs(step[0, 1]) ** 2 - 1e-3


def test_the_sign_of_the_detuning_is_that_of_the_precession_in_the_laboratory() -> None:
    """f e^{+iω_b t} from the laboratory equations equals the two-mode amplitude with Δ = ω_b − ω_a, not its conjugate."""
    mixture, field = KATZ_K_HE3, 9e-6
    w_a, w_b = float(mixture.alkali_larmor(field)), float(mixture.noble_gas_larmor(field))
    j, gamma = mixture.coupling, mixture.alkali_decay
    laboratory = np.array([[-1j * w_a - gamma, -1j * j], [-1j * j, -1j * w_b]])
    t = 0.9e-3
    turning = expm(laboratory * t) * np.exp(1j * w_b * t)
    modes = TwoMode(j, gamma)
    assert modes.propagator(t, mixture.detuning(field)) == pytest.approx(turning, abs=1e-11)
    assert np.max(np.abs(modes.propagator(t, -mixture.detuning(field)) - turning)) > 0.1


def test_bad_rates_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="alkali_decay"):
        TwoMode(1.0, -1.0)
