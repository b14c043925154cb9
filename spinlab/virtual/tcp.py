"""Raw sockets: SCPI over a plain TCP stream, as ``TCPIP::host::port::SOCKET`` talks to it."""

from __future__ import annotations

from spinlab.virtual.connection import Connection, Crowd
from spinlab.virtual.wire import Mark, Station, Wire


class SocketConnection(Connection):
    """A client on a raw socket: LF ends a message, empty messages are ignored, nothing marks the end of a reply.

    While a reply is awaited the client's further messages stay in its own buffers. One that has sent all it wants
    to send (half closed) gets the replies it asked for, then the connection is closed.
    """

    def __init__(self, station: Station, crowd: Crowd) -> None:
        super().__init__(crowd)
        self._station = station
        self._listening = True
        self._finished = False

    def opened(self) -> None:
        """Connect the instrument."""
        self._wire = Wire(self._station, self.peer, self._reply, self._moved, hang_up=self.transport.abort)

    def received(self, data: bytes) -> None:
        """Take part of the stream."""
        self._wire.offer(data)

    def eof_received(self) -> bool:
        """The client will send nothing more; stay until it is answered."""
        self._finished = True
        if self in self._crowd:
            self._moved()
        return not self.transport.is_closing()

    def closed(self) -> None:
        """Let the instrument go."""
        self._wire.close()

    def _reply(self, reply: bytes, _: Mark) -> None:
        self.send(reply)

    def _moved(self) -> None:
        if self.transport.is_closing():
            self._wire.close()
        elif self._finished:
            if self._wire.idle:
                self.transport.close()
        elif self._listening != self._wire.idle:
            self._listening = self._wire.idle
            self.listen(self._listening)
