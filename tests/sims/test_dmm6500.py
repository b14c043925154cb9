"""The Keithley DMM6500: what it has beyond the DMM7510, the channels of its scanner card."""

from __future__ import annotations

import pytest

from sims.dmm6500 import DMM6500
from tests.sims.inputs import Ramp
from tests.sims.wires import Bench, ask_all
from tests.virtual.hand_clock import ask


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def meter(bench: Bench) -> DMM6500:
    return DMM6500(bench.schedule, Ramp())


def test_a_channel_has_settings_of_its_own(meter: DMM6500) -> None:
    ask(meter, 'FUNC "FRES", (@1:3);:FRES:NPLC 5, (@2)')
    assert ask_all(meter, "FUNC? (@2)", "FUNC?", "FUNC? (@4)") == ["FRES", "VOLT:DC", "NONE"]
    assert ask(meter, "FRES:NPLC? (@1:3)") == "1,5,1"
    assert ask(meter, "FRES:NPLC?") == "1"
    ask(meter, "*RST")
    assert ask(meter, "FUNC? (@2)") == "NONE"


def test_a_scan_reads_its_channels_in_turn_as_often_as_it_is_told(bench: Bench, meter: DMM6500) -> None:
    ask(meter, 'FUNC "VOLT", (@1,3,4);:VOLT:NPLC 6, (@1,3,4);:ROUT:SCAN:CRE (@1,3:4)')
    assert ask(meter, "ROUT:SCAN:CRE?") == "(@1,3:4)"
    ask(meter, "ROUT:SCAN:COUN:SCAN 2;:INIT;*OPC")
    bench.wait_until(0.35)
    assert ask_all(meter, "TRAC:ACT?", "*ESR?") == ["3", "128"]
    bench.wait_until(0.65)
    assert ask_all(meter, "TRAC:ACT?", "*ESR?") == ["6", "1"]


@pytest.mark.parametrize(
    "message", ["FUNC 'VOLT', (@11)", "READ? (@1)", "*RST (@1)", "VOLT:REL:ACQ (@1)", "VOLT:NPLC 99, (@1)"]
)
def test_what_a_channel_cannot_do_is_an_error_and_changes_nothing(meter: DMM6500, message: str) -> None:
    ask(meter, "VOLT:NPLC 3")
    ask(meter, message)
    assert not str(ask(meter, "SYST:ERR?")).startswith("0")
    assert ask(meter, "VOLT:NPLC?;:FUNC?;:FUNC? (@1)") == "3;VOLT:DC;NONE"


def test_its_highest_alternating_voltage_is_its_own(meter: DMM6500) -> None:
    assert ask(meter, "VOLT:AC:RANG 750;RANG?;:RES:RANG 1e8;RANG?") == "750;100000000"


def test_a_scan_of_a_channel_without_a_function_is_a_conflict(meter: DMM6500) -> None:
    ask(meter, "ROUT:SCAN:CRE (@5);:INIT")
    assert str(ask(meter, "SYST:ERR?")).startswith("-221")
