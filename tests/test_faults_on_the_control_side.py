"""Whatever goes wrong at a box: one clear line, never a hang, never a wrong number, and the rest of the laboratory safe.

Everything in virtual time, on a bench whose faults are armed at run time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spinlab.errors import BadInput, InstrumentError, RunFailed
from spinlab.profile import Profile
from spinlab.profile.sections import FaultKind
from spinlab.records import open_run
from spinlab.session import Outcome, Session
from tests.laboratory import QUIET, profile, session

pytestmark = pytest.mark.timeout(60)
KINDS: tuple[str, ...] = FaultKind.__args__
FID = {"shots": 2, "record": "2 ms"}
STORAGE = {"storage_times": "50 ms", "shots": 1}
TIMEOUT = 5.0  # s, of the profile
EXCHANGES = {
    "level": ("coil", r":SOUR:CURR 3\.6"),
    "waveform": ("coil", "WAVE:ARB:DATA"),
    "waveform stopped": ("coil", "OPER:COND"),
    "diode on": ("pump", "LDON 1"),
    "delays": ("timing", "DLAY 4"),
    "trigger": ("timing", r"\*TRG"),
    "arming": ("polarimeter", "STIM EXT"),
    "count": ("polarimeter", r"^\*ESR\?;:TRAC:ACT"),
    "record": ("polarimeter", "TRAC:DATA"),
    "after the record": ("probe", r"^\*ESR\?;LDON\?"),
}
IN_THE_SECOND_SHOT = ("waveform", "record")  # so that there is a first one to be compared
HARMLESS = {  # nothing was to be set, or what had been set before
    ("ignored setting", name) for name in ("waveform", "waveform stopped", "count", "record", "after the record")
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of the same run when nothing goes wrong."""
    with session(tmp_path_factory.mktemp("undisturbed"), **quiet()) as lab:
        outcome = lab.run("fid", FID)
    assert outcome.problem == ""
    assert outcome.result is not None
    return dict(outcome.result.values)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Session]:
    with session(tmp_path, **quiet()) as opened:
        yield opened


def quiet() -> dict[str, Any]:
    return {key.replace(".", "__"): value for key, value in QUIET.items()}


def check_numbers(outcome: Outcome, undisturbed: dict[str, Any]) -> None:
    """What was measured before the fault is as it would have been without it."""
    if outcome.result is None:
        return
    for name in ("frequency_Hz", "amplitude_V", "decay_per_s"):
        sigma = undisturbed[f"{name}_sigma"]
        assert abs(outcome.result.values[name] - undisturbed[name]) < 8 * sigma + 1e-5 * undisturbed[name]


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_at_every_exchange_ends_the_run_with_one_clear_line(
    lab: Session, undisturbed: dict[str, Any], kind: str, exchange: str
) -> None:
    role, matching = EXCHANGES[exchange]
    shot = 2 if exchange in IN_THE_SECOND_SHOT else 1
    armed = lab.bench.faults.arm(role, kind, matching=matching, exchange=shot)
    began = lab.clock.now()
    outcome = lab.run("fid", FID)
    assert armed.hits == 1
    assert lab.clock.now() - began < 10 + 4 * TIMEOUT
    check_numbers(outcome, undisturbed)
    if (kind, exchange) in HARMLESS:
        assert outcome.problem == ""
        return
    assert outcome.exit_status == "fail"
    assert "\n" not in outcome.problem
    named = "polarimeter" if (kind, exchange) == ("ignored setting", "trigger") else role  # no edge came there
    assert named in outcome.problem
    assert len(open_run(outcome.paths["run"]).rows("primary")) == shot - 1


SAFE = {"timing": "LPOL 1,1", "pump": "LDON 0", "probe": "LDON 0", "coil": ":SOUR:CURR 0.0", "polarimeter": "STIM NONE"}


def test_a_box_that_hangs_is_named_and_all_the_others_are_made_safe(lab: Session) -> None:
    lab.bench.faults.arm("pump", "stuck busy", matching="LDON 1")
    outcome = lab.run("fid", FID)
    assert (
        "pump at TCPIP0::192.168.10.12::8888::SOCKET: no whole reply within 5 s (asked '*ESR?;LDON 1" in outcome.problem
    )
    assert outcome.problem.count("could NOT be brought to its safe state") == 1
    assert "pump could NOT be brought to its safe state" in outcome.problem
    assert not lab.bench.probe.on
    assert lab.bench.coil.level == 0
    assert lab.bench.digitizer.stimulus == "NONE"
    assert lab.bench.timing.level("AB") is False


def test_a_box_that_was_off_for_a_moment_is_safe_but_what_it_measured_does_not_count(lab: Session) -> None:
    lab.bench.faults.arm("timing", "reboot", matching=r"\*CLS;LPOL")
    outcome = lab.run("fid", FID)
    assert outcome.exit_status == "fail"
    assert outcome.problem == "timing: it was switched off and on, its settings are gone (noticed after safe state)"


@pytest.mark.parametrize("kind", ["no reply", "late reply", "reboot", "dropped connection"])
@pytest.mark.parametrize("role", ["coil", "pump", "polarimeter", "timing"])
def test_after_a_fault_the_next_run_of_the_same_session_is_as_good_as_any(
    lab: Session, undisturbed: dict[str, Any], kind: str, role: str
) -> None:
    lab.bench.faults.arm(role, kind, exchange=2)
    assert lab.run("fid", FID).problem != ""
    again = lab.run("fid", FID)
    assert again.problem == ""
    assert again.result is not None
    assert again.result.values["shots"] == 2


def test_a_late_reply_is_never_taken_for_the_answer_to_another_question(lab: Session) -> None:
    link = lab.devices["coil"].link
    lab.bench.faults.arm("coil", "late reply", matching="RANG", delay="6 s")
    with pytest.raises(InstrumentError, match=r"coil at .*: no whole reply within 5 s \(asked ':SOUR:CURR:RANG\?'\)"):
        link.query(":SOUR:CURR:RANG?")
    lab.clock.spend(3)  # by now it has come
    assert float(link.query(":SOUR:CURR:COMP?")) == 100
    assert float(link.query(":SOUR:CURR:RANG?")) == 0.02


def test_an_exchange_that_failed_is_followed_by_others_only_when_the_same_box_answers(lab: Session) -> None:
    link = lab.devices["coil"].link
    lab.bench.faults.arm("coil", "no reply", matching="RANG")
    with pytest.raises(InstrumentError):
        link.query(":SOUR:CURR:RANG?")
    lab.bench.coil.identity = "KEITHLEY INSTRUMENTS INC.,MODEL 6221,0000000,D03"
    for _ in range(2):
        with pytest.raises(InstrumentError, match=r"it was 'KEITHLEY INSTRUMENTS INC\.,MODEL 6221,1204321"):
            link.query(":SOUR:CURR:RANG?")


def test_a_reply_that_is_slow_but_in_time_changes_no_number(lab: Session, undisturbed: dict[str, Any]) -> None:
    lab.bench.faults.arm("coil", "late reply", matching="OPER:COND", delay="2 s")
    outcome = lab.run("fid", FID)
    assert outcome.problem == ""
    check_numbers(outcome, undisturbed)


def test_a_trigger_that_nobody_knows_the_time_of_does_not_count(lab: Session) -> None:
    lab.bench.faults.arm("timing", "late reply", matching=r"\*TRG", delay="1 s")
    outcome = lab.run("fid", FID)
    assert outcome.problem.startswith("timing: took 1 s to answer *TRG")


@pytest.mark.parametrize(
    ("role", "matching", "kind"),
    [
        ("timing", "BURM 1", "ignored setting"),
        ("timing", r"LPOL 1,0;LPOL\?1;LERR", "ignored setting"),
        ("coil", "WAVE:ARB:DATA", "ignored setting"),
        ("polarimeter", "TRAC:MAKE", "ignored setting"),
        ("probe", r"^\*ESR\?;LDON\?", "reboot"),
        ("timing", r"^\*ESR\?;LPOL\?1", "reboot"),
        ("coil", "OPER:COND", "reboot"),
        ("polarimeter", "TRAC:DATA", "wrong length"),
    ],
)
def test_a_storage_run_that_was_disturbed_fails_and_keeps_no_shot_that_was(
    tmp_path: Path, role: str, matching: str, kind: str
) -> None:
    with session(tmp_path) as lab:
        armed = lab.bench.faults.arm(role, kind, matching=matching, exchange=1)
        outcome = lab.run("storage", STORAGE)
    assert armed.hits == 1
    assert outcome.exit_status == "fail"
    assert role in outcome.problem
    struck = lab.bench.faults.happened[0].time
    for event in open_run(outcome.paths["run"]).rows("primary"):
        assert event["shot_read_time"] < struck


def planned(records: Path, **fault: Any) -> Profile:
    """The profile with one fault planned in it."""
    return profile(records, bench__faults=[fault])


def test_a_box_that_does_not_answer_at_the_start_is_named_and_no_run_is_begun(tmp_path: Path) -> None:
    with Session(planned(tmp_path, instrument="timing", kind="stuck busy")) as lab, pytest.raises(RunFailed) as refused:
        lab.run("fid", FID)
    assert "timing at TCPIP0::192.168.10.15::5025::SOCKET: no whole reply within 5 s (asked '*IDN?')" in str(
        refused.value
    )
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_an_instrument_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"bench\.faults.*no instrument 'tming' \(did you mean 'timing'\?\)"):
        Session(planned(tmp_path, instrument="tming", kind="no reply"))


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({"kind": "no replies"}, "bench.faults[0].kind: should be 'no reply'"),
        ({"kind": "no reply", "matching": "("}, "bench.faults[0].matching: is no regular expression"),
        ({"kind": "no reply", "evry": 2}, "bench.faults[0].evry: unknown key (did you mean 'every'?)"),
        ({"kind": "late reply", "delay": "3 V"}, "bench.faults[0].delay"),
    ],
)
def test_a_fault_that_makes_no_sense_is_bad_input(tmp_path: Path, fault: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadInput) as refused:
        planned(tmp_path, instrument="timing", **fault)
    assert complaint in str(refused.value)
