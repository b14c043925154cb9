"""The dialect of Lake Shore's temperature controllers: ``KRDG? A``, ``SETP 1,300;*ESR?``."""

from __future__ import annotations

import re

from spinlab.virtual.commands import command, query
from spinlab.virtual.mnemonics import MnemonicInstrument
from spinlab.virtual.parameters import Integer
from spinlab.virtual.status import CommandFailed, event_bit


class LakeShoreInstrument(MnemonicInstrument):
    """An instrument with mnemonics of any length and CRLF replies.

    Commands are chained with ``;`` (a colon may follow), their replies too. There is no error queue: the standard
    event register tells what went wrong, and a command that makes no sense does not keep the next ones from being
    carried out. The operation register is that of ``OPST?``, ``OPSTE`` and ``OPSTR?``.
    """

    unit = re.compile(r":?(\*?[A-Za-z]+)(\??)\s*(.*)", re.ASCII | re.DOTALL)
    reply_terminator = b"\r\n"
    stops_at_syntax_errors = False

    def fail(self, failure: CommandFailed) -> None:
        """Set the class of what went wrong in the standard event register."""
        self.status.standard.event |= event_bit(failure.code)

    @query("OPST")
    def _operation_condition(self) -> int:
        return self.status.registers["OPER"].condition

    @command("OPSTE", Integer(0, 255))
    def _enable_operation(self, mask: int) -> None:
        self.status.registers["OPER"].enable = mask

    @query("OPSTE")
    def _enabled_operation(self) -> int:
        return self.status.registers["OPER"].enable

    @query("OPSTR")
    def _operation_events(self) -> int:
        return self.status.registers["OPER"].read()
