"""Cutting program messages where SCPI cuts them: outside quotes, blocks and parentheses."""

from __future__ import annotations

import re

from spinlab.virtual.status import CommandFailed

_SPECIAL = {mark: re.compile(rf"[{mark}'\"#()]") for mark in ";,"}
_AWKWARD = re.compile(r"['\"#(]")


def split(text: str, mark: str) -> list[str]:
    """Return the stripped parts of ``text`` between the ``mark`` characters (``;`` or ``,``) that separate."""
    if not _AWKWARD.search(text):
        return [part.strip() for part in text.split(mark)]
    parts, start, position, depth = [], 0, 0, 0
    while (found := _SPECIAL[mark].search(text, position)) is not None:
        position, symbol = found.end(), found[0]
        if symbol == mark:
            if depth == 0:
                parts.append(text[start : found.start()].strip())
                start = position
        elif symbol in "'\"":
            position = _end_of_string(text, position, symbol)
        elif symbol == "#":
            position = _end_of_block(text, position)
        else:
            depth = max(0, depth + (1 if symbol == "(" else -1))
    parts.append(text[start:].strip())
    return parts


def _end_of_string(text: str, start: int, quote: str) -> int:
    """Return where a string ends; a doubled quote inside is opened again at once by the next round."""
    end = text.find(quote, start)
    if end < 0:
        raise CommandFailed(-151)
    return end + 1


def _end_of_block(text: str, start: int) -> int:
    """Return where the block whose ``#`` stands before ``start`` ends; a number like #H1F is no block."""
    digits = text[start : start + 1]
    if digits not in "0123456789" or not digits:
        return start
    if digits == "0":
        return len(text)
    length = text[start + 1 : start + 1 + int(digits)]
    if len(length) != int(digits) or not (length.isascii() and length.isdigit()):
        raise CommandFailed(-161)
    end = start + 1 + int(digits) + int(length)
    if end > len(text):
        raise CommandFailed(-161)
    return end


class Lines:
    """Puts the bytes of a stream together into messages.

    A message ends with LF (a CR before it is dropped), or where the bus says END. A line feed inside a definite block
    is data, and where the bus says END so is one inside an indefinite block. Empty messages are dropped. A message
    that outgrows ``limit`` bytes is handed over cut at ``limit + 1``, so that its receiver sees that it is too long,
    and the memory stays bounded.
    """

    def __init__(self, limit: int, has_end: bool = False) -> None:
        self.limit = limit
        self._has_end = has_end
        self._rest = b""
        self._overflowing = False

    def feed(self, data: bytes, end: bool = False) -> list[bytes]:
        """Take bytes, return the messages that are complete with them."""
        data = self._rest + data if self._rest else data
        messages = []
        start = 0
        while (stop := _end_of_message(data, start)) >= 0:
            if self._has_end and _INDEFINITE.search(data, start, stop):
                break
            messages.append(data[start:stop])
            start = stop + 1
        self._rest = data[start:]
        if end:
            messages.append(self._rest.removesuffix(b"\n") if self._has_end else self._rest)
            self._rest = b""
        return self._kept(messages)

    def clear(self) -> None:
        """Forget what has come so far."""
        self._rest, self._overflowing = b"", False

    def _kept(self, messages: list[bytes]) -> list[bytes]:
        if self._overflowing and messages:
            del messages[0]  # the end of the message that was handed over cut
            self._overflowing = False
        if len(self._rest) > self.limit:
            if not self._overflowing:
                messages.append(self._rest[: self.limit + 1])
            self._rest, self._overflowing = b"", True
        return [stripped for message in messages if (stripped := message.rstrip(b"\r"))]


_BLOCK = re.compile(rb"#([1-9])")
_INDEFINITE = re.compile(rb"[ \t,]#0")


def _end_of_message(data: bytes, start: int) -> int:
    """Return the index of the line feed that ends the message beginning at ``start``; -1 if there is none yet."""
    stop = data.find(b"\n", start)
    if stop < 0:
        return -1
    position = start
    while (block := _BLOCK.search(data, position, stop)) is not None:
        digits = int(block[1])
        length = data[block.end() : block.end() + digits]
        position = block.end()
        if len(length) == digits and length.isdigit():
            position += digits + int(length)
            stop = data.find(b"\n", min(position, len(data))) if position > stop else stop
            if stop < 0:
                return -1
    return stop
