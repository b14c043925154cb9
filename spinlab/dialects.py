"""Devices that are asked after every message how it went: SCPI boxes, and those of Stanford Research Systems.

One exchange carries the commands, the queries that read the settings back, and the box's error reports. It begins with
``*ESR?``: the power-on bit there says that the box was switched off and on since ``initialise``, its settings lost.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from spinlab.errors import InstrumentError, Rebooted
from spinlab.link import VisaLink
from spinlab.replies import ReadBack, error_entry, whole
from spinlab.visa import DeviceSettings, Surroundings, VisaDevice

POWER_ON = 128  # of the standard event register, IEEE 488.2
_ANSWER = re.compile(r'(.*);([+-]?\d+,"(?:[^"]|"")*")', re.ASCII)
T = TypeVar("T")


class CheckedDevice(VisaDevice):
    """A device whose exchanges are confirmed; see the module.

    A value that the box has confirmed is not read back again as long as the same is set and nothing fails: reading
    a dozen delays back at every shot would cost a tenth of it.
    """

    def __init__(self, name: str, link: VisaLink, settings: DeviceSettings, surroundings: Surroundings) -> None:
        self._confirmed: dict[str, str | float | tuple[float, ...]] = {}
        super().__init__(name, link, settings, surroundings)

    def initial(self, commands: str, *settings: ReadBack) -> None:
        """As :meth:`command`; what was reported or confirmed before is forgotten first."""
        self._confirmed.clear()
        self._carry_out("*CLS;*ESR?;", commands, "initialise", settings)

    def command(self, commands: str, context: str, *settings: ReadBack) -> None:
        """Carry out commands, confirm settings; raises InstrumentError with the box's words or what differs."""
        known = self._confirmed
        news = [each for each in settings if each.always or known.get(each.query) != each.expected]
        self._carry_out("*ESR?;", commands, context, news)

    def secure(self, commands: str, *settings: ReadBack) -> None:
        """As :meth:`command`, for the safe state: errors of the past are forgotten, but not that the box was off."""
        self._carry_out("*ESR?;*CLS;", commands, "safe state", settings)

    def ask(self, query: str, read: Callable[[str], T], context: str) -> T:
        """Return what ``read`` makes of the reply to one query."""
        (reply,) = self._carry_out("*ESR?;", query, context, (), 1)
        return self.understood(read, reply, query)

    def look(self, *settings: ReadBack) -> None:
        """Ask how the box is, and whether settings are still what they were."""
        self._carry_out("*ESR?;", "", "looking at it", settings)

    def understood(self, read: Callable[[str], T], reply: str, query: str) -> T:
        """Return ``read(reply)``; raises InstrumentError when it is outside the grammar."""
        try:
            return read(reply)
        except ValueError as error:
            raise InstrumentError(f"{self.name}: {error} (asked {query})") from None

    @abstractmethod
    def exchange(self, message: str, queries: int) -> tuple[list[str], list[str]]:
        """Send a message of ``queries`` queries and the box's error queries; return the replies to both.

        A query that the box refused may have no reply.
        """

    @abstractmethod
    def reported(self, replies: Sequence[str]) -> str:
        """Return what the replies to the error queries report, nothing if nothing; ValueError if they make no sense."""

    def _carry_out(
        self, opening: str, commands: str, context: str, settings: Sequence[ReadBack], asked: int = 0
    ) -> list[str]:
        known, self._confirmed = self._confirmed, {}  # until this went well
        message = (opening + ";".join(filter(None, (commands, *(each.query for each in settings))))).rstrip(";")
        count = 1 + asked + len(settings)
        replies, reports = self.exchange(message, count)
        try:
            was_off = bool(whole(replies[0]) & POWER_ON)
            problem = self.reported(reports)  # comes first: a setting that was refused is no wonder
            if not problem:
                if len(replies) != count:
                    raise ValueError(f"{';'.join(replies)!r} holds {len(replies)} replies to {count} queries")
                faults = [each.fault(reply) for each, reply in zip(settings, replies[1 + asked :], strict=True)]
                problem = "; ".join(filter(None, faults))
        except ValueError as error:
            raise InstrumentError(f"{self.name}: {error} (after {context})") from None
        off = "it was switched off and on, its settings are gone"
        if problem:
            raise InstrumentError(f"{self.name}: {problem}{f'; {off}' if was_off else ''} (after {context})")
        if was_off:
            raise Rebooted(f"{self.name}: {off} (noticed after {context})")
        known.update((each.query, each.expected) for each in settings)
        self._confirmed = known
        return replies[1 : 1 + asked]


class ScpiDevice(CheckedDevice):
    """A box with a SCPI error queue, which answers the queries of a message in one line."""

    def exchange(self, message: str, queries: int) -> tuple[list[str], list[str]]:
        """One line, semicolons between the replies; the error entry at its end may hold some itself."""
        message += ";:SYST:ERR?"
        reply = self.link.query(message)
        parts = _ANSWER.fullmatch(reply)
        if parts is None:
            raise InstrumentError(
                f"{self.name}: {reply!r} is no reply to {queries + 1} queries (asked {message[:70]!r})"
            )
        return parts[1].split(";"), [parts[2]]

    def reported(self, replies: Sequence[str]) -> str:
        """Return the oldest error of the queue."""
        code, text = error_entry(replies[0])
        return f'{code},"{text}"' if code else ""


class SrsDevice(CheckedDevice):
    """A box with four-letter mnemonics, which answers each query on a line of its own.

    ``error_queries`` are asked last; ``error_texts`` says what their numbers mean.
    """

    error_queries: ClassVar[tuple[str, ...]]
    error_texts: ClassVar[tuple[dict[int, str], ...]]

    def exchange(self, message: str, queries: int) -> tuple[list[str], list[str]]:
        """One line for each query."""
        message = ";".join((message, *self.error_queries))
        lines = self.link.query_lines(message, queries + len(self.error_queries))
        return lines[:queries], lines[queries:]

    def reported(self, replies: Sequence[str]) -> str:
        """Return the numbers that are not 0, and what they mean."""
        found = []
        for query, texts, reply in zip(self.error_queries, self.error_texts, replies, strict=True):
            code = whole(reply)
            if code:
                found.append(f"{query} {code} {texts.get(code, '')}".rstrip())
        return ", ".join(found)
