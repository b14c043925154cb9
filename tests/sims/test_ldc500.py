"""The SRS LDC500 as its manual has it: laser, limits, interlock, temperature, errors that clear on read."""

from __future__ import annotations

import pytest

from sims.ldc500 import LDC500
from tests.sims.wires import Bench, Meter, ask_all
from tests.virtual.hand_clock import ask


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def light() -> Meter:
    return Meter()


@pytest.fixture
def laser(bench: Bench, light: Meter) -> LDC500:
    return LDC500(bench.schedule, "LDC502", light)


def errors(laser: LDC500) -> list[str | None]:
    return ask_all(laser, "LEXE?", "LCME?")


def test_current_flows_only_while_the_laser_is_on(laser: LDC500, light: Meter) -> None:
    ask_all(laser, "ULOC 1", "SILD 150.5")
    assert light.changes == []
    assert ask_all(laser, "RILD?", "LDON ON", "RILD?") == ["0.0000", None, "150.5000"]
    assert light.changes == [(0.0, pytest.approx(0.1505))]
    ask(laser, "LDON 0")
    assert light.level == 0.0
    assert errors(laser) == ["0", "0"]


def test_the_limit_drags_the_set_point_down(laser: LDC500, light: Meter) -> None:
    ask_all(laser, "SILD 500", "LDON 1", "SILM 300")
    assert ask(laser, "SILD?") == "300.0000"
    assert light.level == pytest.approx(0.3)


@pytest.mark.parametrize("message", ["SILD 2001", "SILD -1", "SILM 2500", "TEMP 300", "TCUR 4"])
def test_illegal_values_are_execution_errors_that_clear_on_read(laser: LDC500, message: str) -> None:
    ask(laser, message)
    assert errors(laser) == ["1", "0"]
    assert errors(laser) == ["0", "0"]


@pytest.mark.parametrize(
    ("message", "number"),
    [("FOOO 1", "2"), ("RILD 3", "4"), ("SILD", "5"), ("SILD 1,2", "6"), ("SILD x", "12"), ("L", "1")],
)
def test_command_errors_have_the_manual_s_numbers(laser: LDC500, message: str, number: str) -> None:
    ask(laser, message)
    assert errors(laser) == ["0", number]
    assert errors(laser) == ["0", "0"]


def test_the_low_range_is_half_of_the_high_one(laser: LDC500) -> None:
    ask_all(laser, "SILD 1500", "RNGE LOW")
    assert ask_all(laser, "RNGE?", "SILM?", "SILD?") == ["LOW", "1000.0000", "1000.0000"]
    ask_all(laser, "LDON ON", "RNGE HIGH")
    assert errors(laser) == ["5", "0"]


@pytest.mark.parametrize(("model", "full_scale"), [("LDC500", 100), ("LDC501", 500), ("LDC502", 2000)])
def test_each_model_has_its_full_scale(bench: Bench, model: str, full_scale: float) -> None:
    laser = LDC500(bench.schedule, model, Meter())
    assert ask(laser, "SILM?") == f"{full_scale:.4f}"
    assert model in str(ask(laser, "*IDN?"))


def test_some_replies_are_keywords_and_token_mode_turns_them_into_numbers(laser: LDC500) -> None:
    queries = ("LDON?", "MODU?", "ILOC?", "SMOD?", "RNGE?", "TEON?", "TSNR?")
    assert ask_all(laser, *queries) == ["OFF", "OFF", "CLOSED", "CC", "HIGH", "0", "3"]
    ask(laser, "TOKN OFF")
    assert ask_all(laser, *queries) == ["0", "0", "0", "0", "0", "0", "3"]


def test_an_open_interlock_puts_the_laser_out_and_keeps_it_out(laser: LDC500, light: Meter) -> None:
    ask_all(laser, "SILD 100", "LDON ON")
    laser.open_interlock()
    assert light.level == 0.0
    ask(laser, "LDON ON")
    assert ask_all(laser, "LDON?", "ILOC?") == ["OFF", "OPEN"]
    assert errors(laser) == ["5", "0"]


def test_more_than_64_bytes_at_once_are_lost(laser: LDC500) -> None:
    ask(laser, "SILD 10;" * 8 + "SILD 20")
    assert ask(laser, "SILD?") == "0.0000"
    assert errors(laser) == ["0", "8"]


def test_the_space_is_optional_and_compound_queries_answer_line_by_line(laser: LDC500) -> None:
    assert laser.receive(b"SILD12.5;SILD?;rvld?") == b"12.5000\r\n0.0000"
    assert laser.reply_terminator == b"\r\n"


def test_the_temperature_goes_to_its_set_point(bench: Bench, laser: LDC500) -> None:
    ask_all(laser, "TEMP 30", "TEON ON")
    bench.wait_until(60.0)
    assert float(str(ask(laser, "TTRD?"))) == pytest.approx(30.0, abs=1e-3)
    assert float(str(ask(laser, "TRAW?"))) < 10.0
    ask(laser, "TEON 0")
    bench.wait_until(120.0)
    assert float(str(ask(laser, "TTRD?"))) == pytest.approx(23.0, abs=1e-3)


def test_what_drivers_send_is_understood(laser: LDC500) -> None:
    for message in (
        "SVLM 2.5", "SIBW HIGH", "MODU ON", "PDMW ON", "BIAS 2", "RESP 500", "SIPD 10", "PILM 100", "SWPD 0.1",
        "PWLM 0.2", "TMOD CC", "TMIN 10", "TMAX 40", "TILM 2", "TVLM 5", "TSNR 1", "TRTH 10", "TRMN 1", "TRMX 20",
        "TCUR 0.5", "SMOD CP", "*CLS", "TOKN ON",
    ):  # fmt: skip
        ask(laser, message)
        assert errors(laser) == ["0", "0"], message
    for query in (
        "SVLM",
        "SIBW",
        "PDMW",
        "BIAS",
        "RIPD",
        "RWPD",
        "SWPD",
        "PWLM",
        "TMOD",
        "TIRD",
        "TVRD",
        "TCUR",
        "TRTH",
    ):
        assert ask(laser, f"{query}?") is not None, query
    assert errors(laser) == ["0", "0"]


def test_constant_power_follows_the_photodiode_up_to_the_current_limit(laser: LDC500, light: Meter) -> None:
    ask_all(laser, "SMOD CP", "SIPD 100", "SILM 300", "LDON ON")
    assert ask_all(laser, "RIPD?", "RILD?") == ["100.0000", "200.0000"]
    ask(laser, "SIPD 400")
    assert light.level == pytest.approx(0.3)
    ask(laser, "SIPD 6000")
    assert errors(laser) == ["1", "0"]


def test_a_change_of_mode_takes_over_what_flows(laser: LDC500, light: Meter) -> None:
    ask_all(laser, "SILD 150", "SIPD 10", "LDON ON", "SMOD CP")
    assert ask(laser, "SIPD?") == "75.0000"
    ask_all(laser, "SIPD 80", "SMOD CC")
    assert ask(laser, "SILD?") == "160.0000"
    assert len(light.changes) == 2  # on, and the step to 160 mA: no bump at either change


def test_a_diode_voltage_beyond_its_limit_puts_the_laser_out(laser: LDC500, light: Meter) -> None:
    ask_all(laser, "SVLM 1.6", "SILD 150", "LDON ON", "SILD 200")
    assert light.level == 0.0
    assert ask(laser, "LDON?") == "OFF"


def test_the_cooler_goes_as_far_as_its_current_takes_it(bench: Bench, laser: LDC500) -> None:
    ask_all(laser, "TILM 0.2", "TEMP 10", "TEON 1")
    bench.wait_until(100.0)
    assert ask_all(laser, "TTRD?", "TIRD?") == ["19.0000", "0.2000"]
    ask_all(laser, "TMOD CC", "TCUR 0.1")
    bench.wait_until(200.0)
    assert ask_all(laser, "TTRD?", "TIRD?") == ["21.0000", "0.1000"]
    ask(laser, "TMOD CT")
    assert ask(laser, "TEMP?") == "21.0000"
