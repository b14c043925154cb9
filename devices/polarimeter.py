"""The polarimeter: a balanced photodetector into a Keithley DMM7510 that digitizes on trigger edges."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from ophyd import Component

from spinlab.clock.status import ClockStatus
from spinlab.dialects import ScpiDevice
from spinlab.errors import BadInput
from spinlab.replies import ReadBack, whole
from spinlab.sequence import Acquisition
from spinlab.units import Volts
from spinlab.visa import ClockSignal, DeviceSettings

BUFFER = "spinlab"
FULL_SCALE = 1.25  # of the range: more is no reading (the box reports 9.9e37 for an overflow)


class PolarimeterSettings(DeviceSettings):
    """``range``: full scale, V. ``polls``: times that a full buffer is asked for before it counts as stuck."""

    range: Volts = 1.0
    polls: int = 20


class Polarimeter(ScpiDevice):
    """``prepare(Acquisition)`` arms the digitizer; ``trigger()`` finishes when all records are here.

    ``trace`` is the record of the last edge, ``first_trace`` that of the first, V; one row of samples each.
    """

    Settings = PolarimeterSettings
    settings: PolarimeterSettings
    models: ClassVar = ("DMM7510", "DMM6500")

    trace = Component(ClockSignal, value=np.zeros(0, dtype=np.float32), kind="hinted")
    first_trace = Component(ClockSignal, value=np.zeros(0, dtype=np.float32), kind="omitted")

    _acquisition: Acquisition | None = None
    _size = 0

    def initialise(self) -> None:
        """Buffers of an earlier session dropped; digitize volts, fixed range, rising edge, single-precision binary."""
        self.initial(
            f'*RST;:DIG:FUNC "VOLT";:DIG:VOLT:RANG {self.settings.range:g};:DIG:VOLT:APER AUTO'
            ";:FORM:DATA SRE;:FORM:BORD SWAP;:TRIG:EXT:IN:EDGE RIS",
            ReadBack(":DIG:FUNC?", '"VOLT"'),
            self._range,
            ReadBack(":FORM:DATA?", "SRE"),
            ReadBack(":FORM:BORD?", "SWAP"),
            ReadBack(":TRIG:EXT:IN:EDGE?", "RIS"),
        )
        self._size = 0

    def check(self, acquisition: Acquisition) -> None:
        """Raise BadInput for a record the box cannot take."""
        if not 1e3 <= acquisition.sample_rate <= 1e6:
            raise BadInput(f"{self.name}: {acquisition.sample_rate:g} samples/s; it takes 1e3 to 1e6")
        if not 100 <= acquisition.count * acquisition.edges <= 1_000_000:
            raise BadInput(f"{self.name}: {acquisition.count * acquisition.edges} samples; take 100 to 1,000,000")

    def aperture(self, acquisition: Acquisition) -> float:
        """Seconds that one sample is averaged over (APER AUTO: all of the sampling interval)."""
        return 1 / acquisition.sample_rate

    def prepare(self, acquisition: Acquisition) -> ClockStatus:
        """Arm: each of the next edges starts a group of readings into an empty buffer."""
        self.check(acquisition)
        size = acquisition.count * acquisition.edges
        buffer = f":TRAC:CLE '{BUFFER}'"
        if size != self._size:
            drop = f":TRAC:DEL '{BUFFER}';" if self._size else ""
            buffer = f"{drop}:TRAC:MAKE '{BUFFER}',{size}"
        self.command(
            f":TRIG:DIG:STIM NONE;{buffer};:DIG:VOLT:SRAT {acquisition.sample_rate:.0f}"
            f";:DIG:COUN {acquisition.count};:TRIG:DIG:STIM EXT",
            "arming",
            self._range,
            ReadBack(":DIG:VOLT:SRAT?", round(acquisition.sample_rate)),
            ReadBack(":DIG:COUN?", acquisition.count),
            ReadBack(f":TRAC:POIN? '{BUFFER}'", size),
            ReadBack(f":TRAC:ACT? '{BUFFER}'", 0, always=True),  # else the last record would be taken for the next one
            ReadBack(":TRIG:DIG:STIM?", "EXT", always=True),
        )
        self._size = size
        self._acquisition = acquisition
        return self.done()

    def trigger(self) -> ClockStatus:
        """A status that finishes when the records of all edges have been read."""
        status = self.clock.status(self.name, "records")
        if self._acquisition is None:
            status.set_exception(RuntimeError(f"{self.name}: trigger before prepare"))
        else:
            self.clock.call_later(self._acquisition.expected, lambda: self._poll(status, self.settings.polls))
        return status

    def _poll(self, status: ClockStatus, left: int) -> None:
        if status.done:
            return
        try:
            taken = self.ask(f":TRAC:ACT? '{BUFFER}'", whole, "digitizing")
            if taken == self._size:
                self._fetch()
                status.set_finished()
                return
        except Exception as error:
            status.set_exception(error)
            return
        if left > 0:
            self.clock.call_later(0.005, lambda: self._poll(status, left - 1))
        else:
            message = f"{self.name}: {taken} of {self._size} readings came (is the trigger connected?)"
            status.set_exception(TimeoutError(message))

    def _fetch(self) -> None:
        assert self._acquisition is not None
        readings = self.link.query_floats(f":TRAC:DATA? 1,{self._size},'{BUFFER}',READ", self._size)
        self.command("", "reading the records")  # a block that was too long would show here
        if not np.all(np.abs(readings) < FULL_SCALE * self.settings.range):
            raise OverflowError(f"{self.name}: readings beyond its range of {self.settings.range:g} V")
        records = readings.reshape(self._acquisition.edges, self._acquisition.count)
        self.first_trace.put(records[0])
        self.trace.put(records[-1])

    def make_safe(self) -> None:
        """No edge starts anything any more."""
        self.secure(":TRIG:DIG:STIM NONE", ReadBack(":TRIG:DIG:STIM?", "NONE"))

    @property
    def _range(self) -> ReadBack:
        return ReadBack(":DIG:VOLT:RANG?", self.settings.range, 1e-3 * self.settings.range)
