"""Servers on free ports in a thread of their own, and clients that talk to them with nothing but sockets."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

from spinlab.clock import WallClock
from spinlab.virtual.hislip import HEADER, Kind
from spinlab.virtual.instrument import Instrument
from spinlab.virtual.schedule import Schedule
from spinlab.virtual.server import Address, BenchServer
from spinlab.virtual.wire import Exchange
from tests.virtual.hand_clock import Lamp

IDENTITY = "SPINLAB,LAMP,7,1.0"


@dataclass
class Served:
    """A running server: its addresses by role, what went over the wires, what went wrong in its loop."""

    clock: WallClock
    server: BenchServer
    addresses: dict[str, Address]
    traffic: list[Exchange] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)

    def port(self, role: str = "lamp") -> int:
        return int(self.addresses[role].raw.split("::")[2])

    def hislip_port(self, role: str = "lamp") -> int:
        return int(self.addresses[role].hislip.split("::")[2].split(",")[1])

    @property
    def connections(self) -> list[Any]:
        """The server's side of all open connections."""
        return [each for crowd in self.server._crowds for each in crowd]


@contextmanager
def serving(instruments: Mapping[str, Instrument], clock: WallClock) -> Iterator[Served]:
    """Serve instruments that live on ``clock``; whatever its loop complains of fails the test."""
    traffic: list[Exchange] = []
    server = BenchServer(instruments, clock, traffic.append)
    faults: list[dict[str, Any]] = []
    clock.loop.set_exception_handler(lambda _, context: faults.append(context))
    ended = asyncio.Event()
    ready: list[Address] = []
    is_ready = threading.Event()

    async def run() -> None:
        ready.extend(await server.open())
        is_ready.set()
        await ended.wait()
        await server.close()

    thread = threading.Thread(target=clock.loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert is_ready.wait(10)
        yield Served(clock, server, {each.role: each for each in ready}, traffic, faults)
    finally:
        clock.loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        clock.close()
    assert faults == []


@contextmanager
def lamps(*names: str) -> Iterator[Served]:
    """Serve a lamp, or several of these names, on the wall clock."""
    clock = WallClock()
    with serving({name: Lamp(Schedule(clock)) for name in names or ("lamp",)}, clock) as served:
        yield served


class Client:
    """A raw socket; ``ask`` sends a message and returns the reply without its terminator."""

    def __init__(self, port: int, patience: float = 10.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience)
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def line(self) -> bytes:
        """The next line, its LF included; what there was when the other side has closed."""
        while b"\n" not in self._rest:
            data = self.socket.recv(65536)
            if not data:
                break
            self._rest += data
        line, end, self._rest = self._rest.partition(b"\n")
        return line + end

    def ask(self, message: str) -> str:
        self.send(message.encode() + b"\n")
        return self.line().decode().rstrip("\r\n")

    def wait_until_closed(self) -> None:
        """Read until the other side closes; raises TimeoutError if it does not."""
        with suppress(ConnectionError):
            while self.socket.recv(1 << 20):
                pass


class HislipClient:
    """Both channels of a HiSLIP session, message by message."""

    def __init__(self, port: int, vendor: bytes = b"TT", name: bytes = b"hislip0") -> None:
        self.sync = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.asynchronous = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.send(self.sync, Kind.INITIALIZE, 0, 0x0100 << 16 | int.from_bytes(vendor), name)
        kind, _, parameter, self.greeting = self.receive(self.sync)
        if kind == Kind.INITIALIZE_RESPONSE:
            self.number = parameter & 0xFFFF
            self.send(self.asynchronous, Kind.ASYNC_INITIALIZE, 0, self.number)
            kind = self.receive(self.asynchronous)[0]
        self.kind = kind
        self.next = 0xFFFFFF00

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sync.close()
        self.asynchronous.close()

    @staticmethod
    def send(channel: socket.socket, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        channel.sendall(struct.pack("!2sBBIQ", b"HS", kind, control, parameter, len(payload)) + payload)

    @staticmethod
    def receive(channel: socket.socket) -> tuple[int, int, int, bytes]:
        """The next message: kind, control code, parameter, payload."""
        header = read_exactly(channel, HEADER.size)
        prologue, kind, control, parameter, length = HEADER.unpack(header)
        assert prologue == b"HS"
        return kind, control, parameter, read_exactly(channel, length)

    def write(self, message: bytes, delivered: bool = True) -> int:
        """Send a whole message; returns its number."""
        number, self.next = self.next, (self.next + 2) & 0xFFFFFFFF
        self.send(self.sync, Kind.DATA_END, int(delivered), number, message)
        return number

    def read(self) -> bytes:
        """The next reply, put together."""
        pieces = []
        while True:
            kind, _, _, payload = self.receive(self.sync)
            assert kind in (Kind.DATA, Kind.DATA_END), Kind(kind)
            pieces.append(payload)
            if kind == Kind.DATA_END:
                return b"".join(pieces)

    def ask_async(self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> Any:
        """Send on the asynchronous channel and return the answer."""
        self.send(self.asynchronous, kind, control, parameter, payload)
        return self.receive(self.asynchronous)


def read_exactly(channel: socket.socket, count: int) -> bytes:
    """``count`` bytes; raises EOFError when the other side closes before."""
    data = b""
    while len(data) < count:
        piece = channel.recv(min(count - len(data), 1 << 20))
        if not piece:
            raise EOFError(f"closed after {data!r}")
        data += piece
    return data
