"""What the wires of the bench connect beside the shot: coil errors, the oven, the multimeter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sims.bench import Bench
from spinlab.models import calibration_of
from spinlab.physics.vapour import vapour_density
from spinlab.profile import Profile, load_profile
from tests.virtual.hand_clock import HandClock, ask

PROFILE = Path(__file__).parent.parent.parent / "profiles" / "sim.toml"
WAVE = ":SOUR:CURR:RANG 20e-3;:SOUR:WAVE:FUNC SQU;RANG FIX;AMPL 4e-3;EXTR ON;EXTR:IVAL 0.5;:SOUR:WAVE:ARM;INIT"


def bench_of(**overrides: Any) -> tuple[Bench, Profile, HandClock]:
    dotted = {key.replace("__", "."): value for key, value in overrides.items()}
    profile = load_profile(PROFILE, overrides={"bench.coil.current_noise": 0.0, **dotted})
    clock = HandClock()
    return Bench(profile, clock), profile, clock  # type: ignore[arg-type]


def test_the_supply_errs_as_a_calibration_with_the_same_numbers_takes_into_account() -> None:
    errors = {"wave_gain_error": 0.01, "wave_offset": "10 uA", "dc_offset": "-4 uA"}
    keys = {f"{table}__{name}": value for name, value in errors.items() for table in ("bench__coil", "calibration")}
    bench, profile, clock = bench_of(**keys)
    calibration = calibration_of(profile)
    ask(bench.coil, WAVE)
    clock.time = 0.1
    assert bench.present_state().field == pytest.approx(calibration.wave_field(2e-3), rel=1e-9)
    ask(bench.coil, f":SOUR:WAVE:ABOR;:SOUR:CURR {calibration.dc_current(1e-5):.9f};:OUTP ON")
    clock.time = 0.2
    assert bench.present_state().field == pytest.approx(1e-5, rel=1e-3)  # to the supply's resolution


def test_the_cell_is_at_its_profile_s_temperature_until_somebody_changes_the_oven() -> None:
    bench, _, clock = bench_of(cell__temperature="450 K")
    clock.time = 7200.0
    bench.schedule.catch_up()
    assert bench.cell_temperature(clock.time) == 450.0
    ask(bench.instruments["oven"], "SETP 1,460")
    clock.time = 9000.0
    bench.schedule.catch_up()
    assert bench.cell_temperature(clock.time) == pytest.approx(460.0, abs=1e-3)


def test_the_vapour_density_follows_the_oven_and_the_noble_gas_stays() -> None:
    bench, _, clock = bench_of()
    before = bench.atoms.cell.mixture
    ask(bench.instruments["oven"], f"SETP 1,{before.temperature + 20:.3f}")
    clock.time = 1.0
    bench.schedule.catch_up()
    early = bench.atoms.cell.mixture.alkali_density
    clock.time = 3600.0
    bench.schedule.catch_up()
    after = bench.atoms.cell.mixture
    wanted = float(vapour_density("K", before.temperature + 20) / vapour_density("K", before.temperature))
    assert 2 < wanted < 3
    assert early < 1.1 * before.alkali_density
    assert after.alkali_density / before.alkali_density == pytest.approx(wanted, rel=5e-3)
    assert after.temperature == pytest.approx(before.temperature + 20, abs=0.06)
    assert after.noble_gas_density == before.noble_gas_density
    state = bench.present_state()  # unpumped: the alkali is where the helium holds it
    held = after.with_polarizations(0.0, state.noble_gas_polarization).pumped_polarization(0.0)
    assert state.alkali_polarization == pytest.approx(held, rel=1e-3)


def test_the_multimeter_sees_the_voltage_across_the_coil() -> None:
    bench, _, clock = bench_of(bench__coil__resistance="40 ohm")
    ask(bench.coil, ":SOUR:CURR:RANG 20e-3;:SOUR:CURR 5e-3;:OUTP ON")
    bench.multimeter.receive(b"READ?")
    clock.time = 1.0
    bench.schedule.catch_up()
    assert float(str(ask(bench.multimeter, "FETC?"))) == pytest.approx(0.2, abs=1e-4)


def test_more_instruments_leave_the_noise_of_the_others_alone() -> None:
    bench, profile, _ = bench_of()
    ask(bench.instruments["oven"], "KRDG? A")
    other = Bench(profile, HandClock())  # type: ignore[arg-type]
    assert bench.noise.coil.standard_normal() == other.noise.coil.standard_normal()
    assert bench.noise.photons.standard_normal() == other.noise.photons.standard_normal()
