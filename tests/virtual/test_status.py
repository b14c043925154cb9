"""Status reporting: what an error sets, what is summed up where, and what asks for service."""

from __future__ import annotations

from spinlab.virtual.status import CommandFailed
from tests.virtual.hand_clock import ask, lamp


def test_errors_set_their_class_in_the_event_register_which_clears_on_read() -> None:
    box = lamp()
    assert ask(box, "*ESR?") == "128"  # power on
    ask(box, "NONSENSE")
    ask(box, "SOUR:BRIG 99")
    assert ask(box, "*ESR?") == str(32 + 16)
    assert ask(box, "*ESR?") == "0"


def test_a_full_error_queue_ends_with_overflow() -> None:
    box = lamp()
    for _ in range(20):
        ask(box, "NONSENSE")
    assert ask(box, "SYST:ERR:COUN?") == "10"
    errors = [ask(box, "SYST:ERR?") for _ in range(11)]
    assert errors[8:] == ['-113,"Undefined header"', '-350,"Queue overflow"', '0,"No error"']


def test_the_status_byte_sums_up_errors_and_enabled_events() -> None:
    box = lamp()
    ask(box, "*CLS;*ESE 32;*SRE 32")
    assert ask(box, "*STB?") == "0"
    ask(box, "NONSENSE")
    assert ask(box, "*STB?") == str(4 + 32 + 64)
    ask(box, "*CLS")
    assert ask(box, "*STB?") == "0"


def test_a_serial_poll_reports_each_request_once() -> None:
    box = lamp()
    ask(box, "*CLS;*ESE 32;*SRE 32")
    ask(box, "NONSENSE")
    assert box.wants_service(message_available=False)
    assert box.serial_poll(message_available=False) & 64
    assert not box.serial_poll(message_available=False) & 64
    assert not box.wants_service(message_available=False)
    ask(box, "*CLS")
    assert box.serial_poll(message_available=False) == 0
    ask(box, "NONSENSE")
    assert box.serial_poll(message_available=False) & 64


def test_a_register_latches_the_transitions_it_looks_for() -> None:
    box = lamp()
    register = box.status.registers["OPER"]
    ask(box, "STAT:OPER:NTR 2;PTR 1;ENAB 3")
    register.update(3)
    assert ask(box, "STAT:OPER:COND?;EVEN?;EVEN?") == "3;1;0"
    register.update(0)
    assert ask(box, "*STB?") == "128"
    assert ask(box, "STAT:OPER?") == "2"
    ask(box, "STAT:PRES")
    assert ask(box, "STAT:OPER:PTR?;NTR?;ENAB?") == "32767;0;0"


def test_interrupted_and_unterminated_queries_are_query_errors() -> None:
    box = lamp()
    ask(box, "*CLS")
    box.interrupted()
    box.unterminated()
    assert ask(box, "*ESR?;:SYST:ERR?;:SYST:ERR?") == '4;-410,"Query INTERRUPTED";-420,"Query UNTERMINATED"'


def test_an_instrument_s_own_errors_carry_its_own_text() -> None:
    box = lamp()
    box.fail(CommandFailed(413, "Not allowed with mode armed"))
    assert ask(box, "SYST:ERR?") == '413,"Not allowed with mode armed"'
