"""What the tests connect to a digitizer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class RampRecord:
    count: int
    volts_per_sample: float

    def volts(self) -> npt.NDArray[np.float64]:
        return np.arange(self.count) * self.volts_per_sample


class Ramp:
    """An input that rises by ``volts_per_sample`` with every sample, and remembers what was started."""

    def __init__(self, volts_per_sample: float = 1e-3) -> None:
        self.volts_per_sample = volts_per_sample
        self.started: list[tuple[float, int, float, float]] = []

    def start(self, time: float, count: int, sample_rate: float, aperture: float) -> RampRecord:
        self.started.append((time, count, sample_rate, aperture))
        return RampRecord(count, self.volts_per_sample)
