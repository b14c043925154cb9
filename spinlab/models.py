"""From a profile's tables to the physics objects they describe."""

from __future__ import annotations

from dataclasses import replace
from math import pi
from typing import TYPE_CHECKING, Any

from spinlab.errors import BadInput
from spinlab.physics.mixture import KATZ_K_HE3, GasMixture
from spinlab.physics.vapour import vapour_density

if TYPE_CHECKING:
    from spinlab.calibration import Calibration
    from spinlab.physics.propagation import Cell as Propagation
    from spinlab.prediction import BenchModel
    from spinlab.profile import Profile
    from spinlab.profile.sections import Cell

CELL_VOLUME = 6.86e-5  # m³: a sphere of 1 inch radius (paper, Fig. 4)
CELL_RADIUS = 25.4e-3  # m
ALKALI = "K"  # the vapour of KATZ_K_HE3
WALLS = {"coated": "neumann", "uncoated": "dirichlet"}


def mixture_of(cell: Cell) -> GasMixture:
    """The gas mixture of a profile's ``[cell]``; what it does not say is the paper's operating point."""
    names = ("alkali_density", "noble_gas_density", "temperature", "noble_gas_polarization", "noble_gas_relaxation")
    given: dict[str, Any] = {name: getattr(cell, name) for name in names if getattr(cell, name) is not None}
    return replace(KATZ_K_HE3, **given)


def volume_of(cell: Cell) -> float:
    """The cell's volume, m³."""
    if cell.radius is not None:
        return 4 / 3 * pi * cell.radius**3
    return CELL_VOLUME if cell.volume is None else cell.volume


def heated(mixture: GasMixture, temperature: float) -> GasMixture:
    """The mixture at another temperature (K): its vapour density goes with the saturated vapour, the gases stay.

    A cell whose density is not that of the saturated vapour at its own temperature keeps the ratio of the two.
    """
    ratio = vapour_density(ALKALI, temperature) / vapour_density(ALKALI, mixture.temperature)
    return replace(mixture, temperature=temperature, alkali_density=mixture.alkali_density * float(ratio))


def propagation_of(profile: Profile, temperature: float | None = None) -> Propagation:
    """The cell that the bench and the prediction evolve: two uniform modes, or ``[cell] modes`` of each gas in a sphere.

    ``temperature`` (K): of an oven that is not at the profile's.
    """
    from spinlab.physics.propagation import Cell as Propagation

    cell, mixture, coil = profile.cell, mixture_of(profile.cell), profile.bench.coil
    if temperature is not None:
        mixture = heated(mixture, temperature)
    if cell.modes == 1:
        return Propagation(mixture, coil.time_constant, volume_of(cell))
    from spinlab.physics.spatial import SphericalCell
    from spinlab.physics.spatial_propagation import SpatialCell

    sphere = SphericalCell.of(
        mixture,
        radius_of(cell),
        cell.alkali_diffusion,
        cell.noble_gas_diffusion,
        wall="dirichlet" if cell.wall is None else WALLS.get(str(cell.wall), cell.wall),
        modes=cell.modes,
        form="graded",
    )
    return SpatialCell(mixture, sphere, coil.time_constant, volume_of(cell))


def radius_of(cell: Cell) -> float:
    """The radius of a cell that is a sphere, m."""
    if cell.radius is not None:
        return cell.radius
    return CELL_RADIUS if cell.volume is None else (3 * cell.volume / (4 * pi)) ** (1 / 3)


def pumping_rate_of(cell: Cell) -> float:
    """R at full pump power, 1/s; unless given, what holds p_a at the paper's 0.95."""
    if cell.pumping_rate is not None:
        return cell.pumping_rate
    return mixture_of(cell).pumping_rate()


def calibration_of(profile: Profile) -> Calibration:
    """What the control side takes as known: the profile's ``[calibration]`` and its model of the cell."""
    from spinlab.calibration import Calibration

    known = profile.calibration
    if known.pumping_rate is None:
        raise BadInput(f"{profile.path.name}: calibration.pumping_rate is missing: plans need R to track the resonance")
    return Calibration(
        mixture=mixture_of(profile.cell),
        pumping_rate=known.pumping_rate,
        coil_constant=known.coil_constant,
        ambient_field=known.ambient_field,
        coil_time_constant=known.coil_time_constant,
        dc_offset=known.dc_offset,
        wave_gain_error=known.wave_gain_error,
        wave_offset=known.wave_offset,
    )


def bench_model(profile: Profile) -> BenchModel:
    """The laboratory as the profile declares it, for predictions."""
    from spinlab.prediction import BenchModel

    bench = profile.bench
    return BenchModel(
        cell=propagation_of(profile),
        pumping_rate=pumping_rate_of(profile.cell),
        tilt_rate=bench.tilt_rate,
        coil_constant=bench.coil.constant,
        ambient_field=bench.ambient_field,
        transverse_field=complex(bench.transverse_field),
        current_noise=bench.coil.current_noise,
        current_resolution=bench.coil.resolution,
    )
