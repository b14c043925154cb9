"""The bench's timeline: things that will happen at a known time, carried out when somebody looks."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Protocol

Action = Callable[[float], None]


class Timekeeper(Protocol):
    """The part of a clock that the bench sees."""

    def now(self) -> float:
        """Seconds of laboratory time."""
        ...


class Ticket:
    """One booked action; ``cancel()`` takes it off the timeline."""

    __slots__ = ("action",)

    def __init__(self, action: Action) -> None:
        self.action: Action | None = action

    def cancel(self) -> None:
        """Forget the action; harmless when it has already run."""
        self.action = None


class Schedule:
    """Actions in order of their time, ties in order of booking; nothing runs before it is due.

    The bench has no thread of its own: whoever talks to an instrument first brings the bench up to the present
    with :meth:`catch_up`. Times are seconds of the clock's :meth:`Timekeeper.now`.
    """

    def __init__(self, clock: Timekeeper) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, Ticket]] = []
        self._order = itertools.count()

    def at(self, time: float, action: Action) -> Ticket:
        """Book ``action(time)`` for ``time``; a time already past runs at the next catch-up, before later ones."""
        ticket = Ticket(action)
        heapq.heappush(self._heap, (time, next(self._order), ticket))
        return ticket

    def catch_up(self) -> float:
        """Run everything due and return the present time."""
        now = self.clock.now()
        self.run_until(now)
        return now

    def run_until(self, now: float) -> None:
        """Run every action booked for ``now`` or earlier, including those booked meanwhile."""
        while self._heap and self._heap[0][0] <= now:
            time, _, ticket = heapq.heappop(self._heap)
            if ticket.action is not None:
                ticket.action(time)
