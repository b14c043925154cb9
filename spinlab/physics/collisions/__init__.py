"""Many-body simulation of random spin-exchange collisions (paper, SI 1, Eq. 3, Fig. 3).

N_a alkali electron spins and N_b noble-gas spins, nearly all down. In each step of duration τ every alkali atom collides
with another noble-gas atom, chosen at random, by a Gaussian angle φ. With the phase of ↓↓ taken out, a collision of
(a, b) and the field between collisions are, for the amplitudes of one excitation,

    a' = e^{−iθ}(D a + O b),   b' = D b + O a,   D, O = (1 ± e^{iφ})/2.

The paper's Eq. S1 is not unitary at second order in φ; this is. J = ½⟨φ⟩√(N_a/N_b)/τ. Simulations need numba, which is
imported when one is run, and compiled code is cached.
"""

from spinlab.physics.collisions.ensemble import Progress
from spinlab.physics.collisions.model import Compensation, Gas
from spinlab.physics.collisions.moments import exact_moments
from spinlab.physics.collisions.results import SingleExcitation, TwoExcitations
from spinlab.physics.collisions.single import Initial, single_excitation
from spinlab.physics.collisions.two import two_excitations

__all__ = [
    "Compensation",
    "Gas",
    "Initial",
    "Progress",
    "SingleExcitation",
    "TwoExcitations",
    "exact_moments",
    "single_excitation",
    "two_excitations",
]
