"""Figure 4: two excitations, and 7 dB of squeezing, carried from the alkali into the noble gas and stored there.

Black in the paper: two modes, perfect polarization (Eq. 2). Blue: modes of a sphere with imperfect polarization (S2).
Purple: the same, the field stepped to 180 mG at π/2J.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Final, Literal

import numpy as np

from spinlab.figures.table import Column, FloatArray, Parameter, Table
from spinlab.physics import (
    KATZ_K_HE3,
    PAPER_INCOHERENT_EXCITATIONS,
    Channel,
    Hold,
    Langevin,
    SphericalCell,
    SpinNoise,
    TwoMode,
    fock_distribution,
)
from spinlab.physics.mixture import PAPER_ALKALI_DECAY, PAPER_COUPLING

Incoherent = Literal["formula", "paper"]
Rates = Literal["paper", "formula"]
STORAGE_FIELD: Final = 18e-6  # T, 180 mG: caption
EXCITATIONS: Final = 2
SQUEEZING: Final = 7.0  # dB
MODES: Final = 100  # Methods; here of each species
QUICK_MODES: Final = 30
POINTS: Final = 801
PERIODS: Final = 2.5  # Jt/π


@dataclass(frozen=True, eq=False)
class Setting:
    """What both panels are computed from: the two modes, the cell, the times and the switch to storage."""

    modes: TwoMode
    cell: SphericalCell
    storage_detuning: float  # rad/s
    times: FloatArray  # s; the switch is among them
    incoherent: Incoherent
    rates: Rates

    @property
    def switch(self) -> float:
        """π/2J, s."""
        return pi / (2 * self.modes.coupling)

    @property
    def after(self) -> int:
        """Index of the switch in ``times``."""
        return int(np.searchsorted(self.times, self.switch))

    @property
    def resonant(self) -> list[Hold]:
        """Δ = 0 throughout."""
        return [Hold(self.times[-1], 0.0)]

    @property
    def stored(self) -> list[Hold]:
        """Δ = 0 until π/2J, then that of 180 mG."""
        return [Hold(self.switch, 0.0), Hold(self.times[-1], self.storage_detuning)]

    def time_columns(self) -> list[Column]:
        """What both panels are drawn against."""
        return [
            Column("time_s", self.times, "time on resonance, s"),
            Column("jt_over_pi", self.times * self.modes.coupling / pi, "the same, Jt/π"),
        ]

    def parameters(self) -> dict[str, Parameter]:
        """Rates, cell and noise with their sources."""
        cell, noise = self.cell, self.cell.incoherent
        printed = "main text, as printed" if self.rates == "paper" else "its formula, from densities and polarizations"
        started = "Methods, as printed" if self.incoherent == "paper" else "(1 − p)/2p: main text"
        return {
            "coupling": Parameter(cell.coupling, "rad/s", printed),
            "alkali_decay": Parameter(cell.alkali_decay, "1/s", printed),
            "noble_gas_decay": Parameter(cell.noble_gas_decay, "1/s", "k_se n_a: Eq. 17"),
            "radius": Parameter(cell.radius, "m", "Methods: R = 1 inch"),
            "alkali_diffusion": Parameter(cell.alkali_diffusion, "m^2/s", "K in helium at 7.5 atm; not in the paper"),
            "noble_gas_diffusion": Parameter(cell.noble_gas_diffusion, "m^2/s", "He-3 in itself; not in the paper"),
            "wall": Parameter(str(cell.wall), "", "uncoated for the alkali; the noble gas does not relax there"),
            "modes": Parameter(cell.modes, "of each species", "radial, finite volumes"),
            "preparation": Parameter(
                cell.preparation, "", "the excited alkali mode starts without incoherent excitations"
            ),
            "incoherent_alkali": Parameter(noise.alkali, "per mode", f"{started}, p_a = {cell.alkali_polarization}"),
            "incoherent_noble_gas": Parameter(
                noise.noble_gas, "per mode", f"{started}, p_b = {cell.noble_gas_polarization}"
            ),
            "storage_field": Parameter(STORAGE_FIELD, "T", "caption: 180 mG, from π/2J on"),
            "storage_detuning": Parameter(self.storage_detuning, "rad/s", "ω_b − ω_a there"),
        }


@dataclass(frozen=True, eq=False)
class Fock:
    """P(2 excitations) in the uniform noble-gas mode, ``times.shape`` each."""

    setting: Setting
    two_mode: FloatArray
    spatial: FloatArray
    stored: FloatArray
    two_mode_stored: FloatArray

    def table(self) -> Table:
        """The panel as data."""
        half, end = self.setting.after, -1
        columns = [
            *self.setting.time_columns(),
            Column("p2_two_mode", self.two_mode, "P(2) of the noble gas: two modes, perfect polarization"),
            Column(
                "p2_spatial", self.spatial, "P(2) of the uniform noble-gas mode: spatial modes, imperfect polarization"
            ),
            Column("p2_stored", self.stored, "the same, 180 mG from π/2J on"),
            Column("p2_two_mode_stored", self.two_mode_stored, "two modes, 180 mG from π/2J on"),
        ]
        values = {
            "p2_two_mode_at_half_pi": float(self.two_mode[half]),
            "p2_spatial_at_half_pi": float(self.spatial[half]),
            "p2_stored_at_the_end": float(self.stored[end]),
            "p2_before": float(self.spatial[0]),
        }
        parameters = {"excitations": Parameter(EXCITATIONS, "", "caption: Fock state of the alkali's uniform mode")}
        return Table("two excitations exchanged", tuple(columns), parameters | self.setting.parameters(), values)


@dataclass(frozen=True, eq=False)
class Squeezing:
    """10 log₁₀ of the squeezed quadratures' variances over vacuum, ``times.shape`` each."""

    setting: Setting
    two_mode_alkali: FloatArray
    two_mode_noble_gas: FloatArray
    spatial_alkali: FloatArray
    spatial_noble_gas: FloatArray
    stored: FloatArray

    def table(self) -> Table:
        """The panel as data."""
        half = self.setting.after
        perfect, spatial = "two modes, perfect polarization", "spatial modes, imperfect polarization"
        columns = [
            *self.setting.time_columns(),
            Column("two_mode_alkali_db", self.two_mode_alkali, f"variance of S_x over vacuum, dB: {perfect}"),
            Column("two_mode_noble_gas_db", self.two_mode_noble_gas, f"variance of K_y over vacuum, dB: {perfect}"),
            Column("spatial_alkali_db", self.spatial_alkali, f"total alkali spin S_x, dB: {spatial}"),
            Column("spatial_noble_gas_db", self.spatial_noble_gas, f"total noble-gas spin K_y, dB: {spatial}"),
            Column("stored_noble_gas_db", self.stored, "the same, 180 mG from π/2J on"),
        ]
        values = {
            "two_mode_noble_gas_db_at_half_pi": float(self.two_mode_noble_gas[half]),
            "spatial_noble_gas_db_at_half_pi": float(self.spatial_noble_gas[half]),
            "stored_noble_gas_db_at_the_end": float(self.stored[-1]),
            "spatial_noble_gas_db_before": float(self.spatial_noble_gas[0]),
        }
        parameters = {"squeezing": Parameter(SQUEEZING, "dB", "caption: of the alkali at t = 0")}
        notes = ("after the switch the squeezed quadrature turns at J²/Δ; it is followed",)
        return Table("squeezing exchanged", tuple(columns), parameters | self.setting.parameters(), values, notes)


def setting(quick: bool = False, incoherent: Incoherent = "formula", rates: Rates = "paper") -> Setting:
    """Two modes and a cell with the paper's parameters.

    ``rates`` are J and γ as the paper prints them, 1000 and 17.5 1/s, or from its formulas, 1026 and 17.43 1/s;
    ``incoherent`` the excitations at the start, (1 − p)/2p or as printed (0.05 and 0.17).
    """
    mixture = KATZ_K_HE3
    coupling, decay = (
        (PAPER_COUPLING, PAPER_ALKALI_DECAY) if rates == "paper" else (mixture.coupling, mixture.alkali_decay)
    )
    noise = SpinNoise.from_occupations(*PAPER_INCOHERENT_EXCITATIONS) if incoherent == "paper" else None
    cell = SphericalCell.of(
        mixture, modes=QUICK_MODES if quick else MODES, coupling=coupling, alkali_decay=decay, noise=noise
    )
    modes = TwoMode(coupling, decay, mixture.noble_gas_decay)
    times = np.union1d(np.linspace(0.0, PERIODS * pi / coupling, POINTS), [pi / (2 * coupling)])
    return Setting(modes, cell, float(mixture.detuning(STORAGE_FIELD)), times, incoherent, rates)


def compute_fock(given: Setting) -> Fock:
    """The panel "4a"."""
    spatial, stored = (given.cell.channel(holds, given.times) for holds in (given.resonant, given.stored))
    return Fock(
        given,
        two_mode=_probability(_two_mode(given, given.resonant, 1)),
        spatial=_probability(spatial),
        stored=_probability(stored),
        two_mode_stored=_probability(_two_mode(given, given.stored, 1)),
    )


def compute_squeezing(given: Setting) -> Squeezing:
    """The panel "4b"."""
    cell, times = given.cell, given.times
    return Squeezing(
        given,
        two_mode_alkali=_two_mode(given, given.resonant, 0).squeezing_db(SQUEEZING),
        two_mode_noble_gas=_two_mode(given, given.resonant, 1).squeezing_db(SQUEEZING),
        spatial_alkali=cell.channel(given.resonant, times, target="alkali").squeezing_db(SQUEEZING),
        spatial_noble_gas=cell.channel(given.resonant, times).squeezing_db(SQUEEZING),
        stored=cell.channel(given.stored, times).squeezing_db(SQUEEZING),
    )


def _two_mode(given: Setting, holds: list[Hold], target: int) -> Channel:
    return Langevin.vacuum().sequence(given.modes, holds, given.times).channel(target=target)


def _probability(channel: Channel) -> FloatArray:
    return np.asarray(fock_distribution(EXCITATIONS, channel.efficiency, channel.background)[..., EXCITATIONS])
