"""The many-body loop against vectorised NumPy and against itself without random numbers, in one process.

CPU seconds, not wall seconds, so that other work on the machine does not count; only the two cores are timed on the wall.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from spinlab.physics import collisions

ATOMS = (100, 10_000)  # Figs. 3a–d
ANGLE = 1e-5  # ⟨φ⟩ = δφ of Figs. 3c, d
FIELD = complex(np.exp(-0.5j * ANGLE))
STEPS = 50_000
NUMPY_STEPS = 1_000
ROUNDS = 7
FIGURE_3C = 19_000_000


def measure() -> Iterator[tuple[str, str, str]]:
    """Ratios of the fastest of alternating rounds, then Fig. 3c as it is computed."""
    loops = [(_simulation(), STEPS), (_numpy(), NUMPY_STEPS), (_ceiling(), STEPS)]
    rounds = [[_nanoseconds(run, steps) for run, steps in loops] for _ in range(ROUNDS + 1)][1:]
    loop, vectorised, ceiling = (min(column) for column in zip(*rounds, strict=True))
    yield "one collision of the many-body loop", f"{loop:.2f} ns", ""
    yield "vectorised NumPy over it", f"{vectorised / loop:.0f}", "35"
    yield "the loop without random numbers over it", f"{ceiling / loop:.2f}", "0.35"
    begin = time.process_time()
    collisions.single_excitation(*ATOMS, ANGLE, ANGLE, FIGURE_3C)
    yield "Fig. 3c, 1.9e9 collisions, one core", f"{time.process_time() - begin:.1f} s", "25 s"
    yield (
        "two realisations with one worker over two workers, wall time",
        f"{_two_workers():.2f}",
        "1.7 on two idle cores",
    )


def _nanoseconds(run: Callable[[int], Any], steps: int) -> float:
    begin = time.process_time()
    run(steps)
    return (time.process_time() - begin) / steps / ATOMS[0] * 1e9


def _simulation() -> Callable[[int], Any]:
    return lambda steps: collisions.single_excitation(*ATOMS, ANGLE, ANGLE, steps, record_every=steps)


def _numpy() -> Callable[[int], Any]:
    """One step at a time, all of its collisions at once."""
    rng = np.random.default_rng(0)
    n_alkali, n_noble_gas = ATOMS
    a, b = np.full(n_alkali, n_alkali**-0.5, dtype=complex), np.zeros(n_noble_gas, dtype=complex)

    def run(steps: int) -> None:
        alkali = a.copy()
        for _ in range(steps):
            partners = rng.choice(n_noble_gas, n_alkali, replace=False, shuffle=False)
            exchange = (1 - np.exp(1j * rng.normal(ANGLE, ANGLE, n_alkali))) / 2
            x = exchange * (alkali - b[partners])
            b[partners] += x
            alkali = FIELD * (alkali - x)

    return run


def _ceiling() -> Callable[[int], Any]:
    """The same reads and writes of amplitudes, partners and exchanges, from one block that is never drawn again."""
    from spinlab.physics.collisions.ensemble import new_rule, new_stream
    from spinlab.physics.collisions.kernels import bring_partners, collide, compiled, refill

    @compiled
    def loop(a: Any, b: Any, partners: Any, exchange: Any, steps: int) -> None:
        begin = 0
        for _ in range(steps):
            if begin + a.size > exchange.size:
                begin = 0
            bring_partners(b, partners[begin : begin + a.size])
            collide(a, b[: a.size], exchange[begin : begin + a.size], FIELD)
            begin += a.size

    n_alkali, n_noble_gas = ATOMS
    a, b = np.full(n_alkali, n_alkali**-0.5, dtype=complex), np.zeros(n_noble_gas, dtype=complex)
    stream = new_stream(np.random.SeedSequence(0), n_alkali)
    refill(stream, n_alkali, n_noble_gas, new_rule(collisions.Gas(*ATOMS, ANGLE, ANGLE)))
    return lambda steps: loop(a, b, stream.partners, stream.exchange, steps)


def _two_workers() -> float:
    def wall(workers: int) -> float:
        begin = time.perf_counter()
        collisions.single_excitation(*ATOMS, ANGLE, ANGLE, 20 * STEPS, realisations=2, workers=workers)
        return time.perf_counter() - begin

    rounds = [(wall(1), wall(2)) for _ in range(3)]
    one, two = (min(column) for column in zip(*rounds, strict=True))
    return one / two
