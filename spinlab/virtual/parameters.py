"""What may stand after a command's header, and what it means.

A parameter turns the text of one argument into a value, or raises :class:`CommandFailed` with the SCPI number that a
real box reports. Instruments declare them beside their methods::

    @command("TRACe:POINts", Integer(10, 55_000_000), Text(default="defbuffer1"))
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from spinlab.virtual.status import CommandFailed

T = TypeVar("T")

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z%]*)", re.ASCII)
_OTHER_BASE = re.compile(r"#(?:[hH]([0-9a-fA-F]{1,16})|[qQ]([0-7]{1,22})|[bB]([01]{1,64}))", re.ASCII)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_:]*", re.ASCII)
_PREFIXES = {
    "": 1.0, "EX": 1e18, "PE": 1e15, "T": 1e12, "G": 1e9, "MA": 1e6, "K": 1e3, "M": 1e-3, "U": 1e-6,
    "N": 1e-9, "P": 1e-12, "F": 1e-15, "A": 1e-18,
}  # fmt: skip
_REQUIRED: object = object()


def short_form(name: str) -> str:
    """Return the short form of a mnemonic written ``LONGform``; a number at its end stays: ``TIMer2`` is TIM2."""
    stem = name.rstrip("0123456789")
    end = next((i for i, letter in enumerate(stem) if letter.islower()), len(stem))
    return stem[:end] + name[len(stem) :]


def unit_scale(suffix: str, unit: str) -> float:
    """Return the factor of a unit suffix such as ``MV``; 1e6 is MA, except MHZ and MOHM, as SCPI-99 7.4 says."""
    suffix = suffix.upper()
    if not suffix:
        return 1.0
    if not unit or not suffix.endswith(unit.upper()):
        raise CommandFailed(-131)
    prefix = suffix[: -len(unit)]
    if prefix == "M" and unit.upper() in ("HZ", "OHM"):
        return 1e6
    if prefix not in _PREFIXES:
        raise CommandFailed(-131)
    return _PREFIXES[prefix]


class Parameter(Generic[T]):
    """One argument; with a ``default`` it may be left out (or left empty between commas)."""

    def __init__(self, default: T | object = _REQUIRED) -> None:
        self.default = default

    @property
    def required(self) -> bool:
        """Whether leaving it out is an error."""
        return self.default is _REQUIRED

    def parse(self, text: str) -> T:
        """Return the value; raises CommandFailed."""
        raise CommandFailed(-104)

    def show(self, value: T) -> object:
        """Return what a query of this value answers, before number formatting."""
        return value

    def limit(self, word: str) -> T:
        """Return what MINimum, MAXimum or DEFault stand for here."""
        raise CommandFailed(-108)


class Number(Parameter[float]):
    """A decimal number between ``low`` and ``high`` in ``unit``; ``infinite`` allows INFinity beyond them.

    With a ``form`` (a format specification such as ``+08.3f``) queries answer in that, not in the instrument's own.
    """

    def __init__(
        self,
        low: float = -9.9e37,
        high: float = 9.9e37,
        unit: str = "",
        *,
        standard: float | None = None,
        infinite: bool = False,
        form: str = "",
        default: float | object = _REQUIRED,
    ) -> None:
        super().__init__(default)
        self.low, self.high, self.unit, self.standard, self.infinite = low, high, unit, standard, infinite
        self.form = form

    def parse(self, text: str) -> float:
        """Return the number in the base unit."""
        match = _NUMBER.fullmatch(text)
        if match is None:
            value = self._special(text)
        else:
            value = float(match[1]) * unit_scale(match[2], self.unit) if match[2] else float(match[1])
        if self.low <= value <= self.high or (self.infinite and value >= 9.9e37):
            return value
        raise CommandFailed(-222)

    def show(self, value: float) -> object:
        """Return the number, written where it has a form."""
        return format(value, self.form) if self.form else value

    def _special(self, text: str) -> float:
        other = _OTHER_BASE.fullmatch(text)
        if other is not None:
            digits, base = next((group, base) for group, base in zip(other.groups(), (16, 8, 2), strict=True) if group)
            return float(int(digits, base))
        word = text.upper()
        if self.infinite and word in ("INF", "INFINITY"):
            return float("inf")
        if word in ("MIN", "MINIMUM", "MAX", "MAXIMUM", "DEF", "DEFAULT"):
            return self.limit(word)
        raise CommandFailed(-141 if _WORD.fullmatch(text) else -120 if text[:1].isdigit() else -104)

    def limit(self, word: str) -> float:
        """Return what MIN, MAX or DEF stand for."""
        choice = {"MIN": self.low, "MAX": self.high, "DEF": self.standard}.get(word[:3].upper())
        if choice is None:
            raise CommandFailed(-224)
        return choice


class Integer(Parameter[int]):
    """A whole number between ``low`` and ``high``; fractions are rounded, as IEEE 488.2 asks."""

    def __init__(self, low: int, high: int, *, standard: int | None = None, default: int | object = _REQUIRED) -> None:
        super().__init__(default)
        self._number = Number(low, high, standard=None if standard is None else float(standard))

    def parse(self, text: str) -> int:
        """Return the rounded number."""
        return round(self._number.parse(text))

    def limit(self, word: str) -> int:
        """Return what MIN, MAX or DEF stand for."""
        return round(self._number.limit(word))


class Boolean(Parameter[bool]):
    """ON, OFF, or a number, zero meaning OFF; the reply is 1 or 0, or ON and OFF in ``words``."""

    def __init__(self, *, words: bool = False, default: bool | object = _REQUIRED) -> None:
        super().__init__(default)
        self.words = words

    def show(self, value: bool) -> object:
        """Return the state."""
        return ("ON" if value else "OFF") if self.words else value

    def parse(self, text: str) -> bool:
        """Return the state."""
        word = text.upper()
        if word in ("ON", "1"):
            return True
        if word in ("OFF", "0"):
            return False
        if _NUMBER.fullmatch(text):
            return round(Number(-1e9, 1e9).parse(text)) != 0
        raise CommandFailed(-141 if _WORD.fullmatch(text) else -104)


class Word(Parameter[str]):
    """One of a few mnemonics, written ``LONGform``; the value is the short form, and so is the reply."""

    def __init__(self, *words: str, default: str | object = _REQUIRED, quotes: bool = False) -> None:
        super().__init__(default)
        self.quotes = quotes
        self._forms = {form: short_form(word) for word in words for form in (word.upper(), short_form(word))}

    def parse(self, text: str) -> str:
        """Return the short form."""
        word = unquote(text) if self.quotes else text
        try:
            return self._forms[word.upper()]
        except KeyError:
            raise CommandFailed(-224 if _WORD.fullmatch(word) else -104) from None

    def show(self, value: str) -> str:
        """Return the word, quoted where the instrument quotes it."""
        return f'"{value}"' if self.quotes else value


class Text(Parameter[str]):
    """A string in single or double quotes; ``bare`` words are taken as well."""

    def __init__(self, *, bare: bool = True, longest: int = 256, default: str | object = _REQUIRED) -> None:
        super().__init__(default)
        self.bare, self.longest = bare, longest

    def parse(self, text: str) -> str:
        """Return the string without its quotes."""
        if text[:1] not in "'\"" and not (self.bare and _WORD.fullmatch(text)):
            raise CommandFailed(-104)
        return self._checked(unquote(text))

    def _checked(self, string: str) -> str:
        if len(string) > self.longest:
            raise CommandFailed(-223)
        return string

    def show(self, value: str) -> str:
        """Return the string quoted."""
        return '"' + value.replace('"', '""') + '"'


class Bare(Text):
    """A word, an address, anything, in quotes or not; the reply has none."""

    def parse(self, text: str) -> str:
        """Return the text without its quotes."""
        return super().parse(text) if text[:1] in "'\"" else self._checked(text)

    def show(self, value: str) -> str:
        """Return the text."""
        return value


class Block(Parameter[bytes]):
    """Arbitrary block data, definite ``#3100…`` or indefinite ``#0…``."""

    def parse(self, text: str) -> bytes:
        """Return the bytes."""
        data = text.encode("latin-1", "replace")
        if data[:1] != b"#" or not data[1:2].isdigit():
            raise CommandFailed(-104)
        digits = int(data[1:2])
        if digits == 0:
            return data[2:]
        length = data[2 : 2 + digits]
        if not length.isdigit() or len(data) != 2 + digits + int(length):
            raise CommandFailed(-161)
        return data[2 + digits :]


class Channels(Parameter[list[int]]):
    """A channel list, ``(@1,3:5)``, of channels between ``low`` and ``high``; ``(@)`` is the empty one."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self.low, self.high = low, high

    def parse(self, text: str) -> list[int]:
        """Return the channels in the order of the list."""
        if not (text.startswith("(@") and text.endswith(")")):
            raise CommandFailed(-104)
        ranges = [part.strip() for part in text[2:-1].split(",") if part.strip()]
        return [channel for part in ranges for channel in self._range(part)]

    def _range(self, text: str) -> range:
        ends = [end.strip() for end in text.split(":")]
        if len(ends) > 2 or not all(end.isascii() and end.isdigit() and len(end) < 10 for end in ends):
            raise CommandFailed(-104)
        first, last = int(ends[0]), int(ends[-1])
        if not self.low <= min(first, last) <= max(first, last) <= self.high:
            raise CommandFailed(-222)
        return range(first, last + 1) if first <= last else range(first, last - 1, -1)

    def show(self, value: list[int]) -> str:
        """Return the list, neighbours put together: ``(@1,3:5)``."""
        spans: list[list[int]] = []
        for channel in value:
            if spans and channel == spans[-1][-1] + 1:
                spans[-1] = [spans[-1][0], channel]
            else:
                spans.append([channel])
        return "(@" + ",".join(":".join(map(str, span)) for span in spans) + ")"


class ListOf(Parameter[list[T]]):
    """All remaining arguments, at least ``least``, each of the same kind."""

    def __init__(self, each: Parameter[T], least: int = 1) -> None:
        super().__init__()
        self.each, self.least = each, least

    def parse_all(self, texts: Sequence[str]) -> list[T]:
        """Return the values in order."""
        if len(texts) < self.least:
            raise CommandFailed(-109)
        return [self.each.parse(text) for text in texts]


def unquote(text: str) -> str:
    """Return the inside of a quoted string, or the text itself when it is not quoted."""
    mark = text[:1]
    if mark not in ("'", '"'):
        return text
    if len(text) < 2 or text[-1] != mark:
        raise CommandFailed(-151)
    return text[1:-1].replace(mark + mark, mark)


def bind(parameters: Sequence[Parameter[Any]], texts: Sequence[str]) -> list[Any]:
    """Return the values of a command's arguments; -109 when one is missing, -108 when there are too many."""
    values: list[Any] = []
    count = len(texts)
    for index, parameter in enumerate(parameters):
        if isinstance(parameter, ListOf):
            values.append(parameter.parse_all(texts[index:]))
            return values
        if index < count and texts[index]:
            values.append(parameter.parse(texts[index]))
        elif parameter.default is _REQUIRED:
            raise CommandFailed(-109)
        else:
            values.append(parameter.default)
    if count > len(parameters):
        raise CommandFailed(-108)
    return values
