"""The laboratory root and loading what a profile names from it."""

import sys
import uuid
from pathlib import Path

import pytest

from spinlab.errors import BadInput
from spinlab.laboratory import find_root, load, load_module


@pytest.fixture
def laboratory(tmp_path):
    """A laboratory whose package has a name of its own, so that tests do not meet in sys.modules."""
    package = f"devices_{uuid.uuid4().hex}"
    root = tmp_path / "a lab"
    (root / "profiles").mkdir(parents=True)
    (root / package).mkdir()
    (root / package / "__init__.py").touch()
    (root / package / "coil.py").write_text("class Coil:\n    class Settings: pass\n")
    (root / package / "broken.py").write_text("import a_module_that_nobody_has\n")
    path = list(sys.path)
    yield root, package
    sys.path[:] = path
    for name in [name for name in sys.modules if name.startswith(package)]:
        del sys.modules[name]


def test_the_root_is_the_nearest_parent_that_holds_profiles(laboratory):
    root, _ = laboratory
    (root / "profiles" / "deep").mkdir()
    assert find_root(root / "profiles" / "sim.toml") == root
    assert find_root(root / "profiles" / "deep" / "sim.toml") == root
    assert find_root(root / "sims" / "bench.yaml") == root


def test_without_a_root_there_is_no_laboratory():
    # not in a temporary folder: somebody may keep a laboratory beside it
    with pytest.raises(BadInput, match="belongs to no laboratory"):
        find_root(Path("/nowhere/at/all/sim.toml"))


def test_a_dotted_name_is_loaded_with_the_root_first_on_the_path(laboratory):
    root, package = laboratory
    assert load(f"{package}.coil:Coil", root).__module__ == f"{package}.coil"
    assert load(f"{package}.coil:Coil.Settings", root).__name__ == "Settings"
    load(f"{package}.coil:Coil", root)
    assert sys.path[0] == str(root)
    assert sys.path.count(str(root)) == 1


def test_the_frameworks_own_names_can_be_loaded(laboratory):
    root, _ = laboratory
    assert load("spinlab.errors:BadInput", root) is BadInput


def test_a_name_that_is_not_there_is_refused_with_the_nearest(laboratory):
    root, package = laboratory
    with pytest.raises(BadInput, match=r"has no 'Cooil' \(did you mean 'Coil'\?\)"):
        load(f"{package}.coil:Cooil", root)
    with pytest.raises(BadInput, match=rf"no module '{package}.coill' .*did you mean '{package}.coil'"):
        load(f"{package}.coill:Coil", root)
    with pytest.raises(BadInput, match="no module 'nowhere'"):
        load_module("nowhere", root)


@pytest.mark.parametrize("text", ["devices.coil", "devices.coil:", ":Coil", "devices coil:Coil", "a:b:c", "..:x"])
def test_what_is_no_dotted_name_is_refused(laboratory, text):
    with pytest.raises(BadInput, match="module:name"):
        load(text, laboratory[0])


def test_an_import_error_inside_the_module_passes_through(laboratory):
    root, package = laboratory
    with pytest.raises(ModuleNotFoundError, match="a_module_that_nobody_has"):
        load(f"{package}.broken:Thing", root)


def test_a_stranger_is_named_before_its_code_runs(laboratory, tmp_path):
    root, _ = laboratory
    stranger = tmp_path / "elsewhere" / "stranger_devices"
    stranger.mkdir(parents=True)
    (stranger / "__init__.py").write_text("raise RuntimeError('it ran')")
    sys.path.append(str(stranger.parent))
    with pytest.raises(BadInput, match=r"'stranger_devices' comes from .*elsewhere.*, not from the laboratory"):
        load("stranger_devices:Coil", root)


def test_a_module_of_another_laboratory_in_this_process_is_a_stranger(laboratory, tmp_path):
    root, package = laboratory
    load(f"{package}.coil:Coil", root)
    other = tmp_path / "other"
    (other / package).mkdir(parents=True)
    with pytest.raises(BadInput, match="comes from"):
        load(f"{package}.coil:Coil", other)
