"""HiSLIP: what pyvisa-py's client gets, and the protocol message by message (IVI-6.1)."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import pyvisa
from hypothesis import given
from hypothesis import strategies as st

from spinlab.virtual.connection import CROWD
from spinlab.virtual.hislip import LARGEST_PAYLOAD, Fatal, Fault, HislipError, Kind, LockAnswer, Messages, packed
from tests.virtual.network import IDENTITY, Client, HislipClient, Served
from tests.virtual.test_tcp import wait_until

MESSAGE_AVAILABLE = 16
REPLY = IDENTITY.encode() + b"\n"


@pytest.fixture
def client(served: Served) -> Iterator[HislipClient]:
    with HislipClient(served.hislip_port()) as connected:
        yield connected


@pytest.fixture
def manager() -> Iterator[Any]:
    opened = pyvisa.ResourceManager("@py")
    yield opened
    opened.close()


@pytest.fixture
def lamp(served: Served, manager: Any) -> Any:
    """The lamp as pyvisa-py opens it."""
    return manager.open_resource(
        served.addresses["lamp"].hislip, read_termination="\n", write_termination="\n", timeout=5000
    )


# --- pyvisa-py


def test_pyvisa_py_asks_and_is_answered(lamp: Any) -> None:
    assert lamp.query("*IDN?") == IDENTITY
    lamp.write("SOUR:BRIG 1.25")
    assert lamp.query("SOUR:BRIG?") == "1.25"


def test_pyvisa_py_moves_more_than_one_message_holds(lamp: Any) -> None:
    data = np.random.default_rng(2).bytes(2 * LARGEST_PAYLOAD + 5)
    lamp.write_binary_values("MEM:DATA ", data, datatype="B")
    assert bytes(lamp.query_binary_values("MEM:DATA?", datatype="B", container=bytes)) == data


def test_pyvisa_py_sees_that_a_message_is_available(lamp: Any) -> None:
    assert lamp.read_stb() == 0
    lamp.write("*IDN?")
    wait_until(lambda: lamp.read_stb() == MESSAGE_AVAILABLE)
    assert lamp.read() == IDENTITY
    assert lamp.read_stb() == 0


def test_pyvisa_py_polls_the_status_byte(lamp: Any) -> None:
    lamp.write("*CLS;*ESE 1;*SRE 32;*OPC")
    wait_until(lambda: lamp.read_stb() == 32 + 64)
    assert lamp.read_stb() == 32


def test_pyvisa_py_clears_the_device(lamp: Any) -> None:
    lamp.write("MEAS:SLOW? 100")
    lamp.clear()
    assert lamp.query("*IDN?") == IDENTITY
    assert lamp.query("SYST:ERR?") == '0,"No error"'


def test_pyvisa_py_survives_a_reply_that_it_did_not_read(lamp: Any) -> None:
    lamp.write("*IDN?")
    lamp.write("SYST:ERR?")
    assert lamp.read() == '-410,"Query INTERRUPTED"'
    assert lamp.read_stb() == 0
    assert lamp.query("*IDN?") == IDENTITY


def test_a_slow_reply_is_waited_for_and_times_out_when_it_does_not_come(lamp: Any) -> None:
    assert lamp.query("MEAS:SLOW? 0.2") == "0.2"
    lamp.timeout = 100
    lamp.write("MEAS:SLOW? 0.5")
    with pytest.raises(pyvisa.errors.VisaIOError, match="VI_ERROR_TMO"):
        lamp.read()


def test_two_pyvisa_py_clients_in_two_threads_get_no_wrong_reply(served: Served, manager: Any) -> None:
    wrong: list[str] = []
    addresses = served.addresses["lamp"]

    def exchange(address: str, mine: int) -> None:
        box = manager.open_resource(address, read_termination="\n", write_termination="\n")
        for number in range(1000):
            reply = box.query(f"CALC:SUM? {mine},{number}")
            if reply != str(mine + number):
                wrong.append(reply)

    threads = [
        threading.Thread(target=exchange, args=each)
        for each in ((addresses.raw, 10_000), (addresses.hislip, 500_000), (addresses.hislip, 900_000))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- messages and replies


def test_a_reply_carries_the_number_of_its_message(client: HislipClient) -> None:
    number = client.write(b"*IDN?")
    assert client.receive(client.sync) == (Kind.DATA_END, 0, number, REPLY)


def test_data_without_end_waits_for_the_rest(client: HislipClient) -> None:
    client.send(client.sync, Kind.DATA, 0, 0xFFFFFF00, b"*ID")
    client.send(client.sync, Kind.DATA_END, 0, 0xFFFFFF02, b"N?")
    assert client.receive(client.sync) == (Kind.DATA_END, 0, 0xFFFFFF02, REPLY)


def test_replies_are_cut_to_what_the_client_takes(client: HislipClient) -> None:
    kind, _, _, size = client.ask_async(Kind.ASYNC_MAX_MSG_SIZE, payload=struct.pack("!Q", 1016))
    assert (kind, size) == (Kind.ASYNC_MAX_MSG_SIZE_RESPONSE, struct.pack("!Q", LARGEST_PAYLOAD + 16))
    client.write(b"MEM:DATA #42500" + bytes(2500))
    client.write(b"MEM:DATA?")
    pieces = [client.receive(client.sync) for _ in range(3)]
    assert [piece[0] for piece in pieces] == [Kind.DATA, Kind.DATA, Kind.DATA_END]
    assert [len(piece[3]) for piece in pieces] == [1000, 1000, 507]
    assert b"".join(piece[3] for piece in pieces) == b"#42500" + bytes(2500) + b"\n"


def test_a_message_before_the_reply_was_read_interrupts_it(client: HislipClient) -> None:
    client.write(b"*IDN?")
    assert client.read() == REPLY
    number = client.write(b"SYST:ERR?", delivered=False)
    assert client.receive(client.sync) == (Kind.INTERRUPTED, 0, number, b"")
    assert client.receive(client.asynchronous) == (Kind.ASYNC_INTERRUPTED, 0, number, b"")
    assert client.read() == b'-410,"Query INTERRUPTED"\n'


def test_a_set_command_that_takes_time_is_no_reply_that_could_be_interrupted(client: HislipClient) -> None:
    client.write(b"*WAI")
    client.write(b"MEAS:SLOW? 0.1", delivered=False)
    assert client.read() == b"0.1\n"
    client.write(b"SYST:ERR?")
    assert client.read() == b'0,"No error"\n'


def test_a_trigger_keeps_its_place_among_the_messages(served: Served, client: HislipClient) -> None:
    client.write(b"MEAS:SLOW? 0.1")
    client.send(client.sync, Kind.TRIGGER, 1, 0xFFFFFF02)
    client.write(b"*IDN?")
    assert client.read() == b"0.1\n"
    assert client.read() == REPLY
    assert [each.data for each in served.traffic if each.to_instrument] == [b"MEAS:SLOW? 0.1", b"*TRG", b"*IDN?"]


def test_device_clear_drops_what_is_under_way(client: HislipClient) -> None:
    client.write(b"MEAS:SLOW? 100")
    client.write(b"SOUR:BRIG 1.5")
    assert client.ask_async(Kind.ASYNC_DEVICE_CLEAR)[:2] == (Kind.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE, 0)
    client.write(b"SOUR:BRIG 1.75")
    client.send(client.sync, Kind.DEVICE_CLEAR_COMPLETE)
    assert client.receive(client.sync)[0] == Kind.DEVICE_CLEAR_ACKNOWLEDGE
    client.write(b"SOUR:BRIG?")
    assert client.read() == b"0.5\n"


def test_remote_and_local_are_acknowledged(client: HislipClient) -> None:
    assert client.ask_async(Kind.ASYNC_REMOTE_LOCAL_CONTROL, 4)[0] == Kind.ASYNC_REMOTE_LOCAL_RESPONSE
    assert client.ask_async(Kind.ASYNC_REMOTE_LOCAL_CONTROL, 7)[:2] == (Kind.ERROR, Fault.UNRECOGNIZED_CONTROL)


def test_what_a_client_sends_before_it_leaves_is_carried_out(served: Served) -> None:
    with Client(served.port()) as other:
        with HislipClient(served.hislip_port()) as leaving:
            for _ in range(300):
                leaving.write(b"SYST:NAME '" + b"x" * 250 + b"'")
            leaving.write(b"MEAS:SLOW? 0.1")
            leaving.write(b"SOUR:BRIG 1.5")
        wait_until(lambda: other.ask("SOUR:BRIG?") == "1.5")
        wait_until(lambda: len(served.connections) == 1)


# --- locks


def lock(client: HislipClient, patience: float = 0.0, key: bytes = b"") -> int:
    return int(client.ask_async(Kind.ASYNC_LOCK, 1, int(1000 * patience), key)[1])


def unlock(client: HislipClient) -> int:
    return int(client.ask_async(Kind.ASYNC_LOCK, 0, (client.next - 2) & 0xFFFFFFFF)[1])


def test_an_exclusive_lock_keeps_everybody_else_waiting(served: Served, client: HislipClient) -> None:
    with HislipClient(served.hislip_port()) as other, Client(served.port()) as raw:
        assert lock(client) == LockAnswer.SUCCESS
        assert client.ask_async(Kind.ASYNC_LOCK_INFO)[1:3] == (1, 1)
        other.write(b"SOUR:BRIG 1;BRIG?")
        raw.send(b"SOUR:BRIG 2;BRIG?\n")
        assert lock(other, 0.05) == LockAnswer.FAILURE
        client.write(b"SOUR:BRIG?")
        assert client.read() == b"0.5\n"
        assert unlock(client) == LockAnswer.SUCCESS
        assert (other.read(), raw.line()) == (b"1\n", b"2\n")
        assert client.ask_async(Kind.ASYNC_LOCK_INFO)[1:3] == (0, 0)


def test_who_waits_for_a_lock_gets_it_when_it_is_released(served: Served, client: HislipClient) -> None:
    with HislipClient(served.hislip_port()) as other:
        assert lock(client) == LockAnswer.SUCCESS
        other.send(other.asynchronous, Kind.ASYNC_LOCK, 1, 5000)
        assert client.ask_async(Kind.ASYNC_STATUS_QUERY)[1] == 0
        assert unlock(client) == LockAnswer.SUCCESS
        assert other.receive(other.asynchronous)[:2] == (Kind.ASYNC_LOCK_RESPONSE, LockAnswer.SUCCESS)


def test_the_lock_of_a_client_that_leaves_is_released(served: Served, client: HislipClient) -> None:
    with HislipClient(served.hislip_port()) as leaving:
        assert lock(leaving) == LockAnswer.SUCCESS
    assert lock(client, 5) == LockAnswer.SUCCESS


def test_a_shared_lock_is_for_everybody_with_its_key(served: Served, client: HislipClient) -> None:
    with HislipClient(served.hislip_port()) as friend, HislipClient(served.hislip_port()) as stranger:
        assert lock(client, key=b"key") == LockAnswer.SUCCESS
        assert lock(friend, key=b"key") == LockAnswer.SUCCESS
        assert lock(stranger, key=b"other") == LockAnswer.FAILURE
        assert client.ask_async(Kind.ASYNC_LOCK_INFO)[1:3] == (0, 2)
        assert lock(friend) == LockAnswer.SUCCESS
        client.write(b"*IDN?")
        friend.write(b"SOUR:BRIG?")
        assert friend.read() == b"0.5\n"
        assert unlock(friend) == LockAnswer.SUCCESS
        assert client.read() == REPLY
        assert unlock(friend) == LockAnswer.SHARED_RELEASED
        assert unlock(friend) == LockAnswer.ERROR


def test_a_lock_that_is_held_already_is_an_error(client: HislipClient) -> None:
    assert lock(client) == LockAnswer.SUCCESS
    assert lock(client) == LockAnswer.ERROR
    assert client.ask_async(Kind.ASYNC_LOCK, 9)[:2] == (Kind.ERROR, Fault.UNRECOGNIZED_CONTROL)


def test_a_lock_is_released_after_the_messages_that_were_sent_under_it(served: Served, client: HislipClient) -> None:
    with HislipClient(served.hislip_port()) as other:
        assert lock(client) == LockAnswer.SUCCESS
        client.write(b"MEAS:SLOW? 0.2")
        client.write(b"SOUR:BRIG 1.5")
        other.write(b"SOUR:BRIG?")
        assert unlock(client) == LockAnswer.SUCCESS
        assert other.read() == b"1.5\n"


# --- what makes no sense


def fatal(channel: socket.socket) -> int:
    """Expect a fatal error and the end of the connection; returns its code."""
    kind, code, _, text = HislipClient.receive(channel)
    assert kind == Kind.FATAL_ERROR
    assert text
    with pytest.raises((EOFError, ConnectionError)):
        HislipClient.receive(channel)
    return code


def test_without_the_prologue_the_connection_ends(client: HislipClient) -> None:
    client.sync.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert fatal(client.sync) == Fatal.BAD_HEADER
    with pytest.raises((EOFError, ConnectionError)):
        client.receive(client.asynchronous)


def test_a_session_begins_with_initialize(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.hislip_port()), timeout=5) as channel:
        channel.sendall(packed(Kind.DATA_END, 0, 0, b"*IDN?"))
        assert fatal(channel) == Fatal.BAD_INITIALIZATION


def test_a_session_needs_both_its_channels(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.hislip_port()), timeout=5) as channel:
        channel.sendall(packed(Kind.INITIALIZE, 0, 0x01005454, b"hislip0"))
        assert HislipClient.receive(channel)[0] == Kind.INITIALIZE_RESPONSE
        channel.sendall(packed(Kind.DATA_END, 0, 0, b"*IDN?"))
        assert fatal(channel) == Fatal.NOT_ESTABLISHED
    with socket.create_connection(("127.0.0.1", served.hislip_port()), timeout=5) as channel:
        channel.sendall(packed(Kind.ASYNC_INITIALIZE, 0, 4711))
        assert fatal(channel) == Fatal.BAD_INITIALIZATION


def test_another_device_is_not_here(served: Served) -> None:
    with HislipClient(served.hislip_port(), name=b"hislip7") as client:
        assert client.kind == Kind.FATAL_ERROR
        assert b"hislip7" in client.greeting


def test_a_crowded_port_says_so(served: Served) -> None:
    crowd = [socket.create_connection(("127.0.0.1", served.hislip_port()), timeout=5) for _ in range(CROWD)]
    wait_until(lambda: len(served.connections) == CROWD)
    with socket.create_connection(("127.0.0.1", served.hislip_port()), timeout=5) as late:
        assert fatal(late) == Fatal.TOO_MANY_CLIENTS
    for each in crowd:
        each.close()


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (200, Fault.UNRECOGNIZED_VENDOR_MESSAGE),
        (77, Fault.UNRECOGNIZED_TYPE),
        (Kind.ASYNC_LOCK, Fault.UNRECOGNIZED_TYPE),
    ],
)
def test_a_message_that_is_not_known_is_answered_by_an_error_and_nothing_else(
    client: HislipClient, kind: int, fault: Fault
) -> None:
    client.send(client.sync, kind, 0, 0, b"whatever")
    assert client.receive(client.sync)[:2] == (Kind.ERROR, fault)
    client.write(b"*IDN?")
    assert client.read() == REPLY


def test_a_message_that_is_too_large_is_passed_over(client: HislipClient) -> None:
    client.send(client.sync, Kind.DATA_END, 0, 0, bytes(LARGEST_PAYLOAD + 1))
    assert client.receive(client.sync)[:2] == (Kind.ERROR, Fault.TOO_LARGE)
    client.write(b"*IDN?")
    assert client.read() == REPLY


def test_one_channel_does_not_outlive_the_other(served: Served, client: HislipClient) -> None:
    client.asynchronous.close()
    with pytest.raises((EOFError, ConnectionError)):
        client.receive(client.sync)
    wait_until(lambda: served.connections == [])


def test_arbitrary_messages_are_survived(served: Served) -> None:
    noise = np.random.default_rng(6)
    for _ in range(60):
        with HislipClient(served.hislip_port()) as client, suppress(OSError):
            for _ in range(int(noise.integers(1, 8))):
                channel = client.sync if noise.random() < 0.6 else client.asynchronous
                kind, control = int(noise.integers(0, 30)), int(noise.integers(0, 3))
                payload = noise.bytes(int(noise.integers(0, 40)))
                client.send(channel, kind, control, int(noise.integers(0, 1 << 32)), payload)
            client.sync.sendall(noise.bytes(20))
    with HislipClient(served.hislip_port()) as client:
        client.write(b"*CLS")
        client.write(b"*IDN?;:SYST:ERR?")
        assert client.read() == IDENTITY.encode() + b';0,"No error"\n'


@given(st.lists(st.binary(max_size=60), max_size=6), st.integers(1, 30))
def test_how_the_stream_is_cut_does_not_matter(payloads: list[bytes], size: int) -> None:
    stream = b"".join(packed(Kind.DATA, 1, number, payload) for number, payload in enumerate(payloads))
    messages = Messages(limit=50)
    found = [each for at in range(0, len(stream), size) for each in messages.feed(stream[at : at + size])]
    assert [each.payload for each in found] == [payload if len(payload) <= 50 else None for payload in payloads]
    assert [each.parameter for each in found] == list(range(len(payloads)))


@given(st.binary(min_size=2, max_size=40).filter(lambda data: data[:2] != b"HS"))
def test_what_begins_with_no_prologue_is_no_message(data: bytes) -> None:
    with pytest.raises(HislipError):
        list(Messages().feed(data))


def test_it_is_answered_without_delay(client: HislipClient) -> None:
    begin = time.perf_counter()
    for _ in range(25):
        client.write(b"SOUR:BRIG 1")
        client.write(b"SOUR:BRIG?")
        assert client.read() == b"1\n"
    assert (time.perf_counter() - begin) / 25 < 0.02
