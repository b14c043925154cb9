"""The four-letter dialect of Stanford Research Systems: ``DLAY 2,0,1e-3``, ``DLAY?2``, ``LDON1``."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from spinlab.virtual.commands import Command
from spinlab.virtual.common import CommonCommands
from spinlab.virtual.instrument import Call
from spinlab.virtual.splitting import split
from spinlab.virtual.status import CommandFailed, event_bit

_UNIT = re.compile(r"(\*[A-Za-z]{3}|[A-Za-z]{4})(\??)\s*(.*)", re.ASCII | re.DOTALL)
NO_SUCH_QUERY, NO_SUCH_SET = -1121, -1131  # finer than SCPI: the mnemonic exists, but not this way round


class SrsInstrument(CommonCommands):
    """An instrument with four-letter mnemonics, CRLF replies and its own error numbers.

    ``error_numbers`` translates the numbers that the toolkit raises (SCPI's and the two above) into the model's; a
    :class:`CommandFailed` with a positive number is the model's own already. Each query of a compound message is
    answered on a line of its own.
    """

    reply_terminator = b"\r\n"
    reply_separator = b"\r\n"
    error_numbers: ClassVar[Mapping[int, int]]
    mnemonics: ClassVar[dict[str, Command]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.mnemonics = {each.pattern: each for each in cls.commands}

    def parse(self, message: str) -> Iterator[Call]:
        """Yield the calls of a message; the space after a mnemonic is optional."""
        for unit in split(message, ";"):
            if not unit:
                continue
            parts = _UNIT.fullmatch(unit)
            if parts is None:
                raise CommandFailed(-102)
            header = parts[1].upper() + parts[2]
            found = self.mnemonics.get(header)
            if found is None:
                raise CommandFailed(self._why_unknown(header))
            yield found, (), split(parts[3], ",") if parts[3] else []

    def _why_unknown(self, header: str) -> int:
        if header.endswith("?"):
            return NO_SUCH_QUERY if header[:-1] in self.mnemonics else -113
        return NO_SUCH_SET if header + "?" in self.mnemonics else -113

    def fail(self, failure: CommandFailed) -> None:
        """Record the model's number for what went wrong."""
        self.status.standard.event |= event_bit(failure.code)
        number = failure.code if failure.code > 0 else self.error_numbers.get(failure.code)
        self.record_error(self.error_numbers[-100] if number is None else number, failure.code)

    @abstractmethod
    def record_error(self, number: int, cause: int) -> None:
        """Keep the model's error ``number`` for its error queries; ``cause`` is the toolkit's number."""
