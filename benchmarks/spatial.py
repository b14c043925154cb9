"""A spherical cell of 2 × 100 modes: what a detuning costs beside a bare eigenvalue problem, and a further time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np

from spinlab.physics import KATZ_K_HE3, SphericalCell

RUNS = 25
POINTS = 200


def measure() -> Iterator[tuple[str, str, str]]:
    """Best of interleaved runs, in one process."""
    cell = SphericalCell.of(KATZ_K_HE3)
    real = cell.coupled.real_form()
    storage = float(KATZ_K_HE3.detuning(18e-6))
    fresh = count(1)

    def anew() -> None:  # a problem that remembers no decomposition
        type(cell)(cell.radius, cell.alkali_diffusion, cell.noble_gas_diffusion).coupled.evolution(0.0)

    def off_resonance() -> None:
        cell.coupled.evolution(storage + next(fresh))

    bare, resonance, stored, geometry = _best(
        lambda: np.linalg.eig(real), anew, off_resonance, lambda: SphericalCell.of(KATZ_K_HE3).coupled
    )
    what = "2 × 100 modes: one decomposition over a bare `numpy.linalg.eig` of the real form"
    yield f"{what}, Δ = 0", f"{(resonance - geometry) / bare:.2f}", "3"
    yield f"{what}, 180 mG", f"{stored / bare:.2f}", "3"
    initial, times = cell.prepared_mode, np.linspace(0, 5e-3, POINTS)
    cell.amplitudes(initial, times)
    many, single = _best(lambda: cell.amplitudes(initial, times), lambda: [cell.amplitudes(initial, t) for t in times])
    yield "2 × 100 modes: a further time point, amplitudes, in one call", f"{many / POINTS * 1e6:.0f} µs", "50 µs"
    yield "the same, a call each", f"{single / POINTS * 1e6:.0f} µs", "50 µs"
    (transfer,) = _best(lambda: cell.transfer(times))
    yield "a further time point of efficiency and background", f"{transfer / POINTS * 1e6:.0f} µs", "—"


def _best(*tasks: Callable[[], object]) -> list[float]:
    seconds: list[list[float]] = [[] for _ in tasks]
    for _ in range(RUNS):
        for task, spent in zip(tasks, seconds, strict=True):
            begin = time.perf_counter()
            task()
            spent.append(time.perf_counter() - begin)
    return [min(spent) for spent in seconds]
