"""The Keithley DMM7510 as its manual has it: digitizing on edges, buffers, formats, the DC functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from sims.dmm7510 import DMM7510, Steady
from sims.readings import Converter
from spinlab.virtual.instrument import Pending
from tests.sims.inputs import Ramp
from tests.sims.wires import Bench
from tests.virtual.hand_clock import ask

NO_ERROR = '0,"No error;0;0 0"'
ARMED = (
    ":DIG:FUNC 'VOLT';:DIG:VOLT:RANG 1;:DIG:VOLT:SRAT 100000;:DIG:COUN 100;:TRAC:MAKE 'shot', 1000, "
    ";:TRIG:DIG:STIM EXT;:INIT"
)


class Meter(Bench):
    """The multimeter with a ramp of 1 mV per sample at its input."""

    def __init__(self) -> None:
        super().__init__()
        self.input = Ramp()
        self.box = DMM7510(self.schedule, self.input)

    def ask(self, message: str) -> str | None:
        return ask(self.box, message)

    def edge(self, time: float) -> None:
        self.wait_until(time)
        self.box.trigger_edge(time)

    def floats(self, message: str, kind: str = "<f4") -> npt.NDArray[np.float64]:
        reply = self.box.receive(message.encode())
        assert isinstance(reply, bytes)
        assert reply[:2] == b"#0"
        return np.frombuffer(reply[2:], kind).astype(float)


@pytest.fixture
def meter() -> Meter:
    return Meter()


def test_digitize_and_sense_functions_exclude_each_other(meter: Meter) -> None:
    assert meter.ask("*LANG?;:DIG:FUNC?;:SENS:FUNC?") == 'SCPI;"NONE";"VOLT:DC"'
    assert meter.ask('SENS:DIG:FUNC "volt";:DIG:FUNC?;:SENS:FUNC?') == '"VOLT";"NONE"'
    assert meter.ask("SENS:FUNC 'CURR';:DIG:FUNC?;:SENS:FUNC?") == '"NONE";"CURR:DC"'
    assert meter.ask("SENSe:FUNCtion 'RESistance';FUNC?;:SYST:ERR?") == f'"RES";{NO_ERROR}'


def test_each_edge_takes_count_readings_into_the_active_buffer(meter: Meter) -> None:
    meter.ask(ARMED)
    assert meter.ask("SYST:ERR?") == NO_ERROR
    meter.edge(1.0)
    meter.wait_until(1.0005)
    assert meter.ask("TRAC:ACT? 'shot'") == "50"
    meter.edge(5.0)
    meter.wait_until(6.0)
    assert meter.ask("TRAC:ACT? 'shot';:TRAC:ACT:STAR? 'shot';:TRAC:ACT:END? 'shot'") == "200;1;200"
    assert meter.ask("TRAC:ACT?") == "0"
    assert meter.input.started == [(1.0, 100, 1e5, 1e-5), (5.0, 100, 1e5, 1e-5)]


def test_an_edge_during_a_group_is_latched_and_a_second_one_is_an_overrun(meter: Meter) -> None:
    meter.ask(ARMED)
    meter.edge(1.0)
    meter.edge(1.0003)
    assert meter.ask("TRIG:EXT:IN:OVER?") == "0"
    meter.edge(1.0004)
    assert meter.ask("TRIG:EXT:IN:OVER?") == "1"
    meter.wait_until(2.0)
    assert [start for start, *_ in meter.input.started] == pytest.approx([1.0, 1.001])
    assert meter.ask("TRIG:EXT:IN:CLE;OVER?") == "0"


def test_without_the_stimulus_edges_do_nothing(meter: Meter) -> None:
    meter.ask(ARMED)
    meter.ask("TRIG:DIG:STIM NONE")
    meter.edge(1.0)
    meter.wait_until(2.0)
    assert meter.ask("TRAC:ACT? 'shot'") == "0"


def test_the_stimulus_needs_a_digitize_function(meter: Meter) -> None:
    assert str(meter.ask("TRIG:DIG:STIM EXT;:SYST:ERR?")).startswith('-221,"Settings conflict;')
    assert meter.ask("TRIG:DIG:STIM?") == "NONE"


def test_binary_readings_carry_the_indefinite_header_in_either_order(meter: Meter) -> None:
    meter.ask(ARMED)
    meter.edge(1.0)
    meter.wait_until(2.0)
    expected = Converter(1.0, 18).readings(np.arange(100) * 1e-3)
    meter.ask("FORM:DATA SRE")
    assert meter.floats("TRAC:DATA? 1,100,'shot',READ") == pytest.approx(expected, rel=1e-6)
    meter.ask("FORM:DATA REAL;BORD NORM")
    assert meter.floats('TRAC:DATA? 11,20,"shot"', ">f8") == pytest.approx(expected[10:20])


def test_elements_are_interleaved(meter: Meter) -> None:
    meter.ask(ARMED)
    meter.edge(1.0)
    meter.wait_until(2.0)
    reply = str(meter.ask("TRAC:DATA? 2,3,'shot',REL,UNIT,STAT"))
    assert reply == "1.00000000E-05,Volt DC,0,2.00000000E-05,Volt DC,0"
    meter.ask("FORM:DATA REAL")
    table = meter.floats("TRAC:DATA? 1,100,'shot',READ,REL", "<f8").reshape(100, 2)
    assert table[:, 1] == pytest.approx(np.arange(100) * 1e-5)
    assert str(meter.ask("TRAC:DATA? 1,2,'shot',DATE;:SYST:ERR?")).startswith("-221")


def test_the_converter_has_18_bits_and_overflows_beyond_its_range() -> None:
    converter = Converter(1.0, 18)
    step = 2.4 / 2**18
    readings = converter.readings(np.array([0.0, 0.4 * step, 0.6 * step, 1.19, 1.3, -5.0]))
    assert readings == pytest.approx([0.0, 0.0, step, 1.19, 9.9e37, -9.9e37], abs=step)


def test_a_buffer_that_fills_once_stops_and_a_continuous_one_goes_round(meter: Meter) -> None:
    meter.ask(ARMED.replace("'shot', 1000", "'shot', 150"))
    meter.edge(1.0)
    meter.edge(2.0)
    meter.edge(3.0)
    meter.wait_until(4.0)
    assert meter.ask("TRAC:ACT? 'shot'") == "150"
    meter.ask("TRAC:FILL:MODE CONT, 'shot';:FORM:DATA REAL")
    for time in (5.0, 6.0, 7.0):
        meter.edge(time)
    meter.wait_until(8.0)
    assert meter.ask("TRAC:ACT? 'shot';:TRAC:ACT:STAR? 'shot';:TRAC:ACT:END? 'shot'") == "150;1;150"
    ring = meter.floats("TRAC:DATA? 1,150,'shot'", "<f8")
    assert ring == pytest.approx(np.r_[np.arange(50, 100), np.arange(100)] * 1e-3, abs=1e-5)
    meter.edge(9.0)
    meter.wait_until(10.0)
    assert meter.ask("TRAC:ACT:STAR? 'shot';:TRAC:ACT:END? 'shot'") == "101;100"
    ring = meter.floats("TRAC:DATA? 1,150,'shot'", "<f8")
    assert ring == pytest.approx(np.r_[np.arange(100), np.arange(50, 100)] * 1e-3, abs=1e-5)


def test_buffers_are_made_cleared_resized_and_deleted(meter: Meter) -> None:
    assert meter.ask("TRAC:MAKE 'a', 500;:TRAC:POIN? 'a';:TRAC:FILL:MODE? 'a'") == "500;ONCE"
    assert meter.ask("TRAC:POIN 20, 'a';:TRAC:POIN? 'a';:TRAC:CLE 'a';:TRAC:DEL 'a';:SYST:ERR?") == f"20;{NO_ERROR}"
    for message, number in (
        ("TRAC:POIN? 'a'", "-224"),
        ("TRAC:DEL 'defbuffer1'", "-224"),
        ("TRAC:MAKE 'defbuffer2', 100", "1115"),
        ("TRAC:MAKE 'x', 5", "-222"),
        ("TRAC:DATA? 1,2", "-222"),
        ("FETC?", "-230"),
    ):
        assert str(meter.ask(f"{message};:SYST:ERR?")).startswith(number), message


def test_the_aperture_is_at_most_the_time_between_samples(meter: Meter) -> None:
    assert meter.ask("DIG:VOLT:SRAT 300000;APER?") == "3e-06"
    assert meter.ask("DIG:VOLT:APER 1e-6;APER?;:SYST:ERR?") == f"1e-06;{NO_ERROR}"
    assert str(meter.ask("DIG:VOLT:APER 5e-6;:SYST:ERR?")).startswith("-222")
    assert meter.ask("DIG:VOLT:APER AUTO;APER?") == "3e-06"
    assert str(meter.ask("DIG:VOLT:SRAT 2e6;:SYST:ERR?")).startswith("-222")


def test_ranges_are_the_box_s_own(meter: Meter) -> None:
    assert meter.ask("DIG:VOLT:RANG 0.5;RANG?;:SENS:DIG:VOLT:RANG 30;RANG?") == "1;100"
    assert str(meter.ask("DIG:VOLT:RANG 2000;:SYST:ERR?")).startswith("-222")


def test_a_reading_takes_its_time(meter: Meter) -> None:
    meter.ask("SENS:FUNC 'VOLT:DC';:SENS:VOLT:NPLC 6")
    reply = meter.box.receive(b"READ?")
    assert isinstance(reply, Pending)
    assert reply.ready_at == pytest.approx(0.1)
    meter.wait_until(0.2)
    assert reply.reply == b"0.00000000E+00"
    assert meter.ask("FETC? 'defbuffer1', READ, REL") == "0.00000000E+00,0.00000000E+00"


def test_waiting_puts_off_what_follows(meter: Meter) -> None:
    meter.ask(ARMED)
    reply = meter.box.receive(b"TRAC:TRIG 'shot';:*WAI;:TRAC:ACT? 'shot'")
    assert isinstance(reply, Pending)
    meter.wait_until(1e-3)
    assert reply.reply == b"100"


def test_measuring_digitized_returns_the_last_reading(meter: Meter) -> None:
    meter.ask("DIG:COUN 50")
    reply = meter.box.receive(b"MEAS:DIG? 'defbuffer1'")
    assert isinstance(reply, Pending)
    meter.wait_until(1.0)
    assert float(str(reply.reply and reply.reply.decode())) == pytest.approx(0.049, abs=1e-4)
    assert meter.ask("DIG:FUNC?") == '"VOLT"'


def test_abort_ends_a_group(meter: Meter) -> None:
    meter.ask(ARMED)
    meter.edge(1.0)
    meter.wait_until(1.0002)
    meter.ask("ABOR")
    meter.wait_until(2.0)
    assert meter.ask("TRAC:ACT? 'shot';:TRIG:STAT?") == "20;IDLE;IDLE;0"


def test_a_simple_loop_runs_at_init(meter: Meter) -> None:
    meter.ask("DIG:FUNC 'VOLT';:TRIG:LOAD 'SimpleLoop', 30, 0, 'defbuffer1';:INIT")
    assert str(meter.ask("TRIG:STAT?")).startswith("RUNNING")
    meter.wait_until(1.0)
    assert str(meter.ask("TRAC:ACT?;:TRAC:STAT:MAX?")).startswith("30;0.02902")


def test_what_drivers_send_is_understood(meter: Meter) -> None:
    for message in (
        ":SENSe:DIGitize:voltage:SRATE 1000", ":SENSe:DIGitize:COUNt 10", ":SENSe:DIGitize:VOLTage:INPutimpedance AUTO",
        ":SENSe:voltage:RANGe:AUTO 0;UPP 10", ":SENSe:VOLT:NPLC 0.5", ":SENS:VOLT:DELay:USER2 0.1", ":SENSe:AZERo:ONCE",
        ":SENSe:Fresistance:AVERage:COUNt 5", ":SENSe:current:AVERage:TCONtrol MOV", ":TRIGger:EXTernal:IN:EDGE falling",
        ":TRIGger:EXTernal:IN:CLEar", ":DISP:CLE", ':DISP:USER1:TEXT "hello"', ":DISP:SCR SWIPE_USER", "*LANG SCPI",
        ":SENS:VOLT:AC:DET:BAND 30", ":SENS:CURR:REL:STAT 1", ":TRACe:TRIGger 'defbuffer1'", "*WAI", "*RST", "*CLS",
    ):  # fmt: skip
        meter.box.receive(message.encode())
        meter.wait_until(meter.clock.time + 1.0)
        assert meter.ask("SYST:ERR?") == NO_ERROR, message
    assert meter.ask("SYST:LFR?;:ROUT:TERM?;:TRIG:BLOC:LIST?") == '60;FRON;"Empty"'


def test_a_relative_offset_is_taken_off_and_can_be_measured() -> None:
    meter = Meter()
    meter.box._source = Steadily(0.25)
    reply = meter.box.receive(b"VOLT:REL:ACQ;:VOLT:REL?")
    meter.wait_until(1.0)
    assert isinstance(reply, Pending)
    assert float(reply.reply or b"nan") == pytest.approx(0.25, abs=1e-5)
    meter.ask("VOLT:REL:STAT ON")
    reading = meter.box.receive(b"READ?")
    meter.wait_until(2.0)
    assert isinstance(reading, Pending)
    assert float(reading.reply or b"nan") == pytest.approx(0.0, abs=1e-5)


def test_a_filter_takes_the_time_of_all_the_readings_it_averages() -> None:
    meter = Meter()
    meter.box.receive(b"VOLT:NPLC 6;:VOLT:AVER:COUN 10;:VOLT:AVER ON;:READ?")
    assert meter.input.started == [(0.0, 1, pytest.approx(1.0), pytest.approx(1.0))]


def test_the_clock_of_the_box_can_be_set_and_read() -> None:
    meter = Meter()
    meter.ask("SYST:TIME 2026, 11, 25, 10, 30, 0")
    meter.wait_until(61.0)
    assert meter.ask("SYST:TIME? 1") == "Wed Nov 25 10:31:01 2026"
    meter.ask("SYST:TIME 2026,13,1,0,0,0")
    assert str(meter.ask("SYST:ERR?")).startswith("-222")


def test_each_function_has_its_own_ranges() -> None:
    meter = Meter()
    assert meter.ask("VOLT:AC:RANG 750;:VOLT:AC:RANG 600;RANG?;:CAP:RANG 5e-7;RANG?;:CURR:AC:RANG 1e-6;RANG?") == (
        "700;1e-06;0.001"
    )
    assert str(meter.ask("SYST:ERR?")).startswith("-222")


def test_a_setup_holds_the_function_and_its_settings() -> None:
    meter = Meter()
    meter.ask("FUNC 'RES';:RES:RANG 1e5;*SAV 1;*RST;*RCL 1")
    assert meter.ask("FUNC?;:RES:RANG?;:RES:RANG:AUTO?") == '"RES";100000;0'


@dataclass(frozen=True)
class Steadily:
    """An input of constant voltage."""

    value: float

    def start(self, time: float, count: int, sample_rate: float, aperture: float) -> Steady:
        return Steady(count, self.value)
