"""Instruments of the laboratory with test leads on them."""

from __future__ import annotations

from dataclasses import dataclass, field

from spinlab.virtual.instrument import Instrument
from spinlab.virtual.schedule import Schedule
from tests.virtual.hand_clock import HandClock, ask


@dataclass
class Meter:
    """Remembers every change on a wire as (time, level)."""

    changes: list[tuple[float, float]] = field(default_factory=list)

    def __call__(self, time: float, level: float) -> None:
        self.changes.append((time, level))

    @property
    def level(self) -> float:
        return self.changes[-1][1] if self.changes else 0.0


class Bench:
    """A clock moved by hand and the schedule on it."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.schedule = Schedule(self.clock)

    def wait_until(self, time: float) -> None:
        self.clock.time = time
        self.schedule.catch_up()


def ask_all(instrument: Instrument, *messages: str) -> list[str | None]:
    """Exchange messages one after the other."""
    return [ask(instrument, message) for message in messages]
