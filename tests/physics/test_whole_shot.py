"""Whole shots of the storage experiment: prediction and twin against differential equations that know nothing of sub-steps.

The timeline is put together here from the plan's timing and the calibration's working points, once more and by hand; the
prediction gets the same shot as an event, in commanded currents.
"""

from __future__ import annotations

from dataclasses import replace
from math import cos
from pathlib import Path

import numpy as np
import pytest

from plans.edges import EdgeTiming, PumpMode
from spinlab.calibration import Calibration
from spinlab.models import bench_model, calibration_of
from spinlab.physics import bloch
from spinlab.physics.propagation import Cell, CellState, Control, Sampling
from spinlab.physics.working_point import WorkingPoint
from spinlab.prediction import BenchModel, Commanded, Predictor
from tests.laboratory import profile
from tests.physics import shots
from tests.physics.shots import Levels, Play, Stretches, mean_field, play_all, small_tilts, substeps

STORAGE, READ = 1e-4, 18e-6
TIMING = EdgeTiming(time_constant=1e-5, pulse=20e-6, record=10e-3, sample_rate=1e6)
GENTLE = 2e-3  # of the signal light: Eq. 1 is not linear; a tilt of 0.1 rad costs 0.2 % of the efficiency


@pytest.fixture
def model(tmp_path: Path) -> BenchModel:
    """The reference bench without noise, rounding and stray field."""
    bench = bench_model(profile(tmp_path))
    return replace(bench, current_noise=0.0, current_resolution=1e-12, transverse_field=0j)


@pytest.fixture
def calibration(tmp_path: Path) -> Calibration:
    return calibration_of(profile(tmp_path))


class Bench:
    """Shots on the reference bench, played by any of the ways to carry a cell."""

    def __init__(self, model: BenchModel, calibration: Calibration, light: float = 1.0) -> None:
        self.cell: Cell = model.cell
        self.calibration = calibration
        self.levels = Levels(STORAGE, READ, model.pumping_rate, light * model.tilt_rate)
        self.noble_gas = self.cell.mixture.noble_gas_polarization
        self.start = CellState(calibration.pumped(self.noble_gas), self.noble_gas, STORAGE)

    def point(self, noble_gas: float) -> WorkingPoint:
        """What tracking finds when p_b is this."""
        return self.calibration.working_point(noble_gas, TIMING.lead)

    def edge(self, point: WorkingPoint, light: bool, hold: float | None = None) -> Stretches:
        length = TIMING.hold(point.transfer_time) if hold is None else hold
        return shots.edge(self.levels, TIMING, point.field, length, light)

    def reference(self, play: Play) -> CellState:
        """At the end of a reference's hold."""
        stretches = self.edge(self.point(self.noble_gas), True, TIMING.reference_hold)
        return play_all(self.cell, self.start, stretches[:-1], play)

    def stored(self, time: float, pump: PumpMode, play: Play) -> CellState:
        """From the write to the closing of the gate before the read."""
        stretches = self.edge(self.point(self.noble_gas), True) + shots.storage(self.levels, TIMING, time, pump)
        return play_all(self.cell, self.start, stretches, play)

    def retrieved(self, stored: CellState, play: Play) -> CellState:
        """At the end of the read's hold."""
        return play_all(self.cell, stored, self.edge(self.point(stored.noble_gas_polarization), False)[:-1], play)

    def efficiency(self, retrieved: complex, reference: complex) -> float:
        """Storage efficiency: |F|² over the reference's, whose own exchange is divided out."""
        kept = cos(self.cell.mixture.coupling * TIMING.reference_transfer) ** 2
        return abs(retrieved / reference) ** 2 * kept


def predicted(model: BenchModel, bench: Bench, time: float, pump: PumpMode, read_polarization: float) -> float:
    """The efficiency as the analysis of a run would predict it from the shot's events."""
    current = bench.calibration.wave_current
    commanded = Commanded(
        storage_current=current(STORAGE),
        read_level_current=current(READ),
        pulse=TIMING.pulse,
        settle=TIMING.settle,
        read_settle=TIMING.read_settle,
        record=TIMING.record,
        pump=pump,
    )
    write, read = bench.point(bench.noble_gas), bench.point(read_polarization)
    signal = {
        "kind": "signal",
        "write_time": 0.0,
        "read_time": TIMING.hold(write.transfer_time) + time,
        "storage_time": time,
        "write_current": current(write.field),
        "read_current": current(read.field),
        "write_hold": TIMING.hold(write.transfer_time),
        "read_hold": TIMING.hold(read.transfer_time),
    }
    reference = {**signal, "kind": "reference", "read_time": 0.0, "write_hold": TIMING.reference_hold}
    shots = [Predictor(model, commanded).shot(event) for event in (signal, reference)]
    return bench.efficiency(shots[0].spin, shots[1].spin)


@pytest.mark.parametrize(
    ("time", "pump", "quoted"), [(0.1, "on", 0.948), (3600.0, "on", 0.700), (3600.0, "dark", 0.867)]
)
def test_the_prediction_is_what_the_rate_and_precession_equations_say(
    model: BenchModel, calibration: Calibration, time: float, pump: PumpMode, quoted: float
) -> None:
    bench = Bench(model, calibration)
    stored = bench.stored(time, pump, small_tilts)
    exact = bench.efficiency(bench.retrieved(stored, small_tilts).alkali, bench.reference(small_tilts).alkali)
    assert predicted(model, bench, time, pump, stored.noble_gas_polarization) == pytest.approx(exact, abs=1e-3)
    assert exact == pytest.approx(quoted, abs=3e-3)


def test_every_stretch_of_a_shot_is_eq_1(model: BenchModel, calibration: Calibration) -> None:
    """Both spins after each stretch, phases included, to 2e-4 (transients of the coil; 1e-4 else) of what the pulse made."""
    bench = Bench(model, calibration, GENTLE)
    write, read = bench.edge(bench.point(0.75), True)[:-1], bench.edge(bench.point(0.75), False)[:-1]
    stretches = [*write, (Control(READ), TIMING.read_settle), *shots.storage(bench.levels, TIMING, 0.1, "on"), *read]
    alkali, noble_gas = abs(bench.reference(substeps).alkali), abs(bench.stored(0.1, "on", substeps).noble_gas)
    state = bench.start
    for control, duration in stretches:
        exact, fast = (play(bench.cell, state, control, duration) for play in (mean_field, substeps))
        assert fast.alkali == pytest.approx(exact.alkali, abs=2e-4 * alkali)
        assert fast.noble_gas == pytest.approx(exact.noble_gas, abs=1e-4 * noble_gas)
        assert fast.alkali_polarization == pytest.approx(exact.alkali_polarization, abs=1e-5)
        assert fast.noble_gas_polarization == pytest.approx(exact.noble_gas_polarization, abs=1e-9)
        state = exact


def test_a_whole_shot_is_eq_1(model: BenchModel, calibration: Calibration) -> None:
    """The retrieved spin over the reference's, phase included, to 1e-4; and the record of the reference."""
    bench = Bench(model, calibration, GENTLE)
    retrieved, references = {}, {}
    for play in (mean_field, substeps):
        references[play] = bench.reference(play)
        retrieved[play] = bench.retrieved(bench.stored(0.1, "on", play), play).alkali / references[play].alkali
    assert retrieved[substeps] == pytest.approx(retrieved[mean_field], abs=1e-4)

    start = references[mean_field]
    times = np.arange(0, 10000, 25) * 1e-6
    _, samples = bench.cell.evolve(start, Control(READ), TIMING.record, Sampling(times))
    f, k = shots.vectors(bench.cell, start)
    end = bloch.evolve(
        bench.cell.mixture, f, k, field=shots.coil(start.field, READ, TIMING.time_constant), times=times, atol=1e-15
    )
    electron = bloch.electron_spin(end.alkali, bench.cell.mixture.nuclear_spin)
    assert samples == pytest.approx(electron[:, 0], abs=2e-4 * float(np.max(np.abs(electron[:, :2]))))
