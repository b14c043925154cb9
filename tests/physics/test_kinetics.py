"""Ballistic collisions: counts, their variance, waiting times and where they come from, against closed forms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import erfc

from spinlab.physics.kinetics import (
    HELIUM3_MASS,
    CollisionStatistics,
    collision_probability,
    collision_statistics,
    mean_relative_speed,
    thermal_speed,
)

DENSITY, CROSS_SECTION, TEMPERATURE = 2e26, 7.5e-19, 488.15
POTASSIUM39_MASS = 6.4701e-26


@pytest.fixture(scope="module")
def found() -> CollisionStatistics:
    return collision_statistics(DENSITY, CROSS_SECTION, samples=100_000, seed=3)


def test_the_speed_of_potassium_and_helium() -> None:
    reduced = HELIUM3_MASS * POTASSIUM39_MASS / (HELIUM3_MASS + POTASSIUM39_MASS)
    speed = mean_relative_speed(TEMPERATURE, HELIUM3_MASS, POTASSIUM39_MASS)
    assert speed == pytest.approx(np.sqrt(8 * 1.380649e-23 * TEMPERATURE / (np.pi * reduced)), rel=1e-12)
    assert speed == pytest.approx(1921, abs=2)


def test_collisions_come_with_the_mean_relative_speed_and_not_with_the_paper_s(found: CollisionStatistics) -> None:
    assert abs(found.mean.deviation) < 4
    speed = found.mean.value / (DENSITY * CROSS_SECTION * found.interval)
    error = speed * found.mean.error / found.mean.value
    paper = thermal_speed(TEMPERATURE, HELIUM3_MASS, POTASSIUM39_MASS)
    assert speed - paper > 8 * error
    assert found.mean.expected / (DENSITY * CROSS_SECTION * found.interval) / paper == pytest.approx(2 / np.sqrt(np.pi))


def test_counts_have_the_variance_of_independent_collisions(found: CollisionStatistics) -> None:
    assert abs(found.variance.deviation) < 4
    assert found.variance.expected == pytest.approx(found.mean.expected, rel=2e-3)


def test_waiting_times_are_exponential(found: CollisionStatistics) -> None:
    assert abs(found.waiting_time.deviation) < 4
    assert abs(found.waiting_spread.deviation) < 4
    expected = found.waiting_time.expected
    assert expected == pytest.approx(found.interval / found.mean.expected)
    assert stats.kstest(found.waiting_times, "expon", args=(0, expected)).pvalue > 1e-3


def contact_probability(r: float, interval: float, cross_section: float, v: float) -> float:
    """⟨ϰ_ab⟩ at any distance beyond ε: the angles that hit, and the speeds that make it to contact in time."""
    contact = np.sqrt(cross_section / np.pi)
    cosine, weight = np.polynomial.legendre.leggauss(60)
    grazing = np.sqrt(1 - (contact / r) ** 2)
    cosine = grazing + (1 - grazing) * (cosine + 1) / 2
    z = (r * cosine - np.sqrt(contact**2 - r**2 * (1 - cosine**2))) / (v * interval)
    faster = erfc(z) + 2 / np.sqrt(np.pi) * z * np.exp(-(z**2))
    return float(weight @ faster) * (1 - grazing) / 4


def test_partners_come_from_where_they_can_make_it_in_time(found: CollisionStatistics) -> None:
    v = thermal_speed(TEMPERATURE, HELIUM3_MASS, POTASSIUM39_MASS)
    contact = np.sqrt(CROSS_SECTION / np.pi)

    def density(r: float) -> float:
        return 4 * np.pi * r**2 * contact_probability(r, found.interval, CROSS_SECTION, v)

    edges = contact + np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 8.0]) * v * found.interval
    share = np.array([quad(density, *ends)[0] for ends in pairwise(edges)])
    seen = np.histogram(found.distances, edges)[0]
    assert seen.sum() == len(found.distances)
    assert share.sum() * DENSITY == pytest.approx(found.mean.expected, rel=1e-4)
    assert stats.chisquare(seen, share / share.sum() * seen.sum()).pvalue > 1e-3


def test_far_beyond_contact_the_pair_probability_is_the_closed_form() -> None:
    v, contact = 1700.0, np.sqrt(CROSS_SECTION / np.pi)
    interval = 1000 * contact / v
    for r in np.array([0.3, 1.0, 2.0]) * v * interval:
        expected = contact_probability(r, interval, CROSS_SECTION, v)
        assert collision_probability(r, interval, CROSS_SECTION, v) == pytest.approx(expected, rel=5e-3)
    whole = quad(lambda r: 4 * np.pi * r**2 * collision_probability(r, 1.0, 1.0, 1.0), 1e-9, 8)[0]
    assert whole == pytest.approx(2 / np.sqrt(np.pi), rel=1e-6)  # n σ v̄ τ, where the step of S10 has n σ v_T τ


def test_a_light_atom_that_keeps_its_velocity_scatters_more_than_poisson() -> None:
    """One light atom among heavy ones is fast or slow in a whole interval: variance above mean, as the closed form says."""
    speed = mean_relative_speed(TEMPERATURE, 1e-28, 1e-25)
    interval = 0.8 / (DENSITY * CROSS_SECTION * speed)
    found = collision_statistics(
        DENSITY, CROSS_SECTION, alkali_mass=1e-28, noble_gas_mass=1e-25, interval=interval, samples=20_000, seed=2
    )
    assert abs(found.mean.deviation) < 4
    assert abs(found.variance.deviation) < 4
    assert found.variance.value - found.mean.value > 4 * found.variance.error
    # Nothing but the light atom moves: var v/⟨v⟩² of a Maxwellian is 3π/8 − 1.
    excess = (found.variance.expected / found.mean.expected - 1) / found.mean.expected
    assert excess == pytest.approx(3 * np.pi / 8 - 1, rel=5e-3)


def test_the_seed_decides() -> None:
    first, again, other = (collision_statistics(DENSITY, CROSS_SECTION, samples=500, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.waiting_times, again.waiting_times)
    assert first.mean == again.mean
    assert not np.array_equal(first.waiting_times[:5], other.waiting_times[:5])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("density", 0.0),
        ("cross_section", -1e-19),
        ("temperature", float("nan")),
        ("alkali_mass", float("inf")),
        ("noble_gas_mass", -1.0),
        ("interval", 0.0),
        ("interval", 1e-11),
        ("samples", 1),
        ("samples", 3),
        ("samples", 2.5),
        ("seed", -1),
    ],
)
def test_bad_arguments_are_refused_by_name(name: str, value: float) -> None:
    arguments = {"density": DENSITY, "cross_section": CROSS_SECTION, name: value}
    with pytest.raises(ValueError, match=name):
        collision_statistics(**arguments)


def test_more_atoms_than_can_be_drawn_are_refused() -> None:
    with pytest.raises(ValueError, match="interval"):
        collision_statistics(1e23, CROSS_SECTION, interval=5e-9)


@pytest.mark.parametrize("distance", [0.0, -1e-9, float("nan")])
def test_a_pair_at_no_distance_is_refused(distance: float) -> None:
    with pytest.raises(ValueError, match="distance"):
        collision_probability(distance, 1e-12, CROSS_SECTION, 1700.0)
