"""QCoDeS' drivers: trials made from the parameters, submodules and methods of their instruments."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from qcodes.instrument_drivers.Keithley import Keithley6500, Keithley7510
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336
from qcodes.parameters import GroupParameter, ParameterBase

from tests.compat.trials import LIBRARY, PATIENCE, Driver, Reason, Trial, event_errors, expect_same, scpi_errors

_names = itertools.count(1)  # QCoDeS wants every instrument of a process to have a name of its own
Values = dict[str, list[Any]]
Preparations = dict[str, Callable[[Any], object]]


def opener(cls: type) -> Callable[[str], Any]:
    def open_driver(address: str) -> Any:
        box = cls(f"box{next(_names)}", address, visalib=LIBRARY)
        box.timeout(PATIENCE)
        return box

    return open_driver


def clear(box: Any) -> None:
    box.visa_handle.clear()


def settable_values(parameter: ParameterBase) -> list[Any]:
    """Values that a parameter itself declares valid: all keys of a mapping, the examples of a validator."""
    if getattr(parameter, "val_mapping", None):
        return list(parameter.val_mapping)
    return list(parameter.validators[0].valid_values) if parameter.validators else []


def trials_of(box: Any, label: str, values: Values, prepare: Callable[[], object]) -> Iterator[Trial]:
    """Trials of the parameters of an instrument or of a module of one, and of its methods."""
    for name, parameter in sorted(box.parameters.items()):
        if name == "timeout":  # of the session, not the box's
            continue
        if parameter.gettable:
            yield Trial(label + name, "get", lambda parameter=parameter: parameter.get(), prepare)
        if parameter.settable and not is_read_only_group(parameter):
            chosen = values.get(label + name, settable_values(parameter))
            yield Trial(label + name, "set", lambda p=parameter, c=chosen, n=name: write_all(p, n, c), prepare)


def is_read_only_group(parameter: ParameterBase) -> bool:
    """Whether a parameter is one of several that are only read together; the driver calls them settable all the same."""
    return isinstance(parameter, GroupParameter) and parameter.group is not None and not parameter.group._set_cmd


def write_all(parameter: Any, name: str, values: list[Any]) -> None:
    for value in values or ([parameter.get()] if parameter.gettable else [""]):
        parameter.set(value)
        if parameter.gettable and name != "blocking_t":
            mapping = getattr(parameter, "val_mapping", None) or {}
            read = parameter.get()
            expect_same(name, mapping.get(value, value), mapping.get(read, read))


def methods_of(box: Any, label: str, calls: dict[str, Callable[[Any], object]]) -> Iterator[Trial]:
    """Trials of the methods and properties that a driver's own classes define."""
    found: dict[str, Any] = {}
    for base in reversed(type(box).__mro__):
        if base.__module__.startswith("qcodes.instrument_drivers"):
            found.update(vars(base))
    for name, member in sorted(found.items()):
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            read = calls.get(label + name, lambda box, name=name: getattr(box, name))
            yield Trial(label + name, "get", lambda read=read: read(box))
        elif inspect.isfunction(member):
            call = calls.get(label + name, lambda box, name=name: getattr(box, name)())
            yield Trial(label + name, "call", lambda call=call: call(box))


# --- Keithley DMM7510


def trials_7510(box: Keithley7510) -> Iterator[Trial]:
    for trial in trials_of(box, "", {}, lambda: None):
        needs = (lambda: choose_digitize(box, "voltage")) if trial.member == "digitize_trigger" else trial.prepare
        yield Trial(trial.member, trial.use, trial.run, needs)
    calls = {
        "buffer": lambda box: box.buffer("trial", 100).delete(),
        "digi_sense": lambda box: (box.digi_sense_function("voltage"), box.digi_sense),
    }
    yield from methods_of(box, "", calls)
    values: Values = {
        "user_number": [2],
        "user_delay": [0.0, 0.5],
        "auto_zero_once": [""],
        "average_type": ["REP", "MOV"],
    }
    for function in ("voltage", "Avoltage", "current", "Acurrent", "resistance", "Fresistance"):
        module = box.submodules[f"_sense_{function}"]
        label = f"sense.{function}."
        own = {label + name: chosen for name, chosen in values.items()}
        own[label + "range"] = RANGES_7510[function]
        yield from trials_of(module, label, own, lambda f=function, m=module: choose(box, f, m))
        yield from methods_of(module, label, {})
    for function in ("voltage", "current"):
        module = box.submodules[f"_digi_sense_{function}"]
        label = f"digi_sense.{function}."
        own = {label + "acq_rate": [1000, 1_000_000], label + "aperture": [1e-6]}
        own[label + "range"] = RANGES_7510[function]
        yield from trials_of(module, label, own, lambda f=function: choose_digitize(box, f))
    yield from buffer_trials(box)


RANGES_7510 = {
    "voltage": [0.1, 10, 1000],
    "Avoltage": [0.1, 10, 700],
    "current": [1e-5, 1e-3, 10],
    "Acurrent": [1e-3, 0.1, 10],
    "resistance": [10, 1e5, 1e9],
    "Fresistance": [1, 1e5, 1e9],
}


def choose(box: Keithley7510, function: str, module: Any) -> None:
    box.sense_function(function)
    module.user_number(1)


def choose_digitize(box: Keithley7510, function: str) -> None:
    box.digi_sense_function(function)


def buffer_trials(box: Keithley7510) -> Iterator[Trial]:
    """Trials of a buffer of our own that holds ten digitized readings."""

    def filled() -> Any:
        box.digi_sense_function("voltage")
        box.digi_sense.acq_rate(100_000)
        box.digi_sense.count(10)
        box.submodules.pop("_buffer_trial", None)
        buffer = box.buffer("trial", 100)
        buffer.trigger_start()
        box.wait()
        buffer.data_start(1)
        buffer.data_end(10)
        buffer.elements(["relative_time", "measurement"])
        return buffer

    buffer = box.buffer("trial", 100)
    label = "buffer."
    for trial in trials_of(
        buffer, label, {label + "size": [10, 1000], label + "fill_mode": ["CONT", "ONCE"]}, lambda: None
    ):
        name = trial.member.removeprefix(label)
        if trial.use == "get":
            yield Trial(
                trial.member, "get", lambda name=name: box.submodules["_buffer_trial"].parameters[name].get(), filled
            )
        else:
            yield Trial(trial.member, "set", trial.run, filled)
    for trial in methods_of(
        buffer, label, {label + "set_setpoints": lambda one: one.set_setpoints(one.t_start, one.t_stop)}
    ):
        yield Trial(trial.member, trial.use, trial.run, filled)


# --- Keithley DMM6500


def trials_6500(box: Keithley6500) -> Iterator[Trial]:
    values: Values = {"range": [0.1, 10, 1000], "trigger_count": [1, 9999]}
    values |= {f"trigger{number}_delay": [1e-5, 0.5] for number in range(1, 5)} | {"trigger_timer": [0, 0.5, 100]}
    yield from trials_of(box, "", values, lambda: None)
    yield from methods_of(box, "", {})


# --- Lake Shore 336


def trials_336(box: LakeshoreModel336) -> Iterator[Trial]:
    yield from trials_of(box, "", {}, lambda: None)
    for name in "ABCD":
        label = f"{name}."
        own: Values = {label + "t_limit": [0, 500], label + "sensor_name": ["a name of 15 chars"[:15]]}
        own |= {label + "units": ["kelvin", "celsius", "sensor"], label + "range": [0, 3, 6]}
        yield from trials_of(box.submodules[name], label, own, lambda: None)
    for number in range(1, 5):
        output = box.submodules[f"output_{number}"]
        label = f"output_{number}."
        own = {label + "setpoint": [300.0, 310.5], label + "blocking_t": [296.0], label + "range_limits": [[1, 2, 3]]}
        own |= {label + "output_max_user_current": [0.5]}
        yield from trials_of(output, label, own, lambda output=output: wait_briefly_for_the_room(output))
        calls = {
            label + "set_range_from_temperature": lambda one: one.set_range_from_temperature(2.5),
            label + "set_setpoint_and_range": lambda one: one.set_setpoint_and_range(0.5),
            label + "wait_until_set_point_reached": wait_at_setpoint,
        }
        yield from methods_of(output, label, calls)


NO_OUTPUT_TYPE = "the driver expects an output type first, as the 335 has it; the box has none"
VOLTAGE_RANGE = "the driver offers low, medium, high; outputs 3 and 4 are only off or on"


def wait_briefly_for_the_room(output: Any) -> None:
    """Control from the thermometer in the room, whose temperature the driver lets one ask for (the cell's it does not)."""
    output.range_limits([1, 2, 3])
    output.input_channel("B")
    output.wait_cycle_time(0.01)
    output.wait_equilibration_time(0.05)


def wait_at_setpoint(output: Any) -> None:
    """Wait at a set-point where the room already is."""
    wait_briefly_for_the_room(output)
    output.setpoint(296.0)
    output.wait_until_set_point_reached()


DRIVERS = (
    Driver(
        "Keithley7510", "qcodes", "TCPIP0::192.168.10.14::inst0::INSTR",
        opener(Keithley7510), trials_7510, clear, scpi_errors,
        reasons=(
            Reason("sense.Avoltage.*", "Timeout", "the driver sends its own name, Avoltage, for VOLT:AC: -113"),
            Reason("sense.Acurrent.*", "Timeout", "the driver sends its own name, Acurrent, for CURR:AC: -113"),
        ),
    ),
    Driver(
        "Keithley6500", "qcodes", "TCPIP0::192.168.10.17::inst0::INSTR",
        opener(Keithley6500), trials_6500, clear, scpi_errors,
        reasons=(
            Reason("mode", "FREQ:VOLT", "the driver knows FREQ, the box answers FREQ:VOLT; every other mode passes"),
            Reason("auto_range_enabled", "read back True", "the driver takes the text 0 for True; the box is set"),
            Reason("averaging_enabled", "read back True", "the driver takes the text 0 for True; the box is set"),
            Reason("digits", "read back", "the driver sends a query, DIG? 4, to set"),
            Reason("display_backlight", "BLAC", "the driver expects BLACkout, the box answers BLAC; the others pass"),
        ),
    ),
    Driver(
        "LakeshoreModel336", "qcodes", "TCPIP0::192.168.10.16::7777::SOCKET",
        opener(LakeshoreModel336), trials_336, clear, event_errors, "*CLS;DFLT 99",
        reasons=(
            Reason("output_[12].output_*", "val_mapping", NO_OUTPUT_TYPE),
            Reason("output_[34].output_*", "HTRSET?", "the box has HTRSET for outputs 1 and 2 only"),
            Reason("output_[34].output", "HTR?", "the box has HTR for outputs 1 and 2 only (AOUT for 3 and 4)"),
            Reason("output_[34].output_range", "read back", VOLTAGE_RANGE),
            Reason("output_[34].*", "execution error", VOLTAGE_RANGE),
        ),
    ),
)  # fmt: skip
