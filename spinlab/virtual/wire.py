"""The instrument's end of one connection: messages in, replies out, in order and when they are due."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from spinlab.virtual.instrument import HangUp, Instrument, Pending
from spinlab.virtual.locks import Locks
from spinlab.virtual.splitting import Lines

if TYPE_CHECKING:
    from spinlab.virtual.visasession import BusClock

TURN = 64  # messages that one client gets carried out before others have their turn
LONGEST_SLEEP = 3600.0  # s; a reply that is never due is looked for now and then
SHORTEST_SLEEP = 1e-4  # s


class Exchange(NamedTuple):
    """One message or one reply, for whoever keeps a log: when (s), which instrument, who, what."""

    time: float
    role: str
    client: str
    to_instrument: bool
    data: bytes


Traffic = Callable[[Exchange], None]


@dataclass(eq=False)
class Station:
    """An instrument and what all its clients share."""

    role: str
    instrument: Instrument
    clock: BusClock
    traffic: Traffic | None = None
    locks: Locks = field(default_factory=Locks)


class Mark(NamedTuple):
    """What the protocol says about a message: its number, and whether its sender had read the reply before."""

    number: int = 0
    delivered: bool = True


UNMARKED = Mark()


class Wire:
    """Carries messages out one after the other: the next one when the reply of the one before has been sent.

    ``send(reply, mark)`` gets each reply, terminator included, with the mark of its message. ``moved()`` is called
    whenever the wire has done what it could; it is ``idle`` when nothing waits. ``interrupted(mark)`` is called when
    a message shows that its sender did not read the last reply (-410). ``hang_up()`` is called when the instrument
    closes the connection. To be used on the loop's thread only.
    """

    def __init__(
        self,
        station: Station,
        client: str,
        send: Callable[[bytes, Mark], None],
        moved: Callable[[], None],
        interrupted: Callable[[Mark], None] | None = None,
        *,
        hang_up: Callable[[], None],
    ) -> None:
        self.station = station
        self.client = client
        self.unread = False
        self._instrument = station.instrument
        self._send, self._moved, self._interrupted = send, moved, interrupted
        self._hang_up = hang_up
        self._lines = Lines(station.instrument.input_buffer_size)
        self._inbox: deque[tuple[bytes, Mark]] = deque()
        self._awaited: tuple[Pending, Mark] | None = None
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.Handle | None = None
        self._is_closed = False
        station.locks.watchers.append(self.advance)

    @property
    def idle(self) -> bool:
        """Whether everything that came has been carried out and answered."""
        return not self._inbox and self._awaited is None

    def offer(self, data: bytes, end: bool = False, mark: Mark = UNMARKED) -> None:
        """Take bytes; what is complete with them is carried out as soon as it can be."""
        messages = self._lines.feed(data, end)
        if messages:
            self._inbox.extend((message, mark) for message in messages)
            self.advance()

    def trigger(self, mark: Mark) -> None:
        """Take a bus trigger; it keeps its place among the messages."""
        self._inbox.append((b"*TRG", mark))
        self.advance()

    def advance(self) -> None:
        """Do what can be done now, and see to it that the rest is done when its time comes."""
        if self._is_closed:
            return
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        with self.station.clock.lock:
            for _ in range(TURN):
                if self._awaited is not None and not self._settle():
                    break
                if not self._inbox or not self.station.locks.admits(self):
                    break
                self._carry_out(*self._inbox.popleft())
        if not self._is_closed:
            self._set_alarm()
            self._moved()

    def status(self) -> int:
        """Poll the status byte."""
        with self.station.clock.lock:
            self._instrument.schedule.catch_up()
            return self._instrument.serial_poll(self.unread)

    def clear(self) -> None:
        """Clear the device: nothing of what came or was to be sent is left."""
        with self.station.clock.lock:
            self._forget()
            self._instrument.device_clear()

    def close(self) -> None:
        """The client is gone; what it had sent is still carried out, unless a lock of somebody else forbids it."""
        if self._is_closed:
            return
        self._is_closed = True
        with self.station.clock.lock:
            while self._inbox and self.station.locks.admits(self):
                self._instrument.receive(self._inbox.popleft()[0])
        self._forget()
        self.station.locks.watchers.remove(self.advance)
        self.station.locks.leave(self)

    def _forget(self) -> None:
        self._lines.clear()
        self._inbox.clear()
        self._awaited = None
        self.unread = False
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _settle(self) -> bool:
        """Send the reply that is awaited, if it is there; False while it is not."""
        assert self._awaited is not None
        pending, mark = self._awaited
        if not pending.done:
            self._instrument.schedule.catch_up()
        if not pending.done:
            return False
        self._awaited = None
        self._answer(pending.reply, mark)
        return True

    def _carry_out(self, message: bytes, mark: Mark) -> None:
        if self.station.traffic is not None:
            self._note(message, to_instrument=True)
        if self.unread and not mark.delivered:
            self._instrument.interrupted()
            if self._interrupted is not None:
                self._interrupted(mark)
        self.unread = False
        reply = self._instrument.receive(message)
        if isinstance(reply, Pending):
            self._awaited = reply, mark
        else:
            self._answer(reply, mark)

    def _answer(self, reply: bytes | None, mark: Mark) -> None:
        if isinstance(reply, HangUp):
            self._inbox.clear()
            self._hang_up()
        elif reply is not None:
            if self.station.traffic is not None:
                self._note(reply, to_instrument=False)
            self.unread = True
            self._send(reply + self._instrument.reply_terminator, mark)

    def _set_alarm(self) -> None:
        """Come back when the awaited reply is due, or soon when others only had to have their turn."""
        if self._awaited is not None:
            left = self._awaited[0].ready_at - self.station.clock.now()
            self._alarm = self._loop.call_later(min(max(left, SHORTEST_SLEEP), LONGEST_SLEEP), self.advance)
        elif self._inbox and self.station.locks.admits(self):
            self._alarm = self._loop.call_soon(self.advance)

    def _note(self, data: bytes, to_instrument: bool) -> None:
        assert self.station.traffic is not None
        self.station.traffic(Exchange(self.station.clock.now(), self.station.role, self.client, to_instrument, data))
