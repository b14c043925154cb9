"""SRS LDC500 series: laser diode current source and temperature controller (LDC500 Series user's manual)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from spinlab.virtual.commands import command, query, setting
from spinlab.virtual.parameters import Boolean, Integer, Number, Parameter
from spinlab.virtual.schedule import Schedule
from spinlab.virtual.srs import NO_SUCH_QUERY, NO_SUCH_SET, SrsInstrument
from spinlab.virtual.status import CommandFailed

FULL_SCALE = {"LDC500": 100.0, "LDC501": 500.0, "LDC502": 2000.0}  # mA on HIGH; LOW is half of it
ILLEGAL_VALUE, NOT_ALLOWED = 1, 5  # LEXE?
THERMAL_TIME = 4.0  # s, closed loop
ROOM = 23.0  # degC
DIODE_VOLTAGE, DIODE_RESISTANCE = 1.45, 0.8  # V, ohm
MONITOR = 0.5  # uA of the photodiode per mA of the laser
COOLING = 0.05  # A of the TEC per K below the room


class Keyword(NamedTuple):
    """A reply that is a word or a number, as TOKN says."""

    word: str
    number: int


class Token(Parameter[str]):
    """A keyword or its number, counted from 0 in the order given."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words

    def parse(self, text: str) -> str:
        """Return the keyword."""
        if text.upper() in self.words:
            return text.upper()
        if text.isascii() and text.isdigit() and len(text) < 4 and int(text) < len(self.words):
            return self.words[int(text)]
        raise CommandFailed(-224)

    def show(self, value: str) -> Keyword:
        """Return the reply."""
        return Keyword(value, self.words.index(value))


SWITCH = Token("OFF", "ON")
LASER_MODE = Token("CC", "CP")
LASER_RANGE = Token("HIGH", "LOW")
INTERLOCK = Token("CLOSED", "OPEN")
TEC_MODE = Token("CC", "CT")


def decimal(value: float) -> str:
    """Write a number the way the LDC500 does."""
    return f"{value:.4f}"


class LDC500(SrsInstrument):
    """Laser and TEC controller; ``light(time_s, current_A)`` hears of every change of the current in the diode.

    Messages use the box's units: mA, V, degC, A for the TEC. LEXE? and LCME? tell the last execution and command error
    and forget it. In constant power (SMOD CP) the photodiode's set-point decides what flows, up to the current limit;
    changing the mode of a laser or TEC that is on takes over what is measured. A diode voltage beyond SVLM puts the
    laser out. The set-point filter (2.5 ms) is left to whoever owns the diode.
    """

    input_buffer_size = 64
    number_format = staticmethod(decimal)
    error_numbers: ClassVar = {
        -100: 1, -102: 1, -113: 2, NO_SUCH_QUERY: 3, NO_SUCH_SET: 4, -109: 5, -108: 6, -363: 8, -104: 9, -120: 9,
        -123: 9, -131: 9, -141: 12, -224: 12, -151: 1, -161: 1, -222: ILLEGAL_VALUE, -221: NOT_ALLOWED,
    }  # fmt: skip

    keywords = setting("TOKN", Boolean(), True)
    voltage_limit = setting("SVLM", Number(0.1, 10.0), 2.5)
    bandwidth = setting("SIBW", Token("LOW", "HIGH"), "LOW")
    modulation = setting("MODU", SWITCH, "OFF")
    photodiode_unit = setting("PDMW", SWITCH, "OFF")
    photodiode_bias = setting("BIAS", Number(0.0, 5.0), 0.0)
    responsivity = setting("RESP", Number(0.1, 1e5), 1000.0)  # uA/mW
    photodiode_limit = setting("PILM", Number(0.0, 5000.0), 5000.0)  # uA
    display = setting("DISP", Integer(0, 1), 1)

    tec_on = setting("TEON", Boolean(), False)
    sensor = setting("TSNR", Integer(0, 6), 3)
    coldest = setting("TMIN", Number(-100.0, 200.0), -20.0)
    hottest = setting("TMAX", Number(-100.0, 200.0), 80.0)
    tec_limit = setting("TILM", Number(-4.5, 4.5), 1.5)
    tec_voltage_limit = setting("TVLM", Number(-8.5, 8.5), 4.0)
    least_resistance = setting("TRMN", Number(0.0, 1000.0), 0.5)  # kohm
    most_resistance = setting("TRMX", Number(0.0, 1000.0), 100.0)

    def __init__(self, schedule: Schedule, model: str, light: Callable[[float, float], None]) -> None:
        self.model = model
        self.identity = f"Stanford_Research_Systems,{model},s/n148012,ver2.28"
        self._listener = light
        self._present = 0.0
        self.interlock_closed = True
        self._execution_error = self._command_error = 0
        super().__init__(schedule)

    def reset(self) -> None:
        """*RST: laser off, TEC off, everything at its default."""
        super().reset()
        self.range, self.mode, self.on = "HIGH", "CC", False
        self.limit = self.full_scale
        self.current = self.photodiode_level = 0.0  # mA and uA, the set-points
        self.tec_mode, self._target, self._tec_current = "CT", 25.0, 0.0
        self._then, self._temperature, self._goal = self.now, ROOM, ROOM
        self._refresh()

    @property
    def full_scale(self) -> float:
        """Largest current of the present range, mA."""
        return FULL_SCALE[self.model] * (1.0 if self.range == "HIGH" else 0.5)

    @property
    def flowing(self) -> float:
        """Current in the diode, mA."""
        if not self.on:
            return 0.0
        return self.current if self.mode == "CC" else min(self.limit, self.photodiode_level / MONITOR)

    def record_error(self, number: int, cause: int) -> None:
        """Keep the number for LEXE? or LCME?."""
        if cause > 0 or cause in (-221, -222, -220, -223):
            self._execution_error = number
        elif cause not in (-410, -420):  # query errors show in *ESR? alone
            self._command_error = number

    @query("LEXE")
    def _last_execution_error(self) -> int:
        number, self._execution_error = self._execution_error, 0
        return number

    @query("LCME")
    def _last_command_error(self) -> int:
        number, self._command_error = self._command_error, 0
        return number

    @command("*CLS")
    def _clear_status(self) -> None:
        self.status.clear()
        self._execution_error = self._command_error = 0

    @command("ULOC", Integer(0, 1))
    def _unlock(self, state: int) -> None:
        """Let this interface control the instrument; it always may."""

    # --- laser

    @command("LDON", SWITCH)
    def _switch(self, state: str) -> None:
        if state == "ON" and not self.interlock_closed:
            raise CommandFailed(-221)
        self.on = state == "ON"
        self._refresh()

    @query("LDON")
    def _is_on(self) -> Keyword:
        return SWITCH.show("ON" if self.on else "OFF")

    @command("SILD", Number())
    def _set_current(self, current: float) -> None:
        if not 0.0 <= current <= self.limit * (1 + 1e-9):
            raise CommandFailed(-222)
        self.current = round(current, 4)
        self._refresh()

    @query("SILD")
    def _get_current(self) -> float:
        return self.current

    @command("SILM", Number())
    def _set_limit(self, limit: float) -> None:
        if not 0.0 <= limit <= self.full_scale:
            raise CommandFailed(-222)
        self.limit = limit
        self.current = min(self.current, limit)
        self._refresh()

    @query("SILM")
    def _get_limit(self) -> float:
        return self.limit

    @command("RNGE", LASER_RANGE)
    def _set_range(self, choice: str) -> None:
        if self.on and choice != self.range:
            raise CommandFailed(-221)
        self.range = choice
        self._set_limit(min(self.limit, self.full_scale))

    @query("RNGE")
    def _get_range(self) -> Keyword:
        return LASER_RANGE.show(self.range)

    @command("SMOD", LASER_MODE)
    def _set_mode(self, mode: str) -> None:
        if self.on and mode != self.mode:
            if mode == "CP":
                self._set_photodiode_level(self._measure_photodiode())
            else:
                self.current = round(self.flowing, 4)
        self.mode = mode
        self._refresh()

    @query("SMOD")
    def _get_mode(self) -> Keyword:
        return LASER_MODE.show(self.mode)

    @query("RILD")
    def _measure_current(self) -> float:
        return self.flowing

    @query("RVLD")
    def _measure_voltage(self) -> float:
        return DIODE_VOLTAGE + DIODE_RESISTANCE * self.flowing * 1e-3 if self.on else 0.0

    @query("ILOC")
    def _interlock(self) -> Keyword:
        return INTERLOCK.show("CLOSED" if self.interlock_closed else "OPEN")

    @query("RIPD")
    def _measure_photodiode(self) -> float:
        return self.flowing * MONITOR

    @query("RWPD")
    def _measure_power(self) -> float:
        return self._measure_photodiode() / self.responsivity

    @command("SIPD", Number())
    def _set_photodiode_level(self, microamperes: float) -> None:
        if not 0.0 <= microamperes <= self.photodiode_limit:
            raise CommandFailed(-222)
        self.photodiode_level = microamperes
        self._refresh()

    @query("SIPD")
    def _get_photodiode_level(self) -> float:
        return self.photodiode_level

    @command("SWPD", Number())
    def _set_power(self, power: float) -> None:
        self._set_photodiode_level(power * self.responsivity)

    @query("SWPD")
    def _get_power(self) -> float:
        return self.photodiode_level / self.responsivity

    @command("PWLM", Number(0.0, 5e4))
    def _set_power_limit(self, power: float) -> None:
        limit = power * self.responsivity
        if not 0.0 <= limit <= 5000.0:
            raise CommandFailed(-222)
        self.photodiode_limit = limit
        self.setting_changed("photodiode_limit")

    @query("PWLM")
    def _get_power_limit(self) -> float:
        return self.photodiode_limit / self.responsivity

    @command("CALP", Number(1e-6, 5e4))
    def _calibrate_power(self, power: float) -> None:
        if self._measure_photodiode() == 0:
            raise CommandFailed(-221)
        self.responsivity = self._measure_photodiode() / power

    def open_interlock(self) -> None:
        """The interlock loop opens: the laser goes off and stays off."""
        self.interlock_closed = self.on = False
        self._refresh()

    # --- temperature

    @command("TEMP", Number())
    def _set_temperature(self, target: float) -> None:
        if not self.coldest <= target <= self.hottest:
            raise CommandFailed(-222)
        self._target = target
        self._settle()

    @query("TEMP")
    def _get_temperature(self) -> float:
        return self._target

    @query("TTRD")
    def _measure_temperature(self) -> float:
        self._settle()
        return self._temperature

    @query("TRAW")
    def _measure_thermistor(self) -> float:
        kelvin = self._measure_temperature() + 273.15
        return 10.0 * math.exp(3450.0 * (1 / kelvin - 1 / 298.15))

    @command("TRTH", Number(0.001, 1000.0))
    def _set_resistance(self, kilohm: float) -> None:
        self._set_temperature(1 / (math.log(kilohm / 10.0) / 3450.0 + 1 / 298.15) - 273.15)

    @query("TRTH")
    def _get_resistance(self) -> float:
        return 10.0 * math.exp(3450.0 * (1 / (self._target + 273.15) - 1 / 298.15))

    @command("TMOD", TEC_MODE)
    def _set_tec_mode(self, mode: str) -> None:
        if self.tec_on and mode != self.tec_mode:
            if mode == "CC":
                self._tec_current = self._measure_tec_current()
            else:
                self._target = self._measure_temperature()
        self.tec_mode = mode
        self._settle()

    @query("TMOD")
    def _get_tec_mode(self) -> Keyword:
        return TEC_MODE.show(self.tec_mode)

    @command("TCUR", Number(-4.5, 4.5))
    def _set_tec_current(self, current: float) -> None:
        if abs(current) > abs(self.tec_limit):
            raise CommandFailed(-222)
        self._tec_current = current
        self._settle()

    @query("TCUR")
    def _get_tec_current(self) -> float:
        return self._tec_current

    @query("TIRD")
    def _measure_tec_current(self) -> float:
        if not self.tec_on:
            return 0.0
        return self._tec_current if self.tec_mode == "CC" else COOLING * (ROOM - self._measure_temperature())

    @query("TVRD")
    def _measure_tec_voltage(self) -> float:
        return 2.0 * self._measure_tec_current()

    # --- helpers

    def setting_changed(self, name: str) -> None:
        """Follow what acts at once."""
        if name == "photodiode_limit":
            self.photodiode_level = min(self.photodiode_level, self.photodiode_limit)
        elif name == "tec_limit":
            largest = abs(self.tec_limit)
            self._tec_current = min(largest, max(-largest, self._tec_current))
        if name in ("tec_on", "tec_limit"):
            self._settle()
        elif name in ("photodiode_limit", "voltage_limit"):
            self._refresh()

    def written(self, answer: Any) -> bytes:
        """Return an answer as it stands in a reply; a keyword as TOKN says."""
        if isinstance(answer, Keyword):
            answer = answer.word if self.keywords else answer.number
        return super().written(answer)

    def _settle(self) -> None:
        """Carry the temperature to the present, towards the goal so far; then look for the new goal."""
        now = self.now
        self._temperature = self._goal + (self._temperature - self._goal) * math.exp((self._then - now) / THERMAL_TIME)
        self._then = now
        self._goal = self._goal_now() if self.tec_on else ROOM

    def _goal_now(self) -> float:
        """Return where the temperature goes, degC; the current limit says how far from the room it gets."""
        if self.tec_mode == "CC":
            return ROOM - self._tec_current / COOLING
        reach = abs(self.tec_limit) / COOLING
        return min(ROOM + reach, max(ROOM - reach, self._target))

    def _refresh(self) -> None:
        if self.on and self._measure_voltage() > self.voltage_limit:
            self.on = False
        current = self.flowing * 1e-3
        if current != self._present:
            self._present = current
            self._listener(self.now, current)
