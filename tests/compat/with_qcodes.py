"""QCoDeS' drivers: trials made from the parameters, submodules and methods of their instruments."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from qcodes.instrument_drivers.Keithley import Keithley6500, Keithley7510
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336
from qcodes.parameters import GroupParameter, ParameterBase

from tests.compat.trials import LIBRARY, PATIENCE, Driver, Trial, event_errors, expect_same, scpi_errors

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
    validators = parameter.validators
    return list(dict.fromkeys(validators[0].valid_values)) if validators and validators[0].valid_values else []


def trials_of(box: Any, label: str, values: Values, prepare: Callable[[], object]) -> Iterator[Trial]:
    """Trials of the parameters of an instrument or of a module of one, and of its methods."""
    for name, parameter in sorted(box.parameters.items()):
        if parameter.gettable:
            yield Trial(label + name, "get", lambda parameter=parameter: parameter.get(), prepare)
        if parameter.settable:
            chosen = values.get(label + name, settable_values(parameter))
            yield Trial(label + name, "set", lambda p=parameter, c=chosen, n=name: write_all(p, n, c), prepare)


def write_all(parameter: Any, name: str, values: list[Any]) -> None:
    for value in values or ([parameter.get()] if parameter.gettable else [""]):
        parameter.set(value)
        if parameter.gettable and name not in ("blocking_t",):
            expect_same(name, value, parameter.get())


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
            yield Trial(label + name, "get", lambda name=name: getattr(box, name))
        elif inspect.isfunction(member):
            call = calls.get(label + name, lambda box, name=name: getattr(box, name)())
            yield Trial(label + name, "call", lambda call=call: call(box))


# --- Keithley DMM7510


def trials_7510(box: Keithley7510) -> Iterator[Trial]:
    yield from trials_of(box, "", {}, lambda: choose_digitize(box, "voltage"))
    yield from methods_of(box, "", {"buffer": lambda box: box.buffer("trial", 100).delete()})
    values: Values = {"user_number": [2], "user_delay": [0.0, 0.5], "auto_zero_once": [""], "average_type": ["REP", "MOV"]}
    for function in ("voltage", "Avoltage", "current", "Acurrent", "resistance", "Fresistance"):
        module = box.submodules[f"_sense_{function}"]
        label = f"sense[{function}]."
        own = {label + name: chosen for name, chosen in values.items()}
        own[label + "range"] = RANGES_7510[function]
        yield from trials_of(module, label, own, lambda f=function, m=module: choose(box, f, m))
        yield from methods_of(module, label, {})
    for function in ("voltage", "current"):
        module = box.submodules[f"_digi_sense_{function}"]
        label = f"digi_sense[{function}]."
        own = {label + "acq_rate": [1000, 1_000_000], label + "aperture": [1e-6, 5e-6, "AUTO"]}
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
    for trial in trials_of(buffer, label, {label + "size": [10, 1000], label + "fill_mode": ["CONT", "ONCE"]}, lambda: None):
        name = trial.member.removeprefix(label)
        if trial.use == "get":
            yield Trial(trial.member, "get", lambda name=name: box.submodules["_buffer_trial"].parameters[name].get(), filled)
        else:
            yield Trial(trial.member, "set", trial.run, filled)
    for trial in methods_of(buffer, label, {label + "set_setpoints": lambda one: one.set_setpoints(one.t_start, one.t_stop)}):
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
        own = {label + "setpoint": [300.0, 310.5], label + "blocking_t": [300.0], label + "range_limits": [[1, 2, 3]]}
        own |= {label + "output_max_user_current": [0.5]}
        yield from trials_of(output, label, own, lambda output=output: output.range_limits([1, 2, 3]))
        calls = {
            label + "set_range_from_temperature": lambda one: one.set_range_from_temperature(2.5),
            label + "set_setpoint_and_range": lambda one: one.set_setpoint_and_range(0.5),
            label + "wait_until_set_point_reached": wait_at_setpoint,
        }
        yield from methods_of(output, label, calls)


def wait_at_setpoint(output: Any) -> None:
    """Wait at a set-point where the cell already is."""
    output.input_channel("A")
    output.setpoint(output.parent.A.temperature())
    output.wait_until_set_point_reached(0.01, 0.01, 0.05)


DRIVERS = (
    Driver("Keithley7510", "qcodes", "TCPIP0::192.168.10.14::inst0::INSTR", opener(Keithley7510), trials_7510, clear, scpi_errors),
    Driver("Keithley6500", "qcodes", "TCPIP0::192.168.10.17::inst0::INSTR", opener(Keithley6500), trials_6500, clear, scpi_errors),
    Driver(
        "LakeshoreModel336", "qcodes", "TCPIP0::192.168.10.16::7777::SOCKET", opener(LakeshoreModel336), trials_336, clear,
        event_errors,
    ),
)  # fmt: skip
assert GroupParameter
