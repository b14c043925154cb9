"""One shot (messages, bench, trace, fit, records) against one point of Bluesky's own count, in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.laboratory import session

SHOTS = 40
POINTS = 200
ROUNDS = 5


def measure() -> Iterator[tuple[str, str, str]]:
    """Ratios of medians over alternating rounds.

    A reference shot with its tracking record, times a signal and a background of 50 ms: the mean of a run of all kinds. The
    tracking record is timed by itself as a shot of the ``fid`` plan, which is the same messages and the same fit.
    """
    with session() as lab:
        point, run, line = _points(), lambda: _run(lab, "storage"), lambda: _run(lab, "fid")
        rounds = [(point(), run(), line()) for _ in range(ROUNDS)][1:]
    count, shot, tracking = (statistics.median(column) for column in zip(*rounds, strict=True))
    yield "one point of `bp.count([det], num=200)`", f"{1e3 * count:.2f} ms", "(peer)"
    yield "one shot with its tracking record", f"{1e3 * shot:.1f} ms = {shot / count:.1f} points", "12 (goal 8)"
    without = shot - tracking
    yield "one shot without it", f"{1e3 * without:.1f} ms = {without / count:.1f} points", "8"


def _points() -> Callable[[], float]:
    import bluesky.plans as bp
    from bluesky import RunEngine
    from ophyd.sim import det

    engine = RunEngine({})

    def run() -> float:
        begin = time.perf_counter()
        engine(bp.count([det], num=POINTS))
        return (time.perf_counter() - begin) / POINTS

    return run


def _run(lab: Any, plan: str) -> float:
    parameters = (
        {"storage_times": "50 ms", "shots": SHOTS // 3} if plan == "storage" else {"shots": SHOTS, "record": "5 ms"}
    )
    begin = _Times()
    lab.run(plan, parameters, begin)
    return begin.per_event()


class _Times:
    """Wall time between the first and the last event of the primary stream."""

    def __init__(self) -> None:
        self._primary: set[str] = set()
        self._times: list[float] = []

    def __call__(self, name: str, document: dict[str, Any]) -> None:
        if name == "descriptor" and document["name"] == "primary":
            self._primary.add(document["uid"])
        elif name == "event" and document["descriptor"] in self._primary:
            self._times.append(time.perf_counter())

    def per_event(self) -> float:
        return (self._times[-1] - self._times[0]) / (len(self._times) - 1)
