"""Alkali and noble-gas spins coupled by spin-exchange collisions: pure functions and frozen dataclasses, SI, no I/O.

After Katz, Shaham and Firstenberg, *Quantum interface for noble-gas spins based on spin-exchange collisions*; equation
numbers in docstrings are that paper's.
"""

from spinlab.physics.channel import Channel
from spinlab.physics.fock import fock_distribution, fock_fidelity, photon_distribution
from spinlab.physics.gaussian import GaussianState, squeezing_db
from spinlab.physics.langevin import PAPER_INCOHERENT_EXCITATIONS, Langevin, incoherent_excitations
from spinlab.physics.mixture import KATZ_K_HE3, GasMixture
from spinlab.physics.segments import Hold, Ramp, Settle
from spinlab.physics.slowing_down import slowing_down_factor
from spinlab.physics.two_mode import TwoMode

__all__ = [
    "KATZ_K_HE3",
    "PAPER_INCOHERENT_EXCITATIONS",
    "Channel",
    "GasMixture",
    "GaussianState",
    "Hold",
    "Langevin",
    "Ramp",
    "Settle",
    "TwoMode",
    "fock_distribution",
    "fock_fidelity",
    "incoherent_excitations",
    "photon_distribution",
    "slowing_down_factor",
    "squeezing_db",
]
