"""Ctrl-C and SIGTERM: the first ends the run now, the later ones do not break the clean-up."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
STOPPING = "already stopping: bringing the laboratory to its safe state"

Answer = Callable[[str], None]


class Interruption:
    """While entered, Ctrl-C and SIGTERM call ``end_now(by)`` once; what comes later is counted and told once.

    It nests, and one may keep it entered around the engine's call and the safe state after it, so that no
    moment in between is unprotected. Handlers are installed on the main thread only; :meth:`request` works
    from any. A run that begins after the interruption, still inside, ends at once, unless :meth:`shielded`.
    ``by`` says who interrupted, until the next time it is entered from outside.
    """

    def __init__(self, end_now: Answer) -> None:
        self._end_now = end_now
        self._depth = 0
        self._shields = 0
        self._restore: Callable[[], None] = _nothing
        self.by: str | None = None
        self.count = 0
        self._told = False

    def __enter__(self) -> Self:
        if self._depth == 0:
            self.by, self.count, self._told = None, 0, False
            self._restore = _answer_signals(self.request)
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._restore()

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Inside, nothing is ended: for plans that bring the laboratory to its safe state."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1

    @property
    def pending(self) -> str | None:
        """Who wants a run that begins now to end at once."""
        return None if self._shields else self.by

    def request(self, by: str) -> None:
        """End the run, as Ctrl-C does; ``by`` is who asks."""
        self.count += 1
        ending = self.by is None and not self._shields
        self.by = self.by or by
        if ending:
            self._end_now(by)
        elif not self._told:
            self._told = True
            tell(STOPPING)


class Deferred:
    """What arrived during :func:`uninterrupted`."""

    def __init__(self) -> None:
        self.by: str | None = None
        self.count = 0

    def answer(self, by: str) -> None:
        """Keep it for later; say so the first time."""
        self.count += 1
        if self.by is None:
            self.by = by
            tell(STOPPING)


@contextmanager
def uninterrupted() -> Iterator[Deferred]:
    """Put Ctrl-C and SIGTERM off until the block is done; then the first of them is delivered as usual.

    On another thread than the main one, which gets no signals, the block simply runs.
    """
    deferred = Deferred()
    restore = _answer_signals(deferred.answer)
    try:
        yield deferred
    finally:
        restore()
        for number, name in NAMES.items():
            if deferred.by == name:
                signal.raise_signal(number)


def tell(line: str) -> None:
    """Write one line to standard error, straight to the file: a signal may have interrupted a print there."""
    with suppress(OSError):
        os.write(2, f"{line}\n".encode())


def _answer_signals(answer: Answer) -> Callable[[], None]:
    """Answer the signals of NAMES with ``answer(name)``; returns how to put the old handlers back."""
    if threading.current_thread() is not threading.main_thread():
        return _nothing

    def handler(number: int, _frame: FrameType | None) -> None:
        answer(NAMES[signal.Signals(number)])

    before: dict[signal.Signals, Any] = {number: signal.signal(number, handler) for number in NAMES}

    def restore() -> None:
        for number, old in before.items():
            # None: a handler that was not installed from Python and cannot be put back
            signal.signal(number, signal.SIG_DFL if old is None else old)

    return restore


def _nothing() -> None:
    """Nothing was installed."""
