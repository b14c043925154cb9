"""N spatial modes under a timeline: two modes and the sphere as limits, SciPy as a witness, noise that stays what it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from spinlab.physics.finite_volume import cell_faces, graded_faces
from spinlab.physics.mixture import KATZ_K_HE3
from spinlab.physics.propagation import Cell, CellState, Control, Sampling, Stretch
from spinlab.physics.spatial import SphericalCell
from spinlab.physics.spatial_propagation import SpatialCell
from spinlab.physics.spatial_substeps import decompose

PUMPING = 1193.526
READ, STORAGE = 18e-6, 1e-4
MIXTURE = replace(KATZ_K_HE3, noble_gas_relaxation=4.4e-6)
RESONANCE = MIXTURE.compensation_field
START = CellState(0.95, 0.75, STORAGE)


def sphere(modes: int, **options: Any) -> SphericalCell:
    return SphericalCell.of(MIXTURE, modes=modes, form="graded", **options)


def cell(modes: int, time_constant: float = 1e-5, **options: Any) -> SpatialCell:
    return SpatialCell(MIXTURE, sphere(modes, **options), time_constant)


def shot(storage: float = 60.0) -> list[Stretch]:
    """Gate, edge, signal pulse, hold, record, storage, second hold, record."""
    across = 2e-12
    steps = [(STORAGE, 0, 0, 5e-6), (RESONANCE, 0, 0, 5e-5), (RESONANCE, 0, 5e3, 2e-5), (RESONANCE, 0, 0, 1.5127e-3)]
    steps += [(READ, 0, 0, 5e-3), (STORAGE, PUMPING, 0, storage), (RESONANCE, 0, 0, 1.5827e-3), (READ, 0, 0, 5e-3)]
    return [Stretch(Control(field, pumping, tilt, across), duration) for field, pumping, tilt, duration in steps]


LAST_RECORD = Sampling(60.0 + 8.171e-3 + 1e-4 + np.arange(4000) * 1e-6, 0.9e-6)


@pytest.mark.parametrize(
    "limit", [{"wall": "neumann"}, {"alkali_diffusion": 0.0}, {"alkali_diffusion": 0.0, "noble_gas_diffusion": 0.0}]
)
def test_without_a_wall_or_without_diffusion_it_is_the_uniform_cell(limit: dict[str, Any]) -> None:
    plain = Cell(MIXTURE, 1e-5)
    states, samples = plain.play(START, shot(), [LAST_RECORD])
    spatial = cell(5, **limit)
    again, seen = spatial.play(START, shot(), [LAST_RECORD])
    for ours, theirs in zip(again, states, strict=True):
        assert spatial.transverse_spin(ours) == pytest.approx(theirs.alkali, abs=1e-9)
        assert ours.noble_gas[0] == pytest.approx(theirs.noble_gas, abs=1e-12)
        assert ours.alkali[1:] == pytest.approx(0, abs=1e-9)
        assert ours.field == theirs.field
        assert ours.alkali_polarization == theirs.alkali_polarization
    assert np.abs(samples[0]).max() > 0.03
    assert seen[0] == pytest.approx(samples[0], abs=1e-9)
    record = shot()[-1]
    assert spatial.recorded_spin(again[-2], record) == pytest.approx(plain.recorded_spin(states[-2], record), abs=1e-9)


def test_a_volume_belongs_to_the_radius_and_noise_to_the_volume() -> None:
    assert cell(3).volume == pytest.approx(6.864e-5, rel=1e-3)
    assert cell(3, radius=0.01).volume == pytest.approx(4.18879e-6, rel=1e-5)
    assert SpatialCell(MIXTURE, sphere(3), volume=1e-6).volume == 1e-6


def test_cut_off_analytic_modes_are_refused_and_so_is_another_number_of_amplitudes() -> None:
    with pytest.raises(ValueError, match="'modal'"):
        SpatialCell(MIXTURE, replace(sphere(4), form="modal"))
    with pytest.raises(ValueError, match=r"one number or 4 amplitudes, got shape \(3,\)"):
        cell(4).play(replace(START, alkali=np.zeros(3, dtype=complex)), shot())


# --- against the sphere, polarizations standing still


def frozen(pumping: float = PUMPING) -> tuple[SpatialCell, SphericalCell, float]:
    """A cell whose polarizations stay, the same sphere at these, and p_a."""
    mixture = replace(MIXTURE, spin_exchange_coefficient=0.0, noble_gas_relaxation=0.0)
    p_a = pumping / (pumping + mixture.electron_destruction)
    mixture = replace(mixture, alkali_polarization=p_a)
    rates = {"alkali_decay": (mixture.electron_destruction + pumping) / mixture.slowing_down, "noble_gas_decay": 0.0}
    still = SphericalCell.of(mixture, modes=7, form="graded", **rates)
    return SpatialCell(mixture, still), still, p_a


@settings(max_examples=10)
@given(
    detuning=st.floats(-3e3, 3e3),
    duration=st.floats(1e-5, 4e-3),
    seed=st.integers(0, 100),
)
def test_frozen_polarizations_give_the_propagator_of_the_sphere(detuning: float, duration: float, seed: int) -> None:
    ours, still, p_a = frozen()
    mixture, n = ours.mixture, 7
    field = mixture.compensation_field - detuning / (mixture.alkali_gyromagnetic - mixture.noble_gas_gyromagnetic)
    random = np.random.default_rng(seed)
    begin = random.standard_normal(2 * n) + 1j * random.standard_normal(2 * n)
    f_z, k_z = mixture.slowing_down * p_a / 2, 0.75 / 2
    unit = np.repeat([np.sqrt(2 * f_z / mixture.alkali_density), np.sqrt(2 * k_z / mixture.noble_gas_density)], n)
    unit /= unit[0]
    # the sphere orders the alkali's own modes, the cell those of the noble gas
    turn = np.eye(2 * n)
    turn[:n, :n] = still.geometry.overlap
    spins = unit * (turn.T @ begin)
    state = CellState(p_a, 0.75, field, spins[:n], spins[n:])
    end, _ = ours.evolve(state, Control(field, PUMPING), duration)
    helium = np.exp(-1j * float(mixture.noble_gas_larmor(field)) * duration)  # its rotating frame
    expected = helium * (still.propagator(duration, float(mixture.detuning(field))) @ begin)
    found = turn @ (np.concatenate([end.alkali, end.noble_gas]) / unit)
    assert found == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("field", [READ, STORAGE])
def test_an_hour_at_the_wall_costs_what_the_sphere_says(field: float) -> None:
    ours, still, p_a = frozen()
    lifetime = still.storage_time(float(ours.mixture.detuning(field)))
    state = CellState(p_a, 0.75, field, noble_gas=1e-4)
    settled, _ = ours.evolve(state, Control(field, PUMPING), 60.0)  # only the longest-lived mode is left
    after, _ = ours.evolve(settled, Control(field, PUMPING), 3600.0)
    kept = np.linalg.norm(after.noble_gas) / np.linalg.norm(settled.noble_gas)
    assert kept**2 == pytest.approx(np.exp(-3600 / lifetime), rel=1e-4)
    two = Cell(ours.mixture).evolve(state, Control(field, PUMPING), 3600.0)[0]
    assert abs(two.noble_gas) > 1e-4 * kept * 1.05  # the wall is what costs


def test_one_long_step_of_a_still_cell_is_many_short_ones() -> None:
    ours, _, p_a = frozen()
    whole = pieces = CellState(p_a, 0.75, READ, noble_gas=1e-4)
    control = Control(READ, PUMPING)
    whole, _ = ours.evolve(whole, control, 20.0)
    for _ in range(50):
        pieces, _ = ours.evolve(pieces, control, 0.4)
    assert pieces.noble_gas == pytest.approx(whole.noble_gas, abs=1e-4 * 1e-7)
    assert pieces.alkali == pytest.approx(whole.alkali, abs=1e-8)


# --- against SciPy


def direct(ours: SpatialCell, state: CellState, control: Control, duration: float, times: Any) -> tuple[Any, Any]:
    """f and k on shells, their fluxes between neighbours and to the wall, p_a and p_b: the equations as written.

    Returns the volume averages of f and k at the end and of Re f/q at ``times``.
    """
    mixture, rates, n = ours.mixture, ours.rates, ours.diffusion.count
    faces = graded_faces(n)
    volumes, middles = np.diff(faces**3), (faces[1:] + faces[:-1]) / 2
    flows = 3 * faces[1:-1] ** 2 / np.diff(middles)
    strength, n_a, n_b = mixture.exchange_strength, mixture.alkali_density, mixture.noble_gas_density
    g_e, g_b = mixture.electron_gyromagnetic, mixture.noble_gas_gyromagnetic
    d_a, d_b = (d / ours.sphere.radius**2 for d in (ours.sphere.alkali_diffusion, ours.sphere.noble_gas_diffusion))

    def spread(x: Any, wall: float) -> Any:
        flux = flows * np.diff(x)
        return (np.append(flux, 0.0) - np.append(0.0, flux) - wall * x * (np.arange(n) == n - 1)) / volumes

    def slopes(t: float, y: Any) -> Any:
        f, k, (p_a, p_b) = y[:n], y[n : 2 * n], y[2 * n :].real
        b = control.field + (state.field - control.field) * np.exp(-t / ours.time_constant)
        q = float(ours.slowing_down(p_a))
        line = (g_e * b - strength * p_b * n_b / 2) / q
        helium = g_b * b - strength * p_a * n_a / 2
        across = -1j * control.transverse_field
        df = (-1j * line - rates.total(control.pumping_rate) / q) * f - 0.5j * strength * n_b * p_a * k
        df += q * p_a / 2 * control.tilt_rate + p_a / 2 * g_e * across + d_a * spread(f, 3 / (1 - middles[-1]))
        dk = (-1j * helium - mixture.noble_gas_decay) * k - 0.5j * strength / q * n_a * p_b * f
        dk += p_b / 2 * g_b * across + d_b * spread(k, 0.0)
        slow = [rates.alkali_slope(p_a, p_b, control.pumping_rate), rates.noble_gas_slope(p_a, p_b)]
        return np.concatenate([df, dk, slow])

    begin = np.concatenate(
        [
            np.full(n, complex(state.alkali)),
            np.full(n, complex(state.noble_gas)),
            [state.alkali_polarization + 0j, 0.75],
        ]
    )
    found = solve_ivp(slopes, (0, duration), begin, "DOP853", t_eval=times, rtol=1e-9, atol=1e-12).y
    q = ours.slowing_down(found[2 * n].real)
    return (volumes @ found[:n, -1], volumes @ found[n : 2 * n, -1]), (volumes @ found[:n]).real / q


@pytest.mark.parametrize(
    ("before", "goal", "tilt", "duration", "error"),
    [
        (STORAGE, RESONANCE, 0.0, 4e-4, 4e-5),  # the coil's approach, cut as coarsely as for two modes
        (RESONANCE, RESONANCE, 5e3, 2e-5, 1e-6),
        (RESONANCE, READ, 0.0, 4e-4, 5e-6),
    ],
)
def test_moving_polarizations_coil_and_drives_follow_the_differential_equation(
    before: float, goal: float, tilt: float, duration: float, error: float
) -> None:
    ours = cell(4, radius=2e-3)  # small: microseconds of diffusion show
    state = CellState(0.95, 0.75, before, alkali=0.05 + 0.1j, noble_gas=1e-4j)
    control = Control(goal, tilt_rate=tilt, transverse_field=2e-12)
    times = np.linspace(0, duration, 41)
    (f, k), samples = direct(ours, state, control, duration, times)
    end, seen = ours.evolve(state, control, duration, Sampling(times[10:-1]))
    assert ours.transverse_spin(end) == pytest.approx(f, abs=error)
    assert end.noble_gas[0] == pytest.approx(k, abs=error / 1e3)
    assert seen == pytest.approx(samples[10:-1], abs=error)
    two, _ = Cell(MIXTURE, 1e-5).evolve(state, control, duration)
    assert abs(f - two.alkali) > 2e-3


def test_a_sample_is_the_mean_over_its_aperture() -> None:
    ours = cell(4, radius=2e-3)
    state = replace(START, field=READ, alkali=0.1)
    wide, fine = 2e-6, np.arange(4000) * 1e-8
    _, each = ours.evolve(state, Control(READ), 1e-4, Sampling(fine + 1e-5 + 0.5e-8))
    _, mean = ours.evolve(state, Control(READ), 1e-4, Sampling(1e-5 + np.arange(20) * wide, wide))
    assert mean == pytest.approx(each.reshape(20, 200).mean(axis=1), abs=1e-6)


# --- decomposition, records and noise


def test_a_defective_generator_is_parted_and_still_exponentiates() -> None:
    """J = (γ − γ_b)/2: both eigenvalues and both eigenvectors coincide."""
    double = np.array([[[-2, -1j], [-1j, 0]], [[-2, -1e3j], [-1e-3j, 0]], [[-2, -1j], [0, 0]]], dtype=complex)
    rates, vectors, inverse = decompose(double, 1)
    for matrix, rate, v, w in zip(double, rates, vectors, inverse, strict=True):
        assert (v * np.exp(rate)) @ w == pytest.approx(expm(matrix), rel=1e-7, abs=1e-9)


def test_a_record_tells_what_a_fit_of_it_finds() -> None:
    """The layer at the wall grows as √t: the fit, in which the chirp pins the decay, misses 2 % of what there was."""
    from spinlab.analysis.fid import Decay, fit_fid

    ours, record = cell(10), Stretch(Control(READ), 10.1e-3)
    state = CellState(0.945, 0.75, RESONANCE, alkali=0.1)
    times = 1e-4 + np.arange(10000) * 1e-6
    _, samples = ours.play(state, [record], [Sampling(times)])
    _, uniform = Cell(MIXTURE, 1e-5).play(state, [record], [Sampling(times)])
    decay = Decay(ours.rates, 0.945, 0.75, 0.0, 1e-4, 1e6, 0.0)
    fitted = abs(fit_fid(samples[0], decay).amplitude / fit_fid(uniform[0], decay).amplitude)
    assert abs(ours.recorded_spin(state, record)) / 0.1 == pytest.approx(fitted, abs=2e-4)
    assert fitted == pytest.approx(0.981, abs=2e-3)


def normals_of(random: np.random.Generator) -> Any:
    def normals(count: int) -> Any:
        return (random.standard_normal(count) + 1j * random.standard_normal(count)) / np.sqrt(2)

    return normals


@pytest.mark.parametrize(
    ("field", "pumping", "duration", "runs"), [(READ, PUMPING, 5e-3, 300), (STORAGE, PUMPING, 7200.0, 150)]
)
def test_projection_noise_is_stationary_in_every_mode(field: float, pumping: float, duration: float, runs: int) -> None:
    """Whether the alkali's line or the helium at the wall has forgotten how it began: q/2N_a and 1/2N_b stay."""
    ours, normals, ends = cell(3, radius=5e-3), normals_of(np.random.default_rng(5)), []
    for _ in range(runs):
        state = ours.thermal(CellState(0.95, 0.75, field), normals)
        state, _ = ours.evolve(state, Control(field, pumping), duration, normals=normals)
        ends.append([state.alkali, state.noble_gas])
    alkali, noble_gas = np.mean(np.abs(np.array(ends)) ** 2, axis=0)
    q = float(ours.slowing_down(0.95))
    assert alkali == pytest.approx(q / (2 * MIXTURE.alkali_density * ours.volume), rel=0.3)
    assert noble_gas == pytest.approx(1 / (2 * MIXTURE.noble_gas_density * ours.volume), rel=0.3)


def test_the_same_normals_give_the_same_noise_and_others_another() -> None:
    ours = cell(3)
    first, second, other = (
        ours.evolve(START, Control(READ), 1e-3, normals=normals_of(np.random.default_rng(seed)))[0]
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first.alkali, second.alkali)
    assert not np.array_equal(first.alkali, other.alkali)


# --- shells for few modes


def test_twelve_graded_shells_do_what_a_hundred_others_do() -> None:
    assert graded_faces(12)[[0, -1]] == pytest.approx([0, 1], abs=1e-15)
    assert np.diff(graded_faces(12))[-1] < np.diff(cell_faces(30))[-1]
    few, many = sphere(12), SphericalCell.of(MIXTURE, modes=100)
    exchange = np.pi / 2 / MIXTURE.coupling
    assert few.transfer(exchange)[0] == pytest.approx(many.transfer(exchange)[0], abs=8e-4)
    for field in (READ, STORAGE):
        detuning = float(MIXTURE.detuning(field))
        assert few.storage_time(detuning) == pytest.approx(many.storage_time(detuning), rel=0.03)
