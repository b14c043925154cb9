"""The Keithley 6221 as its manual has it: levels, ranges, and waveforms that an edge plays."""

from __future__ import annotations

import pytest

from sims.keithley6221 import Keithley6221, LevelErrors
from tests.sims.wires import Bench, Meter
from tests.virtual.hand_clock import ask

NO_ERROR = '0,"No error"'
SETTINGS_CONFLICT = '-221,"Settings conflict"'
OUT_OF_RANGE = '-222,"Parameter data out of range"'
STARTED, AT_TRIGGER, AT_ARM, STOPPED, IDLE = 16, 32, 64, 128, 1024
EDGE_WAVE = (
    ":SOUR:CURR:RANG 20e-3;:OUTP ON;:SOUR:CURR 20e-3;:SOUR:WAVE:FUNC ARB0;RANG FIX;AMPL 20e-3;OFFS 0;DUR:CYCL 1"
    ";:SOUR:WAVE:ARB:DATA 0.086,0.18,0.18,0.18;:SOUR:WAVE:FREQ 250;EXTR ON;EXTR:IVAL 1;:SOUR:WAVE:ARM;INIT"
)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def output() -> Meter:
    return Meter()


@pytest.fixture
def source(bench: Bench, output: Meter) -> Keithley6221:
    return Keithley6221(bench.schedule, output)


def condition(source: Keithley6221) -> int:
    reply = ask(source, "STAT:OPER:COND?")
    assert reply is not None
    return int(reply)


def test_the_level_shows_only_while_the_output_is_on(source: Keithley6221, output: Meter) -> None:
    ask(source, "SOUR:CURR 1.72e-3")
    assert output.changes == []
    ask(source, "OUTP ON")
    assert output.changes == [(0.0, 1.72e-3)]
    ask(source, "SOUR:CURR 1.72e-3")  # nothing changes, nothing is heard
    ask(source, "OUTP OFF")
    assert output.changes[1:] == [(0.0, 0.0)]


def test_numbers_are_answered_with_an_exponent(source: Keithley6221) -> None:
    assert ask(source, "SOUR:CURR 1.72 mA;:SOUR:CURR?") == "1.720000E-03"
    assert ask(source, "SOUR:CURR:COMP?;:OUTP?;:SOUR:WAVE:FREQ?") == "1.000000E+01;0;1.000000E+03"


@pytest.mark.parametrize(
    ("range_", "asked", "given"), [(20e-3, 1.7204e-3, 1.72e-3), (20e-3, 20.9999e-3, 21e-3), (0.1, 1.726e-3, 1.73e-3)]
)
def test_the_range_rounds_the_output(
    source: Keithley6221, output: Meter, range_: float, asked: float, given: float
) -> None:
    ask(source, f"SOUR:CURR:RANG {range_};:OUTP ON;:SOUR:CURR {asked}")
    assert output.level == pytest.approx(given, abs=1e-12)


@pytest.mark.parametrize(("current", "full_scale"), [(1e-9, 2e-9), (3e-6, 20e-6), (2.1e-3, 2e-3), (2.11e-3, 20e-3)])
def test_automatic_range_takes_the_lowest_that_fits(source: Keithley6221, current: float, full_scale: float) -> None:
    reply = ask(source, f"SOUR:CURR:RANG:AUTO ON;:SOUR:CURR {current};:SOUR:CURR:RANG?;:SOUR:CURR:RANG:AUTO?")
    assert reply == f"{full_scale:.6E};1"


def test_levels_beyond_the_box_or_its_fixed_range_are_refused(source: Keithley6221) -> None:
    assert ask(source, "SOUR:CURR 0.106;:SYST:ERR?") == OUT_OF_RANGE
    assert ask(source, "SOUR:CURR:RANG 2e-3;:SOUR:CURR 3e-3;:SYST:ERR?") == OUT_OF_RANGE
    assert ask(source, "SOUR:CURR:RANG 0.02;:SOUR:CURR 0.015;:SOUR:CURR:RANG 2e-3;:SYST:ERR?") == SETTINGS_CONFLICT
    assert ask(source, "SOUR:CURR:COMP 106;:SYST:ERR?") == OUT_OF_RANGE


def test_one_edge_plays_one_waveform_and_the_next_edge_plays_it_again(
    bench: Bench, source: Keithley6221, output: Meter
) -> None:
    ask(source, EDGE_WAVE)
    assert ask(source, "SYST:ERR?") == NO_ERROR
    assert output.level == 0.02
    assert condition(source) == AT_TRIGGER
    output.changes.clear()
    for edge in (1.0, 3600.0):
        bench.wait_until(edge)
        source.trigger_edge(edge)
        bench.wait_until(edge + 2e-3)
        assert condition(source) == STARTED
        bench.wait_until(edge + 1.0)
        assert condition(source) == AT_TRIGGER | STOPPED
    times, levels = zip(*output.changes, strict=True)
    assert levels == pytest.approx((1.72e-3, 3.6e-3, 20e-3) * 2)
    assert times == pytest.approx((1.0, 1.001, 1.004, 3600.0, 3600.001, 3600.004), abs=1e-9)
    ask(source, "SOUR:WAVE:ABOR")
    assert condition(source) == IDLE | STOPPED


def test_an_edge_before_init_or_after_abort_plays_nothing(source: Keithley6221, output: Meter) -> None:
    ask(source, EDGE_WAVE.removesuffix(";INIT"))
    assert condition(source) == AT_ARM
    before = len(output.changes)
    source.trigger_edge(0.0)
    ask(source, "SOUR:WAVE:ABOR")
    source.trigger_edge(0.0)
    assert len(output.changes) == before


def test_while_armed_the_dc_level_waits_and_comes_back_at_abort(source: Keithley6221, output: Meter) -> None:
    ask(source, EDGE_WAVE)
    ask(source, "SOUR:CURR 5e-3")
    assert output.level == 0.02
    ask(source, "SOUR:WAVE:ABOR")
    assert output.level == 5e-3


def test_abort_in_the_middle_stops_the_waveform(bench: Bench, source: Keithley6221, output: Meter) -> None:
    ask(source, EDGE_WAVE)
    source.trigger_edge(0.0)
    bench.wait_until(5e-4)
    ask(source, "SOUR:WAVE:ABOR")
    bench.wait_until(1.0)
    assert output.level == 0.02
    assert [level for _, level in output.changes][-2:] == pytest.approx([1.72e-3, 0.02])
    assert condition(source) == IDLE | STOPPED


@pytest.mark.parametrize(("ignore", "last_change"), [("ON", 0.004), ("OFF", 0.006)])
def test_an_edge_while_playing_starts_again_unless_it_is_ignored(
    bench: Bench, source: Keithley6221, output: Meter, ignore: str, last_change: float
) -> None:
    ask(source, EDGE_WAVE.replace("EXTR:IVAL 1", f"EXTR:IVAL 1;IGN {ignore}"))
    source.trigger_edge(0.0)
    bench.wait_until(0.002)
    source.trigger_edge(0.002)
    bench.wait_until(1.0)
    assert output.changes[-1][0] == pytest.approx(last_change)


def test_points_beyond_a_hundred_are_appended(source: Keithley6221) -> None:
    points = ",".join(["0.5"] * 100)
    ask(source, f"SOUR:WAVE:ARB:DATA {points}")
    ask(source, "SOUR:WAVE:ARB:APP 0.1,0.2")
    assert ask(source, "SOUR:WAVE:ARB:POIN?;:SYST:ERR?") == f"102;{NO_ERROR}"
    assert ask(source, f"SOUR:WAVE:ARB:DATA {points},0.1;:SYST:ERR?") == '-223,"Too much data"'
    assert ask(source, "SOUR:WAVE:ARB:DATA 0,1.01;:SYST:ERR?") == OUT_OF_RANGE
    ask(source, "SOUR:WAVE:ARB:DATA 0.25,-1")
    assert ask(source, "SOUR:WAVE:ARB:DATA?") == "2.500000E-01,-1.000000E+00"


def test_stored_waveforms_survive_a_reset_the_volatile_one_does_not(source: Keithley6221) -> None:
    ask(source, "SOUR:WAVE:ARB:DATA 0.1,0.2,0.3;COPY 2;:*RST")
    assert ask(source, "SOUR:WAVE:ARB:POIN?") == "2"
    ask(source, "SOUR:WAVE:FUNC ARB2;DUR:CYCL 1;:SOUR:WAVE:ARM;INIT")
    assert ask(source, "SYST:ERR?") == NO_ERROR


def test_arming_checks_that_amplitude_and_offset_fit_the_range(source: Keithley6221, output: Meter) -> None:
    ask(source, "SOUR:CURR:RANG 2e-3;:SOUR:WAVE:FUNC ARB0;RANG FIX;AMPL 2e-3;OFFS 1e-3;ARB:DATA 0,1")
    assert ask(source, "SOUR:WAVE:ARM;:SYST:ERR?") == SETTINGS_CONFLICT
    assert ask(source, "SOUR:WAVE:RANG BEST;ARM;:SYST:ERR?") == NO_ERROR
    assert ask(source, "SOUR:WAVE:FUNC SIN;:SYST:ERR?") == '413,"Not allowed with mode armed"'
    assert ask(source, "SOUR:WAVE:ABOR;INIT;:SYST:ERR?") == '412,"Not allowed with mode disarmed"'


def test_a_waveform_of_one_point_cannot_be_armed(source: Keithley6221) -> None:
    ask(source, "SOUR:WAVE:FUNC ARB0;ARB:DATA 0.5")
    assert ask(source, "SOUR:WAVE:ARM;:SYST:ERR?") == SETTINGS_CONFLICT


def test_points_times_amplitude_plus_offset_are_rounded_to_the_range(
    bench: Bench, source: Keithley6221, output: Meter
) -> None:
    ask(source, "SOUR:CURR:RANG 20e-3;:SOUR:WAVE:FUNC ARB0;RANG FIX;AMPL 10e-3;OFFS 1e-3;FREQ 100;DUR:CYCL 1")
    ask(source, "SOUR:WAVE:ARB:DATA 0.12344,-0.5;:SOUR:WAVE:ARM;INIT")
    bench.wait_until(1.0)
    assert [level for _, level in output.changes[-3:]] == pytest.approx([2.234e-3, -4e-3, 1e-3], abs=1e-12)


def test_a_square_wave_runs_for_its_duration(bench: Bench, source: Keithley6221, output: Meter) -> None:
    ask(source, "SOUR:WAVE:FUNC SQU;DCYC 25;AMPL 1e-3;FREQ 10;DUR:TIME 0.2;:SOUR:WAVE:ARM;INIT")
    bench.wait_until(10.0)
    times, levels = zip(*output.changes, strict=True)
    assert levels == pytest.approx((1e-3, -1e-3, 1e-3, -1e-3, 0.0))
    assert times == pytest.approx((0.0, 0.025, 0.1, 0.125, 0.2))
    assert ask(source, "SOUR:WAVE:DUR:CYCL?;TIME?") == "2.000000E+00;2.000000E-01"


def test_an_endless_waveform_that_nobody_watched_costs_nothing(
    bench: Bench, source: Keithley6221, output: Meter
) -> None:
    ask(source, "SOUR:WAVE:FUNC SIN;AMPL 1e-3;FREQ 1e5;DUR:TIME INF;:SOUR:WAVE:ARM;INIT")
    assert ask(source, "SOUR:WAVE:DUR:TIME?") == "9.900000E+37"
    bench.wait_until(24 * 3600.0)
    assert len(output.changes) < 1000
    assert abs(output.level) <= 1e-3
    ask(source, "OUTP OFF")
    assert output.level == 0.0


def test_clearing_turns_off_and_goes_to_zero(source: Keithley6221, output: Meter) -> None:
    assert ask(source, "SOUR:CURR 1e-3;:OUTP ON;:SOUR:CLE;:OUTP?;:SOUR:CURR?") == "0;0.000000E+00"
    assert output.level == 0.0


def test_the_end_of_a_wave_can_request_service(bench: Bench, source: Keithley6221) -> None:
    ask(source, EDGE_WAVE)
    ask(source, "*CLS;:STAT:OPER:ENAB 128;:*SRE 128")
    source.trigger_edge(0.0)
    assert not source.serial_poll(message_available=False) & 64
    bench.wait_until(1.0)
    assert source.serial_poll(message_available=False) & 64


def test_what_drivers_send_is_understood(source: Keithley6221) -> None:
    for message in (
        "status:queue:clear;*RST;:stat:pres;:*CLS;",
        ":OUTPut:ISHield GUAR",
        "OUTP:LTE 1",
        ":SOUR:DEL 0.5",
        ":SOUR:WAVE:PMAR 90",
        ":SOUR:WAVE:PMAR:STAT 1",
        ":SOUR:WAVE:PMAR:OLIN 2",
        ":SYST:BEEP 440, 1",
        ":DISP:ENAB 0",
        ":ARM:SOUR TLIN;:TRIG:SOUR TLIN;:ARM:ILIN 1;:TRIG:ILIN 1;",
        ":TRIG:OUTP DEL;:TRIG:OLIN 2;",
        "*ESE 1;*SRE 1;*OPC",
    ):
        ask(source, message)
        assert ask(source, "SYST:ERR?") == NO_ERROR, message
    assert ask(source, "OUTP:ISH?;:SOUR:WAVE:PMAR?;:*OPC?") == "GUAR;9.000000E+01;1"


# --- what limits the box


def test_levels_and_waves_have_errors_of_their_own(bench: Bench, output: Meter) -> None:
    source = Keithley6221(bench.schedule, output, LevelErrors(0.01, 1e-6, -0.02, 10e-6))
    ask(source, ":SOUR:CURR:RANG 20e-3;:SOUR:CURR 10e-3;:OUTP ON")
    assert output.level == pytest.approx(10e-3 * 1.01 + 1e-6)
    ask(source, ":SOUR:CURR 20e-3;" + EDGE_WAVE)
    assert output.level == pytest.approx(20e-3 * 0.98 + 10e-6)  # the inactive level is played too
    source.trigger_edge(0.0)
    assert output.level == pytest.approx(0.086 * 20e-3 * 0.98 + 10e-6)


def test_the_current_stops_where_the_voltage_reaches_the_compliance(bench: Bench, output: Meter) -> None:
    source = Keithley6221(bench.schedule, output, resistance=1000.0)
    ask(source, "STAT:MEAS:ENAB 8;:SOUR:CURR:COMP 5;:SOUR:CURR 4e-3;:OUTP ON")
    assert (output.level, ask(source, "STAT:MEAS:COND?")) == (4e-3, "0")
    ask(source, "SOUR:CURR -8e-3")
    assert output.level == pytest.approx(-5e-3)
    assert ask(source, "STAT:MEAS:COND?;EVEN?") == "8;8"
    ask(source, "SOUR:CURR:COMP 10")
    assert (output.level, ask(source, "STAT:MEAS:COND?")) == (-8e-3, "0")


def test_a_recalled_setup_comes_with_the_output_off(source: Keithley6221, output: Meter) -> None:
    ask(source, "SOUR:CURR 3e-3;:OUTP ON;*SAV 2;:SOUR:CURR 1e-3;*RCL 2")
    assert output.level == 0.0
    assert ask(source, "SOUR:CURR?;:OUTP?") == "3.000000E-03;0"


# --- delta mode


@pytest.fixture
def delta(bench: Bench, output: Meter) -> Keithley6221:
    source = Keithley6221(bench.schedule, output, LevelErrors(dc_offset=1e-4), resistance=50.0)
    ask(source, "SOUR:DELT:HIGH 2e-3;DELAY 1e-3;COUN 4;:UNIT:VOLT OHMS;:SOUR:DELT:ARM")
    return source


def test_delta_readings_alternate_the_current_and_do_not_see_offsets(
    bench: Bench, output: Meter, delta: Keithley6221
) -> None:
    ask(delta, "INIT")
    bench.wait_until(10.0)
    assert [level for _, level in output.changes][:4] == pytest.approx([2.1e-3, -1.9e-3, 2.1e-3, -1.9e-3])
    assert ask(delta, "TRAC:POIN:ACT?;:FORM:ELEM READ;:TRAC:DATA?") == "4;" + ",".join(["5.000000E+01"] * 4)
    assert ask(delta, "UNIT:VOLT?;:SENS:DATA?;:SOUR:DELT:LOW?") == "OHMS;5.000000E+01;-2.000000E-03"


def test_a_full_buffer_asks_for_service(bench: Bench, delta: Keithley6221) -> None:
    ask(delta, "*CLS;:STAT:PRES;:STAT:MEAS:ENAB 512;*SRE 1;:TRAC:POIN 3;:INIT")
    assert int(str(ask(delta, "*STB?"))) & 65 == 0
    bench.wait_until(1.0)
    assert int(str(ask(delta, "*STB?"))) & 65 == 65
    assert ask(delta, "TRAC:POIN:ACT?") == "3"


def test_aborting_turns_the_output_off_and_nothing_follows(bench: Bench, output: Meter, delta: Keithley6221) -> None:
    ask(delta, "SOUR:DELT:COUN INF;:SOUR:DELT:ARM;:INIT")
    bench.wait_until(0.5)
    ask(delta, "SOUR:SWE:ABOR")
    count = len(output.changes)
    bench.wait_until(5.0)
    assert len(output.changes) == count
    assert output.level == 0.0


def test_without_a_nanovoltmeter_delta_mode_cannot_be_armed(delta: Keithley6221) -> None:
    delta.nanovoltmeter = False
    assert ask(delta, "SOUR:DELT:NVPR?;ARM;:SYST:ERR?;:SENS:DATA?") == '0;-241,"Hardware missing"'
    assert ask(delta, "SYST:ERR?") == '-230,"Data corrupt or stale"'
