"""What a storage run should measure: the physics under the commanded timeline, with the profile's parameters.

The second way to the number that the bench measures: it shares ``spinlab.physics`` with the virtual cell, and nothing
else. It knows what was commanded (currents, times, pump mode), never what the bench did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

from spinlab.physics.propagation import Cell, CellState, Control, Stretch

GATE_LEAD = 5e-6  # s: the pump gate closes before the coil edge
REPUMP = 0.030  # s of pumping before an edge of a dark storage


@dataclass(frozen=True)
class BenchModel:
    """The laboratory as its profile declares it, SI: what turns a commanded timeline into controls of the cell."""

    cell: Cell
    pumping_rate: float
    tilt_rate: float
    coil_constant: float
    ambient_field: float
    transverse_field: complex
    current_noise: float
    current_resolution: float

    @property
    def tracking_noise(self) -> float:
        """Scatter of a tracked p_b that the supply's noise and rounding make."""
        mixture = self.cell.mixture
        current = sqrt(self.current_noise**2 + self.current_resolution**2 / 12)
        electron = mixture.electron_gyromagnetic * self.coil_constant * current
        return electron / (mixture.exchange_strength * mixture.noble_gas_density / 2)

    def field(self, current: float, amplitude: float, error: float = 0.0) -> float:
        """Field (T) of a waveform level: the fraction of the amplitude it is sent as, rounded as the supply does."""
        played = amplitude * round(current / amplitude, 7)
        played = round(played / self.current_resolution) * self.current_resolution
        return self.ambient_field + self.coil_constant * (played + error)


@dataclass(frozen=True)
class Commanded:
    """The conditions of a run (SI), from its start document."""

    storage_current: float
    read_level_current: float
    pulse: float
    settle: float
    read_settle: float
    record: float
    pump: str

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Commanded:
        """Read them from the ``storage`` entry of a start document."""
        return cls(**{name: metadata[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class PredictedShot:
    """Alkali at the end of the read hold: transverse F per atom (complex, ħ) and electron spin s = F/q.

    ``noble_gas`` is p_b as it was before the write.
    """

    spin: complex
    electron: complex
    noble_gas: float


@dataclass(frozen=True)
class NoiseAverage:
    """What the declared current noise does to a shot's |F|²: relative mean shift and relative scatter."""

    shift: float
    scatter: float


class Predictor:
    """Follows a run shot by shot; p_b is carried from one to the next as the commanded pumping moves it."""

    def __init__(self, model: BenchModel, commanded: Commanded, follow_noble_gas: bool = True) -> None:
        self.model = model
        self.commanded = commanded
        self.noble_gas = model.cell.mixture.noble_gas_polarization
        self.time = 0.0
        self.follow_noble_gas = follow_noble_gas

    def shot(self, event: Mapping[str, Any]) -> PredictedShot:
        """The next shot of the run (an event of its primary stream); call it for every shot, in order."""
        self._wait(float(event["write_time"]) - self.time)
        shot, end = self._play(event, self.noble_gas)
        if self.follow_noble_gas:
            self.noble_gas = end.noble_gas_polarization
        self.time = float(event["read_time"]) + float(event["read_hold"]) + self.commanded.record
        return shot

    def noise_average(self, event: Mapping[str, Any], shot: PredictedShot) -> NoiseAverage:
        """Average of a predicted shot's |F|² over independent normal errors of both holds: three-point Gauss–Hermite."""
        step = sqrt(3) * self.model.current_noise
        kept = abs(shot.spin) ** 2
        shift = scatter = 0.0
        for write, read in ((step, 0.0), (0.0, step)):
            values = [
                abs(self._play(event, shot.noble_gas, sign * write, sign * read)[0].spin) ** 2 / kept - 1
                for sign in (1, -1)
            ]
            mean = sum(values) / 6
            shift += mean
            scatter += sum(v * v for v in values) / 6 - mean * mean
        return NoiseAverage(shift, sqrt(max(scatter, 0.0)))

    def _wait(self, duration: float) -> None:
        """Between shots the pump is on."""
        if duration > 0 and self.follow_noble_gas:
            idle = CellState(self._settled(self.noble_gas), self.noble_gas, 0.0)
            after, _ = self.model.cell.evolve(idle, Control(0.0, self.model.pumping_rate), duration)
            self.noble_gas = after.noble_gas_polarization

    def _settled(self, noble_gas: float) -> float:
        return self.model.cell.rates.settled_alkali(noble_gas, self.model.pumping_rate)

    def _play(
        self, event: Mapping[str, Any], noble_gas: float, write_error: float = 0.0, read_error: float = 0.0
    ) -> tuple[PredictedShot, CellState]:
        state = CellState(self._settled(noble_gas), noble_gas, self._storage_field)
        write = _Edge(float(event["write_current"]), float(event["write_hold"]), write_error)
        timeline = self._edge(write, event["kind"] in ("signal", "reference"))
        if event["kind"] in ("signal", "background"):
            timeline += self._storage(event)
            if not self.follow_noble_gas:
                states, _ = self.model.cell.play(state, timeline)
                state, timeline = replace(states[-1], noble_gas_polarization=noble_gas), ()
            read = _Edge(float(event["read_current"]), float(event["read_hold"]), read_error)
            timeline += self._edge(read, False)
        states, _ = self.model.cell.play(state, timeline)
        held, end = states[-2:]
        q = float(self.model.cell.slowing_down(held.alkali_polarization))
        spin = self.model.cell.recorded_spin(held, timeline[-1])
        return PredictedShot(spin, spin / q, noble_gas), end

    @property
    def _amplitude(self) -> float:
        return max(abs(self.commanded.storage_current), abs(self.commanded.read_level_current))

    @property
    def _storage_field(self) -> float:
        return self.model.field(self.commanded.storage_current, self._amplitude)

    def _stretch(self, duration: float, field: float, pumping_rate: float = 0.0, tilt_rate: float = 0.0) -> Stretch:
        return Stretch(Control(field, pumping_rate, tilt_rate, self.model.transverse_field), duration)

    def _edge(self, edge: _Edge, lights: bool) -> tuple[Stretch, ...]:
        """From the gate's closing to the end of the record; the last but one ends with the hold."""
        commanded, stretch = self.commanded, self._stretch
        resonance = self.model.field(edge.current, self._amplitude, edge.error)
        read = self.model.field(commanded.read_level_current, self._amplitude)
        return (
            stretch(GATE_LEAD, self._storage_field),
            stretch(commanded.settle, resonance),
            stretch(commanded.pulse, resonance, tilt_rate=self.model.tilt_rate if lights else 0.0),
            stretch(edge.hold - commanded.settle - commanded.pulse, resonance),
            stretch(commanded.read_settle + commanded.record, read),
        )

    def _storage(self, event: Mapping[str, Any]) -> tuple[Stretch, ...]:
        """From the end of the write record to the read edge."""
        commanded, field, rate = self.commanded, self._storage_field, self.model.pumping_rate
        left = float(event["storage_time"]) - commanded.read_settle - commanded.record - GATE_LEAD
        if commanded.pump == "on":
            return (self._stretch(left, field, rate),)
        repump = REPUMP - GATE_LEAD
        return self._stretch(left - repump, field), self._stretch(repump, field, rate)


@dataclass(frozen=True)
class _Edge:
    """One hold as commanded: current (A), length (s), and an error of the current (A)."""

    current: float
    hold: float
    error: float
