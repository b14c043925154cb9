"""What depends on the bus: END, interrupted and deadlocked exchanges, device clear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pyvisa

from spinlab.virtual.instrument import Instrument
from spinlab.virtual.schedule import Schedule
from spinlab.virtual.visalib import SpinlabVisaLibrary
from tests.virtual.hand_clock import HandClock, Lamp, ask

DEFINITION = """\
spec: "1.1"
spinlab:
  bench: nowhere:at_all
  profile: none.toml
  instruments:
    lamp: [GPIB0::7::INSTR, TCPIP0::10.0.0.7::5025::SOCKET]
devices: {}
resources: {}
"""


@pytest.fixture
def lamp() -> Lamp:
    return Lamp(Schedule(HandClock()))


@pytest.fixture
def manager(tmp_path: Path, lamp: Lamp) -> Iterator[pyvisa.ResourceManager]:
    path = tmp_path / "bench.yaml"
    path.write_text(DEFINITION)
    instruments: dict[str, Instrument] = {"lamp": lamp}
    clock = lamp.schedule.clock
    assert isinstance(clock, HandClock)
    opened = pyvisa.ResourceManager(SpinlabVisaLibrary.for_bench(path, instruments, clock))
    yield opened
    opened.close()


@pytest.fixture
def bus(manager: pyvisa.ResourceManager) -> Any:
    return manager.open_resource("GPIB0::7::INSTR", read_termination="\n", write_termination="\n")


@pytest.fixture
def stream(manager: pyvisa.ResourceManager) -> Any:
    return manager.open_resource("TCPIP0::10.0.0.7::5025::SOCKET", read_termination="\n", write_termination="\n")


def test_a_message_before_the_reply_was_read_interrupts_it(bus: Any, lamp: Lamp) -> None:
    bus.write("*IDN?")
    bus.write("OUTP ON")
    assert lamp.on
    assert bus.query("SYST:ERR?") == '-410,"Query INTERRUPTED"'


def test_a_command_that_takes_time_and_asks_nothing_interrupts_nothing(bus: Any, lamp: Lamp) -> None:
    lamp.finished_at = lambda: 1.0  # type: ignore[method-assign]
    bus.write("OUTP ON;*WAI")
    assert bus.query("OUTP?") == "1"
    assert lamp.schedule.clock.now() >= 1.0
    assert bus.query("SYST:ERR?") == '0,"No error"'


def test_reading_what_was_not_asked_for_is_an_error_of_its_own(bus: Any, lamp: Lamp) -> None:
    bus.timeout = 10
    with pytest.raises(pyvisa.VisaIOError):
        bus.read()
    assert bus.query("SYST:ERR?") == '-420,"Query UNTERMINATED"'


def test_replies_that_nobody_reads_fill_the_output_buffer_and_are_lost(stream: Any, lamp: Lamp) -> None:
    lamp.output_buffer_size = 1000
    for _ in range(100):
        stream.write("*IDN?")
    stream.flush(pyvisa.constants.BufferOperation.discard_read_buffer)
    replies = [stream.query("SYST:ERR?") for _ in range(3)]
    assert replies[0] == '-430,"Query DEADLOCKED"'


def test_one_reply_may_be_longer_than_the_output_buffer(stream: Any, lamp: Lamp) -> None:
    lamp.output_buffer_size = 1000
    lamp.data = bytes(range(256)) * 40
    stream.write("MEM:DATA?")
    with stream.read_termination_context(None):
        reply = stream.read_bytes(2 + 5 + len(lamp.data) + 1)
    assert reply == b"#510240" + lamp.data + b"\n"
    assert stream.query("SYST:ERR?") == '0,"No error"'


def test_an_indefinite_block_ends_where_the_bus_says_so(bus: Any, lamp: Lamp) -> None:
    bus.write_raw(b"MEM:DATA #0two\nlines\n")
    assert lamp.data == b"two\nlines"
    assert bus.query("SYST:ERR?") == '0,"No error"'


def test_an_indefinite_block_on_a_stream_ends_with_its_line(stream: Any, lamp: Lamp) -> None:
    stream.write_raw(b"MEM:DATA #0one line\nOUTP ON\n")
    assert lamp.data == b"one line"
    assert lamp.on


def test_device_clear_forgets_what_waits_and_leaves_settings_alone(bus: Any, lamp: Lamp) -> None:
    bus.write("SOUR:BRIG 1.5")
    bus.write("MEAS:SLOW? 50")
    bus.clear()
    assert bus.query("SOUR:BRIG?") == "1.5"
    assert lamp.schedule.clock.now() < 1.0


def test_an_operation_complete_that_waits_is_forgotten_by_clear_status(lamp: Lamp) -> None:
    clock = lamp.schedule.clock
    assert isinstance(clock, HandClock)
    lamp.finished_at = lambda: 5.0  # type: ignore[method-assign]
    ask(lamp, "*CLS;*OPC")
    ask(lamp, "*CLS")
    clock.time = 6.0
    assert ask(lamp, "*ESR?") == "0"
    ask(lamp, "*OPC")
    assert ask(lamp, "*ESR?") == "1"
