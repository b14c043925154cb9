"""Reading buffers: records as they were taken, converted to readings when somebody asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from spinlab.virtual.formats import INFINITY

FloatArray = npt.NDArray[np.float64]


class Record(Protocol):
    """Samples at the input; ``volts()`` is called when they are wanted, after the last one was taken."""

    def volts(self) -> FloatArray:
        """Return one value per sample."""
        ...


class Source(Protocol):
    """Whatever is connected to the input."""

    def start(self, time: float, count: int, sample_rate: float, aperture: float) -> Record:
        """Begin a record at ``time`` (s): ``count`` samples at ``sample_rate`` (1/s), each over ``aperture`` (s)."""
        ...


@dataclass(frozen=True)
class Converter:
    """An ADC of ``bits`` over ± 1.2 x ``full_scale``; readings beyond that overflow to ± 9.9e37.

    ``offset`` is taken off every other reading.
    """

    full_scale: float
    bits: int
    overrange: float = 1.2
    offset: float = 0.0

    def readings(self, volts: FloatArray) -> FloatArray:
        """Return what the converter makes of voltages."""
        limit = self.full_scale * self.overrange
        step = 2 * limit / 2**self.bits
        rounded: FloatArray = np.rint(volts / step) * step
        if self.offset:
            rounded -= self.offset
        beyond = np.abs(volts) > limit
        if beyond.any():
            rounded[beyond] = np.copysign(INFINITY, volts[beyond])
        return rounded


@dataclass
class Group:
    """Consecutive readings that one trigger started at ``start`` (s)."""

    record: Record
    converter: Converter
    start: float
    count: int
    rate: float
    first: int = 0
    _readings: FloatArray | None = field(default=None, repr=False)

    @property
    def end(self) -> float:
        """When the last reading is there, s."""
        return self.start + self.count / self.rate

    def taken(self, now: float) -> int:
        """Return how many readings there are at ``now`` (s)."""
        return self.count if now >= self.end else max(0, int((now - self.start) * self.rate + 1e-9))

    def readings(self) -> FloatArray:
        """Return the converted samples."""
        if self._readings is None:
            self._readings = self.converter.readings(self.record.volts()[: self.count])
        return self._readings


class ReadingBuffer:
    """A named buffer of ``capacity`` readings; ``continuous`` ones overwrite the oldest, others fill up once.

    Readings are counted from 1, as in the instrument; a continuous buffer that went round keeps counting in a ring.
    """

    def __init__(self, capacity: int, continuous: bool) -> None:
        self.capacity, self.continuous = capacity, continuous
        self.groups: deque[Group] = deque()
        self.origin = 0.0

    def clear(self) -> None:
        """Forget all readings."""
        self.groups.clear()

    def room(self, count: int) -> int:
        """Return how many of ``count`` further readings will be kept."""
        return count if self.continuous else max(0, min(count, self.capacity - self._booked()))

    def add(self, group: Group) -> None:
        """Take up a group that has just begun."""
        if not self.groups:
            self.origin = group.start
        group.first = self._booked()
        self.groups.append(group)
        while self.groups[0].first + self.groups[0].count <= self._booked() - self.capacity:
            self.groups.popleft()

    def total(self, now: float) -> int:
        """Return how many readings have been written since the buffer was cleared."""
        return self.groups[-1].first + self.groups[-1].taken(now) if self.groups else 0

    def count(self, now: float) -> int:
        """Return how many readings the buffer holds."""
        return min(self.capacity, self.total(now))

    def oldest(self, now: float) -> int:
        """Return the index of the oldest reading, 0 when there is none."""
        total = self.total(now)
        return 0 if total == 0 else 1 if total <= self.capacity else total % self.capacity + 1

    def newest(self, now: float) -> int:
        """Return the index of the newest reading, 0 when there is none."""
        total = self.total(now)
        return 0 if total == 0 else (total - 1) % self.capacity + 1

    def read(self, first: int, last: int, now: float) -> tuple[FloatArray, Callable[[], FloatArray]]:
        """Return the readings ``first`` to ``last``, and a function that returns their times (s)."""
        kept_from = max(0, self.total(now) - self.capacity)
        start = kept_from + (first - 1 - kept_from) % self.capacity
        stop = start + last - first + 1
        turn = kept_from + self.capacity  # where the ring goes back to its oldest reading
        spans = [(start, min(stop, turn)), (kept_from, kept_from + stop - turn)] if stop > turn else [(start, stop)]
        pieces = [piece for span in spans for piece in self._pieces(*span)]
        values = [group.readings()[begin:end] for group, begin, end in pieces]

        def times() -> FloatArray:
            return np.concatenate([group.start + np.arange(begin, end) / group.rate for group, begin, end in pieces])

        return values[0] if len(values) == 1 else np.concatenate(values), times

    def _pieces(self, start: int, stop: int) -> Iterator[tuple[Group, int, int]]:
        """Yield the parts of groups that make up the readings ``start`` to ``stop`` (counted since the clearing)."""
        for group in self.groups:
            begin, end = max(start - group.first, 0), min(stop - group.first, group.count)
            if begin < end:
                yield group, begin, end

    def _booked(self) -> int:
        return self.groups[-1].first + self.groups[-1].count if self.groups else 0
