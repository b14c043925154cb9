"""The delay generator that times everything: SRS DG645. AB pump gate, CD signal gate, EF coil, GH digitizer."""

from __future__ import annotations

from typing import ClassVar, Literal

from ophyd import Component

from spinlab.clock.status import ClockStatus
from spinlab.errors import BadInput, InstrumentError
from spinlab.sequence import PulseSequence, Window
from spinlab.units import Seconds
from spinlab.visa import ClockSignal, DeviceSettings, VisaDevice

LONGEST_DELAY = 2000.0  # s
PULSE = 10e-6  # s: width of a trigger pulse
CHANNEL = {"A": 2, "C": 4, "E": 6, "G": 8}
PUMP, SIGNAL, COIL, DIGITIZER = 1, 2, 3, 4  # BNC outputs AB, CD, EF, GH


class TimingSettings(DeviceSettings):
    """``margin``: s after the last edge until a sequence counts as over."""

    margin: Seconds = 1e-3


class Timing(VisaDevice):
    """``set("open"|"closed")`` says what the pump gate does while idle; ``prepare(PulseSequence)`` loads delays;
    ``trigger()`` starts the sequence and finishes when its last edge is out.

    ``triggered`` holds the clock's time (s) of the last trigger.
    """

    Settings = TimingSettings
    settings: TimingSettings
    models: ClassVar = ("DG645",)

    pump_idle = Component(ClockSignal, value="closed", kind="hinted")
    triggered = Component(ClockSignal, value=0.0, kind="hinted")

    def initialise(self) -> None:
        """Software trigger; pump gate idle closed; coil edge falling, digitizer edge rising; prescalers usable."""
        self.link.write("*CLS")
        self._send(f"TSRC 5;BURM 0;LPOL {PUMP},1;LPOL {SIGNAL},1;LPOL {COIL},0;LPOL {DIGITIZER},1;ADVT 1")
        self._last = 0.0
        self.pump_idle.put("closed")

    def check(self, sequence: PulseSequence) -> None:
        """Raise BadInput for a delay the box does not have."""
        longest = max(sequence.last - (sequence.cycles - 1) * sequence.period, sequence.period)
        if longest > LONGEST_DELAY:
            raise BadInput(
                f"{self.name}: a delay of {longest:.4g} s; the longest is {LONGEST_DELAY:g} s: use two triggers"
            )

    def set(self, pump_idle: Literal["open", "closed"]) -> ClockStatus:
        """Open or close the pump gate while no window says otherwise."""
        self._send(f"LPOL {PUMP},{int(pump_idle == 'closed')}")
        self.pump_idle.put(pump_idle)
        return self.done()

    def prepare(self, sequence: PulseSequence) -> ClockStatus:
        """Load the delays of a sequence; nothing happens before the trigger but the pump gate's idle state."""
        self.check(sequence)
        pump = sequence.pump_window or Window(0.0, 0.0)
        windows = {
            "A": pump,
            "C": sequence.signal,
            "E": Window(sequence.coil_edge, PULSE),
            "G": Window(sequence.digitizer_edge, PULSE),
        }
        delays = ";".join(
            f"DLAY {CHANNEL[name]},0,{window.start:.12f};DLAY {CHANNEL[name] + 1},{CHANNEL[name]},{window.width:.12f}"
            for name, window in windows.items()
        )
        burst = "BURM 0"
        if sequence.cycles > 1:
            burst = f"BURM 1;BURC {sequence.cycles};BURD 0;BURP {sequence.period:.9f}"
        every = sequence.cycles if sequence.cycles > 1 else 1
        self._send(
            f"{delays};PRES {SIGNAL},{every};PHAS {SIGNAL},0;{burst};LPOL {PUMP},{int(not sequence.pump_open_when_idle)}"
        )
        self._last = sequence.last
        self.pump_idle.put("open" if sequence.pump_open_when_idle else "closed")
        return self.done()

    def trigger(self) -> ClockStatus:
        """Start the sequence now."""
        self._send("*TRG")
        self.triggered.put(self.clock.now())
        return self.clock.sleep_status(self._last + self.settings.margin, self.name, "sequence over")

    def make_safe(self) -> None:
        """Pump gate idle closed, no second cycle of a burst."""
        self._send(f"LPOL {PUMP},1;BURM 0")
        self.pump_idle.put("closed")

    def _send(self, commands: str) -> None:
        reply = self.link.query(f"{commands};LERR?")
        try:
            error = int(reply)
        except ValueError:
            raise InstrumentError(f"{self.name}: {reply!r} is no answer to LERR? (after {commands[:40]})") from None
        if error:
            raise InstrumentError(f"{self.name}: error {error} (after {commands[:40]}…)")
