"""Computed numbers as a Bluesky readable, so that a fit lands in the same event as the record it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from spinlab.clock.base import Clock

Value = float | int | str


class Witness(Protocol):
    """A device that can be asked whether it still is as it was set."""

    def look(self) -> None:
        """Ask the box; raises InstrumentError when it is not."""
        ...


class Readings:
    """A named set of values; keys in documents are ``name_key``. ``units`` go into the descriptor.

    When they are read, the ``witnesses`` are asked first: values that were measured while a laser was off for a moment
    never get into an event.
    """

    parent = None

    def __init__(self, name: str, clock: Clock, units: Mapping[str, str], witnesses: Sequence[Witness] = ()) -> None:
        self.name = name
        self._witnesses = witnesses
        self._clock = clock
        self._units = units
        self._values: dict[str, Value] = {}

    def put(self, values: Mapping[str, Value]) -> None:
        """Replace all values, as of now."""
        self._values = dict(values)

    def read(self) -> dict[str, dict[str, Any]]:
        """Values with the clock's time; raises InstrumentError when a witness speaks against them."""
        for each in self._witnesses:
            each.look()
        timestamp = self._clock.timestamp()
        return {f"{self.name}_{key}": {"value": v, "timestamp": timestamp} for key, v in self._values.items()}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Data keys with their units."""
        return {f"{self.name}_{key}": self._data_key(key, value) for key, value in self._values.items()}

    def _data_key(self, key: str, value: Value) -> dict[str, Any]:
        kind = "string" if isinstance(value, str) else "integer" if isinstance(value, int) else "number"
        data_key: dict[str, Any] = {"source": f"analysis:{self.name}", "dtype": kind, "shape": []}
        if key in self._units:
            data_key["units"] = self._units[key]
        return data_key
