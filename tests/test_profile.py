"""Profiles: what they give, what they inherit, and that all faults are told at once."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spinlab.errors import BadInput
from spinlab.profile import Profile, load_profile

SIM = """
seed = 7
[cell]
alkali_density = "3e14 cm^-3"
temperature = "215 degC"
[bench]
transverse_field = "0.02 uG"
[bench.coil]
constant = "50 mG/mA"
[devices.coil]
class = "devices.coil:Coil"
address = "GPIB0::12::INSTR"
limits = { current = "20 mA" }
[[safe_state]]
device = "coil"
[plan_defaults.storage]
storage_times = "50 ms, 1 s"
"""


@pytest.fixture
def profiles(tmp_path):
    folder = tmp_path / "a lab" / "profiles"
    folder.mkdir(parents=True)
    (folder / "sim.toml").write_text(SIM)
    return folder


def faults_of(path, **keywords):
    with pytest.raises(BadInput) as caught:
        load_profile(path, **keywords)
    return str(caught.value).splitlines()


def test_quantities_are_si_numbers_inside(profiles):
    profile = load_profile(profiles / "sim.toml")
    assert profile.cell.alkali_density == 3e20
    assert profile.cell.temperature == 488.15
    assert profile.bench.coil.constant == 5e-3
    assert profile.bench.transverse_field == 2e-12


def test_what_is_absent_has_a_default(profiles):
    profile = load_profile(profiles / "sim.toml")
    assert profile.clock == "virtual"
    assert profile.epoch == datetime(2026, 1, 1, tzinfo=UTC)
    assert profile.bench.coil.time_constant == 1e-5
    assert profile.bench.tilt_rate == 5e3
    assert profile.budget is None
    assert Profile().bench.factory == "sims.bench:open_bench"


def test_paths_are_those_of_the_laboratory_wherever_one_stands(profiles, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    profile = load_profile("a lab/profiles/sim.toml")
    assert profile.root == profiles.parent
    assert profile.path == profiles / "sim.toml"
    assert profile.records_directory == profiles.parent / "records"
    assert profile.bench_yaml == profiles.parent / "sims/bench.yaml"


def test_a_seed_and_overrides_replace_what_the_file_says(profiles):
    profile = load_profile(profiles / "sim.toml", seed=8, overrides={"calibration.ambient_field": "1 mG"})
    assert profile.seed == 8
    assert profile.calibration.ambient_field == 1e-7


def test_a_profile_extends_another_table_by_table(profiles):
    (profiles / "realtime.toml").write_text(
        'extends = "sim.toml"\nclock = "wall"\n[bench.coil]\ncurrent_noise = "1 uA"\n'
    )
    profile = load_profile(profiles / "realtime.toml")
    assert profile.clock == "wall"
    assert profile.seed == 7
    assert profile.bench.coil.constant == 5e-3
    assert profile.bench.coil.current_noise == 1e-6


def test_a_profile_cannot_be_changed(profiles):
    profile = load_profile(profiles / "sim.toml")
    with pytest.raises(ValueError, match="frozen"):
        profile.seed = 3


def test_the_document_is_json_in_si_and_names_no_path_of_this_machine(profiles):
    document = load_profile(profiles / "sim.toml").as_document()
    text = json.dumps(document)
    assert document["devices"]["coil"]["class"] == "devices.coil:Coil"
    assert document["bench"]["coil"]["constant"] == 5e-3
    assert str(profiles) not in text


def test_the_document_makes_the_same_profile_again(profiles):
    profile = load_profile(profiles / "sim.toml")
    assert Profile.model_validate(profile.as_document()).as_document() == profile.as_document()


def test_library_and_timeout_of_a_device_fall_back_to_the_visa_section(profiles):
    (profiles / "hil.toml").write_text(
        'extends = "sim.toml"\nclock = "wall"\n[visa]\ntimeout = "2 s"\n'
        '[devices.oven]\nclass = "devices.oven:Oven"\naddress = "x"\nlibrary = "@py"\ntimeout = 1\n'
    )
    profile = load_profile(profiles / "hil.toml")
    assert (profile.library_of("coil"), profile.timeout_of("coil")) == ("sim", 2.0)
    assert (profile.library_of("oven"), profile.timeout_of("oven")) == ("@py", 1.0)


BROKEN = """
budgte = 3
clock = "sundial"
[cell]
temprature = "215 degC"
temperature = "94 mG"
noble_gas_polarization = 1.5
alkali_density = "nan"
[bench.coil]
time_constant = "-10 us"
[devices.coil]
class = "devices.coil"
adress = "x"
[[safe_state]]
device = "coli"
"""


def test_all_faults_of_a_file_come_together_a_line_each(profiles, monkeypatch):
    (profiles / "sim.toml").write_text(BROKEN)
    monkeypatch.chdir(profiles.parent)
    faults = faults_of("profiles/sim.toml")
    begin = "profiles/sim.toml: "
    expected = [
        "budgte: unknown key (did you mean 'budget'?)",
        "clock: should be 'virtual' or 'wall'",
        "cell.temprature: unknown key (did you mean 'temperature'?)",
        "cell.temperature: '94 mG' has the wrong dimension: expected a quantity in K, such as '215 degC'",
        "cell.noble_gas_polarization: should be less than or equal to 1",
        "cell.alkali_density: 'nan' is not finite: expected a quantity in m^-3, such as '3e14 cm^-3'",
        "bench.coil.time_constant: should be greater than 0",
        "devices.coil.class: is not a name of the expected form: expected 'module:name', such as 'devices.coil:Coil'",
        "devices.coil.address: is missing",
        "devices.coil.adress: unknown key (did you mean 'address'?)",
        "safe_state[0].device: no device 'coli' (did you mean 'coil'?)",
    ]
    assert sorted(faults) == sorted(begin + line for line in expected)


def test_a_fault_is_blamed_on_the_file_that_says_it(profiles):
    (profiles / "sim.toml").write_text(SIM + "[optics]\n")
    (profiles / "child.toml").write_text('extends = "sim.toml"\n[detector]\n')
    faults = faults_of(profiles / "child.toml", overrides={"sead": 3})
    assert any("sim.toml: optics: unknown key" in fault for fault in faults)
    assert any("child.toml: detector: unknown key" in fault for fault in faults)
    assert any(fault == "override: sead: unknown key (did you mean 'seed'?)" for fault in faults)


def test_a_table_of_the_wrong_kind_is_a_fault_too(profiles):
    (profiles / "sim.toml").write_text('devices = 3\nsafe_state = "x"\n[cell.temperature]\nx = 1\n')
    faults = faults_of(profiles / "sim.toml")
    assert [fault.split(": ")[1] for fault in faults] == ["cell.temperature", "devices", "safe_state"]


def test_a_missing_file_is_named_with_its_nearest(profiles):
    assert "sim.tml: there is no such profile (did you mean 'sim.toml'?)" in faults_of(profiles / "sim.tml")[0]


def test_a_missing_parent_is_named_with_its_child(profiles):
    (profiles / "child.toml").write_text('extends = "lab.toml"')
    assert "lab.toml: there is no such profile (extended by" in faults_of(profiles / "child.toml")[0]


def test_broken_toml_is_located(profiles):
    (profiles / "sim.toml").write_text("seed = 1\n[cell\n")
    (fault,) = faults_of(profiles / "sim.toml")
    assert "sim.toml: is not valid TOML" in fault
    assert "line 2" in fault


def test_a_file_that_is_no_text_is_refused(profiles):
    (profiles / "sim.toml").write_bytes(b"seed = \xff\xfe")
    assert "is not UTF-8" in faults_of(profiles / "sim.toml")[0]
    assert "cannot be read" in faults_of(profiles)[0]


def test_a_circle_of_extends_is_refused(profiles):
    (profiles / "a.toml").write_text('extends = "b.toml"')
    (profiles / "b.toml").write_text('extends = "a.toml"')
    assert "circle: a.toml -> b.toml -> a.toml" in faults_of(profiles / "a.toml")[0]


def test_extends_must_be_a_file_name(profiles):
    (profiles / "a.toml").write_text("extends = 3")
    assert "extends: must be a file name" in faults_of(profiles / "a.toml")[0]


def test_real_hardware_takes_the_wall_clock(profiles):
    (profiles / "lab.toml").write_text('extends = "sim.toml"\n[devices.coil]\nlibrary = "@py"\n')
    assert "devices.coil.library: is real hardware" in faults_of(profiles / "lab.toml")[0]


def test_a_profile_outside_a_laboratory_is_refused():
    # the empty file whose parents are known: a temporary folder may have somebody's laboratory above it
    assert "belongs to no laboratory" in faults_of(Path(os.devnull))[0]


# --- a cell with a size


def cell_faults(profiles, text):
    (profiles / "cell.toml").write_text(f"[cell]\n{text}\n")
    return [fault.split("cell.toml: ")[1] for fault in faults_of(profiles / "cell.toml")]


def test_a_cell_may_have_spatial_modes_a_size_a_wall_and_diffusion(profiles):
    text = (
        'modes = 12\nradius = "1 cm"\nwall = "20 um"\nalkali_diffusion = "0.063 cm^2/s"\nnoble_gas_diffusion = 3e-5\n'
    )
    (profiles / "cell.toml").write_text("[cell]\n" + text)
    cell = load_profile(profiles / "cell.toml").cell
    assert (cell.modes, cell.radius, cell.wall) == (12, 0.01, 2e-5)
    assert (cell.alkali_diffusion, cell.noble_gas_diffusion) == (6.3e-6, 3e-5)
    assert Profile().cell.modes == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("modes = 0", "cell.modes: should be greater than or equal to 1"),
        ("modes = 61", "cell.modes: should be less than or equal to 60"),
        ("modes = 2.5", "cell.modes: should be a valid integer, got a number with a fractional part"),
        (
            'modes = 4\nwall = "uncoted"',
            "cell.wall: 'uncoted' is no wall (did you mean 'uncoated'?): expected 'coated', 'uncoated' or a length in m",
        ),
        (
            'modes = 4\nwall = "3 s"',
            "cell.wall: '3 s' is no wall: expected 'coated', 'uncoated' or a length in m",
        ),
        (
            'modes = 4\nwall = "-3 um"',
            "cell.wall: a wall's extrapolation length must not be negative, got '-3 um'",
        ),
        (
            'modes = 4\nalkali_diffusion = "1 cm/s"',
            "cell.alkali_diffusion: '1 cm/s' has the wrong dimension: expected a quantity in m^2/s, such as '0.063 cm^2/s'",
        ),
        ("modes = 4\nradius = 0", "cell.radius: should be greater than 0"),
        (
            "radius = 0.01\nvolume = 1e-6",
            "cell.radius: is given beside volume: a sphere has one size, give one of them",
        ),
        ('wall = "coated"', "cell.wall: needs spatial modes, such as modes = 12: in a uniform cell nothing diffuses"),
    ],
)
def test_a_fault_of_a_spatial_cell_is_told_in_one_line(profiles, text, fault):
    assert cell_faults(profiles, text) == [fault]
