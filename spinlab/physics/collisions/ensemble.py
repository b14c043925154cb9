"""Running realisations: seeded apart, recorded, checked for their norm, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, partial
from itertools import chain
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from spinlab.physics.collisions.model import Gas, IndexArray
from spinlab.physics.counts import seed_sequence, whole_number

FloatArray = npt.NDArray[np.float64]
Map = Callable[[Callable[["Realisation"], None], Sequence["Realisation"]], Iterable[None]]
Progress = Callable[[int, int], object]  # called with (steps done, steps in all), over all realisations
BLOCK = 2048  # collisions drawn at a time: the block and its random numbers stay in the processor's first caches
STRETCH = 20_000_000  # amplitude pairs updated between two calls of progress: some 0.1 s
NORM_ERROR = 1e-9  # and what rounding may add in a step:
NORM_ROUNDING = 2 * np.finfo(float).eps


class State(Protocol):
    """Amplitudes of one realisation with their own random numbers."""

    def advance(self, steps: int) -> None:
        """Carry the amplitudes on by ``steps`` steps."""

    def measure(self) -> tuple[float, ...]:
        """The norm, then what is recorded."""


class Realisation:
    """One trajectory: where it is, and what was recorded on the way."""

    def __init__(self, state: State, times: IndexArray) -> None:
        self._state = state
        self._times = times
        self._step = 0
        self._records: list[tuple[float, ...]] = []

    def run_to(self, step: int) -> None:
        """Advance to ``step``, recording at the times passed; ArithmeticError if the norm has drifted from 1."""
        while len(self._records) < len(self._times) and self._times[len(self._records)] <= step:
            self._advance_to(int(self._times[len(self._records)]))
            norm, *values = self._state.measure()
            allowed = NORM_ERROR + NORM_ROUNDING * self._step
            if not abs(norm - 1) <= allowed:
                raise ArithmeticError(
                    f"the norm is {norm!r} after {self._step} steps; collisions are unitary, it must be 1 ± {allowed:.1e}"
                )
            self._records.append(tuple(values))
        self._advance_to(step)

    def records(self) -> FloatArray:
        """What was recorded, ``(records, quantities)``."""
        return np.array(self._records)

    def _advance_to(self, step: int) -> None:
        if step > self._step:
            self._state.advance(step - self._step)
            self._step = step


def run(
    make: Callable[[np.random.SeedSequence], State],
    times: IndexArray,
    updates: int,
    seed: int | np.random.SeedSequence,
    realisations: int | None,
    workers: int,
    progress: Progress | None,
) -> FloatArray:
    """Records ``(quantities, records)``, or ``(quantities, realisations, records)`` if their number is given.

    ``updates`` is the work of a step in pairs of amplitudes. Realisation i has the i-th child of the seed, whoever
    works on it, so the result does not depend on ``workers``.
    """
    count = 1 if realisations is None else whole_number("realisations", realisations, 1)
    whole_number("workers", workers, 1)
    last = int(times[-1])
    stretches = range(0, last, max(1, STRETCH // updates))
    seeds = seed_sequence(seed).spawn(count)
    done: list[FloatArray] = []
    with _pool(min(workers, count)) as each:
        for first in range(0, count, workers):
            batch = [Realisation(make(child), times) for child in seeds[first : first + workers]]
            for stop in chain(stretches, [last]):
                list(each(partial(Realisation.run_to, step=stop), batch))
                if progress is not None:
                    progress(first * last + len(batch) * stop, count * last)
            done += [realisation.records() for realisation in batch]
    stacked = np.moveaxis(np.array(done), -1, 0)
    return stacked[:, 0] if realisations is None else stacked


def new_stream(seed: np.random.SeedSequence, collisions_per_step: int) -> Any:
    """The ``kernels.Stream`` of a seed, empty: the first step draws."""
    from spinlab.physics.collisions.kernels import Stream

    steps = 2 * max(1, BLOCK // (2 * collisions_per_step))  # even, as normals come in pairs
    size = steps * collisions_per_step
    key, increment = seed.generate_state(2, np.uint64)
    words = np.zeros(2 * size, dtype=np.uint64)
    return Stream(
        position=np.array([key, increment | np.uint64(1), 0], dtype=np.uint64),
        cursor=np.array([size]),
        words=words,
        fractions=words.view(np.float64),
        partners=np.zeros(size, dtype=np.int64),
        normals=np.zeros(size),
        exchange=np.zeros(size, dtype=complex),
    )


def new_rule(gas: Gas) -> Any:
    """The ``kernels.Rule`` of a gas."""
    from spinlab.physics.collisions.kernels import Rule

    return Rule(float(gas.mean_angle), float(gas.angle_std), complex(np.exp(-1j * gas.field_angle)))


@cache
def kernel(name: str) -> Callable[..., None]:
    """The loop of that name, its compiled code cached on disk where numba finds a folder that can be written."""
    from spinlab.physics.collisions import kernels

    loop = getattr(kernels, name)
    with suppress(RuntimeError):  # no such folder: compiled anew in each process
        loop.enable_caching()
    return loop  # type: ignore[no-any-return]


@contextmanager
def _pool(workers: int) -> Iterator[Map]:
    """``map`` in this thread, or over so many others."""
    if workers == 1:
        yield map
    else:
        with ThreadPoolExecutor(workers) as pool:
            yield pool.map
