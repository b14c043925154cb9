"""The language of SCPI instruments: headers, paths, parameters, compound messages, errors."""

from __future__ import annotations

import pytest

from spinlab.virtual.headers import MEMORY
from tests.virtual.hand_clock import Lamp, ask, lamp

NO_ERROR = '0,"No error"'


@pytest.mark.parametrize(
    "header",
    [
        "SOURce:BRIGhtness:LEVel:IMMediate",
        "sour:brig",
        ":SOUR:BRIG:LEV",
        "Sour:Brightness:Imm",
        "SOUR1:BRIG",
        "SOUR:BRIG:LEV:IMM",
    ],
)
def test_long_and_short_forms_optional_nodes_and_any_case_mean_the_same(header: str) -> None:
    box = lamp()
    assert ask(box, f"{header} 1.25") is None
    assert ask(box, f"{header}?") == "1.25"
    assert ask(box, "SYST:ERR?") == NO_ERROR


@pytest.mark.parametrize(
    "header", ["SOURC:BRIG?", "SOUR:BRI?", "BRIG?", "SOUR:BRIG:LEV:LEV?", "SOUR:?", ":?", "?", "SOUR:"]
)
def test_a_header_that_is_not_spelled_out_is_undefined(header: str) -> None:
    box = lamp()
    assert ask(box, header) is None
    assert ask(box, "SYST:ERR?") == '-113,"Undefined header"'


def test_a_relative_header_starts_where_the_one_before_it_ended() -> None:
    box = lamp()
    assert ask(box, "SOUR:BRIG 1;SHAP SQU;BRIG?;SHAP?") == "1;SQU"


def test_a_colon_goes_back_to_the_root_and_common_commands_leave_the_path_alone() -> None:
    box = lamp()
    assert ask(box, "SOUR:SHAP ARB0;*CLS;SHAP?;:OUTP ON;:OUTP?;:*IDN?") == "ARB0;1;SPINLAB,LAMP,7,1.0"


def test_the_path_of_one_message_does_not_reach_the_next() -> None:
    box = lamp()
    ask(box, "SOUR:SHAP SIN")
    assert ask(box, "SHAP?") is None
    assert ask(box, "SYST:ERR?") == '-113,"Undefined header"'


def test_several_queries_are_answered_in_one_reply() -> None:
    assert ask(lamp(), "*IDN?;:SOUR:BRIG?;SHAP?;:SYST:ERR?") == f"SPINLAB,LAMP,7,1.0;0.5;SIN;{NO_ERROR}"


def test_a_numeric_suffix_is_passed_on_and_is_one_when_left_out() -> None:
    box = lamp()
    ask(box, "CHAN3:FLAS 2;:CHAN:FLAS;:CHANNEL12:FLASH")
    assert box.flashes == [3, 3, 1, 12]


def test_a_suffix_where_none_belongs_is_out_of_range() -> None:
    box = lamp()
    assert ask(box, "SOUR2:BRIG?") is None
    assert ask(box, "SYST:ERR?") == '-114,"Header suffix out of range"'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1"),
        ("+.5E0", "0.5"),
        ("500 mW", "0.5"),
        ("250MW", "0.25"),
        ("MAX", "2"),
        ("minimum", "0"),
        ("DEF", "0.5"),
        ("#H1", "1"),
        ("1e-3 KW", "1"),
    ],
)
def test_numbers_take_unit_suffixes_and_the_words_for_their_limits(text: str, value: str) -> None:
    box = lamp()
    assert ask(box, f"SOUR:BRIG {text};BRIG?;:SYST:ERR?") == f"{value};{NO_ERROR}"


def test_limits_can_be_asked_for() -> None:
    assert ask(lamp(), "SOUR:BRIG? MAX;BRIG? MIN;BRIG? DEF") == "2;0;0.5"


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("SOUR:BRIG", '-109,"Missing parameter"'),
        ("SOUR:BRIG 1,2", '-108,"Parameter not allowed"'),
        ("SOUR:BRIG 3", '-222,"Parameter data out of range"'),
        ("SOUR:BRIG 1e999", '-222,"Parameter data out of range"'),
        ("SOUR:BRIG 1 V", '-131,"Invalid suffix"'),
        ("SOUR:BRIG bright", '-141,"Invalid character data"'),
        ("SOUR:BRIG 1_0", '-120,"Numeric data error"'),
        ("SOUR:BRIG 'x'", '-104,"Data type error"'),
        ("SOUR:SHAP TRI", '-224,"Illegal parameter value"'),
        ("SYST:NAME 'open", '-151,"Invalid string data"'),
        ("MEM:DATA #3999ab", '-161,"Invalid block data"'),
        ("*IDN", '-113,"Undefined header"'),
        ("OUTP maybe", '-141,"Invalid character data"'),
    ],
)
def test_what_is_wrong_with_a_message_has_the_standard_number(message: str, error: str) -> None:
    box = lamp()
    assert ask(box, message) is None
    assert ask(box, "SYST:ERR?") == error
    assert ask(box, "SYST:ERR?") == NO_ERROR


def test_strings_may_hold_separators_and_doubled_quotes() -> None:
    box = lamp()
    assert ask(box, "SYST:NAME 'a;b,\"c\" it''s';NAME?") == '"a;b,""c"" it\'s"'


def test_blocks_may_hold_anything() -> None:
    box = lamp()
    data = bytes(range(256))
    assert box.receive(b"MEM:DATA #3256" + data + b";:OUTP 1;:OUTP?") == b"1"
    assert box.receive(b"MEM:DATA?") == b"#3256" + data


def test_a_list_takes_all_remaining_arguments() -> None:
    assert ask(lamp(), "CALC:SUM? 1, 2 ,3.5") == "6.5"


def test_a_setting_for_several_functions_is_kept_for_each() -> None:
    box = lamp()
    assert ask(box, "SENS:VOLT:LIM 7;:SENS:VOLT:DC:LIM?;:SENS:CURR:LIM?") == "7;3"
    assert box.limits == {"V": 7, "I": 3}


def test_after_a_command_error_the_rest_of_the_message_is_dropped() -> None:
    box = lamp()
    assert ask(box, "SOUR:BRIG 1;NONSENSE 3;:OUTP ON;:SYST:ERR?") is None
    assert not box.on
    assert box.brightness == 1


def test_after_an_execution_error_the_rest_is_carried_out() -> None:
    box = lamp()
    assert ask(box, "SOUR:BRIG 5;:OUTP ON;:SYST:ERR?") == '-222,"Parameter data out of range"'
    assert box.on


def test_reset_puts_settings_back_and_leaves_the_error_queue_alone() -> None:
    box = lamp()
    ask(box, "SOUR:BRIG 1;NONSENSE")
    assert ask(box, "*RST;:SOUR:BRIG?;:SYST:ERR?") == '0.5;-113,"Undefined header"'


def test_the_memory_of_headers_stays_bounded() -> None:
    box = lamp()
    for number in range(1, MEMORY + 100):
        ask(box, f"CHAN{number}:FLAS")
    assert len(Lamp.headers._memory) <= MEMORY
    assert ask(box, "SYST:ERR?") == NO_ERROR
