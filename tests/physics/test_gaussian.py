"""Gaussian states and their channels: closed forms, uncertainty, and the master equation of QuTiP."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import qutip
from hypothesis import given
from hypothesis import strategies as st

from spinlab.physics.gaussian import GaussianState, squeezing_db
from spinlab.physics.langevin import Langevin
from spinlab.physics.segments import Hold, Ramp
from spinlab.physics.two_mode import TwoMode

angles = st.floats(-np.pi, np.pi)
decibels = st.floats(0.0, 15.0)
fractions = st.floats(0.0, 1.0)
noises = st.floats(0.0, 3.0)


def prepared(decibel: float, angle: float, alpha: complex, noise: float) -> GaussianState:
    """Any single-mode Gaussian state."""
    return GaussianState.squeezed(decibel, angle).lose(1.0, noise).displace(alpha)


def two_modes(modes: TwoMode, detuning: float, size: int, noise: tuple[float, float]) -> tuple[list[qutip.Qobj], ...]:
    """Operators a, b, their Hamiltonian and collapse operators in a small Fock space: the master equation of Eq. 2."""
    a = qutip.tensor(qutip.destroy(size), qutip.qeye(size))
    b = qutip.tensor(qutip.qeye(size), qutip.destroy(size))
    hamiltonian = modes.coupling * (a.dag() * b + b.dag() * a) - detuning * a.dag() * a
    collapses = []
    for operator, rate, n in ((a, modes.alkali_decay, noise[0]), (b, modes.noble_gas_decay, noise[1])):
        collapses += [np.sqrt(2 * rate * (n + 1)) * operator, np.sqrt(2 * rate * n) * operator.dag()]
    return [a, b], [hamiltonian], [c for c in collapses if c.norm() > 0]


def test_seven_decibel_of_alkali_squeezing_reach_the_noble_gas() -> None:
    modes = TwoMode(1000.0, 17.5)
    state = GaussianState.squeezed(7.0).join(GaussianState.vacuum()).evolve(modes, np.pi / 2000)
    noble_gas = state.mode(1)
    assert squeezing_db(noble_gas) == pytest.approx(-6.5527, abs=5e-5)
    assert squeezing_db(noble_gas, np.pi / 2) == pytest.approx(-6.5527, abs=5e-5)  # x of one becomes p of the other
    assert squeezing_db(noble_gas, 0.0) > 6


def test_a_master_equation_gives_the_same_means_and_covariance() -> None:
    modes, detuning, noise, time, size = TwoMode(1.0, 0.3, 0.1), 0.7, (0.1, 0.05), 0.8, 11
    (a, b), (hamiltonian,), collapses = two_modes(modes, detuning, size, noise)
    squeeze = qutip.squeeze(size, 2.0 * np.log(10) / 20 * np.exp(0.6j)) * qutip.basis(size, 0)
    start = qutip.ket2dm(qutip.tensor(squeeze, qutip.coherent(size, 0.3j, method="analytic")))
    rho = qutip.mesolve(hamiltonian, start, [0.0, time], collapses, options={"atol": 1e-9, "rtol": 1e-7}).final_state
    quadratures = [a + a.dag(), -1j * (a - a.dag()), b + b.dag(), -1j * (b - b.dag())]
    mean = np.array([qutip.expect(x, rho) for x in quadratures])
    both = np.array([[qutip.expect(x * y + y * x, rho).real / 2 for y in quadratures] for x in quadratures])
    ours = (
        GaussianState.squeezed(2.0, 0.3)
        .join(GaussianState.coherent(0.3j))
        .evolve(modes, time, detuning, Langevin.thermal(*noise))
    )
    assert ours.mean == pytest.approx(mean, abs=1e-5)
    assert ours.covariance == pytest.approx(both - np.outer(mean, mean), abs=1e-4)


def test_evolution_may_go_through_segments() -> None:
    modes, start = TwoMode(1000.0, 17.5, 3.0), GaussianState.squeezed(7.0).join(GaussianState.thermal(0.17))
    noise = Langevin.polarized(0.95, 0.75)
    whole = start.through(noise.sequence(modes, [Hold(1e-3, 0.0), Ramp(5e-4, 0.0, 4e3)], 1.5e-3))
    first = start.evolve(modes, 1e-3, noise=noise)
    second = first.through(noise.sequence(modes, [Ramp(5e-4, 0.0, 4e3)], 5e-4))
    assert whole.covariance == pytest.approx(second.covariance, abs=1e-12)


def test_without_decay_a_pure_state_stays_pure_and_excitations_are_conserved() -> None:
    start = GaussianState.squeezed(6.0, 0.4).displace(1 + 2j).join(GaussianState.coherent(-0.5j))
    end = start.evolve(TwoMode(1000.0, 0.0), 0.7e-3, 432.0)
    assert end.purity == pytest.approx(1, abs=1e-10)
    assert end.excitations.sum() == pytest.approx(start.excitations.sum(), rel=1e-12)
    assert end.mode(1).purity < 0.99  # entangled


def test_everything_ends_in_the_reservoirs_state() -> None:
    start = GaussianState.squeezed(10.0).join(GaussianState.coherent(5.0))
    end = start.evolve(TwoMode(1000.0, 17.5), 10.0, noise=Langevin.thermal(0.0263))
    assert end.mean == pytest.approx(np.zeros(4), abs=1e-12)
    assert end.covariance == pytest.approx((1 + 2 * 0.0263) * np.eye(4), abs=1e-12)


@given(decibels, angles, noises, fractions, noises)
def test_a_loss_does_what_its_formula_says(db: float, angle: float, before: float, eta: float, n: float) -> None:
    state = prepared(db, angle, 1 - 0.5j, before)
    lost = state.lose(eta, n)
    for theta in (0.0, 0.7, 2.0):
        assert lost.variance(theta) == pytest.approx(eta * state.variance(theta) + 1 - eta + 2 * n, rel=1e-12)
    assert lost.amplitudes == pytest.approx(np.sqrt(eta) * state.amplitudes, abs=1e-12)
    assert lost.excitations == pytest.approx(eta * state.excitations + n, rel=1e-9, abs=1e-9)


@given(decibels, angles)
def test_the_squeezed_quadrature_is_where_it_was_put(db: float, angle: float) -> None:
    state = GaussianState.squeezed(db, angle)
    assert squeezing_db(state, angle) == pytest.approx(-db, abs=1e-9)
    assert squeezing_db(state, angle + np.pi / 2) == pytest.approx(db, abs=1e-9)
    assert squeezing_db(state) == pytest.approx(-db, abs=1e-9)
    assert squeezing_db(state.rotate(0.3), angle + 0.3) == pytest.approx(-db, abs=1e-9)
    assert state.purity == pytest.approx(1, abs=1e-9)


@given(decibels, angles, noises, fractions, st.floats(0.0, 0.01), st.floats(-500.0, 500.0))
def test_no_evolution_breaks_the_uncertainty_relation(
    db: float, angle: float, n: float, eta: float, time: float, delta: float
) -> None:
    state = prepared(db, angle, 1.0, n).lose(eta).join(GaussianState.thermal(n))
    end = state.evolve(TwoMode(1000.0, 17.5, 40.0), time, delta, Langevin.polarized(0.9, 0.6))
    assert 0 < end.purity <= 1 + 1e-9  # and the constructor has checked σ + iΩ ≥ 0


def test_coherent_states_overlap_as_they_should() -> None:
    one, other = GaussianState.coherent(1 + 1j), GaussianState.coherent(0.5 - 0.2j)
    assert one.fidelity(other) == pytest.approx(np.exp(-(abs(0.5 + 1.2j) ** 2)), rel=1e-12)


@given(decibels, angles, noises)
def test_every_state_is_itself(db: float, angle: float, n: float) -> None:
    state = prepared(db, angle, 0.3j, n)
    assert state.fidelity(state) == pytest.approx(1, abs=1e-8)


def test_the_fidelity_of_mixed_states_is_uhlmanns() -> None:
    size = 60
    squeeze = qutip.squeeze(size, 3.0 * np.log(10) / 20)
    warm = squeeze * qutip.thermal_dm(size, 0.3, method="analytic") * squeeze.dag()
    cold = qutip.thermal_dm(size, 0.1, method="analytic")
    shifted = qutip.displace(size, 0.4 - 0.2j) * cold * qutip.displace(size, 0.4 - 0.2j).dag()
    ours = GaussianState(np.zeros(2), 1.6 * GaussianState.squeezed(3.0).covariance)
    theirs = GaussianState.thermal(0.1).displace(0.4 - 0.2j)
    assert ours.fidelity(theirs) == pytest.approx(qutip.fidelity(warm, shifted) ** 2, abs=1e-6)
    assert theirs.fidelity(ours) == pytest.approx(ours.fidelity(theirs), rel=1e-12)


def test_squeezing_of_a_bare_covariance_and_of_collective_quadratures() -> None:
    assert squeezing_db(np.diag([0.1, 10.0])) == pytest.approx(-10)
    assert squeezing_db(np.diag([0.1, 10.0]), [0.0, np.pi / 2]) == pytest.approx([-10, 10])
    half = GaussianState.squeezed(7.0).join(GaussianState.vacuum()).evolve(TwoMode(1000.0, 0.0), np.pi / 4000)
    assert squeezing_db(half) == pytest.approx(-7.0)  # of the right sum of both modes
    assert squeezing_db(half.mode(0)) > -3  # each alone has half of it


def test_a_state_cannot_be_changed_afterwards() -> None:
    covariance = np.eye(2)
    state = GaussianState(np.zeros(2), covariance)
    covariance[0, 0] = 9.0
    assert state.covariance[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        state.covariance[0, 0] = 2.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GaussianState(np.zeros(3), np.eye(3)), "mean must have shape"),
        (lambda: GaussianState(np.zeros(2), np.eye(4)), "covariance must be 2 × 2"),
        (lambda: GaussianState(np.zeros(2), np.diag([0.5, 1.0])), "covariance must obey uncertainty"),
        (lambda: GaussianState(np.zeros(2), np.diag([-1.0, -1.0])), "covariance must obey uncertainty"),
        (lambda: GaussianState(np.zeros(2), np.diag([0.0, 1e12])), "covariance must obey uncertainty"),
        (lambda: GaussianState(np.zeros(2), [[2.0, 0.1], [0.0, 2.0]]), "covariance must be symmetric"),
        (lambda: GaussianState([0.0, np.nan], np.eye(2)), "mean.*got nan"),
        (lambda: GaussianState.thermal(-0.1), "excitations must be finite and not negative.*-0.1"),
        (lambda: GaussianState.coherent(np.inf), "amplitudes"),
        (lambda: GaussianState.squeezed(-7.0), "decibel must be finite and not negative.*-7"),
        (lambda: GaussianState.squeezed(61.0), "decibel must be at most 60, got 61"),
        (lambda: GaussianState.vacuum(0), "modes must be a whole number of at least 1"),
        (lambda: GaussianState.vacuum().lose(1.2), "efficiency must lie in 0…1, got 1.2"),
        (lambda: GaussianState.vacuum().lose(0.5, -0.1), "background"),
        (lambda: GaussianState.vacuum().lose([0.5, 0.5]), "efficiency must be one number or 1"),
        (lambda: GaussianState.vacuum().displace(1.0, 2.0), "amplitudes must have shape"),
        (lambda: GaussianState.vacuum().mode(1), "index must lie in 0…0, got 1"),
        (lambda: GaussianState.vacuum().evolve(TwoMode(1.0, 1.0), 1.0), "propagator must have shape .1, 1."),
        (lambda: GaussianState.vacuum(2).evolve(TwoMode(1.0, 1.0), -1.0), "time must be finite and not negative"),
        (lambda: GaussianState.vacuum(2).evolve(TwoMode(1.0, 1.0), [1.0]), "time must be one number, got shape"),
        (lambda: GaussianState.vacuum(2).variance(0.0), "state must have one mode"),
        (lambda: GaussianState.vacuum(2).fidelity(GaussianState.vacuum()), "state must have one mode"),
        (lambda: squeezing_db(0.2), "covariance must have shape"),
        (lambda: squeezing_db(np.diag([0.1, 0.1])), "covariance must obey uncertainty"),
    ],
)
def test_bad_arguments_are_refused_by_name(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
