"""The messages of HiSLIP, the High-Speed LAN Instrument Protocol (IVI-6.1, sections 2 and 6)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

HEADER = struct.Struct("!2sBBIQ")  # prologue, type, control code, parameter, length of the payload
SIZE = struct.Struct("!Q")
PROLOGUE = b"HS"
VERSION = 0x0100  # 1.0
FIRST_MESSAGE = 0xFFFFFF00
UNNUMBERED = 0xFFFFFFFF
LARGEST_PAYLOAD = 1 << 20


class Kind(IntEnum):
    """Message types."""

    INITIALIZE = 0
    INITIALIZE_RESPONSE = 1
    FATAL_ERROR = 2
    ERROR = 3
    ASYNC_LOCK = 4
    ASYNC_LOCK_RESPONSE = 5
    DATA = 6
    DATA_END = 7
    DEVICE_CLEAR_COMPLETE = 8
    DEVICE_CLEAR_ACKNOWLEDGE = 9
    ASYNC_REMOTE_LOCAL_CONTROL = 10
    ASYNC_REMOTE_LOCAL_RESPONSE = 11
    TRIGGER = 12
    INTERRUPTED = 13
    ASYNC_INTERRUPTED = 14
    ASYNC_MAX_MSG_SIZE = 15
    ASYNC_MAX_MSG_SIZE_RESPONSE = 16
    ASYNC_INITIALIZE = 17
    ASYNC_INITIALIZE_RESPONSE = 18
    ASYNC_DEVICE_CLEAR = 19
    ASYNC_SERVICE_REQUEST = 20
    ASYNC_STATUS_QUERY = 21
    ASYNC_STATUS_RESPONSE = 22
    ASYNC_DEVICE_CLEAR_ACKNOWLEDGE = 23
    ASYNC_LOCK_INFO = 24
    ASYNC_LOCK_INFO_RESPONSE = 25


class Fatal(IntEnum):
    """Why a connection is closed."""

    UNIDENTIFIED = 0
    BAD_HEADER = 1
    NOT_ESTABLISHED = 2
    BAD_INITIALIZATION = 3
    TOO_MANY_CLIENTS = 4


class Fault(IntEnum):
    """Why a message was ignored."""

    UNIDENTIFIED = 0
    UNRECOGNIZED_TYPE = 1
    UNRECOGNIZED_CONTROL = 2
    UNRECOGNIZED_VENDOR_MESSAGE = 3
    TOO_LARGE = 4


class LockAnswer(IntEnum):
    """Control codes of the answer to a lock request or release."""

    FAILURE = 0
    SUCCESS = 1
    SHARED_RELEASED = 2
    ERROR = 3


class HislipError(Exception):
    """A message that ends the connection."""

    def __init__(self, code: Fatal, text: str) -> None:
        super().__init__(text)
        self.code = code


class Message(NamedTuple):
    """One message; ``payload`` is None when it was too large to be kept."""

    kind: int
    control: int
    parameter: int
    payload: bytes | None


def packed(kind: Kind, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    """Return the bytes of a message."""
    return HEADER.pack(PROLOGUE, kind, control, parameter, len(payload)) + payload


class Messages:
    """Cuts the stream of one channel into messages; what is larger than ``limit`` bytes is passed over, not kept."""

    def __init__(self, limit: int = LARGEST_PAYLOAD) -> None:
        self.limit = limit
        self._buffer = bytearray()
        self._skip = 0

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take bytes, yield the messages that are complete with them; raises HislipError where there is no header."""
        buffer = self._buffer
        buffer += data
        while True:
            skipped = min(self._skip, len(buffer))
            del buffer[:skipped]
            self._skip -= skipped
            if buffer[:2] != PROLOGUE[: len(buffer)]:
                raise HislipError(Fatal.BAD_HEADER, f"a message begins with HS, not with {bytes(buffer[:2])!r}")
            if len(buffer) < HEADER.size:
                return
            _, kind, control, parameter, length = HEADER.unpack_from(buffer)
            if length > self.limit:
                del buffer[: HEADER.size]
                self._skip = length
                yield Message(kind, control, parameter, None)
                continue
            end = HEADER.size + length
            if len(buffer) < end:
                return
            payload = bytes(buffer[HEADER.size : end])
            del buffer[:end]
            yield Message(kind, control, parameter, payload)
