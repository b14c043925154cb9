"""Raw sockets: what a client gets, and what no client can do to another."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np
import pytest

from sims.ldc500 import LDC500
from spinlab.clock import WallClock
from spinlab.errors import BadInput
from spinlab.virtual.connection import CROWD, UNREAD_LIMIT
from spinlab.virtual.schedule import Schedule
from spinlab.virtual.server import HISLIP_OFFSET, BenchServer, check_ports
from tests.virtual.hand_clock import Lamp
from tests.virtual.network import IDENTITY, Client, Served, lamps, serving


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with Client(served.port()) as connected:
        yield connected


# --- messages and replies


def test_a_query_is_answered_with_the_instruments_terminator(client: Client) -> None:
    client.send(b"*IDN?\n")
    assert client.line() == IDENTITY.encode() + b"\n"


def test_carriage_returns_and_empty_messages_are_ignored(client: Client) -> None:
    client.send(b"\n\r\n\n*IDN?\r\n\n")
    assert client.line() == IDENTITY.encode() + b"\n"
    assert client.ask("SYST:ERR?") == '0,"No error"'


def test_messages_may_come_in_pieces_and_several_at_once(client: Client) -> None:
    client.send(b"SOUR:BR")
    client.send(b"IG 1.5\nSOUR:BRIG?\n*IDN")
    assert client.line() == b"1.5\n"
    client.send(b"?\n")
    assert client.line() == IDENTITY.encode() + b"\n"


def test_an_ldc500_is_greeted_by_an_empty_line_and_uloc_and_replies_with_crlf() -> None:
    clock = WallClock()
    laser = LDC500(Schedule(clock), "LDC502", lambda time, current: None)
    with serving({"pump": laser}, clock) as served, Client(served.port("pump")) as client:
        client.send(b"\nULOC 1\n")
        client.send(b"LDON?\n")
        assert client.line() == b"OFF\r\n"
        assert client.ask("LEXE?;LCME?") == "0"
        assert client.line() == b"0\r\n"


def test_a_megabyte_goes_both_ways(client: Client) -> None:
    data = np.random.default_rng(1).bytes(1_000_000)
    client.send(b"MEM:DATA #71000000" + data + b"\nMEM:DATA?\n")
    expected = b"#71000000" + data + b"\n"
    received = b""
    while len(received) < len(expected):
        received += client.socket.recv(1 << 20)
    assert received == expected


def test_a_message_longer_than_the_input_buffer_is_lost_and_the_next_one_is_not() -> None:
    clock = WallClock()
    laser = LDC500(Schedule(clock), "LDC502", lambda time, current: None)
    with serving({"pump": laser}, clock) as served, Client(served.port("pump")) as client:
        client.send(b"SILD " + b"1" * 100_000 + b"\nLCME?\n")
        assert client.line() == b"8\r\n"


def test_write_write_query_waits_for_no_acknowledgement(client: Client) -> None:
    """A client that leaves Nagle on, as pyvisa-py does, waits 40 ms for every delayed acknowledgement."""
    times = []
    for _ in range(25):
        begin = time.perf_counter()
        client.send(b"SOUR:BRIG 1\n")
        client.send(b"SOUR:BRIG 0.5\n")
        assert client.ask("SOUR:BRIG?") == "0.5"
        times.append(time.perf_counter() - begin)
    assert statistics.median(times) < 0.02


# --- replies that take time


def test_a_slow_reply_comes_when_it_is_due_and_what_was_sent_meanwhile_after_it(client: Client) -> None:
    begin = time.perf_counter()
    client.send(b"MEAS:SLOW? 0.2\nOUTP ON\nOUTP?\n")
    assert client.line() == b"0.2\n"
    assert 0.2 <= time.perf_counter() - begin < 2
    assert client.line() == b"1\n"


def test_another_instrument_answers_meanwhile() -> None:
    with lamps("slow", "quick") as served, Client(served.port("slow")) as slow, Client(served.port("quick")) as quick:
        slow.send(b"MEAS:SLOW? 1\n")
        begin = time.perf_counter()
        assert quick.ask("*IDN?") == IDENTITY
        assert time.perf_counter() - begin < 0.9
        assert slow.line() == b"1\n"


def test_input_is_bounded_while_a_reply_is_awaited(served: Served, client: Client) -> None:
    """The server stops reading; the client's own buffers fill up, and nothing is lost."""
    client.send(b"MEAS:SLOW? 1\n")
    time.sleep(0.1)
    message = b"SYST:NAME '" + b"x" * 200 + b"'\n"
    client.socket.settimeout(0.2)
    sent = send_until_blocked(client, message)
    [connection] = served.connections
    assert len(connection._wire._inbox) < 10
    client.socket.settimeout(10)
    assert client.line() == b"1\n"
    client.send(message[sent % len(message) :] + b"*IDN?\n")
    assert client.line().startswith(b"SPINLAB")
    assert client.ask("SYST:ERR?") == '0,"No error"'


# --- clients that behave badly


def test_a_half_closed_client_gets_what_it_asked_for(client: Client) -> None:
    client.send(b"*IDN?\nMEAS:SLOW? 0.2\nOUTP?\n")
    client.socket.shutdown(socket.SHUT_WR)
    assert [client.line(), client.line(), client.line()] == [IDENTITY.encode() + b"\n", b"0.2\n", b"0\n"]
    assert client.line() == b""


def test_a_client_that_leaves_in_the_middle_of_a_reply_harms_nobody(served: Served) -> None:
    with Client(served.port()) as leaving:
        leaving.send(b"MEAS:SLOW? 0.1\n*IDN")
    with Client(served.port()) as staying:
        assert staying.ask("*IDN?") == IDENTITY
        wait_until(lambda: len(served.connections) == 1)


def test_silent_clients_harm_nobody(served: Served) -> None:
    silent = [Client(served.port()) for _ in range(20)]
    silent[0].send(b"SOUR:BRIG")
    with Client(served.port()) as client:
        assert client.ask("*IDN?") == IDENTITY
    for each in silent:
        each.socket.close()


def test_a_client_that_never_reads_is_dropped_and_others_are_served(served: Served, client: Client) -> None:
    size = 1 << 18
    client.send(b"MEM:DATA #6%d" % size + bytes(size) + b"\n*IDN?\n")
    assert client.line() == IDENTITY.encode() + b"\n"
    with Client(served.port()) as greedy:
        wait_until(lambda: len(served.connections) == 2)
        while len(served.connections) == 2:
            greedy.send(b"MEM:DATA?\n")
            assert client.ask("*IDN?") == IDENTITY
            held = [each.transport.get_write_buffer_size() for each in served.connections]
            assert max(held) <= UNREAD_LIMIT + 2 * size
            assert len(served.traffic) < 1000


def test_a_flooding_client_does_not_keep_others_from_being_served(served: Served, client: Client) -> None:
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            with Client(served.port()) as flooding, suppress(OSError):
                while not stop.is_set():
                    flooding.send(b"SOUR:BRIG 1\n*IDN\n" * 4000)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        times = []
        for _ in range(50):
            begin = time.perf_counter()
            assert client.ask("*IDN?") == IDENTITY
            times.append(time.perf_counter() - begin)
    finally:
        stop.set()
        thread.join()
    assert statistics.median(times) < 0.1
    assert max(times) < 1


def test_a_crowded_port_turns_clients_away_until_somebody_leaves(served: Served) -> None:
    crowd = [Client(served.port()) for _ in range(CROWD)]
    assert crowd[-1].ask("*IDN?") == IDENTITY
    with Client(served.port()) as late:
        late.wait_until_closed()
    crowd.pop().socket.close()
    wait_until(lambda: len(served.connections) == CROWD - 1)
    with Client(served.port()) as client:
        assert client.ask("*IDN?") == IDENTITY
    for each in crowd:
        each.socket.close()


def test_arbitrary_bytes_are_survived(served: Served) -> None:
    noise = np.random.default_rng(5)
    for _ in range(60):
        with Client(served.port()) as client, suppress(OSError):
            client.send(noise.bytes(int(noise.integers(1, 5000))))
            client.send(b"\n" if noise.random() < 0.5 else b"#9999999999")
    with Client(served.port()) as client:
        client.send(b"*CLS\n")
        assert client.ask("*IDN?;:SYST:ERR?") == f'{IDENTITY};0,"No error"'


def test_two_clients_in_two_threads_get_no_wrong_reply(served: Served) -> None:
    wrong: list[tuple[str, str]] = []

    def exchange(mine: int) -> None:
        with Client(served.port()) as client:
            for number in range(4000):
                reply = client.ask(f"CALC:SUM? {mine},{number}")
                if reply != str(mine + number):
                    wrong.append((f"{mine} + {number}", reply))

    threads = [threading.Thread(target=exchange, args=(mine,)) for mine in (10_000, 500_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- the server


def test_every_message_and_reply_is_told_to_whoever_listens(served: Served, client: Client) -> None:
    client.ask("*IDN?;:OUTP?")
    mine = "{}:{}".format(*client.socket.getsockname())
    assert [(each.role, each.client, each.to_instrument, each.data) for each in served.traffic] == [
        ("lamp", mine, True, b"*IDN?;:OUTP?"),
        ("lamp", mine, False, IDENTITY.encode() + b";0"),
    ]
    assert served.traffic[0].time <= served.traffic[1].time


def test_a_port_in_use_leaves_nothing_open() -> None:
    clock = WallClock()
    boxes = {name: Lamp(Schedule(clock)) for name in ("first", "second", "third")}
    base = free_base(len(boxes))
    with socket.create_server(("127.0.0.1", base + 1)):
        with pytest.raises(BadInput, match=f"port {base + 1} of 127.0.0.1 is in use"):
            clock.loop.run_until_complete(BenchServer(boxes, clock).open(port_base=base))
        for port in (base, base + HISLIP_OFFSET, base + 2):
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0
    clock.close()


def test_instruments_follow_each_other_from_the_port_base() -> None:
    clock = WallClock()
    base = free_base(2)
    server = BenchServer({name: Lamp(Schedule(clock)) for name in ("first", "second")}, clock)

    async def addresses() -> list[tuple[str, str]]:
        found = await server.open(port_base=base)
        await server.close()
        return [(each.raw, each.hislip) for each in found]

    assert clock.loop.run_until_complete(addresses()) == [
        (f"TCPIP0::127.0.0.1::{base + i}::SOCKET", f"TCPIP0::127.0.0.1::hislip0,{base + HISLIP_OFFSET + i}::INSTR")
        for i in range(2)
    ]
    clock.close()


@pytest.mark.parametrize("base", [-1, 65535 - HISLIP_OFFSET, 70_000])
def test_a_port_base_that_leads_nowhere_is_refused(base: int) -> None:
    with pytest.raises(BadInput, match=f"port base {base}: choose 1 to 65434"):
        check_ports(base, 2)


def test_closing_ends_every_connection() -> None:
    with lamps() as served:
        client = Client(served.port())
        assert client.ask("*IDN?") == IDENTITY
        client.send(b"MEAS:SLOW? 100\n")
        late = Client(served.port())
    for each in (client, late):
        each.wait_until_closed()
        each.socket.close()
    assert served.connections == []


def send_until_blocked(client: Client, message: bytes) -> int:
    """Send the message again and again until nothing more is taken; returns how many bytes were."""
    sent = 0
    while sent < 1 << 27:
        try:
            sent += client.socket.send(message[sent % len(message) :])
        except TimeoutError:
            return sent
    raise AssertionError("the server takes everything")


def free_base(count: int) -> int:
    """A port from which ``count`` are free, and as many HISLIP_OFFSET above it."""
    for base in range(20_000 + np.random.default_rng().integers(0, 5000), 32_000, 7):
        sockets: list[socket.socket] = []
        try:
            for i in range(count):
                for offset in (0, HISLIP_OFFSET):
                    sockets.append(socket.create_server(("127.0.0.1", int(base) + offset + i)))
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
        return int(base)
    raise AssertionError("no free ports")


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for a condition, 5 s at most."""
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)
