"""Delta mode of the 6221: the current alternates, a 2182A nanovoltmeter on the RS-232 line measures."""

from __future__ import annotations

from abc import abstractmethod

from spinlab.virtual.commands import command, query, setting
from spinlab.virtual.formats import INFINITY, nr3
from spinlab.virtual.parameters import Boolean, Integer, ListOf, Number, Word
from spinlab.virtual.schedule import Ticket
from spinlab.virtual.scpi import ScpiInstrument
from spinlab.virtual.status import CommandFailed

READING_AVAILABLE, BUFFER_FULL = 32, 512  # bits of the measurement register
CONVERSION = 1 / 60 + 2e-3  # s that one conversion of the 2182A takes, at 1 NPLC
LARGEST_BUFFER = 65536
ELEMENTS = ("READing", "TSTamp", "UNITs", "RNUMber", "SOURce", "COMPliance", "AVOLtage")


class OrInfinite(Number):
    """A number between ``low`` and ``high``, or INFinity."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__(low, high, infinite=True)

    def show(self, value: float) -> float:
        """Return the number; infinity as SCPI writes it."""
        return min(value, INFINITY)


class DeltaMode(ScpiInstrument):
    """Delta measurements, and the buffer that they fill.

    With ``nanovoltmeter`` on, a 2182A sits across the output; without it ARM fails. Each reading is made of three
    conversions at alternating currents, (V1 - 2 V2 + V3) / 4, which thermal voltages do not enter.
    """

    nanovoltmeter = True
    on: bool

    unit = setting("UNIT:VOLTage[:DC]", Word("V", "OHMS", "W", "SIEMens"), "V")
    delta_high = setting("[SOURce:]DELTa:HIGH", Number(0.0, 0.105, "A"), 1e-3)
    delta_low = setting("[SOURce:]DELTa:LOW", Number(-0.105, 0.0, "A"), -1e-3)
    delta_delay = setting("[SOURce:]DELTa:DELay", OrInfinite(0.0, 9999.999), 2e-3)
    delta_count = setting("[SOURce:]DELTa:COUNt", OrInfinite(1, 65536), float("inf"))
    delta_abort = setting("[SOURce:]DELTa:CABort", Boolean(), False)
    delta_switch = setting("[SOURce:]DELTa:CSWitch", Boolean(), False)
    sweep_count = setting("[SOURce:]SWEep:COUNt", OrInfinite(1, 65536), 1.0)
    capacity = setting("TRACe:POINts", Integer(1, LARGEST_BUFFER), 100)
    feed = setting("TRACe:FEED", Word("SENSe1", "SENSe", "CALCulate1", "CALCulate", "NONE"), "SENS1")
    feed_control = setting("TRACe:FEED:CONTrol", Word("NEXT", "NEVer", "ALWays"), "NEV")
    data_format = setting("FORMat[:DATA]", Word("ASCii", "REAL", "SREal"), "ASC")
    byte_order = setting("FORMat:BORDer", Word("SWAPped", "NORMal"), "NORM")

    _delta_ticket: Ticket | None = None

    @abstractmethod
    def _drive(self, time: float, current: float) -> None:
        """Let ``current`` (A) flow from ``time`` (s) on."""

    @abstractmethod
    def voltage(self) -> float:
        """Return the voltage across the output, V."""

    @abstractmethod
    def _refresh(self) -> None:
        """Go back to the resting level."""

    def reset(self) -> None:
        """*RST: no delta measurement, an empty buffer."""
        self._stop_delta()
        super().reset()
        self._elements = ["READ", "TST"]
        self._armed_for_delta = False
        self._stored: list[tuple[float, float]] = []

    def setting_changed(self, name: str) -> None:
        """Mirror the high level."""
        if name == "delta_high":
            self.delta_low = -self.delta_high

    # --- measuring

    @query("[SOURce:]DELTa:NVPResent")
    def _is_connected(self) -> bool:
        return self.nanovoltmeter

    @command("[SOURce:]DELTa:ARM")
    def _arm_delta(self) -> None:
        if not self.nanovoltmeter:
            raise CommandFailed(-241)
        self._stop_delta()
        self._armed_for_delta = True
        self._stored = []

    @query("[SOURce:]DELTa:ARM")
    def _is_armed_for_delta(self) -> bool:
        return self._armed_for_delta

    @command("INITiate[:IMMediate]")
    def _start_delta(self) -> None:
        if self._armed_for_delta:
            self._conversions: list[float] = []
            self._begun, self._left, self.on = self.now, self.delta_count, True
            self._alternate(self.now)

    @command("[SOURce:]SWEep:ABORt")
    @command("ABORt")
    def _abort_delta(self) -> None:
        if self._armed_for_delta:
            self._stop_delta()
            self.on = self._armed_for_delta = False
            self._refresh()

    def _stop_delta(self) -> None:
        if self._delta_ticket is not None:
            self._delta_ticket.cancel()
            self._delta_ticket = None

    def _alternate(self, time: float) -> None:
        self._drive(time, self.delta_high if len(self._conversions) % 2 == 0 else self.delta_low)
        if self.delta_delay < INFINITY:
            self._delta_ticket = self.schedule.at(time + self.delta_delay + CONVERSION, self._convert)

    def _convert(self, time: float) -> None:
        self._delta_ticket = None
        self._conversions.append(self.voltage())
        if len(self._conversions) >= 3:
            first, second, third = self._conversions[-3:]
            sign = 1.0 if len(self._conversions) % 2 else -1.0
            self._store(time, sign * (first - 2 * second + third) / 4)
            self._left -= 1
        if self._left > 0:
            self._alternate(time)

    def _store(self, time: float, volts: float) -> None:
        current = (self.delta_high - self.delta_low) / 2
        reading = {
            "V": volts,
            "OHMS": volts / current if current else INFINITY,
            "W": volts * current,
            "SIEM": current / volts if volts else INFINITY,
        }[self.unit]
        if len(self._stored) < self.capacity:
            self._stored.append((reading, time - self._begun))
        register = self.status.registers["MEAS"]
        full = BUFFER_FULL if len(self._stored) >= self.capacity else 0
        register.update((register.condition & ~READING_AVAILABLE) | full)
        register.update(register.condition | READING_AVAILABLE)

    # --- buffer

    @query("[SENSe:]DATA[:LATest]")
    @query("[SENSe:]DATA:FRESh")
    def _latest_reading(self) -> str:
        if not self._stored:
            raise CommandFailed(-230)
        return self._written_reading(len(self._stored) - 1)

    @query("TRACe:DATA")
    def _buffer(self) -> str:
        if not self._stored:
            raise CommandFailed(-230)
        return ",".join(map(self._written_reading, range(len(self._stored))))

    @query("TRACe:POINts:ACTual")
    def _count_stored(self) -> int:
        return len(self._stored)

    @command("TRACe:CLEar")
    def _clear_buffer(self) -> None:
        self._stored = []
        register = self.status.registers["MEAS"]
        register.update(register.condition & ~BUFFER_FULL)

    @command("FORMat:ELEMents", ListOf(Word(*ELEMENTS)))
    def _choose_elements(self, elements: list[str]) -> None:
        self._elements = elements

    @query("FORMat:ELEMents")
    def _chosen_elements(self) -> str:
        return ",".join(self._elements)

    def _written_reading(self, index: int) -> str:
        reading, time = self._stored[index]
        parts = {"READ": nr3(reading), "TST": nr3(time), "UNIT": self.unit, "RNUM": nr3(index)}
        parts |= {"SOUR": nr3((self.delta_high - self.delta_low) / 2), "COMP": "F", "AVOL": nr3(0.0)}
        return ",".join(parts[element] for element in self._elements)
