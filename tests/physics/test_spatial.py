"""A spherical cell: against two modes, other discretisations, closed forms of the wall layer, and what must not change."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from spinlab.physics import KATZ_K_HE3, Hold, Langevin, Ramp, Robin, SphericalCell, SpinNoise, TwoMode
from spinlab.physics.coupled_modes import REMEMBERED
from spinlab.physics.decomposition import Direct, Spectral
from spinlab.physics.diffusion import HELIUM3_IN_ITSELF, POTASSIUM_IN_HELIUM, diffusion_constant
from spinlab.physics.spin_noise import thermal_occupation
from tests.physics.sphere import transferred

J = KATZ_K_HE3.coupling
FULL = np.pi / 2 / J
STORED = float(KATZ_K_HE3.detuning(18e-6))  # at 180 mG
FORMS = ["finite_volume", "modal", "renormalised"]
QUIET = SpinNoise()
walls = st.one_of(st.sampled_from(["dirichlet", "neumann"]), st.floats(1e-6, 1.0))


def cell(**options: Any) -> SphericalCell:
    return SphericalCell.of(KATZ_K_HE3, **options)


def test_a_cell_needs_its_size_and_its_diffusion_only() -> None:
    plain = SphericalCell(radius=25.4e-3, alkali_diffusion=6.3e-6, noble_gas_diffusion=3e-5)
    assert (plain.wall, plain.modes, plain.form) == ("dirichlet", 100, "finite_volume")
    assert (plain.coupling, plain.alkali_decay, plain.noble_gas_decay) == (
        J,
        KATZ_K_HE3.alkali_decay,
        KATZ_K_HE3.noble_gas_decay,
    )
    assert plain.propagator(0.0).shape == (200, 200)
    assert plain.propagator([[0.0, FULL]], 5.0).shape == (1, 2, 200, 200)
    assert all(isinstance(value, float) for value in plain.transfer(FULL))


def test_the_cell_of_figure_4_transfers_what_an_independent_discretisation_says() -> None:
    assert abs(transferred(cell(), 0.0, FULL, count=100)) ** 2 == pytest.approx(0.95861, abs=2e-6)
    assert cell().transfer(FULL)[0] == pytest.approx(abs(transferred(cell(), 0.0, FULL, count=100)) ** 2, abs=5e-5)


@pytest.mark.parametrize("wall", [1e-5, 3e-4, 1e-2])
@pytest.mark.parametrize("detuning", [0.0, 700.0])
def test_so_do_partly_coated_ones_on_and_off_resonance(wall: float, detuning: float) -> None:
    efficiency, _ = cell(wall=Robin(wall), modes=50).transfer(FULL, detuning)
    assert efficiency == pytest.approx(abs(transferred(cell(), wall / 25.4e-3, FULL, detuning)) ** 2, abs=2e-4)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("detuning", [0.0, 2e4])
def test_a_coated_cell_with_a_uniform_excitation_is_exactly_two_modes(form: str, detuning: float) -> None:
    times = np.linspace(0, 5e-3, 7)
    coated = cell(wall="neumann", form=form, modes=30)
    two = KATZ_K_HE3.two_mode().propagator(times, detuning)[:, 1, 0]
    after = coated.amplitudes(coated.prepared_mode, times, detuning)
    assert after[:, 30] == pytest.approx(two, abs=1e-11)
    assert np.delete(after, [0, 30], axis=1) == pytest.approx(0, abs=1e-11)


@pytest.mark.parametrize("form", ["finite_volume", "renormalised"])
def test_without_diffusion_every_wall_gives_two_modes(form: str) -> None:
    still = SphericalCell(0.01, 0.0, 0.0, wall="dirichlet", modes=20, form=form)  # type: ignore[arg-type]
    times = np.linspace(0, 5e-3, 7)
    two = KATZ_K_HE3.two_mode().propagator(times, 300.0)[:, 1, 0]
    assert still.amplitudes(still.prepared_mode, times, 300.0)[:, 20] == pytest.approx(two, abs=1e-10)


def test_one_mode_each_is_two_modes() -> None:
    single = SphericalCell(0.01, 6e-6, 3e-5, wall="neumann", modes=1)
    assert single.propagator(1e-3, 50.0) == pytest.approx(KATZ_K_HE3.two_mode().propagator(1e-3, 50.0), abs=1e-12)


def test_finite_volumes_converge_at_second_order_and_the_modal_form_on_the_same_number() -> None:
    exact = abs(transferred(cell(), 0.0, FULL, count=100)) ** 2
    errors = {form: [abs(cell(modes=n, form=form).transfer(FULL)[0] - exact) for n in (25, 50, 100)] for form in FORMS}
    whole = errors["finite_volume"]
    assert whole[2] < 5e-5
    assert whole[0] / whole[1] == pytest.approx(4, rel=0.1)
    assert whole[1] / whole[2] == pytest.approx(4, rel=0.1)
    modal, renormalised = errors["modal"], errors["renormalised"]
    assert modal[0] > 3 * modal[1] > 9 * modal[2]
    assert modal[2] < 1e-3
    assert renormalised[0] > renormalised[1] > renormalised[2]


def test_the_propagator_is_the_matrix_exponential_at_any_detuning() -> None:
    small = cell(modes=12)
    for detuning in (0.0, 500.0, STORED):
        generator = small.coupled.generator(detuning)
        assert small.propagator(FULL, detuning) == pytest.approx(expm(generator * FULL), abs=1e-8)


def test_the_amplitudes_solve_the_differential_equation() -> None:
    small = cell(modes=8)
    generator = small.coupled.generator(900.0)
    real = np.block([[generator.real, -generator.imag], [generator.imag, generator.real]])
    start = np.concatenate([small.prepared_mode, np.zeros(16)])
    exact = solve_ivp(lambda t, y: real @ y, (0, 2e-3), start, method="Radau", rtol=1e-9, atol=1e-11).y[:, -1]
    assert small.amplitudes(small.prepared_mode, 2e-3, 900.0) == pytest.approx(exact[:16] + 1j * exact[16:], abs=1e-7)


def test_times_and_detunings_broadcast_as_one_by_one() -> None:
    small = cell(modes=6)
    times, detunings = np.array([[0.0], [1e-3]]), np.array([0.0, 300.0, -300.0])
    together = small.propagator(times, detunings)
    efficiency, background = small.transfer(times, detunings)
    assert together.shape == (2, 3, 12, 12)
    assert efficiency.shape == background.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        assert together[i, j] == pytest.approx(small.propagator(times[i, 0], detunings[j]), abs=1e-13)
        assert efficiency[i, j] == pytest.approx(small.transfer(times[i, 0], detunings[j])[0], abs=1e-13)


@given(walls, st.sampled_from(FORMS), st.floats(-1e5, 1e5), st.floats(0.0, 0.1))
@settings(max_examples=40, deadline=None)
def test_without_loss_the_evolution_is_unitary(wall: Any, form: Any, detuning: float, time: float) -> None:
    lossless = SphericalCell(
        0.02, 0.0, 0.0, wall=wall, modes=9, form=form, alkali_decay=0.0, noble_gas_decay=0.0, noise=QUIET
    )
    u = lossless.propagator(time, detuning)
    assert u.conj().T @ u == pytest.approx(np.eye(18), abs=1e-7)


@given(walls, st.sampled_from(FORMS), st.floats(-1e5, 1e5), st.floats(0.0, 0.1), st.floats(0.3, 1), st.floats(0.3, 1))
@settings(max_examples=60, deadline=None)
def test_efficiency_and_background_stay_within_their_bounds(
    wall: Any, form: Any, detuning: float, time: float, p_a: float, p_b: float
) -> None:
    noise = SpinNoise.from_polarizations(p_a, p_b)
    efficiency, background = cell(wall=wall, form=form, modes=9, noise=noise).transfer(time, detuning)
    assert 0 <= efficiency <= 1 + 1e-9
    assert -1e-12 <= background <= max(noise.alkali, noise.noble_gas) + 1e-9


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("detuning", [0.0, 800.0, STORED])
def test_commutators_are_kept_by_the_noise(form: str, detuning: float) -> None:
    """Two gases with the same excitations everywhere, and baths alike: the state is stationary, so the noise is complete."""
    noise = SpinNoise.from_occupations(1.0, 1.0)
    stationary = cell(form=form, modes=20, noise=noise, preparation="thermal")
    times = np.array([0.0, 1e-4, FULL, 0.1, 10.0])
    assert stationary.transfer(times, detuning)[1] == pytest.approx(1, abs=1e-8)


def test_the_background_is_the_two_mode_one_in_a_coated_cell() -> None:
    """n_b = n̄_b|U_bb|² + 2γn̄_a∫|U_ba|² dt, by an independent integration of the second moments."""
    noise = SpinNoise(0.02, 0.17, 0.05, 0.4)
    coated = cell(wall="neumann", modes=10, noise=noise)
    two = KATZ_K_HE3.two_mode()
    m, strength = two.generator(200.0), np.diag([2 * two.alkali_decay * 0.05, 2 * two.noble_gas_decay * 0.4])
    for preparation, initial in (("pure", np.diag([0, 0.17])), ("thermal", np.diag([0.02, 0.17]))):

        def slopes(t: float, y: Any) -> Any:
            c = y.reshape(2, 2)
            return (m @ c + c @ m.conj().T + strength).ravel()

        exact = solve_ivp(slopes, (0, 4e-3), initial.ravel() + 0j, method="DOP853", rtol=1e-11, atol=1e-13)
        ready = replace(coated, preparation=preparation)  # type: ignore[arg-type]
        assert ready.transfer(4e-3, 200.0)[1] == pytest.approx(exact.y[3, -1].real, abs=1e-10)


def test_perfect_polarization_leaves_no_background() -> None:
    assert cell(modes=5, noise=QUIET).transfer([0.0, FULL], 0.0)[1] == pytest.approx(0, abs=0)
    perfect = cell(modes=5, alkali_polarization=1.0, noble_gas_polarization=1.0)
    assert perfect.incoherent == QUIET
    assert cell(modes=5).transfer(0.0)[1] == pytest.approx(1 / 6)  # before: the noble gas at p_b = 0.75


def test_noise_has_the_papers_moments_and_those_that_keep_the_commutator() -> None:
    assert thermal_occupation(0.95) == pytest.approx(0.0263, abs=2e-5)
    assert thermal_occupation(0.75) == pytest.approx(0.16667, abs=1e-5)
    keeping, paper = SpinNoise.of(KATZ_K_HE3), SpinNoise.of(KATZ_K_HE3, "paper")
    assert keeping == SpinNoise.from_polarizations(0.95, 0.75)
    share = KATZ_K_HE3.alkali_decay_terms["spin exchange"] / KATZ_K_HE3.alkali_decay
    moment = (2 - 0.95 - 0.75) / (4 * 0.95)
    assert paper.alkali_bath == pytest.approx(share * moment + (1 - share) * thermal_occupation(0.95))
    for wrong in (0.0, 1.1):
        with pytest.raises(ValueError, match="polarization"):
            thermal_occupation(wrong)
    with pytest.raises(ValueError, match="alkali_bath"):
        SpinNoise(alkali_bath=-1.0)


def test_where_eigenvectors_coincide_the_exponential_itself_is_used() -> None:
    """γ = 2J, Δ = 0, no diffusion: the exceptional point of Eq. 2, in every mode."""
    exceptional = SphericalCell(
        0.02, 0.0, 0.0, wall="neumann", modes=6, coupling=100.0, alkali_decay=200.0, noble_gas_decay=0.0
    )
    assert isinstance(exceptional.coupled.evolution(0.0), Direct)
    two = TwoMode(100.0, 200.0)
    assert exceptional.amplitudes(exceptional.prepared_mode, 7e-3)[[0, 6]] == pytest.approx(
        two.propagator(7e-3)[:, 0], abs=1e-12
    )
    beside = replace(exceptional, alkali_decay=200.02)
    assert isinstance(beside.coupled.evolution(0.0), Spectral)
    for near, at in zip(beside.transfer([1e-3, 7e-3]), exceptional.transfer([1e-3, 7e-3]), strict=True):
        assert near == pytest.approx(at, abs=1e-4)


def test_noise_by_closed_form_and_by_doubling_agree() -> None:
    small = cell(modes=6)
    strengths = np.linspace(1.0, 7.0, 12)
    times, final = np.array([0.0, 1e-4, 3e-3, 0.2]), small.stored_mode + 0j
    for detuning in (0.0, 500.0):
        found = small.coupled.evolution(detuning)
        assert isinstance(found, Spectral)
        direct = Direct(small.coupled.generator(detuning)).absorbed(final, strengths, times)
        assert found.absorbed(final, strengths, times) == pytest.approx(direct, rel=1e-6)


def test_decompositions_are_made_once_and_a_bounded_number_is_kept() -> None:
    small = cell(modes=4)
    first = small.coupled.evolution(1.0)
    assert small.coupled.evolution(1.0) is first
    for k in range(REMEMBERED):
        small.coupled.evolution(2.0 + k)
    assert small.coupled.evolution(1.0) is not first
    assert pickle.loads(pickle.dumps(small)).transfer(FULL) == small.transfer(FULL)


def layer_storage_time(of: SphericalCell, detuning: float) -> float:
    """Closed form for a uniform noble gas: the alkali follows as iJ/(iΔ − γ) (1 − (R/r) sinh κr/sinh κR)."""
    k = np.sqrt((of.alkali_decay - 1j * detuning) / of.alkali_diffusion) * of.radius
    mean = 1j * of.coupling / (1j * detuning - of.alkali_decay) * (1 - 3 * (k / np.tanh(k) - 1) / k**2)
    return float(1 / (2 * ((1j * of.coupling * mean).real + of.noble_gas_decay)))


def test_an_uncoated_wall_ends_storage_at_180_mg_in_minutes_as_its_layer_says() -> None:
    uncoated = cell().storage_time(STORED)
    assert uncoated == pytest.approx(layer_storage_time(cell(), STORED), rel=0.01)
    assert 5 < uncoated / 60 < 10
    coated = cell(wall="neumann").storage_time(STORED)
    assert 1 / coated == pytest.approx(
        2 * KATZ_K_HE3.alkali_decay * (J / STORED) ** 2 + 2 * KATZ_K_HE3.noble_gas_decay, rel=1e-4
    )
    assert 60 < coated / 60 < 73
    assert cell(form="modal").storage_time(STORED) > 1.5 * uncoated  # 100 sines do not resolve 4 µm


def test_the_layers_loss_falls_with_the_three_halves_power_of_the_detuning() -> None:
    loss = [1 / cell(alkali_decay=0.0, noble_gas_decay=0.0).storage_time(detuning) for detuning in (-1e5, -4e5)]
    assert np.log(loss[0] / loss[1]) / np.log(4) == pytest.approx(1.5, abs=0.02)


def test_store_wait_retrieve_is_the_product_of_its_holds() -> None:
    small = cell(modes=20)
    segments = [Hold(FULL, 0.0), Hold(60.0, STORED), Hold(FULL, 0.0)]
    times = np.array([FULL / 2, FULL, FULL + 30.0, 2 * FULL + 60.0, 2 * FULL + 60.1])
    found = small.evolve(small.prepared_mode, segments, times)
    state = small.propagator(60.0, STORED) @ small.propagator(FULL) @ small.prepared_mode
    state = small.propagator(FULL) @ state
    assert found[0] == pytest.approx(small.amplitudes(small.prepared_mode, FULL / 2), abs=1e-12)
    assert found[3] == pytest.approx(state, abs=1e-8)
    assert found[4] == pytest.approx(small.amplitudes(state, 0.1), abs=1e-8)
    retrieved = abs(found[3] @ small.prepared_mode) ** 2
    assert retrieved == pytest.approx(np.exp(-60 / small.storage_time(STORED)) * 0.93, abs=0.03)


def test_a_ramp_in_a_coated_cell_is_that_of_two_modes() -> None:
    coated = cell(wall="neumann", modes=3)
    segments = [Hold(FULL, 0.0), Ramp(1e-3, 0.0, STORED), Hold(1e-3, STORED)]
    times = np.array([FULL + 0.7e-3, FULL + 0.2e-3, FULL + 1e-3, FULL + 1.5e-3])
    two = KATZ_K_HE3.two_mode().evolve([1, 0], segments, times)
    found = coated.evolve(coated.prepared_mode, segments, times)
    assert found[:, [0, 3]] == pytest.approx(two, abs=2e-6)


def test_the_prepared_mode_is_uniform_unless_asked_for_the_lowest() -> None:
    assert np.linalg.norm(cell().prepared_mode) == pytest.approx(1, rel=1e-13)
    assert np.linalg.norm(cell(form="modal").prepared_mode) ** 2 == pytest.approx(0.99395, abs=5e-6)
    uniform, lowest = cell(), cell(alkali_mode="lowest")
    assert lowest.prepared_mode @ uniform.prepared_mode == pytest.approx(np.sqrt(6) / np.pi, abs=1e-4)
    assert lowest.transfer(FULL)[0] < 0.61 < uniform.transfer(FULL)[0]


def test_diffusion_constants_scale_with_density_and_temperature() -> None:
    assert diffusion_constant(POTASSIUM_IN_HELIUM, 2.6867774e25, 273.15) == pytest.approx(0.35e-4)
    assert diffusion_constant(HELIUM3_IN_ITSELF, 2.6867774e25 * 273.15 / 300, 300.0) == pytest.approx(1.9e-4)
    assert cell().alkali_diffusion == pytest.approx(6.29e-6, rel=1e-3)
    with pytest.raises(ValueError, match="temperature"):
        diffusion_constant(POTASSIUM_IN_HELIUM, 1e25, -1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("radius", 0.0),
        ("alkali_diffusion", -1.0),
        ("noble_gas_diffusion", np.inf),
        ("coupling", np.nan),
        ("modes", 0),
        ("modes", 2.5),
        ("form", "exact"),
        ("wall", "glass"),
        ("alkali_mode", "highest"),
        ("preparation", "none"),
        ("alkali_polarization", 1.2),
    ],
)
def test_a_cell_that_cannot_be_is_refused_by_name(name: str, value: Any) -> None:
    good: dict[str, Any] = {"radius": 0.02, "alkali_diffusion": 6e-6, "noble_gas_diffusion": 3e-5}
    with pytest.raises(ValueError, match="polarization" if "polarization" in name else name):
        SphericalCell(**(good | {name: value}))


def test_bad_times_detunings_and_states_are_refused_by_name() -> None:
    small = cell(modes=3)
    with pytest.raises(ValueError, match="times"):
        small.propagator(-1.0)
    with pytest.raises(ValueError, match="times"):
        small.transfer([0.0, np.inf])
    with pytest.raises(ValueError, match="detuning"):
        small.transfer(1.0, np.nan)
    with pytest.raises(ValueError, match="initial"):
        small.amplitudes([1.0, 0.0], 1.0)
    with pytest.raises(ValueError, match="duration"):
        small.evolve(small.prepared_mode, [Hold(-1.0, 0.0)], 1.0)


# --- channels through several holds


@pytest.mark.parametrize("preparation", ["pure", "thermal"])
def test_channels_through_holds_carry_the_second_moments_of_a_coated_cell(preparation: Any) -> None:
    """Every mode of a coated cell pairs up, so its channels are those of two modes through the same holds."""
    noise = SpinNoise(0.02, 0.17, 0.05, 0.4)
    coated = cell(wall="neumann", modes=4, noise=noise, preparation=preparation)
    exchange = Hold(FULL, 0.0)
    holds = [exchange, Hold(2e-3, -900.0), exchange]
    times = np.array([[0.0, FULL / 3, FULL], [FULL + 1e-3, FULL + 2.5e-3, 0.1]])
    evolution = Langevin.thermal(0.05, 0.4).sequence(KATZ_K_HE3.two_mode(), holds, times)
    before = {"alkali": (0.0, 0.17), "noble_gas": (0.02, 0.0)} if preparation == "pure" else {}
    for source in ("alkali", "noble_gas"):
        for target in ("alkali", "noble_gas"):
            found = coated.channel(holds, times, source, target)  # type: ignore[arg-type]
            places = [("alkali", "noble_gas").index(name) for name in (source, target)]
            two = evolution.channel(before.get(source, (0.02, 0.17)), *places)
            assert found.efficiency == pytest.approx(two.efficiency, abs=1e-9)
            assert found.background == pytest.approx(two.background, abs=1e-9)


def test_a_hold_cut_in_pieces_is_the_same_channel_with_walls_too() -> None:
    cut = [Hold(FULL / 3, 0.0), Hold(FULL / 5, 0.0), Hold(1.0, 0.0)]
    times = np.linspace(0.0, 2 * FULL, 7)
    for target in ("alkali", "noble_gas"):
        whole, pieces = (cell(modes=20).channel(holds, times, target=target) for holds in ([Hold(1.0, 0.0)], cut))
        assert pieces.efficiency == pytest.approx(whole.efficiency, abs=1e-9)
        assert pieces.background == pytest.approx(whole.background, abs=1e-9)
    efficiency, background = cell(modes=20).transfer(times)
    whole = cell(modes=20).channel([Hold(1.0, 0.0)], times)
    assert np.array_equal(whole.efficiency, efficiency)
    assert np.array_equal(whole.background, background)


def test_a_stationary_state_stays_so_through_holds() -> None:
    stationary = cell(modes=20, noise=SpinNoise.from_occupations(1.0, 1.0), preparation="thermal")
    holds = [Hold(FULL, 0.0), Hold(5.0, STORED), Hold(FULL, 300.0)]
    for target in ("alkali", "noble_gas"):
        assert stationary.channel(holds, [1e-4, 2.0, 6.0], target=target).background == pytest.approx(1, abs=1e-8)


def test_covariances_in_closed_form_and_by_doubling_agree() -> None:
    small, strengths = cell(modes=6), np.linspace(1.0, 7.0, 12)
    for detuning in (0.0, 500.0):
        for time in (0.0, 1e-4, 0.2):
            direct = Direct(small.coupled.generator(detuning)).covariance(strengths, time)
            assert small.coupled.evolution(detuning).covariance(strengths, time) == pytest.approx(direct, rel=1e-6)


def test_a_channel_that_cannot_be_computed_is_refused_by_name() -> None:
    small = cell(modes=3)
    for segments in ([], [Ramp(1e-3, 0.0, 1.0)]):
        with pytest.raises(ValueError, match="segments must be at least one Hold"):
            small.channel(segments, 1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="target must be one of alkali, noble_gas, got 'helium'"):
        small.channel([Hold(1.0, 0.0)], 1.0, target="helium")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="times must be finite"):
        small.channel([Hold(1.0, 0.0)], [-1.0])
