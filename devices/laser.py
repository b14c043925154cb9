"""A diode laser on an SRS LDC500-series controller: pump or probe."""

from __future__ import annotations

from typing import ClassVar

from ophyd import Component

from spinlab.clock.status import ClockStatus
from spinlab.errors import BadInput, InstrumentError
from spinlab.units import Amperes, Seconds
from spinlab.visa import ClockSignal, DeviceSettings, VisaDevice

EXECUTION_ERRORS = {1: "illegal value", 2: "wrong token", 3: "invalid bit", 4: "queue full", 5: "not compatible"}
COMMAND_ERRORS = {1: "illegal command", 2: "undefined command", 3: "illegal query", 4: "illegal set"}


class LaserSettings(DeviceSettings):
    """``current``: the diode's working point, A. ``max_current``: A. ``warm_up``: s from on until the light is steady."""

    current: Amperes
    max_current: Amperes
    warm_up: Seconds = 2.0


class Laser(VisaDevice):
    """``set(True)`` lights the diode at its working current and finishes when it is steady; ``set(False)`` puts it out."""

    Settings = LaserSettings
    settings: LaserSettings
    models: ClassVar = ("LDC500", "LDC501", "LDC502")

    lit = Component(ClockSignal, value=0, kind="hinted")

    def initialise(self) -> None:
        """Unlock the socket, diode off, working current set."""
        s = self.settings
        if not 0 <= s.current <= s.max_current:
            raise BadInput(
                f"{self.name}: a working current of {s.current * 1e3:g} mA; 0 to {s.max_current * 1e3:g} mA is allowed"
            )
        self.link.write("ULOC 1")
        self.link.write("*CLS")
        self.link.write("LDON 0")
        self._send(f"SILM {s.max_current * 1e3:.3f}")
        self._send(f"SILD {s.current * 1e3:.3f}")
        self.lit.put(0)

    def set(self, on: bool) -> ClockStatus:
        """Diode on or off; a diode that is already on is steady at once."""
        if not on or self.lit.get():
            self._switch(on)
            return self.done()
        self._send("TEON 1")
        self._switch(True)
        return self.clock.sleep_status(self.settings.warm_up, self.name, "warming up")

    def make_safe(self) -> None:
        """Diode off."""
        self._switch(False)

    def _switch(self, on: bool) -> None:
        self._send(f"LDON {int(on)}")
        self.lit.put(int(on))

    def _send(self, command: str) -> None:
        """Send one setting and read both error registers, which clear when they are read."""
        execution = self._register(f"{command};LEXE?", command)
        parsing = self._register("LCME?", command)
        if execution:
            raise InstrumentError(
                f"{self.name}: execution error {execution} {EXECUTION_ERRORS.get(execution, '')} (after {command})"
            )
        if parsing:
            raise InstrumentError(
                f"{self.name}: command error {parsing} {COMMAND_ERRORS.get(parsing, '')} (after {command})"
            )

    def _register(self, query: str, command: str) -> int:
        reply = self.link.query(query)
        try:
            return int(reply)
        except ValueError:
            raise InstrumentError(f"{self.name}: {reply!r} is no error number (after {command})") from None
