"""Virtual instruments on the network: for each a raw socket and a HiSLIP port, all on one event loop."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinlab.errors import BadInput
from spinlab.virtual.connection import Connection, Crowd
from spinlab.virtual.hislipserver import HislipPort
from spinlab.virtual.instrument import Instrument
from spinlab.virtual.tcp import SocketConnection
from spinlab.virtual.wire import Station, Traffic

if TYPE_CHECKING:
    from spinlab.virtual.visasession import BusClock

HISLIP_OFFSET = 100  # the HiSLIP port of an instrument over its raw socket's
HIGHEST_PORT = 65535
CLOSING_TURNS = (
    6  # of the loop, in which asyncio makes the connections it had accepted and closes those that were dropped
)
ANY_HOST = ("", "0.0.0.0", "::")


@dataclass(frozen=True)
class Address:
    """Where one instrument answers: VISA addresses of its raw socket and of its HiSLIP port."""

    role: str
    identity: str
    raw: str
    hislip: str


class BenchServer:
    """Serves instruments (by role) that live on one clock; use it on one running loop.

    Instrument *i* answers at ``port_base + i`` as a raw socket and HISLIP_OFFSET higher with HiSLIP; with
    ``port_base`` 0 on ports that happen to be free. ``traffic`` hears every message and reply.
    """

    def __init__(self, instruments: Mapping[str, Instrument], clock: BusClock, traffic: Traffic | None = None) -> None:
        self._stations = [Station(role, each, clock, traffic) for role, each in instruments.items()]
        self._listeners: list[asyncio.Server] = []
        self._crowds: list[Crowd] = []

    async def open(self, host: str = "127.0.0.1", port_base: int = 0) -> tuple[Address, ...]:
        """Begin to listen; raises BadInput, listening nowhere, when one of the ports cannot be had."""
        check_ports(port_base, len(self._stations))
        try:
            return tuple([await self._serve(station, host, port_base, i) for i, station in enumerate(self._stations)])
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop listening and drop every client."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            for each in listener.sockets:
                loop.remove_reader(each)  # a server that is closed while it accepts somebody raises (CPython 3.11)
        for crowd in self._crowds:
            crowd.disperse()
        for _ in range(CLOSING_TURNS):
            await asyncio.sleep(0)
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    async def _serve(self, station: Station, host: str, port_base: int, index: int) -> Address:
        raw_crowd, hislip_crowd = Crowd(), Crowd()
        self._crowds += [raw_crowd, hislip_crowd]
        hislip = HislipPort(station, hislip_crowd)
        raw_port = await self._listen(
            lambda: SocketConnection(station, raw_crowd), host, port_base and port_base + index
        )
        hislip_port = await self._listen(hislip.channel, host, port_base and port_base + HISLIP_OFFSET + index)
        return address(station.role, station.instrument.identity, host, raw_port, hislip_port)

    async def _listen(self, protocol: Callable[[], Connection], host: str, port: int) -> int:
        loop = asyncio.get_running_loop()
        try:
            listener = await loop.create_server(protocol, host, port)
        except (OSError, UnicodeError) as error:
            raise BadInput(_why_not(host, port, error)) from None
        self._listeners.append(listener)
        return int(listener.sockets[0].getsockname()[1])


def check_ports(port_base: int, count: int) -> None:
    """Raise BadInput when ``count`` instruments find no ports from ``port_base`` on."""
    if count > HISLIP_OFFSET:
        raise BadInput(f"{count} instruments are more than the {HISLIP_OFFSET} that can be served")
    highest = HIGHEST_PORT - HISLIP_OFFSET - count + 1
    if port_base and not 1 <= port_base <= highest:
        raise BadInput(f"port base {port_base}: choose 1 to {highest}, or 0 for ports that happen to be free")


def address(role: str, identity: str, host: str, raw_port: int, hislip_port: int) -> Address:
    """Return the VISA addresses of an instrument."""
    seen_as = socket.gethostname() if host in ANY_HOST else f"[{host}]" if ":" in host else host
    return Address(
        role,
        identity,
        f"TCPIP0::{seen_as}::{raw_port}::SOCKET",
        f"TCPIP0::{seen_as}::hislip0,{hislip_port}::INSTR",
    )


def _why_not(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: is another `spinlab serve` running? Else choose another --port-base"
    if number == errno.EACCES:
        return f"port {port} needs the administrator's rights: choose a --port-base of 1024 or more"
    reason = os.strerror(number) if number and number > 0 else getattr(error, "strerror", None) or str(error)
    return f"cannot listen on port {port} of {host!r}: {reason}"
