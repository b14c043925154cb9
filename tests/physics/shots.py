"""Whole shots of the storage experiment as lists of what acts on the cell, and three ways to play them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp

from plans.edges import GATE_LEAD, REPUMP, EdgeTiming, PumpMode
from spinlab.physics import bloch
from spinlab.physics.propagation import Cell, CellState, Control
from tests.physics.direct import direct

STORED = 0.02  # s from which on a stretch is stored rather than watched
Vector = tuple[float, float, float]
Play = Callable[[Cell, CellState, Control, float], CellState]
Stretches = list[tuple[Control, float]]


@dataclass(frozen=True)
class Levels:
    """Fields (T) and light (1/s, rad/s) that a shot is made of."""

    storage: float
    read: float
    pumping_rate: float
    tilt_rate: float


def play_all(cell: Cell, start: CellState, stretches: Stretches, play: Play) -> CellState:
    """The cell after all stretches."""
    state = start
    for control, duration in stretches:
        state = play(cell, state, control, duration)
    return state


def edge(levels: Levels, timing: EdgeTiming, resonance: float, hold: float, light: bool) -> Stretches:
    """Gate closes; coil to resonance; signal pulse; the rest of the hold; read level until the record ends."""
    tilt = levels.tilt_rate if light else 0.0
    return [
        (Control(levels.storage), GATE_LEAD),
        (Control(resonance), timing.settle),
        (Control(resonance, tilt_rate=tilt), timing.pulse),
        (Control(resonance), hold - timing.settle - timing.pulse),
        (Control(levels.read), timing.read_settle + timing.record),
    ]


def storage(levels: Levels, timing: EdgeTiming, time: float, pump: PumpMode) -> Stretches:
    """From the end of the write record to the closing of the gate before the read edge."""
    left = time - timing.read_settle - timing.record - GATE_LEAD
    lit = Control(levels.storage, levels.pumping_rate)
    if pump == "on":
        return [(lit, left)]
    return [(Control(levels.storage), left - (REPUMP - GATE_LEAD)), (lit, REPUMP - GATE_LEAD)]


def small_tilts(cell: Cell, state: CellState, control: Control, duration: float) -> CellState:
    """The differential equation of the cell, integrated as it is written."""
    return direct(cell, state, control, duration, method="Radau" if duration >= STORED else "DOP853")[0]


def vectors(cell: Cell, state: CellState) -> tuple[Vector, Vector]:
    """f and k of a state whose polarizations are those along −z."""
    f_z = -float(cell.slowing_down(state.alkali_polarization)) * state.alkali_polarization / 2
    k_z = -state.noble_gas_polarization / 2
    return (state.alkali.real, -state.alkali.imag, f_z), (state.noble_gas.real, -state.noble_gas.imag, k_z)


def coil(start: float, goal: float, time_constant: float) -> Callable[[float], Vector]:
    """The coil's approach to its field, T."""
    return lambda t: (0.0, 0.0, goal + (start - goal) * exp(-t / time_constant))


def mean_field(cell: Cell, state: CellState, control: Control, duration: float) -> CellState:
    """Eq. 1 for both spin vectors."""
    field = coil(state.field, control.field, cell.time_constant)
    end = bloch.evolve(
        cell.mixture,
        *vectors(cell, state),
        field if state.field != control.field else (0.0, 0.0, control.field),
        duration,
        pumping=bloch.Pumping(control.pumping_rate),
        light_shift=(0.0, -control.tilt_rate, 0.0),
        adiabatic=duration >= STORED,
        atol=1e-15,
    )
    electron = bloch.electron_spin(end.alkali, cell.mixture.nuclear_spin)
    return CellState(
        alkali_polarization=-2 * float(electron[2]),
        noble_gas_polarization=-2 * float(end.noble_gas[2]),
        field=field(duration)[2],
        alkali=complex(bloch.transverse(end.alkali)),
        noble_gas=complex(bloch.transverse(end.noble_gas)),
    )


def substeps(cell: Cell, state: CellState, control: Control, duration: float) -> CellState:
    """The cell as bench and prediction use it."""
    return cell.evolve(state, control, duration)[0]
