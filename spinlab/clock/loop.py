"""An asyncio loop that moves its own time on to the next timer instead of sleeping."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import selectors
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

from spinlab.clock.base import Stall

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class VirtualTimer(asyncio.TimerHandle):
    """A timer of the virtual loop; ``pending`` until it is due."""

    __slots__ = ("background", "pending")
    background: bool
    pending: bool

    def fire(self) -> None:
        """Run the callback, unless it was cancelled since it became due."""
        if not self.cancelled():
            self._run()


class TurningSelector(selectors.DefaultSelector):
    """A selector that polls, asks ``turn`` for something to run, and only then blocks until woken."""

    def __init__(self, turn: Callable[[bool], bool]) -> None:
        super().__init__()
        self._turn = turn

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Poll always, so that other threads get through; block only when nothing can be run."""
        events = super().select(0)
        # asyncio passes None when nothing is ready: it knows of no timers, they are all ours.
        if self._turn(timeout is None and not events):
            return events
        return super().select(timeout)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time moves only while a permit is held and nothing is ready to run; timers fire exactly when due.

    Timers are kept here and not by asyncio, for three reasons: those of the same time run in the order of
    booking, ``time()`` is set to the due time itself (no rounding, at any size), and the pending foreground
    ones are counted. Work in executor threads takes no virtual time: the loop stands still until it is back.
    """

    def __init__(
        self,
        lock: threading.RLock,
        *,
        stalled: Callable[[bool], Stall],
        overran: Callable[[], None],
        moved: Callable[[], None],
    ) -> None:
        self.lock = lock
        self.limit = math.inf
        self._stalled, self._overran, self._moved = stalled, overran, moved
        self._time = 0.0
        self._permits = 0
        self._outside = 0
        self._timers: list[tuple[float, int, VirtualTimer]] = []
        self._order = itertools.count()
        self._foreground = 0
        self._cancelled = 0
        super().__init__(TurningSelector(self._turn))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._time

    def spend(self, seconds: float) -> None:
        """Move time on at once; timers that fall due wait for the loop's next turn with a permit."""
        with self.lock:
            self._time += seconds
        self._wake()

    def add_permit(self, number: int) -> None:
        """Add to the permits (or take away), from any thread."""
        with self.lock:
            if self._permits + number < 0:
                raise RuntimeError("a permit was given back that nobody holds")
            self._permits += number
        self._wake()

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """No timer fires inside."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> VirtualTimer:
        """Book ``callback(*args)`` for the virtual time ``when``; unlike asyncio's, from any thread."""
        return self.book(when, callback, *args, context=context, background=False)

    def book(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        background: bool,
        context: Context | None = None,
    ) -> VirtualTimer:
        """As :meth:`call_at`; a background timer is not counted as something that a plan may wait for."""
        if math.isnan(when):
            raise ValueError("a timer cannot be due at a time that is not a number")
        timer = VirtualTimer(when, callback, args, self, context)
        timer.background = background
        timer.pending = when < math.inf  # one that is never due does not exist
        if timer.pending:
            with self.lock:
                heapq.heappush(self._timers, (when, next(self._order), timer))
                self._foreground += not background
            self._wake()
        return timer

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """As asyncio's; virtual time stands still until the thread is back."""
        future = super().run_in_executor(executor, func, *args)
        self._outside += 1
        future.add_done_callback(self._came_back)
        return future

    def _came_back(self, _future: asyncio.Future[Any]) -> None:
        self._outside -= 1

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Asyncio's notice that a timer was cancelled: count it; clear the heap when most of it is dead."""
        with self.lock:
            if not isinstance(handle, VirtualTimer) or not handle.pending:
                return
            handle.pending = False
            self._foreground -= not handle.background
            self._cancelled += 1
            if self._cancelled > 100 and 2 * self._cancelled > len(self._timers):
                self._timers = [entry for entry in self._timers if entry[2].pending]
                heapq.heapify(self._timers)
                self._cancelled = 0

    def _wake(self) -> None:
        """Let the loop look again, if it may be blocked in its selector."""
        try:
            here = asyncio.get_running_loop() is self
        except RuntimeError:
            here = False
        if not here and self.is_running():
            self.call_soon_threadsafe(_nothing)

    def _turn(self, idle: bool) -> bool:
        """Make what is due ready, moving time on if ``idle``; return whether there is something to run."""
        if not self._permits or self._outside:
            return not idle
        if self._time > self.limit:
            self._overran()
            return True
        if self._make_ready() or not idle:
            return True
        return self._move_on()

    def _move_on(self) -> bool:
        """Nothing is ready: go to the next timer, if the plan's wait can still end by itself."""
        if not self._foreground:
            answer = self._stalled(self._next() is not None)
            if answer != "patient":
                return answer == "ended"
        with self.lock:
            when = self._next()
            if when is None:
                return False
            self._time = max(self._time, min(when, self.limit))
        if when > self.limit:
            self._overran()
        else:
            self._make_ready()
            self._moved()
        return True

    def _next(self) -> float | None:
        """When the next timer is due, or None; drops cancelled ones from the head."""
        with self.lock:
            while self._timers and not self._timers[0][2].pending:
                heapq.heappop(self._timers)
                self._cancelled -= 1
            return self._timers[0][0] if self._timers else None

    def _make_ready(self) -> bool:
        """Hand every timer that is due to the loop, in order; return whether there was one."""
        if not self._timers or self._timers[0][0] > self._time:
            return False
        found = False
        with self.lock:
            while (when := self._next()) is not None and when <= self._time:
                timer = heapq.heappop(self._timers)[2]
                timer.pending = False
                self._foreground -= not timer.background
                self.call_soon(timer.fire)
                found = True
        return found


def _nothing() -> None:
    """Run by the loop only to wake it."""
