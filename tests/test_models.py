"""From a profile's tables to the cell that bench and prediction evolve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinlab.models import CELL_VOLUME, bench_model, propagation_of, volume_of
from spinlab.physics.propagation import Cell
from spinlab.physics.spatial_propagation import SpatialCell
from spinlab.profile import load_profile
from tests.laboratory import ROOT, profile


def test_without_a_word_the_cell_is_two_uniform_modes(tmp_path: Path) -> None:
    cell = propagation_of(profile(tmp_path))
    assert type(cell) is Cell
    assert (cell.volume, cell.time_constant) == (CELL_VOLUME, 1e-5)


def test_modes_make_it_a_sphere_with_the_diffusion_of_its_gases(tmp_path: Path) -> None:
    cell = propagation_of(profile(tmp_path, cell__modes=5))
    assert isinstance(cell, SpatialCell)
    sphere = cell.sphere
    assert (sphere.modes, sphere.radius, sphere.wall) == (5, 25.4e-3, "dirichlet")
    assert sphere.alkali_diffusion == pytest.approx(6.3e-6, rel=5e-3)
    assert sphere.noble_gas_diffusion == pytest.approx(3.0e-5, rel=2e-2)
    assert cell.volume == pytest.approx(CELL_VOLUME, rel=1e-3)
    assert isinstance(bench_model(profile(tmp_path, cell__modes=5)).cell, SpatialCell)


@pytest.mark.parametrize(
    ("word", "wall"), [("coated", "neumann"), ("uncoated", "dirichlet"), ("20 um", 2e-5), (0, 0.0)]
)
def test_the_wall_is_a_word_or_a_length(tmp_path: Path, word: object, wall: object) -> None:
    cell = propagation_of(profile(tmp_path, cell__modes=3, cell__wall=word))
    assert isinstance(cell, SpatialCell)
    assert cell.sphere.wall == wall


@pytest.mark.parametrize("modes", [1, 4])
def test_radius_and_volume_are_one_size(tmp_path: Path, modes: int) -> None:
    by_radius = propagation_of(profile(tmp_path, cell__modes=modes, cell__radius="1 cm"))
    by_volume = propagation_of(profile(tmp_path, cell__modes=modes, cell__volume=4 / 3 * np.pi * 1e-6))
    assert by_radius.volume == pytest.approx(by_volume.volume, rel=1e-12)
    if isinstance(by_volume, SpatialCell):
        assert by_volume.sphere.radius == pytest.approx(0.01, rel=1e-12)


def test_the_spatial_profile_of_the_laboratory_is_what_it_says() -> None:
    spatial = load_profile(ROOT / "profiles" / "sim-spatial.toml")
    cell = propagation_of(spatial)
    assert isinstance(cell, SpatialCell)
    assert cell.diffusion.count == 12
    assert cell.volume == volume_of(spatial.cell)
