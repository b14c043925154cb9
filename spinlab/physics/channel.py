"""The channel that one mode's state passes: some of it arrives, and incoherent excitations come on top."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinlab.physics import checked
from spinlab.physics.checked import FloatArray


@dataclass(frozen=True, eq=False)
class Channel:
    """η, n and [b, b†] of a phase-insensitive channel, scalars or arrays of one shape.

    ``efficiency`` η is the fraction of excitations that arrives, ``background`` n the excitations found without input
    (normally ordered), ``commutator`` 1 except for noise that does not keep it (:mod:`spinlab.physics.langevin`).
    ValueError for η outside 0…1 or n < 0.
    """

    efficiency: FloatArray | float
    background: FloatArray | float = 0.0
    commutator: FloatArray | float = 1.0

    def __post_init__(self) -> None:
        given = (
            checked.fraction("efficiency", self.efficiency),
            checked.not_negative("background", self.background),
            checked.not_negative("commutator", self.commutator),
        )
        shape = checked.together(efficiency=given[0].shape, background=given[1].shape, commutator=given[2].shape)
        for name, value in zip(("efficiency", "background", "commutator"), given, strict=True):
            object.__setattr__(self, name, np.broadcast_to(value, shape))

    def variance(self, variance: npt.ArrayLike) -> FloatArray:
        """Var = ηV + 1 − η + 2n of a quadrature that had variance V (vacuum = 1); the 1 is the commutator."""
        v = checked.not_negative("variance", variance)
        return np.asarray(self.efficiency * v + (self.commutator - self.efficiency) + 2 * self.background)

    def squeezing_db(self, squeezing: npt.ArrayLike) -> FloatArray:
        """10 log₁₀ Var at the output for ``squeezing`` dB below vacuum at the input; negative means squeezed."""
        return np.asarray(10 * np.log10(self.variance(10 ** (-checked.real("squeezing", squeezing) / 10))))
