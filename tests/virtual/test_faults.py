"""Faults on demand: when they strike, and what they do to a message, a reply, an instrument."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvisa
from hypothesis import given
from hypothesis import strategies as st
from pyvisa.constants import StatusCode

from spinlab.errors import BadInput
from spinlab.profile.sections import Fault
from spinlab.replies import error_entry, line_of, number
from spinlab.virtual.damage import garbled, of_wrong_length, truncated
from spinlab.virtual.faults import Faults
from spinlab.virtual.instrument import Cut, HangUp, Pending
from spinlab.virtual.schedule import Schedule
from spinlab.virtual.visalib import SpinlabVisaLibrary
from tests.virtual.hand_clock import HandClock, Lamp

YAML = """
spec: "1.1"
devices: {}
resources: {}
spinlab:
  instruments:
    lamp: [TCPIP0::lamp::5025::SOCKET, GPIB0::7::INSTR]
"""


class Workbench:
    """A lamp on a clock moved by hand, and what may go wrong with it."""

    def __init__(self, seed: int = 1, *planned: Fault) -> None:
        self.clock = HandClock()
        self.lamp = Lamp(Schedule(self.clock))
        self.lamp.receive(b"*CLS")
        self.faults = Faults({"lamp": self.lamp}, seed, planned)

    def struck(self, messages: int, message: bytes = b"OUTP?") -> list[int]:
        """The numbers, from 1, of the messages at which a fault struck; a second passes after each."""
        numbers = []
        for i in range(1, messages + 1):
            before = len(self.faults.happened)
            self.lamp.receive(message)
            self.clock.time += 1
            if len(self.faults.happened) > before:
                numbers.append(i)
        return numbers


# --- when


def test_by_default_a_fault_strikes_the_first_message_and_no_other() -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "no reply")
    assert bench.struck(5) == [1]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"exchange": 4}, [4]),
        ({"exchange": 2, "every": 3, "times": "unlimited"}, [2, 5, 8]),
        ({"times": 2}, [1, 2]),
        ({"after": 3.5}, [5]),
        ({"after": "2 s", "before": "5 s", "times": "unlimited"}, [3, 4, 5]),
        ({"probability": 0.0, "times": "unlimited"}, []),
        ({"matching": "brig"}, []),
    ],
)
def test_a_schedule_says_which_messages_are_hit(schedule: dict[str, object], expected: list[int]) -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "no reply", **schedule)
    assert bench.struck(8) == expected


def test_only_messages_that_match_are_counted() -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "no reply", matching=r"^outp\?", exchange=2)
    answers = [bench.lamp.receive(message) for message in (b"OUTP?", b"SOUR:SHAP?", b"OUTP?", b"OUTP?")]
    assert answers == [b"0", b"SIN", None, b"0"]


def test_chance_is_the_faults_own_and_the_same_for_the_same_seed() -> None:
    def hits(seed: int) -> list[int]:
        bench = Workbench(seed)
        bench.faults.arm("lamp", "no reply", probability=0.2, times="unlimited")
        return bench.struck(500)

    assert hits(3) == hits(3) != hits(4)
    assert 60 < len(hits(3)) < 140


def test_a_fault_of_replies_waits_for_a_question() -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "late reply", delay=3)
    assert bench.struck(1, b"OUTP ON") == []
    assert bench.struck(1) == [1]


def test_two_faults_count_by_themselves() -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "no reply", exchange=2)
    bench.faults.arm("lamp", "error entry", exchange=3)
    bench.struck(4)
    assert [(each.time, each.kind) for each in bench.faults.happened] == [(1.0, "no reply"), (2.0, "error entry")]


def test_a_profile_plans_faults_and_disarming_ends_them() -> None:
    bench = Workbench(1, Fault(instrument="lamp", kind="no reply", times="unlimited"))
    assert bench.lamp.receive(b"OUTP?") is None
    bench.faults.disarm()
    assert bench.lamp.receive(b"OUTP?") == b"0"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("lampp", "no reply", {}), "no instrument 'lampp' (did you mean 'lamp'?)"),
        (("lamp", "no replies", {}), "fault.kind"),
        (("lamp", "no reply", {"probability": 1.5}), "fault.probability"),
        (("lamp", "no reply", {"exchange": 0}), "fault.exchange"),
        (("lamp", "no reply", {"matching": "("}), "is no regular expression"),
        (("lamp", "no reply", {"evry": 2}), "fault.evry"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(arguments: tuple[str, str, dict[str, object]], complaint: str) -> None:
    instrument, kind, schedule = arguments
    with pytest.raises(BadInput) as refused:
        Workbench().faults.arm(instrument, kind, **schedule)
    assert complaint in str(refused.value)


# --- what


def test_no_reply_means_carried_out_and_not_answered() -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "no reply")
    assert bench.lamp.receive(b"OUTP ON;:OUTP?") is None
    assert bench.lamp.on


def test_a_late_reply_is_the_right_one_at_its_time() -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "late reply", delay="3 s")
    reply = bench.lamp.receive(b"OUTP ON;:OUTP?")
    assert isinstance(reply, Pending)
    assert bench.lamp.on
    bench.clock.time = 2.9
    bench.lamp.schedule.catch_up()
    assert not reply.done
    bench.clock.time = 3.0
    bench.lamp.schedule.catch_up()
    assert (reply.done, reply.reply) == (True, b"1")


def test_a_reply_that_takes_time_anyway_is_damaged_when_it_comes() -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "garbled reply")
    reply = bench.lamp.receive(b"MEAS:SLOW? 3;:MEAS:SLOW? 2")
    assert isinstance(reply, Pending)
    for bench.clock.time in (3.0, 5.0):
        bench.lamp.schedule.catch_up()
    assert reply.reply is not None
    assert len(reply.reply) == 3
    assert not reply.reply.isascii()


def test_an_error_entry_is_reported_by_the_next_question_for_errors() -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "error entry", code=-240, text="Hardware error")
    assert bench.lamp.receive(b"OUTP ON;:SYST:ERR?;:SYST:ERR?") == b'-240,"Hardware error";0,"No error"'
    assert bench.lamp.on


def test_stuck_busy_for_a_while_does_everything_later_and_for_ever_never() -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "stuck busy", duration=4)
    reply = bench.lamp.receive(b"OUTP ON;:OUTP?")
    assert isinstance(reply, Pending)
    assert not bench.lamp.on
    bench.clock.time = 4.0
    bench.lamp.schedule.catch_up()
    assert reply.reply == b"1"
    bench.faults.arm("lamp", "stuck busy")
    stuck = bench.lamp.receive(b"OUTP?")
    bench.clock.time = 1e9
    bench.lamp.schedule.catch_up()
    assert isinstance(stuck, Pending)
    assert not stuck.done


def test_a_rebooted_instrument_has_lost_its_settings_and_says_so_in_one_bit_only() -> None:
    bench = Workbench()
    bench.lamp.receive(b"OUTP ON;:SOUR:BRIG 2;:CRASH")
    bench.faults.arm("lamp", "reboot")
    assert bench.lamp.receive(b"*IDN?;:SOUR:BRIG?;:OUTP?;:SYST:ERR?;*ESR?") == (
        b'SPINLAB,LAMP,7,1.0;0.5;0;0,"No error";128'
    )


def test_a_full_buffer_loses_the_message_and_tells_later() -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "full buffer")
    assert bench.lamp.receive(b"OUTP ON;:OUTP?") is None
    assert bench.lamp.receive(b"OUTP?;:SYST:ERR?") == b'0;-363,"Input buffer overrun"'


def test_an_ignored_setting_leaves_only_the_answers() -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "ignored setting")
    assert bench.lamp.receive(b"OUTP ON;:OUTP?;:SYST:ERR?") == b'0;0,"No error"'


def test_a_dropped_connection_is_said_instead_of_a_reply() -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "dropped connection")
    assert isinstance(bench.lamp.receive(b"OUTP?"), HangUp)


# --- damaged replies are outside the grammar, whatever chance does

REPLIES = st.sampled_from([b"0", b"1.720000E-03", b'1;2.5;0,"No error"', b"0\r\n-12\r\n3", b"SPINLAB,LAMP,7,1.0"])
SEEDS = st.integers(0, 2**32)


@given(REPLIES, SEEDS)
def test_a_garbled_reply_is_no_line(reply: bytes, seed: int) -> None:
    lines = garbled(reply, np.random.default_rng(seed)).split(b"\n")
    bad = next(line for line in lines if not line.isascii())
    with pytest.raises(ValueError, match="characters that no reply has"):
        line_of(bad + b"\n")


@given(REPLIES, SEEDS)
def test_a_truncated_reply_is_a_beginning_that_nobody_terminates(reply: bytes, seed: int) -> None:
    cut = truncated(reply, np.random.default_rng(seed))
    assert isinstance(cut, Cut)
    assert reply.startswith(bytes(cut))
    assert cut + b"\n" == bytes(cut)


@given(REPLIES, SEEDS)
def test_a_reply_of_wrong_length_lacks_a_part(reply: bytes, seed: int) -> None:
    found = of_wrong_length(reply, np.random.default_rng(seed))
    separator = b"\r\n" if b"\r\n" in reply else b";"
    left = found.split(separator) if found else []
    assert len(left) == len(reply.split(separator)) - 1


@given(st.binary(min_size=8, max_size=64), SEEDS)
def test_a_damaged_block_has_another_length_or_another_header(data: bytes, seed: int) -> None:
    block = b"#0" + data
    assert garbled(block, np.random.default_rng(seed))[:2] != b"#0"
    assert len(of_wrong_length(block, np.random.default_rng(seed))) != len(block)


@given(st.integers(), st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_an_error_entry_is_read_as_it_was_written(code: int, text: str) -> None:
    written = text.replace('"', '""')
    assert error_entry(f'{code},"{written}"') == (code, text)
    unquoted = f"{code},x{written}"  # the x: a text of two quotes is an empty text with its quotes
    for broken in (f'{code},"{written}', unquoted, f'{code}"{written}"', f',"{written}"'):
        with pytest.raises(ValueError, match="is no entry"):
            error_entry(broken)


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e999", "1_0", " 1", "1 ", "0x1", "1,2", "١"])
def test_what_python_takes_for_a_number_and_the_standard_does_not_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        number(text)


# --- on a wire


def resource(bench: Workbench, folder: Path, address: str) -> pyvisa.resources.MessageBasedResource:
    (folder / "lamp.yaml").write_text(YAML)
    library = SpinlabVisaLibrary.for_bench(folder / "lamp.yaml", {"lamp": bench.lamp}, bench.clock)
    opened = pyvisa.ResourceManager(library).open_resource(address)
    assert isinstance(opened, pyvisa.resources.MessageBasedResource)
    opened.read_termination = opened.write_termination = "\n"
    return opened


ADDRESSES = ["TCPIP0::lamp::5025::SOCKET", "GPIB0::7::INSTR"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_session_whose_connection_was_dropped_is_dead_and_another_one_works(tmp_path: Path, address: str) -> None:
    bench = Workbench()
    opened = resource(bench, tmp_path, address)
    bench.faults.arm("lamp", "dropped connection")
    for _ in range(2):
        with pytest.raises(pyvisa.errors.VisaIOError) as lost:
            opened.query("OUTP?")
        assert lost.value.error_code == StatusCode.error_connection_lost
    assert resource(bench, tmp_path, address).query("OUTP?") == "0"


def test_a_truncated_reply_on_a_stream_ends_in_a_time_out_and_on_a_bus_arrives_without_its_end(tmp_path: Path) -> None:
    bench = Workbench()
    bench.faults.arm("lamp", "truncated reply", times="unlimited")
    with pytest.raises(pyvisa.errors.VisaIOError):
        resource(bench, tmp_path, ADDRESSES[0]).query("*IDN?")
    bus = resource(bench, tmp_path, ADDRESSES[1])
    bus.write("*IDN?")
    raw = bus.read_raw()
    assert b"SPINLAB,LAMP,7,1.0".startswith(raw)
