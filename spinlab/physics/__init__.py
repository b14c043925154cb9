"""Alkali and noble-gas spins coupled by spin-exchange collisions: pure functions and frozen dataclasses, SI, no I/O.

After Katz, Shaham and Firstenberg, *Quantum interface for noble-gas spins based on spin-exchange collisions*; equation
numbers in docstrings are that paper's.
"""

from spinlab.physics.mixture import KATZ_K_HE3, GasMixture
from spinlab.physics.regime import coupling_regime
from spinlab.physics.slowing_down import slowing_down_factor
from spinlab.physics.species import ALKALIS, NOBLE_GASES, Alkali, NobleGas
from spinlab.physics.spin_exchange import spin_exchange_line, spin_exchange_response
from spinlab.physics.two_mode import Hold, Ramp, TwoMode
from spinlab.physics.vapour import vapour_density, vapour_temperature

__all__ = [
    "ALKALIS",
    "KATZ_K_HE3",
    "NOBLE_GASES",
    "Alkali",
    "GasMixture",
    "Hold",
    "NobleGas",
    "Ramp",
    "TwoMode",
    "coupling_regime",
    "slowing_down_factor",
    "spin_exchange_line",
    "spin_exchange_response",
    "vapour_density",
    "vapour_temperature",
]
