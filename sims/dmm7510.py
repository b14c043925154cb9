"""Keithley DMM7510 digitizing multimeter (DMM6500 speaks the same dialect): its SCPI reference manual."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import numpy as np

from sims.readings import Converter, FloatArray, Group, ReadingBuffer, Record, Source
from spinlab.virtual.commands import SettingTable, command, query, setting
from spinlab.virtual.formats import INFINITY, indefinite_block, shortest
from spinlab.virtual.headers import spellings
from spinlab.virtual.instrument import Wait
from spinlab.virtual.parameters import Boolean, Integer, ListOf, Number, Parameter, Text, Word, short_form, unquote
from spinlab.virtual.schedule import Schedule, Ticket
from spinlab.virtual.scpi import ScpiInstrument
from spinlab.virtual.setups import SavedSetups
from spinlab.virtual.status import CommandFailed

FUNCTIONS = {
    "VOLT:DC": "VOLTage[:DC]",
    "VOLT:AC": "VOLTage:AC",
    "CURR:DC": "CURRent[:DC]",
    "CURR:AC": "CURRent:AC",
    "RES": "RESistance",
    "FRES": "FRESistance",
    "DIOD": "DIODe",
    "CAP": "CAPacitance",
    "TEMP": "TEMPerature",
    "CONT": "CONTinuity",
    "FREQ:VOLT": "FREQuency[:VOLTage]",
    "PER:VOLT": "PERiod[:VOLTage]",
    "VOLT:DC:RAT": "VOLTage[:DC]:RATio",
}
DIGITIZED = {"VOLT": "VOLTage", "CURR": "CURRent"}
_VOLTS, _VOLTS_AC = (0.1, 1.0, 10.0, 100.0, 1000.0), (0.1, 1.0, 10.0, 100.0, 700.0)
_AMPERES = (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 3.0, 10.0)
RANGES: dict[str, tuple[float, ...]] = {
    "VOLT": _VOLTS,
    "VOLT:DC": _VOLTS,
    "VOLT:AC": _VOLTS_AC,
    "VOLT:DC:RAT": _VOLTS,
    "FREQ:VOLT": _VOLTS_AC,
    "PER:VOLT": _VOLTS_AC,
    "CURR": _AMPERES,
    "CURR:DC": _AMPERES,
    "CURR:AC": _AMPERES[2:],
    "RES": (10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9),
    "FRES": (1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9),
    "CAP": (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3),
}
STIMULI = (
    "EXTernal", "NONE", "COMMand", "DISPlay", "LAN1", *(f"TIMer{i}" for i in range(1, 5)),
    *(f"NOTify{i}" for i in range(1, 9)), *(f"BLENder{i}" for i in range(1, 3)),
)  # fmt: skip
TIMED = {name: FUNCTIONS[name] for name in ("FREQ:VOLT", "PER:VOLT")}
BITS = 18  # of the digitizer
DC_BITS = 28
LINE_FREQUENCY = 60.0  # Hz
LARGEST_BUFFER = 27_500_000
MOST_READINGS = 55_000_000
ELEMENTS = (
    "READing", "RELative", "SEConds", "FRACtional", "STATus", "TIME", "DATE", "TSTamp", "UNIT", "FORMatted",
)  # fmt: skip
NUMERIC = ("READ", "REL", "SEC", "FRAC", "STAT")
UNITS = {"VOLT": "Volt DC", "CURR": "Amp DC"}
_DIG = "[SENSe:]DIGitize:"
_NAME = Text(longest=31, default="defbuffer1")
_SENSED = "[SENSe:]{over}:"


class FunctionName(Parameter[str]):
    """A measure or digitize function in quotes, in any of its spellings."""

    def __init__(self, functions: Mapping[str, str]) -> None:
        super().__init__()
        self.forms = {form: key for key, pattern in functions.items() for form in _forms(pattern)}

    def parse(self, text: str) -> str:
        """Return the short form that the instrument answers."""
        try:
            return self.forms[unquote(text).upper()]
        except KeyError:
            raise CommandFailed(-224) from None


class Aperture(Parameter[float | None]):
    """A digitizing aperture in whole microseconds, or AUTO: as long as there is time between two samples."""

    def parse(self, text: str) -> float | None:
        """Return the aperture (s), None for AUTO."""
        if text.upper() in ("AUTO", "DEF", "DEFAULT"):
            return None
        return round(Number(1e-6, 1e-3, "S").parse(text) * 1e6) / 1e6


def _forms(pattern: str) -> set[str]:
    """Return all long and short spellings of a function."""
    forms = set()
    for names in spellings(pattern):
        forms.add(":".join(names).upper())
        forms.add(":".join(short_form(name) for name in names))
    return forms


@dataclass(frozen=True)
class Steady:
    """The record of an input that stays as it is, or has nothing on it."""

    count: int
    value: float

    def volts(self) -> FloatArray:
        """Return the same value for every sample."""
        return np.full(self.count, self.value)


class DMM7510(SavedSetups, ScpiInstrument):
    """The multimeter; its voltage input is ``source``, everything else is left open.

    With ``TRIG:DIG:STIM EXT`` every :meth:`trigger_edge` starts DIG:COUN readings; an edge during a group is latched
    and starts another one after it. They go to the active buffer: the one last made with TRAC:MAKE, or last named with
    TRAC:TRIG[:DIG]; defbuffer1 otherwise.
    """

    identity = "KEITHLEY INSTRUMENTS,MODEL DMM7510,04354812,1.7.12b"
    ranges: ClassVar[Mapping[str, tuple[float, ...]]] = RANGES
    functions_are_quoted: ClassVar[bool] = True  # in the reply to FUNC?

    data_format = setting("FORMat[:DATA]", Word("ASCii", "REAL", "SREal"), "ASC")
    byte_order = setting("FORMat:BORDer", Word("SWAPped", "NORMal"), "SWAP")
    precision = setting("FORMat:ASCii:PRECision", Integer(0, 16), 0)
    count = setting("[SENSe:]COUNt", Integer(1, 1_000_000), 1)
    digitize_count = setting(_DIG + "COUNt", Integer(1, MOST_READINGS), 1)
    sample_rate = setting(_DIG + "VOLTage:SRATe", Integer(1000, 1_000_000), 1_000_000)
    current_rate = setting(_DIG + "CURRent:SRATe", Integer(1000, 1_000_000), 1_000_000)
    impedances = SettingTable(_DIG + "{over}:INPutimpedance", Word("AUTO", "MOHM10"), "MOHM10", DIGITIZED)
    stimulus = setting("TRIGger:DIGitize:STIMulus", Word(*STIMULI), "NONE")
    edge = setting("TRIGger:EXTernal:IN:EDGE", Word("FALLing", "RISing", "EITHer"), "FALL")
    terminals = setting("ROUTe:TERMinals", Word("FRONt", "REAR"), "FRON")
    screen = setting("DISPlay:SCReen", Text(), "HOME")
    backlight = setting("DISPlay:LIGHt:STATe", Word("ON100", "ON75", "ON50", "ON25", "OFF", "BLACkout"), "ON50")

    cycles = SettingTable(_SENSED + "NPLCycles", Number(0.0005, 15.0), 1.0, FUNCTIONS)
    automatic_range = SettingTable(_SENSED + "RANGe:AUTO", Boolean(), True, FUNCTIONS)
    automatic_zero = SettingTable(_SENSED + "AZERo[:STATe]", Boolean(), True, FUNCTIONS)
    automatic_delay = SettingTable(_SENSED + "DELay:AUTO", Boolean(words=True), True, FUNCTIONS)
    averaging = SettingTable(_SENSED + "AVERage[:STATe]", Boolean(), False, FUNCTIONS)
    average_count = SettingTable(_SENSED + "AVERage:COUNt", Integer(1, 100), 10, FUNCTIONS)
    average_kind = SettingTable(_SENSED + "AVERage:TCONtrol", Word("REPeat", "MOVing", "HYBRid"), "REP", FUNCTIONS)
    relative = SettingTable(_SENSED + "RELative", Number(-1e9, 1e9), 0.0, FUNCTIONS)
    relative_on = SettingTable(_SENSED + "RELative:STATe", Boolean(), False, FUNCTIONS)
    impedance = SettingTable(_SENSED + "INPutimpedance", Word("AUTO", "MOHM10"), "MOHM10", FUNCTIONS)
    bandwidth = SettingTable(_SENSED + "DETector:BANDwidth", Number(3.0, 300.0), 3.0, FUNCTIONS)
    line_synchronous = SettingTable(_SENSED + "LINE:SYNC", Boolean(), False, FUNCTIONS)
    digits = SettingTable("DISPlay:{over}:DIGits", Integer(3, 7), 6, FUNCTIONS)
    threshold = SettingTable(_SENSED + "THReshold:RANGe", Number(0.1, 750.0, "V"), 10.0, TIMED)
    threshold_auto = SettingTable(_SENSED + "THReshold:RANGe:AUTO", Boolean(), True, TIMED)
    bias = setting("[SENSe:]DIODe:BIAS:LEVel", Number(1e-5, 1e-2, "A"), 1e-3)

    kept = ("function", "digitize_function", "_digitize_range", "_apertures", "_range", "_user_delay", "_timers")

    def __init__(self, schedule: Schedule, source: Source) -> None:
        self._source = source
        self._clock_error = 0.0
        super().__init__(schedule)

    def reset(self) -> None:
        """*RST: DC volts, automatic ranges, empty default buffers only, no trigger."""
        super().reset()
        self.buffers = {name: ReadingBuffer(100_000, continuous=True) for name in ("defbuffer1", "defbuffer2")}
        self.active = "defbuffer1"
        self.function, self.digitize_function = "VOLT:DC", "NONE"
        self._digitize_range = {"VOLT": 10.0, "CURR": 1.0}
        self._apertures: dict[str, float | None] = dict.fromkeys(DIGITIZED)
        self._range = {function: self.range_for(function, 1.0) for function in FUNCTIONS if function != "CAP"}
        self._range["CAP"] = 1e-6
        self._timers: dict[int, tuple[float, str]] = {}
        self._user_delay: dict[tuple[str, int], float] = {}
        self._loop: tuple[int, str] | None = None
        self._group: Group | None = None
        self._latched: Ticket | None = None
        self._overrun = False

    def error_text(self, code: int, text: str) -> str:
        """Write an entry of the event log with its kind and time, as this family does."""
        if code == 0:
            return '0,"No error;0;0 0"'
        now = self._date(self.now)
        return f'{code},"{text};1;{now:%Y/%m/%d %H:%M:%S}.{now.microsecond // 1000:03d}"'

    def finished_at(self) -> float:
        """Return when the last group that was started ends, s."""
        return self._group.end if self._group is not None else float("-inf")

    def range_for(self, function: str, value: float) -> float:
        """Return the lowest range of a function that holds ``value``; raises CommandFailed beyond the highest."""
        ranges = self.ranges.get(function, (value,))
        chosen = next((each for each in ranges if abs(value) <= each * (1 + 1e-9)), None)
        if chosen is None:
            raise CommandFailed(-222)
        return chosen

    # --- functions

    @command("[SENSe:]FUNCtion[:ON]", FunctionName(FUNCTIONS))
    def _set_function(self, function: str) -> None:
        self.function, self.digitize_function = function, "NONE"

    @query("[SENSe:]FUNCtion[:ON]")
    def _get_function(self) -> str:
        function = self.function if self.digitize_function == "NONE" else "NONE"
        return f'"{function}"' if self.functions_are_quoted else function

    @command(_DIG + "FUNCtion[:ON]", FunctionName({**DIGITIZED, "NONE": "NONE"}))
    def _set_digitize_function(self, function: str) -> None:
        self.digitize_function = function

    @query(_DIG + "FUNCtion[:ON]")
    def _get_digitize_function(self) -> str:
        return f'"{self.digitize_function}"'

    @command(_DIG + "{over}:RANGe[:UPPer]", Number(standard=10.0), over=DIGITIZED)
    def _set_digitize_range(self, function: str, value: float) -> None:
        self._digitize_range[function] = self.range_for(function, value)

    @query(_DIG + "{over}:RANGe[:UPPer]", over=DIGITIZED)
    def _get_digitize_range(self, function: str) -> float:
        return self._digitize_range[function]

    @command(_DIG + "{over}:APERture", Aperture(), over=DIGITIZED)
    def _set_digitize_aperture(self, function: str, seconds: float | None) -> None:
        if seconds is not None and seconds > 1 / self._rate(function) + 1e-9:
            raise CommandFailed(-222)
        self._apertures[function] = seconds

    @query(_DIG + "{over}:APERture", over=DIGITIZED)
    def _aperture(self, function: str) -> float:
        """Return the aperture, s: whole microseconds, at most the time between two samples."""
        longest = max(1, math.floor(1e6 / self._rate(function) + 1e-6)) / 1e6
        chosen = self._apertures[function]
        return longest if chosen is None else min(chosen, longest)

    @command(_SENSED + "RANGe[:UPPer]", Number(), over=FUNCTIONS)
    def _set_range(self, function: str, value: float) -> None:
        self._range[function] = self.range_for(function, value)
        self.automatic_range[function] = False

    @query(_SENSED + "RANGe[:UPPer]", over=FUNCTIONS)
    def _get_range(self, function: str) -> float:
        return self._range[function]

    @command(_SENSED + "APERture", Number(8.33e-6, 0.273, "S"), over=FUNCTIONS)
    def _set_aperture(self, function: str, seconds: float) -> None:
        shortest, longest = (0.002, 0.273) if function in TIMED else (8.33e-6, 0.25)
        if not shortest <= seconds <= longest:
            raise CommandFailed(-222)
        self.cycles[function] = seconds * LINE_FREQUENCY

    @query(_SENSED + "APERture", over=FUNCTIONS)
    def _get_aperture(self, function: str) -> float:
        return self.cycles[function] / LINE_FREQUENCY

    @command(_SENSED + "DELay:USER#", Number(0.0, 1e4, "S"), over=FUNCTIONS)
    def _set_user_delay(self, function: str, number: int, seconds: float) -> None:
        if not 1 <= number <= 5:
            raise CommandFailed(-114)
        self._user_delay[function, number] = seconds

    @query(_SENSED + "DELay:USER#", over=FUNCTIONS)
    def _get_user_delay(self, function: str, number: int) -> float:
        return self._user_delay.get((function, number), 0.0)

    @command("[SENSe:]AZERo:ONCE")
    def _zero_once(self) -> None:
        """Refresh the reference; it does not drift."""

    @command(_SENSED + "RELative:ACQuire", over=FUNCTIONS)
    def _acquire_relative(self, function: str) -> Wait:
        """Measure once and take the reading for the relative offset, as if none had been on."""
        group = self._measured(self.now, function, 1)

        def keep() -> None:
            self.relative[function] = float(group.readings()[0]) + group.converter.offset

        return Wait(group.end, keep)

    # --- buffers

    @command("TRACe:MAKE", Text(longest=31), Integer(10, LARGEST_BUFFER), Word(
        "STANdard", "COMPact", "FULL", "WRITable", "FULLWRITable", default="STAN"
    ))  # fmt: skip
    def _make(self, name: str, size: int, style: str) -> None:
        if name in self.buffers or not name.isidentifier():
            raise CommandFailed(1115, "Parameter error TRACe:MAKE cannot take an existing reading buffer name")
        self.buffers[name] = ReadingBuffer(size, continuous=False)
        self.active = name

    @command("TRACe:DELete", Text())
    def _delete(self, name: str) -> None:
        self._buffer(name)
        if name.startswith("defbuffer"):
            raise CommandFailed(-224)
        del self.buffers[name]
        if self.active == name:
            self.active = "defbuffer1"

    @command("TRACe:CLEar", _NAME)
    def _clear(self, name: str) -> None:
        self._buffer(name).clear()

    @command("TRACe:POINts", Integer(0, LARGEST_BUFFER), _NAME)
    def _resize(self, size: int, name: str) -> None:
        if 0 < size < 10:
            raise CommandFailed(-222)
        buffer = self._buffer(name)
        buffer.clear()
        buffer.capacity = size or LARGEST_BUFFER

    @query("TRACe:POINts", _NAME)
    def _size(self, name: str) -> int:
        return self._buffer(name).capacity

    @command("TRACe:FILL:MODE", Word("CONTinuous", "ONCE"), _NAME)
    def _set_fill(self, mode: str, name: str) -> None:
        buffer = self._buffer(name)
        buffer.clear()
        buffer.continuous = mode == "CONT"

    @query("TRACe:FILL:MODE", _NAME)
    def _get_fill(self, name: str) -> str:
        return "CONT" if self._buffer(name).continuous else "ONCE"

    @query("TRACe:ACTual", _NAME)
    def _actual(self, name: str) -> int:
        return self._buffer(name).count(self.now)

    @query("TRACe:ACTual:STARt", _NAME)
    def _oldest(self, name: str) -> int:
        return self._buffer(name).oldest(self.now)

    @query("TRACe:ACTual:END", _NAME)
    def _newest(self, name: str) -> int:
        return self._buffer(name).newest(self.now)

    @query("TRACe:DATA", Integer(1, LARGEST_BUFFER), Integer(1, LARGEST_BUFFER), _NAME, ListOf(Word(*ELEMENTS), 0))
    def _data(self, first: int, last: int, name: str, elements: list[str]) -> bytes:
        buffer = self._buffer(name)
        if not first <= last <= buffer.count(self.now):
            raise CommandFailed(-222)
        return self._write(buffer, first, last, elements or ["READ"])

    @query("TRACe:STATistics:{over}", _NAME, over={
        "mean": "AVERage", "max": "MAXimum", "min": "MINimum", "std": "STDDev", "ptp": "PK2Pk"
    })  # fmt: skip
    def _statistics(self, statistic: str, name: str) -> float:
        count = self._actual(name)
        if count == 0:
            raise CommandFailed(-230)
        readings, _ = self._buffer(name).read(1, count, self.now)
        return float(getattr(np, statistic)(readings))

    # --- triggering

    def trigger_edge(self, time: float) -> None:
        """The selected edge arrives at the external trigger input at ``time`` (s)."""
        if self.stimulus != "EXT" or self.digitize_function == "NONE":
            return
        if self._latched is not None:
            self._overrun = True
        elif self._group is not None and time < self._group.end:
            self._latched = self.schedule.at(self._group.end, self._start_latched)
        else:
            self._start(time, self.active)

    def setting_changed(self, name: str) -> None:
        """Refuse an external stimulus that has nothing to digitize; a new stimulus forgets what was latched."""
        if name == "stimulus":
            self._forget_latch()
            if self.stimulus != "NONE" and self.digitize_function == "NONE":
                self.stimulus = "NONE"
                raise CommandFailed(-221)

    @command("TRIGger:EXTernal:IN:CLEar")
    def _clear_edges(self) -> None:
        self._forget_latch()
        self._overrun = False

    @query("TRIGger:EXTernal:IN:OVERrun")
    def _was_overrun(self) -> bool:
        return self._overrun

    @query("TRIGger:STATe")
    def _state(self) -> str:
        busy = self.now < self.finished_at()
        return "RUNNING;RUNNING;1" if busy else "IDLE;IDLE;0"

    @query("TRIGger:BLOCk:LIST")
    def _blocks(self) -> str:
        return '"Empty"' if self._loop is None else f'"SimpleLoop, count: {self._loop[0]}, buffer: {self._loop[1]}"'

    @command("TRIGger:LOAD", Text(), Integer(1, MOST_READINGS, default=1), Number(0.0, 167_000.0, default=0.0), _NAME)
    def _load(self, template: str, count: int, delay: float, name: str) -> None:
        if template.upper() not in ("EMPTY", "SIMPLELOOP"):
            raise CommandFailed(-224)
        self._buffer(name)
        self._loop = None if template.upper() == "EMPTY" else (count, name)

    @command("INITiate[:IMMediate]")
    def _initiate(self) -> None:
        """Start the trigger model; without one loaded there is nothing to do (TRIG:DIG:STIM arms by itself)."""
        if self._loop is not None:
            self._start(self.now, self._loop[1], self._loop[0])

    @command("ABORt")
    def _abort(self) -> None:
        self._forget_latch()
        now = self.now
        if self._group is not None and now < self._group.end:
            self._group.count = self._group.taken(now)

    @command("TRACe:TRIGger", _NAME)
    @command("TRACe:TRIGger:DIGitize", _NAME)
    def _trigger_into(self, name: str) -> None:
        self._buffer(name)
        self.active = name
        self._start(self.now, name)

    @command("TRIGger:TIMer#:DELay", Number(8e-6, 1e5, "S"))
    def _set_timer(self, number: int, seconds: float) -> None:
        self._timers[self._timer(number)] = (seconds, self._timers.get(number, (1e-5, "NONE"))[1])

    @query("TRIGger:TIMer#:DELay")
    def _get_timer(self, number: int) -> float:
        return self._timers.get(self._timer(number), (1e-5, "NONE"))[0]

    @command("TRIGger:TIMer#:STARt:STIMulus", Word(*STIMULI))
    def _set_timer_stimulus(self, number: int, stimulus: str) -> None:
        self._timers[self._timer(number)] = (self._get_timer(number), stimulus)

    @query("TRIGger:TIMer#:STARt:STIMulus")
    def _get_timer_stimulus(self, number: int) -> str:
        return self._timers.get(self._timer(number), (1e-5, "NONE"))[1]

    @staticmethod
    def _timer(number: int) -> int:
        if not 1 <= number <= 4:
            raise CommandFailed(-114)
        return number

    # --- readings

    @query("READ", _NAME, ListOf(Word(*ELEMENTS), 0))
    @query("READ:DIGitize", _NAME, ListOf(Word(*ELEMENTS), 0))
    @query("MEASure", _NAME, ListOf(Word(*ELEMENTS), 0))
    def _read(self, name: str, elements: list[str]) -> Wait:
        self._buffer(name)
        self._start(self.now, name)
        return Wait(self.finished_at(), lambda: self._fetch(name, elements))

    @query("MEASure:{over}", _NAME, ListOf(Word(*ELEMENTS), 0), over=FUNCTIONS)
    def _measure(self, function: str, name: str, elements: list[str]) -> Wait:
        self._set_function(function)
        return self._read(name, elements)

    @query("MEASure:DIGitize", _NAME, ListOf(Word(*ELEMENTS), 0), over={"": ""})
    @query("MEASure:DIGitize:{over}", _NAME, ListOf(Word(*ELEMENTS), 0), over=DIGITIZED)
    def _measure_digitized(self, function: str, name: str, elements: list[str]) -> Wait:
        if function or self.digitize_function == "NONE":
            self.digitize_function = function or "VOLT"
        return self._read(name, elements)

    @query("FETCh", _NAME, ListOf(Word(*ELEMENTS), 0))
    def _fetch(self, name: str, elements: list[str]) -> bytes:
        newest = self._newest(name)
        if newest == 0:
            raise CommandFailed(-230)
        return self._write(self._buffer(name), newest, newest, elements or ["READ"])

    # --- system

    @query("*LANG")
    def _language(self) -> str:
        return "SCPI"

    @command("*LANG", Word("SCPI", "TSP", "SCPI2000", "SCPI34401"))
    def _set_language(self, language: str) -> None:
        """Take note of a language; it would be spoken after the next start."""

    @command("SYSTem:BEEPer[:IMMediate]", Number(20.0, 8000.0, "HZ"), Number(0.001, 100.0, "S"))
    def _beep(self, frequency: float, duration: float) -> None:
        """Make no sound."""

    @query("SYSTem:TIME", Integer(0, 1, default=0))
    def _system_time(self, readable: int) -> str | int:
        now = self._date(self.now)
        return f"{now:%a %b %d %H:%M:%S %Y}" if readable else int(now.timestamp())

    @command("SYSTem:TIME", ListOf(Integer(0, 9999), 3))
    def _set_system_time(self, parts: list[int]) -> None:
        """Set hour, minute and second, after year, month and day when there are six numbers."""
        present = self._date(self.now)
        day = parts if len(parts) == 6 else [present.year, present.month, present.day]
        hour, minute, second = parts[-3:]
        try:
            wanted = datetime(day[0], day[1], day[2], hour, minute, second, tzinfo=UTC)
        except ValueError:
            raise CommandFailed(-222) from None
        self._clock_error += (wanted - present).total_seconds()

    @query("SYSTem:LFRequency")
    def _line_frequency(self) -> int:
        return round(LINE_FREQUENCY)

    @command("DISPlay:CLEar")
    def _clear_screen(self) -> None:
        """Clear the user's lines."""

    @command("DISPlay:USER#:TEXT[:DATA]", Text())
    def _show_text(self, line: int, text: str) -> None:
        """Show a line of the user."""

    # --- helpers

    def _buffer(self, name: str) -> ReadingBuffer:
        buffer = self.buffers.get(name)
        if buffer is None:
            raise CommandFailed(-224)
        return buffer

    def _rate(self, function: str) -> int:
        return self.sample_rate if function == "VOLT" else self.current_rate

    def _start(self, time: float, name: str, count: int | None = None) -> None:
        """Begin a group of readings at ``time`` (s) into a buffer, after the group that may be under way."""
        time = max(time, self.finished_at())
        digitize = self.digitize_function
        wanted = (self.count if digitize == "NONE" else self.digitize_count) if count is None else count
        kept = self.buffers[name].room(wanted)
        if kept > 0:
            self._group = self._digitized(time, digitize, kept) if digitize != "NONE" else None
            self._group = self._group or self._measured(time, self.function, kept)
            self.buffers[name].add(self._group)

    def _digitized(self, time: float, function: str, count: int) -> Group:
        aperture, rate = self._aperture(function), float(self._rate(function))
        record = self._connect(time, count, rate, aperture, function)
        return Group(record, Converter(self._digitize_range[function], BITS), time, count, rate)

    def _measured(self, time: float, function: str, count: int) -> Group:
        """Begin readings of a DC or AC function; a filter makes each of them the mean of several."""
        aperture = self.cycles[function] / LINE_FREQUENCY
        if self.averaging[function]:
            aperture *= self.average_count[function]
        full_scale = self._range[function]
        if self.automatic_range[function]:
            full_scale = self.ranges.get(function, (INFINITY,))[-1]
        offset = self.relative[function] if self.relative_on[function] else 0.0
        record = self._connect(time, count, 1 / aperture, aperture, function)
        return Group(record, Converter(full_scale, DC_BITS, offset=offset), time, count, 1 / aperture)

    def _connect(self, time: float, count: int, rate: float, aperture: float, function: str) -> Record:
        if function in ("VOLT", "VOLT:DC"):
            return self._source.start(time, count, rate, aperture)
        return Steady(count, INFINITY if function in ("RES", "FRES", "CONT", "DIOD", "TEMP") else 0.0)

    def _start_latched(self, time: float) -> None:
        self._latched = None
        if self.active in self.buffers:
            self._start(time, self.active)

    def _forget_latch(self) -> None:
        if self._latched is not None:
            self._latched.cancel()
            self._latched = None

    def _write(self, buffer: ReadingBuffer, first: int, last: int, elements: list[str]) -> bytes:
        """Return the elements of readings, interleaved, in the format that FORM:DATA chose."""
        readings, times = buffer.read(first, last, self.now)
        if self.data_format == "ASC":
            texts = [self._texts(element, readings, times, buffer) for element in elements]
            return ",".join(text for row in zip(*texts, strict=True) for text in row).encode("latin-1")
        if not set(elements) <= set(NUMERIC):
            raise CommandFailed(-221)
        columns = [self._numbers(element, readings, times, buffer) for element in elements]
        order = "<" if self.byte_order == "SWAP" else ">"
        kind = np.dtype(f"{order}f{4 if self.data_format == 'SRE' else 8}")
        table = columns[0] if len(columns) == 1 else np.stack(columns, axis=1)
        return indefinite_block(table.astype(kind))

    def _numbers(
        self, element: str, readings: FloatArray, times: Callable[[], FloatArray], buffer: ReadingBuffer
    ) -> FloatArray:
        if element == "READ":
            return readings
        if element == "REL":
            return times() - buffer.origin
        absolute = times() + self._epoch
        return {"SEC": np.floor(absolute), "FRAC": absolute % 1.0, "STAT": np.zeros(len(readings))}[element]

    def _texts(
        self, element: str, readings: FloatArray, times: Callable[[], FloatArray], buffer: ReadingBuffer
    ) -> list[str]:
        if element == "STAT" or element == "SEC":
            return [str(int(value)) for value in self._numbers(element, readings, times, buffer)]
        if element in NUMERIC:
            digits = self.precision - 1 if self.precision else 8
            return [f"{value:.{digits}E}" for value in self._numbers(element, readings, times, buffer).tolist()]
        unit = UNITS.get(self.function[:4] if self.digitize_function == "NONE" else self.digitize_function, "")
        if element == "UNIT":
            return [unit] * len(readings)
        if element == "FORM":
            return [f"{shortest(value)} {unit}" for value in readings.tolist()]
        style = {"TIME": "%H:%M:%S.%f", "DATE": "%m/%d/%Y", "TST": "%m/%d/%Y %H:%M:%S.%f"}[element]
        return [f"{self._date(time):{style}}" for time in times().tolist()]

    @property
    def _epoch(self) -> float:
        return float(getattr(self.schedule.clock, "epoch", 0.0)) + self._clock_error

    def _date(self, time: float) -> datetime:
        return datetime.fromtimestamp(self._epoch + time, UTC)
