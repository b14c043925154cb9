"""The instruments over TCP: latency, and queries per second beside an echo server that has the same client."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parent.parent
QUERIES = 200
ROUNDS = 101
EXCHANGES = 100_000

# An asyncio server that sends every line back; prints its port.
ECHO = """
import asyncio

async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()

async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def measure() -> Iterator[tuple[str, str, str]]:
    """Medians over alternating rounds; pyvisa-py is the client, then a plain socket.

    Client and servers share one processor: else the ratio tells where the system happened to put whom.
    """
    with _one_processor(), _serving() as (instruments, echo_port):
        coil, echo = instruments["coil"]["socket"], f"TCPIP0::127.0.0.1::{echo_port}::SOCKET"
        for name, connect in (("pyvisa-py", _visa), ("a plain socket", _plain)):
            with connect(coil) as ask, connect(echo) as ask_echo:
                rounds = [(_rate(ask), _rate(ask_echo)) for _ in range(ROUNDS)][1:]
            ours, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
            ratio = f"{ours:.0f} /s = {ours / theirs:.2f} × an asyncio echo server"
            yield f"`*IDN?` over TCP loopback, client {name}", ratio, "0.8 ×"
        wrong = _wrong_replies(coil)
        yield f"wrong replies in {EXCHANGES} exchanges of two clients in two threads", str(wrong), "0"
        for kind in ("socket", "hislip"):
            yield f"write, write, query, {kind}, pyvisa-py", f"{_exchange(instruments['coil'][kind]):.2f} ms", "1 ms"


@contextmanager
def _one_processor() -> Iterator[None]:
    """Keep this process, and those it starts, on one processor, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _serving() -> Iterator[tuple[dict[str, Any], int]]:
    """``spinlab serve`` and the echo server, each a process of its own: the instruments' addresses, the echo's port."""
    spinlab = str(Path(sys.executable).parent / "spinlab")
    commands = ([spinlab, "serve", "--port-base", "0", "--json"], [sys.executable, "-c", ECHO])
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for command in commands]
    try:
        first_lines = [_first_line(process.stdout) for process in processes]
        yield json.loads(first_lines[0])["instruments"], int(first_lines[1])
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def _first_line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


@contextmanager
def _visa(address: str) -> Iterator[Callable[[], str]]:
    """How to ask ``*IDN?`` with pyvisa-py."""
    import pyvisa

    manager = pyvisa.ResourceManager("@py")
    resource: Any = manager.open_resource(address, read_termination="\n", write_termination="\n")
    try:
        yield lambda: str(resource.query("*IDN?"))
    finally:
        manager.close()


@contextmanager
def _plain(address: str) -> Iterator[Callable[[], str]]:
    """How to ask ``*IDN?`` with nothing but a socket."""
    import socket

    _, host, port, _ = address.split("::")
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ask() -> str:
            connection.sendall(b"*IDN?\n")
            reply = b""
            while not reply.endswith(b"\n"):
                reply += connection.recv(4096)
            return reply.decode()

        yield ask


def _rate(ask: Callable[[], str]) -> float:
    begin = time.perf_counter()
    for _ in range(QUERIES):
        ask()
    return QUERIES / (time.perf_counter() - begin)


def _wrong_replies(address: str) -> int:
    """Two pyvisa-py clients of one instrument at once, each with a query of its own."""
    import pyvisa

    manager = pyvisa.ResourceManager("@py")
    questions = ("*IDN?", "SOUR:CURR:RANG?;COMP?")

    def ask(question: str) -> int:
        box: Any = manager.open_resource(address, read_termination="\n", write_termination="\n")
        expected = box.query(question)
        return sum(box.query(question) != expected for _ in range(EXCHANGES // len(questions)))

    with ThreadPoolExecutor() as pool:
        wrong = sum(pool.map(ask, questions))
    manager.close()
    return wrong


def _exchange(address: str) -> float:
    """Median ms of two sets and a query."""
    import pyvisa

    manager = pyvisa.ResourceManager("@py")
    coil: Any = manager.open_resource(address, read_termination="\n", write_termination="\n")
    times = []
    for _ in range(500):
        begin = time.perf_counter()
        coil.write("SOUR:CURR 1e-3")
        coil.write("SOUR:CURR 2e-3")
        coil.query("SOUR:CURR?")
        times.append(1e3 * (time.perf_counter() - begin))
    manager.close()
    return statistics.median(times)
