"""The four-letter dialect of Stanford Research Systems: ``DLAY 2,0,1e-3``, ``DLAY?2``, ``LDON1``."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from spinlab.virtual.commands import command, query
from spinlab.virtual.mnemonics import NO_SUCH_QUERY, NO_SUCH_SET, MnemonicInstrument
from spinlab.virtual.parameters import Boolean
from spinlab.virtual.status import CommandFailed, event_bit

__all__ = ["NO_SUCH_QUERY", "NO_SUCH_SET", "SrsInstrument"]


class SrsInstrument(MnemonicInstrument):
    """An instrument with four-letter mnemonics, CRLF replies and its own error numbers.

    ``error_numbers`` translates the numbers that the toolkit raises (SCPI's and the two above) into the model's; a
    :class:`CommandFailed` with a positive number is the model's own already. Each query of a compound message is
    answered on a line of its own.
    """

    unit = re.compile(r"(\*[A-Za-z]{3}|[A-Za-z]{4})(\??)\s*(.*)", re.ASCII | re.DOTALL)
    reply_terminator = b"\r\n"
    reply_separator = b"\r\n"
    error_numbers: ClassVar[Mapping[int, int]]
    clears_at_power_on: bool = True

    def fail(self, failure: CommandFailed) -> None:
        """Record the model's number for what went wrong."""
        self.status.standard.event |= event_bit(failure.code)
        number = failure.code if failure.code > 0 else self.error_numbers.get(failure.code)
        self.record_error(self.error_numbers[-100] if number is None else number, failure.code)

    @abstractmethod
    def record_error(self, number: int, cause: int) -> None:
        """Keep the model's error ``number`` for its error queries; ``cause`` is the toolkit's number."""

    @command("*PSC", Boolean())
    def _clear_at_power_on(self, clear: bool) -> None:
        self.clears_at_power_on = clear

    @query("*PSC")
    def _is_cleared_at_power_on(self) -> bool:
        return self.clears_at_power_on
