"""The Lake Shore 336 as its manual has it, and the oven that it heats."""

from __future__ import annotations

import math

import pytest

from sims.lakeshore336 import Lakeshore336
from sims.oven import Oven, ThermalMass
from sims.sensors import platinum_resistance, platinum_temperature
from tests.sims.wires import Bench, ask_all
from tests.virtual.hand_clock import ask

START = 488.15  # K
MASS = ThermalMass(heat_capacity=200.0, loss=0.25, surroundings=296.15)
CURRENT_OF_HALF_A_RANGE = 100 * math.sqrt(0.48)  # per cent, for 48 % of the power


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def oven() -> Oven:
    return Oven(MASS, START)


@pytest.fixture
def box(bench: Bench, oven: Oven) -> Lakeshore336:
    return Lakeshore336(bench.schedule, oven, lambda: 0.0)


def number(box: Lakeshore336, query: str) -> float:
    return float(str(ask(box, query)))


# --- the oven


def test_the_oven_follows_its_equation_of_heat(oven: Oven) -> None:
    oven.heat(0.0, 100.0)
    step = 1e-3
    slope = (oven.temperature(50 + step) - oven.temperature(50 - step)) / (2 * step)
    assert MASS.heat_capacity * slope == pytest.approx(100.0 - MASS.holding_power(oven.temperature(50.0)), rel=1e-6)
    assert oven.temperature(1e5) == pytest.approx(296.15 + 100 / 0.25)


def test_the_oven_takes_up_exactly_the_heat_it_is_given_less_what_it_loses() -> None:
    quick, slow = Oven(MASS, START), Oven(MASS, START)
    quick.heat(0.0, 10.0)
    slow.heat(0.0, 10.0)
    for time in range(1, 300):
        slow.heat(float(time), 10.0)  # looking on the way changes nothing
    assert slow.temperature(300.0) == pytest.approx(quick.temperature(300.0), abs=1e-9)


def test_an_oven_left_alone_stays_exactly_where_it_is(bench: Bench, box: Lakeshore336, oven: Oven) -> None:
    for hour in range(1, 25):
        bench.wait_until(3600.0 * hour)
        assert oven.temperature(bench.clock.time) == START
    assert ask(box, "SETP? 1;KRDG? A;RANGE? 1;RAMPST? 1") == "+488.150;+488.150;3;0"


# --- the loop


def test_a_new_set_point_is_reached_at_full_power_and_held_with_the_power_it_takes(
    bench: Bench, box: Lakeshore336
) -> None:
    ask(box, "SETP 1,498.15")
    bench.wait_until(10.0)
    assert number(box, "HTR? 1") == 100.0
    bench.wait_until(15 * 60.0)
    assert number(box, "KRDG? A") == pytest.approx(498.15, abs=2e-3)
    assert number(box, "HTR? 1") == pytest.approx(100 * MASS.holding_power(498.15) / 100.0, abs=0.01)


def test_a_settled_oven_costs_nothing_more(bench: Bench, box: Lakeshore336) -> None:
    ask(box, "SETP 1,490")
    bench.wait_until(3600.0)
    assert [entry for entry in bench.schedule._heap if entry[2].action is not None] == []


def test_a_ramp_moves_the_set_point_at_its_rate_and_says_when_it_is_done(bench: Bench, box: Lakeshore336) -> None:
    ask_all(box, "OPSTR?", "RAMP 1,1,6;SETP 1,500.15")
    assert ask(box, "RAMPST? 1;RAMP? 1") == "1;1,+6.0"
    bench.wait_until(60.0)
    assert number(box, "SETP? 1") == pytest.approx(START + 6.0, abs=0.02)
    assert number(box, "KRDG? A") == pytest.approx(START + 6.0, abs=1.0)
    bench.wait_until(121.0)
    assert ask(box, "RAMPST? 1;SETP? 1") == "0;+500.150"
    assert int(str(ask(box, "OPSTR?"))) & 8


def test_a_range_that_is_too_low_lets_the_oven_go_where_its_power_takes_it(bench: Bench, box: Lakeshore336) -> None:
    ask(box, "RANGE 1,2")
    bench.wait_until(4 * 3600.0)
    assert number(box, "HTR? 1") == 100.0
    assert number(box, "KRDG? A") == pytest.approx(296.15 + 10 / 0.25, abs=0.1)


def test_open_loop_gives_the_manual_output(bench: Bench, box: Lakeshore336) -> None:
    ask(box, "OUTMODE 1,3,1,0;MOUT 1,60")
    bench.wait_until(4 * 3600.0)
    assert number(box, "KRDG? A") == pytest.approx(296.15 + 60 / 0.25, abs=0.1)
    ask(box, "HTRSET 1,1,4,,1")
    assert number(box, "HTR? 1") == pytest.approx(60.0)


def test_the_display_of_the_heater_is_in_power_or_current(box: Lakeshore336) -> None:
    assert number(box, "HTR? 1") == pytest.approx(48.0)
    ask(box, "HTRSET 1,1,4,2.0,1")
    assert number(box, "HTR? 1") == pytest.approx(CURRENT_OF_HALF_A_RANGE, abs=0.01)


def test_a_temperature_limit_switches_all_heaters_off(bench: Bench, box: Lakeshore336) -> None:
    ask(box, "TLIMIT A,490;SETP 1,520")
    bench.wait_until(60.0)
    assert ask(box, "RANGE? 1;HTR? 1") == "0;+0.00"
    assert number(box, "KRDG? A") < 491.5
    bench.wait_until(3 * 3600.0)
    assert number(box, "KRDG? A") == pytest.approx(296.15, abs=0.1)


def test_a_zone_brings_its_own_gains_and_range(bench: Bench, box: Lakeshore336) -> None:
    ask(box, "ZONE 1,1,400,50,20,0,0,1,1,0.1;ZONE 1,2,600,80,30,0,0,3,1,0.1;OUTMODE 1,2,1,1;SETP 1,495")
    bench.wait_until(1800.0)
    assert number(box, "KRDG? A") == pytest.approx(495.0, abs=0.01)
    ask(box, "SETP 1,350")
    bench.wait_until(4 * 3600.0)
    assert number(box, "KRDG? A") == pytest.approx(296.15 + 1 / 0.25, abs=0.1)  # the low range of the lower zone


@pytest.mark.parametrize("power_up", [0, 1])
def test_reset_leaves_outputs_on_that_are_to_power_up(box: Lakeshore336, power_up: int) -> None:
    ask(box, f"OUTMODE 1,1,1,{power_up};*RST")
    assert ask(box, "RANGE? 1") == ("3" if power_up else "0")
    assert ask(box, "SETP? 1") == "+488.150"


# --- inputs


def test_readings_come_in_kelvin_celsius_and_ohms_of_the_platinum_sensor(box: Lakeshore336) -> None:
    assert ask(box, "KRDG? A;CRDG? A;SRDG? A") == "+488.150;+215.000;+181.359"  # IEC 60751: 181.36


def test_all_inputs_are_read_at_once_and_open_ones_say_so(box: Lakeshore336) -> None:
    assert ask(box, "KRDG? 0") == "+488.150,+296.150,+0.000,+0.000"
    assert ask_all(box, "RDGST? A", "RDGST? C") == ["0", "128"]
    ask(box, "INTYPE C,0")
    assert ask(box, "RDGST? C;INTYPE? C") == "1;0,0,0,0,1"


def test_platinum_follows_its_standard() -> None:
    assert platinum_resistance(273.15) == 100.0
    assert platinum_resistance(373.15) == pytest.approx(138.5055, abs=1e-3)  # IEC 60751
    assert platinum_resistance(173.15) == pytest.approx(60.2558, abs=1e-3)
    for kelvin in (273.15, 300.0, 488.15, 700.0):
        assert platinum_temperature(platinum_resistance(kelvin)) == pytest.approx(kelvin, abs=1e-9)


def test_set_points_are_in_the_units_of_their_input(box: Lakeshore336) -> None:
    ask(box, "INTYPE A,,,,,2;SETP 1,220")
    assert ask(box, "SETP? 1") == "+220.000"
    ask(box, "INTYPE A,,,,,1")
    assert ask(box, "SETP? 1") == "+493.150"


def test_a_curve_that_does_not_fit_the_sensor_is_not_taken(box: Lakeshore336) -> None:
    assert ask(box, "INCRV? A;INCRV A,1;INCRV? A;RDGST? A;KRDG? A") == "6;0;1;+0.000"
    assert ask(box, "INCRV A,7;INCRV? A;*ESR?") == "7;128"


def test_user_curves_are_kept_and_standard_ones_are_not_written(box: Lakeshore336) -> None:
    ask(box, 'CRVHDR 21,"mine","0042",3,400,2;CRVPT 21,1,100.5,274')
    assert ask(box, "CRVHDR? 21;CRVPT? 21,1") == "mine           ,0042      ,3,+400.000,2;+100.50000,+274.0000"
    assert ask(box, "*CLS;CRVDEL 6;*ESR?") == "16"


def test_readings_scatter_and_are_taken_ten_times_a_second(bench: Bench, oven: Oven) -> None:
    values = iter(range(1, 100))
    box = Lakeshore336(bench.schedule, oven, lambda: float(next(values)))
    assert ask_all(box, "KRDG? A", "KRDG? A") == ["+488.151", "+488.151"]
    bench.wait_until(0.15)
    assert ask(box, "KRDG? A") == "+488.152"
    assert ask(box, "MDAT? A") == "+488.151,+488.152"


def test_an_alarm_is_latched_and_closes_its_relay(bench: Bench, box: Lakeshore336) -> None:
    ask(box, "ALARM A,1,489,0,0,1,0,1;RELAY 1,2,A,1;SETP 1,495")
    assert ask_all(box, "ALARMST? A", "RELAYST? 1") == ["0,0", "0"]
    bench.wait_until(120.0)
    assert ask_all(box, "ALARMST? A", "RELAYST? 1") == ["1,0", "1"]
    ask(box, "SETP 1,480")
    bench.wait_until(1200.0)
    assert ask(box, "ALARMST? A") == "1,0"
    ask(box, "ALMRST")
    assert ask(box, "ALARMST? A") == "0,0"


# --- the dialect


def test_commands_are_chained_and_what_makes_no_sense_leaves_the_others_alone(box: Lakeshore336) -> None:
    assert ask(box, "*CLS;FOO 1;:SETP 1,490;SETP? 1;*ESR?") == "+490.000;32"
    assert ask(box, "SETP 9,1;KRDG?A;*ESR?") == "+488.150;16"
    assert box.reply_terminator == b"\r\n"


@pytest.mark.parametrize("message", ["SETP 1, 490", "setp 1,490", "SETP1,490", ":SETP 1,+4.9E2"])
def test_spaces_and_case_are_tolerated(box: Lakeshore336, message: str) -> None:
    assert ask(box, message) is None
    assert ask(box, "SETP? 1") == "+490.000"


def test_values_left_out_stay_as_they_were(box: Lakeshore336) -> None:
    ask(box, "PID 1,60,,5;ALARM A,1")
    assert ask(box, "PID? 1;ALARM? A") == "+60.0,+20.0,+5.0;1,+1000.000,+0.000,+0.000,0,0,1"


def test_names_are_padded_to_fifteen_characters(box: Lakeshore336) -> None:
    ask(box, 'INNAME A,"the cell; no 3"')
    assert ask(box, "INNAME? A") == "the cell; no 3 "
