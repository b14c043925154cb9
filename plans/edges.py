"""When things happen around one coil edge: storage → resonance (the hold) → read (the record) → storage.

| time | what happens |
|---|---|
| −5 µs | pump gate closes, until the record ends |
| 0 | coil edge: to resonance, settled after 5τ |
| 5τ | signal pulse, on a write |
| 5τ + pulse/2 + t* | end of the hold: to the read level |
| + 10τ | digitizer edge |
| end of record | pump gate opens again, coil back to storage |
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

from spinlab.sequence import Acquisition, PulseSequence, Waveform, Window

GATE_LEAD = 5e-6  # s from the pump gate's closing to the coil edge
FIRST_EDGE = 10e-6  # s from the trigger to the coil edge
AFTER_PULSE = 10e-6  # s from the signal pulse's end to the end of a reference hold
REPUMP = 0.030  # s of pumping before each edge of a dark storage
TAIL = 0.2e-3  # s that the read level outlasts the record
BETWEEN = 0.020  # s of pumping that a storage with the pump on needs after its write record

PumpMode = Literal["on", "dark"]


@dataclass(frozen=True)
class EdgeTiming:
    """Times of one write or read, s: coil time constant τ, signal pulse, record; samples per second."""

    time_constant: float
    pulse: float
    record: float
    sample_rate: float

    @property
    def settle(self) -> float:
        """5τ: from the edge until the coil is at resonance."""
        return 5 * self.time_constant

    @property
    def read_settle(self) -> float:
        """10τ: from the end of the hold until the record may begin."""
        return 10 * self.time_constant

    @property
    def lead(self) -> float:
        """From the pump gate's closing to the signal pulse's centre."""
        return GATE_LEAD + self.settle + self.pulse / 2

    @property
    def count(self) -> int:
        """Samples of one record."""
        return round(self.record * self.sample_rate)

    @property
    def reference_hold(self) -> float:
        """The shortest hold that holds a signal pulse."""
        return self.settle + self.pulse + AFTER_PULSE

    @property
    def reference_transfer(self) -> float:
        """Exchange time that a reference has nevertheless, from the pulse's centre to the end of its hold."""
        return self.pulse / 2 + AFTER_PULSE

    def hold(self, transfer: float) -> float:
        """Length of a hold whose exchange time from the pulse's centre on is ``transfer``."""
        return self.settle + self.pulse / 2 + transfer

    def waveform(self, hold: float, resonance: float, read: float, storage: float) -> Waveform:
        """One point at resonance for the hold, then the read level for record and tail; currents in A."""
        points = ceil((self.read_settle + self.record + TAIL) / hold)
        return Waveform((resonance, *(read,) * points), hold, storage)

    def acquisition(self, hold: float, edges: int, until_last: float) -> Acquisition:
        """Records of ``edges`` edges, the last of them ``until_last`` s after the trigger."""
        expected = until_last + hold + self.read_settle + self.record
        return Acquisition(self.count, self.sample_rate, edges, expected)

    def sequence(self, hold: float, signal: bool, pump: PumpMode, storage_time: float | None = None) -> PulseSequence:
        """Pulses of one edge, or of a write and its read ``storage_time`` s after the end of the write hold."""
        first = FIRST_EDGE + (REPUMP if pump == "dark" else 0.0)
        end = first + hold + self.read_settle + self.record
        if pump == "on":
            window = Window(first - GATE_LEAD, end - first + GATE_LEAD)
        else:
            window = Window(first - REPUMP, REPUMP - GATE_LEAD)
        return PulseSequence(
            coil_edge=first,
            digitizer_edge=first + hold + self.read_settle,
            signal=Window(first + self.settle, self.pulse if signal else 0.0),
            pump_open_when_idle=pump == "on",
            pump_window=window,
            cycles=1 if storage_time is None else 2,
            period=0.0 if storage_time is None else hold + storage_time,
        )

    def shortest_storage(self, pump: PumpMode) -> float:
        """The write record must end, and the alkali be pumped again, before the read edge, s."""
        return self.read_settle + self.record + TAIL + (REPUMP if pump == "dark" else BETWEEN)
