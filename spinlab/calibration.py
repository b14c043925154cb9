"""What the control side takes as known of its laboratory: measured constants and the model of the cell."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

from spinlab.physics.mixture import GasMixture
from spinlab.physics.polarization import PolarizationRates
from spinlab.physics.working_point import WorkingPoint, noble_gas_polarization, working_point


@dataclass(frozen=True)
class Calibration:
    """Constants that plans compute with, SI.

    ``coil_constant`` T/A and ``ambient_field`` T along z turn fields into currents; the supply's DC level is off by
    ``dc_offset`` A, its waveforms by the factor 1 + ``wave_gain_error`` and ``wave_offset`` A. ``coil_time_constant`` is
    L/R in s, ``pumping_rate`` R in 1/s at the pump's working current, ``mixture`` the cell as it was characterised.
    """

    mixture: GasMixture
    pumping_rate: float
    coil_constant: float
    ambient_field: float = 0.0
    coil_time_constant: float = 1e-5
    dc_offset: float = 0.0
    wave_gain_error: float = 0.0
    wave_offset: float = 0.0

    @property
    def rates(self) -> PolarizationRates:
        """The rate equations' constants of this cell."""
        return PolarizationRates.of(self.mixture)

    def dc_current(self, field: float) -> float:
        """DC level (A) to command for a total field (T)."""
        return (field - self.ambient_field) / self.coil_constant - self.dc_offset

    def wave_current(self, field: float) -> float:
        """Waveform level (A) to command for a total field (T)."""
        wanted = (field - self.ambient_field) / self.coil_constant
        return (wanted - self.wave_offset) / (1 + self.wave_gain_error)

    def wave_field(self, current: float) -> float:
        """Total field (T) that a commanded waveform level (A) makes."""
        played = current * (1 + self.wave_gain_error) + self.wave_offset
        return self.ambient_field + self.coil_constant * played

    def noble_gas_polarization(self, current: float, frequency: float) -> float:
        """p_b from the alkali line (Hz) read at a commanded waveform level (A) with the pump on."""
        return noble_gas_polarization(self.mixture, self.wave_field(current), 2 * pi * frequency, self.pumping_rate)

    def working_point(self, polarization: float, lead: float) -> WorkingPoint:
        """Resonance field and t* for p_b; ``lead`` s from the gate's closing to the transfer's beginning."""
        return working_point(self.mixture, polarization, self.pumping_rate, lead)

    def pumped(self, polarization: float) -> float:
        """Steady p_a with the pump on, the noble gas at p_b."""
        return self.rates.settled_alkali(polarization, self.pumping_rate)

    def after_gate(self, polarization: float, dark: float) -> float:
        """p_a at ``dark`` s after the pump gate closed on a settled alkali."""
        return self.rates.step(self.pumped(polarization), polarization, 0.0, dark).alkali[2]

    def linewidth(self) -> float:
        """γ + R/q: amplitude decay rate of the alkali with the pump on, 1/s."""
        pumped = self.mixture.with_polarizations(
            self.pumped(self.mixture.noble_gas_polarization), self.mixture.noble_gas_polarization
        )
        return self.rates.total(self.pumping_rate) / pumped.slowing_down
