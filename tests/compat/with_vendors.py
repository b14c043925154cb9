"""The vendors' own drivers: Lake Shore's ``lakeshore`` and Stanford Research Systems' ``srsinst.dg645``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pyvisa
from lakeshore import Model336
from lakeshore.model_336 import Model336AlarmSettings as Alarm
from lakeshore.model_336 import Model336ControlLoopZoneSettings as Zone
from lakeshore.model_336 import Model336CurveHeader as Header
from lakeshore.model_336 import Model336InputSensorSettings as Sensor
from lakeshore.model_336 import Model336OperationEvent as Operation
from lakeshore.model_336 import Model336ServiceRequestEnable as ServiceRequest
from lakeshore.model_336 import Model336StandardEventRegister as StandardEvents
from srsgui.inst.commands import Command
from srsgui.inst.indexcommands import IndexCommand
from srsinst.dg645 import DG645

from tests.compat.trials import LIBRARY, PATIENCE, Driver, Trial, delay_errors, event_errors, expect_same

Calls = dict[str, Callable[[Any], object]]

# --- Lake Shore's own driver


def open_336(address: str) -> Model336:
    resource = pyvisa.ResourceManager(LIBRARY).open_resource(address, read_termination="\r\n", write_termination="\n")
    resource.timeout = PATIENCE * 1000
    return Model336(connection=resource)


NONE, KINDS = [False] * 8, Model336.InputSensorType
CALLS_336: Calls = {
    "clear_interface_command": lambda box: box.clear_interface_command(),
    "command": lambda box: box.command("SETP 1,300", "SETP 2,310"),
    "delete_curve": lambda box: box.delete_curve(25),
    "get_alarm_parameters": lambda box: box.get_alarm_parameters("A"),
    "get_alarm_status": lambda box: box.get_alarm_status("A"),
    "get_analog_output_percentage": lambda box: box.get_analog_output_percentage(3),
    "get_celsius_reading": lambda box: (box.get_celsius_reading("A"), box.get_celsius_reading("0")),
    "get_control_loop_zone_table": lambda box: box.get_control_loop_zone_table(1, 1),
    "get_control_setpoint": lambda box: box.get_control_setpoint(1),
    "get_curve": lambda box: expect_same("PT-100 points", True, len(box.get_curve(6)) > 50),
    "get_curve_data_point": lambda box: box.get_curve_data_point(6, 3),
    "get_curve_header": lambda box: box.get_curve_header(6),
    "get_diode_excitation_current": lambda box: box.get_diode_excitation_current("C"),
    "get_display_field_settings": lambda box: box.get_display_field_settings(1),
    "get_filter": lambda box: box.get_filter("A"),
    "get_heater_output": lambda box: box.get_heater_output(1),
    "get_heater_output_mode": lambda box: box.get_heater_output_mode(1),
    "get_heater_pid": lambda box: box.get_heater_pid(1),
    "get_heater_range": lambda box: (box.get_heater_range(1), box.get_heater_range(3)),
    "get_heater_setup": lambda box: box.get_heater_setup(1),
    "get_heater_status": lambda box: box.get_heater_status(1),
    "get_input_curve": lambda box: expect_same("curve", 6, box.get_input_curve("A")),
    "get_input_reading_status": lambda box: box.get_input_reading_status("A"),
    "get_input_sensor": lambda box: box.get_input_sensor("A"),
    "get_kelvin_reading": lambda box: box.get_kelvin_reading("A"),
    "get_manual_output": lambda box: box.get_manual_output(1),
    "get_min_max_data": lambda box: box.get_min_max_data("A"),
    "get_monitor_output_heater": lambda box: box.get_monitor_output_heater(3),
    "get_relay_alarm_control_parameters": lambda box: box.get_relay_alarm_control_parameters(1),
    "get_relay_control_mode": lambda box: box.get_relay_control_mode(1),
    "get_relay_status": lambda box: box.get_relay_status(1),
    "get_sensor_name": lambda box: box.get_sensor_name("A"),
    "get_sensor_reading": lambda box: box.get_sensor_reading("A"),
    "get_setpoint_ramp_parameter": lambda box: box.get_setpoint_ramp_parameter(1),
    "get_setpoint_ramp_status": lambda box: box.get_setpoint_ramp_status(1),
    "get_temperature_limit": lambda box: box.get_temperature_limit("A"),
    "get_warmup_supply_parameter": lambda box: box.get_warmup_supply_parameter(3),
    "query": lambda box: box.query("SETP? 1", "KRDG? A"),
    "set_alarm_parameters": lambda box: (
        box.set_alarm_parameters("A", True, Alarm(500.0, 100.0, 1.0, True, audible=False, visible=True)),
        expect_same("high", 500.0, box.get_alarm_parameters("A").high_value),
        box.set_alarm_parameters("A", False),
    ),
    "set_autotune": lambda box: (
        box.set_heater_output_mode(1, 1, 1),
        box.set_heater_range(1, 3),
        box.set_autotune(1, box.AutotuneMode.P_I),
    ),
    "set_contrast_level": lambda box: (
        box.set_contrast_level(20),
        expect_same("contrast", 20, box.get_contrast_level()),
    ),
    "set_control_loop_zone_table": lambda box: (
        box.set_control_loop_zone_table(1, 2, Zone(400.0, 40.0, 15.0, 5.0, 0.0, box.HeaterRange.HIGH, 1, 2.5)),
        expect_same("gain", 40.0, box.get_control_loop_zone_table(1, 2).proportional),
    ),
    "set_control_setpoint": lambda box: (
        box.set_control_setpoint(1, 321.5),
        expect_same("set-point", 321.5, box.get_control_setpoint(1)),
    ),
    "set_curve": lambda box: box.set_curve(25, enumerate([(50.0, 150.0), (100.0, 273.0)])),
    "set_curve_data_point": lambda box: (
        box.set_curve_data_point(25, 1, 100.5, 275.0),
        expect_same("point", (100.5, 275.0), box.get_curve_data_point(25, 1)),
    ),
    "set_curve_header": lambda box: (
        box.set_curve_header(25, Header("mine", "0042", box.CurveFormat.OHMS_PER_KELVIN, 400.0, 2)),
        expect_same("name", "mine", box.get_curve_header(25).curve_name.strip()),
    ),
    "set_diode_excitation_current": lambda box: box.set_diode_excitation_current("C", 1),
    "set_display_field_settings": lambda box: box.set_display_field_settings(1, 2, 1),
    "set_display_setup": lambda box: box.set_display_setup(box.DisplaySetupMode.CUSTOM, box.DisplayFields.LARGE_4, 1),
    "set_filter": lambda box: box.set_filter("A", True, 16, 5),
    "set_heater_output_mode": lambda box: box.set_heater_output_mode(2, box.HeaterOutputMode.OPEN_LOOP, 2, True),
    "set_heater_pid": lambda box: (
        box.set_heater_pid(1, 60.0, 25.0, 10.0),
        expect_same("gain", 60.0, box.get_heater_pid(1)["gain"]),
    ),
    "set_heater_range": lambda box: (box.set_heater_range(1, 2), expect_same("range", 2, box.get_heater_range(1))),
    "set_heater_setup": lambda box: (
        box.set_heater_setup(1, box.HeaterResistance.HEATER_50_OHM, 1.25, box.HeaterOutputUnits.POWER),
        expect_same("current", 1.25, box.get_heater_setup(1)["max_current"]),
    ),
    "set_ieee_488": lambda box: (box.set_ieee_488(7), expect_same("address", 7, box.get_ieee_488())),
    "set_input_curve": lambda box: (box.set_input_curve("B", 7), expect_same("curve", 7, box.get_input_curve("B"))),
    "set_input_sensor": lambda box: box.set_input_sensor("B", Sensor(KINDS.PLATINUM_RTD, False, True, 1, 3)),
    "set_interface": lambda box: box.set_interface(box.Interface.ETHERNET),
    "set_keypad_lock": lambda box: (
        box.set_keypad_lock(True, 123),
        expect_same("code", 123, box.get_keypad_lock()["code"]),
    ),
    "set_led_state": lambda box: (box.set_led_state(False), expect_same("lights", False, box.get_led_state())),
    "set_manual_output": lambda box: (
        box.set_manual_output(1, 12.5),
        expect_same("output", 12.5, box.get_manual_output(1)),
    ),
    "set_monitor_output_heater": lambda box: (
        box.set_monitor_output_heater(3, 1, box.InputSensorUnits.KELVIN, 500.0, 0.0, box.Polarity.UNIPOLAR),
        expect_same("high", 500.0, box.get_monitor_output_heater(3)["high_value"]),
    ),
    "set_network_settings": lambda box: box.set_network_settings(
        False, False, "10.0.0.2", "255.0.0.0", "10.0.0.1", "0.0.0.0", "0.0.0.0", "lsci", "lab", "oven"
    ),
    "set_operation_event_enable": lambda box: box.set_operation_event_enable(Operation(*NONE[:7], True)),
    "set_relay_alarms": lambda box: box.set_relay_alarms(1, "A", box.RelayControlAlarm.HIGH_ALARM),
    "set_remote_interface_mode": lambda box: box.set_remote_interface_mode(box.InterfaceMode.REMOTE),
    "set_sensor_name": lambda box: (
        box.set_sensor_name("A", "the cell"),
        expect_same("name", "the cell", box.get_sensor_name("A").strip()),
    ),
    "set_service_request": lambda box: box.set_service_request(ServiceRequest(False, True, False)),
    "set_setpoint_ramp_parameter": lambda box: (
        box.set_setpoint_ramp_parameter(1, True, 2.5),
        expect_same("rate", 2.5, box.get_setpoint_ramp_parameter(1)["rate_value"]),
    ),
    "set_soft_cal_curve_dt_470": lambda box: box.set_soft_cal_curve_dt_470(30, "0001"),
    "set_soft_cal_curve_pt_100": lambda box: box.set_soft_cal_curve_pt_100(31, "0002"),
    "set_soft_cal_curve_pt_1000": lambda box: box.set_soft_cal_curve_pt_1000(32, "0003"),
    "set_standard_event_enable_mask": lambda box: box.set_standard_event_enable_mask(StandardEvents(*NONE[:4], True)),
    "set_temperature_limit": lambda box: (
        box.set_temperature_limit("A", 600.0),
        expect_same("limit", 600.0, box.get_temperature_limit("A")),
    ),
    "set_warmup_supply_parameter": lambda box: box.set_warmup_supply_parameter(3, 1, 75.0),
    "set_website_login": lambda box: box.set_website_login("me", "secret"),
    "turn_relay_off": lambda box: (box.turn_relay_off(1), expect_same("relay", False, box.get_relay_status(1))),
    "turn_relay_on": lambda box: (box.turn_relay_on(1), expect_same("relay", True, box.get_relay_status(1))),
    "write": lambda box: box.write("SETP 1,300"),
}


def trials_336(box: Model336) -> Iterator[Trial]:
    """Every public method of the driver, generic ones for making connections aside."""
    for name, _member in sorted(inspect.getmembers(type(box), inspect.isfunction)):
        if not name.startswith(("_", "connect_", "disconnect_")):
            call = CALLS_336.get(name, lambda box, name=name: getattr(box, name)())
            yield Trial(name, "call", lambda call=call: call(box))


# --- Stanford Research Systems' own driver


def open_645(address: str) -> DG645:
    box = DG645("visa", address)  # finds the library by PYVISA_LIBRARY
    box.comm._visa.timeout = PATIENCE * 1000
    return box


CALLS_645: Calls = {
    "display.display": lambda part: (
        part.display.__setitem__("A", 11),
        expect_same("shown", (11, 2), tuple(part.display)),
    ),
    "network.get_eth_phy": lambda part: part.get_eth_phy(0),
    "network.get_interface_config": lambda part: part.get_interface_config(3),
    "network.reset_interface": lambda part: part.reset_interface(2),
    "network.set_eth_phy": lambda part: part.set_eth_phy(0, 1),
    "network.set_interface_config": lambda part: (part.set_interface_config(3, 16), part.get_interface_config(3)),
    "network.set_terminator": lambda part: part.set_terminator(13, 10, 0),
    "system.recall": lambda part: (part.save(3), part.recall(3), part.recall(0)),
    "system.save": lambda part: part.save(9),
    "delays.step_delay": lambda part: part.step_delay("A", 1),
    "outputs.step_amplitude": lambda part: part.step_amplitude("AB", 1),
    "outputs.step_offset": lambda part: part.step_offset("AB", 0),
    "trigger.step_prescale_factor": lambda part: part.step_prescale_factor(1, 1),
    "trigger.step_prescale_phase": lambda part: part.step_prescale_phase(1, 1),
}
STEPPED = ("burst.step_burst_count", "burst.step_burst_delay", "burst.step_burst_period")
STEPPED += ("trigger.step_holdoff", "trigger.step_trigger_rate", "trigger.step_trigger_level")
CALLS_645 |= {name: lambda part, name=name: getattr(part, name.partition(".")[2])(1) for name in STEPPED}
COMPONENTS = ("interface", "system", "status", "display", "trigger", "burst", "delays", "outputs", "network")
VALUES_645: dict[str, list[Any]] = {
    "trigger.trigger_rate": [1e3, 1e6],
    "trigger.trigger_level": [-3.5, 0.5],
    "trigger.holdoff": [0.0, 1e-3],
    "burst.burst_count": [1, 5, 2**31 - 1],
    "burst.burst_period": [1e-7, 1.5],
    "burst.burst_delay": [0.0, 10.5],
    "trigger.prescale_factor": [1, 2, 1000],
    "trigger.prescale_phase": [0, 1],
    "outputs.amplitude": [0.5, 5.0],
    "outputs.offset": [-1.0, 2.0],
    "outputs.polarity": [False, True],
}
READ_ONLY_CHANNELS = {"delays.link": range(2, 10), "delays.delay": range(2, 10)}  # T0 and T1 are where they are


def trials_645(box: DG645) -> Iterator[Trial]:
    """Every command, indexed command and method of the driver's components, and the methods of the driver itself."""
    for part_name in COMPONENTS:
        part = getattr(box, part_name)
        for name, member in sorted({**vars(type(part)), **vars(part)}.items()):
            label = f"{part_name}.{name}"
            if name.startswith("_"):
                continue
            if isinstance(member, Command):
                yield from command_trials(part, label, name, member)
            elif isinstance(member, IndexCommand):
                yield from index_trials(label, member)
            elif inspect.isfunction(member) or label in CALLS_645:
                call = CALLS_645.get(label, lambda part, name=name: getattr(part, name)())
                yield Trial(label, "call", lambda call=call, part=part: call(part))
    for name in ("get_status", "reset", "trigger_now"):
        yield Trial(name, "call", lambda name=name: getattr(box, name)())


def command_trials(part: Any, label: str, name: str, member: Command) -> Iterator[Trial]:
    if member._get_enable:
        yield Trial(label, "get", lambda: getattr(part, name))
    if member._set_enable:
        yield Trial(label, "set", lambda: write_command(part, label, name, member))


def write_command(part: Any, label: str, name: str, member: Command) -> None:
    for value in VALUES_645.get(label, list(getattr(member, "set_dict", {})) or [getattr(part, name)]):
        setattr(part, name, value)
        expect_same(label, value, getattr(part, name))


def index_trials(label: str, member: IndexCommand) -> Iterator[Trial]:
    every = range(member.index_min, member.index_max + 1)
    if member._get_enable:
        yield Trial(label, "get", lambda: [str(member[index]) for index in every])
    if member._set_enable:
        yield Trial(label, "set", lambda: [write_index(label, member, i) for i in READ_ONLY_CHANNELS.get(label, every)])


def write_index(label: str, member: IndexCommand, index: int) -> None:
    if label == "delays.delay":
        member[index][0] = 1.25e-3
        expect_same(label, (0, 1.25e-3), tuple(member[index]))
        return
    for value in VALUES_645.get(label, [member[index]]):
        if label == "status.serial_poll_enable_bit" and index == 6:
            continue  # the request itself cannot be enabled
        member[index] = value
        expect_same(label, value, member[index])


DRIVERS = (
    Driver("Model336", "lakeshore", "TCPIP0::192.168.10.16::7777::SOCKET", open_336, trials_336,
           lambda box: box.user_connection.clear(), event_errors, "*CLS;DFLT 99"),
    Driver("DG645", "srsinst.dg645", "TCPIP0::192.168.10.15::inst0::INSTR", open_645, trials_645,
           lambda box: box.comm._visa.clear(), delay_errors),
)  # fmt: skip
