"""Answers that take time, and what is sent meanwhile."""

from __future__ import annotations

from spinlab.virtual.instrument import Pending
from spinlab.virtual.schedule import Schedule
from tests.virtual.hand_clock import HandClock, Lamp


def patient_lamp() -> tuple[HandClock, Lamp]:
    clock = HandClock()
    return clock, Lamp(Schedule(clock))


def test_a_slow_answer_is_there_when_its_time_has_come() -> None:
    clock, box = patient_lamp()
    reply = box.receive(b"OUTP?;:MEAS:SLOW? 3;:OUTP ON;:OUTP?")
    assert isinstance(reply, Pending)
    assert reply.ready_at == 3
    assert not box.on
    clock.time = 3
    box.schedule.catch_up()
    assert reply.done
    assert reply.reply == b"0;3;1"


def test_messages_that_come_meanwhile_are_carried_out_after_it_in_order() -> None:
    clock, box = patient_lamp()
    first = box.receive(b"MEAS:SLOW? 3")
    second = box.receive(b"OUTP ON")
    third = box.receive(b"MEAS:SLOW? 2;:OUTP?")
    assert not box.on
    for clock.time in (3, 5):
        box.schedule.catch_up()
    assert isinstance(first, Pending)
    assert isinstance(second, Pending)
    assert isinstance(third, Pending)
    assert (first.reply, second.reply) == (b"3", None)
    assert first.done
    assert second.done
    assert third.done
    assert third.reply == b"2;1"


def test_operation_complete_is_noted_and_answered() -> None:
    _, box = patient_lamp()
    assert box.receive(b"*CLS;*OPC;*OPC?;*ESR?") == b"1;1"
