"""What a plan asks of devices for one edge-triggered sequence, as data: waveform, pulses, acquisition."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Waveform:
    """Currents (A) that a supply plays on an edge, ``point_time`` s each, and the ``inactive`` one around them."""

    levels: tuple[float, ...]
    point_time: float
    inactive: float

    @property
    def amplitude(self) -> float:
        """The largest current of all, A: what the box scales its points by."""
        return max(abs(level) for level in (*self.levels, self.inactive))

    @property
    def duration(self) -> float:
        """From the edge to the return to the inactive level, s."""
        return len(self.levels) * self.point_time


@dataclass(frozen=True)
class Window:
    """From ``start`` s after the trigger, for ``width`` s; zero width: nothing happens."""

    start: float
    width: float

    @property
    def stop(self) -> float:
        """End of the window, s after the trigger."""
        return self.start + self.width


@dataclass(frozen=True)
class PulseSequence:
    """One trigger's worth of pulses; times in s after the trigger.

    ``pump_open_when_idle``: the pump gate is open but for ``pump_window`` (True), or closed but for it (False); no
    window leaves it as it is when idle. ``signal_cycles``: the signal gate fires in the first cycle only (1) or in every
    cycle (0). A sequence of ``cycles`` repeats every ``period`` s.
    """

    coil_edge: float
    digitizer_edge: float
    signal: Window
    pump_open_when_idle: bool
    pump_window: Window | None = None
    cycles: int = 1
    period: float = 0.0

    @property
    def last(self) -> float:
        """When the last edge of the last cycle happens, s after the trigger."""
        pump = self.pump_window.stop if self.pump_window else 0.0
        return (self.cycles - 1) * self.period + max(pump, self.digitizer_edge, self.coil_edge, self.signal.stop)


@dataclass(frozen=True)
class Acquisition:
    """Records to take: ``count`` samples at ``sample_rate`` (1/s) on each of ``edges`` edges.

    ``expected``: s from the trigger until the last sample is taken.
    """

    count: int
    sample_rate: float
    edges: int
    expected: float
