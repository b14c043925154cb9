"""One excitation in random collisions (paper, SI 1, Eq. 3, Figs. 3a–d)."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from spinlab.physics.collisions.ensemble import Progress, kernel, new_rule, new_stream, run
from spinlab.physics.collisions.model import Compensation, Gas, record_steps
from spinlab.physics.collisions.results import SingleExcitation

Initial = Literal["symmetric", "localized"]


def single_excitation(
    n_alkali: int,
    n_noble_gas: int,
    mean_angle: float,
    angle_std: float,
    steps: int,
    initial: Initial = "symmetric",
    *,
    seed: int | np.random.SeedSequence = 0,
    record_every: int | None = None,
    compensation: Compensation = "paper",
    realisations: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> SingleExcitation:
    """Simulate one excitation that begins in the alkali, all of whose N_a + N_b amplitudes are followed.

    ``initial`` is "symmetric", |1⟩_a|0⟩_b, or "localized", in one alkali atom. Angles are in rad, times in steps τ;
    ``compensation`` as in ``Gas``. Recorded are step 0, every ``record_every``-th (without it, some 500) and the last.

    Arrays are ``(records,)``; with ``realisations`` given ``(realisations, records)``, ``workers`` of them at a time
    in threads. The same seed gives the same numbers, whatever ``workers`` and ``record_every`` are. ``progress(done,
    total)`` is called from this thread, in steps of all realisations. Raises ValueError for arguments out of range,
    ArithmeticError if the norm leaves 1 by more than 1e-9 and rounding.
    """
    gas = Gas(n_alkali, n_noble_gas, mean_angle, angle_std, compensation)
    times = record_steps(steps, record_every)
    initial_overlap(gas, initial)

    def make(child: np.random.SeedSequence) -> SingleState:
        return SingleState(gas, initial, child)

    records = run(make, times, n_alkali, seed, realisations, workers, progress)
    return SingleExcitation(gas, times, *records)


def initial_overlap(gas: Gas, initial: Initial) -> float:
    """F10 at the start; ValueError for an unknown state."""
    if initial not in get_args(Initial):
        raise ValueError(f"initial must be 'symmetric' or 'localized', got {initial!r}")
    return 1.0 if initial == "symmetric" else 1 / gas.n_alkali


class SingleState:
    """Amplitudes of one excitation and their random numbers."""

    def __init__(self, gas: Gas, initial: Initial, seed: np.random.SeedSequence) -> None:
        self._alkali = np.zeros(gas.n_alkali, dtype=complex)
        if initial == "symmetric":
            self._alkali[:] = gas.n_alkali**-0.5
        else:
            self._alkali[0] = 1.0
        self._noble_gas = np.zeros(gas.n_noble_gas, dtype=complex)
        self._stream = new_stream(seed, gas.n_alkali)
        self._rule = new_rule(gas)

    def advance(self, steps: int) -> None:
        """Carry the amplitudes on by ``steps`` steps."""
        kernel("advance_single")(self._alkali, self._noble_gas, self._stream, self._rule, steps)

    def measure(self) -> tuple[float, ...]:
        """The norm, F10, F01, P_alkali."""
        a, b = self._alkali, self._noble_gas
        alkali = float(np.vdot(a, a).real)
        f10, f01 = (float(abs(amplitudes.sum()) ** 2 / amplitudes.size) for amplitudes in (a, b))
        return alkali + float(np.vdot(b, b).real), f10, f01, alkali
