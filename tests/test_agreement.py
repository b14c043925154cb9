"""Two ways to one number: the bench measures what the prediction says, and a fault in either pulls them apart.

Every mutation is made in the twin alone, or in the prediction alone; each must be noticed: as a disagreement of more than
3 σ and more than 0.02, or as a failed run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinlab.analysis.storage import analyse, efficiencies, strip
from spinlab.models import bench_model
from spinlab.physics import substeps
from spinlab.physics.substeps import alkali_line, exchange
from spinlab.prediction import Commanded, Predictor
from spinlab.records import open_run
from spinlab.session import Outcome, Session
from tests.laboratory import efficiency, profile, session

pytestmark = pytest.mark.timeout(60)


def test_measured_and_predicted_agree_at_every_storage_time_with_the_pump_on(tmp_path: Path) -> None:
    with session(tmp_path) as lab:
        check_agreement(lab.run("storage", {"storage_times": "50 ms, 10 s, 10 min, 1 h", "shots": 2}))


def test_measured_and_predicted_agree_at_every_storage_time_in_the_dark(tmp_path: Path) -> None:
    with session(tmp_path) as lab:
        check_agreement(lab.run("storage", {"storage_times": "50 ms, 10 s, 5 min, 1 h", "shots": 2, "pump": "dark"}))


@pytest.mark.parametrize(("radius", "wall"), [("25.4 mm", "uncoated"), ("8 mm", "50 um")])
def test_measured_and_predicted_agree_in_a_cell_with_spatial_modes(tmp_path: Path, radius: str, wall: str) -> None:
    with session(tmp_path, cell__modes=6, cell__radius=radius, cell__wall=wall) as lab:
        outcome = lab.run("storage", {"storage_times": "50 ms, 10 min", "shots": 2})
    check_agreement(outcome)
    assert outcome.result is not None
    short, long = outcome.result.values["efficiency"]
    assert short < 0.94  # two uniform modes: 0.945 and 0.91
    assert long < 0.89


def check_agreement(outcome: Outcome) -> None:
    assert outcome.exit_status == "success", outcome.problem
    assert outcome.result is not None
    values = outcome.result.values
    assert values["agrees"]
    columns = (values[name] for name in ("efficiency", "efficiency_sigma", "predicted_efficiency"))
    for measured, sigma, predicted in zip(*columns, strict=True):
        assert abs(measured - predicted) < 3 * sigma
        assert abs(measured - predicted) < 0.02
        assert 0 < sigma < 0.01


# --- mutations of the twin


def coil_off(lab: Session) -> None:
    plain = lab.bench.atoms.change
    lab.bench.atoms.change = lambda time, **controls: plain(time, **{**controls, "field": 0.0})


def signal_gate_off(lab: Session) -> None:
    plain = lab.bench.atoms.change
    lab.bench.atoms.change = lambda time, **controls: plain(time, **{**controls, "tilt_rate": 0.0})


def hold_a_fifth_long(lab: Session) -> None:
    """What follows a hold at resonance comes a fifth of it too late."""
    bench, plain = lab.bench, lab.bench.atoms.change
    edge: list[float] = []

    def change(time: float, **controls: Any) -> None:
        field = controls.get("field")
        if field is not None and edge and time - edge[0] > 1e-4:
            late = 0.2 * (time - edge.pop())
            bench.schedule.at(time + late, lambda at: plain(at, **controls))
            return
        if field is not None and 8e-6 < field < 9.5e-6:
            edge[:] = [time]
        plain(time, **controls)

    bench.atoms.change = change


def pump_gate_stuck_open(lab: Session) -> None:
    bench, plain = lab.bench, lab.bench.atoms.change

    def change(time: float, **controls: Any) -> None:
        if "pumping_rate" in controls:
            controls["pumping_rate"] = bench.pumping_rate
        plain(time, **controls)

    bench.atoms.change = change


@pytest.mark.parametrize("mutate", [coil_off, signal_gate_off, hold_a_fifth_long, pump_gate_stuck_open])
def test_a_fault_in_the_twin_is_noticed(tmp_path: Path, mutate: Callable[[Session], None]) -> None:
    with session(tmp_path) as lab:
        mutate(lab)
        outcome = lab.run("storage", {"storage_times": "100 ms", "shots": 1})
    assert is_noticed(outcome)


def wrong_sign_of_the_collisional_shift(mixture: Any, field: Any, noble_gas: Any, q: Any) -> Any:
    return alkali_line(mixture, field, -np.asarray(noble_gas), q)


def half_the_coupling(mixture: Any, alkali: Any, noble_gas_over_q: Any) -> Any:
    into_alkali, into_noble_gas = exchange(mixture, alkali, noble_gas_over_q)
    return into_alkali / 2, into_noble_gas / 2


@pytest.mark.parametrize(
    ("name", "mutant"), [("alkali_line", wrong_sign_of_the_collisional_shift), ("exchange", half_the_coupling)]
)
def test_wrong_physics_in_the_twin_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, mutant: Any
) -> None:
    with monkeypatch.context() as twin_only, session(tmp_path) as lab:
        twin_only.setattr(substeps, name, mutant)
        outcome = lab.run("storage", {"storage_times": "100 ms", "shots": 1})
    if outcome.exit_status == "success":  # analysed once more, with the right physics in the prediction
        result = analyse(open_run(outcome.paths["run"]), profile(tmp_path))
        assert not result.values["agrees"]
    else:
        assert "no noble-gas polarization" in outcome.problem


def is_noticed(outcome: Outcome) -> bool:
    if outcome.exit_status != "success":
        return bool(outcome.problem)
    assert outcome.result is not None
    return not outcome.result.values["agrees"]


def test_the_mutation_tests_start_from_a_run_that_agrees(tmp_path: Path) -> None:
    with session(tmp_path) as lab:
        outcome = lab.run("storage", {"storage_times": "100 ms", "shots": 1})
    assert outcome.exit_status == "success"
    assert not is_noticed(outcome)


# --- mutations of the prediction


def test_a_prediction_with_frozen_helium_misses_an_untracked_dark_storage(tmp_path: Path) -> None:
    with session(tmp_path) as lab:
        outcome = lab.run("storage", {"storage_times": "5 min", "shots": 1, "pump": "dark", "track": "write"})
    measured, sigma, predicted = efficiency(outcome)
    assert measured == pytest.approx(0.32, abs=0.08)  # the resonance has moved by more than its width
    assert abs(measured - predicted) < max(3 * sigma, 0.02)
    frozen = predicted_again(outcome, tmp_path, follow_noble_gas=False)
    assert abs(measured - frozen) > max(3 * sigma, 0.1)


def predicted_again(outcome: Outcome, records: Path, follow_noble_gas: bool) -> float:
    run = open_run(outcome.paths["run"])
    model, metadata = bench_model(profile(records)), run.start["storage"]
    predictor = Predictor(model, Commanded.of(metadata), follow_noble_gas)
    return efficiencies([strip(row) for row in run.rows("primary")], metadata, model, predictor)[0].predicted


def test_a_value_that_is_not_finite_fails_the_run(tmp_path: Path) -> None:
    with session(tmp_path) as lab:
        lab.bench.polarimeter = replace(lab.bench.polarimeter, gain=float("nan"))
        outcome = lab.run("storage", {"storage_times": "100 ms", "shots": 1})
    assert outcome.exit_status == "fail"
    assert "range" in outcome.problem or "finite" in outcome.problem


def test_the_storage_time_between_two_triggers_is_the_one_that_was_timed(tmp_path: Path) -> None:
    with session(tmp_path) as lab:
        outcome = lab.run("storage", {"storage_times": "60 s", "shots": 1})
    assert outcome.result is not None
    assert outcome.result.values["storage_time_s"][0] == pytest.approx(60.0, abs=0.05)
