"""The sub-stepped cell against its differential equation, and what a shot of the reference bench retrieves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinlab.physics.mixture import KATZ_K_HE3
from spinlab.physics.propagation import Cell, CellState, Control, Sampling
from tests.physics.direct import direct

PUMPING = 1193.526
READ, STORAGE = 18e-6, 1e-4
MIXTURE = replace(KATZ_K_HE3, noble_gas_relaxation=4.4e-6)


@pytest.fixture
def cell() -> Cell:
    return Cell(MIXTURE, time_constant=1e-5)


def edge(resonance: float) -> list[tuple[Control, float]]:
    """Storage → resonance, signal pulse, the rest of the hold, → read level."""
    across = 2e-12
    return [
        (Control(resonance, transverse_field=across), 50e-6),
        (Control(resonance, tilt_rate=5e3, transverse_field=across), 20e-6),
        (Control(resonance, transverse_field=across), 1.5127e-3),
        (Control(READ, transverse_field=across), 200e-6),
    ]


def test_every_stretch_of_a_write_follows_the_differential_equation(cell: Cell) -> None:
    state = CellState(0.95, 0.75, STORAGE)
    for control, duration in edge(MIXTURE.compensation_field):
        fast, _ = cell.evolve(state, control, duration)
        slow, _ = direct(cell, state, control, duration)
        assert fast.alkali == pytest.approx(slow.alkali, abs=4e-5)  # of 0.19 that the pulse makes
        assert fast.noble_gas == pytest.approx(slow.noble_gas, abs=4e-9)  # of 1e-4
        assert fast.alkali_polarization == pytest.approx(slow.alkali_polarization, abs=1e-6)
        assert fast.field == pytest.approx(slow.field, rel=1e-12)
        state = fast


def test_a_recorded_decay_follows_the_differential_equation_through_its_chirp(cell: Cell) -> None:
    state = CellState(0.907, 0.75, READ, alkali=0.05 + 0.1j, noble_gas=1e-4j)
    times = np.arange(10000) * 1e-6
    _, samples = cell.evolve(state, Control(READ), 0.01, Sampling(times))
    _, (f, p_a) = direct(cell, state, Control(READ), 0.01, times[::10])
    assert samples[::10] == pytest.approx((f / cell.slowing_down(p_a)).real, abs=1e-5)


@pytest.mark.parametrize("pumping", [0.0, PUMPING])
def test_an_hour_of_storage_follows_the_differential_equation(cell: Cell, pumping: float) -> None:
    state = CellState(0.74, 0.75, STORAGE, noble_gas=1e-4 + 0j)
    fast, _ = cell.evolve(state, Control(STORAGE, pumping), 3600.0)
    slow, _ = direct(cell, state, Control(STORAGE, pumping), 3600.0, method="Radau")
    assert abs(fast.noble_gas) == pytest.approx(abs(slow.noble_gas), rel=2e-4)
    assert fast.noble_gas_polarization == pytest.approx(slow.noble_gas_polarization, abs=2e-5)
    assert fast.alkali_polarization == pytest.approx(slow.alkali_polarization, abs=2e-5)


def test_cutting_time_into_pieces_changes_nothing(cell: Cell) -> None:
    whole = CellState(0.95, 0.75, STORAGE, alkali=0.1j, noble_gas=1e-4)
    pieces = whole
    control = Control(MIXTURE.compensation_field)
    whole, _ = cell.evolve(whole, control, 1e-3)
    for _ in range(7):
        pieces, _ = cell.evolve(pieces, control, 1e-3 / 7)
    assert pieces.alkali == pytest.approx(whole.alkali, abs=2e-5)
    assert pieces.noble_gas == pytest.approx(whole.noble_gas, abs=2e-8)


def test_projection_noise_is_stationary(cell: Cell) -> None:
    """Drawn from equilibrium and carried on, the transverse spins keep their variance: q/2N_a and 1/2N_b."""
    random = np.random.default_rng(5)

    def normals(count: int) -> np.ndarray:
        return (random.standard_normal(count) + 1j * random.standard_normal(count)) / np.sqrt(2)

    ends = []
    for _ in range(400):
        state = cell.thermal(CellState(0.95, 0.75, READ), normals)
        state, _ = cell.evolve(state, Control(READ, PUMPING), 5e-3, normals=normals)
        ends.append((state.alkali, state.noble_gas))
    alkali, noble_gas = np.mean(np.abs(np.array(ends)) ** 2, axis=0)
    q = float(cell.slowing_down(0.95))
    assert alkali == pytest.approx(q / (2 * MIXTURE.alkali_density * cell.volume), rel=0.25)
    assert noble_gas == pytest.approx(1 / (2 * MIXTURE.noble_gas_density * cell.volume), rel=0.25)
