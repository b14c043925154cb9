"""Probe light through the cell onto a balanced photodetector: spin → rotation → volts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sims.cell import Tap, VapourCell
from sims.noise import NoiseSources

FloatArray = npt.NDArray[np.float64]
PHOTON_ENERGY = 2.5799e-19  # J at 770 nm, the potassium D1 line


@dataclass(frozen=True)
class Polarimeter:
    """Faraday rotation read by a balanced detector.

    ``rotation``: rad for a fully polarized transverse spin. ``probe_power``: W on the detector. ``gain``: V per rad of
    rotation. ``amplifier_noise``: V rms per sample.
    """

    rotation: float
    probe_power: float
    gain: float
    amplifier_noise: float

    def shot_noise(self, aperture: float) -> float:
        """Angle noise of one sample of ``aperture`` seconds, rad rms: 1/(2√N) for N photons."""
        photons = self.probe_power * aperture / PHOTON_ENERGY
        return 0.5 / float(np.sqrt(photons))

    def volts(self, spin: FloatArray, light: float, aperture: float, noise: NoiseSources) -> FloatArray:
        """Detector output for electron spins ⟨s_x⟩ at ``light`` times the nominal probe power, V."""
        volts = self.amplifier_noise * noise.amplifier.standard_normal(len(spin))
        if light > 0:
            angle = 2 * self.rotation * spin
            photons = self.shot_noise(aperture) / np.sqrt(light)
            volts += self.gain * light * (np.sin(2 * angle) / 2 + photons * noise.photons.standard_normal(len(spin)))
        return volts


class Recording:
    """One record of the polarimeter as the digitizer's input sees it; noise is drawn when it is first looked at."""

    def __init__(
        self, tap: Tap, atoms: VapourCell, polarimeter: Polarimeter, light: float, noise: NoiseSources
    ) -> None:
        self._tap = tap
        self._atoms = atoms
        self._polarimeter = polarimeter
        self._light = light
        self._noise = noise
        self._volts: FloatArray | None = None

    def volts(self) -> FloatArray:
        """Volts at the digitizer's input, one per sample of the finished record."""
        if self._volts is None:
            self._atoms.advance(self._tap.end)
            aperture = self._tap.aperture or 1 / self._tap.sample_rate
            self._volts = self._polarimeter.volts(self._tap.spin, self._light, aperture, self._noise)
        return self._volts
