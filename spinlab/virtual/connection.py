"""One TCP connection of a client: bounded buffers, packets that leave at once, an end that harms nobody else."""

from __future__ import annotations

import asyncio
import socket
from abc import abstractmethod
from typing import cast

CHUNK = 1 << 14  # bytes taken from one client in one turn of the loop
UNREAD_LIMIT = 1 << 22  # bytes a client may leave unread and still get another reply
CROWD = 64  # connections to one port
QUICK_ACKNOWLEDGE: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux


class Crowd(set["Connection"]):
    """The open connections to one port; once it is dispersed nobody joins it any more."""

    def __init__(self) -> None:
        super().__init__()
        self.is_dispersed = False

    def disperse(self) -> None:
        """Drop every client, also those whose connections are just being made."""
        self.is_dispersed = True
        for connection in tuple(self):
            connection.transport.abort()


class Connection(asyncio.BufferedProtocol):
    """What raw sockets and HiSLIP channels have in common.

    Replies leave at once (no Nagle). What is not answered at once is acknowledged at once: clients that do not
    turn Nagle off themselves (pyvisa-py) would wait 40 ms between two writes. A client that does not read is
    dropped when a reply is due while UNREAD_LIMIT bytes wait for it.
    """

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._view = memoryview(bytearray(CHUNK))
        self._answered = False
        self.peer = "?"

    @abstractmethod
    def received(self, data: bytes) -> None:
        """Take what came."""

    def opened(self) -> None:
        """Hear that the connection is open and may stay."""

    def closed(self) -> None:
        """Hear that the connection is gone, for whatever reason."""

    def refused(self) -> None:
        """Say why, to a client that finds the port crowded."""

    # --- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the socket up; turn the client away when there are too many."""
        self.transport = cast(asyncio.Transport, transport)
        if self._crowd.is_dispersed:
            self.transport.abort()
            return
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        peer = transport.get_extra_info("peername")
        self.peer = f"{peer[0]}:{peer[1]}" if peer else "?"
        if len(self._crowd) >= CROWD:
            self.refused()
            self.transport.close()
            return
        self._crowd.add(self)
        self.opened()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what came."""
        if self not in self._crowd:
            return
        self._answered = False
        self.received(bytes(self._view[:nbytes]))
        if not self._answered and QUICK_ACKNOWLEDGE is not None and not self.transport.is_closing():
            self._socket.setsockopt(socket.IPPROTO_TCP, QUICK_ACKNOWLEDGE, 1)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the client."""
        if self in self._crowd:
            self._crowd.discard(self)
            self.closed()

    # --- what the connection does

    def send(self, data: bytes) -> None:
        """Send bytes, or drop the client when it has left too many unread."""
        if self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size() > UNREAD_LIMIT:
            self.transport.abort()
            return
        self._answered = True
        self.transport.write(data)

    def listen(self, wanted: bool) -> None:
        """Take bytes from the client, or let them wait in its own buffers."""
        if wanted:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()
