"""What collides: numbers of atoms, the angle's distribution, the field between collisions."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Literal

import numpy as np
import numpy.typing as npt

from spinlab.physics.counts import whole_number

IndexArray = npt.NDArray[np.int64]
Compensation = Literal["paper", "exact"] | float
LARGEST_ANGLE = 1e6  # rad: beyond, whole turns have cost the digits of the rest
RECORDS = 500  # without record_every, a run is recorded about this often


@dataclass(frozen=True)
class Gas:
    """N_a ≤ N_b atoms and the angle φ of a collision, Gaussian with ``mean_angle`` and ``angle_std`` (rad).

    ``compensation`` sets θ, the angle by which the field turns an alkali excitation per step: "paper" ⟨φ⟩/2, which
    leaves a detuning J√(N_a/N_b); "exact" (⟨φ⟩/2)(1 − N_a/N_b), resonance; or a number, θ itself in rad. Raises
    ValueError for counts that are not integers with 1 ≤ N_a ≤ N_b, angles beyond 1e6 rad or a negative width.
    """

    n_alkali: int
    n_noble_gas: int
    mean_angle: float
    angle_std: float
    compensation: Compensation = "paper"

    def __post_init__(self) -> None:
        whole_number("n_alkali", self.n_alkali, 1)
        whole_number("n_noble_gas", self.n_noble_gas, 1)
        if self.n_noble_gas < self.n_alkali:
            raise ValueError(
                f"n_noble_gas must be at least n_alkali = {self.n_alkali}, as each alkali atom meets another "
                f"noble-gas atom in a step; got {self.n_noble_gas}"
            )
        if not abs(self.mean_angle) <= LARGEST_ANGLE:
            raise ValueError(f"mean_angle must lie in ±{LARGEST_ANGLE:g} rad, got {self.mean_angle}")
        if not 0 <= self.angle_std <= LARGEST_ANGLE:
            raise ValueError(f"angle_std must lie in 0…{LARGEST_ANGLE:g} rad, got {self.angle_std}")
        if isinstance(self.compensation, str):
            if self.compensation not in ("paper", "exact"):
                raise ValueError(f"compensation must be 'paper', 'exact' or an angle, got {self.compensation!r}")
        elif not isfinite(self.compensation):
            raise ValueError(f"compensation must be a finite angle in rad, got {self.compensation}")

    @property
    def coupling(self) -> float:
        """Jτ = ½⟨φ⟩√(N_a/N_b), in rad per step."""
        return self.mean_angle / 2 * sqrt(self.n_alkali / self.n_noble_gas)

    @property
    def field_angle(self) -> float:
        """θ, in rad per step."""
        if self.compensation == "paper":
            return self.mean_angle / 2
        if self.compensation == "exact":
            return self.mean_angle / 2 * (1 - self.n_alkali / self.n_noble_gas)
        return float(self.compensation)


def record_steps(steps: int, record_every: int | None) -> IndexArray:
    """The steps after which a run is recorded: 0, every ``record_every``-th, and the last."""
    last = whole_number("steps", steps, 0)
    every = max(1, last // RECORDS) if record_every is None else whole_number("record_every", record_every, 1)
    regular = np.arange(0, last + 1, every, dtype=np.int64)
    return regular if regular[-1] == last else np.append(regular, last)
