"""Random collisions of one and two excitations: exact averages, enumeration, closed limits, seeds, random numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import permutations, product
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.linalg import expm

from spinlab.physics import collisions
from spinlab.physics.collisions import Gas, exact_moments, single_excitation, two_excitations
from spinlab.physics.collisions.ensemble import Realisation, kernel, new_rule, new_stream
from spinlab.physics.collisions.single import SingleState
from spinlab.physics.collisions.two import TwoState

FIGURE_3A = (100, 10_000, 2e-2, 2e-2)
SINGLE = ("F10", "F01", "P_alkali")


def pair_unitary(angle: float) -> np.ndarray:
    """exp(−iφ k·s) of two spins ½ from Pauli matrices, without the phase of ↓↓; basis ↑↑, ↑↓, ↓↑, ↓↓ (alkali first)."""
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    exchange = sum(np.kron(sigma, sigma) for sigma in pauli) / 4
    unitary = expm(-1j * angle * exchange)
    return unitary / unitary[3, 3]


def enumerated(gas: Gas, angles: list[float], weights: list[float], steps: int, start: np.ndarray) -> np.ndarray:
    """(F10, F01, P_alkali) after ``steps``, averaged over every choice of partners and of discrete angles."""
    n_a, n_b = gas.n_alkali, gas.n_noble_gas
    turn = np.exp(-1j * gas.field_angle)
    ensemble = [(1.0, start)]
    for _ in range(steps):
        following = []
        for partners in permutations(range(n_b), n_a):
            for choice in product(range(len(angles)), repeat=n_a):
                chance = float(np.prod([weights[c] for c in choice])) / len(list(permutations(range(n_b), n_a)))
                step = np.eye(n_a + n_b, dtype=complex)
                for i, (j, c) in enumerate(zip(partners, choice, strict=True)):
                    at = np.ix_([i, n_a + j], [i, n_a + j])
                    step[at] = pair_unitary(angles[c])[1:3, 1:3]
                step[:n_a] *= turn
                following += [(weight * chance, step @ psi) for weight, psi in ensemble]
        ensemble = following
    values = [
        (abs(psi[:n_a].sum()) ** 2 / n_a, abs(psi[n_a:].sum()) ** 2 / n_b, np.sum(abs(psi[:n_a]) ** 2))
        for _, psi in ensemble
    ]
    return np.average(values, axis=0, weights=[weight for weight, _ in ensemble])


# The exact averages


def test_the_exact_average_of_figure_3() -> None:
    moments = exact_moments(*FIGURE_3A, steps=3142)
    assert moments.exchange_phase[-1] == pytest.approx(np.pi, abs=5e-4)
    assert moments.F10[-1] == pytest.approx(0.626439, abs=1e-6)


@pytest.mark.parametrize(("n_a", "n_b", "steps"), [(1, 1, 3), (1, 3, 3), (2, 2, 3), (2, 3, 2), (3, 4, 2)])
@pytest.mark.parametrize("initial", ["symmetric", "localized"])
@pytest.mark.parametrize("compensation", ["paper", "exact", 0.3])
def test_the_exact_average_is_that_over_every_choice_of_partners(n_a, n_b, steps, initial, compensation) -> None:
    gas = Gas(n_a, n_b, 0.7, 0.0, compensation)
    start = np.zeros(n_a + n_b, dtype=complex)
    start[:n_a] = n_a**-0.5 if initial == "symmetric" else np.arange(n_a) == 0
    moments = exact_moments(n_a, n_b, 0.7, 0.0, steps, initial, compensation=compensation, record_every=1)
    for step in range(steps + 1):
        expected = enumerated(gas, [0.7], [1.0], step, start)
        assert [getattr(moments, name)[step] for name in SINGLE] == pytest.approx(expected, abs=1e-13)


def test_the_exact_average_is_that_over_the_angles_too() -> None:
    """Gauss–Hermite nodes have the moments of the Gaussian, to the order that O needs at these angles."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    gas = Gas(2, 3, 0.4, 0.2)
    start = np.array([1, 0, 0, 0, 0], dtype=complex)
    expected = enumerated(gas, list(0.4 + 0.2 * nodes), list(weights / weights.sum()), 1, start)
    moments = exact_moments(2, 3, 0.4, 0.2, 1, "localized")
    assert [getattr(moments, name)[-1] for name in SINGLE] == pytest.approx(expected, abs=1e-11)


def test_records_far_apart_are_those_of_a_step_at_a_time() -> None:
    fine = exact_moments(*FIGURE_3A, steps=700, record_every=1)
    coarse = exact_moments(*FIGURE_3A, steps=700, record_every=150)
    assert list(coarse.times) == [0, 150, 300, 450, 600, 700]
    for name in SINGLE:
        assert getattr(coarse, name) == pytest.approx(getattr(fine, name)[coarse.times], abs=1e-13)


def test_weak_collisions_oscillate_coherently_over_ten_million_steps() -> None:
    """⟨φ⟩ = 1e-5: only the exact compensation reaches resonance, the paper's leaves a detuning J√(N_a/N_b)."""
    resonant = exact_moments(100, 10_000, 1e-5, 0.0, 10_000_000, compensation="exact")
    phase = resonant.exchange_phase
    f10, f01, _ = resonant
    assert f10 == pytest.approx(np.cos(phase) ** 2, abs=3e-4)
    assert f01 == pytest.approx(np.sin(phase) ** 2, abs=3e-4)
    detuned = exact_moments(100, 10_000, 1e-5, 0.0, 10_000_000)
    detuning = detuned.gas.coupling * 0.1
    rabi = np.hypot(detuned.gas.coupling, detuning / 2)
    expected = (detuned.gas.coupling / rabi * np.sin(rabi * detuned.times)) ** 2
    _, f01, _ = detuned
    assert f01 == pytest.approx(expected, abs=3e-4)
    assert max(abs(expected - np.sin(phase) ** 2)) > 2e-3


@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0])
def test_one_collision_a_step_dephases_at_the_rate_of_trap_10(spread: float) -> None:
    """Populations: F10 falls at 2α⟨φ²⟩/4τ, α = (1 + var φ/⟨φ²⟩)/2, and P_alkali at ⟨φ²⟩/4τ, to a huge noble gas."""
    mean, std = 1e-3, spread * 1e-3
    square = mean**2 + std**2
    steps = round(0.01 / square)
    moments = exact_moments(1000, 10**13, mean, std, steps)
    alpha = (1 + std**2 / square) / 2
    assert -np.log(moments.F10[-1]) == pytest.approx(alpha * square / 2 * steps, rel=2e-3)
    assert -np.log(moments.P_alkali[-1]) == pytest.approx(square / 4 * steps, rel=2e-3)


@given(
    st.integers(1, 30), st.integers(0, 300), st.floats(-3, 3), st.floats(0, 3), st.integers(0, 10**6), st.floats(-4, 4)
)
def test_exact_probabilities_stay_probabilities(n_a, more, mean, std, steps, field) -> None:
    moments = exact_moments(n_a, n_a + more, mean, std, steps, "localized", compensation=field)
    f10, f01, alkali = moments
    assert np.all(f10 >= -1e-9)
    assert np.all(f01 >= -1e-9)
    assert np.all(f10 <= alkali + 1e-9)
    assert np.all(f01 <= 1 - alkali + 1e-9)


# The simulation of one excitation


@pytest.mark.parametrize("compensation", ["paper", "exact", -0.01])
@pytest.mark.parametrize("initial", ["symmetric", "localized"])
def test_realisations_scatter_around_the_exact_average(initial: str, compensation) -> None:
    how = {"steps": 3142, "initial": initial, "record_every": 400, "compensation": compensation}
    exact = exact_moments(*FIGURE_3A, **how)
    runs = single_excitation(*FIGURE_3A, **how, realisations=60, workers=2, seed=1)
    assert runs.F10.shape == (60, len(exact.times))
    for name in SINGLE:
        found = getattr(runs, name)[:, 1:]
        error = found.std(axis=0, ddof=1) / np.sqrt(60)
        assert np.all(abs(found.mean(axis=0) - getattr(exact, name)[1:]) < 4 * error)


def test_large_angles_and_a_crowded_gas_follow_the_exact_average() -> None:
    gas = (3, 4, 1.5, 1.0)
    exact = exact_moments(*gas, steps=3, initial="localized", record_every=1)
    runs = single_excitation(*gas, steps=3, initial="localized", record_every=1, realisations=4000, seed=5)
    for name in SINGLE:
        found = getattr(runs, name)[:, 1:]
        error = found.std(axis=0, ddof=1) / np.sqrt(4000)
        assert np.all(abs(found.mean(axis=0) - getattr(exact, name)[1:]) < 4 * error)


@pytest.mark.parametrize("angle", [1e-5, 2e-2, 0.3, 5.0])
def test_the_norm_stays_one(angle: float) -> None:
    state = SingleState(Gas(100, 1000, angle, angle), "localized", np.random.SeedSequence(2))
    state.advance(20_000)
    assert state.measure()[0] == pytest.approx(1, abs=1e-11)


def test_a_norm_that_drifts_is_an_error() -> None:
    class Leaking:
        def advance(self, steps: int) -> None:
            self.norm = 1 - 1e-8 * steps

        def measure(self) -> tuple[float, ...]:
            return self.norm, 0.5

    with pytest.raises(ArithmeticError, match="after 10 steps"):
        Realisation(Leaking(), np.array([10])).run_to(10)


def test_at_no_angle_nothing_happens() -> None:
    f10, f01, alkali = single_excitation(5, 9, 0.0, 0.0, 50)
    assert f10 == pytest.approx(1, abs=1e-14)
    assert f01 == pytest.approx(0, abs=1e-14)
    assert alkali == pytest.approx(1, abs=1e-14)


# Two excitations


def test_two_excitations_bunch_and_come_back() -> None:
    """Weak collisions act as the average Hamiltonian of two large spins, (φ/N_b) S·K − θ S_z: three symmetric states."""
    n_a, n_b, angle = 6, 40, 2e-4
    gas = Gas(n_a, n_b, angle, 0.0)
    quarter = round(np.pi / 4 / gas.coupling)
    result = two_excitations(n_a, n_b, angle, 0.0, 4 * quarter, record_every=quarter, seed=2)
    s, k = n_a / 2, n_b / 2
    up = np.array([[2, 0], [1, 1], [0, 2]])  # excitations in alkali and noble gas
    diagonal = gas.mean_angle / n_b * ((up[:, 0] - s) * (up[:, 1] - k) - s * k) + gas.field_angle * up[:, 0]
    raising_a, raising_b = (np.sqrt([2 * j, 2 * (2 * j - 1)]) for j in (s, k))  # ⟨n+1|S+|n⟩ for n = 0, 1
    hops = gas.mean_angle / n_b / 2 * np.array([raising_a[1] * raising_b[0], raising_a[0] * raising_b[1]])
    hamiltonian = np.diag(diagonal) + np.diag(hops, 1) + np.diag(hops, -1)
    for t, *found in zip(result.times, result.F20, result.F11, result.F02, strict=True):
        expected = abs(expm(-1j * hamiltonian * t)[:, 1]) ** 2
        assert found == pytest.approx(expected, abs=3e-3)


def test_bunching_of_large_ensembles_is_that_of_a_beam_splitter() -> None:
    n_a, n_b, angle = 40, 400, 1e-3
    quarter = round(np.pi / 4 / Gas(n_a, n_b, angle, angle).coupling)
    p20, p11, p02 = two_excitations(n_a, n_b, angle, angle, quarter, record_every=quarter, compensation="exact")
    assert p11[-1] < 0.01
    assert (p20[-1], p02[-1]) == pytest.approx((0.5, 0.5), abs=0.02)


@pytest.mark.parametrize(("n_a", "n_b"), [(1, 1), (1, 4), (2, 3)])
def test_two_excitations_follow_the_full_state_of_all_spins(n_a: int, n_b: int) -> None:
    """The same partners and angles applied to all 2^(N_a + N_b) amplitudes with exp(−iφ k·s) of each pair."""
    gas, steps = Gas(n_a, n_b, 0.8, 0.5), 6
    state = TwoState(gas, np.random.SeedSequence(4))
    state.advance(steps)
    stream = new_stream(np.random.SeedSequence(4), n_a)
    a, b = np.zeros(n_a, dtype=complex), np.zeros(n_b, dtype=complex)
    kernel("advance_single")(a, b, stream, new_rule(gas), 1)  # draws the same block

    spins = n_a + n_b
    psi = np.zeros([2] * spins, dtype=complex)  # index 1 is up
    for i, j in product(range(n_a), range(n_b)):
        psi[tuple(int(k in (i, n_a + j)) for k in range(spins))] = (n_a * n_b) ** -0.5
    order, turn = list(range(n_b)), np.exp(-1j * gas.field_angle)
    for step in range(steps):
        for i in range(n_a):
            at = step * n_a + i
            chosen = stream.partners[at]
            order[i], order[chosen] = order[chosen], order[i]
            angle = gas.mean_angle + gas.angle_std * stream.normals[at]
            pair = pair_unitary(angle)[::-1, ::-1].reshape(2, 2, 2, 2)
            axes = (i, n_a + order[i])
            psi = np.moveaxis(np.tensordot(pair, psi, axes=((2, 3), axes)), (0, 1), axes)
            psi[(slice(None),) * i + (1,)] *= turn
    in_alkali = np.indices(psi.shape)[:n_a].sum(axis=0)
    p20, p11, p02 = (np.sum(abs(psi[in_alkali == n]) ** 2) for n in (2, 1, 0))
    assert state.measure()[:4] == pytest.approx((1, p20, p11, p02), abs=1e-13)


def test_two_excitations_share_their_probability() -> None:
    p20, p11, p02 = two_excitations(4, 9, 0.3, 0.4, 300, record_every=20)
    assert p20 + p11 + p02 == pytest.approx(1, abs=1e-12)
    assert p11[0] == pytest.approx(1, abs=1e-14)


# Seeds, records, workers


@pytest.mark.parametrize("simulate", [single_excitation, two_excitations])
def test_the_seed_alone_decides(simulate: Callable) -> None:
    gas = (7, 50, 0.02, 0.03)
    first = simulate(*gas, 900, seed=11, realisations=5, record_every=300)
    for workers in (2, 3):
        again = simulate(*gas, 900, seed=11, realisations=5, record_every=300, workers=workers)
        assert all(np.array_equal(x, y) for x, y in zip(first, again, strict=True))
    alone = simulate(*gas, 900, seed=np.random.SeedSequence(11), record_every=7)
    assert alone.times[-1] == 900
    assert [x[-1] for x in alone] == [x[0, -1] for x in first]
    other = simulate(*gas, 900, seed=12)
    assert all(x[-1] != y[-1] for x, y in zip(other, alone, strict=True))
    assert all(len(set(x[:, -1])) == 5 for x in first)


def test_records_are_at_the_start_at_each_interval_and_at_the_end() -> None:
    assert list(single_excitation(2, 3, 0.1, 0.1, 10, record_every=4).times) == [0, 4, 8, 10]
    assert list(single_excitation(2, 3, 0.1, 0.1, 0).times) == [0]
    assert 500 <= len(single_excitation(2, 3, 0.1, 0.1, 3000).times) <= 1000


def test_progress_is_told_in_steps_up_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collisions.ensemble, "STRETCH", 2000)
    told: list[tuple[int, int]] = []
    single_excitation(10, 20, 0.1, 0.1, 1000, realisations=3, workers=2, progress=lambda *x: told.append(x))
    assert told[-1] == (3000, 3000)
    assert {total for _, total in told} == {3000}
    done = [steps for steps, _ in told]
    assert done == sorted(done)
    assert len(done) > 8


def test_other_threads_run_while_a_realisation_does() -> None:
    state = SingleState(Gas(100, 1000, 1e-5, 1e-5), "symmetric", np.random.SeedSequence(1))
    state.advance(1)
    thread = Thread(target=state.advance, args=(500_000,))
    thread.start()
    turns = 0
    while thread.is_alive():
        turns += 1
    assert turns > 100


# Random numbers of the compiled loops


@pytest.fixture(scope="module")
def blocks() -> tuple[np.ndarray, np.ndarray]:
    """(partners, normals) of many blocks as steps draw them: 8 alkali atoms among 20."""
    gas, n_a, n_b = Gas(8, 20, 0.01, 0.01), 8, 20
    stream = new_stream(np.random.SeedSequence(3), n_a)
    a, b = np.zeros(n_a, dtype=complex), np.zeros(n_b, dtype=complex)
    drawn = []
    for _ in range(250):
        kernel("advance_single")(a, b, stream, new_rule(gas), stream.normals.size // n_a)
        drawn.append((stream.partners.copy(), stream.normals.copy()))
    partners, normals = (np.concatenate(column) for column in zip(*drawn, strict=True))
    return partners.reshape(-1, n_a), normals


def test_normals_are_normal(blocks: tuple[np.ndarray, np.ndarray]) -> None:
    normals = blocks[1]
    n = len(normals)
    assert n > 500_000
    assert stats.kstest(normals, "norm").pvalue > 1e-3
    assert abs(normals.mean()) < 4 / np.sqrt(n)
    assert abs(normals.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs(stats.kurtosis(normals)) < 4 * np.sqrt(24 / n)
    assert np.count_nonzero(abs(normals) > 4) == pytest.approx(n * 2 * stats.norm.sf(4), rel=0.6)
    for lag in (1, 2, 1024, 2048):
        assert abs(np.corrcoef(normals[:-lag], normals[lag:])[0, 1]) < 4 / np.sqrt(n)
    half = normals.size // 250 // 2  # the two of a Box–Muller pair lie half a block apart
    assert abs(np.corrcoef(normals[:-half] ** 2, normals[half:] ** 2)[0, 1]) < 4 / np.sqrt(n)


def test_every_partner_is_as_likely_as_the_others(blocks: tuple[np.ndarray, np.ndarray]) -> None:
    for i, chosen in enumerate(blocks[0].T):
        assert stats.chisquare(np.bincount(chosen - i, minlength=20 - i)).pvalue > 1e-4


def test_partners_of_a_step_are_distinct_and_every_set_is_as_likely() -> None:
    """All 12 ordered pairs of two alkali atoms' partners among four, read off amplitudes that name their atom."""
    from spinlab.physics.collisions.kernels import bring_partners, choose_partners

    rng = np.random.default_rng(8)
    partners = np.empty(24_000, dtype=np.int64)
    choose_partners(1 + rng.random(24_000), 2, 4, partners)
    atoms = np.arange(4, dtype=complex)
    seen: dict[tuple[float, float], int] = {}
    for step in partners.reshape(-1, 2):
        bring_partners(atoms, step)
        pair = (float(atoms[0].real), float(atoms[1].real))
        seen[pair] = seen.get(pair, 0) + 1
    assert sorted(atoms.real) == [0, 1, 2, 3]
    assert set(seen) == set(permutations(range(4), 2))
    assert stats.chisquare(list(seen.values())).pvalue > 1e-4


@pytest.mark.parametrize(("mean", "std"), [(1e-5, 1e-5), (0.2, 5e-3), (0.0, 0.0292), (0.0, 0.0298), (2.0, 3.0)])
def test_the_exchange_amplitude_has_all_its_digits(mean: float, std: float) -> None:
    stream = new_stream(np.random.SeedSequence(6), 4)
    a, b = np.zeros(4, dtype=complex), np.zeros(9, dtype=complex)
    kernel("advance_single")(a, b, stream, new_rule(Gas(4, 9, mean, std)), 1)
    angle = mean + std * stream.normals
    assert stream.exchange.imag == pytest.approx(-np.sin(angle) / 2, rel=1e-14, abs=1e-16)
    assert stream.exchange.real == pytest.approx(np.sin(angle / 2) ** 2, rel=1e-14, abs=1e-300)


@settings(max_examples=20)
@given(st.floats(-0.25, 0.25))
def test_the_series_is_exact_where_it_is_used(angle: float) -> None:
    from spinlab.physics.collisions.kernels import small_exchanges

    exchange = np.empty(1, dtype=complex)
    small_exchanges(np.array([0.0]), angle, 0.0, exchange)
    assert exchange[0].real == pytest.approx(np.sin(angle / 2) ** 2, rel=1e-14, abs=1e-300)
    assert exchange[0].imag == pytest.approx(-np.sin(angle) / 2, rel=1e-15, abs=1e-300)


# Bad input, and the cost of importing


@pytest.mark.parametrize("simulate", [single_excitation, two_excitations, exact_moments])
@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"n_alkali": 0}, "n_alkali"),
        ({"n_alkali": 2.5}, "n_alkali"),
        ({"n_alkali": 2**53}, "n_alkali"),
        ({"n_noble_gas": 4}, "n_noble_gas"),
        ({"mean_angle": float("nan")}, "mean_angle"),
        ({"angle_std": -1e-3}, "angle_std"),
        ({"angle_std": float("inf")}, "angle_std"),
        ({"angle_std": 1e200}, "angle_std"),
        ({"mean_angle": -1e300}, "mean_angle"),
        ({"steps": -1}, "steps"),
        ({"record_every": 0}, "record_every"),
        ({"compensation": "perfect"}, "compensation"),
        ({"compensation": float("inf")}, "compensation"),
    ],
)
def test_bad_arguments_are_refused_by_name(simulate: Callable, changes: dict, names: str) -> None:
    good = {"n_alkali": 5, "n_noble_gas": 9, "mean_angle": 0.1, "angle_std": 0.1, "steps": 3}
    with pytest.raises(ValueError, match=f"^{names}"):
        simulate(**{**good, **changes})


@pytest.mark.parametrize(
    ("simulate", "changes"),
    [
        (exact_moments, {"initial": "uniform"}),
        (single_excitation, {"initial": "uniform"}),
        (single_excitation, {"seed": -1}),
        (single_excitation, {"seed": 0.5}),
        (two_excitations, {"realisations": 0}),
        (two_excitations, {"workers": 0}),
    ],
)
def test_bad_options_are_refused_by_name(simulate: Callable, changes: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        simulate(2, 3, 0.1, 0.1, 3, **changes)


def run_python(code: str, **environment: str) -> str:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), **environment},
    )
    return done.stdout.strip()


def test_numba_is_imported_by_a_simulation_only() -> None:
    code = """
import sys
from spinlab.physics import collisions
collisions.exact_moments(2, 3, .1, .1, 5)
print("numba" in sys.modules)
"""
    assert run_python(code) == "False"


def test_a_second_process_finds_the_compiled_loop(tmp_path: Path) -> None:
    code = """
from spinlab.physics import collisions
from spinlab.physics.collisions import kernels
collisions.single_excitation(2, 3, .1, .1, 5)
print(sum(kernels.advance_single.stats.cache_hits.values()))
"""
    assert run_python(code, NUMBA_CACHE_DIR=str(tmp_path)) == "0"
    assert run_python(code, NUMBA_CACHE_DIR=str(tmp_path)) == "1"
