"""The locks of one instrument: exclusive, or shared by everybody who knows a key (VPP-4.3, 3.6; IVI-6.1, 3.1.4)."""

from __future__ import annotations

from collections.abc import Callable


class Locks:
    """Who may talk to an instrument. ``watchers`` are called whenever that may have changed.

    A holder of the shared lock may take the exclusive lock on top of it, and then talks alone.
    """

    def __init__(self) -> None:
        self.exclusive: object | None = None
        self.shared: dict[object, str] = {}
        self.watchers: list[Callable[[], None]] = []

    @property
    def holders(self) -> int:
        """How many clients hold a lock."""
        return len({*self.shared, *([] if self.exclusive is None else [self.exclusive])})

    def admits(self, client: object) -> bool:
        """Whether ``client`` may talk."""
        if self.exclusive is not None:
            return self.exclusive is client
        return not self.shared or client in self.shared

    def holds(self, client: object, key: str) -> bool:
        """Whether ``client`` has no use for the lock of that key ("" is the exclusive one): it has as much already."""
        return self.exclusive is client or (bool(key) and client in self.shared)

    def acquire(self, client: object, key: str = "") -> bool:
        """Take the exclusive lock, or the shared one of ``key``; returns whether it is free for ``client``."""
        if self.exclusive is not None:
            return False
        if key:
            if any(other != key for other in self.shared.values()):
                return False
            self.shared[client] = key
        else:
            if self.shared and client not in self.shared:
                return False
            self.exclusive = client
        return True

    def release(self, client: object) -> str | None:
        """Give back the lock that was taken last; returns which ("exclusive", "shared"), None if there was none."""
        if self.exclusive is client:
            self.exclusive = None
            kind = "exclusive"
        elif client in self.shared:
            del self.shared[client]
            kind = "shared"
        else:
            return None
        self._changed()
        return kind

    def leave(self, client: object) -> None:
        """Give back everything."""
        while self.release(client):
            pass

    def _changed(self) -> None:
        for watcher in tuple(self.watchers):
            watcher()
