"""Instruments that remember setups: ``*SAV`` and ``*RCL``."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from spinlab.virtual.commands import command
from spinlab.virtual.common import CommonCommands
from spinlab.virtual.parameters import Integer
from spinlab.virtual.schedule import Schedule
from spinlab.virtual.status import CommandFailed

_LOCATION = Integer(0, 255)


class SavedSetups(CommonCommands):
    """An instrument with memory for setups.

    A setup is every setting and the attributes named in ``kept``. ``locations`` can be recalled, those in ``saved``
    written; one that was never written holds what *RST gives. :meth:`recalled` hears of every recall.
    """

    kept: ClassVar[tuple[str, ...]] = ()
    locations: ClassVar[range] = range(5)
    saved: ClassVar[range] = range(5)

    def __init__(self, schedule: Schedule) -> None:
        self._setups: dict[int, dict[str, Any]] = {}
        super().__init__(schedule)

    def recalled(self) -> None:
        """Let a setup that was recalled act."""

    @command("*SAV", _LOCATION)
    def _save(self, location: int) -> None:
        if location not in self.saved:
            raise CommandFailed(-222)
        self._setups[location] = self.setup()

    @command("*RCL", _LOCATION)
    def _recall(self, location: int) -> None:
        if location not in self.locations:
            raise CommandFailed(-222)
        if location in self._setups:
            self.restore(self._setups[location])
            self.recalled()
        else:
            self.reset()

    def setup(self) -> dict[str, Any]:
        """Return a copy of the present setup."""
        names = (*(each.name for each in self.settings), *self.kept)
        return {name: copy.deepcopy(getattr(self, name)) for name in names}

    def restore(self, setup: dict[str, Any]) -> None:
        """Take a setup over; nothing acts on it yet."""
        for name, value in setup.items():
            setattr(self, name, copy.deepcopy(value))
