"""Many shots: does one cost more than the first, does memory grow, how long do a thousand hours take?"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from benchmarks.laboratory import session

SHOTS = 1000


def measure() -> Iterator[tuple[str, str, str]]:
    """A thousand shots, a quarter of them signals, each signal and background of one hour."""
    with session() as lab:
        watch = _Watch()
        begin = time.perf_counter()
        lab.run("storage", {"storage_times": "1 h", "shots": SHOTS // 4}, watch)
        whole = time.perf_counter() - begin
    yield f"{len(watch.times)} shots × 1 h of storage, analysis included", f"{whole:.1f} s", "30 s"
    ratio = watch.cost(-200) / watch.cost(200)
    yield "cost of the last 200 shots over that of the first 200", f"{ratio:.2f}", "1"
    yield "peak memory after the last over after shot 200", f"{watch.memory[-1] / watch.memory[199]:.2f}", "1"


class _Watch:
    """Wall time and peak memory at every primary event."""

    def __init__(self) -> None:
        self._primary: set[str] = set()
        self.times: list[float] = []
        self.memory: list[int] = []

    def __call__(self, name: str, document: dict[str, Any]) -> None:
        if name == "descriptor" and document["name"] == "primary":
            self._primary.add(document["uid"])
        elif name == "event" and document["descriptor"] in self._primary:
            self.times.append(time.perf_counter())
            self.memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    def cost(self, count: int) -> float:
        """Median seconds between events among the first ``count``, or the last if negative."""
        chosen = self.times[:count] if count > 0 else self.times[count:]
        return statistics.median(b - a for a, b in pairwise(chosen))
