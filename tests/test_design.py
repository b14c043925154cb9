"""``spinlab design``: the paper's operating point with provenance, other mixtures, refusals; through the real command."""

from __future__ import annotations

import json
import os
import pty
from pathlib import Path
from typing import Any

import pytest

from spinlab.design import NAMES, design, show_design
from spinlab.errors import BadInput
from spinlab.physics.mixture import KATZ_K_HE3, GasMixture
from tests.command_line import COMMAND, MANY, Ended, begin, end

XENON = ("alkali=Rb-87", "noble_gas=Xe-129", "temperature=150 degC", "alkali_polarization=0.9", "field=180 mG")
REFUSED = {
    ("alkal=K-39",): ("no parameter 'alkal'", "did you mean 'alkali'?"),
    ("feild=1 G",): ("no parameter 'feild'", "did you mean 'field'?"),
    ("field=3 s",): ("field: '3 s' has the wrong dimension", "'94 mG'"),
    ("noble_gas_relaxation=1 Hz",): ("noble_gas_relaxation", "mixes cycles and radians"),
    ("alkali=Rb-88",): ("alkali must be one of", "did you mean 'Rb-87'?"),
    ("alkali_polarization=1.3",): ("alkali_polarization must lie in 0…1, got 1.3",),
    ("temperature=nan",): ("temperature", "not finite"),
    ("temperature=100 K",): ("200…1000 K", "give alkali_density"),
    ("temperature",): ("not a parameter of the design", "temperature="),
    ("field=1 G", "field=2 G"): ("field", "given twice"),
}


class Commands:
    """Every command of these tests, the plain ones in one process."""

    def __init__(self, folder: Path) -> None:
        lines = [["design"], ["design", "--json"], ["design", *XENON], ["design", *XENON, "--json"]]
        lines += [["design", *words] for words in REFUSED]
        done = end(begin((*COMMAND[:2], MANY, json.dumps(lines)), folder))
        assert done.code == 0, done.err
        ended = [Ended(*json.loads(line)) for line in done.out.splitlines()]
        self.plain, self.asked, self.xenon, self.xenon_asked = ended[:4]
        self.refused = dict(zip(REFUSED, ended[4:], strict=True))


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    return Commands(tmp_path_factory.mktemp("anywhere"))


def test_it_needs_no_laboratory_and_prints_plain_lines_where_nobody_watches(commands: Commands) -> None:
    assert (commands.plain.code, commands.plain.err) == (0, "")
    assert "\x1b" not in commands.plain.out
    lines = {words[0]: line for line in commands.plain.out.splitlines() if (words := line.split())}
    assert "86.03 mG" in lines["compensation_field"]
    assert "1026.03 rad/s" in commands.plain.out
    assert "94 mG" in lines["paper_compensation_field"]
    assert lines["alkali_density"].endswith("default: paper, main text")
    assert lines["nuclear_spin"].endswith("species table: K-39")
    assert lines["slowing_down"].endswith("Eq. 12")
    assert "strong" in lines["regime_resonance"]
    assert "decoupled" in lines["regime_storage"]


def test_json_is_one_object_of_si_values_with_unit_and_provenance(commands: Commands) -> None:
    assert (commands.asked.code, commands.asked.err) == (0, "")
    document = commands.asked.document
    coupling = document["coupling"]["coupling"]
    assert coupling["value"] == KATZ_K_HE3.coupling
    assert (coupling["unit"], coupling["symbol"]) == ("rad/s", "J")
    assert coupling["provenance"]["kind"] == "formula"
    assert document["coupling"]["compensation_field"]["value"] == pytest.approx(86.03e-7, abs=1e-9)
    assert document["decay"]["alkali_decay"]["value"] == pytest.approx(17.43, abs=0.01)
    assert document["exchange"]["best_transfer_time"]["value"] == pytest.approx(1.5227e-3, abs=1e-7)
    assert document["exchange"]["best_transfer_efficiency"]["value"] == pytest.approx(0.9738, abs=1e-4)
    assert document["paper"]["paper_resonance_frequency"]["value"] == 300.0
    assert document["missing"] == []


def every_entry(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for name, group in document.items() if name != "missing" for entry in group.values()]


def test_every_number_says_where_it_is_from(commands: Commands) -> None:
    for ended in (commands.asked, commands.xenon_asked):
        for entry in every_entry(ended.document):
            assert set(entry) == {"symbol", "value", "unit", "provenance"}
            assert entry["provenance"]["source"]
            assert (entry["value"] is None) == (entry["provenance"]["kind"] == "missing")


def test_what_is_given_is_taken_and_the_vapour_is_saturated_for_it(commands: Commands) -> None:
    mixture = commands.xenon_asked.document["mixture"]
    assert mixture["temperature"] == {
        "symbol": "", "value": 423.15, "unit": "K", "provenance": {"kind": "given", "source": "command line"},
    }  # fmt: skip
    assert mixture["alkali_density"]["value"] == pytest.approx(1.01e20, rel=0.01)
    assert mixture["alkali_density"]["provenance"]["kind"] == "formula"
    assert mixture["noble_gas_density"]["provenance"]["kind"] == "default"


def test_what_nobody_published_is_asked_for_and_only_what_depends_on_it_is_open(commands: Commands) -> None:
    assert commands.xenon.code == 0
    assert commands.xenon.out.rstrip().endswith("to be given: spin_rotation_efficiency=…")
    document = commands.xenon_asked.document
    assert document["missing"] == ["spin_rotation_efficiency"]
    open_ones = {
        name
        for group in document.values()
        if isinstance(group, dict)
        for name, e in group.items()
        if e["value"] is None
    }
    assert {"alkali_decay", "best_transfer_time", "lifetime", "regime_storage"} <= open_ones
    assert not open_ones & {"coupling", "compensation_field", "noble_gas_decay", "alkali_larmor_read", "half_pi_time"}


def test_nothing_that_is_printed_depends_on_what_was_not_given() -> None:
    """Two values of the missing constant: what the design without it shows is the same in both."""
    given = dict(each.split("=") for each in XENON)
    without = design(given)
    for value in (0.003, 7.0):
        complete = design({**given, "spin_rotation_efficiency": value})
        assert not complete.missing
        for each in without.quantities:
            if each.value is not None:
                assert complete[each.name].value == each.value, each.name


def test_each_input_can_be_given_and_moves_what_it_should() -> None:
    base = design({})
    for name in NAMES:
        value = base[name].value
        given = design({name: value})
        assert given[name].kind == "given"
        if name not in ("alkali", "temperature"):  # these saturate the vapour
            assert given["coupling"].value == base["coupling"].value
    assert design({"noble_gas_polarization": 0.82})["compensation_field"].value == pytest.approx(94e-7, abs=1e-8)


def test_it_is_the_mixture_of_the_library() -> None:
    found = design({"alkali": "Rb-85", "temperature": "180 degC"})
    mixture = GasMixture.of("Rb-85", "He-3", noble_gas_density=2e26, temperature=453.15)
    assert found["coupling"].value == mixture.coupling
    assert found["lifetime"].value == mixture.storage_lifetime(18e-6)


def test_an_unpolarized_mixture_has_no_exchange_and_json_stays_json() -> None:
    found = design({"noble_gas_polarization": 0.0, "alkali_polarization": 1.0})
    assert found["half_pi_time"].value == float("inf")
    assert json.loads(json.dumps(found.as_document(), allow_nan=False))["exchange"]["half_pi_time"]["value"] is None
    assert found["pumping_rate"].value is None  # no light holds p = 1
    assert found["regime_resonance"].value == "decoupled"


def test_at_resonance_nothing_is_stored_and_no_far_detuned_lifetime_is_claimed() -> None:
    found = design({"field": "86.03 mG"})
    assert (found["regime_storage"].value, found["lifetime_broadened"].value) == ("strong", None)
    assert found["lifetime_broadened"].text == "—"
    assert found["lifetime"].value == pytest.approx(1 / 17.43, rel=1e-3)


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_bad_input_gets_one_clear_line_and_exit_code_2(words: tuple[str, ...], commands: Commands) -> None:
    ended = commands.refused[words]
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("spinlab: ")
    assert ended.err.count("\n") == 1
    for part in REFUSED[words]:
        assert part in ended.err


def test_from_python_bad_input_raises() -> None:
    with pytest.raises(BadInput, match="unknown unit 'gromit'"):
        design({"alkali_density": "3 gromit"})


def test_on_a_terminal_it_is_a_table(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    process = begin((*COMMAND, "design"), tmp_path, stdout=slave)
    os.close(slave)
    screen = b""
    while True:
        try:
            screen += (piece := os.read(master, 65536))
        except OSError:
            break
        if not piece:
            break
    os.close(master)
    assert end(process).code == 0
    assert "───" in screen.decode()
    assert "best_transfer_efficiency" in screen.decode()


def test_show_design_is_what_the_command_prints(capsys: pytest.CaptureFixture[str], commands: Commands) -> None:
    show_design(design({}), terminal=False)
    assert capsys.readouterr().out == commands.plain.out
