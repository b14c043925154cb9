"""How the detuning moves while two modes evolve: held, ramped, or settling as a coil settles."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
import numpy.typing as npt

from spinlab.physics.checked import FloatArray, not_negative, one, real

SETTLED = 40.0  # time constants after which nothing is left of the step: e⁻⁴⁰ = 4e-18


@dataclass(frozen=True)
class Hold:
    """Constant detuning (rad/s) for a duration (s)."""

    duration: float
    detuning: float

    def __post_init__(self) -> None:
        one("duration", not_negative("duration", self.duration))
        one("detuning", real("detuning", self.detuning))

    @property
    def final(self) -> float:
        """The detuning at the end, rad/s."""
        return self.detuning

    @property
    def moving(self) -> float:
        """Seconds for which the detuning moves."""
        return 0.0

    def at(self, times: npt.ArrayLike) -> FloatArray:
        """Detunings (rad/s) at ``times`` (s from the segment's start)."""
        return np.full(np.shape(times), float(self.detuning))

    @property
    def fastest(self) -> float:
        """The rate (1/s) that steps through the moving part have to resolve."""
        return abs(self.detuning)


@dataclass(frozen=True)
class Ramp:
    """Detuning moving linearly from start to stop (rad/s) within a duration (s)."""

    duration: float
    start: float
    stop: float

    def __post_init__(self) -> None:
        one("duration", not_negative("duration", self.duration))
        one("start", real("start", self.start))
        one("stop", real("stop", self.stop))

    @property
    def final(self) -> float:
        """The detuning at the end, rad/s."""
        return self.stop

    @property
    def moving(self) -> float:
        """Seconds for which the detuning moves."""
        return self.duration

    def at(self, times: npt.ArrayLike) -> FloatArray:
        """Detunings (rad/s) at ``times`` (s from the segment's start)."""
        done = np.asarray(times, dtype=float) / self.duration if self.duration else np.ones(np.shape(times))
        return np.asarray(self.start + (self.stop - self.start) * done)

    @property
    def fastest(self) -> float:
        """The rate (1/s) that steps through the moving part have to resolve."""
        turning = max(abs(self.start), abs(self.stop))
        return max(turning, sqrt(abs(self.stop - self.start) / self.duration)) if self.duration else turning


@dataclass(frozen=True)
class Settle:
    """Detuning approaching stop from start (rad/s) as e^{−t/τ}, for a duration (s): a coil with τ = L/R (s).

    ``time_constant`` 0 is a step. What is left at the end of the duration stays.
    """

    duration: float
    start: float
    stop: float
    time_constant: float

    def __post_init__(self) -> None:
        one("duration", not_negative("duration", self.duration))
        one("start", real("start", self.start))
        one("stop", real("stop", self.stop))
        one("time_constant", not_negative("time_constant", self.time_constant))

    @property
    def final(self) -> float:
        """The detuning at the end, rad/s."""
        if self.duration >= SETTLED * self.time_constant:
            return self.stop
        return self.stop + (self.start - self.stop) * exp(-self.duration / self.time_constant)

    @property
    def moving(self) -> float:
        """Seconds for which the detuning moves."""
        return min(self.duration, SETTLED * self.time_constant)

    def at(self, times: npt.ArrayLike) -> FloatArray:
        """Detunings (rad/s) at ``times`` (s from the segment's start)."""
        t = np.asarray(times, dtype=float)
        left = np.exp(-t / self.time_constant) if self.time_constant else np.zeros(t.shape)
        return np.asarray(self.stop + (self.start - self.stop) * left)

    @property
    def fastest(self) -> float:
        """The rate (1/s) that steps through the moving part have to resolve."""
        turning = max(abs(self.start), abs(self.stop))
        return max(turning, 1 / self.time_constant) if self.time_constant else turning


Segment = Hold | Ramp | Settle
