"""Diffusion modes of a sphere: roots, overlaps, walls, and the same by finite volumes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from spinlab.physics.finite_volume import cell_faces, diffusion_modes, uniform
from spinlab.physics.spherical_modes import mode_numbers, overlaps
from spinlab.physics.walls import Robin, extrapolation_length

lengths = st.one_of(st.just(0.0), st.just(np.inf), st.floats(1e-6, 1e6))


def test_an_uncoated_wall_gives_multiples_of_pi_and_a_perfect_one_the_roots_of_tan_x_equals_x() -> None:
    assert mode_numbers(4, 0.0) == pytest.approx(np.pi * np.arange(1, 5), rel=1e-15)
    assert mode_numbers(4, np.inf) == pytest.approx([0, 4.493409457909064, 7.725251836937707, 10.904121659428899])


@given(st.floats(1e-6, 1e6))
def test_every_mode_of_a_robin_wall_obeys_its_condition_between_the_two_extremes(length: float) -> None:
    x = mode_numbers(20, length)
    assert np.sin(x) + length * (x * np.cos(x) - np.sin(x)) == pytest.approx(0, abs=1e-12 * (1 + length) * 70)
    assert np.all(x < mode_numbers(20, 0.0))
    assert np.all(x > mode_numbers(20, np.inf))


def test_a_nearly_perfect_coating_loses_as_surface_over_volume_says() -> None:
    """k² → 3/ℓ: the uniform field leaves through the wall at D/ℓ times 3/R."""
    length = 1e6
    assert mode_numbers(1, length)[0] ** 2 == pytest.approx(3 / length, rel=1e-5)
    assert diffusion_modes(50, length).squares[0] == pytest.approx(3 / length, rel=1e-4)


def test_overlaps_of_an_uncoated_cell_are_those_of_the_closed_form() -> None:
    c = overlaps(mode_numbers(100, 0.0), mode_numbers(100, np.inf))
    m, x = np.arange(1, 101)[:, None], mode_numbers(100, np.inf)[None, 1:]
    assert c[:, :1] == pytest.approx(np.sqrt(6) * (-1.0) ** (m + 1) / (m * np.pi), abs=1e-14)
    expected = 2 * (-1.0) ** (m + 1) * np.sign(np.sin(x)) * m * np.pi / (m**2 * np.pi**2 - x**2)
    assert c[:, 1:] == pytest.approx(expected, abs=1e-12)
    assert np.sum(c[:, 0] ** 2) == pytest.approx(0.99395, abs=5e-6)


@pytest.mark.parametrize("length", [1e-5, 0.03, 1.0, 40.0, 1e5])
def test_overlaps_are_the_integrals_of_normalised_modes(length: float) -> None:
    alkali, noble_gas = mode_numbers(3, length), mode_numbers(3, np.inf)

    def mode(x: float, r: float) -> float:
        return r if x == 0 else float(np.sin(x * r))

    def product(x: float, y: float) -> float:
        return float(quad(lambda r: mode(x, r) * mode(y, r), 0, 1, epsabs=1e-14, epsrel=1e-12)[0])

    expected = [[product(x, y) / np.sqrt(product(x, x) * product(y, y)) for y in noble_gas] for x in alkali]
    assert overlaps(alkali, noble_gas) == pytest.approx(np.array(expected), abs=1e-9)


@given(lengths)
def test_modes_of_one_gas_are_orthonormal_whatever_the_wall(length: float) -> None:
    x = mode_numbers(30, length)
    assert overlaps(x, x) == pytest.approx(np.eye(30), abs=1e-10)


@given(lengths, st.integers(1, 60))
def test_finite_volumes_have_orthonormal_modes_that_begin_positive_and_decay_in_order(
    length: float, count: int
) -> None:
    modes = diffusion_modes(count, length)
    assert modes.vectors.T @ modes.vectors == pytest.approx(np.eye(count), abs=1e-11)
    assert np.all(modes.vectors[0] >= 0)
    assert np.all(np.diff(modes.squares) > 0)
    assert np.all(modes.squares >= 0)


def test_only_a_perfect_coating_keeps_the_uniform_mode() -> None:
    perfect = diffusion_modes(40, np.inf)
    assert perfect.squares[0] == 0
    assert np.array_equal(perfect.vectors[:, 0], uniform(40))
    assert uniform(40) @ uniform(40) == pytest.approx(1, rel=1e-14)
    assert cell_faces(40)[[0, -1]] == pytest.approx([0, 1], abs=1e-15)


@pytest.mark.parametrize("length", [0.0, 0.01, 1.0, np.inf])
def test_finite_volumes_converge_on_the_analytic_modes_at_second_order(length: float) -> None:
    exact = mode_numbers(5, length)[1:] ** 2
    coarse, fine = (np.max(np.abs(diffusion_modes(n, length).squares[1:5] / exact - 1)) for n in (100, 200))
    assert fine < 2e-3
    assert 3.5 < coarse / fine < 4.5


def test_walls_are_named_given_or_computed() -> None:
    assert extrapolation_length("dirichlet") == extrapolation_length(Robin(0.0)) == extrapolation_length(0.0) == 0
    assert extrapolation_length("neumann") == extrapolation_length(np.inf) == np.inf
    assert extrapolation_length(Robin(2e-3)) == 2e-3
    assert Robin.from_probability(1.0, 6e-6, 500.0).length == pytest.approx(2 * 6e-6 / 500)
    assert Robin.from_probability(1e-3, 6e-6, 500.0).length == pytest.approx(4 * 6e-6 / 500 / 1e-3, rel=1e-3)
    assert Robin.from_probability(0.0, 6e-6, 500.0).length == np.inf


def test_walls_that_are_none_are_refused_by_name() -> None:
    for wrong in ("robin", -1.0, float("nan")):
        with pytest.raises(ValueError, match="wall"):
            extrapolation_length(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="probability"):
        Robin.from_probability(1.5, 6e-6, 500.0)
    with pytest.raises(ValueError, match="speed"):
        Robin.from_probability(0.5, 6e-6, 0.0)
