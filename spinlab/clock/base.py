"""What devices, the bench and the engine may ask of a clock."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from spinlab.clock.status import ClockStatus

Stall = Literal["ended", "patient", "stand"]
"""Answer to "only background timers are left": the wait was ended; go on with those timers; stand still."""


class Timer(Protocol):
    """A booked callback."""

    def cancel(self) -> None:
        """Forget the callback; harmless when it has already run."""
        ...


class Supervisor(Protocol):
    """Who knows what the plan waits for (the engine); both methods are called on the loop's thread."""

    def stalled(self, background: bool) -> Stall:
        """No foreground timer is pending and nothing is ready; ``background`` tells whether others are."""
        ...

    def overran(self, budget_s: float) -> None:
        """The run has used its budget of virtual time [s]."""
        ...


class Clock(ABC):
    """Laboratory time in seconds since the session began, and the asyncio loop that lives in it.

    ``lock`` is the one lock of clock and bench. Whoever holds it must not wait for the loop's thread.
    """

    kind: ClassVar[Literal["virtual", "wall"]]
    loop: asyncio.AbstractEventLoop

    def __init__(self, epoch: float) -> None:
        self.lock = threading.RLock()
        self.epoch = epoch
        self.supervisor: Supervisor | None = None

    @abstractmethod
    def now(self) -> float:
        """Seconds of laboratory time since the session began; never runs backwards."""

    @abstractmethod
    def spend(self, seconds: float) -> None:
        """Pay the blocking cost of an exchange, from any thread: at once if time is virtual, else asleep."""

    @abstractmethod
    def call_later(self, delay: float, callback: Callable[[], object], *, background: bool = False) -> Timer:
        """Call ``callback`` on the loop's thread after ``delay`` seconds; may be booked from any thread.

        A ``background`` timer (a watcher, a drift) cannot keep a waiting plan alive: see :class:`Deadlock`.
        """

    @abstractmethod
    def observe(self, callback: Callable[[float], object], interval: float = 0.05) -> Callable[[], None]:
        """Tell ``callback(now)`` of time moving, at most every ``interval`` wall seconds; returns its end.

        For displays only: how often it is called depends on the speed of the machine.
        """

    def timestamp(self) -> float:
        """POSIX time of :meth:`now` [s]."""
        return self.epoch + self.now()

    def describe(self) -> dict[str, Any]:
        """What a start document says of the clock: its kind, and the POSIX time [s] of its zero."""
        return {"kind": self.kind, "epoch": self.epoch}

    def status(self, owner: str, what: str) -> ClockStatus:
        """An Ophyd status that the caller finishes; a deadlock reports it as ``owner: what``."""
        from spinlab.clock.status import ClockStatus

        return ClockStatus(owner, what)

    def sleep_status(self, delay: float, owner: str = "clock", what: str | None = None) -> ClockStatus:
        """A status that finishes by itself after ``delay`` seconds, unless it was finished before."""
        status = self.status(owner, f"{delay:g} s" if what is None else what)
        self.call_later(delay, status.finish)
        return status

    @abstractmethod
    def acquire_permit(self) -> None:
        """Let time move (counted; only the virtual clock needs it)."""

    @abstractmethod
    def release_permit(self) -> None:
        """Give back one permit."""

    @contextmanager
    def permit(self) -> Iterator[None]:
        """Time may move inside."""
        self.acquire_permit()
        try:
            yield
        finally:
            self.release_permit()

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """Virtual time stands still inside, whatever permits are held: somebody outside of it is awaited."""
        yield

    @abstractmethod
    def begin_budget(self) -> None:
        """A run begins: its budget of virtual time counts from now."""

    def close(self) -> None:
        """Stop the loop, wherever it runs, and free it; harmless when done twice."""
        if self.loop.is_closed():
            return
        if self.loop.is_running():
            asyncio.run_coroutine_threadsafe(_cancel_the_rest(), self.loop).result()
            self.loop.call_soon_threadsafe(self.loop.stop)
            while self.loop.is_running():
                time.sleep(0.0005)
        self.loop.close()


async def _cancel_the_rest() -> None:
    """Cancel every other task of the loop and let the cancellations arrive."""
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    for _ in range(3):
        await asyncio.sleep(0)


def checked(seconds: float) -> float:
    """Return ``seconds`` if it is a duration, else raise ValueError."""
    if math.isnan(seconds) or seconds < 0:
        raise ValueError(f"a duration must be zero or more seconds, not {seconds!r}")
    return seconds
