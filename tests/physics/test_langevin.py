"""Noise of the two modes: what it adds, which commutators it keeps, and the channel it leaves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from spinlab.physics.channel import Channel
from spinlab.physics.langevin import PAPER_INCOHERENT_EXCITATIONS, Evolution, Langevin, incoherent_excitations
from spinlab.physics.segments import Hold, Ramp, Segment, Settle
from spinlab.physics.two_mode import TwoMode

rates = st.floats(0.0, 1e3)
polarizations = st.floats(0.05, 1.0)


def lyapunov(modes: TwoMode, moments: tuple[float, float], segment: Segment, until: float) -> np.ndarray:
    """∫U D U† by a differential equation: Q' = MQ + QM† + D."""
    source = np.diag([2 * modes.alkali_decay * moments[0], 2 * modes.noble_gas_decay * moments[1]])

    def slope(t: float, y: np.ndarray) -> np.ndarray:
        q, m = y.reshape(2, 2), modes.generator(segment.at(t))
        return (m @ q + q @ m.conj().T + source).ravel()

    zero = np.zeros(4, dtype=complex)
    solution = solve_ivp(slope, (0, until), zero, method="DOP853", rtol=1e-11, atol=1e-13)
    return np.asarray(solution.y[:, -1].reshape(2, 2))


@pytest.mark.parametrize(
    ("modes", "time", "detuning"),
    [
        (TwoMode(1026.0, 17.4, 2e-5), 2e-3, 0.0),
        (TwoMode(1026.0, 17.4, 50.0), 2e-2, 300.0),
        (TwoMode(10.0, 17.4, 50.0), 0.2, -40.0),  # the noble gas decays faster
        (TwoMode(10.0, 20.0, 0.0), 1.0, 0.0),  # critical damping
        (TwoMode(0.0, 20.0, 5.0), 0.3, 7.0),  # no coupling
        (TwoMode(100.0, 0.0, 5.0), 0.1, 100.0),
    ],
)
def test_the_closed_form_and_its_steps_solve_the_moment_equation(modes: TwoMode, time: float, detuning: float) -> None:
    noise = Langevin.spin_exchange(0.95, 0.75)
    held = noise.evolution(modes, time, detuning)
    assert held.normal == pytest.approx(lyapunov(modes, noise.normal, Hold(time, detuning), time), abs=1e-10)
    assert held.antinormal == pytest.approx(lyapunov(modes, noise.antinormal, Hold(time, detuning), time), abs=1e-10)
    for segment in (Ramp(time, -100.0, 200.0), Settle(time, 50.0, 300.0, time / 10)):
        moved = noise.sequence(modes, [segment], [time / 3, time])
        for k, until in enumerate((time / 3, time)):
            assert moved.normal[k] == pytest.approx(lyapunov(modes, noise.normal, segment, until), abs=1e-9)


def test_a_sequence_of_holds_is_one_hold_after_the_other() -> None:
    modes, noise = TwoMode(100.0, 20.0, 5.0), Langevin.thermal(0.3, 0.1)
    times = np.array([0.0, 0.004, 0.01, 0.05])
    whole = noise.sequence(modes, [Hold(0.003, 20.0), Hold(0.007, 20.0), Ramp(0.0, 20.0, 20.0)], times)
    plain = noise.evolution(modes, times, 20.0)
    for name in ("propagator", "normal", "antinormal"):
        assert getattr(whole, name) == pytest.approx(getattr(plain, name), abs=1e-13)


def test_incoherent_excitations_are_those_of_the_polarization_not_of_the_paper() -> None:
    assert incoherent_excitations([0.95, 0.75, 1.0]) == pytest.approx([0.0263158, 0.1666667, 0.0], abs=1e-7)
    assert PAPER_INCOHERENT_EXCITATIONS == (0.05, 0.17)


@given(polarizations)
def test_spin_temperature_of_any_nucleus_has_the_same_excitations(p: float) -> None:
    """⟨F₊F₋⟩/2⟨F_z⟩ of one atom in exp(βF_z), I = 3/2, equals (1 − p)/2p."""
    beta = np.log((1 + p) / (1 - p)) if p < 1 else 40.0
    m = np.arange(3.0, -4.0, -1.0) / 2  # of a nucleus of spin 3/2
    nucleus, weights = m[::2], np.exp(beta * (m[::2] - 1.5))
    spin = np.array([0.5, -0.5])
    electron = np.exp(beta * (spin - 0.5))
    polarized = sum((w * x).sum() / w.sum() for w, x in ((weights, nucleus), (electron, spin)))
    transverse = sum(
        j * (j + 1) - (w * x**2).sum() / w.sum() for w, x, j in ((weights, nucleus, 1.5), (electron, spin, 0.5))
    )
    assert (transverse - polarized) / (2 * polarized) == pytest.approx(incoherent_excitations(p), abs=1e-9)


@given(st.floats(0.0, 1e3), rates, rates, st.floats(-1e3, 1e3), polarizations, polarizations)
def test_thermal_noise_keeps_every_commutator(
    j: float, g: float, gb: float, delta: float, pa: float, pb: float
) -> None:
    evolution = Langevin.polarized(pa, pb).evolution(TwoMode(j, g, gb), [0.0, 1e-3, 0.1, 10.0], delta)
    assert evolution.commutator == pytest.approx(np.broadcast_to(np.eye(2), (4, 2, 2)), abs=1e-9)


def test_the_moments_of_the_paper_lose_a_tenth_of_the_commutator() -> None:
    evolution = Langevin.spin_exchange(0.95, 0.75).evolution(TwoMode(1000.0, 17.5), 10.0)
    assert evolution.commutator == pytest.approx((0.95 + 0.75) / (2 * 0.95) * np.eye(2), abs=1e-12)
    assert evolution.commutator[0, 0].real == pytest.approx(0.895, abs=5e-4)


@given(polarizations, polarizations, st.floats(0.0, 1.0))
def test_both_forms_make_the_same_quadrature_noise(pa: float, pb: float, share: float) -> None:
    modes = TwoMode(300.0, 17.5, 4.0)
    paper = Langevin.spin_exchange(pa, pb, (share, share)).evolution(modes, 0.02, 10.0)
    thermal = Langevin.polarized(pa, pb).evolution(modes, 0.02, 10.0)
    assert paper.added == pytest.approx(thermal.added, rel=1e-9, abs=1e-11)


def test_at_full_polarization_both_forms_are_vacuum() -> None:
    for noise in (Langevin.polarized(1.0, 1.0), Langevin.spin_exchange(1.0, 1.0)):
        assert (noise.normal, noise.antinormal) == ((0.0, 0.0), (1.0, 1.0))


@given(st.floats(0.0, 1e3), rates, rates, st.floats(-1e3, 1e3), st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_added_noise_is_a_covariance(j: float, g: float, gb: float, delta: float, na: float, nb: float) -> None:
    evolution = Langevin.thermal(na, nb).evolution(TwoMode(j, g, gb), [1e-4, 0.02, 5.0], delta)
    for matrices in (evolution.normal, evolution.antinormal):
        assert matrices == pytest.approx(np.conj(np.swapaxes(matrices, -1, -2)), abs=1e-12)
        assert np.min(np.linalg.eigvalsh(matrices)) > -1e-9


def test_the_channel_of_perfect_polarization_is_a_pure_loss() -> None:
    modes = TwoMode(1000.0, 17.5)
    channel = Langevin.vacuum().evolution(modes, np.pi / 2000).channel()
    assert channel.efficiency == pytest.approx(abs(modes.propagator(np.pi / 2000)[1, 0]) ** 2, rel=1e-14)
    assert channel.background == 0
    assert channel.commutator == pytest.approx(1, abs=1e-13)


def test_the_background_is_what_the_noble_gas_had_and_what_the_reservoir_brought() -> None:
    modes, (na, nb) = TwoMode(1000.0, 17.5), incoherent_excitations([0.95, 0.75])
    noise = Langevin.polarized(0.95, 0.75)
    u = modes.propagator(1e-3)
    lost = 1 - abs(u[1, 0]) ** 2 - abs(u[1, 1]) ** 2
    prepared = noise.evolution(modes, 1e-3).channel((0.0, nb))
    assert prepared.background == pytest.approx(abs(u[1, 1]) ** 2 * nb + lost * na, rel=1e-10)
    incoherent = noise.evolution(modes, 1e-3).channel((0.05, nb))
    assert incoherent.background - prepared.background == pytest.approx(0.05 * prepared.efficiency, rel=1e-9)


def test_retrieval_is_the_same_channel_backwards() -> None:
    evolution = Langevin.vacuum().evolution(TwoMode(1000.0, 17.5), 1.2e-3, 300.0)
    forth, back = evolution.channel(), evolution.channel(source=1, target=0)
    assert back.efficiency == pytest.approx(forth.efficiency, rel=1e-12)  # M is symmetric
    kept = evolution.channel((0.0, 0.2), source=0, target=0)
    assert kept.background == pytest.approx(0.2 * forth.efficiency, rel=1e-12)


def test_in_equilibrium_nothing_changes() -> None:
    """A mode at its reservoir's temperature stays there; the paper's moments settle on fewer, or more, excitations."""
    modes = TwoMode(1000.0, 17.5, 17.5)
    channel = Langevin.thermal(0.1, 0.1).evolution(modes, [0.0, 1e-3, 0.1, 3.0]).channel((0.1, 0.1))
    assert channel.background == pytest.approx(0.1, abs=1e-12)
    paper = Langevin.spin_exchange(0.95, 0.75).evolution(TwoMode(1000.0, 17.5), 10.0).channel()
    assert paper.background == pytest.approx((2 - 0.95 - 0.75) / (4 * 0.95), rel=1e-9)


def test_seven_decibel_arrive_as_the_paper_draws_them() -> None:
    channel = Langevin.vacuum().evolution(TwoMode(1000.0, 17.5), np.pi / 2000).channel()
    assert channel.squeezing_db(7.0) == pytest.approx(-6.5527, abs=5e-5)
    assert Channel(0.9, 0.05).variance(0.2) == pytest.approx(0.9 * 0.2 + 0.1 + 0.1)


def test_channels_hold_arrays_of_one_shape() -> None:
    channel = Channel(np.array([0.5, 0.9]), 0.1)
    assert np.shape(channel.efficiency) == np.shape(channel.background) == np.shape(channel.commutator) == (2,)
    assert channel.squeezing_db(3.0).shape == (2,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: incoherent_excitations(0.0), "polarization must be above 0"),
        (lambda: incoherent_excitations([0.5, 1.1]), "polarization must lie in 0…1, got 1.1"),
        (lambda: Langevin.thermal(-0.1), "normal must be finite and not negative.*-0.1"),
        (lambda: Langevin((0.0, 0.0), (0.5, 1.0)), "antinormal . normal must be at least 1"),
        (lambda: Langevin((0.0,), (1.0, 1.0)), "normal must be two numbers"),
        (lambda: Langevin.spin_exchange(0.9, 0.9, (2.0, 0.0)), "share must lie in 0…1, got 2"),
        (lambda: Langevin.vacuum().evolution(TwoMode(1.0, 1.0), -1.0), "times"),
        (lambda: Langevin.vacuum().sequence(TwoMode(1.0, 1.0), [], -1.0), "times"),
        (lambda: evolved().channel((0.1, -0.1)), "initial must be finite and not negative"),
        (lambda: evolved().channel((0.1,)), "initial must be two numbers"),
        (lambda: evolved().channel(target=2), "source and target must be 0"),
        (lambda: Channel(1.1), "efficiency must lie in 0…1, got 1.1"),
        (lambda: Channel(0.5, -1.0), "background"),
        (lambda: Channel(np.zeros(2), np.zeros(3)), "shapes must broadcast"),
    ],
)
def test_bad_arguments_are_refused_by_name(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def evolved() -> Evolution:
    return Langevin.vacuum().evolution(TwoMode(1.0, 1.0), 1.0)
