"""The delay generator that times everything: SRS DG645. AB pump gate, CD signal gate, EF coil, GH digitizer."""

from __future__ import annotations

from typing import ClassVar, Literal

from ophyd import Component

from spinlab.clock.status import ClockStatus
from spinlab.dialects import SrsDevice
from spinlab.errors import BadInput, InstrumentError
from spinlab.replies import ReadBack
from spinlab.sequence import PulseSequence, Window
from spinlab.units import Seconds
from spinlab.visa import ClockSignal, DeviceSettings

LONGEST_DELAY = 2000.0  # s
PULSE = 10e-6  # s: width of a trigger pulse
CHANNEL = {"A": 2, "C": 4, "E": 6, "G": 8}
DELAY_TOLERANCE = 1e-11  # s; the box counts in steps of 5 ps
PUMP, SIGNAL, COIL, DIGITIZER = 1, 2, 3, 4  # BNC outputs AB, CD, EF, GH


class TimingSettings(DeviceSettings):
    """``margin``: s after the last edge until a sequence counts as over. ``jitter``: s that a trigger may take to be confirmed;
    when it fired is not known better.
    """

    margin: Seconds = 1e-3
    jitter: Seconds = 0.2


class Timing(SrsDevice):
    """``set("open"|"closed")`` says what the pump gate does while idle; ``prepare(PulseSequence)`` loads delays;
    ``trigger()`` starts the sequence and finishes when its last edge is out.

    ``triggered`` holds the clock's time (s) of the last trigger.
    """

    Settings = TimingSettings
    settings: TimingSettings
    models: ClassVar = ("DG645",)
    error_queries: ClassVar = ("LERR?",)
    error_texts: ClassVar[tuple[dict[int, str], ...]] = ({},)

    pump_idle = Component(ClockSignal, value="closed", kind="hinted")
    triggered = Component(ClockSignal, value=0.0, kind="hinted")

    def initialise(self) -> None:
        """Software trigger; pump gate idle closed; coil edge falling, digitizer edge rising; prescalers usable."""
        polarity = {PUMP: 1, SIGNAL: 1, COIL: 0, DIGITIZER: 1}
        self.initial(
            f"TSRC 5;BURM 0;{';'.join(f'LPOL {output},{sign}' for output, sign in polarity.items())};ADVT 1",
            ReadBack("TSRC?", 5),
            ReadBack("BURM?", 0),
            *(ReadBack(f"LPOL?{output}", sign) for output, sign in polarity.items()),
            ReadBack("ADVT?", 1),
        )
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
        self.command(f"LPOL {PUMP},{int(pump_idle == 'closed')}", "pump gate", _polarity(pump_idle == "closed"))
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
        delays = {
            channel: (reference, delay)
            for name, window in windows.items()
            for channel, reference, delay in (
                (CHANNEL[name], 0, window.start),
                (CHANNEL[name] + 1, CHANNEL[name], window.width),
            )
        }
        every = sequence.cycles if sequence.cycles > 1 else 1
        burst = {"BURM": 0.0}
        if sequence.cycles > 1:
            burst = {"BURM": 1.0, "BURC": float(sequence.cycles), "BURD": 0.0, "BURP": round(sequence.period, 9)}
        self.command(
            ";".join(
                (
                    *(f"DLAY {channel},{reference},{delay:.12f}" for channel, (reference, delay) in delays.items()),
                    f"PRES {SIGNAL},{every};PHAS {SIGNAL},0",
                    *(f"{name} {value:.12g}" for name, value in burst.items()),
                    f"LPOL {PUMP},{int(not sequence.pump_open_when_idle)}",
                )
            ),
            "loading a sequence",
            *(ReadBack(f"DLAY?{channel}", delay, DELAY_TOLERANCE) for channel, delay in delays.items()),
            ReadBack(f"PRES?{SIGNAL}", every),
            *(ReadBack(f"{name}?", value, 1e-9 * value) for name, value in burst.items()),
            _polarity(not sequence.pump_open_when_idle),
        )
        self._last = sequence.last
        self.pump_idle.put("open" if sequence.pump_open_when_idle else "closed")
        return self.done()

    def trigger(self) -> ClockStatus:
        """Start the sequence now; raises InstrumentError when nobody can say when it started."""
        asked = self.clock.now()
        self.command("*TRG", "*TRG")
        taken = self.clock.now() - asked
        if taken > self.settings.jitter:
            raise InstrumentError(
                f"{self.name}: took {taken:.3g} s to answer *TRG, at most {self.settings.jitter:g} s are allowed: "
                "when the sequence started is not known"
            )
        self.triggered.put(self.clock.now())
        return self.clock.sleep_status(self._last + self.settings.margin, self.name, "sequence over")

    def look(self, *settings: ReadBack) -> None:
        """The pump gate idles as it was told."""
        super().look(_polarity(self.pump_idle.get() == "closed"), *settings)

    def make_safe(self) -> None:
        """Pump gate idle closed, no second cycle of a burst."""
        self.secure(f"LPOL {PUMP},1;BURM 0", _polarity(True), ReadBack("BURM?", 0))
        self.pump_idle.put("closed")


def _polarity(closed: bool) -> ReadBack:
    return ReadBack(f"LPOL?{PUMP}", int(closed))
