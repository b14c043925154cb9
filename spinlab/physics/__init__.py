"""Alkali and noble-gas spins coupled by spin-exchange collisions: pure functions and frozen dataclasses, SI, no I/O.

After Katz, Shaham and Firstenberg, *Quantum interface for noble-gas spins based on spin-exchange collisions*; equation
numbers in docstrings are that paper's.
"""

from spinlab.physics.mixture import KATZ_K_HE3, GasMixture
from spinlab.physics.reservoir import ReservoirWarning
from spinlab.physics.slowing_down import slowing_down_factor
from spinlab.physics.spatial import SphericalCell
from spinlab.physics.spin_noise import SpinNoise
from spinlab.physics.two_mode import Hold, Ramp, TwoMode
from spinlab.physics.walls import Robin

__all__ = [
    "KATZ_K_HE3",
    "GasMixture",
    "Hold",
    "Ramp",
    "ReservoirWarning",
    "Robin",
    "SphericalCell",
    "SpinNoise",
    "TwoMode",
    "slowing_down_factor",
]
