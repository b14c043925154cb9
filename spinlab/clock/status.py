"""The status a device returns for work that the clock will finish (imports Ophyd, so loaded on first use)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from ophyd.status import StatusBase


class ClockStatus(StatusBase):  # type: ignore[misc]
    """An Ophyd status with a name; without a time-out of its own, because that would be a real thread.

    Its callbacks run in the thread that finishes it: the loop's, for all that the clock's timers start.
    """

    def __init__(self, owner: str, what: str) -> None:
        self.owner = owner
        self.what = what
        super().__init__()

    def add_callback(self, callback: Callable[[Self], object]) -> None:
        """Call ``callback(status)`` once it is done; Ophyd's own first inspects the signature for an older form."""
        with self._lock:
            if self.done:
                callback(self)
            else:
                self._callbacks.append(callback)

    def finish(self) -> None:
        """Finish successfully, unless the status is done already (stopped, failed)."""
        if not self.done:
            self.set_finished()

    def __str__(self) -> str:
        return f"{self.owner}: {self.what}"

    def __repr__(self) -> str:
        return f"<ClockStatus {self}, {'done' if self.done else 'pending'}>"
