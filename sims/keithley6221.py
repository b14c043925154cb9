"""Keithley 6221 current source: DC levels, and waveforms that one edge plays (Model 6220/6221 reference manual)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sims.delta import DeltaMode
from sims.waveform import Playback, Waveform, unit_points
from spinlab.virtual.commands import command, query, setting
from spinlab.virtual.formats import INFINITY, nr3
from spinlab.virtual.parameters import Boolean, Integer, ListOf, Number, Word
from spinlab.virtual.schedule import Schedule
from spinlab.virtual.scpi import ScpiInstrument
from spinlab.virtual.setups import SavedSetups
from spinlab.virtual.status import CommandFailed

RANGES = (2e-9, 20e-9, 200e-9, 2e-6, 20e-6, 200e-6, 2e-3, 20e-3, 100e-3)  # A
OVERRANGE = 1.05
MAXIMUM = 0.105  # A
ARB_POINTS, ARB_LIMIT = 100, 65536  # points in one message, points in a location
LONGEST = 999999.999  # s
WAVE_STARTED, WAITING_FOR_TRIGGER, WAITING_FOR_ARM, WAVE_STOPPED, IDLE = 16, 32, 64, 128, 1024
IN_COMPLIANCE = 8  # bit of the measurement register
_WAVE = "[SOURce:]WAVE:"
_ARBITRARY = {f"ARB{location}": location for location in range(5)}


def range_for(current: float) -> float:
    """Return the lowest range (A) that can give a current (A)."""
    return next((each for each in RANGES if abs(current) <= each * OVERRANGE * (1 + 1e-9)), RANGES[-1])


def resolution(full_scale: float) -> float:
    """Return the step (A) of a range (A): 1/20000 of it, and 10 µA on 100 mA."""
    return 10e-6 if full_scale == RANGES[-1] else full_scale / 20000


def delivered(current: float, full_scale: float) -> float:
    """Return the current (A) that a range really gives when ``current`` (A) is asked for."""
    limit = full_scale * OVERRANGE
    step = resolution(full_scale)
    return round(round(min(max(current, -limit), limit) / step) * step, 15)


@dataclass(frozen=True)
class LevelErrors:
    """How far the output is from what was asked for: gains as fractions, offsets in A; DC level and waves differ."""

    dc_gain: float = 0.0
    dc_offset: float = 0.0
    wave_gain: float = 0.0
    wave_offset: float = 0.0

    def delivered(self, current: float, wave: bool) -> float:
        """Return what comes out (A) when ``current`` (A) is set as a DC level, or played as a ``wave``."""
        if wave:
            return current * (1 + self.wave_gain) + self.wave_offset
        return current * (1 + self.dc_gain) + self.dc_offset


class Keithley6221(DeltaMode, SavedSetups, ScpiInstrument):
    """The source; ``output(time_s, current_A)`` hears of every change of the output current.

    Wave mode: ARM makes it take over the output, INIT starts it (or, with EXTR on, makes it wait for
    :meth:`trigger_edge`), ABOR gives the output back to the DC level. Armed with EXTR on, the output rests at
    IVALue x AMPLitude; without EXTR it rests at OFFSet. As on the box, INIT turns the output on.

    ``resistance`` (ohm) is what the output drives: the current stops where the voltage reaches the compliance.
    """

    identity = "KEITHLEY INSTRUMENTS INC.,MODEL 6221,1204321,D03  /700x"
    number_format = staticmethod(nr3)

    compliance = setting("[SOURce:]CURRent:COMPliance", Number(0.1, 105.0, "V"), 10.0)
    delay = setting("[SOURce:]DELay", Number(1e-3, LONGEST, "S"), 1e-3)
    filtered = setting("[SOURce:]CURRent:FILTer[:STATe]", Boolean(), False)
    shield = setting("OUTPut:ISHield", Word("OLOW", "GUARd"), "OLOW")
    low_grounded = setting("OUTPut:LTEarth", Boolean(), False)
    response = setting("OUTPut:RESPonse", Word("FAST", "SLOW"), "FAST")
    interlock_closed = setting("OUTPut:INTerlock:STATe", Boolean(), True)

    frequency = setting(_WAVE + "FREQuency", Number(1e-3, 1e5, "HZ"), 1e3)
    amplitude = setting(_WAVE + "AMPLitude", Number(2e-12, MAXIMUM, "A"), 1e-3)
    offset = setting(_WAVE + "OFFSet", Number(-MAXIMUM, MAXIMUM, "A"), 0.0)
    marker_phase = setting(_WAVE + "PMARk[:LEVel]", Number(-180.0, 360.0), 180.0)
    marker_on = setting(_WAVE + "PMARk:STATe", Boolean(), False)
    marker_line = setting(_WAVE + "PMARk:OLINe", Integer(1, 6), 3)

    display_on = setting("DISPlay:ENABle", Boolean(), True)
    beeper_on = setting("SYSTem:BEEPer:STATe", Boolean(), True)
    arm_source = setting("ARM:SOURce", Word("IMMediate", "TIMer", "BUS", "TLINk", "BSTest", "MANual"), "IMM")
    arm_timer = setting("ARM:TIMer", Number(0.0, 99999.99, "S"), 0.1)
    arm_line = setting("ARM:ILINe", Integer(1, 6), 1)
    trigger_source = setting("TRIGger:SOURce", Word("IMMediate", "TLINk"), "IMM")
    trigger_line = setting("TRIGger:ILINe", Integer(1, 6), 1)
    trigger_output = setting("TRIGger:OUTPut", Word("SOURce", "DELay", "SENSe", "NONE"), "NONE")
    trigger_output_line = setting("TRIGger:OLINe", Integer(1, 6), 2)

    kept = (
        "level", "range", "automatic_range", "_function", "_duty_cycle", "_wave_range", "_cycles", "_seconds",
        "_edge_enabled", "_edge_line", "_edge_ignored", "_rest",
    )  # fmt: skip

    def __init__(
        self,
        schedule: Schedule,
        output: Callable[[float, float], None],
        errors: LevelErrors = LevelErrors(),
        resistance: float = 0.0,
    ) -> None:
        self._listener = output
        self.errors, self.resistance = errors, resistance
        self._present = self._commanded = 0.0
        self._playback: Playback | None = None
        self._stopped = False
        self.on = False
        self._locations: dict[int, list[float]] = {location: [0.0, 0.0] for location in range(1, 5)}
        super().__init__(schedule)

    def reset(self) -> None:
        """*RST: output off, 0 A, automatic range, no waveform; ARB1 to ARB4 are kept, they are not volatile."""
        self._disarm()
        self._stopped = False
        super().reset()
        self.level = 0.0
        self.range = RANGES[-1]
        self.automatic_range = True
        self.on = False
        self._function, self._duty_cycle, self._wave_range = "SIN", 50.0, "BEST"
        self._cycles: float | None = None
        self._seconds: float | None = float("inf")
        self._edge_enabled, self._edge_line, self._edge_ignored, self._rest = False, 1, False, 0.0
        self._points = {0: [0.0, 0.0], **self._locations}
        self._refresh()

    def recalled(self) -> None:
        """*RCL leaves wave mode and turns the output off."""
        self._disarm()
        self.on = False
        self._refresh()

    # --- DC

    @command("[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]", Number(-MAXIMUM, MAXIMUM, "A", standard=0.0))
    def _set_level(self, current: float) -> None:
        if self.automatic_range:
            self.range = range_for(current)
        elif abs(current) > self.range * OVERRANGE * (1 + 1e-9):
            raise CommandFailed(-222)
        self.level = current
        self._refresh()

    @query("[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]")
    def _level(self) -> float:
        return self.level

    @command("[SOURce:]CURRent:RANGe", Number(-MAXIMUM, MAXIMUM, "A", standard=0.1))
    def _set_range(self, current: float) -> None:
        self._only_disarmed()
        wanted = range_for(current)
        if abs(self.level) > wanted * OVERRANGE * (1 + 1e-9):
            raise CommandFailed(-221)
        self.range, self.automatic_range = wanted, False
        self._refresh()

    @query("[SOURce:]CURRent:RANGe")
    def _range(self) -> float:
        return self.range

    @command("[SOURce:]CURRent:RANGe:AUTO", Boolean())
    def _set_automatic_range(self, on: bool) -> None:
        self._only_disarmed()
        self.automatic_range = on
        if on:
            self.range = range_for(self.level)
        self._refresh()

    @query("[SOURce:]CURRent:RANGe:AUTO")
    def _automatic_range(self) -> bool:
        return self.automatic_range

    @command("OUTPut[:STATe]", Boolean())
    def _set_on(self, on: bool) -> None:
        if not on and self._playback is not None:
            self._disarm()
        self.on = on
        self._refresh()

    @query("OUTPut[:STATe]")
    def _is_on(self) -> bool:
        return self.on

    @command("[SOURce:]CLEar[:IMMediate]")
    def _clear(self) -> None:
        self._set_on(False)
        self._set_level(0.0)

    # --- the shape of a waveform; it cannot change while armed

    @command(_WAVE + "FUNCtion", Word("SINusoid", "RAMP", "SQUare", *_ARBITRARY))
    def _set_function(self, function: str) -> None:
        self._only_disarmed()
        self._function = function

    @query(_WAVE + "FUNCtion")
    def _get_function(self) -> str:
        return self._function

    @command(_WAVE + "DCYCle", Number(0.0, 100.0, standard=50.0))
    def _set_duty_cycle(self, per_cent: float) -> None:
        self._only_disarmed()
        self._duty_cycle = per_cent

    @query(_WAVE + "DCYCle")
    def _get_duty_cycle(self) -> float:
        return self._duty_cycle

    @command(_WAVE + "DURation:TIME", Number(100e-9, LONGEST, "S", infinite=True))
    def _set_seconds(self, seconds: float) -> None:
        self._only_disarmed()
        self._seconds, self._cycles = seconds, None

    @query(_WAVE + "DURation:TIME")
    def _get_seconds(self) -> float:
        return min(INFINITY, self._cycle_count() / self.frequency)

    @command(_WAVE + "DURation:CYCLes", Number(1e-3, 99999999900.0, infinite=True))
    def _set_cycles(self, cycles: float) -> None:
        self._only_disarmed()
        self._seconds, self._cycles = None, cycles

    @query(_WAVE + "DURation:CYCLes")
    def _get_cycles(self) -> float:
        return min(INFINITY, self._cycle_count())

    @command(_WAVE + "RANGing", Word("BEST", "FIXed"))
    def _set_wave_range(self, choice: str) -> None:
        self._only_disarmed()
        self._wave_range = choice

    @query(_WAVE + "RANGing")
    def _get_wave_range(self) -> str:
        return self._wave_range

    @command(_WAVE + "ARBitrary:DATA", ListOf(Number(-1.0, 1.0)))
    def _set_points(self, points: list[float]) -> None:
        self._only_disarmed()
        self._points[0] = self._checked(points)

    @query(_WAVE + "ARBitrary:DATA")
    def _get_points(self) -> str:
        return ",".join(nr3(point) for point in self._points[0])

    @command(_WAVE + "ARBitrary:APPend", ListOf(Number(-1.0, 1.0)))
    def _append_points(self, points: list[float]) -> None:
        self._only_disarmed()
        if len(self._points[0]) + len(points) > ARB_LIMIT:
            raise CommandFailed(-223)
        self._points[0] = self._points[0] + self._checked(points)

    @query(_WAVE + "ARBitrary:POINts")
    def _count_points(self) -> int:
        return len(self._points[0])

    @command(_WAVE + "ARBitrary:COPY", Integer(1, 4))
    def _copy_points(self, location: int) -> None:
        self._only_disarmed()
        self._locations[location] = self._points[location] = list(self._points[0])

    # --- the external trigger

    @command(_WAVE + "EXTRig[:ENABle]", Boolean())
    def _enable_edge(self, on: bool) -> None:
        self._only_disarmed()
        self._edge_enabled = on

    @query(_WAVE + "EXTRig[:ENABle]")
    def _edge_is_enabled(self) -> bool:
        return self._edge_enabled

    @command(_WAVE + "EXTRig:ILINe", Integer(1, 6))
    def _set_edge_line(self, line: int) -> None:
        self._only_disarmed()
        self._edge_line = line

    @query(_WAVE + "EXTRig:ILINe")
    def _get_edge_line(self) -> int:
        return self._edge_line

    @command(_WAVE + "EXTRig:IGNore", Boolean())
    def _ignore_edges(self, on: bool) -> None:
        self._only_disarmed()
        self._edge_ignored = on

    @query(_WAVE + "EXTRig:IGNore")
    def _edges_ignored(self) -> bool:
        return self._edge_ignored

    @command(_WAVE + "EXTRig:IVALue", Number(-1.0, 1.0, standard=0.0))
    def _set_rest(self, fraction: float) -> None:
        self._only_disarmed()
        self._rest = fraction

    @query(_WAVE + "EXTRig:IVALue")
    def _get_rest(self) -> float:
        return self._rest

    # --- playing

    @command(_WAVE + "ARM")
    def _arm(self) -> None:
        swing = self.amplitude + abs(self.offset)
        self._wave_full_scale = self.range if self._wave_range == "FIX" else range_for(swing)
        points = unit_points(self._function, self._duty_cycle, self._arb_points())
        if swing > self._wave_full_scale * OVERRANGE * (1 + 1e-9) or len(points) < 2:
            raise CommandFailed(-221)
        self._disarm()
        self._stopped = False
        levels = [delivered(point * self.amplitude + self.offset, self._wave_full_scale) for point in points]
        wave = Waveform.from_points(levels, 1 / self.frequency, self._cycle_count())
        self._playback = Playback(self.schedule, wave, self._drive, self._played)
        self._refresh()

    @command(_WAVE + "INITiate")
    def _initiate(self) -> None:
        if self._playback is None:
            raise CommandFailed(412, "Not allowed with mode disarmed")
        self._initiated = self.on = True
        self._refresh()
        if not self._edge_enabled:
            self._play(self.now)

    @command(_WAVE + "ABORt")
    def _abort(self) -> None:
        self._disarm()
        self._refresh()

    def trigger_edge(self, time: float) -> None:
        """A falling edge arrives on the trigger link at ``time`` (s): the armed waveform plays, from its start."""
        if self._playback is None or not (self._edge_enabled and self._initiated):
            return
        if not (self._playback.running and self._edge_ignored):
            self._play(time)

    def _play(self, time: float) -> None:
        if self._playback is not None:
            self._stopped = False
            self._playback.start(time)
            self._show_condition()

    def _played(self, time: float) -> None:
        self._stopped = True
        self._drive(time, self._resting_level())
        self._show_condition()

    def _disarm(self) -> None:
        if self._playback is not None:
            self._stopped = self._stopped or self._playback.running
            self._playback.stop()
        self._playback, self._initiated = None, False

    # --- helpers

    def setting_changed(self, name: str) -> None:
        """Frequency, amplitude and offset count from the next ARM; the resting level follows at once."""
        super().setting_changed(name)
        if name in ("amplitude", "offset"):
            self._refresh()
        elif name == "compliance":
            self._drive(self.now, self._commanded)

    def _resting_level(self) -> float:
        if self._playback is None:
            return delivered(self.level, self.range)
        rest = self._rest * self.amplitude if self._edge_enabled else self.offset
        return delivered(rest, self._wave_full_scale)

    def _refresh(self) -> None:
        """Show the resting level, unless a waveform is being played."""
        if self._playback is None or not self._playback.running:
            self._drive(self.now, self._resting_level())
        self._show_condition()

    def _drive(self, time: float, current: float) -> None:
        self._commanded = current
        wanted = self.errors.delivered(current, wave=self._playback is not None) if self.on else 0.0
        limit = self.compliance / self.resistance if self.resistance > 0 else float("inf")
        given = min(limit, max(-limit, wanted))
        register = self.status.registers["MEAS"]
        register.update((register.condition & ~IN_COMPLIANCE) | (IN_COMPLIANCE if given != wanted else 0))
        if given != self._present:
            self._present = given
            self._listener(time, given)

    def voltage(self) -> float:
        """Return the voltage across what the output drives, V."""
        return self._present * self.resistance

    def _show_condition(self) -> None:
        condition = WAVE_STOPPED if self._stopped else 0
        if self._playback is None:
            condition |= IDLE
        elif self._playback.running:
            condition |= WAVE_STARTED
        elif self._edge_enabled and self._initiated:
            condition |= WAITING_FOR_TRIGGER
        else:
            condition |= WAITING_FOR_ARM
        self.status.registers["OPER"].update(condition)

    def _cycle_count(self) -> float:
        return self._seconds * self.frequency if self._cycles is None else self._cycles  # type: ignore[operator]

    def _arb_points(self) -> list[float]:
        return self._points[_ARBITRARY.get(self._function, 0)]

    def _checked(self, points: list[float]) -> list[float]:
        if len(points) > ARB_POINTS:
            raise CommandFailed(-223)
        return points

    def _only_disarmed(self) -> None:
        if self._playback is not None:
            raise CommandFailed(413, "Not allowed with mode armed")

    @command("SYSTem:PRESet")
    def _preset(self) -> None:
        self.reset()

    @command("SYSTem:BEEPer[:IMMediate]", Number(65.0, 2e6, "HZ"), Number(0.0, 7.9, "S"))
    def _beep(self, frequency: float, duration: float) -> None:
        """Make no sound."""
