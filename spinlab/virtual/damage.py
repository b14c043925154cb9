"""What a bad line does to a reply, so that no reader who knows the grammar can take it for a good one."""

from __future__ import annotations

import re

import numpy as np

from spinlab.virtual.instrument import Cut

NOISE = 0x80  # a bit that no character of a reply has
_PARTS = re.compile(rb";|\r\n")


def garbled(reply: bytes, generator: np.random.Generator) -> bytes:
    """Return the reply with characters in it that are none; of a block the header is hit."""
    data = bytearray(reply)
    reach = min(2, len(data)) if reply.startswith(b"#") else len(data)
    if not reach:
        return bytes((NOISE,))
    for _ in range(int(generator.integers(1, 4))):
        data[int(generator.integers(reach))] |= NOISE
    return bytes(data)


def truncated(reply: bytes, generator: np.random.Generator) -> bytes:
    """Return a beginning of the reply, perhaps all or nothing of it, that is never terminated."""
    return Cut(reply[: int(generator.integers(len(reply) + 1))])


def of_wrong_length(reply: bytes, generator: np.random.Generator) -> bytes:
    """Return a block with bytes missing or too many, or a text without one of its parts."""
    if reply.startswith(b"#"):
        at, number = int(generator.integers(2, max(3, len(reply)))), int(generator.integers(1, 8))
        too_long = bool(generator.integers(2))
        return reply[:at] + bytes(number) + reply[at:] if too_long else reply[:at] + reply[at + number :]
    separators = list(_PARTS.finditer(reply))
    if not separators:
        return b""
    lost = separators[int(generator.integers(len(separators)))]
    before = max((each.end() for each in separators if each.end() <= lost.start()), default=0)
    return reply[:before] + reply[lost.end() :]
