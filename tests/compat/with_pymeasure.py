"""PyMeasure's drivers: trials made from the properties and methods of their classes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from pymeasure.instruments import validators
from pymeasure.instruments.generic_types import SCPIMixin
from pymeasure.instruments.keithley import Keithley6221, KeithleyDMM6500
from pymeasure.instruments.srs import LDC500Series

from tests.compat.trials import LIBRARY, PATIENCE, Driver, Reason, Trial, expect_same, laser_errors, scpi_errors

RANGES = (validators.strict_range, validators.truncated_range)
READ_OTHERWISE = ("system_time", "scan_modes")  # what is read is another kind of thing than what is written
Values = dict[str, list[Any]]
Calls = dict[str, Callable[[Any], object]]
Preparations = dict[str, Callable[[Any], object]]


def opener(cls: type) -> Callable[[str], Any]:
    def open_driver(address: str) -> Any:
        driver = cls(address, visa_library=LIBRARY, read_termination="\n")
        driver.adapter.connection.timeout = PATIENCE * 1000
        return driver

    return open_driver


def clear(driver: Any) -> None:
    driver.adapter.connection.clear()


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """What a driver's class and the mix-ins of its package define, its generic base classes aside."""
    found = {}
    for base in reversed(cls.__mro__):
        own = base is SCPIMixin or base.__module__.startswith(
            ("pymeasure.instruments.keithley", "pymeasure.instruments.srs")
        )
        if own:
            found.update(vars(base))
    for name, member in sorted(found.items()):
        if not name.startswith("_"):
            yield name, member


def settable_values(member: property) -> list[Any]:
    """Values that a property's own validator allows: all of a set, the ends and the middle of a range."""
    parameters = inspect.signature(member.fset).parameters
    if "values" not in parameters:
        return []
    values, validator = parameters["values"].default, parameters["validator"].default
    if isinstance(values, dict):
        return list(values)
    if validator in RANGES:
        low, high = min(values), max(values)
        return [low, high, low + (high - low) * 0.25 if isinstance(low + high, float) else (low + high) // 2]
    if isinstance(values, tuple) and values and all(isinstance(each, list) for each in values):  # joined validators
        return [min(values[0]), max(values[0]), *values[1]]
    return list(values)


def is_gettable(member: property) -> bool:
    parameters = inspect.signature(member.fget).parameters
    return "get_command" not in parameters or parameters["get_command"].default is not None


def is_settable(member: property) -> bool:
    if member.fset is None:
        return False
    parameters = inspect.signature(member.fset).parameters
    return "set_command" not in parameters or parameters["set_command"].default is not None


def trials_of(target: Any, prefix: str, values: Values, calls: Calls, prepared: Preparations) -> Iterator[Trial]:
    """Trials of every public property and method of an instrument or channel."""
    for name, member in members(type(target)):
        label = prefix + name
        prepare = (lambda ready=prepared[label]: ready(target)) if label in prepared else lambda: None
        if isinstance(member, property):
            if is_gettable(member):
                yield Trial(label, "get", lambda name=name: getattr(target, name), prepare)
            if is_settable(member):
                chosen = values.get(label, settable_values(member))
                yield Trial(label, "set", lambda n=name, m=member, c=chosen: write_all(target, n, m, c), prepare)
        elif inspect.isfunction(member):
            call = calls.get(label, lambda target, name=name: getattr(target, name)())
            yield Trial(label, "call", lambda call=call: call(target), prepare)


def write_all(target: Any, name: str, member: property, values: list[Any]) -> None:
    for value in values or [getattr(target, name)]:
        setattr(target, name, value)
        if is_gettable(member) and name not in READ_OTHERWISE:
            expect_same(name, value, getattr(target, name))


def tried(
    values: Values, calls: Calls, prepared: Preparations, channels: dict[str, str]
) -> Callable[[Any], Iterator[Trial]]:
    """Trials of an instrument and of the channels (attribute → label) that stand for all of their kind."""

    def trials(driver: Any) -> Iterator[Trial]:
        last = ("shutdown", "close")
        every = list(trials_of(driver, "", values, calls, prepared))
        yield from (trial for trial in every if trial.member not in last)
        for attribute, label in channels.items():
            channel = driver
            for part in attribute.split("."):
                channel = channel[int(part)] if part.isdigit() else getattr(channel, part)
            yield from trials_of(channel, f"{label}.", values, calls, prepared)
        yield from (trial for trial in every if trial.member in last)

    return trials


INFINITE = 9.9e37
COIL = Driver(
    "Keithley6221",
    "pymeasure",
    "GPIB0::12::INSTR",
    opener(Keithley6221),
    tried(
        values={
            "source_delay": [1e-3, 0.25, 99999.0],  # the driver's own %g rounds longer ones up, beyond the limit
            "source_range": [2e-9, 2e-3, 0.1],
            "srq_event_enabled": [0, 128, 191],  # bit 6 cannot be set (IEEE 488.2)
            "waveform_duration_time": [1e-7, 0.25, 99999.0],
            "waveform_duration_cycles": [1e-3, 100, 1e10],
            "delta_delay": [0, 0.002, 9999.999],
            "delta_cycles": [1, 65536],
            "delta_measurement_sets": [1, 65536],
            "delta_buffer_points": [1, 65536],
            "waveform_function": ["sine", "ramp", "square", "arbitrary1", "arbitrary2", "arbitrary3", "arbitrary4"],
        },
        calls={
            "beep": lambda box: box.beep(440, 0.1),
            "triad": lambda box: box.triad(440, 0.001),
            "define_arbitary_waveform": lambda box: box.define_arbitary_waveform([-1, 0, 0.5, 1], 2),
            "set_timed_arm": lambda box: box.set_timed_arm(0.5),
            "wait_for_buffer": lambda box: box.wait_for_buffer(timeout=2, interval=0.01),
        },
        prepared={
            "waveform_start": lambda box: box.waveform_arm(),
            "delta_start": lambda box: box.delta_arm(),
            "delta_sense": lambda box: measure_delta(box),
            "delta_values": lambda box: measure_delta(box),
            "buffer_data": lambda box: measure_delta(box),
            "wait_for_buffer": lambda box: fill_buffer(box),
        },
        channels={},
    ),
    clear,
    scpi_errors,
    reasons=(
        Reason(
            "standard_event_enabled", "Timeout", "the driver leaves the asterisk of *ESE out: undefined header, -113"
        ),
        Reason("trigger_on_bus", "-224", "TRIG:SOUR is IMM or TLIN on this box; the driver sends BUS"),
    ),
)


def measure_delta(box: Any) -> None:
    """Take a few delta readings and wait until they are there."""
    box.delta_cycles = 3
    box.delta_arm()
    box.delta_start()
    while float(box.ask("TRAC:POIN:ACT?")) < 3:
        pass


def fill_buffer(box: Any) -> None:
    """Start a delta measurement that fills the buffer, and let a full buffer ask for service."""
    box.write(":STAT:PRES;*CLS;*SRE 1;:STAT:MEAS:ENAB 512;:TRAC:POIN 2")
    box.delta_arm()
    box.delta_start()


LASER = Driver(
    "LDC500Series",
    "pymeasure",
    "TCPIP0::192.168.10.12::8888::SOCKET",
    opener(LDC500Series),
    tried(
        values={
            "ld.current_setpoint": [0.0, 150.5, 999.0],
            "ld.current_limit": [100.0, 2000.0],
            "pd.current_setpoint": [0.0, 250.0],
            "pd.responsivity": [500.0, 1000.0],
            "pd.power_setpoint": [0.5],
            "pd.power_limit": [1.0, 5.0],
            "tec.mode": ["CC", "CT"],
            "tec.current_setpoint": [-1.0, 0.5],
            "tec.temperature_setpoint": [10.0, 30.0],
            "tec.temperature_low_limit": [0.0, 15.0],
            "tec.temperature_high_limit": [35.0, 60.0],
            "tec.temperature_limits": [(5.0, 50.0)],
            "tec.resistance_setpoint": [8.0, 12.0],
            "tec.resistance_low_limit": [1.0],
            "tec.resistance_high_limit": [50.0],
            "tec.resistance_limits": [(1.0, 50.0)],
        },
        calls={
            "pd.calibrate": lambda pd: pd.calibrate(0.05),
            "tec.check_temperature_stability": lambda tec: tec.check_temperature_stability(period=0.01),
            "tec.wait_for_temperature_stable": lambda tec: tec.wait_for_temperature_stable(
                tolerance=10, period=0.01, timeout=1
            ),
        },
        prepared={
            "pd.calibrate": lambda pd: (pd.write("SILD 100"), pd.write("LDON ON")),
        },
        channels={"ld": "ld", "pd": "pd", "tec": "tec"},
    ),
    clear,
    laser_errors,
)


def with_mode(mode: str) -> Callable[[Any], object]:
    def prepare(box: Any) -> None:
        box.mode = mode

    return prepare


def measure(method: str, *arguments: Any, **keywords: Any) -> Callable[[Any], object]:
    return lambda box: getattr(box, method)(*arguments, **keywords)


def scan_something(box: Any) -> None:
    """Scan two channels once."""
    box.write(':SENS:FUNC "VOLT", (@1,2)')
    box.scan_channels_list = [1, 2]
    box.scan_start(count=1)


METER = Driver(
    "KeithleyDMM6500",
    "pymeasure",
    "TCPIP0::192.168.10.17::inst0::INSTR",
    opener(KeithleyDMM6500),
    tried(
        values={
            "command_set": ["SCPI"],
            "aperture": [0.001, 0.1],
            "range": [0.1, 10, 1000],
            "relative": [-1.5, 0.25],
            "nplc": [0.0005, 1, 15],
            "system_time": ["2026, 11, 25, 10, 0, 0", "10, 11, 12"],
            "scan_channels": ["1", "1,3,5", "2:4,7"],
            "scan_channels_list": [[1, 2, 3, 7]],
            "scan_count": [1, 100],
            "scan_modes": ["voltage", "resistance"],
            "detector_bandwidth": [3, 30, 300],
            "buffer_points": [10, 6_000_000],
            "buffer_size": [10, 6_000_000],
            "channels.1.range": [0.1, 10],
            "channels.1.nplc": [0.0005, 1, 15],
            "channels.1.mode": [name for name in KeithleyDMM6500.MODES if not name.startswith("current")],
        },
        calls={
            "beep": lambda box: box.beep(440, 0.1),
            "displayed_text": lambda box: box.displayed_text("top", "bottom"),
            "measure_resistance": lambda box: (box.measure_resistance(), box.measure_resistance(1e3, wires=4)),
            "measure_voltage": lambda box: (box.measure_voltage(), box.measure_voltage(ac=True)),
            "measure_current": lambda box: (box.measure_current(), box.measure_current(ac=True)),
            "scan_start": lambda box: (box.scan_start(count=1), box.scan_start(False, count=1, interval=1)),
            "wait_for_buffer": lambda box: box.wait_for_buffer(timeout=0.2, interval=0.01),
        },
        prepared={
            "detector_bandwidth": with_mode("voltage ac"),
            "scan_start": lambda box: scan_something(box),
            "scanned_data": lambda box: scan_something(box),
            "scan_channels": lambda box: scan_something(box),
            "scan_channels_list": lambda box: scan_something(box),
            "buffer_data": lambda box: scan_something(box),
            "channels.1.nplc": with_mode("voltage"),
            "channels.1.range": with_mode("voltage"),
            "channels.1.autorange_enabled": with_mode("voltage"),
            "channels.1.enable_filter": with_mode("voltage"),
            "channels.1.disable_filter": with_mode("voltage"),
            **{name: with_mode(name) for name in ("current", "resistance", "frequency", "period", "temperature")},
            **{name: with_mode(name) for name in ("capacitance", "diode")},
        },
        channels={"channels.1": "channels.1"},
    ),
    clear,
    scpi_errors,
    reasons=(
        Reason("capacitance_range", "read back", "the driver sets the range of CURR in place of that of CAP"),
        Reason("period_threshold", "read back", "the driver writes PRE for PER: undefined header, -113"),
        Reason("channels.1.*", "KeyError", "the driver fills in its own template without the channel"),
    ),
)
DRIVERS = (COIL, LASER, METER)
