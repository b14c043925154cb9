"""HiSLIP, the server's side: sessions of two channels each, in synchronized mode (IVI-6.1, version 1.0).

Service requests are not pushed (they show in the status byte), overlap mode, TLS and SASL are not offered.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from spinlab.virtual.connection import Connection, Crowd
from spinlab.virtual.hislip import (
    FIRST_MESSAGE,
    HEADER,
    LARGEST_PAYLOAD,
    SIZE,
    VERSION,
    Fatal,
    Fault,
    HislipError,
    Kind,
    LockAnswer,
    Message,
    Messages,
    packed,
)
from spinlab.virtual.wire import Mark, Station, Wire

OUR_VENDOR = int.from_bytes(b"SL")
SMALLEST_REPLY = 256  # bytes that a client takes in one message, whatever it says
# pyvisa-py (vendor "xx") takes the next message on its asynchronous channel for the answer to its own last question;
# it is told of an interrupted reply on the synchronous channel alone.
HEARS_NO_NEWS = int.from_bytes(b"xx")
REMOTE_LOCAL_CODES = 7
GRACE = 0.5  # s


class HislipPort:
    """The HiSLIP port of one instrument: makes channels, knows the sessions."""

    def __init__(self, station: Station, crowd: Crowd) -> None:
        self.station = station
        self.sessions: dict[int, Session] = {}
        self._crowd = crowd
        self._numbers = itertools.count(1)

    def channel(self) -> Channel:
        """Return the protocol of a new connection."""
        return Channel(self, self._crowd)

    def begin(self, channel: Channel, message: Message) -> Session:
        """Open a session for a client on its synchronous channel."""
        name = (message.payload or b"").decode("latin-1").lower()
        if name not in ("", "hislip0", self.station.role.lower()):
            raise HislipError(Fatal.BAD_INITIALIZATION, f"no device {name!r} here: this is hislip0")
        number = next(number & 0xFFFF for number in self._numbers if number & 0xFFFF not in self.sessions)
        session = self.sessions[number] = Session(self, number, channel, vendor=message.parameter & 0xFFFF)
        channel.transmit(Kind.INITIALIZE_RESPONSE, 0, VERSION << 16 | number)
        return session

    def join(self, channel: Channel, message: Message) -> Session:
        """Add the asynchronous channel to a session."""
        session = self.sessions.get(message.parameter)
        if session is None or session.asynchronous is not None:
            raise HislipError(Fatal.BAD_INITIALIZATION, f"no session {message.parameter} waits for its second channel")
        session.asynchronous = channel
        channel.transmit(Kind.ASYNC_INITIALIZE_RESPONSE, 0, OUR_VENDOR)
        return session


class Channel(Connection):
    """One of the two connections of a session; its first message tells which."""

    def __init__(self, port: HislipPort, crowd: Crowd) -> None:
        super().__init__(crowd)
        self._port = port
        self._messages = Messages()
        self._session: Session | None = None

    def transmit(self, kind: Kind, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        """Send one message."""
        self.send(packed(kind, control, parameter, payload))

    def received(self, data: bytes) -> None:
        """Act on what is complete; what makes no sense at all ends the connection."""
        try:
            for message in self._messages.feed(data):
                if self.transport.is_closing():
                    return
                self._take(message)
        except HislipError as error:
            self.transmit(Kind.FATAL_ERROR, error.code, 0, str(error).encode("latin-1", "replace"))
            self.transport.close()

    def refused(self) -> None:
        """Say that the port is crowded."""
        self.transmit(Kind.FATAL_ERROR, Fatal.TOO_MANY_CLIENTS, 0, b"too many clients")

    def closed(self) -> None:
        """End the session: it does not live on one channel."""
        if self._session is not None:
            self._session.lost(self)

    def complain(self, fault: Fault, text: str) -> None:
        """Say that a message was ignored."""
        self.transmit(Kind.ERROR, fault, 0, text.encode())

    def _take(self, message: Message) -> None:
        if message.kind == Kind.FATAL_ERROR:
            self.transport.close()
        elif message.kind == Kind.ERROR:
            pass
        elif self._session is None:
            self._session = self._initialize(message)
        elif message.payload is None:
            self.complain(Fault.TOO_LARGE, f"the largest payload is {LARGEST_PAYLOAD} bytes")
        else:
            self._session.take(self, message)

    def _initialize(self, message: Message) -> Session:
        if message.kind == Kind.INITIALIZE and message.payload is not None:
            return self._port.begin(self, message)
        if message.kind == Kind.ASYNC_INITIALIZE:
            return self._port.join(self, message)
        raise HislipError(Fatal.BAD_INITIALIZATION, "the first message is Initialize or AsyncInitialize")


class Session:
    """One client: its wire to the instrument, its two channels, its locks."""

    def __init__(self, port: HislipPort, number: int, synchronous: Channel, vendor: int) -> None:
        self._port, self._number = port, number
        self._synchronous = synchronous
        self.asynchronous: Channel | None = None
        self._vendor = vendor
        self._wire = Wire(
            port.station,
            synchronous.peer,
            self._reply,
            self._moved,
            self._interrupted,
            hang_up=synchronous.transport.abort,
        )
        self._locks = port.station.locks
        self._largest_reply = LARGEST_PAYLOAD
        self._seen = FIRST_MESSAGE - 2
        self._clearing = self._is_closed = False
        self._listening = True
        self._waiting: LockRequest | None = None
        self._releasing: int | None = None
        self._handlers: dict[int, Callable[[Message], None]] = {
            Kind.DATA: self._data,
            Kind.DATA_END: self._data,
            Kind.TRIGGER: self._data,
            Kind.DEVICE_CLEAR_COMPLETE: self._cleared,
        }
        self._async_handlers: dict[int, Callable[[Message], None]] = {
            Kind.ASYNC_MAX_MSG_SIZE: self._max_message_size,
            Kind.ASYNC_STATUS_QUERY: self._status_query,
            Kind.ASYNC_DEVICE_CLEAR: self._device_clear,
            Kind.ASYNC_LOCK: self._lock,
            Kind.ASYNC_LOCK_INFO: self._lock_info,
            Kind.ASYNC_REMOTE_LOCAL_CONTROL: self._remote_local,
        }

    def take(self, channel: Channel, message: Message) -> None:
        """Act on a message of either channel."""
        if self.asynchronous is None:
            raise HislipError(Fatal.NOT_ESTABLISHED, "a session needs both its channels")
        handlers = self._handlers if channel is self._synchronous else self._async_handlers
        handler = handlers.get(message.kind)
        if handler is not None:
            handler(message)
        elif message.kind >= 128:
            channel.complain(Fault.UNRECOGNIZED_VENDOR_MESSAGE, f"no vendor message {message.kind}")
        else:
            channel.complain(Fault.UNRECOGNIZED_TYPE, f"no message {message.kind} on this channel")

    def lost(self, channel: Channel) -> None:
        """End the session when a channel is gone; what still comes on the synchronous one is waited for a little."""
        if channel is self._synchronous or self._synchronous.transport.is_closing():
            self.close()
        else:
            asyncio.get_running_loop().call_later(GRACE, self.close)

    def close(self) -> None:
        """End the session and both its connections."""
        if self._is_closed:
            return
        self._is_closed = True
        del self._port.sessions[self._number]
        if self._waiting is not None:
            self._waiting.end()
        self._wire.close()
        for channel in (self._synchronous, self.asynchronous):
            if channel is not None:
                channel.transport.close()

    # --- the synchronous channel

    def _data(self, message: Message) -> None:
        if self._clearing:
            return
        self._seen = message.parameter
        mark = Mark(message.parameter, bool(message.control & 1))
        if message.kind == Kind.TRIGGER:
            self._wire.trigger(mark)
        else:
            self._wire.offer(message.payload or b"", message.kind == Kind.DATA_END, mark)
        self._release_if_done()

    def _reply(self, reply: bytes, mark: Mark) -> None:
        pieces = [reply[at : at + self._largest_reply] for at in range(0, len(reply), self._largest_reply)]
        messages = [packed(Kind.DATA, 0, mark.number, piece) for piece in pieces[:-1]]
        self._synchronous.send(b"".join((*messages, packed(Kind.DATA_END, 0, mark.number, pieces[-1]))))

    def _interrupted(self, mark: Mark) -> None:
        self._synchronous.transmit(Kind.INTERRUPTED, 0, mark.number)
        if self.asynchronous is not None and self._vendor != HEARS_NO_NEWS:
            self.asynchronous.transmit(Kind.ASYNC_INTERRUPTED, 0, mark.number)

    def _cleared(self, _: Message) -> None:
        self._clearing = False
        self._seen = FIRST_MESSAGE - 2
        self._synchronous.transmit(Kind.DEVICE_CLEAR_ACKNOWLEDGE)

    def _moved(self) -> None:
        if self._synchronous.transport.is_closing():
            self.close()
            return
        if self._listening != self._wire.idle:
            self._listening = self._wire.idle
            self._synchronous.listen(self._listening)
        self._release_if_done()

    # --- the asynchronous channel

    def _answer(self, kind: Kind, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        assert self.asynchronous is not None
        self.asynchronous.transmit(kind, control, parameter, payload)

    def _complain(self, fault: Fault, text: str) -> None:
        assert self.asynchronous is not None
        self.asynchronous.complain(fault, text)

    def _max_message_size(self, message: Message) -> None:
        payload = message.payload or b""
        if len(payload) != SIZE.size:
            self._complain(Fault.UNIDENTIFIED, f"a message size has {SIZE.size} bytes")
            return
        wanted = SIZE.unpack(payload)[0] - HEADER.size
        self._largest_reply = min(max(wanted, SMALLEST_REPLY), LARGEST_PAYLOAD)
        self._answer(Kind.ASYNC_MAX_MSG_SIZE_RESPONSE, payload=SIZE.pack(LARGEST_PAYLOAD + HEADER.size))

    def _status_query(self, message: Message) -> None:
        if message.control & 1:
            self._wire.unread = False
        self._answer(Kind.ASYNC_STATUS_RESPONSE, self._wire.status())

    def _device_clear(self, _: Message) -> None:
        self._clearing = True
        self._wire.clear()
        self._wire.advance()
        self._answer(Kind.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE)

    def _remote_local(self, message: Message) -> None:
        if message.control >= REMOTE_LOCAL_CODES:
            self._complain(Fault.UNRECOGNIZED_CONTROL, f"no remote/local code {message.control}")
        else:
            self._answer(Kind.ASYNC_REMOTE_LOCAL_RESPONSE)

    def _lock_info(self, _: Message) -> None:
        self._answer(Kind.ASYNC_LOCK_INFO_RESPONSE, int(self._locks.exclusive is not None), self._locks.holders)

    def _lock(self, message: Message) -> None:
        if message.control == 0:
            self._releasing = message.parameter
            self._release_if_done()
        elif message.control == 1:
            self._request((message.payload or b"").decode("latin-1"), message.parameter / 1000)
        else:
            self._complain(Fault.UNRECOGNIZED_CONTROL, f"no lock code {message.control}")

    def _request(self, key: str, patience: float) -> None:
        if self._waiting is not None or len(key) > 256 or self._locks.holds(self._wire, key):
            self._answer(Kind.ASYNC_LOCK_RESPONSE, LockAnswer.ERROR)
        else:
            self._waiting = LockRequest(self._port.station, self._wire, key, patience, self._lock_answer)
            self._waiting.look()

    def _lock_answer(self, granted: bool) -> None:
        self._waiting = None
        self._answer(Kind.ASYNC_LOCK_RESPONSE, LockAnswer.SUCCESS if granted else LockAnswer.FAILURE)

    def _release_if_done(self) -> None:
        """Release the lock once the messages that were sent under it have come and are carried out."""
        if self._releasing is None or not self._wire.idle:
            return
        ahead = (self._releasing - self._seen) & 0xFFFFFFFF
        if 0 < ahead < 0x10000:
            return
        self._releasing = None
        answers = {"exclusive": LockAnswer.SUCCESS, "shared": LockAnswer.SHARED_RELEASED, None: LockAnswer.ERROR}
        self._answer(Kind.ASYNC_LOCK_RESPONSE, answers[self._locks.release(self._wire)])


class LockRequest:
    """A client that waits for a lock, for ``patience`` seconds at most."""

    def __init__(
        self, station: Station, client: Wire, key: str, patience: float, answer: Callable[[bool], None]
    ) -> None:
        self._locks, self._client, self._key, self._answer = station.locks, client, key, answer
        self._alarm = asyncio.get_running_loop().call_later(patience, self._give_up)
        self._locks.watchers.append(self.look)

    def look(self) -> None:
        """Take the lock if it is free."""
        if self._locks.acquire(self._client, self._key):
            self.end()
            self._answer(True)

    def end(self) -> None:
        """Wait no more."""
        self._alarm.cancel()
        if self.look in self._locks.watchers:
            self._locks.watchers.remove(self.look)

    def _give_up(self) -> None:
        self.end()
        self._answer(False)
