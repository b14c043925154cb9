"""Dialects of mnemonics, settings with an index, setups, channel lists: what instruments may declare."""

from __future__ import annotations

import re
from typing import ClassVar

import pytest

from spinlab.virtual.commands import IndexedSetting, command, query, setting
from spinlab.virtual.lakeshore import LakeShoreInstrument
from spinlab.virtual.parameters import Bare, Boolean, Channels, Integer, Number, Word, short_form
from spinlab.virtual.schedule import Schedule
from spinlab.virtual.scpi import ScpiInstrument
from spinlab.virtual.setups import SavedSetups
from spinlab.virtual.srs import SrsInstrument
from spinlab.virtual.status import CommandFailed
from tests.virtual.hand_clock import HandClock, ask


class Heater(LakeShoreInstrument):
    ramp = IndexedSetting(
        "RAMP", Integer(1, 9), (1, 2), (Boolean(), Number(0, 100, form="+.1f")), {1: (False, 1.0), 2: (True, 2.0)},
        sparse=True,
    )  # fmt: skip
    lock = IndexedSetting("LOCK", None, (None,), (Boolean(), Integer(0, 999)), (False, 123))
    note = IndexedSetting("NOTE", Word("A", "B"), "AB", (Bare(longest=8),), ("",))


class Pulser(SavedSetups, SrsInstrument):
    error_numbers: ClassVar = {-100: 1, -222: 2, -113: 3, -1121: 4, -1131: 5}
    width = setting("WDTH", Number(0, 10), 1.0)
    locations, saved, kept = range(3), range(1, 3), ("hidden",)

    def reset(self) -> None:
        super().reset()
        self.hidden, self.errors = [0], []

    @command("HIDE", Integer(0, 9))
    def hide(self, value: int) -> None:
        self.hidden.append(value)

    @query("LAST")
    def last(self) -> int:
        return self.hidden[-1]

    def record_error(self, number: int, cause: int) -> None:
        self.errors.append(number)


class Scanner(ScpiInstrument):
    channels = setting("ROUTe:SCAN", Channels(1, 10), [])
    stimulus = setting("STIMulus", Word("TIMer1", "TIMer2", "NOTify1", "NONE"), "NONE")
    automatic = setting("AUTO", Boolean(words=True), True)


@pytest.fixture
def heater() -> Heater:
    return Heater(Schedule(HandClock()))


@pytest.fixture
def pulser() -> Pulser:
    return Pulser(Schedule(HandClock()))


@pytest.fixture
def scanner() -> Scanner:
    return Scanner(Schedule(HandClock()))


def test_a_setting_with_an_index_is_kept_for_each_of_them(heater: Heater) -> None:
    assert ask(heater, "RAMP 1,1,12.34;RAMP? 1;RAMP? 2") == "1,+12.3;1,+2.0"
    assert heater.ramp == {1: (True, 12.34), 2: (True, 2.0)}


def test_what_a_sparse_setting_is_not_told_stays(heater: Heater) -> None:
    assert ask(heater, "RAMP 2,,5;RAMP? 2;RAMP 2,0;RAMP? 2") == "1,+5.0;0,+5.0"
    assert ask(heater, "*CLS;LOCK 1;LOCK? ;*ESR?") == "0,123;32"  # not sparse: a missing value is an error


def test_a_setting_may_have_several_values_and_no_index(heater: Heater) -> None:
    assert ask(heater, "LOCK 1,5;LOCK?") == "1,5"


def test_an_index_that_has_no_setting_is_out_of_range(heater: Heater) -> None:
    assert ask(heater, "*CLS;RAMP 5,1,1;RAMP? 5;*ESR?") == "16"


def test_a_bare_text_may_be_quoted_and_is_answered_without(heater: Heater) -> None:
    assert ask(heater, 'NOTE A,10.0.0.2;NOTE B,"a;b";NOTE? A;NOTE? B') == "10.0.0.2;a;b"


def test_lake_shore_carries_on_after_nonsense_and_srs_does_not(heater: Heater, pulser: Pulser) -> None:
    assert ask(heater, "*CLS;NONSENSE;LOCK?;*ESR?") == "0,123;32"
    assert ask(pulser, "NONS 1;WDTH?") is None
    assert pulser.errors == [3]


def test_a_mnemonic_the_wrong_way_round_has_a_number_of_its_own(pulser: Pulser) -> None:
    ask(pulser, "LAST 1")
    ask(pulser, "HIDE?")
    assert pulser.errors == [5, 4]


def test_setups_hold_settings_and_what_else_is_named(pulser: Pulser) -> None:
    ask(pulser, "WDTH 3;HIDE 7;*SAV 1;WDTH 4;HIDE 8")
    assert ask(pulser, "*RCL 1;WDTH?") == "3"
    assert ask(pulser, "LAST?") == "7"
    ask(pulser, "*RCL 0")
    assert ask(pulser, "WDTH?") == "1"


@pytest.mark.parametrize("message", ["*SAV 0", "*SAV 3", "*RCL 3"])
def test_setups_have_their_places(pulser: Pulser, message: str) -> None:
    ask(pulser, message)
    assert pulser.errors == [2]


def test_power_on_status_clear_is_remembered(pulser: Pulser) -> None:
    assert ask(pulser, "*PSC?") == "1"
    ask(pulser, "*PSC 0")
    assert ask(pulser, "*PSC?") == "0"


@pytest.mark.parametrize(
    ("text", "channels", "shown"),
    [
        ("(@1)", [1], "(@1)"),
        ("(@1, 3:5)", [1, 3, 4, 5], "(@1,3:5)"),
        ("(@4:2)", [4, 3, 2], "(@4,3,2)"),
        ("(@)", [], "(@)"),
    ],
)
def test_channel_lists_are_ranges_of_channels(scanner: Scanner, text: str, channels: list[int], shown: str) -> None:
    assert ask(scanner, f"ROUT:SCAN {text};SCAN?") == shown
    assert scanner.channels == channels


@pytest.mark.parametrize(("text", "error"), [("(@11)", -222), ("(@a)", -104), ("1", -104), ("(@1:2:3)", -104)])
def test_what_is_no_channel_list_is_refused(scanner: Scanner, text: str, error: int) -> None:
    assert str(ask(scanner, f"ROUT:SCAN {text}") or ask(scanner, "SYST:ERR?")).startswith(str(error))


def test_a_number_at_the_end_of_a_word_is_part_of_its_short_form(scanner: Scanner) -> None:
    assert (short_form("TIMer2"), short_form("ARB0"), short_form("VOLTage")) == ("TIM2", "ARB0", "VOLT")
    assert ask(scanner, "STIM TIM2;STIM?;STIM TIMER1;STIM?;STIM NOT1;STIM?") == "TIM2;TIM1;NOT1"


def test_a_switch_may_answer_in_words(scanner: Scanner) -> None:
    assert ask(scanner, "AUTO?;AUTO 0;AUTO?") == "ON;OFF"


def test_options_and_all_errors_can_be_asked_for(scanner: Scanner) -> None:
    assert ask(scanner, "*OPT?;:SYST:ERR:ALL?") == '0;0,"No error"'
    ask(scanner, "NONSENSE")
    ask(scanner, "ROUT:SCAN (@11)")
    assert ask(scanner, "SYST:ERR:CODE:ALL?") == "-113,-222"
    ask(scanner, "NONSENSE")
    assert ask(scanner, "SYST:ERR:CODE?;:SYST:ERR:CODE?") == "-113;0"


def test_a_dialect_is_a_way_of_cutting_commands() -> None:
    assert re.fullmatch(LakeShoreInstrument.unit, ":krdg? a")
    with pytest.raises(CommandFailed):
        list(Pulser(Schedule(HandClock())).parse("?"))
