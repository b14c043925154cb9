"""What acts on a cell, what state it is in, and what is asked of it: plain values, SI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]
Spin = complex | ComplexArray


@dataclass(frozen=True)
class Control:
    """What acts on the cell during one stretch of time.

    ``field``: coil's final field along z, T. ``pumping_rate``: R, 1/s. ``tilt_rate``: signal light, rad/s of alkali tilt
    along x. ``transverse_field``: B_x − iB_y, T.
    """

    field: float
    pumping_rate: float = 0.0
    tilt_rate: float = 0.0
    transverse_field: complex = 0.0


class Stretch(NamedTuple):
    """``control`` acts for ``duration`` seconds."""

    control: Control
    duration: float


@dataclass(frozen=True)
class CellState:
    """Per-atom transverse spins (complex, ħ), polarizations, and the field (T) as it is now.

    A spin that is one number is the same everywhere in the cell; a cell with N spatial modes makes it N amplitudes.
    """

    alkali_polarization: float
    noble_gas_polarization: float
    field: float
    alkali: Spin = 0.0
    noble_gas: Spin = 0.0


@dataclass(frozen=True)
class Sampling:
    """Ask for the alkali's transverse electron spin at ``times`` (s from the start, ascending), each averaged over
    ``aperture`` seconds from there on."""

    times: FloatArray
    aperture: float = 0.0

    def overlaps(self, begin: float, end: float) -> bool:
        """Whether any sample may be taken between ``begin`` and ``end`` (s)."""
        return len(self.times) > 0 and self.times[-1] >= begin and self.times[0] < end
