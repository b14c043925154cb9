"""Alkali and noble-gas spins coupled by spin-exchange collisions: pure functions and frozen dataclasses, SI, no I/O.

After Katz, Shaham and Firstenberg, *Quantum interface for noble-gas spins based on spin-exchange collisions*; equation
numbers in docstrings are that paper's.
"""

from spinlab.physics.channel import Channel
from spinlab.physics.fock import fock_distribution, fock_fidelity, photon_distribution
from spinlab.physics.gaussian import GaussianState, squeezing_db
from spinlab.physics.langevin import PAPER_INCOHERENT_EXCITATIONS, Langevin, incoherent_excitations
from spinlab.physics.mixture import KATZ_K_HE3, GasMixture
from spinlab.physics.regime import coupling_regime
from spinlab.physics.reservoir import ReservoirWarning
from spinlab.physics.segments import Hold, Ramp, Settle
from spinlab.physics.slowing_down import slowing_down_factor
from spinlab.physics.spatial import SphericalCell
from spinlab.physics.species import ALKALIS, NOBLE_GASES, Alkali, NobleGas
from spinlab.physics.spin_exchange import spin_exchange_line, spin_exchange_response
from spinlab.physics.spin_noise import SpinNoise
from spinlab.physics.two_mode import TwoMode
from spinlab.physics.vapour import vapour_density, vapour_temperature
from spinlab.physics.walls import Robin

__all__ = [
    "ALKALIS",
    "KATZ_K_HE3",
    "NOBLE_GASES",
    "PAPER_INCOHERENT_EXCITATIONS",
    "Alkali",
    "Channel",
    "GasMixture",
    "GaussianState",
    "Hold",
    "Langevin",
    "NobleGas",
    "Ramp",
    "ReservoirWarning",
    "Robin",
    "Settle",
    "SphericalCell",
    "SpinNoise",
    "TwoMode",
    "coupling_regime",
    "fock_distribution",
    "fock_fidelity",
    "incoherent_excitations",
    "photon_distribution",
    "slowing_down_factor",
    "spin_exchange_line",
    "spin_exchange_response",
    "squeezing_db",
    "vapour_density",
    "vapour_temperature",
]
