"""Lake Shore 336 temperature controller, heating the cell's oven (Model 336 user's manual, chapter 6)."""

from __future__ import annotations

from collections.abc import Callable

from sims.loop import Gains, Loop
from sims.oven import Oven
from sims.sensors import (
    EMPTY,
    ICE,
    PT_100,
    PT_1000,
    STANDARD_CURVES,
    CurveHeader,
    platinum_points,
    platinum_resistance,
    platinum_temperature,
)
from spinlab.virtual.commands import IndexedSetting, command, query, setting
from spinlab.virtual.lakeshore import LakeShoreInstrument
from spinlab.virtual.parameters import Bare, Boolean, Integer, ListOf, Number, Text, Word
from spinlab.virtual.schedule import Schedule, Ticket
from spinlab.virtual.status import CommandFailed

INPUTS, OUTPUTS, CURRENT_OUTPUTS, VOLTAGE_OUTPUTS = ("A", "B", "C", "D"), (1, 2, 3, 4), (1, 2), (3, 4)
CELL, ROOM = "A", "B"  # what is wired: the thermometer on the cell, one in the air; C and D are open
HEATER = 1  # the output that warms the oven
HEATER_RESISTANCE = 25.0  # ohm
CURRENTS = {1: 0.5**0.5, 2: 1.0, 3: 2.0**0.5, 4: 2.0}  # A, by the number in HTRSET; 0 is the user's
SHARE = {0: 0.0, 1: 0.01, 2: 0.1, 3: 1.0}  # of full power, by heater range
OFF, CLOSED_LOOP, ZONE, OPEN_LOOP, MONITOR, WARM_UP = range(6)
DISABLED, DIODE, PLATINUM, NTC = range(4)
KELVIN, CELSIUS, SENSOR = 1, 2, 3
INVALID, TOO_HOT, OPEN = 1, 32, 128  # RDGST?
ALARM, OVERLOAD, RAMP_2_DONE, RAMP_1_DONE, NEW_READING, TUNED = 1, 2, 4, 8, 16, 32  # OPST?
UPDATE, COASTING = 0.1, 1.0  # s between two looks at a closed loop, and at an oven that drifts by itself
STILL = 1e-7  # K or per cent in one update: nothing moves any more
TUNING_TIME = 60.0  # s
USER_CURVES, CURVE_POINTS, ZONES = range(21, 60), 200, 10

_INPUT, _OUTPUT, _CURVE = Word(*INPUTS), Integer(1, 4), Integer(1, 59)
_ANY_INPUT = Word(*INPUTS, "0", default=CELL)
_PER_CENT = Number(0.0, 100.0, form="+.2f")
_KELVIN, _UNITS = Number(-9999.0, 9999.0, form="+.3f"), Integer(KELVIN, SENSOR)
_LOCAL = ("192.168.10.16", "255.255.255.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")


class Name(Text):
    """A name of up to ``longest`` characters; the reply is padded to that length."""

    def show(self, value: str) -> str:
        """Return the padded name."""
        return value.ljust(self.longest)


class Lakeshore336(LakeShoreInstrument):
    """The controller. Output 1 heats ``oven``, input A is a PT-100 on the cell, input B one in the room.

    It comes up as the laboratory left it: output 1 closed loop on input A, high range, the set-point at the oven's
    temperature, which it holds. ``noise()`` gives a standard normal number; readings scatter by ``scatter`` (K rms) and
    are taken ten times a second. Autotuning takes a minute and keeps the gains. *RST does what switching on does:
    outputs without power-up enable are off, settings stay.
    """

    identity = "LSCI,MODEL336,336A1K2/#######,2.9"
    scatter = 1e-3

    sensor_type = IndexedSetting(
        "INTYPE", _INPUT, INPUTS, (Integer(0, 5), Boolean(), Integer(0, 8), Boolean(), _UNITS),
        {"A": (PLATINUM, True, 3, True, KELVIN), "B": (PLATINUM, True, 3, True, KELVIN),
         "C": (DIODE, False, 0, False, KELVIN), "D": (DIODE, False, 0, False, KELVIN)}, sparse=True,
    )  # fmt: skip
    sensor_name = IndexedSetting(
        "INNAME", _INPUT, INPUTS, (Name(longest=15),),
        {"A": ("Cell",), "B": ("Room",), "C": ("Input C",), "D": ("Input D",)},
    )  # fmt: skip
    hottest = IndexedSetting("TLIMIT", _INPUT, INPUTS, (Number(0.0, 9999.0, form="+.3f"),), (0.0,))
    filtering = IndexedSetting(
        "FILTER", _INPUT, INPUTS, (Boolean(), Integer(2, 64), Integer(1, 10)), (False, 8, 10), sparse=True
    )
    excitation = IndexedSetting("DIOCUR", _INPUT, INPUTS, (Integer(0, 1),), (0,))
    alarm = IndexedSetting(
        "ALARM", _INPUT, INPUTS, (Boolean(), _KELVIN, _KELVIN, _KELVIN, Boolean(), Boolean(), Boolean()),
        (False, 1000.0, 0.0, 0.0, False, False, True), sparse=True,
    )  # fmt: skip

    mode = IndexedSetting(
        "OUTMODE", _OUTPUT, OUTPUTS, (Integer(OFF, WARM_UP), Integer(0, 8), Boolean()),
        {1: (CLOSED_LOOP, 1, True), 2: (OFF, 2, False), 3: (OFF, 3, False), 4: (OFF, 4, False)}, sparse=True,
    )  # fmt: skip
    heater = IndexedSetting(
        "HTRSET", _OUTPUT, CURRENT_OUTPUTS,
        (Integer(1, 2), Integer(0, 4), Number(0.0, 2.0, form="+.3f"), Integer(1, 2)),
        {1: (1, 4, 2.0, 2), 2: (1, 3, 1.414, 2)}, sparse=True,
    )  # fmt: skip
    gains = IndexedSetting(
        "PID", _OUTPUT, OUTPUTS,
        (Number(0.1, 1000.0, form="+.1f"), Number(0.1, 1000.0, form="+.1f"), Number(0.0, 200.0, form="+.1f")),
        (50.0, 20.0, 0.0), sparse=True,
    )  # fmt: skip
    ramp = IndexedSetting(
        "RAMP", _OUTPUT, OUTPUTS, (Boolean(), Number(0.0, 100.0, form="+.1f")), (False, 1.0), sparse=True
    )
    manual = IndexedSetting("MOUT", _OUTPUT, OUTPUTS, (_PER_CENT,), (0.0,))
    monitored = IndexedSetting(
        "ANALOG", _OUTPUT, VOLTAGE_OUTPUTS, (Integer(0, 8), _UNITS, _KELVIN, _KELVIN, Integer(0, 1)),
        (1, KELVIN, 1000.0, 0.0, 0), sparse=True,
    )  # fmt: skip
    warm_up = IndexedSetting("WARMUP", _OUTPUT, VOLTAGE_OUTPUTS, (Integer(0, 1), _PER_CENT), (0, 50.0), sparse=True)

    relay = IndexedSetting(
        "RELAY", Integer(1, 2), (1, 2), (Integer(0, 2), _INPUT, Integer(0, 2)), (0, "A", 2), sparse=True
    )
    display = IndexedSetting(
        "DISPLAY", None, (None,), (Integer(0, 10), Integer(0, 2), Integer(1, 4)), (4, 1, 1), sparse=True
    )
    field = IndexedSetting(
        "DISPFLD", Integer(1, 8), range(1, 9), (Integer(0, 8), Integer(1, 6)), (1, KELVIN), sparse=True
    )
    brightness = setting("BRIGT", Integer(0, 32), 25)
    lights = setting("LEDS", Boolean(), True)
    remote = setting("MODE", Integer(0, 2), 0)
    gpib_address = setting("IEEE", Integer(1, 30), 12)
    interface = setting("INTSEL", Integer(0, 2), 1)
    lock = IndexedSetting("LOCK", None, (None,), (Boolean(), Integer(0, 999)), (False, 123), sparse=True)
    network = IndexedSetting(
        "NET", None, (None,), (Boolean(), Boolean(), *(Bare() for _ in range(8))),
        (False, False, *_LOCAL, "lsci-336", "spinlab.local", "cell oven"), sparse=True,
    )  # fmt: skip
    login = IndexedSetting("WEBLOG", None, (None,), (Bare(longest=15), Bare(longest=15)), ("user", "pass"), sparse=True)

    def __init__(self, schedule: Schedule, oven: Oven, noise: Callable[[], float]) -> None:
        self.oven = oven
        self._noise = noise
        self._ticket: Ticket | None = None
        self._interval: float | None = None
        self._defaults(schedule)
        super().__init__(schedule)

    def _defaults(self, schedule: Schedule) -> None:
        """Everything as the laboratory left it."""
        for each in self.settings:
            each.reset(self)
        present = self.oven.temperature(schedule.clock.now())
        self._curve = {"A": PT_100, "B": PT_100, "C": 2, "D": 2}
        self._headers: dict[int, CurveHeader] = {**dict.fromkeys(USER_CURVES, EMPTY), **STANDARD_CURVES}
        self._points: dict[int, dict[int, tuple[float, float]]] = {number: {} for number in USER_CURVES}
        for number, nominal in ((PT_100, 100.0), (PT_1000, 1000.0)):
            self._points[number] = dict(enumerate(platinum_points(nominal), start=1))
        self._zones: dict[tuple[int, int], list[float]] = {}
        self._range = {1: 3, 2: 0, 3: 0, 4: 0}
        self._loops = {output: Loop(present, present) for output in OUTPUTS}
        self._per_cent = dict.fromkeys(OUTPUTS, 0.0)
        self._per_cent[HEATER] = 100.0 * self.oven.power / self._full_power(HEATER)
        self._loops[HEATER].settle(self._gains(HEATER), self._per_cent[HEATER])
        self._last: dict[str, tuple[int, float]] = {}
        self._extremes: dict[str, tuple[float, float]] = {}
        self._alarms = dict.fromkeys(INPUTS, (False, False))
        self._tuning = (0, float("-inf"), False)

    def reset(self) -> None:
        """*RST: what switching off and on does."""
        for output in OUTPUTS:
            if not self.mode[output][2]:
                self._range[output] = 0
        self._wake()

    @command("DFLT", Integer(99, 99))
    def _factory_defaults(self, _: int) -> None:
        self._defaults(self.schedule)
        self._range = dict.fromkeys(OUTPUTS, 0)
        self._wake()

    # --- inputs

    @query("KRDG", _ANY_INPUT)
    def _kelvin(self, which: str) -> str:
        return self._readings(which, self._temperature)

    @query("CRDG", _ANY_INPUT)
    def _celsius(self, which: str) -> str:
        return self._readings(which, lambda one: self._temperature(one) - ICE if self._status(one) == 0 else 0.0)

    @query("SRDG", _ANY_INPUT)
    def _sensor_units(self, which: str) -> str:
        return self._readings(which, self._sensor_value)

    @query("RDGST", _INPUT)
    def _reading_status(self, which: str) -> int:
        return self._status(which)

    @query("TEMP")
    def _junction(self) -> str:
        return f"{self.oven.mass.surroundings:+.3f}"

    @query("MDAT", _INPUT)
    def _extreme_readings(self, which: str) -> str:
        present = self._temperature(which)
        return ",".join(f"{each:+.3f}" for each in self._extremes.get(which, (present, present)))

    @command("MNMXRST")
    def _forget_extremes(self) -> None:
        self._extremes.clear()

    @query("ALARMST", _INPUT)
    def _alarm_status(self, which: str) -> str:
        self._temperature(which)
        high, low = self._alarms[which]
        return f"{high:d},{low:d}"

    @command("ALMRST")
    def _reset_alarms(self) -> None:
        self._alarms = dict.fromkeys(INPUTS, (False, False))

    @query("RELAYST", Integer(1, 2))
    def _relay_status(self, number: int) -> bool:
        mode, which, kind = self.relay[number]
        high, low = self._alarms[which]
        return bool(mode == 1 or (mode == 2 and (low, high, low or high)[kind]))

    # --- curves

    @command("INCRV", _INPUT, Integer(0, 59))
    def _set_curve(self, which: str, number: int) -> None:
        self._curve[which] = number if self._fits(which, number) else 0

    @query("INCRV", _INPUT)
    def _get_curve(self, which: str) -> int:
        return self._curve[which]

    @query("CRVHDR", _CURVE)
    def _get_header(self, number: int) -> str:
        header = self._headers.get(number, EMPTY)
        return f"{header.name:<15},{header.serial:<10},{header.format},{header.limit:+.3f},{header.coefficient}"

    @command("CRVHDR", _CURVE, Bare(longest=15), Bare(longest=10), Integer(1, 4), Number(0.0, 9999.0), Integer(1, 2))
    def _set_header(self, number: int, name: str, serial: str, form: int, limit: float, coefficient: int) -> None:
        self._users(number)
        self._headers[number] = CurveHeader(name, serial, form, limit, coefficient)

    @query("CRVPT", _CURVE, Integer(1, CURVE_POINTS))
    def _get_point(self, number: int, index: int) -> str:
        value, kelvin = self._points.get(number, {}).get(index, (0.0, 0.0))
        return f"{value:+.5f},{kelvin:+.4f}"

    @command("CRVPT", _CURVE, Integer(1, CURVE_POINTS), Number(), Number(0.0, 9999.0), Number(default=0.0))
    def _set_point(self, number: int, index: int, value: float, kelvin: float, _: float) -> None:
        self._users(number)
        self._points[number][index] = (value, kelvin)

    @command("CRVDEL", _CURVE)
    def _delete_curve(self, number: int) -> None:
        self._users(number)
        self._headers[number], self._points[number] = EMPTY, {}

    @command("SCAL", Integer(1, 7), _CURVE, Bare(longest=10), ListOf(Number(), 6))
    def _soft_calibration(self, standard: int, number: int, serial: str, pairs: list[float]) -> None:
        self._users(number)
        if standard not in (1, PT_100, PT_1000):
            raise CommandFailed(-222)
        self._headers[number] = STANDARD_CURVES[standard]._replace(serial=serial)
        points = sorted((value, kelvin) for kelvin, value in zip(pairs[0:6:2], pairs[1:6:2], strict=True))
        self._points[number] = dict(enumerate(points, start=1))

    # --- outputs

    @command("SETP", _OUTPUT, Number(-9999.0, 9999.0))
    def _set_target(self, output: int, value: float) -> None:
        loop = self._loops[output]
        loop.target = self._to_kelvin(output, value)
        if self._rate(output) == 0:
            loop.setpoint = loop.target
        self._wake()

    @query("SETP", _OUTPUT)
    def _get_setpoint(self, output: int) -> str:
        return f"{self._from_kelvin(output, self._loops[output].setpoint):+.3f}"

    @query("RAMPST", _OUTPUT)
    def _is_ramping(self, output: int) -> bool:
        loop = self._loops[output]
        return loop.setpoint != loop.target

    @command("RANGE", _OUTPUT, Integer(0, 3))
    def _set_range(self, output: int, choice: int) -> None:
        if output in VOLTAGE_OUTPUTS and choice > 1:
            raise CommandFailed(-222)
        loop = self._loops[output]
        if choice and not self._range[output]:
            which = self._controlling(output)
            if self._rate(output) and which and self._status(which) == 0:
                loop.setpoint = self._temperature(which)  # a ramp begins where the oven is
            loop.accumulated, loop.reading = 0.0, None
        self._range[output] = choice
        self._wake()

    @query("RANGE", _OUTPUT)
    def _get_range(self, output: int) -> int:
        return self._range[output]

    @query("HTR", Integer(1, 2))
    def _heater_output(self, output: int) -> str:
        share = self._per_cent[output]
        return f"{share if self.heater[output][3] == 2 else 10.0 * share**0.5:+.2f}"

    @query("HTRST", Integer(1, 2))
    def _heater_status(self, output: int) -> int:
        return int(output != HEATER and self._range[output] > 0)  # nothing is connected to output 2

    @query("AOUT", Integer(3, 4))
    def _analog_output(self, output: int) -> str:
        self._regulate(output, 0.0)
        return f"{self._per_cent[output]:+.2f}"

    @command("ZONE", Integer(1, 4), Integer(1, ZONES), ListOf(Number(), 8))
    def _set_zone(self, output: int, number: int, values: list[float]) -> None:
        if len(values) > 8:
            raise CommandFailed(-108)
        self._zones[output, number] = values

    @query("ZONE", Integer(1, 4), Integer(1, ZONES))
    def _get_zone(self, output: int, number: int) -> str:
        upper, p, i, d, manual, choice, which, rate = self._zones.get((output, number), [0, 50, 20, 0, 0, 0, 0, 0.1])
        return f"{upper:+.3f},{p:+.1f},{i:+.1f},{d:+.1f},{manual:+.2f},{choice:.0f},{which:.0f},{rate:+.1f}"

    @command("ATUNE", _OUTPUT, Integer(0, 2))
    def _tune(self, output: int, _: int) -> None:
        ready = self.mode[output][0] == CLOSED_LOOP and self._range[output] > 0
        self._tuning = (output, self.now + TUNING_TIME if ready else float("-inf"), not ready)
        if ready:
            self.schedule.at(self.now + TUNING_TIME, lambda _: self._note(TUNED, TUNED))

    @query("TUNEST")
    def _tuning_status(self) -> str:
        output, end, failed = self._tuning
        active = self.now < end
        return f"{active:d},{output},{failed:d},{0 if not active else min(9, int(10 * (1 - (end - self.now) / 60)))}"

    @query("NETID")
    def _network_identity(self) -> str:
        return ",".join(("0", *_LOCAL, "00:50:c2:33:36:10", *self.network[None][7:9]))

    # --- how it works

    def setting_changed(self, name: str) -> None:
        """Let what was changed act."""
        if name in ("mode", "heater", "gains", "ramp", "manual", "warm_up", "hottest", "sensor_type"):
            for output in OUTPUTS:
                if name == "ramp" and self._rate(output) == 0:
                    self._loops[output].setpoint = self._loops[output].target
            self._wake()

    def _wake(self) -> None:
        """Let a change act at once, and look again until nothing moves."""
        again = self._act(self.now, 0.0)
        if again is None and any(self._is_closed(output) for output in OUTPUTS):
            again = UPDATE
        if self._ticket is None or (again == UPDATE != self._interval):
            self._look_again(self.now, again)

    def _look_again(self, time: float, again: float | None) -> None:
        if self._ticket is not None:
            self._ticket.cancel()
        self._ticket, self._interval = None, again
        if again is not None:
            self._ticket = self.schedule.at(time + again, lambda later: self._tick(later, again))

    def _tick(self, time: float, period: float) -> None:
        with self.acting(time):
            self._look_again(time, self._act(time, period))

    def _act(self, time: float, period: float) -> float | None:
        """Carry the loops on by ``period`` s; return the seconds until the next look, None when nothing moves."""
        self._guard()
        moves = [self._regulate(output, period) for output in OUTPUTS]
        share = self._per_cent[HEATER] if self._range[HEATER] else 0.0
        power = share / 100.0 * self._full_power(HEATER)
        if abs(power - self.oven.power) > 1e-12 * max(1.0, power):
            self.oven.heat(time, power)
        self.oven.announce(time)
        again = UPDATE if any(self._is_closed(output) for output in OUTPUTS) else COASTING
        drift = self.oven.temperature(time + again) - self.oven.temperature(time)
        return again if any(moves) or abs(drift) > STILL else None

    def _regulate(self, output: int, period: float) -> bool:
        """Bring an output up to date after ``period`` s more; tell whether it is still on its way."""
        loop, before = self._loops[output], self._per_cent[output]
        arrived = loop.step(self._rate(output), period) if period else False
        if output in CURRENT_OUTPUTS:
            bit = RAMP_1_DONE if output == 1 else RAMP_2_DONE
            self._note(bit, bit if arrived or loop.setpoint == loop.target else 0)
        self._per_cent[output] = self._wanted(output, period)
        return abs(self._per_cent[output] - before) > STILL or loop.setpoint != loop.target

    def _wanted(self, output: int, period: float) -> float:
        mode = self.mode[output][0]
        if mode == MONITOR:
            return self._monitor(output)
        if not self._range[output] or mode == OFF:
            return 0.0
        if mode == OPEN_LOOP:
            value = float(self.manual[output][0])
            in_current = output in CURRENT_OUTPUTS and self.heater[output][3] == 1
            return value * value / 100.0 if in_current else value
        if mode == WARM_UP:
            return float(self.warm_up[output][1]) if output in VOLTAGE_OUTPUTS else 0.0
        which = self._controlling(output)
        if which is None or self._status(which) != 0:
            return 0.0
        return (
            self._loops[output].output(self._gains(output), self._true(which), period)
            if period
            else self._per_cent[output]
        )

    def _monitor(self, output: int) -> float:
        if output not in VOLTAGE_OUTPUTS:
            return 0.0
        number, _, high, low, polarity = self.monitored[output]
        if not 1 <= number <= 4 or high == low:
            return 0.0
        share = float((self._true(INPUTS[number - 1]) - low) / (high - low))
        wanted, least = (100.0 * share, 0.0) if polarity == 0 else (200.0 * share - 100.0, -100.0)
        return min(100.0, max(least, wanted))

    def _guard(self) -> None:
        """Switch every heater off when an input is beyond its limit."""
        for which in INPUTS:
            limit = self.hottest[which][0]
            if limit > 0 and self._status(which) == 0 and self._true(which) > limit:
                self._range = dict.fromkeys(OUTPUTS, 0)

    def _is_closed(self, output: int) -> bool:
        return self.mode[output][0] in (CLOSED_LOOP, ZONE) and self._range[output] > 0

    def _rate(self, output: int) -> float:
        """Return the rate of set-point changes, K/s; 0 is at once."""
        on, per_minute = self.ramp[output]
        return per_minute / 60.0 if on else 0.0

    def _gains(self, output: int) -> Gains:
        zone = self._zone(output) if self.mode[output][0] == ZONE else None
        return Gains(*zone[1:4]) if zone else Gains(*self.gains[output])

    def _zone(self, output: int) -> list[float] | None:
        """Return the zone in which the set-point lies, if the table has one."""
        zones = sorted(zone for (owner, _), zone in self._zones.items() if owner == output)
        return next((zone for zone in zones if self._loops[output].setpoint <= zone[0]), None)

    def _full_power(self, output: int) -> float:
        """Return the power (W) of 100 % on the present range."""
        _, number, user, _ = self.heater.get(output, (1, 4, 2.0, 2))
        zone = self._zone(output) if self.mode[output][0] == ZONE and self._range[output] else None
        choice = int(zone[5]) if zone else self._range[output]
        current: float = CURRENTS.get(number, user)
        return SHARE.get(choice, 0.0) * current**2 * HEATER_RESISTANCE

    def _controlling(self, output: int) -> str | None:
        number = self.mode[output][1]
        return INPUTS[number - 1] if 1 <= number <= 4 else None

    def _to_kelvin(self, output: int, value: float) -> float:
        units = self._setpoint_units(output)
        if units == SENSOR:
            return platinum_temperature(value)
        return value + ICE if units == CELSIUS else value

    def _from_kelvin(self, output: int, kelvin: float) -> float:
        units = self._setpoint_units(output)
        if units == SENSOR:
            return platinum_resistance(kelvin)
        return kelvin - ICE if units == CELSIUS else kelvin

    def _setpoint_units(self, output: int) -> int:
        which = self._controlling(output)
        return int(self.sensor_type[which][4]) if which else KELVIN

    # --- what the thermometers say

    def _true(self, which: str) -> float:
        """Return the temperature of a thermometer, K."""
        return self.oven.temperature(self.now) if which == CELL else self.oven.mass.surroundings

    def _temperature(self, which: str) -> float:
        """Return the reading of an input, K; 0 when there is none."""
        if self._status(which) != 0:
            return 0.0
        index = int(self.now / UPDATE)
        if self._last.get(which, (-1, 0.0))[0] != index:
            self._last[which] = (index, self._true(which) + self.scatter * self._noise())
            self._watch(which, self._last[which][1])
        return self._last[which][1]

    def _watch(self, which: str, reading: float) -> None:
        """Keep the extremes and the alarms of an input."""
        low, high = self._extremes.get(which, (reading, reading))
        self._extremes[which] = (min(low, reading), max(high, reading))
        on, above, below, _, latched, _, _ = self.alarm[which]
        was = self._alarms[which] if latched else (False, False)
        self._alarms[which] = (on and (was[0] or reading > above), on and (was[1] or reading < below))
        self._note(ALARM, ALARM if any(map(any, self._alarms.values())) else 0)

    def _sensor_value(self, which: str) -> float:
        if which not in (CELL, ROOM) or self.sensor_type[which][0] == DISABLED:
            return 0.0
        reading = self._temperature(which) or self._true(which)
        return platinum_resistance(reading)

    def _status(self, which: str) -> int:
        kind = self.sensor_type[which][0]
        if kind == DISABLED:
            return INVALID
        if which not in (CELL, ROOM):
            return OPEN
        if kind != PLATINUM or not self._curve[which]:
            return INVALID
        return TOO_HOT if self._true(which) > self._headers[self._curve[which]].limit else 0

    def _readings(self, which: str, one: Callable[[str], float]) -> str:
        return ",".join(f"{one(each):+.3f}" for each in (INPUTS if which == "0" else (which,)))

    def _fits(self, which: str, number: int) -> bool:
        """Whether a curve belongs to the input's type of sensor: Ω/K for platinum, V/K for diodes."""
        wanted = {DIODE: (1, 2), PLATINUM: (3,), NTC: (3, 4)}.get(self.sensor_type[which][0], ())
        return number in self._headers and self._headers[number].format in wanted

    def _users(self, number: int) -> None:
        if number not in USER_CURVES:
            raise CommandFailed(-221)

    def _note(self, bit: int, value: int) -> None:
        """Set or clear a bit of the operation register."""
        register = self.status.registers["OPER"]
        open_inputs = OVERLOAD if any(self._status(which) == OPEN for which in INPUTS) else 0
        register.update((register.condition & ~(bit | OVERLOAD)) | value | open_inputs | NEW_READING)
