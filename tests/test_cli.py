"""The ``spinlab`` command as a person or a script meets it: what it prints, where its data goes, how it refuses."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.command_line import CopiedLaboratory, Ended, end

pytestmark = pytest.mark.timeout(60)
STORAGE = ("storage", "storage_times=50 ms, 1 s", "shots=1")
KEYS = {"uid", "plan", "exit_status", "lab_time_s", "wall_time_s", "result", "paths", "problem"}
COLUMNS = {
    "storage_time_s", "efficiency", "efficiency_sigma", "predicted_efficiency", "electron_efficiency",
    "electron_efficiency_sigma", "predicted_electron_efficiency", "deviation_sigma", "shots",
}  # fmt: skip


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> CopiedLaboratory:
    """A laboratory in a folder with spaces."""
    return CopiedLaboratory(tmp_path_factory.mktemp("the lab") / "a laboratory of ours")


class Runs:
    """Three commands at once, each from a folder that is not the laboratory's."""

    def __init__(self, laboratory: CopiedLaboratory, elsewhere: Path) -> None:
        profile = ("--profile", str(laboratory.root / "profiles" / "sim.toml"))
        master, slave = pty.openpty()
        asked = laboratory.start("run", *STORAGE, "--json", *profile, folder=elsewhere)
        plain = laboratory.start("run", "fid", "shots=2", *profile, folder=elsewhere)
        watched = laboratory.start("run", *STORAGE, *profile, folder=elsewhere, stdout=slave)
        os.close(slave)
        self.screen = read_all(master)
        self.asked, self.plain, self.watched = end(asked), end(plain), end(watched)


def read_all(terminal: int) -> str:
    """Everything a process writes to its terminal until it closes it."""
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other end is closed
            piece = b""
        if not piece:
            os.close(terminal)
            return b"".join(pieces).decode()
        pieces.append(piece)


@pytest.fixture(scope="module")
def runs(laboratory: CopiedLaboratory, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(laboratory, tmp_path_factory.mktemp("elsewhere"))


# --- runs


def test_json_prints_exactly_one_object_with_the_documented_keys(runs: Runs) -> None:
    assert (runs.asked.code, runs.asked.err) == (0, "")
    assert runs.asked.out.count("\n") == 1
    document = runs.asked.document
    assert set(document) == KEYS
    assert (document["plan"], document["exit_status"], document["problem"]) == ("storage", "success", "")
    result = document["result"]
    assert set(result) >= COLUMNS | {"lifetime_s"}
    assert all(len(result[name]) == 2 for name in COLUMNS)
    assert result["storage_time_s"] == pytest.approx([0.05, 1.0], abs=1e-3)
    assert document["lab_time_s"] > 2.1 > document["wall_time_s"] / 10 > 0


def test_records_and_figure_are_in_the_laboratory_whatever_folder_the_command_ran_in(
    runs: Runs, laboratory: CopiedLaboratory
) -> None:
    paths = {name: Path(path) for name, path in runs.asked.document["paths"].items()}
    assert paths["run"].parent.parent == laboratory.root / "records"
    assert (paths["run"] / "documents.jsonl").is_file()
    assert paths["figure"].read_bytes().startswith(b"\x89PNG")
    assert json.loads(paths["outcome"].read_text()) == runs.asked.document


def test_what_is_no_terminal_gets_plain_lines(runs: Runs) -> None:
    assert (runs.plain.code, runs.plain.err) == (0, "")
    assert "\x1b" not in runs.plain.out
    assert "\r" not in runs.plain.out
    lines = runs.plain.out.splitlines()
    assert lines[0].startswith("fid: 2 shots, about ")
    assert lines[1].split("  ")[0] == "amplitude"
    assert sum("kHz" in line for line in lines[2:4]) == 2
    assert any(line.startswith("fid: success; ") for line in lines)
    assert re.search(r"^run +/.*/a laboratory of ours/records/.*-fid-", runs.plain.out, re.MULTILINE)


def test_a_terminal_gets_a_progress_bar_in_laboratory_time_a_line_per_shot_and_a_table(runs: Runs) -> None:
    assert (runs.watched.code, runs.watched.err) == (0, "")
    assert "lab time" in runs.screen
    assert re.search(r"\d+%", runs.screen)
    assert len(re.findall(r"(?:50 ms|1 s) +(?:reference|signal|background) ", runs.screen)) >= 6
    assert "predicted" in runs.screen
    assert re.search(r"figure +/.*figure\.png", runs.screen.replace("\r\n", "\n"))


@pytest.fixture(scope="module")
def listings(laboratory: CopiedLaboratory, runs: Runs) -> list[Ended]:
    """What can be asked of the laboratory after those runs."""
    return laboratory.many(
        [
            ["runs", "--json"],
            ["show", runs.asked.document["uid"][:8], "--json"],
            ["show", "last"],
            ["show", "no-such-run"],
            ["plans", "--json"],
            ["plans"],
        ]
    )


def test_runs_lists_what_was_recorded(listings: list[Ended], runs: Runs) -> None:
    found = json.loads(listings[0].out)
    assert sorted(run["plan"] for run in found) == ["fid", "storage", "storage"]
    assert {run["exit_status"] for run in found} == {"success"}
    assert runs.asked.document["uid"][:8] in {run["uid"] for run in found}


def test_show_tells_how_a_run_was_made_and_what_came_of_it(listings: list[Ended], runs: Runs) -> None:
    shown = listings[1].document
    assert shown["start"]["plan_parameters"]["storage_times"] == [0.05, 1.0]
    assert shown["stop"]["exit_status"] == "success"
    assert shown["streams"]["primary"]["events"] == 7
    assert shown["outcome"] == runs.asked.document
    assert "success" in listings[2].out


def test_a_run_that_is_not_there_is_bad_input(listings: list[Ended]) -> None:
    assert listings[3].code == 2
    assert re.fullmatch(r"spinlab: no run 'no-such-run' in .*\n", listings[3].err)


def test_plans_lists_parameters_with_units_and_defaults(listings: list[Ended]) -> None:
    found = {plan["name"]: plan for plan in json.loads(listings[4].out)}
    assert set(found) == {"fid", "storage"}
    parameters = {each["name"]: each for each in found["storage"]["parameters"]}
    assert (parameters["storage_field"]["unit"], parameters["storage_field"]["default"]) == ("T", 1e-4)
    assert found["storage"]["devices"] == ["coil", "pump", "probe", "polarimeter", "timing"]
    assert re.search(r"storage_field +T += 1 G", listings[5].out)


# --- bad input

SIM = "listening.toml"
# What is typed, and what the one line has to say: the value, the rule, what to do.
REFUSED: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "an unknown plan": (["storag"], ("no plan 'storag'", "did you mean 'storage'?")),
    "an unknown parameter": (["storage", "shotz=3"], ("no parameter 'shotz'", "did you mean 'shots'?")),
    "a parameter that is a device": (["storage", "coil=3"], ("'coil' is a device",)),
    "no assignment": (["storage", "shots"], ("'shots' is not a plan parameter", "name=value")),
    "a parameter given twice": (["storage", "shots=1", "shots=2"], ("'shots' is given twice",)),
    "a wrong unit": (["storage", "storage_times=1 G"], ("storage_times", "'1 G'", "such as")),
    "an unknown unit": (["storage", "pulse=1 fortnite"], ("pulse", "fortnite")),
    "no number": (["storage", "storage_times=soon"], ("storage_times", "'soon'", "such as")),
    "no whole number": (["storage", "shots=1.5"], ("shots", "'1.5'", "whole number")),
    "no repeats": (["storage", "shots=0"], ("shots must be greater than zero", "0")),
    "a time that is not finite": (["storage", "storage_times=inf"], ("storage_times", "inf")),
    "a time that is no number": (["storage", "storage_times=nan s"], ("storage_times", "nan")),
    "an unknown choice": (["storage", "pump=drak"], ("'drak'", "on, dark")),
    "no storage times": (["storage", "storage_times="], ("storage_times",)),
    "too short a storage": (["storage", "storage_times=1 ms"], ("1 ms", "too short", "30.3 ms", "store longer")),
    "a negative storage": (["storage", "storage_times=-1 s"], ("-1 s", "too short")),
    "a field beyond the coil's limit": (
        ["storage", "storage_field=2 G"], ("coil", "40 mA", "20.2 mA", "smaller field"),
    ),
    "a read field beyond the coil's limit": (["fid", "field=-3 G"], ("coil", "-60 mA", "20.2 mA")),
    "a record that the waveform cannot hold": (
        ["storage", "record=2 s", "storage_times=10 s"], ("polarimeter", "4000000", "1,000,000"),
    ),
    "a record that the digitizer cannot hold": (["fid", "record=1.5 s"], ("polarimeter", "1500000", "1,000,000")),
    "a record of no samples": (["storage", "record=0 s"], ("record must be greater than zero",)),
    "a sample rate beyond the digitizer's": (["fid", "sample_rate=2 MHz"], ("polarimeter", "2e+06", "1e6")),
    "a signal pulse longer than the exchange": (["storage", "pulse=50 ms"], ("pulse",)),
}  # fmt: skip
# Profiles, what is wrong with them, and the command that finds out.
FAULTY: dict[str, tuple[str, tuple[str, ...]]] = {
    "an unknown key": (
        '[cell]\npumping_rat = "1 1/s"\n', ("faulty.toml", "cell.pumping_rat", "unknown key", "'pumping_rate'"),
    ),
    "a wrong unit": ('[cell]\npumping_rate = "1 G"\n', ("faulty.toml", "cell.pumping_rate", "'1 G'")),
    "an unknown setting of a device": (
        "[devices.coil.settings]\nmax_curent = 1.0\n", ("devices.coil.settings.max_curent", "'max_current'"),
    ),
    "an unknown device class": (
        '[devices.coil]\nclass = "devices.coil:Coyl"\n', ("devices.coil:Coyl", "did you mean 'Coil'?"),
    ),
    "an unknown device module": ('[devices.coil]\nclass = "devices.koil:Coil"\n', ("devices.koil", "devices.coil")),
    "an unknown device in the safe state": (
        '[[safe_state]]\ndevice = "coyl"\n', ("safe_state[0].device", "'coyl'", "'coil'"),
    ),
    "an unknown plan in the defaults' parameters": (
        "[plan_defaults.storage]\nshotz = 1\n", ("shotz", "'shots'", "plan_defaults"),
    ),
}  # fmt: skip
WHOLE = {
    "a missing profile": ("profiles/simm.toml", None, ("there is no such profile", "did you mean 'sim.toml'?")),
    "broken TOML": ("profiles/broken.toml", "[cell\n", ("broken.toml", "not valid TOML", "line 1")),
}
# Command lines that never get to a plan.
MISTYPED: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "an unknown command": (["storag"], ("'storag'", "spinlab --help")),
    "an unknown option": (["run", "fid", "--sed", "3"], ("--sed", "--seed", "spinlab run --help")),
    "a missing argument": (["show"], ("'run'", "spinlab show --help")),
    "a seed that is no number": (["run", "fid", "--seed", "x"], ("'--seed'", "integer")),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> tuple[CopiedLaboratory, dict[str, Ended]]:
    """A laboratory where everything above was tried, and nothing else."""
    laboratory = CopiedLaboratory(tmp_path_factory.mktemp("refused") / "lab")
    laboratory.write(SIM, "")
    lines: dict[str, Sequence[str]] = {
        name: ["run", *words, "-p", f"profiles/{SIM}"] for name, (words, _) in REFUSED.items()
    }
    for number, (name, (text, _)) in enumerate(FAULTY.items()):
        laboratory.write(f"{number}-faulty.toml", text)
        lines[name + " (profile)"] = ["run", "storage", "-p", f"profiles/{number}-faulty.toml"]
    lines |= {name: words for name, (words, _) in MISTYPED.items()}
    for name, (path, content, _) in WHOLE.items():
        if content is not None:
            (laboratory.root / path).write_text(content)
        lines[name] = ["run", "storage", "-p", path]
    laboratory.write("several.toml", 'sed = 3\nclock = "sundial"\n[cell]\npumping_rate = "1 G"\n')
    lines["several faults"] = ["run", "storage", "-p", "profiles/several.toml"]
    write_without_probe(laboratory)
    lines["a missing role"] = ["run", "storage", "-p", "profiles/no-probe.toml"]
    return laboratory, dict(zip(lines, laboratory.many(list(lines.values())), strict=True))


def write_without_probe(laboratory: CopiedLaboratory) -> None:
    """A profile without a probe laser (extending cannot take a device away)."""
    text = (laboratory.root / "profiles" / "sim.toml").read_text()
    text = re.sub(r"\[devices\.probe\]\n.*\n.*\n.*\n", "", text).replace('[[safe_state]]\ndevice = "probe"\n', "")
    assert "devices.probe" not in text
    laboratory.write("no-probe.toml", text.replace("sims.bench:", "sims.listening:"), extends=None)


def check_refused(ended: Ended, parts: Sequence[str], lines: int = 1) -> None:
    assert ended.code == 2
    assert ended.out == ""
    assert len(ended.err.splitlines()) == lines, ended.err
    assert all(line.startswith("spinlab: ") for line in ended.err.splitlines())
    for part in parts:
        assert part in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("name", REFUSED)
def test_bad_plan_input_gets_one_clear_line_and_exit_code_2(
    name: str, refusals: tuple[CopiedLaboratory, dict[str, Ended]]
) -> None:
    check_refused(refusals[1][name], REFUSED[name][1])


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_of_the_profile_gets_one_clear_line_and_exit_code_2(
    name: str, refusals: tuple[CopiedLaboratory, dict[str, Ended]]
) -> None:
    check_refused(refusals[1][name + " (profile)"], FAULTY[name][1])


@pytest.mark.parametrize("name", WHOLE)
def test_a_profile_that_cannot_be_read_gets_one_clear_line_and_exit_code_2(
    name: str, refusals: tuple[CopiedLaboratory, dict[str, Ended]]
) -> None:
    check_refused(refusals[1][name], WHOLE[name][2])


@pytest.mark.parametrize("name", MISTYPED)
def test_a_mistyped_command_line_gets_one_clear_line_and_exit_code_2(
    refusals: tuple[CopiedLaboratory, dict[str, Ended]], name: str
) -> None:
    check_refused(refusals[1][name], MISTYPED[name][1])


def test_all_faults_of_a_profile_are_told_together(
    refusals: tuple[CopiedLaboratory, dict[str, Ended]],
) -> None:
    parts = ("sed: unknown key (did you mean 'seed'?)", "clock: ", "cell.pumping_rate: ")
    check_refused(refusals[1]["several faults"], parts, lines=3)


def test_a_role_that_the_plan_needs_and_the_profile_lacks_is_named(
    refusals: tuple[CopiedLaboratory, dict[str, Ended]],
) -> None:
    check_refused(refusals[1]["a missing role"], ("needs a device 'probe'",))


def test_nothing_was_touched_by_any_of_it(refusals: tuple[CopiedLaboratory, dict[str, Ended]]) -> None:
    laboratory, ended = refusals
    assert len(ended) == len(REFUSED) + len(FAULTY) + len(WHOLE) + len(MISTYPED) + 2
    assert laboratory.runs == []
    assert not (laboratory.root / "records").exists()
    assert laboratory.wire == []


def test_outside_of_a_laboratory_the_command_says_where_to_go(laboratory: CopiedLaboratory, tmp_path: Path) -> None:
    check_refused(laboratory.spinlab("run", "storage", folder=tmp_path), ("no profiles/sim.toml in", "--profile"))


# --- an instrument that complains


def test_a_box_that_refuses_its_settings_fails_the_run_with_its_own_words(
    laboratory: CopiedLaboratory, runs: Runs
) -> None:
    """The profile asks for more compliance than a 6221 has: found out when the boxes are set up."""
    profile = laboratory.write("compliance.toml", 'devices.coil.settings.compliance = "200 V"\n')
    before = laboratory.runs
    ended = laboratory.spinlab("run", "fid", "shots=1", "-p", str(profile))
    assert ended.code == 1
    assert ended.out == ""
    assert re.fullmatch(r'spinlab: coil: -222,"Parameter data out of range" \(after initialise\)\n', ended.err)
    assert laboratory.runs == before


def test_help_names_every_command(laboratory: CopiedLaboratory) -> None:
    helped = laboratory.spinlab("--help")
    assert helped.code == 0
    for name in ("run", "plans", "runs", "show", "design", "figures", "serve"):
        assert re.search(rf"\b{name}\b", helped.out)


def test_heavy_packages_are_not_imported_for_help() -> None:
    """Start-up stays fast because what is slow to import is imported by the commands that need it."""
    import sys

    code = (
        "import sys, spinlab.cli; "
        "print([m for m in ('numpy', 'scipy', 'bluesky', 'ophyd', 'pyvisa', 'matplotlib', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"
