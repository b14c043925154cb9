"""One box's VISA resource: whole exchanges, strict framing, and a fresh start after one that failed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pyvisa
from pyvisa.constants import StatusCode

from spinlab.errors import InstrumentError
from spinlab.replies import line_of

T = TypeVar("T")
Tap = Callable[[Literal["sent", "received", "failed"], bytes], None]
TROUBLE = (pyvisa.errors.VisaIOError, pyvisa.errors.InvalidSession, OSError)
SHOWN = 70  # characters of a message in an error
CHUNK = 1 << 14  # bytes of a line that are read at once
STREAMS = ("SOCKET", "ASRL")  # have no device clear: closing them is all there is


class VisaLink:
    """One instrument's VISA resource, opened when first needed; every exchange holds the link's lock and is counted.

    After an exchange that failed in any way nobody knows what is still under way, and a late reply must not be taken
    for the answer to another question. The next exchange therefore opens the resource anew, clears the device where
    the bus can, and makes sure that the answer to ``*IDN?`` is ``identity``. ``tap`` hears all traffic.
    """

    def __init__(self, open_resource: Callable[[], Any], address: str, name: str = "") -> None:
        self.address = address
        self.name = name
        self.identity: str | None = None
        self.exchanges = 0
        self.tap: Tap | None = None
        self._open = open_resource
        self._resource: Any = None
        self._in_step = True
        self._lock = threading.RLock()

    @property
    def is_open(self) -> bool:
        """Whether the resource has been opened; one that failed since then counts."""
        return self._resource is not None or not self._in_step

    def write(self, message: str) -> None:
        """Send one message."""
        self._exchange(message, lambda resource: None)

    def query(self, message: str) -> str:
        """Send one message and return its one-line reply without terminators."""
        return self._exchange(message, lambda resource: self._line(resource, message))

    def query_lines(self, message: str, count: int) -> list[str]:
        """Send one message and return its reply of ``count`` lines, for boxes that answer each query on its own."""
        return self._exchange(message, lambda resource: [self._line(resource, message) for _ in range(count)])

    def query_floats(self, message: str, count: int) -> npt.NDArray[np.float32]:
        """Send one message whose reply is a block of ``count`` little-endian float32."""
        return self._exchange(message, lambda resource: self._block(resource, message, count))

    def close(self) -> None:
        """Close the resource; harmless when it is not open."""
        with self._lock:
            self._in_step = True
            self._drop()

    # --- one exchange

    def _exchange(self, message: str, receive: Callable[[Any], T]) -> T:
        with self._lock:
            try:
                resource = self._ready()
                self._in_step = False
                found = self._carry_out(resource, message, receive)
            except TROUBLE as error:
                raise InstrumentError(self._explained(error, message)) from error
            self._in_step = True
            return found

    def _carry_out(self, resource: Any, message: str, receive: Callable[[Any], T]) -> T:
        self.exchanges += 1
        data = message.encode("ascii") + b"\n"
        if self.tap is None:
            resource.write_raw(data)
            return receive(resource)
        self.tap("sent", data)
        try:
            resource.write_raw(data)
            return receive(resource)
        except TROUBLE as error:
            self.tap("failed", str(error).encode("ascii", "replace"))
            raise

    def _line(self, resource: Any, message: str) -> str:
        raw, status = resource.visalib.read(resource.session, CHUNK)  # as read_raw(), at a third of its cost
        while status == StatusCode.success_max_count_read:
            more, status = resource.visalib.read(resource.session, CHUNK)
            raw += more
        if self.tap is not None:
            self.tap("received", raw)
        try:
            return line_of(raw)
        except ValueError as error:
            raise InstrumentError(f"{self._who}: {_shown(raw)} {error} (asked {_short(message)})") from None

    def _block(self, resource: Any, message: str, count: int) -> npt.NDArray[np.float32]:
        """A framed binary read: the terminator is off, since it would split the data at every 0x0A."""
        size = 2 + 4 * count + 1
        with resource.read_termination_context(None):
            raw = resource.read_bytes(size, chunk_size=size)
        if self.tap is not None:
            self.tap("received", raw)
        if raw[:2] != b"#0" or raw[-1:] != b"\n":
            raise InstrumentError(
                f"{self._who}: {_shown(raw)} is no block of {count} readings between #0 and LF (asked {_short(message)})"
            )
        return np.frombuffer(raw, dtype="<f4", count=count, offset=2)

    # --- opening, and opening anew

    def _ready(self) -> Any:
        if self._resource is None and self._in_step:
            self._resource = self._open()
        elif not self._in_step:
            self._begin_anew()
        return self._resource

    def _begin_anew(self) -> None:
        """Get rid of what is under way; raises InstrumentError when that fails, and then is tried again next time."""
        self._drop()
        self._resource = resource = self._open()
        if not self.address.upper().endswith(STREAMS[0]) and not self.address.upper().startswith(STREAMS[1]):
            resource.clear()
        if self.identity is not None:
            answer = self._carry_out(resource, "*IDN?", lambda _: self._line(resource, "*IDN?"))
            if answer != self.identity:
                raise InstrumentError(f"{self._who}: answers {answer!r} to *IDN?, it was {self.identity!r} before")
        self._in_step = True

    def _drop(self) -> None:
        resource, self._resource = self._resource, None
        if resource is not None:
            with suppress(*TROUBLE):  # it may be gone already
                resource.close()

    # --- errors

    @property
    def _who(self) -> str:
        return f"{self.name} at {self.address}" if self.name else self.address

    def _explained(self, error: Exception, message: str) -> str:
        code = getattr(error, "error_code", None)
        if code == StatusCode.error_timeout:
            seconds = self._resource.timeout / 1e3 if self._resource is not None else 0.0
            return f"{self._who}: no whole reply within {seconds:g} s (asked {_short(message)})"
        if code == StatusCode.error_connection_lost:
            return f"{self._who}: the connection was lost (at {_short(message)})"
        return f"{self._who}: {error} (at {_short(message)})"


def _short(message: str) -> str:
    return repr(message if len(message) <= SHOWN else f"{message[: SHOWN - 1]}…")


def _shown(raw: bytes) -> str:
    return repr(raw[:SHOWN])[1:] + ("…" if len(raw) > SHOWN else "")
