"""A diode laser on an SRS LDC500-series controller: pump or probe."""

from __future__ import annotations

from typing import ClassVar

from ophyd import Component

from spinlab.clock.status import ClockStatus
from spinlab.dialects import SrsDevice
from spinlab.errors import BadInput
from spinlab.replies import ReadBack
from spinlab.units import Amperes, Seconds
from spinlab.visa import ClockSignal, DeviceSettings

EXECUTION_ERRORS = {1: "illegal value", 2: "wrong token", 3: "invalid bit", 4: "queue full", 5: "not compatible"}
COMMAND_ERRORS = {1: "illegal command", 2: "undefined command", 3: "illegal query", 4: "illegal set"}


class LaserSettings(DeviceSettings):
    """``current``: the diode's working point, A. ``max_current``: A. ``warm_up``: s from on until the light is steady."""

    current: Amperes
    max_current: Amperes
    warm_up: Seconds = 2.0


class Laser(SrsDevice):
    """``set(True)`` lights the diode at its working current and finishes when it is steady; ``set(False)`` puts it out."""

    Settings = LaserSettings
    settings: LaserSettings
    models: ClassVar = ("LDC500", "LDC501", "LDC502")
    error_queries: ClassVar = ("LEXE?", "LCME?")
    error_texts: ClassVar = (EXECUTION_ERRORS, COMMAND_ERRORS)

    lit = Component(ClockSignal, value=0, kind="hinted")

    def initialise(self) -> None:
        """Unlock the socket, diode off, working current set."""
        s = self.settings
        if not 0 <= s.current <= s.max_current:
            raise BadInput(
                f"{self.name}: a working current of {s.current * 1e3:g} mA; 0 to {s.max_current * 1e3:g} mA is allowed"
            )
        self.initial("ULOC 1;LDON 0", ReadBack("LDON?", "OFF"))  # no message is longer than 64 bytes
        self._send(f"SILM {s.max_current * 1e3:.3f}", ReadBack("SILM?", s.max_current * 1e3, self._tolerance))
        self._send(f"SILD {s.current * 1e3:.3f}", self._current)
        self.lit.put(0)

    def set(self, on: bool) -> ClockStatus:
        """Diode on or off; a diode that is already on is steady at once."""
        if not on or self.lit.get():
            self._switch(on)
            return self.done()
        self._send("TEON 1", ReadBack("TEON?", 1))
        self._switch(True)
        return self.clock.sleep_status(self.settings.warm_up, self.name, "warming up")

    def look(self, *settings: ReadBack) -> None:
        """The diode is on or off as it was told, at its working current."""
        super().look(self._state(bool(self.lit.get())), self._current, *settings)

    def make_safe(self) -> None:
        """Diode off."""
        self.secure("LDON 0", self._state(False))
        self.lit.put(0)

    def _switch(self, on: bool) -> None:
        self._send(f"LDON {int(on)}", self._state(on), self._current)
        self.lit.put(int(on))

    def _send(self, command: str, *settings: ReadBack) -> None:
        self.command(command, command, *settings)

    def _state(self, on: bool) -> ReadBack:
        return ReadBack("LDON?", "ON" if on else "OFF")

    @property
    def _current(self) -> ReadBack:
        """The set-point, mA."""
        return ReadBack("SILD?", self.settings.current * 1e3, self._tolerance)

    @property
    def _tolerance(self) -> float:
        """What a set-point may be off by the box's rounding, mA."""
        return self.settings.max_current * 1e3 * 1e-4
