"""Figure 2: a coherent alkali spin of 1000 excitations beside helium, decoupled, overdamped, strongly coupled (Eq. 2)."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Final

import numpy as np

from spinlab.figures.table import Column, FloatArray, Parameter, Table
from spinlab.physics import KATZ_K_HE3, Hold, TwoMode

EXCITATIONS: Final = 1000.0  # ⟨a†a⟩ at the start: caption
STORAGE_FIELD: Final = 18e-6  # T, 180 mG: Fig. 4 (the caption of Fig. 2 only says "large")
STORING: Final = abs(KATZ_K_HE3.detuning(STORAGE_FIELD)) / KATZ_K_HE3.coupling  # |Δ|/J there


@dataclass(frozen=True)
class Regime:
    """One panel in units of γ: J, Δ, how long, and whether the state is stored after π/2J."""

    title: str
    coupling: float
    detuning: float
    duration: float
    stored: bool
    caption: str
    points: int = 2001


REGIMES: Final = {
    "2a": Regime("decoupled modes", 60.0, 600.0, 2.5, False, "Δ = 10J = 600γ", 6001),
    "2b": Regime("overdamped coupling", 0.1, 0.0, 12.0, False, "Δ = 0, γ = 10J"),
    "2c": Regime("strong coupling", 57.0, 0.0, 5 * pi / 57.0, True, "Δ = 0, J = 57γ"),
}


@dataclass(frozen=True, eq=False)
class Exchange:
    """Excitation numbers of both gases against γt; ``stored`` is the noble gas's when decoupled at π/2J (2c)."""

    regime: Regime
    times: FloatArray  # γt
    alkali: FloatArray
    noble_gas: FloatArray
    stored: FloatArray | None

    @property
    def switch(self) -> float:
        """γ π/2J."""
        return pi / (2 * self.regime.coupling)

    def values(self) -> dict[str, float]:
        """The largest transfer and its time, on the grid of times unless on resonance; in 2c the transfer at π/2J too."""
        largest = int(np.argmax(self.noble_gas))
        time, number = float(self.times[largest]), float(self.noble_gas[largest])
        if self.regime.detuning == 0:
            time, efficiency = TwoMode(self.regime.coupling, 1.0).best_transfer()
            number = EXCITATIONS * efficiency
        found = {"largest_noble_gas_excitations": number, "at_gamma_t": time}
        if self.stored is not None:
            modes = TwoMode(self.regime.coupling, 1.0)
            found["noble_gas_excitations_at_half_pi"] = float(_excitations(modes.trace([1.0, 0.0], self.switch))[1])
            found["stored_excitations_at_the_end"] = float(self.stored[-1])
        return found

    def table(self) -> Table:
        """The panel as data."""
        columns = [
            Column("gamma_t", self.times, "time in units of 1/γ"),
            Column("jt_over_pi", self.times * self.regime.coupling / pi, "the same, Jt/π"),
            Column("alkali_excitations", self.alkali, "⟨a†a⟩"),
            Column("noble_gas_excitations", self.noble_gas, "⟨b†b⟩"),
        ]
        parameters = {
            "excitations": Parameter(EXCITATIONS, "", "caption: coherent alkali spin, ⟨b†b⟩ = 0"),
            "coupling": Parameter(self.regime.coupling, "γ", f"caption: {self.regime.caption}"),
            "detuning": Parameter(self.regime.detuning, "γ", f"caption: {self.regime.caption}"),
            "noble_gas_decay": Parameter(0.0, "γ", "caption: omitted"),
        }
        if self.stored is not None:
            columns.append(
                Column("stored_excitations", self.stored, "⟨b†b⟩ when Δ is stepped to its storage value at π/2J")
            )
            parameters["storage_detuning"] = Parameter(
                STORING * self.regime.coupling, "γ", "that of 180 mG over J in the paper's mixture"
            )
        title = f"excitations exchanged by alkali and noble gas, {self.regime.title}"
        return Table(title, tuple(columns), parameters, self.values())


def compute(name: str) -> Exchange:
    """The panel "2a", "2b" or "2c"."""
    regime = REGIMES[name]
    modes, times = TwoMode(regime.coupling, 1.0), np.linspace(0.0, regime.duration, regime.points)
    alkali, noble_gas = _excitations(modes.trace([1.0, 0.0], times, regime.detuning))
    stored = None
    if regime.stored:
        holds = [Hold(pi / (2 * regime.coupling), 0.0), Hold(regime.duration, STORING * regime.coupling)]
        stored = _excitations(modes.evolve([1.0, 0.0], holds, times))[1]
    return Exchange(regime, times, alkali, noble_gas, stored)


def _excitations(amplitudes: np.typing.NDArray[np.complex128]) -> tuple[FloatArray, FloatArray]:
    numbers = EXCITATIONS * np.abs(amplitudes) ** 2
    return numbers[..., 0], numbers[..., 1]
