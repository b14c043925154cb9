"""The mean-field equations of both spins: closed forms, conservation, and the two limits that the rest of the engine takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from spinlab.physics import bloch
from spinlab.physics.bloch import Pumping, Segment, transverse
from spinlab.physics.mixture import KATZ_K_HE3, GasMixture
from spinlab.physics.polarization import PolarizationRates
from spinlab.physics.slowing_down import slowing_down_factor
from spinlab.physics.two_mode import TwoMode

PUMPING = 1193.526
KATZ = replace(KATZ_K_HE3, noble_gas_relaxation=4.4e-6)
#: Equal densities and nothing but the exchange: neither spin is a small part of the total.
EXCHANGE = GasMixture(
    alkali_density=1e24,
    noble_gas_density=1e24,
    spin_exchange_coefficient=1e-22,
    spin_rotation_efficiency=1e30,
    alkali_destruction_cross_section=0.0,
    nitrogen_destruction_cross_section=0.0,
)
COHERENT = replace(EXCHANGE, spin_exchange_coefficient=0.0)
FREE = replace(COHERENT, exchange_strength=0.0)

components = st.floats(-1.0, 1.0)
directions = (
    st.tuples(components, components, components)
    .filter(lambda v: float(np.linalg.norm(v)) > 0.1)
    .map(lambda v: np.array(v) / np.linalg.norm(v))
)
few = settings(max_examples=15, deadline=None)


def spin_of(polarization: float, direction: Any) -> Any:
    """f of an alkali with I = 3/2."""
    return slowing_down_factor(1.5, polarization) * polarization / 2 * np.asarray(direction)


def turned(vector: Any, about: Any, angle: float) -> Any:
    """A vector turned right-handedly about a unit vector."""
    return Rotation.from_rotvec(np.asarray(about) * angle).apply(vector)


# --- what collisions conserve


@few
@given(directions, directions, st.floats(0.1, 1.0), st.floats(0.1, 1.0))
def test_collisions_conserve_the_total_spin(up: Any, across: Any, p_a: float, p_b: float) -> None:
    f, k = spin_of(p_a, up), p_b / 2 * across
    end = bloch.evolve(EXCHANGE, f, k, (0, 0, 0), 5e-3, rtol=1e-11)
    assert end.alkali + end.noble_gas == pytest.approx(f + k, abs=1e-9)
    assert np.linalg.norm(end.noble_gas - k) > 1e-6 or np.linalg.norm(np.cross(f, k)) < 0.1


def test_collisions_end_at_one_spin_temperature() -> None:
    """Swapping spins of two ensembles ends when their electron and nuclear polarizations are equal: 2|s| = 2|k|."""
    f, k = spin_of(0.9, (0, 0, -1)), np.array([0.0, 0.0, -0.1])
    end = bloch.evolve(EXCHANGE, f, k, (0, 0, 0), 0.5)
    assert end.polarization == pytest.approx(end.noble_gas_polarization, abs=1e-9)
    assert end.alkali + end.noble_gas == pytest.approx(f + k, abs=1e-9)


@few
@given(directions, directions, st.floats(0.1, 1.0), st.floats(0.1, 1.0), st.floats(0.0, 2e-3))
def test_the_coherent_exchange_turns_both_spins_about_their_sum(
    up: Any, across: Any, p_a: float, p_b: float, t: float
) -> None:
    """f' = ζ n_b k × f = ζ S × f and k' = ζ S × k with S = n_a f + n_b k constant: a rotation by ζ|S|t."""
    f, k = spin_of(p_a, up), p_b / 2 * across
    total = COHERENT.alkali_density * f + COHERENT.noble_gas_density * k
    size = float(np.linalg.norm(total))
    axis = total / size if size else up
    angle = COHERENT.exchange_strength / float(slowing_down_factor(1.5, p_a)) * size * t
    end = bloch.evolve(COHERENT, f, k, (0, 0, 0), t, rtol=1e-11)
    assert end.alkali == pytest.approx(turned(f, axis, angle), abs=1e-8)
    assert end.noble_gas == pytest.approx(turned(k, axis, angle), abs=1e-8)


# --- what a field, light and pumping do


@few
@given(directions, directions, st.floats(0.0, 1.0))
def test_a_field_alone_turns_each_spin_at_its_larmor_frequency(axis: Any, up: Any, p_a: float) -> None:
    f, k, size, t = spin_of(p_a, up), 0.4 * up, 2e-5, 1e-4
    end = bloch.evolve(FREE, f, k, size * axis, t, rtol=1e-12)
    q = float(slowing_down_factor(1.5, p_a))
    assert end.alkali == pytest.approx(turned(f, axis, FREE.electron_gyromagnetic / q * size * t), abs=1e-8)
    assert end.noble_gas == pytest.approx(turned(k, axis, FREE.noble_gas_gyromagnetic * size * t), abs=1e-9)
    assert end.polarization == pytest.approx(p_a, abs=1e-8)


def test_the_slowing_down_factor_may_be_held() -> None:
    end = bloch.evolve(FREE, (1.0, 0, 0), (0, 0, 0.5), (0, 0, 1e-5), 1e-4, slowing_down=5.0)
    angle = FREE.electron_gyromagnetic / 5.0 * 1e-5 * 1e-4
    assert end.alkali == pytest.approx([np.cos(angle), np.sin(angle), 0.0], abs=1e-7)
    assert end.polarization == pytest.approx(0.4)


def test_signal_light_turns_the_alkali_and_leaves_the_noble_gas() -> None:
    f, k = bloch.polarized(FREE)
    end = bloch.evolve(FREE, f, k, (0, 0, 0), 20e-6, light_shift=(0, -5e3, 0))
    assert end.alkali == pytest.approx(turned(f, (0, -1, 0), 0.1), abs=1e-11)
    assert transverse(end.alkali).real > 0  # the real direction that Control.tilt_rate tilts to
    assert end.noble_gas == pytest.approx(k, abs=1e-12)


@pytest.mark.parametrize("rate", [0.0, 50.0, PUMPING])
def test_pumping_settles_at_the_polarization_of_the_mixture(rate: float) -> None:
    f, k = bloch.polarized(KATZ)
    end = bloch.evolve(KATZ, 0.3 * f, k, (0, 0, 0), 1.5, pumping=Pumping(rate))
    assert end.polarization == pytest.approx(KATZ.pumped_polarization(rate), abs=2e-5)  # p_b moves by 1e-5
    assert end.alkali[2] < 0


def test_two_beams_pump_towards_the_sum_of_their_directions() -> None:
    beams = (Pumping(300.0, (1, 0, 0)), Pumping(400.0, (0, 0, -1)))
    unpolarized = replace(KATZ, exchange_strength=0.0)
    end = bloch.evolve(unpolarized, (0, 0, 0), (0, 0, 0), (0, 0, 0), 0.5, pumping=beams)
    s = bloch.electron_spin(end.alkali, 1.5)
    total = 700.0 + KATZ.electron_destruction + KATZ.electron_rates["spin exchange"]
    assert s == pytest.approx(np.array([300.0, 0.0, -400.0]) / 2 / total, abs=1e-7)


# --- the longitudinal limit


@pytest.mark.parametrize(("p_a", "rate"), [(0.95, 0.0), (0.3, PUMPING), (0.05, 20.0)])
def test_along_the_field_the_polarizations_follow_their_rate_equations(p_a: float, rate: float) -> None:
    mixture = KATZ.with_polarizations(p_a, 0.75)
    rates = PolarizationRates.of(mixture)
    times = np.linspace(0, 0.03, 7)
    exact = solve_ivp(
        lambda t, p: [rates.alkali_slope(p[0], p[1], rate), rates.noble_gas_slope(p[0], p[1])],
        (0, 0.03),
        [p_a, 0.75],
        t_eval=times,
        rtol=1e-10,
        atol=1e-13,
    )
    end = bloch.evolve(mixture, *bloch.polarized(mixture), (0, 0, 1e-4), times, pumping=Pumping(rate))
    assert end.polarization == pytest.approx(exact.y[0], abs=1e-8)
    assert end.noble_gas_polarization == pytest.approx(exact.y[1], abs=1e-10)


# --- small tilts are two modes


def at_rest(mixture: GasMixture, pumping_rate: float) -> GasMixture:
    """The mixture at the polarizations where neither moves: p_a pumped, Γ_b taking from p_b what the alkali brings."""
    p_a = mixture.with_polarizations(0.0, 0.75).pumped_polarization(pumping_rate)
    brought = mixture.spin_exchange_coefficient * mixture.alkali_density * (p_a - 0.75)
    return replace(mixture.with_polarizations(p_a, 0.75), noble_gas_relaxation=max(brought / 0.75, 0.0))


def amplitudes(mixture: GasMixture, f: Any, k: Any) -> Any:
    """a = f√(n_a/2F_z), b = k√(n_b/2K_z) of spin vectors."""
    f_z, k_z = mixture.slowing_down * mixture.alkali_polarization / 2, mixture.noble_gas_polarization / 2
    a = transverse(f) * np.sqrt(mixture.alkali_density / 2 / f_z)
    return np.stack([a, transverse(k) * np.sqrt(mixture.noble_gas_density / 2 / k_z)], axis=-1)


def unit_spins(mixture: GasMixture) -> Any:
    """Transverse spins f, k per unit of a and b, on a diagonal."""
    one = amplitudes(mixture, np.array([1.0, 0, 0]), np.array([1.0, 0, 0]))
    return np.diag(1 / one.real)


def tilted(mixture: GasMixture, a: complex, b: complex) -> tuple[Any, Any]:
    """Spin vectors whose two-mode amplitudes are a and b."""
    f, k = bloch.polarized(mixture)
    across, back = (unit_spins(mixture) @ np.array([a, b])).tolist()
    return f + np.array([across.real, -across.imag, 0]), k + np.array([back.real, -back.imag, 0])


def carried(mixture: GasMixture, start: Any, field: float, t: float, **options: Any) -> Any:
    """Amplitudes after t, in the frame of the noble gas, by the mean-field equations with the pump on."""
    f, k = tilted(mixture, *start)
    end = bloch.evolve(mixture, f, k, (0, 0, field), t, pumping=Pumping(PUMPING), rtol=1e-12, atol=1e-18, **options)
    return amplitudes(mixture, end.alkali, end.noble_gas) * np.exp(1j * mixture.noble_gas_larmor(field) * t)


def scale(mixture: GasMixture, tilt: float = 1e-6) -> float:
    """The amplitude a of an alkali tilted by ``tilt`` rad."""
    return float(tilt * np.sqrt(mixture.alkali_density * mixture.slowing_down * mixture.alkali_polarization / 4))


@settings(max_examples=8, deadline=None)
@given(st.floats(-6.0, 6.0), st.floats(0.0, 2e-3), st.floats(-1, 1), st.floats(-1, 1))
def test_small_tilts_are_two_modes_with_detuning_noble_gas_minus_alkali(
    widths: float, t: float, real: float, imaginary: float
) -> None:
    """Complex amplitudes agree to 5e-10; without k_se, the only mechanism that Eq. 2 has no place for."""
    mixture = at_rest(replace(KATZ_K_HE3, spin_exchange_coefficient=0.0), PUMPING)
    width = mixture.coupling / (mixture.alkali_gyromagnetic - mixture.noble_gas_gyromagnetic)
    field = mixture.compensation_field + widths * width
    start = np.array([1.0, complex(real, imaginary)]) * scale(mixture)
    modes = TwoMode(mixture.coupling, mixture.alkali_decay + PUMPING / mixture.slowing_down, mixture.noble_gas_decay)
    expected = modes.propagator(t, mixture.detuning(field)) @ start
    assert np.max(np.abs(carried(mixture, start, field, t) - expected)) < 5e-10 * np.linalg.norm(start)


def test_the_opposite_sign_of_the_detuning_is_not_what_the_spins_do() -> None:
    mixture = at_rest(replace(KATZ_K_HE3, spin_exchange_coefficient=0.0), PUMPING)
    field = mixture.compensation_field * 1.005
    start = np.array([1.0, 0.5j]) * scale(mixture)
    modes = TwoMode(mixture.coupling, mixture.alkali_decay + PUMPING / mixture.slowing_down)
    wrong = modes.propagator(1e-3, -mixture.detuning(field)) @ start
    assert np.max(np.abs(carried(mixture, start, field, 1e-3) - wrong)) > 0.1 * np.linalg.norm(start)


def test_what_collisions_bring_across_the_field_can_be_left_out() -> None:
    """Then Eqs. 15–18 remain: γ with n_b k_se/q, γ_b with n_a k_se. With it the couplings gain n_b k_se and n_a k_se/q."""
    mixture = at_rest(KATZ_K_HE3, PUMPING)
    field, t = mixture.compensation_field, 1.5e-3
    start = np.array([1.0, 0.3 - 0.2j]) * scale(mixture)
    modes = TwoMode(mixture.coupling, mixture.alkali_decay + PUMPING / mixture.slowing_down, mixture.noble_gas_decay)
    without = carried(mixture, start, field, t, transverse_transfer=False)
    assert np.max(np.abs(without - modes.propagator(t) @ start)) < 5e-10 * np.linalg.norm(start)

    into_alkali, into_noble_gas = (1 / np.diagonal(unit_spins(mixture))).tolist()
    generator = modes.generator()
    rate = mixture.spin_exchange_coefficient
    generator[0, 1] += rate * mixture.noble_gas_density * into_alkali / into_noble_gas
    generator[1, 0] += rate * mixture.alkali_density / mixture.slowing_down * into_noble_gas / into_alkali
    full = carried(mixture, start, field, t)
    assert np.max(np.abs(full - expm(generator * t) @ start)) < 5e-10 * np.linalg.norm(start)
    assert np.max(np.abs(full - without)) > 1e-6 * np.linalg.norm(start)


# --- long times


def test_following_adiabatically_is_what_resolving_every_precession_finds() -> None:
    f, k = bloch.polarized(KATZ.with_polarizations(0.8, 0.75))
    f, k = f + np.array([1e-4, 0, 0]), k + np.array([1e-4, 0, 0])
    light = Pumping(PUMPING)
    resolved = bloch.evolve(KATZ, f, k, (0, 0, 1e-4), 1e-3, pumping=light)
    followed = bloch.evolve(KATZ, f, k, (0, 0, 1e-4), 1e-3, pumping=light, adiabatic=True)
    assert transverse(followed.noble_gas) == pytest.approx(transverse(resolved.noble_gas), abs=5e-11)  # of 1e-4
    assert followed.polarization == pytest.approx(resolved.polarization, abs=1e-8)


@pytest.mark.parametrize("field", [1e-4, 2e-4, -1e-4])
def test_an_hour_loses_what_second_order_perturbation_says(field: float) -> None:
    """2(γ + R/q)(J/Δ)² + 2γ_b, and by what collisions bring across the field −2(J²/Δ)(k_se/ζF_z + k_se/qζK_z)."""
    mixture = at_rest(KATZ_K_HE3, PUMPING)
    f, k = tilted(mixture, 0.0, scale(mixture, 1e-3))
    kept = []
    for transfer in (False, True):
        options: dict[str, Any] = {"pumping": Pumping(PUMPING), "adiabatic": True, "transverse_transfer": transfer}
        end = bloch.evolve(mixture, f, k, (0, 0, field), [1.0, 3601.0], **options)
        kept.append(np.diff(np.log(np.abs(transverse(end.noble_gas)) ** 2))[0])
    q, p_a, p_b = mixture.slowing_down, mixture.alkali_polarization, mixture.noble_gas_polarization
    zeta, k_se, detuning = (
        mixture.mean_field_strength,
        mixture.spin_exchange_coefficient,
        float(mixture.detuning(field)),
    )
    width, pull = mixture.alkali_decay + PUMPING / q, mixture.coupling**2 / detuning
    assert kept[0] == pytest.approx(-7200 * (width * pull / detuning + mixture.noble_gas_decay), rel=2e-4)
    brought = 2 * k_se / (zeta * q) * (1 / p_a + 1 / p_b)
    assert kept[1] - kept[0] == pytest.approx(7200 * pull * brought, rel=2e-3)


# --- time


def test_times_have_any_shape_and_order() -> None:
    f, k = tilted(KATZ, scale(KATZ, 0.1), 0.0)
    times = np.array([[1e-4, 0.0, 3e-4], [2e-4, 1e-4, 5e-5]])
    table = bloch.evolve(KATZ, f, k, (0, 0, 1e-5), times)
    assert table.alkali.shape == table.noble_gas.shape == (2, 3, 3)
    assert table.polarization.shape == (2, 3)
    assert table.alkali[0, 1] == pytest.approx(f)
    for index in np.ndindex(2, 3):
        alone = bloch.evolve(KATZ, f, k, (0, 0, 1e-5), times[index])
        assert table.alkali[index] == pytest.approx(alone.alkali, abs=1e-9)


def test_segments_a_function_with_breaks_and_pieces_are_one() -> None:
    f, k = tilted(KATZ, scale(KATZ, 0.1), 0.0)
    fields, edges = [(0, 0, 1e-5), (1e-6, 0, 3e-5), (0, 2e-6, 2e-5)], [0.0, 1e-4, 2.5e-4, 4e-4]
    segments = [Segment(stop - start, b) for start, stop, b in zip(edges[:-1], edges[1:], fields, strict=True)]
    times = np.linspace(0, 4e-4, 9)
    by_segments = bloch.evolve(KATZ, f, k, segments, times)

    def step(t: float) -> tuple[float, float, float]:
        return fields[np.searchsorted(edges[1:-1], t, side="right")]

    by_function = bloch.evolve(KATZ, f, k, step, times, breaks=edges[1:-1])
    assert by_function.alkali == pytest.approx(by_segments.alkali, abs=1e-8)
    for segment in segments:
        piece = bloch.evolve(KATZ, f, k, segment.field, segment.duration)
        f, k = piece.alkali, piece.noble_gas
    assert by_segments.alkali[-1] == pytest.approx(f, abs=1e-8)
    assert by_segments.noble_gas[-1] == pytest.approx(k, abs=1e-8)


def test_the_last_segment_goes_on() -> None:
    f, k = tilted(KATZ, scale(KATZ, 0.1), 0.0)
    short = bloch.evolve(KATZ, f, k, [Segment(1e-5, (0, 0, 1e-5))], 1e-4)
    assert short.alkali == pytest.approx(bloch.evolve(KATZ, f, k, (0, 0, 1e-5), 1e-4).alkali, abs=1e-9)


# --- f and s


@given(st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.5, 3.5]), st.floats(0.0, 1.0), directions)
def test_the_electron_spin_is_found_back_from_the_total_spin(nuclear_spin: float, p: float, up: Any) -> None:
    f = slowing_down_factor(nuclear_spin, p) * p / 2 * up
    assert bloch.electron_spin(f, nuclear_spin) == pytest.approx(p / 2 * up, abs=1e-14, rel=1e-13)


# --- refusals

UP = (0.0, 0.0, 0.3)
PLAIN: dict[str, Any] = {"mixture": KATZ, "alkali": UP, "noble_gas": UP, "field": (0, 0, 1e-5), "times": 1e-4}
ACROSS = (1e-6, 0.0, 1e-4)
BAD: list[tuple[str, dict[str, Any]]] = [
    ("alkali must be three", {"alkali": (0.0, 1.0)}),
    ("alkali must be a finite spin of at most 2 ħ", {"alkali": (0.0, 0.0, 2.1)}),
    ("noble_gas must be three", {"noble_gas": (0.0, 0.0, float("nan"))}),
    ("noble_gas must be a spin of at most 0.5", {"noble_gas": (0.0, 0.0, -0.6)}),
    ("field must be three", {"field": 1e-5}),
    ("field must be weak enough", {"field": (0, 0, 1e300)}),
    ("field at .* must be three finite", {"field": lambda t: (0.0, 0.0, float("inf"))}),
    ("times must be finite and not negative", {"times": [0.0, -1.0]}),
    ("times must be finite", {"times": float("inf")}),
    ("breaks must be finite", {"breaks": [-1.0]}),
    ("rtol", {"rtol": float("nan")}),
    ("atol", {"atol": -1.0}),
    ("slowing_down must be at least 1", {"slowing_down": 0.5}),
    ("light_shift must be three", {"light_shift": (1.0,)}),
    ("beside segments", {"field": [Segment(1.0)], "pumping": Pumping(1.0)}),
    ("field must lie along z when adiabatic", {"field": ACROSS, "adiabatic": True}),
    (
        "field must be far from resonance",
        {
            **dict(zip(("alkali", "noble_gas"), bloch.polarized(KATZ), strict=True)),
            "field": (0, 0, KATZ.compensation_field),
            "adiabatic": True,
        },
    ),
    ("pumping direction must lie along z", {"pumping": Pumping(1.0, (1, 0, 0)), "adiabatic": True}),
]


@pytest.mark.parametrize(("message", "change"), BAD)
def test_bad_input_is_refused_by_name_value_and_rule(message: str, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=message):
        bloch.evolve(**{**PLAIN, **change})


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ("rate must be finite", lambda: Pumping(-1.0)),
        ("direction must be at most 1 long", lambda: Pumping(1.0, (1, 1, 0))),
        ("duration must not be negative", lambda: Segment(-1.0)),
        ("field must be three", lambda: Segment(1.0, (1.0, 2.0))),
    ],
)
def test_bad_light_and_segments_are_refused_when_made(message: str, make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=message):
        make()
