"""The cell's oven on a Lake Shore 336 temperature controller."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from ophyd import Component

from spinlab.clock.status import ClockStatus
from spinlab.dialects import POWER_ON
from spinlab.errors import BadInput, InstrumentError, Rebooted
from spinlab.replies import number, whole
from spinlab.units import Kelvin, Seconds
from spinlab.visa import ClockSignal, DeviceSettings, VisaDevice

STATUS = {
    1: "invalid reading",
    16: "temperature underrange",
    32: "temperature overrange",
    64: "sensor units zero",
    128: "sensor units overrange",
}
EVENTS = {4: "query error", 16: "execution error", 32: "command error"}  # standard event register


class OvenSettings(DeviceSettings):
    """``output`` heats, ``input`` measures. ``max_temperature``: the controller's own limit, K; it switches the heater off.

    A new temperature is reached when the reading has stayed within ``tolerance`` (K) for ``settling`` (s); it is looked
    at every ``poll`` (s), for at most ``timeout`` (s).
    """

    output: Literal[1, 2] = 1
    input: Literal["A", "B", "C", "D"] = "A"
    max_temperature: Kelvin = 523.15
    tolerance: Kelvin = 0.1
    settling: Seconds = 30.0
    poll: Seconds = 2.0
    timeout: Seconds = 3600.0


class Oven(VisaDevice):
    """``set(temperature)`` moves the set-point (K) and finishes when the cell has settled there; ``trigger()`` reads.

    ``temperature`` is the last reading, ``setpoint`` the last one commanded, K; ``heater`` per cent of full power.
    """

    Settings = OvenSettings
    settings: OvenSettings
    models: ClassVar = ("MODEL336", "MODEL335")

    temperature = Component(ClockSignal, value=0.0, kind="hinted")
    setpoint = Component(ClockSignal, value=0.0, kind="normal")
    heater = Component(ClockSignal, value=0.0, kind="normal")

    _moving: ClockStatus | None = None

    def initialise(self) -> None:
        """Set the controller's own limit and look at the oven; its temperature stays as it is."""
        s = self.settings
        self.link.write("*CLS")
        self._query(f"TLIMIT {s.input},{s.max_temperature:.3f};SETP? {s.output}", self._note_setpoint)
        self._look()

    def check_temperature(self, temperature: float) -> None:
        """Raise BadInput for a temperature (K) at which the controller would switch the heater off."""
        if not 0 < temperature < self.settings.max_temperature:
            raise BadInput(
                f"{self.name}: {temperature:.6g} K is not below its limit of {self.settings.max_temperature:.6g} K"
            )

    def set(self, temperature: float) -> ClockStatus:
        """Go to ``temperature`` (K); a move that is under way ends with an error."""
        self.check_temperature(temperature)
        s = self.settings
        status = self.clock.status(self.name, f"settling at {temperature:.6g} K")
        if self._moving is not None and not self._moving.done:
            self._moving.set_exception(RuntimeError(f"{self.name}: another temperature was asked for meanwhile"))
        self._moving = status
        self._query(f"SETP {s.output},{temperature:.3f};SETP? {s.output}", self._note_setpoint)
        if abs(self.setpoint.get() - temperature) > 1e-3 and not self._ramps():
            raise InstrumentError(f"{self.name}: the set-point is {self.setpoint.get():.6g} K, not {temperature:.6g} K")
        self.setpoint.put(temperature)
        begun = self.clock.now()
        self.clock.call_later(s.poll, lambda: self._poll(status, begun, None))
        return status

    def trigger(self) -> ClockStatus:
        """Read temperature and heater."""
        self._look()
        return self.done()

    def make_safe(self) -> None:
        """Heater off. No profile asks for it at the end of a run, since that would cost an hour of warming up."""
        self._query(f"RANGE {self.settings.output},0;RANGE? {self.settings.output}", lambda reply: None)

    # --- helpers

    def _poll(self, status: ClockStatus, begun: float, within: float | None) -> None:
        """Look once; ``within`` is since when the reading has been within tolerance, s."""
        if status.done:
            return
        now, s = self.clock.now(), self.settings
        try:
            self._look()
        except Exception as error:
            status.set_exception(error)
            return
        distance = abs(self.temperature.get() - self.setpoint.get())
        within = (now if within is None else within) if distance <= s.tolerance else None
        if within is not None and now - within >= s.settling:
            status.set_finished()
        elif now - begun >= s.timeout:
            message = (
                f"{self.name}: {self.temperature.get():.6g} K after {s.timeout:g} s, not {self.setpoint.get():.6g} K"
            )
            status.set_exception(TimeoutError(message + " (is the heater on, its range high enough?)"))
        else:
            self.clock.call_later(s.poll, lambda: self._poll(status, begun, within))

    def _look(self) -> None:
        s = self.settings
        self._query(f"RDGST? {s.input};KRDG? {s.input};HTR? {s.output}", self._note_readings)

    def _note_readings(self, reply: str) -> None:
        status, kelvin, heater = reply.split(";")
        if whole(status):
            flags = ", ".join(text for bit, text in STATUS.items() if whole(status) & bit)
            raise InstrumentError(f"{self.name}: input {self.settings.input} reads nothing: {flags}")
        self.temperature.put(number(kelvin))
        self.heater.put(number(heater))

    def _note_setpoint(self, reply: str) -> None:
        self.setpoint.put(number(reply))

    def _ramps(self) -> bool:
        return self.link.query(f"RAMP? {self.settings.output}").startswith("1")

    def _query(self, commands: str, note: Callable[[str], None]) -> None:
        """Send commands that end in queries, hand the replies to ``note``, refuse what the event register reports."""
        reply = self.link.query(f"{commands};*ESR?")
        replies, _, events = reply.rpartition(";")
        try:
            reported = whole(events)
            wrong = [text for bit, text in EVENTS.items() if reported & bit]
            if not wrong:
                note(replies)
        except ValueError:
            raise InstrumentError(f"{self.name}: {reply!r} is no answer (after {commands})") from None
        if reported & POWER_ON:
            raise Rebooted(f"{self.name}: it was switched off and on, its settings are gone (noticed after {commands})")
        if wrong:
            raise InstrumentError(f"{self.name}: {', '.join(wrong)} (after {commands})")
