"""What the wall of a cell does to the alkali spins: one number, the extrapolation length ℓ of a + ℓ ∂a/∂r = 0."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal

Wall = Literal["dirichlet", "neumann"] | float


@dataclass(frozen=True)
class Robin:
    """A partly depolarizing wall: the alkali field vanishes, extrapolated, ``length`` (m) behind it.

    0 is a wall that depolarizes at every collision within the diffusion picture (Dirichlet), ∞ a perfect coating
    (Neumann). Raises ValueError for a negative length or one that is not a number.
    """

    length: float

    def __post_init__(self) -> None:
        if not self.length >= 0:
            raise ValueError(f"length of a Robin wall must not be negative, in m, got {self.length}")

    @classmethod
    def from_probability(cls, probability: float, diffusion: float, speed: float) -> Robin:
        """ℓ = 2D(2 − P)/(P v̄) for a probability P of depolarization at each collision with the wall.

        Diffusion constant D in m²/s, mean thermal speed v̄ in m/s. The flux onto a wall is v̄/4 of the density of what
        arrives, which exceeds what leaves by the net flux: hence 2 − P. ValueError for P outside 0…1 or D, v̄ ≤ 0.
        """
        if not 0 <= probability <= 1:
            raise ValueError(f"probability must lie in 0…1, got {probability}")
        for name, value in (("diffusion", diffusion), ("speed", speed)):
            if not 0 < value < inf:
                raise ValueError(f"{name} must be positive and finite, got {value}")
        if probability == 0:
            return cls(inf)
        return cls(2 * diffusion * (2 - probability) / (probability * speed))


def extrapolation_length(wall: Wall | Robin) -> float:
    """ℓ in m of "dirichlet", "neumann", a Robin wall or a number, which is ℓ itself."""
    if isinstance(wall, Robin):
        return wall.length
    if isinstance(wall, str):
        try:
            return {"dirichlet": 0.0, "neumann": inf}[wall]
        except KeyError:
            raise ValueError(f'wall must be "dirichlet", "neumann", Robin(length) or a length, got {wall!r}') from None
    return Robin(float(wall)).length
