"""From the alkali line to the resonance: what a tracking shot tells, and where to hold."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

from scipy.optimize import brentq

from spinlab.physics.lines import Lines
from spinlab.physics.mixture import GasMixture
from spinlab.physics.two_mode import TwoMode


@dataclass(frozen=True)
class WorkingPoint:
    """Where and how long to hold: ``field`` in T, ``transfer_time`` t* in s, for a given p_b."""

    noble_gas_polarization: float
    field: float
    transfer_time: float
    coupling: float


def read_line(lines: Lines, field: float, noble_gas: float, pumping_rate: float) -> float:
    """Alkali line (rad/s) at ``field`` (T), far from resonance, with the pump on: p_a follows p_b.

    The Larmor frequency and the J²/Δ by which the exchange pushes the two lines apart.
    """
    pumped = lines.rates.settled_alkali(noble_gas, pumping_rate)
    shift = lines.coupling(pumped, noble_gas) ** 2 / lines.detuning(field, pumped, noble_gas)
    return lines.alkali(field, pumped, noble_gas) - shift


def noble_gas_polarization(mixture: GasMixture, field: float, line: float, pumping_rate: float) -> float:
    """p_b from the alkali line (rad/s) seen at ``field`` (T) with the pump on at ``pumping_rate`` (1/s).

    Solves ω = [g_sμ_B B/ħ − ζq p_b n_b/2]/q(p_a) with p_a = (R + n_b k_se p_b)/(R + Γ_sd + n_b k_se). Raises
    ValueError when no p_b between 0 and 1 gives this line.
    """
    lines = Lines.of(mixture)

    def misfit(polarization: float) -> float:
        return read_line(lines, field, polarization, pumping_rate) - line

    if misfit(0.0) * misfit(1.0) > 0:
        lowest, highest = sorted((misfit(0.0) + line, misfit(1.0) + line))
        raise ValueError(
            f"a line at {line / 2 / pi:.0f} Hz fits no noble-gas polarization: at this field it lies between "
            f"{lowest / 2 / pi:.0f} and {highest / 2 / pi:.0f} Hz"
        )
    return float(brentq(misfit, 0.0, 1.0, xtol=1e-12))


def working_point(mixture: GasMixture, polarization: float, pumping_rate: float, lead: float) -> WorkingPoint:
    """Resonance field and best transfer time for p_b, the gate being closed ``lead`` s before the transfer begins.

    p_a falls during the hold: t* and the compensation field are those of the mixture in its middle.
    """
    lines = Lines.of(mixture)
    pumped = lines.rates.settled_alkali(polarization, pumping_rate)
    estimate, _ = _two_mode(lines, pumped, polarization).best_transfer()
    middle = lines.rates.step(pumped, polarization, 0.0, lead + estimate / 2).alkali[2]
    inside = _two_mode(lines, middle, polarization)
    time, _ = inside.best_transfer()
    return WorkingPoint(polarization, lines.resonance(middle, polarization), time, inside.coupling)


def _two_mode(lines: Lines, alkali: float, noble_gas: float) -> TwoMode:
    return TwoMode(lines.coupling(alkali, noble_gas), lines.decay(alkali), lines.noble_gas_decay)
