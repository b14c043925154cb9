"""The same profile and seed give the same data, bit for bit; another seed gives other noise and the same physics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spinlab.records import open_run
from tests.laboratory import session


def run(records: Path, seed: int) -> tuple[list[dict[str, Any]], np.ndarray, float]:
    """Rows, traces and the efficiency of a short storage run."""
    with session(records, seed) as lab:
        outcome = lab.run("storage", {"storage_times": "50 ms, 60 s", "shots": 1})
    assert outcome.result is not None
    recorded = open_run(outcome.paths["run"])
    traces = np.array([np.asarray(trace) for trace in recorded.trace("primary", "polarimeter_trace")])
    return recorded.rows("primary"), traces, outcome.result.values["efficiency"][0]


def test_the_same_seed_twice_in_one_process_gives_equal_events_and_equal_traces(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a", 3), run(tmp_path / "b", 3)
    assert first[0] == second[0]
    assert np.array_equal(first[1], second[1])


def test_another_seed_gives_other_noise_and_the_same_physics(tmp_path: Path) -> None:
    first, other = run(tmp_path / "a", 3), run(tmp_path / "b", 4)
    assert not np.array_equal(first[1], other[1])
    assert abs(first[2] - other[2]) < 0.03
