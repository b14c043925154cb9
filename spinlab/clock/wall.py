"""The wall clock, for hardware and for hardware in the loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from spinlab.clock.base import Clock, checked


class WallClock(Clock):
    """Real time, counted from the making of the clock; permits, deadlocks and budgets do not exist here."""

    kind = "wall"

    def __init__(self) -> None:
        super().__init__(time.time())
        self._start = time.monotonic()
        self.loop = asyncio.SelectorEventLoop()

    def now(self) -> float:
        """Seconds since the clock was made."""
        return time.monotonic() - self._start

    def timestamp(self) -> float:
        """POSIX time [s], as the computer's clock has it now (it may have been set meanwhile)."""
        return time.time()

    def spend(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(checked(seconds))

    def call_later(self, delay: float, callback: Callable[[], object], *, background: bool = False) -> WallTimer:
        """Call ``callback`` on the loop's thread in ``delay`` seconds; ``background`` is the same here."""
        return WallTimer(self.loop, self.loop.time() + checked(delay), callback)

    def acquire_permit(self) -> None:
        """Nothing: wall time moves by itself."""

    def release_permit(self) -> None:
        """Nothing."""

    def begin_budget(self) -> None:
        """Nothing: a person watches, and can stop the run."""

    def observe(self, callback: Callable[[float], object], interval: float = 0.05) -> Callable[[], None]:
        """Tell ``callback(now)`` every ``interval`` seconds, on the loop's thread, until its end."""
        timer: WallTimer | None = None
        ended = False

        def tick() -> None:
            nonlocal timer
            if not ended:
                callback(self.now())
                timer = self.call_later(interval, tick)

        def end() -> None:
            nonlocal ended
            ended = True
            if timer is not None:
                timer.cancel()

        timer = self.call_later(interval, tick)
        return end


class WallTimer:
    """A timer of an ordinary loop that may be booked and cancelled from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, when: float, callback: Callable[[], object]) -> None:
        self._loop = loop
        self._callback: Callable[[], object] | None = callback
        self._handle: asyncio.TimerHandle | None = None
        if self._on_loop():
            self._arm(when)
        else:
            loop.call_soon_threadsafe(self._arm, when)

    def cancel(self) -> None:
        """Forget the callback; harmless when it has already run."""
        self._callback = None
        if self._on_loop():
            self._disarm()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._disarm)

    def _arm(self, when: float) -> None:
        if self._callback is not None:
            self._handle = self._loop.call_at(when, self._fire)

    def _disarm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _fire(self) -> None:
        if self._callback is not None:
            self._callback()

    def _on_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False


def wall_seconds() -> float:
    """Real seconds on a clock that never runs backwards, to time how long work takes."""
    return time.monotonic()
