"""The grammar of replies (IEEE 488.2, SCPI-99): what does not fit raises ValueError, so that no number is guessed."""

from __future__ import annotations

import re
from math import isfinite
from typing import NamedTuple

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_ENTRY = re.compile(r'([+-]?\d+),"((?:[^"]|"")*)"', re.ASCII)


class ErrorEntry(NamedTuple):
    """An entry of a SCPI error queue; code 0 is none."""

    code: int
    text: str


def line_of(raw: bytes) -> str:
    """Return the text of one terminated line: printable ASCII between nothing and LF, a CR before it dropped."""
    if not raw.endswith(b"\n"):
        raise ValueError("breaks off before its terminator")
    text = raw[:-1].removesuffix(b"\r")
    if not (text.isascii() and (line := text.decode("ascii")).isprintable()):
        raise ValueError("holds characters that no reply has")
    return line.strip()


def number(text: str) -> float:
    """Return a decimal number (NR1, NR2 or NR3)."""
    if _NUMBER.fullmatch(text) is None or not isfinite(value := float(text)):
        raise ValueError(f"{text!r} is no number")
    return value


def whole(text: str) -> int:
    """Return a number that is whole, in whatever form it is written."""
    value = number(text)
    if value != int(value):
        raise ValueError(f"{text!r} is no whole number")
    return int(value)


def error_entry(text: str) -> ErrorEntry:
    """Return an entry of the error queue, ``-113,"Undefined header"``."""
    entry = _ENTRY.fullmatch(text)
    if entry is None:
        raise ValueError(f"{text!r} is no entry of an error queue")
    return ErrorEntry(int(entry[1]), entry[2].replace('""', '"'))


class ReadBack(NamedTuple):
    """A setting that matters: the query that reads it back, and what it must answer.

    ``expected`` is a text, a number, or several numbers with commas between them; numbers may be off by ``tolerance``.
    One that can change by itself is to be read back ``always``, the others until the box has confirmed them.
    """

    query: str
    expected: str | float | tuple[float, ...]
    tolerance: float = 0.0
    always: bool = False

    def fault(self, reply: str) -> str | None:
        """Return what is wrong with a reply, if anything; raises ValueError for one outside the grammar."""
        if isinstance(self.expected, str):
            return None if reply == self.expected else f"{self.query} is {reply}, not {self.expected}"
        wanted = self.expected if isinstance(self.expected, tuple) else (self.expected,)
        found = [number(part) for part in reply.split(",")]
        if len(found) != len(wanted):
            raise ValueError(f"{reply!r} is no reply to {self.query}")
        if all(abs(a - b) <= self.tolerance for a, b in zip(found, wanted, strict=True)):
            return None
        return f"{self.query} is {reply}, not {','.join(f'{each:.9g}' for each in wanted)}"
