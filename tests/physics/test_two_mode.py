"""Two coupled modes: closed forms, limits, and the sign of Δ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from spinlab.physics.mixture import KATZ_K_HE3
from spinlab.physics.propagation import Cell, CellState, Control
from spinlab.physics.segments import Hold, Ramp, Segment, Settle
from spinlab.physics.two_mode import TwoMode

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


def ode(modes: TwoMode, segment: Segment, initial: list[complex], until: float) -> np.ndarray:
    def slope(t: float, y: np.ndarray) -> np.ndarray:
        return modes.generator(segment.at(t)) @ y

    start = np.array(initial, dtype=complex)
    return solve_ivp(slope, (0, until), start, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]


@pytest.mark.parametrize(
    ("modes", "segment"),
    [
        (TwoMode(1026.0, 17.4, 5.0), Ramp(1e-2, -5e4, 4e4)),  # through the resonance
        (TwoMode(1.0, 10.0), Ramp(3.0, -20.0, 20.0)),
        (TwoMode(1026.0, 17.4), Settle(1e-3, 0.0, 4e5, 1e-5)),
        (TwoMode(1026.0, 300.0), Settle(5e-3, -1e4, 2e4, 1e-3)),
        (TwoMode(5000.0, 0.0), Settle(5e-3, 2e4, 0.0, 1e-4)),
        (TwoMode(100.0, 0.0), Ramp(5e-3, 2e3, -1e3)),
    ],
)
def test_moving_detunings_follow_their_differential_equation_at_every_time(modes: TwoMode, segment: Segment) -> None:
    times = segment.duration * np.array([0.02, 0.31, 1.0])
    fast = modes.evolve([0.6, 0.8j], [segment], times)
    slow = [ode(modes, segment, [0.6, 0.8j], t) for t in times]
    assert fast == pytest.approx(np.array(slow), abs=1e-9)


def test_the_landau_zener_probability_of_a_long_ramp() -> None:
    j, slope = 100.0, 4e4
    ramp = Ramp(0.8, -0.4 * slope, 0.4 * slope)
    end = TwoMode(j, 0.0).evolve([1, 0], [ramp], [ramp.duration])[0]
    assert abs(end[0]) ** 2 == pytest.approx(np.exp(-2 * np.pi * j**2 / slope), abs=6e-3)  # J/Δ at the ends
    assert np.sum(np.abs(end) ** 2) == pytest.approx(1, abs=1e-9)


def test_segments_follow_one_another_and_times_may_come_in_any_order_and_shape() -> None:
    modes = TwoMode(1000.0, 20.0, 1.0)
    segments = [
        Hold(1e-3, 50.0),
        Ramp(5e-4, 50.0, 3e3),
        Settle(1e-3, 3e3, -1e3, 1e-4),
        Hold(0.0, 7.0),
        Ramp(0.0, 7.0, 9.0),
    ]
    times = np.array([[3e-3, 0.0, 1e-3], [1.5e-3, 2.2e-3, 5e-4]])
    whole = modes.sequence(segments, times)
    first = modes.propagator(1e-3, 50.0)
    second = modes.sequence(segments[1:2], 5e-4) @ first
    third = modes.sequence(segments[2:3], 1e-3) @ second
    assert whole.shape == (2, 3, 2, 2)
    assert whole[0, 1] == pytest.approx(np.eye(2), abs=0)
    assert whole[0, 2] == pytest.approx(first, abs=1e-13)
    assert whole[1, 0] == pytest.approx(second, abs=1e-13)
    assert whole[0, 0] == pytest.approx(modes.propagator(5e-4, 9.0) @ third, abs=1e-12)
    assert whole[1, 2] == pytest.approx(modes.propagator(5e-4, 50.0), abs=1e-13)


def test_a_coil_that_settles_at_once_makes_a_step_and_a_slow_one_keeps_what_it_reached() -> None:
    modes, times = TwoMode(1000.0, 20.0), np.linspace(0, 2e-3, 9)
    step = modes.sequence([Hold(2e-3, 4e3)], times)
    assert modes.sequence([Settle(2e-3, 0.0, 4e3, 0.0)], times) == pytest.approx(step, abs=1e-13)
    assert Settle(1e-3, 0.0, 4e3, 1e-3).final == pytest.approx(4e3 * (1 - np.exp(-1)))
    assert Settle(1.0, 0.0, 4e3, 1e-3).final == 4e3
    settled = modes.sequence([Settle(1.0, 0.0, 4e3, 1e-5)], [0.9])[0]
    early = modes.sequence([Settle(4e-4, 0.0, 4e3, 1e-5)], [4e-4])[0]
    assert settled == pytest.approx(modes.propagator(0.9 - 4e-4, 4e3) @ early, abs=1e-10)


def test_thousands_of_times_within_a_ramp_cost_one_pass() -> None:
    modes, ramp = TwoMode(1026.0, 17.4), Ramp(1e-3, 0.0, 4e5)
    evaluated = 0

    class Counting(TwoMode):
        def generator(self, detuning: npt.ArrayLike = 0.0) -> np.ndarray:
            nonlocal evaluated
            evaluated += np.size(detuning)
            return super().generator(detuning)

    Counting(modes.coupling, modes.alkali_decay).evolve([1, 0], [ramp], np.linspace(0, 1e-3, 5000))
    assert evaluated < 4 * (modes.steps(ramp) + 5000)


@given(st.floats(0.0, 1e4), rates, rates, st.floats(-1e5, 1e5))
def test_a_trace_is_the_propagator_at_work(j: float, g: float, gb: float, delta: float) -> None:
    modes, times = TwoMode(j, g, gb), np.linspace(0, 1e-2, 12).reshape(3, 4)
    trace = modes.trace([0.6, 0.8j], times, delta)
    assert trace.shape == (3, 4, 2)
    assert trace == pytest.approx(modes.propagator(times, np.full((3, 4), delta)) @ [0.6, 0.8j], abs=1e-11)


@pytest.mark.parametrize("gamma", [2000.0, 2000.0 * (1 + 1e-9), 2000.0 * (1 + 1e-5), 2000.0 * (1 - 1e-4), 2010.0])
def test_around_critical_damping_no_digit_is_lost(gamma: float) -> None:
    modes, times = TwoMode(1000.0, gamma), np.linspace(0, 5e-3, 7)
    exact = np.array([expm(modes.generator() * t) for t in times])
    assert modes.propagator(times) == pytest.approx(exact, abs=1e-12)
    assert modes.trace([1, 0], times) == pytest.approx(exact[..., 0], abs=1e-12)


def test_a_trace_longer_than_one_block_has_no_seams() -> None:
    modes, times = TwoMode(1000.0, 17.0), np.linspace(0, 0.01, 20001)
    assert modes.trace([1, 1j], times, 4e5) == pytest.approx(modes.propagator(times, 4e5) @ [1, 1j], abs=1e-12)


@given(st.floats(1e-3, 1e4), rates, rates)
def test_no_other_time_transfers_more(j: float, g: float, gb: float) -> None:
    modes = TwoMode(j, g, gb)
    time, efficiency = modes.best_transfer()
    others = np.abs(modes.propagator(time * np.linspace(0.0, 3.0, 61))[:, 1, 0]) ** 2
    assert np.max(others) <= efficiency * (1 + 1e-9)
    assert efficiency <= 1 + 1e-12


@pytest.mark.parametrize(
    ("j", "g"),
    [(1.0, 1e9), (1e-100, 1e100), (1e-95, 0.0), (1e-60, 1e30), (1000.0, 2000.0), (1000.0, 2000.0 * (1 + 1e-12))],
)
def test_the_best_transfer_of_extreme_mixtures_is_finite(j: float, g: float) -> None:
    time, efficiency = TwoMode(j, g).best_transfer()
    assert 0 < time < np.inf
    assert 0 <= efficiency <= 1


def test_hours_beside_megahertz() -> None:
    modes = TwoMode(1026.0, 17.4, 2e-5)
    lost = -np.log(abs(modes.propagator(3600.0, 4e6)[1, 1]) ** 2)
    slow = 2e-5 + 17.4 * (1026.0 / 4e6) ** 2
    assert lost == pytest.approx(2 * slow * 3600, rel=1e-6)


def test_the_cell_of_the_bench_is_these_two_modes_while_the_polarizations_stand_still() -> None:
    pumping, time = 1193.526, 1.3e-3
    mixture = replace(KATZ_K_HE3, noble_gas_relaxation=4.4e-6)
    mixture = mixture.with_polarizations(mixture.pumped_polarization(pumping), 0.75)
    field, q = mixture.compensation_field * 1.0001, mixture.slowing_down
    start = CellState(mixture.alkali_polarization, 0.75, field, alkali=0.1)
    end, _ = Cell(mixture).evolve(start, Control(field, pumping), time)
    pumped = TwoMode(mixture.coupling, mixture.alkali_decay + pumping / q, mixture.noble_gas_decay)
    ours = pumped.propagator(time, mixture.detuning(field))[:, 0] * np.exp(-1j * mixture.noble_gas_larmor(field) * time)
    per_excitation = np.sqrt(
        mixture.noble_gas_density * q * mixture.alkali_polarization / mixture.alkali_density / 0.75
    )
    assert end.alkali / 0.1 == pytest.approx(ours[0], abs=1e-5)
    assert end.noble_gas / 0.1 * per_excitation == pytest.approx(ours[1], abs=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TwoMode(1.0, -1.0), "alkali_decay must be finite and not negative.*got -1"),
        (lambda: TwoMode(np.inf, 1.0), "coupling"),
        (lambda: TwoMode(1.0, 1.0, np.nan), "noble_gas_decay.*got nan"),
        (lambda: TwoMode([1.0, 2.0], 1.0), "coupling must be one number, got shape"),  # type: ignore[arg-type]
        (lambda: TwoMode(1.0, 1.0).propagator(-1e-9), "times must be finite and not negative.*got -1e-09"),
        (lambda: TwoMode(1.0, 1.0).propagator([0.0, np.nan]), "times.*got nan"),
        (lambda: TwoMode(1.0, 1.0).propagator(1e300), "times.*1e.100"),
        (lambda: TwoMode(1.0, 1.0).propagator(1.0, 1e200), "detuning.*1e.100"),
        (lambda: TwoMode(1.0, 1.0).propagator(1.0, [np.inf, 0.0]), "detuning.*got inf"),
        (lambda: TwoMode(1.0, 1.0).propagator(1j), "times must be real"),
        (lambda: TwoMode(1.0, 1.0).propagator([1.0, 2.0], [1.0, 2.0, 3.0]), "broadcast: times .2,. and detuning .3,."),
        (lambda: TwoMode(1.0, 1.0).trace([1, 0, 0], 1.0), "initial must have shape"),
        (lambda: TwoMode(1.0, 1.0).evolve([1, np.nan], [], 1.0), "initial.*got nan"),
        (lambda: TwoMode(1.0, 1.0).evolve([1, 0], [], -1.0), "times"),
        (lambda: TwoMode(1.0, 1.0).evolve([1, 0], [Ramp(1e9, 0.0, 1e9)], 1.0), "Ramp.*steps, more than"),
        (lambda: Hold(-1.0, 0.0), "duration must be finite and not negative.*got -1"),
        (lambda: Hold(np.inf, 0.0), "duration"),
        (lambda: Hold(1.0, np.nan), "detuning"),
        (lambda: Ramp(1.0, np.nan, 0.0), "start"),
        (lambda: Ramp(1.0, 0.0, -np.inf), "stop"),
        (lambda: Settle(1.0, 0.0, 1.0, -1e-6), "time_constant"),
    ],
)
def test_bad_arguments_are_refused_by_name_value_and_rule(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
