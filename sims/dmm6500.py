"""Keithley DMM6500 multimeter with a 2000-SCAN card: the DMM7510's dialect, and channels (its SCPI reference manual)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from sims.dmm7510 import DMM7510, RANGES, Steady
from sims.readings import Converter, Group
from spinlab.virtual.commands import Command, command, query, setting
from spinlab.virtual.instrument import Call, Wait
from spinlab.virtual.parameters import Channels, Integer, Number
from spinlab.virtual.status import CommandFailed

CHANNELS = range(1, 11)
ENDLESS = 100_000  # readings that stand for a scan which only ABORt ends
_LIST = Channels(CHANNELS[0], CHANNELS[-1])


class ScanCount(Integer):
    """How often a scan is repeated; 0 and INFinity mean until it is aborted."""

    def parse(self, text: str) -> int:
        """Return the number."""
        return 0 if text.upper() in ("INF", "INFINITY") else super().parse(text)


class DMM6500(DMM7510):
    """The multimeter; nothing is connected to the channels of its card.

    Every command of SENSe takes a channel list at its end, and then it is about the channels' own settings:
    ``FUNC "VOLT", (@1:3)``, ``VOLT:NPLC? (@1)``. INIT scans the channels of ``ROUT:SCAN``, if there are any.
    """

    identity = "KEITHLEY INSTRUMENTS,MODEL DMM6500,04401613,1.7.12b"
    ranges: ClassVar = {
        **RANGES,
        "VOLT:AC": (0.1, 1.0, 10.0, 100.0, 750.0),
        "RES": RANGES["RES"][:-1],
        "FRES": RANGES["FRES"][:-1],
    }
    functions_are_quoted = False

    scan_count = setting("ROUTe:SCAN:COUNt:SCAN", ScanCount(0, 100_000_000, standard=1), 1)
    scan_interval = setting("ROUTe:SCAN:INTerval", Number(0.0, 1e5, "S"), 0.0)

    def reset(self) -> None:
        """*RST: no scan, and channels without a function."""
        super().reset()
        self._scan: list[int] = []
        self._closed: list[int] = []
        function, self.function = self.function, "NONE"
        self._channels = {channel: self.setup() for channel in CHANNELS}
        self.function = function

    def parse(self, message: str) -> Iterator[Call]:
        """Yield the calls of a message; a channel list at the end of one makes it the channels' own."""
        for found, suffixes, arguments in super().parse(message):
            if found.pattern.startswith("[SENSe:]") and arguments and arguments[-1].startswith("(@"):
                yield self._for_channels(found, suffixes, arguments), (), []
            else:
                yield found, suffixes, arguments

    def _for_channels(self, found: Command, suffixes: tuple[int, ...], arguments: list[str]) -> Command:
        def carry_out(_: object) -> bytes | None:
            answers = [self._on_channel(each, found, suffixes, arguments[:-1]) for each in _LIST.parse(arguments[-1])]
            replies = [self.written(answer) for answer in answers if answer is not None]
            return b",".join(replies) if replies else None

        return Command("", (), carry_out)

    def _on_channel(self, channel: int, found: Command, suffixes: tuple[int, ...], arguments: list[str]) -> Any:
        """Carry out a command with the settings of a channel in place of those of the front terminals."""
        own = self.setup()
        self.restore(self._channels[channel])
        try:
            answer = found.call(self, suffixes, arguments)
            if isinstance(answer, Wait):
                raise CommandFailed(-221)  # nothing can be measured there
            self._channels[channel] = self.setup()
            return answer
        finally:
            self.restore(own)

    # --- the card and its scan

    @query("SYSTem:CARD1:IDN")
    def _card(self) -> str:
        return "2000-SCAN,10-Chan Mux,0.0.0a,00000000"

    @query("SYSTem:CARD1:VCHannel[:STARt]")
    def _first_channel(self) -> int:
        return CHANNELS[0]

    @query("SYSTem:CARD1:VCHannel:END")
    def _last_channel(self) -> int:
        return CHANNELS[-1]

    @query("SYSTem:CARD1:VMAX")
    def _highest_voltage(self) -> int:
        return 110

    @command("SYSTem:PCARd1", Integer(0, 2001))
    def _set_pseudo_card(self, model: int) -> None:
        """Pretend a card is there; without effect, since one is."""

    @command("ROUTe:SCAN:CREate", _LIST)
    def _set_scan(self, channels: list[int]) -> None:
        self._scan = channels

    @query("ROUTe:SCAN:CREate")
    def _get_scan(self) -> str:
        return _LIST.show(self._scan)

    @command("ROUTe:SCAN:ADD", _LIST)
    def _extend_scan(self, channels: list[int]) -> None:
        self._scan = self._scan + channels

    @command("ROUTe[:CHANnel]:CLOSe", _LIST)
    def _close(self, channels: list[int]) -> None:
        self._closed = channels

    @query("ROUTe[:CHANnel]:CLOSe")
    def _get_closed(self) -> str:
        return _LIST.show(self._closed)

    @command("ROUTe[:CHANnel]:OPEN:ALL")
    def _open_all(self) -> None:
        self._closed = []

    @command("INITiate[:IMMediate]")
    def _initiate(self) -> None:
        if not self._scan:
            super()._initiate()
            return
        per_reading = [self._reading_time(channel) for channel in self._scan]
        pass_time = max(sum(per_reading), self.scan_interval)
        wanted = len(self._scan) * (self.scan_count or ENDLESS)
        count = self.buffers[self.active].room(min(wanted, ENDLESS))
        if count:
            rate = len(self._scan) / pass_time
            self._group = Group(Steady(count, 0.0), Converter(10.0, 28), self.now, count, rate)
            self.buffers[self.active].add(self._group)

    def _reading_time(self, channel: int) -> float:
        """Return how long a channel's reading takes, s."""
        setup = self._channels[channel]
        function = setup["function"]
        if function == "NONE":
            raise CommandFailed(-221)
        return float(setup["cycles"][function]) / 60.0
