"""The polarimeter: a balanced photodetector into a Keithley DMM7510 that digitizes on trigger edges."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from ophyd import Component

from spinlab.clock.status import ClockStatus
from spinlab.errors import BadInput
from spinlab.sequence import Acquisition
from spinlab.units import Volts
from spinlab.visa import ClockSignal, DeviceSettings, VisaDevice

BUFFER = "spinlab"
OVERFLOW = 9e37  # what the box reports for a reading beyond its range


class PolarimeterSettings(DeviceSettings):
    """``range``: full scale, V. ``polls``: times that a full buffer is asked for before it counts as stuck."""

    range: Volts = 1.0
    polls: int = 20


class Polarimeter(VisaDevice):
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
        self._send(
            f'*RST;*CLS;:DIG:FUNC "VOLT";:DIG:VOLT:RANG {self.settings.range:g};:DIG:VOLT:APER AUTO'
            ";:FORM:DATA SRE;:FORM:BORD SWAP;:TRIG:EXT:IN:EDGE RIS",
            "initialise",
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
        self._send(
            f":TRIG:DIG:STIM NONE;{buffer};:DIG:VOLT:SRAT {acquisition.sample_rate:.0f}"
            f";:DIG:COUN {acquisition.count};:TRIG:DIG:STIM EXT",
            "arming",
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
            reply, error = self.link.query(f":TRAC:ACT? '{BUFFER}';:SYST:ERR?").split(";", 1)
            self.refuse_error(error, "digitizing")
            taken = int(float(reply))
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
        if not np.all(np.abs(readings) < OVERFLOW):
            raise OverflowError(f"{self.name}: readings beyond its range of {self.settings.range:g} V")
        records = readings.reshape(self._acquisition.edges, self._acquisition.count)
        self.first_trace.put(records[0])
        self.trace.put(records[-1])

    def make_safe(self) -> None:
        """No edge starts anything any more."""
        self._send(":TRIG:DIG:STIM NONE", "safe state")

    def _send(self, commands: str, context: str) -> None:
        self.refuse_error(self.link.query(f"{commands};:SYST:ERR?"), context)
