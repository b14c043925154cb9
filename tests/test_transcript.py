"""A run's VISA traffic as a readable file, and the twin held against it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spinlab.errors import BadInput
from spinlab.replay import Rules, replay, verdict
from spinlab.session import Session
from spinlab.transcript import Block, read_transcript
from tests.command_line import CopiedLaboratory, Ended
from tests.laboratory import profile, session


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The traffic of one decay and one storage, in one session."""
    folder = tmp_path_factory.mktemp("recorded")
    with Session(profile(folder / "records")) as lab:
        lab.record_traffic(folder / "run.jsonl")
        assert lab.run("fid", {"shots": 1}).problem == ""
        assert lab.run("storage", {"storage_times": "50 ms", "shots": 1}).problem == ""
    return folder / "run.jsonl"


def test_the_file_is_readable_and_keeps_every_byte_of_text(recorded: Path) -> None:
    lines = [json.loads(line) for line in recorded.read_text().splitlines()]
    assert lines[0]["transcript"] == 1
    assert lines[0]["devices"]["coil"] == "TCPIP0::192.168.10.11::1394::SOCKET"
    assert lines[1] == {"t": 0.0, "device": "coil", "sent": "*IDN?\n"}
    assert lines[2]["received"].startswith("KEITHLEY INSTRUMENTS INC.,MODEL 6221,")
    assert any(line.get("received", "").endswith("\r\n") for line in lines)
    times = [line["t"] for line in lines[1:]]
    assert times == sorted(times)
    assert recorded.stat().st_size < 200_000  # the records themselves are not in it


def test_a_block_is_kept_as_its_length_and_hash(recorded: Path) -> None:
    blocks = [part for each in read_transcript(recorded) for part in each.received if isinstance(part, Block)]
    assert {(block.begins, block.length) for block in blocks} == {("#0", 2 + 4 * n + 1) for n in (5000, 10_000, 20_000)}
    assert all(len(block.sha256) == 64 for block in blocks)


def test_every_reply_of_the_twin_agrees_with_a_recording_of_itself(recorded: Path, tmp_path: Path) -> None:
    report = replay(read_transcript(recorded), profile(tmp_path, seed=99))
    assert report.differences == ()
    counts = report.counts()
    assert set(counts) >= {"coil", "pump", "probe", "polarimeter", "timing"}
    assert counts["timing"]["agrees"] > 100
    assert counts["polarimeter"]["measured"] > 5


def test_a_failed_exchange_is_in_it_too(tmp_path: Path) -> None:
    with session(tmp_path / "records") as lab:
        lab.record_traffic(tmp_path / "failed.jsonl")
        lab.bench.faults.arm("coil", "no reply", matching="ARB:DATA")
        assert lab.run("fid", {"shots": 1}).problem != ""
    exchanges = read_transcript(tmp_path / "failed.jsonl")
    failed = [each for each in exchanges if each.failure]
    assert [each.device for each in failed] == ["coil"]
    assert "VI_ERROR_TMO" in failed[0].failure
    report = replay(exchanges, profile(tmp_path))
    assert report.counts()["coil"]["failed"] == 1


# --- a doctored transcript is caught

DOCTORED: dict[str, tuple[Callable[[dict[str, Any]], bool], str, str]] = {
    "a number": (lambda line: "3.600000E-03;0," in line.get("received", ""), "3.600000E-03", "3.600100E-03"),
    "a delay": (lambda line: "0,+0.000110000000" in line.get("received", ""), "110000000", "110001000"),
    "a word": (lambda line: line.get("received") == "ON\r\n", "ON", "OFF"),
    "an error": (lambda line: '0,"No error' in line.get("received", ""), '0,"No error', '-113,"Undefined header'),
    "a model": (lambda line: "MODEL 6221" in line.get("received", ""), "MODEL 6221", "MODEL 6220"),
    "a missing reply": (lambda line: "3.600000E-03;0," in line.get("received", ""), "3.600000E-03;", ""),
}


def doctored(recorded: Path, target: Path, change: Callable[[dict[str, Any]], bool]) -> Path:
    """Copy a transcript with ``change`` made to the first line that it says yes to."""
    lines = [json.loads(line) for line in recorded.read_text().splitlines()]
    assert any(change(line) for line in lines)
    target.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return target


def edit(case: str) -> Callable[[dict[str, Any]], bool]:
    fits, old, new = DOCTORED[case]

    def change(line: dict[str, Any]) -> bool:
        if not fits(line):
            return False
        line["received"] = line["received"].replace(old, new, 1)
        return True

    return change


def shorten_block(line: dict[str, Any]) -> bool:
    if "block" not in line:
        return False
    line["block"]["bytes"] -= 4
    return True


@pytest.mark.parametrize("case", [*DOCTORED, "a shorter block"])
def test_a_doctored_transcript_differs_in_that_one_reply(recorded: Path, tmp_path: Path, case: str) -> None:
    change = shorten_block if case == "a shorter block" else edit(case)
    report = replay(read_transcript(doctored(recorded, tmp_path / "doctored.jsonl", change)), profile(tmp_path))
    assert len(report.differences) == 1


def test_serial_number_and_firmware_count_only_when_asked_for(recorded: Path, tmp_path: Path) -> None:
    def renumber(line: dict[str, Any]) -> bool:
        if "1204321" not in line.get("received", ""):
            return False
        line["received"] = line["received"].replace("1204321", "7654321")
        return True

    exchanges = read_transcript(doctored(recorded, tmp_path / "other.jsonl", renumber))
    assert replay(exchanges, profile(tmp_path)).differences == ()
    (difference,) = replay(exchanges, profile(tmp_path), Rules(serials=True)).differences
    assert (difference.device, difference.query) == ("coil", "*IDN?")


@pytest.mark.parametrize(
    ("query", "box", "twin", "expected"),
    [
        ("SOUR:CURR?", "1.000000E-03", "0.001", "agrees"),
        ("SOUR:CURR?", "1.000002E-03", "0.001", "differs"),
        ("RILD?", "100.2", "99.7", "measured"),
        ("RILD?", "100.2", "OFF", "differs"),
        ("KRDG? A", "+488.15", "+488.02", "measured"),
        (":TRAC:DATA? 1,2,'b',READ", "1.0,2.0", "3.0,4.0", "measured"),
        (":TRAC:ACT? 'b'", "1000", "999", "differs"),
        (":SYST:ERR?", '-113,"Undefined header;1;2026/01/01 00:00:00.000"', '-113,"Undefined header;1;2027"', "agrees"),
        (":SYST:ERR?", '-113,"Undefined header"', '-114,"Undefined header"', "differs"),
        ("DLAY?2", "0,+0.001", "0,+0.001,1", "differs"),
    ],
)
def test_replies_are_compared_by_what_they_are(query: str, box: str, twin: str, expected: str) -> None:
    assert verdict(query, box, twin, Rules()) == expected


# --- what is no transcript is refused


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is no transcript"),
        ("{}\n", "is no transcript"),
        ('{"transcript": 1}\nnot json\n', ":2: is no JSON"),
        ('{"transcript": 1}\n{"t": 0, "device": "coil"}\n', ":2: is no line of a transcript"),
        ('{"transcript": 1}\n{"t": 0, "device": "coil", "received": "x"}\n', ":2: is no line of a transcript"),
        ('{"transcript": 1}\n[1]\n', ":2: must be an object"),
    ],
)
def test_a_file_that_is_no_transcript_is_refused_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "odd.jsonl"
    file.write_text(text)
    with pytest.raises(BadInput) as refused:
        read_transcript(file)
    assert complaint in str(refused.value)


# --- the commands


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory, recorded: Path) -> dict[str, Ended]:
    lab = CopiedLaboratory(tmp_path_factory.mktemp("commands") / "lab")
    doctored(recorded, lab.root / "doctored.jsonl", edit("a delay"))
    (lab.root / "stranger.jsonl").write_text('{"transcript": 1}\n{"t": 0, "device": "foil", "sent": "*IDN?\\n"}\n')
    lines = {
        "record": ["record", "run.jsonl", "fid", "shots=1", "--json"],
        "replay": ["replay", "run.jsonl"],
        "json": ["replay", "run.jsonl", "--json"],
        "doctored": ["replay", "doctored.jsonl"],
        "doctored json": ["replay", "doctored.jsonl", "--json"],
        "close enough": ["replay", "doctored.jsonl", "--tolerance", "1e-3"],
        "again": ["record", "run.jsonl", "fid"],
        "nowhere": ["record", "no/such/folder/run.jsonl", "fid"],
        "no plan": ["record", "other.jsonl", "fidd"],
        "missing": ["replay", "missing.jsonl"],
        "stranger": ["replay", "stranger.jsonl"],
        "bad pattern": ["replay", "run.jsonl", "--measured", "("],
    }
    ended = dict(zip(lines, lab.many(list(lines.values())), strict=True))
    assert not (lab.root / "other.jsonl").exists()
    return ended


def test_record_and_replay_agree_and_say_so(commands: dict[str, Ended]) -> None:
    assert commands["record"].code == 0
    assert commands["record"].document["exit_status"] == "success"
    assert commands["replay"].code == 0
    assert "the twin answers as the box did" in commands["replay"].out
    assert commands["json"].document["agrees"] is True


def test_replay_ends_with_1_when_they_differ_and_shows_where(commands: dict[str, Ended]) -> None:
    assert commands["doctored"].code == commands["doctored json"].code == 1
    assert "DLAY?" in commands["doctored"].out
    (difference,) = commands["doctored json"].document["differences"]
    assert difference["device"] == "timing"
    assert difference["box"] != difference["twin"]
    assert commands["close enough"].code == 0


@pytest.mark.parametrize(
    ("case", "complaint"),
    [
        ("again", "exists already"),
        ("nowhere", "there is no folder"),
        ("no plan", "did you mean 'fid'"),
        ("missing", "cannot be read as a transcript"),
        ("stranger", "has no twin of 'foil' (did you mean 'coil'?)"),
        ("bad pattern", "is no regular expression"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(commands: dict[str, Ended], case: str, complaint: str) -> None:
    assert commands[case].code == 2
    assert complaint in commands[case].err
    assert commands[case].err.count("\n") == 1
