"""The paper's figures: their numbers against closed forms and published ones, their files, and the command that makes them."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinlab.errors import BadInput, SpinlabError
from spinlab.figures import FIGURES, Made, Options, chosen, fig2, fig3, fig4, reproduce
from spinlab.figures.catalogue import Figure
from spinlab.physics import KATZ_K_HE3
from tests.command_line import COMMAND, MANY, Ended, begin, end

pytestmark = pytest.mark.timeout(60)
NAMES = ["2a", "2b", "2c", "3a", "3b", "3c", "3d", "3e", "4a", "4b"]


def read(path: Path) -> Any:
    """The columns of a figure's CSV file, by name."""
    lines = (line for line in path.read_text().splitlines() if not line.startswith("#"))
    return np.genfromtxt(lines, delimiter=",", names=True)


# --- figure 2


def test_decoupled_spins_exchange_next_to_nothing() -> None:
    result = fig2.compute("2a")
    rabi = 4 * 60**2 / (4 * 60**2 + 600**2)
    assert result.values()["largest_noble_gas_excitations"] == pytest.approx(1000 * rabi, rel=0.01)
    left = np.exp(-2 * result.times)
    assert np.abs(result.alkali - 1000 * left).max() < 1.1 * 1000 * rabi


def test_the_overdamped_transfer_peaks_where_the_closed_form_says() -> None:
    result = fig2.compute("2b")
    values = result.values()
    assert values["largest_noble_gas_excitations"] == pytest.approx(9.2845222, abs=1e-7)
    assert values["at_gamma_t"] == pytest.approx(4.679407, abs=1e-6)
    assert result.noble_gas.max() == pytest.approx(9.2845222, abs=1e-5)


def test_strong_coupling_transfers_97_per_cent_and_storage_keeps_it() -> None:
    result = fig2.compute("2c")
    assert result.values()["noble_gas_excitations_at_half_pi"] == pytest.approx(972.89328, abs=1e-5)
    assert result.stored is not None
    after = result.times > result.switch
    assert result.stored[after] == pytest.approx(972.89, abs=0.3)
    assert np.array_equal(result.stored[~after], result.noble_gas[~after])
    assert result.noble_gas[after].min() < 1


# --- figure 3


def test_one_run_of_3a_stays_near_the_exact_average_and_shows_chance() -> None:
    result = fig3.compute("3a", seed=1, periods=1.0)
    assert result.mean.F10[-1] == pytest.approx(0.626439, abs=1e-4)  # recorded a step late
    for run, mean in zip(result.run, result.mean, strict=True):
        assert 1e-4 < np.abs(run - mean).max() < 0.05  # one run scatters by 0.01


def test_the_seed_decides_the_run() -> None:
    runs = [fig3.compute("3b", seed=seed, periods=0.2).run.P_alkali for seed in (3, 3, 4)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_weak_collisions_exchange_a_symmetric_excitation_and_leave_a_localized_one() -> None:
    symmetric, localized = (fig3.compute(name, quick=True, periods=1.0) for name in ("3c", "3d"))
    assert symmetric.run.F01.max() > 0.99
    assert np.abs(symmetric.run.F10 - symmetric.mean.F10).max() < 2e-3
    assert localized.run.P_alkali.min() > 0.95
    assert localized.run.F01.max() < 1.1 / 100
    weak = fig3.CASES["3c"]
    assert (weak.angle, weak.quick) == (1e-5, 2e-4)
    parameters = symmetric.table().parameters
    assert parameters["mean_angle"].value == 2e-4
    assert "paper has 1e-05 rad" in parameters["mean_angle"].source


# --- figure 4


@pytest.fixture(scope="module")
def given() -> fig4.Setting:
    return fig4.setting(quick=True)


def test_two_modes_carry_two_excitations_as_published(given: fig4.Setting) -> None:
    result = fig4.compute_fock(given)
    assert result.two_mode[given.after] == pytest.approx(0.946651, abs=1e-6)
    assert result.two_mode_stored[given.after :] == pytest.approx(0.94665, abs=2e-4)  # 2J/Δ, squared, trembles


def test_spatial_modes_and_imperfect_polarization_cost_a_few_per_cent(given: fig4.Setting) -> None:
    result = fig4.compute_fock(given)
    n = 1 / 6
    assert result.spatial[0] == pytest.approx(n**2 / (1 + n) ** 3)  # thermal helium, before anything
    assert result.spatial[given.after] == pytest.approx(0.912, abs=0.003)
    assert result.stored[given.after :] == pytest.approx(result.spatial[given.after], abs=3e-4)
    assert np.array_equal(result.stored[: given.after], result.spatial[: given.after])


def test_squeezing_is_exchanged_between_the_total_spins(given: fig4.Setting) -> None:
    result, half, whole = fig4.compute_squeezing(given), given.after, np.argmin(np.abs(given.times - 2 * given.switch))
    assert result.two_mode_noble_gas[half] == pytest.approx(-6.5527, abs=1e-4)
    assert result.two_mode_alkali[[0, half]] == pytest.approx([-7, 0], abs=2e-3)
    assert result.spatial_alkali[0] == pytest.approx(-7)
    assert result.spatial_noble_gas[0] == pytest.approx(10 * np.log10(1 + 2 / 6))
    assert result.spatial_alkali[half] == pytest.approx(result.spatial_noble_gas[0], abs=0.1)  # they have swapped
    assert -6.5 < result.spatial_noble_gas[half] < -6.1
    assert result.two_mode_alkali[whole] < result.spatial_alkali[whole] < -5.5
    assert result.stored[half:] == pytest.approx(result.spatial_noble_gas[half], abs=2e-3)


def test_printed_or_computed_rates_and_excitations_can_be_chosen() -> None:
    printed = fig4.setting(quick=True, incoherent="paper")
    assert (printed.cell.incoherent.alkali, printed.cell.incoherent.noble_gas) == (0.05, 0.17)
    assert (printed.modes.coupling, printed.modes.alkali_decay) == (1000.0, 17.5)
    assert fig4.compute_fock(printed).spatial[0] == pytest.approx(0.17**2 / 1.17**3)
    computed = fig4.setting(quick=True, rates="formula")
    assert computed.modes == KATZ_K_HE3.two_mode()
    assert fig4.compute_fock(computed).two_mode[computed.after] == pytest.approx(0.948171, abs=1e-6)


# --- files


def test_there_is_every_figure_of_the_paper_in_its_order() -> None:
    assert [*FIGURES] == NAMES
    assert [figure.name for figure in chosen([])] == NAMES
    assert [figure.name for figure in chosen(["4b", "3", "2c", "3a"])] == ["2c", "3a", "3b", "3c", "3d", "3e", "4b"]


def test_data_say_their_parameters_and_columns(tmp_path: Path) -> None:
    (made,) = reproduce(["2c"], tmp_path / "new" / "folder")
    text = made.data.read_text()
    assert text.startswith("# Figure 2c: ")
    assert "# parameter coupling = 57 γ  (caption: Δ = 0, J = 57γ)" in text
    assert "# value noble_gas_excitations_at_half_pi = 972.8932" in text
    columns = read(made.data)
    assert columns.dtype.names == (
        "gamma_t", "jt_over_pi", "alkali_excitations", "noble_gas_excitations", "stored_excitations",
    )  # fmt: skip
    for name in columns.dtype.names:
        assert f"# column {name}: " in text
        assert np.isfinite(columns[name]).all()
    assert columns["alkali_excitations"][0] == 1000
    assert made.picture.read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in made.data.parent.iterdir()) == ["figure-2c.csv", "figure-2c.png"]


class Vandal:
    """Takes the folder away while the figure is computed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, figure: Figure) -> None:
        self.folder.rmdir()

    def moved(self, done: int, total: int) -> None:
        raise AssertionError("figure 2 has no progress")

    def end(self, made: Made) -> None:
        raise AssertionError("nothing was made")


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with pytest.raises(SpinlabError, match=r"cannot write .*figure-2b.csv: No such file") as error:
        reproduce(["2b"], folder, watcher=Vandal(folder))
    assert error.value.exit_code == 1


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": 2**63}, {"incoherent": "thermal"}, {"rates": "measured"}])
def test_options_there_are_not_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(wrong))):
        Options(**wrong)


# --- the command

REFUSED = {
    ("2d",): ("no figure '2d' (did you mean '2c'?)", "2a, 2b, 2c, 3a"),
    ("2b", "fig3a"): ("no figure 'fig3a' (did you mean '3a'?)",),
    ("2b", "--out", "taken"): ("--out must be a folder", "taken is a file"),
    ("2b", "--out", "taken/folder"): ("cannot make the folder taken/folder: Not a directory",),
    ("2b", "--incoherent", "papr"): ("incoherent must be one of formula, paper, got 'papr' (did you mean 'paper'?)",),
    ("2b", "--compensation", "none"): ("compensation must be one of paper, exact, got 'none'",),
    ("2b", "--seed", "-1"): ("seed must lie in",),
}


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Ended]]:
    """Everything that is refused, in one process, then what is done."""
    folder = tmp_path_factory.mktemp("anywhere")
    (folder / "taken").write_text("")
    lines = [["figures", *words] for words in REFUSED]
    lines += [
        ["figures", "3a", "2b", "--quick", "--json", "--seed", "5"],
        ["figures", "3e", "--quick", "--json"],
        ["figures", "3e", "--quick", "--json", "--compensation", "exact", "--out", "exact"],
        ["figures", "4a", "--out", "here"],
    ]
    done = end(begin((*COMMAND[:2], MANY, json.dumps(lines)), folder))
    assert done.code == 0, done.err
    return folder, [Ended(*json.loads(line)) for line in done.out.splitlines()]


@pytest.mark.parametrize("number", range(len(REFUSED)), ids=[" ".join(words) for words in REFUSED])
def test_bad_input_gets_one_clear_line_and_exit_code_2(number: int, commands: tuple[Path, list[Ended]]) -> None:
    ended = commands[1][number]
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("spinlab: ")
    assert ended.err.count("\n") == 1
    for part in [*REFUSED.values()][number]:
        assert part in ended.err


def test_json_is_one_object_with_paths_values_and_parameters(commands: tuple[Path, list[Ended]]) -> None:
    folder, (*_, asked, _, _, _) = commands
    assert (asked.code, asked.err, asked.out.count("\n")) == (0, "", 1)
    document = asked.document
    assert (document["quick"], document["folder"]) == (True, str(folder.resolve() / "figures"))
    overdamped, exchanged = document["figures"]
    assert (overdamped["figure"], exchanged["figure"]) == ("2b", "3a")
    assert overdamped["values"]["largest_noble_gas_excitations"] == pytest.approx(9.2845222, abs=1e-7)
    assert exchanged["parameters"]["mean_angle"] == {
        "value": 2e-2, "unit": "rad", "source": "caption; δφ = ⟨φ⟩: SI 1",
    }  # fmt: skip
    assert exchanged["parameters"]["seed"]["value"] == 5
    data = read(Path(exchanged["paths"]["data"]))
    assert data["f10"] == pytest.approx(fig3.compute("3a", seed=5).run.F10, rel=1e-9)
    assert {path.name for path in (folder / "figures").iterdir()} == {
        f"figure-{name}.{kind}" for name in ("2b", "3a", "3e") for kind in ("png", "csv")
    }


def test_two_excitations_bunch_at_a_quarter_pi_and_follow_two_modes(commands: tuple[Path, list[Ended]]) -> None:
    *_, pair, exact, _ = commands[1]
    for ended, left, back in ((pair, 0.1**0.5, 0.905), (exact, 0.0, 0.99)):  # 3e: the detuning that θ = ⟨φ⟩/2 leaves
        (figure,) = ended.document["figures"]
        data, values = read(Path(figure["paths"]["data"])), figure["values"]
        assert figure["parameters"]["detuning"]["value"] == pytest.approx(left, abs=1e-9)
        assert data["p20"] + data["p11"] + data["p02"] == pytest.approx(np.ones(len(data)), abs=1e-9)
        assert np.abs(data["p11"] - data["two_mode_p11"]).max() < 0.05
        assert values["p20_plus_p02_at_quarter_pi"] > 0.99
        assert values["p11_at_half_pi"] == pytest.approx(back, abs=0.01)
    assert data["two_mode_p11"] == pytest.approx(np.cos(2 * np.pi * data["jt_over_pi"]) ** 2, abs=1e-8)


def test_what_is_no_terminal_gets_plain_lines(commands: tuple[Path, list[Ended]]) -> None:
    folder, (*_, plain) = commands
    assert (plain.code, plain.err) == (0, "")
    assert "\x1b" not in plain.out
    first, *paths = plain.out.splitlines()
    assert first.startswith("4a  two excitations exchanged: p2_two_mode_at_half_pi 0.94665")
    assert [Path(path.strip()) for path in paths] == [
        folder.resolve() / "here" / f"figure-4a.{k}" for k in ("png", "csv")
    ]


def test_the_fewer_modes_of_the_quick_mode_are_nearly_enough(
    given: fig4.Setting, commands: tuple[Path, list[Ended]]
) -> None:
    assert given.cell.modes == 30
    full = read(commands[0] / "here" / "figure-4a.csv")
    for column in fig4.compute_fock(given).table().columns:
        assert full[column.name] == pytest.approx(column.values, abs=2e-3), column.name


def test_ctrl_c_leaves_the_figures_that_are_done_and_whole_files(tmp_path: Path) -> None:
    """On a terminal, whose bar says when the collisions are under way."""
    master, slave = pty.openpty()
    process = begin((*COMMAND, "figures", "2b", "3d"), tmp_path, stdout=slave)
    os.close(slave)
    screen, deadline = b"", time.monotonic() + 40
    while not re.search(rb"figure 3d \(2 of 2\).*[1-9]\d?%", screen):
        screen += os.read(master, 65536)
        assert time.monotonic() < deadline, screen
    process.send_signal(signal.SIGINT)
    ended = end(process)
    os.close(master)
    assert b"first run compiles" in screen
    assert ended.code == 1
    assert re.fullmatch(r"spinlab: interrupted; what is in .*/figures is whole\n", ended.err)
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["figure-2b.csv", "figure-2b.png"]
    assert read(tmp_path / "figures" / "figure-2b.csv")["noble_gas_excitations"].max() == pytest.approx(
        9.28452, abs=1e-5
    )
