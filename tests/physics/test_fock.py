"""Photon numbers after the channel: generating functions, invariants, and the master equation of QuTiP."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np
import pytest
import qutip
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlab.physics.fock import fock_distribution, fock_fidelity, photon_distribution
from spinlab.physics.gaussian import GaussianState
from spinlab.physics.langevin import Langevin, incoherent_excitations
from spinlab.physics.two_mode import TwoMode
from tests.physics.test_gaussian import prepared, two_modes

fractions = st.floats(0.0, 1.0)
noises = st.floats(0.0, 2.0)


def test_two_excitations_of_figure_4() -> None:
    channel = Langevin.vacuum().evolution(TwoMode(1000.0, 17.5), np.pi / 2000).channel()
    assert fock_distribution(2, channel.efficiency, channel.background, 4)[2] == pytest.approx(0.946651, abs=5e-7)
    assert fock_fidelity(2, channel.efficiency) == pytest.approx(0.946651, abs=5e-7)


def test_two_excitations_as_the_master_equation_exchanges_them() -> None:
    modes, detuning, noise, time, size = TwoMode(1.0, 0.1, 0.05), 0.4, (0.05, 0.02), 1.3, 9
    _, (hamiltonian,), collapses = two_modes(modes, detuning, size, noise)
    start = qutip.tensor(qutip.fock_dm(size, 2), qutip.thermal_dm(size, 0.1, method="analytic"))
    rho = qutip.mesolve(hamiltonian, start, [0.0, time], collapses, options={"atol": 1e-9, "rtol": 1e-7}).final_state
    theirs = rho.ptrace(1).diag().real
    channel = Langevin.thermal(*noise).evolution(modes, time, detuning).channel((0.0, 0.1))
    assert fock_distribution(2, channel.efficiency, channel.background, 5) == pytest.approx(theirs[:5], abs=2e-5)


def test_without_background_what_is_lost_is_binomial() -> None:
    expected = [comb(5, k) * 0.3**k * 0.7 ** (5 - k) for k in range(6)]
    assert fock_distribution(5, 0.3, 0.0, 8) == pytest.approx([*expected, 0.0, 0.0], rel=1e-13)


@given(noises, fractions)
def test_an_unexcited_mode_is_thermal(n: float, eta: float) -> None:
    expected = n ** np.arange(10) / (1 + n) ** np.arange(1, 11)
    assert fock_distribution(0, eta, n, 10) == pytest.approx(expected, rel=1e-12, abs=1e-300)
    assert photon_distribution(GaussianState.thermal(n), 10) == pytest.approx(expected, abs=1e-14)


@given(st.floats(0.05, 1.0))
def test_one_incoherent_excitation_is_as_likely_as_the_paper_says(p: float) -> None:
    found = fock_distribution(0, 1.0, incoherent_excitations(p), 2)[1]
    assert found == pytest.approx(2 * p * (1 - p) / (1 + p) ** 2, abs=1e-14)


@given(st.integers(0, 60), fractions, noises)
def test_a_distribution_is_one(n: int, eta: float, noise: float) -> None:
    size = 900
    p = fock_distribution(n, eta, noise, size)
    assert np.all(p >= 0)
    assert p.sum() == pytest.approx(1, abs=1e-11)
    assert p @ np.arange(size) == pytest.approx(eta * n + noise, rel=1e-9, abs=1e-11)


@given(st.integers(0, 50), fractions, noises, st.floats(-1.0, 1.0))
def test_its_generating_function_is_the_one_of_the_channel(n: int, eta: float, noise: float, z: float) -> None:
    p = fock_distribution(n, eta, noise, 700)
    expected = (1 + (1 - z) * (noise - eta)) ** n / (1 + (1 - z) * noise) ** (n + 1)
    assert p @ z ** np.arange(700.0) == pytest.approx(expected, abs=1e-11)


@settings(max_examples=20)
@given(st.integers(0, 12), fractions, fractions, st.floats(0.0, 0.3), noises)
def test_two_channels_are_one(n: int, first: float, second: float, before: float, after: float) -> None:
    """The distribution after two channels is the mixture of what the second makes of each outcome of the first."""
    between = fock_distribution(n, first, before, 80)
    mixed = sum(weight * fock_distribution(k, second, after, 6) for k, weight in enumerate(between))
    assert mixed == pytest.approx(fock_distribution(n, first * second, second * before + after, 6), abs=1e-10)


def test_large_numbers_keep_their_digits() -> None:
    """500 excitations, η = 1/2, no background: the centre of a binomial, by exact integers."""
    exact = comb(500, 250) / 2**500
    assert fock_distribution(500, 0.5, 0.0, 251)[250] == pytest.approx(exact, rel=1e-11)
    faint = 1e-12  # one more than was put in: amplified once, by either of 51 ways, and none lost
    assert fock_distribution(50, 1.0, faint, 60)[51] == pytest.approx(51 * faint, rel=1e-9)


def test_efficiencies_and_backgrounds_broadcast() -> None:
    channel = (
        Langevin.polarized(0.95, 0.75).evolution(TwoMode(1000.0, 17.5), np.linspace(0, 3e-3, 7)).channel((0.0, 1 / 6))
    )
    p = fock_distribution(2, channel.efficiency, channel.background, 5)
    assert p.shape == (7, 5)
    assert p[0] == pytest.approx(fock_distribution(0, 0.0, 1 / 6, 5))
    assert fock_distribution(1, np.array([[0.1], [0.9]]), np.array([0.0, 0.1, 0.2]), 3).shape == (2, 3, 3)
    assert fock_fidelity(2, channel.efficiency, channel.background) == pytest.approx(p[:, 2])


def test_squeezed_vacuum_comes_in_pairs() -> None:
    r = 7 * np.log(10) / 20
    expected = [comb(2 * k, k) / 4**k * np.tanh(r) ** (2 * k) / np.cosh(r) for k in range(8)]
    p = photon_distribution(GaussianState.squeezed(7.0, 0.9), 16)
    assert p[0::2] == pytest.approx(expected, abs=1e-14)
    assert p[1::2] == pytest.approx(np.zeros(8), abs=1e-14)


def test_a_coherent_state_is_poissonian() -> None:
    alpha = 3 - 1j
    k = np.arange(40)
    factorial = np.cumprod(np.append(1.0, k[1:]))
    assert photon_distribution(GaussianState.coherent(alpha), 40) == pytest.approx(
        np.exp(-10) * 10.0**k / factorial, abs=1e-14
    )


def test_a_displaced_squeezed_thermal_state_as_qutip_counts_it() -> None:
    size, z = 70, 4.0 * np.log(10) / 20
    unitary = qutip.displace(size, 0.8 + 0.5j) * qutip.squeeze(size, z * np.exp(2j * 0.4))
    rho = unitary * qutip.thermal_dm(size, 0.2, method="analytic") * unitary.dag()
    state = GaussianState(np.zeros(2), 1.4 * GaussianState.squeezed(4.0, 0.4).covariance).displace(0.8 + 0.5j)
    assert photon_distribution(state, 12) == pytest.approx(rho.diag().real[:12], abs=1e-7)


@given(st.floats(0.0, 12.0), st.floats(-3, 3), st.floats(-2.0, 2.0), st.floats(0.0, 1.0), fractions)
def test_counts_of_any_gaussian_state_are_a_distribution(
    db: float, angle: float, x: float, n: float, eta: float
) -> None:
    state = prepared(db, angle, x + 0.5j, n).lose(eta)
    p = photon_distribution(state, 600)
    assert np.all(p >= 0)
    assert p.sum() == pytest.approx(1, abs=1e-9)
    assert p @ np.arange(600) == pytest.approx(float(state.excitations[0]), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fock_distribution(-1, 0.5), "n must be a whole number of at least 0, got -1"),
        (lambda: fock_distribution(1.5, 0.5), "n must be a whole number"),  # type: ignore[arg-type]
        (lambda: fock_distribution(1, 1.5), "efficiency must lie in 0…1, got 1.5"),
        (lambda: fock_distribution(1, 0.5, -0.1), "background must be finite and not negative"),
        (lambda: fock_distribution(1, 0.5, 0.0, 0), "size must be a whole number of at least 1"),
        (lambda: fock_distribution(1, [0.5, 0.5], [0.0, 0.1, 0.2]), "shapes must broadcast"),
        (lambda: photon_distribution(GaussianState.vacuum(2), 3), "state must have one mode"),
    ],
)
def test_bad_arguments_are_refused_by_name(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
