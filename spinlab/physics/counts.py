"""Counts and seeds: whole, in range, or refused by name."""

from __future__ import annotations

from operator import index

import numpy as np

LARGEST_COUNT = 2**52  # random choices are made with 52 bits


def whole_number(name: str, value: int, least: int, most: int | None = LARGEST_COUNT) -> int:
    """``value`` as an int from ``least`` to ``most``, or ValueError naming the argument."""
    rule = f"{name} must be a whole number of at least {least}"
    try:
        number = index(value)
    except TypeError:
        raise ValueError(f"{rule}, got {value!r}") from None
    if number < least:
        raise ValueError(f"{rule}, got {number}")
    if most is not None and number > most:
        raise ValueError(f"{rule} and at most {most}, got {number}")
    return number


def seed_sequence(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    """A fresh sequence of a seed: one that is handed in counts its children and would give others the second time."""
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size)
    return np.random.SeedSequence(whole_number("seed", seed, 0, most=None))
