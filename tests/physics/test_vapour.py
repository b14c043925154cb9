"""Vapour densities against published values, and the inverse against the formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinlab.physics.constants import BOLTZMANN
from spinlab.physics.vapour import PRESSURES, vapour_density, vapour_temperature


def test_potassium_at_the_paper_s_temperature_has_its_density() -> None:
    assert vapour_density("K-39", 488.15) == pytest.approx(3e20, rel=0.06)


@pytest.mark.parametrize(("metal", "celsius"), [("K", 200.2), ("Rb", 160.4), ("Cs", 144.5)])
def test_each_metal_reaches_one_pascal_where_the_crc_handbook_says(metal: str, celsius: float) -> None:
    temperature = celsius + 273.15
    assert vapour_density(metal, temperature) * BOLTZMANN * temperature == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize(
    ("metal", "celsius", "torr"), [("Rb-87", 25.0, 3.92e-7), ("Cs-133", 25.0, 1.488e-6), ("K", 20.0, 9.8e-9)]
)
def test_the_solids_have_the_pressures_of_the_alkali_data_sheets(metal: str, celsius: float, torr: float) -> None:
    """Steck (Rb, Cs) and Tiecke (K)."""
    temperature = celsius + 273.15
    pressure = vapour_density(metal, temperature) * BOLTZMANN * temperature
    assert pressure == pytest.approx(torr * 133.322, rel=0.05)


@pytest.mark.parametrize("metal", PRESSURES)
def test_solid_and_liquid_meet_at_the_melting_point(metal: str) -> None:
    """Within the 5 % that the formulas claim."""
    melting = PRESSURES[metal].melting_point
    below, above = vapour_density(metal, [np.nextafter(melting, 0), melting])
    assert below == pytest.approx(above, rel=0.05)


@given(st.sampled_from(sorted(PRESSURES)), st.floats(200, 1000))
def test_the_temperature_of_a_density_has_that_density(metal: str, temperature: float) -> None:
    found = vapour_temperature(metal, vapour_density(metal, temperature))
    melting = PRESSURES[metal].melting_point
    if abs(temperature - melting) > 0.6:
        assert found == pytest.approx(temperature, rel=1e-12)
    else:
        assert found == pytest.approx(melting, abs=0.6)


def test_it_grows_with_temperature_and_takes_arrays() -> None:
    temperatures = np.linspace(250, 600, 50).reshape(5, 10)
    densities = vapour_density("Cs-133", temperatures)
    assert densities.shape == (5, 10)
    assert np.all(np.diff(densities.ravel()[temperatures.ravel() > 302]) > 0)
    assert vapour_temperature("Cs-133", densities).shape == (5, 10)


@pytest.mark.parametrize("temperature", [0.0, -1.0, 150.0, 1200.0, float("nan"), float("inf")])
def test_temperatures_without_a_meaning_are_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match=r"temperature must lie in 200…1000 K"):
        vapour_density("K", temperature)


@pytest.mark.parametrize("density", [0.0, -1.0, 1e40, float("nan")])
def test_densities_without_a_temperature_are_refused(density: float) -> None:
    with pytest.raises(ValueError, match="density must lie in"):
        vapour_temperature("K", density)


def test_another_metal_is_refused() -> None:
    with pytest.raises(ValueError, match="alkali must be K, Rb, Cs or an isotope of one, got 'Na-23'"):
        vapour_density("Na-23", 400.0)
