"""The species table: known ratios of its constants, and what it does not know."""

from __future__ import annotations

from math import pi

import pytest

from spinlab.physics import constants as c
from spinlab.physics import species
from spinlab.physics.species import ALKALIS, NOBLE_GASES, Pair, exchange_strength, pair


@pytest.mark.parametrize(
    ("name", "spin", "megahertz_per_gauss"),
    [("K-39", 1.5, 0.7005), ("Rb-85", 2.5, 0.4667), ("Rb-87", 1.5, 0.6996), ("Cs-133", 3.5, 0.3499)],
)
def test_alkalis_precess_as_every_magnetometer_knows(name: str, spin: float, megahertz_per_gauss: float) -> None:
    alkali = species.alkali(name)
    assert alkali.nuclear_spin == spin
    ratio = alkali.electron_gyromagnetic / (2 * spin + 1) / (2 * pi) * 1e-4 / 1e6  # g_I and Bohr magneton aside
    assert ratio == pytest.approx(megahertz_per_gauss, rel=2e-3)


def test_the_caesium_second() -> None:
    assert ALKALIS["Cs-133"].hyperfine_splitting == 9192631770.0


@pytest.mark.parametrize(
    ("name", "spin", "moment"), [("He-3", 0.5, 2.12762), ("Ne-21", 1.5, 0.6618), ("Xe-129", 0.5, 0.77798)]
)
def test_noble_gases_have_the_tabulated_nuclear_moments(name: str, spin: float, moment: float) -> None:
    """In nuclear magnetons, N. J. Stone's table; γ = μ/ħI."""
    gas = NOBLE_GASES[name]
    assert gas.nuclear_spin == spin
    assert gas.gyromagnetic * c.HBAR * spin / 5.0507837461e-27 == pytest.approx(moment, rel=2e-4)


def test_masses_are_mass_numbers_of_atomic_mass_units() -> None:
    for each in (*ALKALIS.values(), *NOBLE_GASES.values()):
        assert each.mass / c.ATOMIC_MASS == pytest.approx(int(each.name.partition("-")[2]), abs=0.12)


def test_the_formula_with_the_measured_enhancement_gives_nearly_the_paper_s_strength() -> None:
    """κ₀ of K–³He is 5.99 + 0.0086 (T − 200 °C); the paper's ζ at 220 °C lies 3 % above it."""
    helium, potassium = NOBLE_GASES["He-3"], ALKALIS["K-39"]
    paper = exchange_strength(potassium, helium, 493.15)
    kappa = 5.99 + 0.0086 * 20
    rubidium = exchange_strength(ALKALIS["Rb-87"], helium, 473.15)
    assert paper is not None
    assert rubidium is not None
    assert paper / (rubidium * kappa / 6.39) == pytest.approx(1.03, abs=0.01)


def test_the_enhancement_of_rubidium_and_helium_grows_with_temperature() -> None:
    cold, hot = (exchange_strength(ALKALIS["Rb-87"], NOBLE_GASES["He-3"], t) for t in (373.15, 473.15))
    assert cold is not None
    assert hot is not None
    assert hot / cold == pytest.approx(6.39 / (6.39 - 0.914))


def test_what_is_not_published_is_none_and_nothing_is_invented() -> None:
    assert pair(ALKALIS["Cs-133"], NOBLE_GASES["He-3"]) == Pair()
    assert exchange_strength(ALKALIS["Cs-133"], NOBLE_GASES["He-3"], 400.0) is None
    assert pair(ALKALIS["Rb-85"], NOBLE_GASES["Ne-21"]).exchange is None


def test_every_number_of_a_pair_has_its_source() -> None:
    for each in species.PAIRS.values():
        assert bool(each.source("strength"))
        assert bool(each.source("exchange")) == (each.exchange is not None)
        assert bool(each.source("efficiency")) == (each.efficiency is not None)


@pytest.mark.parametrize("find", [species.alkali, species.noble_gas])
def test_an_unknown_species_is_refused_with_the_nearest_one(find: object) -> None:
    assert callable(find)
    with pytest.raises(ValueError, match=r"must be one of .*, got 'Rb-88?.*"):
        find("Rb-88")
