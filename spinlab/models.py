"""From a profile's tables to the physics objects they describe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spinlab.errors import BadInput
from spinlab.physics.mixture import KATZ_K_HE3, GasMixture

if TYPE_CHECKING:
    from spinlab.calibration import Calibration
    from spinlab.prediction import BenchModel
    from spinlab.profile import Profile
    from spinlab.profile.sections import Cell

CELL_VOLUME = 6.86e-5  # m³: a sphere of 1 inch radius (paper, Fig. 4)


def mixture_of(cell: Cell) -> GasMixture:
    """The gas mixture of a profile's ``[cell]``; what it does not say is the paper's operating point."""
    names = ("alkali_density", "noble_gas_density", "temperature", "noble_gas_polarization", "noble_gas_relaxation")
    given: dict[str, Any] = {name: getattr(cell, name) for name in names if getattr(cell, name) is not None}
    return replace(KATZ_K_HE3, **given)


def volume_of(cell: Cell) -> float:
    """The cell's volume, m³."""
    return CELL_VOLUME if cell.volume is None else cell.volume


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
    from spinlab.physics.propagation import Cell as Propagation
    from spinlab.prediction import BenchModel

    bench = profile.bench
    return BenchModel(
        cell=Propagation(mixture_of(profile.cell), bench.coil.time_constant, volume_of(profile.cell)),
        pumping_rate=pumping_rate_of(profile.cell),
        tilt_rate=bench.tilt_rate,
        coil_constant=bench.coil.constant,
        ambient_field=bench.ambient_field,
        transverse_field=complex(bench.transverse_field),
        current_noise=bench.coil.current_noise,
        current_resolution=bench.coil.resolution,
    )
