"""The virtual clock: hours of laboratory time in milliseconds, the same on every machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from spinlab.clock.base import Clock, Stall, checked
from spinlab.clock.loop import VirtualLoop, VirtualTimer
from spinlab.errors import BadInput

GRACE_S = 3600.0
"""Virtual time that the clean-up of a run gets after its budget is used up."""


@dataclass
class _Observer:
    callback: Callable[[float], object]
    interval: float
    due: float = 0.0


class VirtualClock(Clock):
    """Time that moves, while a permit is held, to the next timer when nothing else is to do; and by `spend`.

    ``epoch`` is the laboratory's date (ISO 8601, UTC unless it says otherwise) when the session begins;
    ``budget_s`` the virtual seconds that one run may take (None: no limit).
    """

    kind = "virtual"
    loop: VirtualLoop

    def __init__(self, epoch: str = "2026-01-01T00:00:00Z", budget_s: float | None = None) -> None:
        super().__init__(posix(epoch))
        self.budget_s = math.inf if budget_s is None else checked(budget_s)
        self._observers: list[_Observer] = []
        self.loop = VirtualLoop(self.lock, stalled=self._stalled, overran=self._overran, moved=self._moved)

    def now(self) -> float:
        """Virtual seconds since the session began."""
        return self.loop.time()

    def spend(self, seconds: float) -> None:
        """Move time on by ``seconds`` at once, also while idle; armed timers wait for the permit."""
        self.loop.spend(checked(seconds))

    def call_later(self, delay: float, callback: Callable[[], object], *, background: bool = False) -> VirtualTimer:
        """Call ``callback`` on the loop's thread when virtual time has moved on by ``delay`` seconds."""
        with self.lock:
            return self.loop.book(self.now() + checked(delay), callback, background=background)

    def observe(self, callback: Callable[[float], object], interval: float = 0.05) -> Callable[[], None]:
        """Tell ``callback(now)`` when time has jumped, on the loop's thread; see :meth:`Clock.observe`."""
        observer = _Observer(callback, interval)
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def acquire_permit(self) -> None:
        """Let time move until :meth:`release_permit`; permits are counted."""
        self.loop.add_permit(1)

    def release_permit(self) -> None:
        """Give back one permit; without any the clock stands still."""
        self.loop.add_permit(-1)

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """Timers do not fire inside; to be entered on the loop's thread."""
        with self.loop.standstill():
            yield

    def begin_budget(self) -> None:
        """Count the budget from now."""
        self.loop.limit = self.now() + self.budget_s

    def _stalled(self, background: bool) -> Stall:
        return "stand" if self.supervisor is None else self.supervisor.stalled(background)

    def _overran(self) -> None:
        self.loop.limit = self.now() + GRACE_S
        if self.supervisor is not None:
            self.supervisor.overran(self.budget_s)

    def _moved(self) -> None:
        if not self._observers:
            return
        wall = time.monotonic()
        for observer in tuple(self._observers):
            if wall >= observer.due:
                observer.due = wall + observer.interval
                observer.callback(self.now())


def posix(epoch: str) -> float:
    """POSIX seconds of an ISO 8601 date; one without a zone is UTC."""
    try:
        date = datetime.fromisoformat(epoch.strip())
    except ValueError:
        raise BadInput(f"the clock's epoch {epoch!r} is not a date like 2026-01-01T00:00:00Z") from None
    return (date if date.tzinfo else datetime.fromisoformat(f"{date.isoformat()}+00:00")).timestamp()
