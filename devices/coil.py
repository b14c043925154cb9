"""The bias coil's current supply: Keithley 6221, DC level and edge-triggered arbitrary waveform."""

from __future__ import annotations

from typing import ClassVar

from ophyd import Component

from spinlab.clock.status import ClockStatus
from spinlab.dialects import ScpiDevice
from spinlab.errors import BadInput
from spinlab.replies import ReadBack, whole
from spinlab.sequence import Waveform
from spinlab.units import Amperes, Volts
from spinlab.visa import ClockSignal, DeviceSettings

WAVE_STOPPED = 1 << 7  # bit of the operation register, 6221 reference manual
DATA_POINTS = 100  # most values of one ARB:DATA or ARB:APPend command
POINTS = 65535  # most points of an arbitrary waveform
FREQUENCIES = (1e-3, 1e5)  # Hz


class CoilSettings(DeviceSettings):
    """``range``: full scale, A; its resolution is a 20,000th. ``max_current``: what the coil bears. ``compliance``: V.

    ``safe_current`` is where the safe state puts the DC level, output on. ``polls``: times that a finished waveform is
    asked for before it counts as stuck.
    """

    range: Amperes = 0.020
    max_current: Amperes = 0.0202
    compliance: Volts = 100.0
    safe_current: Amperes = 0.0
    polls: int = 20


class Coil(ScpiDevice):
    """``set(current)`` moves the DC level; ``prepare(Waveform)`` arms a waveform that the next edge plays.

    An armed waveform stays armed: every edge plays it again. ``trigger()`` finishes when the waveform has stopped.
    """

    Settings = CoilSettings
    settings: CoilSettings
    models: ClassVar = ("6221", "6220")

    level = Component(ClockSignal, value=0.0, kind="hinted")

    @property
    def resolution(self) -> float:
        """The supply's step on its fixed range, A."""
        return self.settings.range / 20000

    def initialise(self) -> None:
        """Fixed range, compliance, output on at the safe current."""
        s = self.settings
        self.initial(
            f":SOUR:WAVE:ABOR;:SOUR:CURR:RANG {s.range:.6E};:SOUR:CURR:COMP {s.compliance:.3f}"
            f";:SOUR:CURR {s.safe_current:.6E};:OUTP ON",
            ReadBack(":SOUR:CURR:RANG?", s.range, 1e-3 * s.range),
            ReadBack(":SOUR:CURR:COMP?", s.compliance, 0.01),
            self._level(s.safe_current),
            ReadBack(":OUTP?", 1),
        )
        self.level.put(s.safe_current)

    def check_current(self, current: float) -> None:
        """Raise BadInput when the coil or the range does not bear ``current`` (A)."""
        limit = min(self.settings.max_current, self.settings.range * 1.05)
        if not abs(current) <= limit:
            raise BadInput(
                f"{self.name}: {current * 1e3:.4g} mA is beyond its limit of {limit * 1e3:.4g} mA; "
                "ask for a smaller field or current"
            )

    def check(self, waveform: Waveform) -> None:
        """Raise BadInput when the box cannot play the waveform."""
        for level in (*waveform.levels, waveform.inactive):
            self.check_current(level)
        count = len(waveform.levels)
        if not 2 <= count <= POINTS:
            raise BadInput(f"{self.name}: a waveform of {count} points; it plays 2 to {POINTS}")
        if not waveform.point_time > 0:
            raise BadInput(f"{self.name}: a point of {waveform.point_time:g} s; it must be longer than zero")
        frequency = 1 / waveform.duration
        if not FREQUENCIES[0] <= frequency <= FREQUENCIES[1]:
            raise BadInput(
                f"{self.name}: a waveform of {waveform.duration:.4g} s; it must last between "
                f"{1 / FREQUENCIES[1]:g} s and {1 / FREQUENCIES[0]:g} s: change the hold or the record"
            )

    def set(self, current: float) -> ClockStatus:
        """Leave wave mode and put the DC level to ``current`` (A)."""
        self.check_current(current)
        self.command(f":SOUR:WAVE:ABOR;:SOUR:CURR {current:.6E}", f"level {current:.6g} A", self._level(current))
        self.level.put(current)
        return self.done()

    def prepare(self, waveform: Waveform) -> ClockStatus:
        """Load and arm a waveform; the output is at its inactive current from now on."""
        self.check(waveform)
        scale = waveform.amplitude or self.resolution
        values = [f"{level / scale:.7f}" for level in waveform.levels]
        pieces = [values[i : i + DATA_POINTS] for i in range(0, len(values), DATA_POINTS)]
        commands = [
            ":SOUR:WAVE:ABOR",
            ":SOUR:WAVE:FUNC ARB0",
            f":SOUR:WAVE:ARB:DATA {','.join(pieces[0])}",
            *(f":SOUR:WAVE:ARB:APP {','.join(piece)}" for piece in pieces[1:]),
            ":SOUR:WAVE:RANG FIX",
            f":SOUR:WAVE:AMPL {scale:.7E}",
            ":SOUR:WAVE:OFFS 0",
            f":SOUR:WAVE:FREQ {1 / waveform.duration:.8E}",
            ":SOUR:WAVE:DUR:CYCL 1",
            ":SOUR:WAVE:EXTR ON",
            f":SOUR:WAVE:EXTR:IVAL {waveform.inactive / scale:.7f}",
            ":SOUR:WAVE:ARM",
            ":SOUR:WAVE:INIT",
        ]
        self.command(
            ";".join(commands),
            "arming a waveform",
            ReadBack(":SOUR:WAVE:ARB:POIN?", len(values)),
            ReadBack(":SOUR:WAVE:AMPL?", scale, self.resolution / 2),
            ReadBack(":SOUR:WAVE:FREQ?", 1 / waveform.duration, 1e-5 / waveform.duration),
            ReadBack(":SOUR:WAVE:DUR:CYCL?", 1, 1e-6),
            ReadBack(":SOUR:WAVE:EXTR:IVAL?", waveform.inactive / scale, 1e-6),
        )
        return self.done()

    def trigger(self) -> ClockStatus:
        """A status that finishes when the waveform has stopped (the operation register says so)."""
        status = self.clock.status(self.name, "waveform stopped")
        self._poll(status, self.settings.polls)
        return status

    def _poll(self, status: ClockStatus, left: int) -> None:
        try:
            stopped = self.ask(":STAT:OPER:COND?", whole, "playing a waveform") & WAVE_STOPPED
        except Exception as error:
            status.set_exception(error)
            return
        if stopped:
            status.set_finished()
        elif left > 0:
            self.clock.call_later(0.005, lambda: self._poll(status, left - 1))
        else:
            status.set_exception(TimeoutError(f"{self.name}: the waveform does not stop (was there a trigger edge?)"))

    def make_safe(self) -> None:
        """Wave mode left, DC level at the safe current."""
        safe = self.settings.safe_current
        self.secure(f":SOUR:WAVE:ABOR;:SOUR:CURR {safe:.6E}", self._level(safe))
        self.level.put(safe)

    def _level(self, current: float) -> ReadBack:
        """The DC level, to half a step."""
        return ReadBack(":SOUR:CURR?", current, 0.51 * self.resolution)
