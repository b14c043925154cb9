"""One VISA session on a virtual instrument: framing, queues, terminators, time-outs."""

from __future__ import annotations

import threading
from collections import deque
from typing import Protocol

from pyvisa import constants, errors, rname
from pyvisa_sim.sessions.session import Session

from spinlab.virtual.instrument import HangUp, Instrument, Pending
from spinlab.virtual.splitting import Lines

Attribute = constants.ResourceAttribute
Status = constants.StatusCode
InterfaceType = constants.InterfaceType
_BOOKKEEPING = 64  # bytes that go with every reply
BY_TERMCHAR = constants.SerialTermination.termination_char

_ADDRESS_PARTS = {
    (InterfaceType.tcpip, "INSTR"): {
        Attribute.tcpip_address: "host_address", Attribute.tcpip_device_name: "lan_device_name",
    },
    (InterfaceType.tcpip, "SOCKET"): {Attribute.tcpip_address: "host_address", Attribute.tcpip_port: "port"},
    (InterfaceType.gpib, "INSTR"): {Attribute.gpib_primary_address: "primary_address"},
    (InterfaceType.usb, "INSTR"): {Attribute.usb_serial_number: "serial_number"},
    (InterfaceType.asrl, "INSTR"): {},
}  # fmt: skip


class BusClock(Protocol):
    """What a wire needs of a clock."""

    lock: threading.RLock

    def now(self) -> float:
        """Laboratory time, s."""
        ...

    def spend(self, seconds: float) -> None:
        """Let time pass, s."""
        ...


class InstrumentSession(Session):  # type: ignore[misc]  # pyvisa-sim is untyped
    """A VISA session with queues of its own on a virtual :class:`Instrument`.

    A SOCKET is a stream: replies queue up, nothing marks their end, LF ends a message. The other buses carry
    END: a write ends the message, a reply ends a read, a message that comes before the last reply was read
    interrupts it (-410), a read with nothing to say is -420. Replies beyond the output buffer are lost (-430). Half
    of the instrument's latency is paid when writing, half with each reply.
    """

    def __init__(
        self, manager: int, name: str, parsed: rname.ResourceName, instrument: Instrument, clock: BusClock
    ) -> None:
        self.session_type = (parsed.interface_type_const, parsed.resource_class)
        super().__init__(manager, name, parsed)
        self.instrument = instrument
        self.clock = clock
        self.is_stream = parsed.resource_class == "SOCKET"
        self.is_serial = parsed.interface_type_const == InterfaceType.asrl
        self.has_end = not (self.is_stream or self.is_serial)
        self._lines = Lines(instrument.input_buffer_size, self.has_end)
        self._replies: deque[bytes | Pending] = deque()
        self._queued = 0
        self._data = b""
        self._position = 0
        self._is_lost = False

    def after_parsing(self) -> None:
        """Show the parts of the address as attributes."""
        board = getattr(self.parsed, "board", "0")
        self.attrs[Attribute.interface_number] = int(board)
        for attribute, part in _ADDRESS_PARTS.get(self.session_type, {}).items():
            value = getattr(self.parsed, part)
            self.attrs[attribute] = int(value) if value.isdigit() else value

    @property
    def timeout(self) -> float:
        """The session's time-out, s."""
        return float(self.attrs.get(Attribute.timeout_value, 2000)) / 1000

    # --- writing

    def write(self, data: bytes) -> tuple[int, constants.StatusCode]:
        """Send bytes; messages that are complete with them are carried out. Raises VisaIOError on a lost connection."""
        if self._is_lost:
            raise errors.VisaIOError(Status.error_connection_lost.value)
        with self.clock.lock:
            self.clock.spend(self.instrument.latency / 2)
            for message in self._lines.feed(bytes(data), end=self.has_end and self._sends_end()):
                self._deliver(message)
        return len(data), Status.success

    def _sends_end(self) -> bool:
        return bool(self.attrs.get(Attribute.send_end_enabled, True))

    def _deliver(self, message: bytes) -> None:
        if self.has_end and self._anything_unread():
            self.instrument.interrupted()
            self._drop_replies()
        reply = self.instrument.receive(message)
        if isinstance(reply, HangUp):
            self._is_lost = True
            self._drop_replies()
            return
        if reply is None or (isinstance(reply, Pending) and not reply.asked):
            return
        size = _space(reply)
        if self._queued and self._queued + size > self.instrument.output_buffer_size:
            self._drop_replies()
            self.instrument.deadlocked()
            return
        self._replies.append(reply)
        self._queued += size

    # --- reading

    def read(self, count: int) -> tuple[bytes, constants.StatusCode]:
        """Return up to ``count`` bytes and why it stopped there; waits at most the time-out (laboratory time)."""
        termchar = self._termchar()
        patience = self.timeout
        while True:
            if self._is_lost:
                return b"", Status.error_connection_lost
            with self.clock.lock:
                done = self._take(count, termchar)
                if done is not None:
                    return done
                wait = self._until_next_reply()
            if wait is None or wait > patience:
                return self._time_out(patience)
            self.clock.spend(wait)
            patience -= wait

    def _termchar(self) -> bytes | None:
        """Return the byte that ends a read, if any does."""
        ends = self.attrs.get(Attribute.termchar_enabled, False)
        if self.is_serial:
            ends = ends or self.attrs.get(Attribute.asrl_end_in, BY_TERMCHAR) == BY_TERMCHAR
        return bytes((int(self.attrs.get(Attribute.termchar, 10)),)) if ends else None

    def _take(self, count: int, termchar: bytes | None) -> tuple[bytes, constants.StatusCode] | None:
        """Return what a read gets now, or None when it has to wait for more."""
        while self._next_reply():
            data, start = self._data, self._position
            stop = min(len(data), start + count)
            if termchar is not None:
                found = data.find(termchar, start, stop)
                stop = stop if found < 0 else found + 1
            last = stop == len(data)
            if last and self.has_end:
                return self._consume(stop), Status.success
            if termchar is not None and data[stop - 1 : stop] == termchar:
                return self._consume(stop), Status.success_termination_character_read
            if stop - start == count:
                return self._consume(stop), Status.success_max_count_read
            if not self._join_next():
                return None
        return None

    def _consume(self, stop: int) -> bytes:
        start, self._position = self._position, stop
        if start == 0 and stop == len(self._data):
            return self._data
        return self._data[start:stop]

    def _next_reply(self) -> bool:
        """Go on to the oldest reply when the current one is used up; False if there is none yet."""
        while self._position >= len(self._data):
            reply = self._pop_reply()
            if reply is None:
                return False
            self._data, self._position = reply, 0
        return True

    def _join_next(self) -> bool:
        """Append the next reply of a stream to the current one; False if there is none yet."""
        reply = self._pop_reply()
        if reply is None:
            return False
        self._data, self._position = self._data[self._position :] + reply, 0
        return True

    def _pop_reply(self) -> bytes | None:
        """Return the oldest reply that is there, with its terminator."""
        while self._replies:
            head = self._replies[0]
            if isinstance(head, Pending) and not self._is_done(head):
                return None
            self._replies.popleft()
            self._queued -= _space(head)
            reply = head.reply if isinstance(head, Pending) else head
            if reply is not None:
                self.clock.spend(self.instrument.latency / 2)
                return reply + self.instrument.reply_terminator
        return None

    def _is_done(self, pending: Pending) -> bool:
        if not pending.done:
            self.instrument.schedule.catch_up()
        return pending.done

    def _until_next_reply(self) -> float | None:
        """Return the seconds until a reply that is under way; None if there is none."""
        head = self._replies[0] if self._replies else None
        return max(0.0, head.ready_at - self.clock.now()) if isinstance(head, Pending) else None

    def _time_out(self, patience: float) -> tuple[bytes, constants.StatusCode]:
        """Let the rest of the time-out pass; what a stream had so far goes with it, as in real libraries."""
        self.clock.spend(patience)
        with self.clock.lock:
            if self.has_end and not self._replies:
                self.instrument.unterminated()
            self._data, self._position = b"", 0
        return b"", Status.error_timeout

    # --- everything else a bus can do

    def read_stb(self) -> int:
        """Return the status byte of a serial poll."""
        with self.clock.lock:
            self.clock.spend(self.instrument.latency / 2)
            self.instrument.schedule.catch_up()
            return self.instrument.serial_poll(self._anything_unread())

    def wants_service(self) -> bool:
        """Whether the instrument pulls the service request line."""
        with self.clock.lock:
            self.instrument.schedule.catch_up()
            return self.instrument.wants_service(self._anything_unread())

    def clear(self) -> None:
        """Clear the device; on a stream only what came is dropped, the instrument hears nothing."""
        with self.clock.lock:
            self._drop_replies()
            if not self.is_stream:
                self._lines.clear()
                self.instrument.device_clear()

    def flush(self) -> None:
        """Drop what was received and not read."""
        with self.clock.lock:
            self._drop_replies()

    def assert_trigger(self) -> None:
        """Send a bus trigger."""
        with self.clock.lock:
            self.clock.spend(self.instrument.latency / 2)
            self._deliver(b"*TRG")

    def _anything_unread(self) -> bool:
        return self._position < len(self._data) or bool(self._replies)

    def _drop_replies(self) -> None:
        self._replies.clear()
        self._queued = 0
        self._data, self._position = b"", 0


def _space(reply: bytes | Pending) -> int:
    """Return the bytes that a waiting reply takes; one that is under way counts little, it has a message behind it."""
    return _BOOKKEEPING + (len(reply) if isinstance(reply, bytes) else 0)
