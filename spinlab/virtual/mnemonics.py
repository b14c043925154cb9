"""Dialects without a tree: one mnemonic, then its arguments: ``DLAY 2,0,1e-3``, ``LDON1``, ``KRDG? A``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from spinlab.virtual.commands import Command
from spinlab.virtual.common import CommonCommands
from spinlab.virtual.instrument import Call
from spinlab.virtual.splitting import split
from spinlab.virtual.status import CommandFailed

NO_SUCH_QUERY, NO_SUCH_SET = -1121, -1131  # finer than SCPI: the mnemonic exists, but not this way round


class MnemonicInstrument(CommonCommands):
    """An instrument whose headers are single mnemonics, of any case.

    ``unit`` cuts a command into mnemonic, question mark and arguments. Where ``stops_at_syntax_errors`` is off, the
    commands after one that makes no sense are carried out all the same.
    """

    unit: ClassVar[re.Pattern[str]]
    mnemonics: ClassVar[dict[str, Command]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.mnemonics = {each.pattern: each for each in cls.commands}

    def parse(self, message: str) -> Iterator[Call]:
        """Yield the calls of a message; the space after a mnemonic is optional."""
        for unit in split(message, ";"):
            if unit:
                yield self._call(unit)

    def _call(self, unit: str) -> Call:
        try:
            return self._recognised(unit)
        except CommandFailed as failure:
            if self.stops_at_syntax_errors:
                raise
            return refusal(failure), (), []

    def _recognised(self, unit: str) -> Call:
        parts = self.unit.fullmatch(unit)
        if parts is None:
            raise CommandFailed(-102)
        header = parts[1].upper() + parts[2]
        found = self.mnemonics.get(header)
        if found is None:
            raise CommandFailed(self._why_unknown(header))
        return found, (), split(parts[3], ",") if parts[3] else []

    def _why_unknown(self, header: str) -> int:
        if header.endswith("?"):
            return NO_SUCH_QUERY if header[:-1] in self.mnemonics else -113
        return NO_SUCH_SET if header + "?" in self.mnemonics else -113


def refusal(failure: CommandFailed) -> Command:
    """Return a command that fails when it is carried out."""

    def refuse(_: object) -> None:
        raise failure

    return Command("", (), refuse)
