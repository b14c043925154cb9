"""A clock moved by hand, and a small instrument of every kind of command."""

from __future__ import annotations

import threading

from spinlab.virtual.commands import SettingTable, command, query, setting
from spinlab.virtual.formats import definite_block
from spinlab.virtual.instrument import Instrument, Pending, Wait
from spinlab.virtual.parameters import Block, Boolean, Integer, ListOf, Number, Text, Word
from spinlab.virtual.schedule import Schedule
from spinlab.virtual.scpi import ScpiInstrument


class HandClock:
    """Laboratory time that moves when somebody spends it."""

    def __init__(self) -> None:
        self.time = 0.0
        self.lock = threading.RLock()

    def now(self) -> float:
        return self.time

    def spend(self, seconds: float) -> None:
        self.time += seconds


class Lamp(ScpiInstrument):
    identity = "SPINLAB,LAMP,7,1.0"
    brightness = setting("SOURce:BRIGhtness[:LEVel][:IMMediate]", Number(0.0, 2.0, "W"), 0.5)
    shape = setting("SOURce:SHAPe", Word("SINusoid", "SQUare", "ARB0"), "SIN")
    name = setting("SYSTem:NAME", Text(), "lamp")
    on = setting("OUTPut[:STATe]", Boolean(), False)
    limits = SettingTable("SENSe:{over}:LIMit", Integer(0, 10), 3, {"V": "VOLTage[:DC]", "I": "CURRent"})

    def __init__(self, schedule: Schedule) -> None:
        self.flashes: list[int] = []
        self.data = b""
        super().__init__(schedule)

    @command("CHANnel#:FLASh", Integer(1, 100, default=1))
    def flash(self, channel: int, times: int) -> None:
        self.flashes += [channel] * times

    @query("CALCulate:SUM", ListOf(Number()))
    def total(self, numbers: list[float]) -> float:
        return sum(numbers)

    @command("MEMory:DATA", Block())
    def store(self, data: bytes) -> None:
        self.data = data

    @query("MEMory:DATA")
    def recall(self) -> bytes:
        return definite_block(self.data)

    @query("MEASure:SLOW", Number(0.0, 100.0, "S"))
    def measure(self, seconds: float) -> Wait:
        start = self.now
        return Wait(start + seconds, lambda: seconds)


def ask(instrument: Instrument, message: str) -> str | None:
    """Exchange one message that is answered at once."""
    reply = instrument.receive(message.encode("latin-1"))
    assert not isinstance(reply, Pending)
    return None if reply is None else reply.decode("latin-1")


def lamp() -> Lamp:
    return Lamp(Schedule(HandClock()))
