"""Constants of nature and of the reference mixture, SI, each with its source."""

from typing import Final

BOLTZMANN: Final = 1.380649e-23  # J/K, exact (SI 2019)
HBAR: Final = 1.054571817e-34  # J s (CODATA 2018)
BOHR_MAGNETON: Final = 9.2740100783e-24  # J/T (CODATA 2018)
ATOMIC_MASS: Final = 1.66053906660e-27  # kg (CODATA 2018)

ELECTRON_G_POTASSIUM: Final = 2.00229421  # Arimondo, Inguscio, Violino, Rev. Mod. Phys. 49, 31 (1977)
ELECTRON_GYROMAGNETIC: Final = ELECTRON_G_POTASSIUM * BOHR_MAGNETON / HBAR  # rad/s/T
HELIUM3_GYROMAGNETIC: Final = 2.03802e8  # rad/s/T, magnitude, bare helion (CODATA 2018); shielded: 60 ppm less

POTASSIUM_MASS: Final = 38.96370649 * ATOMIC_MASS
HELIUM3_MASS: Final = 3.01602932 * ATOMIC_MASS  # AME2020
NITROGEN_MASS: Final = 28.0061480 * ATOMIC_MASS
