"""Devices that are asked after every message how it went: SCPI boxes, and those of Stanford Research Systems.

One exchange carries the commands, the queries that read the settings back, and the box's error reports. It begins with
``*ESR?``: the power-on bit there says that the box was switched off and on since ``initialise``, its settings lost.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from spinlab.errors import InstrumentError, Rebooted
from spinlab.replies import ReadBack, error_entry, whole
from spinlab.visa import VisaDevice

POWER_ON = 128  # of the standard event register, IEEE 488.2
T = TypeVar("T")


class CheckedDevice(VisaDevice):
    """A device whose exchanges are confirmed; see the module."""

    def initial(self, commands: str, *settings: ReadBack) -> None:
        """As :meth:`command`; what was reported before is forgotten first."""
        self._carry_out("*CLS;*ESR?;", commands, "initialise", settings)

    def command(self, commands: str, context: str, *settings: ReadBack) -> None:
        """Carry out commands, confirm settings; raises InstrumentError with the box's words or what differs."""
        self._carry_out("*ESR?;", commands, context, settings)

    def secure(self, commands: str, *settings: ReadBack) -> None:
        """As :meth:`command`, for the safe state: errors of the past are forgotten, but not that the box was off."""
        self._carry_out("*ESR?;*CLS;", commands, "safe state", settings)

    def ask(self, query: str, read: Callable[[str], T], context: str) -> T:
        """Return what ``read`` makes of the reply to one query."""
        (reply,) = self._carry_out("*ESR?;", query, context, (), 1)
        return self.understood(read, reply, query)

    def look(self) -> None:
        """Ask how the box is."""
        self.command("", "looking at it")

    def understood(self, read: Callable[[str], T], reply: str, query: str) -> T:
        """Return ``read(reply)``; raises InstrumentError when it is outside the grammar."""
        try:
            return read(reply)
        except ValueError as error:
            raise InstrumentError(f"{self.name}: {error} (asked {query})") from None

    @abstractmethod
    def exchange(self, message: str, queries: int) -> list[str]:
        """Send a message of ``queries`` queries and the box's error queries; return all their replies."""

    @abstractmethod
    def reported(self, replies: Sequence[str]) -> str:
        """Return what the replies to the error queries report, nothing if nothing; ValueError if they make no sense."""

    def _carry_out(
        self, opening: str, commands: str, context: str, settings: Sequence[ReadBack], asked: int = 0
    ) -> list[str]:
        message = opening + ";".join(filter(None, (commands, *(each.query for each in settings))))
        replies = self.exchange(message, 1 + asked + len(settings))
        first, last = 1 + asked, 1 + asked + len(settings)
        try:
            was_off = whole(replies[0]) & POWER_ON
            problems = [self.reported(replies[last:])]
            if not problems[0]:  # else a setting that was refused is no wonder
                problems = [each.fault(reply) or "" for each, reply in zip(settings, replies[first:last], strict=True)]
        except ValueError as error:
            raise InstrumentError(f"{self.name}: {error} (after {context})") from None
        found = "; ".join(filter(None, problems))
        off = "it was switched off and on, its settings are gone"
        if found:
            raise InstrumentError(f"{self.name}: {found}{f'; {off}' if was_off else ''} (after {context})")
        if was_off:
            raise Rebooted(f"{self.name}: {off} (noticed after {context})")
        return replies[1:first]


class ScpiDevice(CheckedDevice):
    """A box with a SCPI error queue, which answers the queries of a message in one line."""

    def exchange(self, message: str, queries: int) -> list[str]:
        """One line, semicolons between the replies; only the error entry at the end may hold one itself."""
        reply = self.link.query(f"{message.rstrip(';')};:SYST:ERR?")
        replies = reply.split(";", queries)
        if len(replies) != queries + 1:
            raise InstrumentError(
                f"{self.name}: {reply!r} is no reply to {queries + 1} queries (asked {message[:60]!r})"
            )
        return replies

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

    def exchange(self, message: str, queries: int) -> list[str]:
        """One line for each query."""
        return self.link.query_lines(
            ";".join((message.rstrip(";"), *self.error_queries)), queries + len(self.error_queries)
        )

    def reported(self, replies: Sequence[str]) -> str:
        """Return the numbers that are not 0, and what they mean."""
        found = []
        for query, texts, reply in zip(self.error_queries, self.error_texts, replies, strict=True):
            code = whole(reply)
            if code:
                found.append(f"{query} {code} {texts.get(code, '')}".rstrip())
        return ", ".join(found)
