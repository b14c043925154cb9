"""Ctrl-C in the middle of a real wait: at once, in the declared order, and nothing measured is lost."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from spinlab.records import open_run
from tests.command_line import CopiedLaboratory, Ended, end

WAITING = ("run", "storage", "storage_times=20 s", "shots=1")


class Interrupted:
    """A storage run on the wall clock, interrupted ``times`` times during its 20 s of storage."""

    def __init__(self, root: Path, number: signal.Signals, times: int) -> None:
        self.laboratory = CopiedLaboratory(root)
        self.number, self.times = number, times
        profile = self.laboratory.write("slow.toml", "", extends="sim-realtime.toml")
        self.process = self.laboratory.start(*WAITING, "--json", "--profile", str(profile))

    def finish(self) -> None:
        """Interrupt it when it stores, and wait for its end."""
        self._wait_for_the_write()
        began = time.monotonic()
        for _ in range(self.times):
            self.process.send_signal(self.number)
            time.sleep(0.05)
        self.ended: Ended = end(self.process)
        self.seconds = time.monotonic() - began

    def _wait_for_the_write(self) -> None:
        """Until the signal shot's pair has been triggered: erased, tracked, written; now it stores."""
        for _ in range(800):
            time.sleep(0.05)
            timing = [message for _, role, message in self.laboratory.wire if role == "timing"]
            armed = [i for i, message in enumerate(timing) if "BURM 1" in message]
            if armed and any("*TRG" in message for message in timing[armed[0] :]):
                time.sleep(0.3)
                return
        self.process.kill()
        raise AssertionError("the run never got to its storage")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Interrupted]:
    """Three at once: each waits for its own clock most of the time."""
    cases = {"once": (signal.SIGINT, 1), "twice": (signal.SIGINT, 2), "SIGTERM": (signal.SIGTERM, 1)}
    started = {name: Interrupted(tmp_path_factory.mktemp(name) / "lab", *case) for name, case in cases.items()}
    for each in started.values():
        each.finish()
    return started


@pytest.mark.parametrize("case", ["once", "twice", "SIGTERM"])
def test_an_interruption_acts_at_once_and_keeps_whole_shots(runs: dict[str, Interrupted], case: str) -> None:
    run = runs[case]
    assert run.ended.code == 1
    assert run.seconds < 10  # of the 20 s that it would have waited
    assert run.ended.document["exit_status"] == "abort"
    assert "interrupted by" in run.ended.err
    (folder,) = run.laboratory.runs
    recorded = open_run(folder)
    assert recorded.stop is not None
    assert recorded.stop["exit_status"] == "abort"
    kinds = [event["shot_kind"] for event in recorded.rows("primary")]
    assert kinds == ["reference background", "reference"]  # whole shots only, and all of them
    assert len(recorded.trace("primary", "polarimeter_trace", 1)) == 10_000


def test_the_pump_gate_closes_before_the_lasers_go_off_and_then_the_coil_goes_to_its_safe_value(
    runs: dict[str, Interrupted],
) -> None:
    wire = [(role, message) for _, role, message in runs["once"].laboratory.wire]
    last_trigger = max(i for i, (_, message) in enumerate(wire) if "*TRG" in message)
    safe = wire[last_trigger + 1 :]
    gate = _first(safe, "timing", "LPOL 1,1")
    pump, probe = _first(safe, "pump", "LDON 0"), _first(safe, "probe", "LDON 0")
    coil = _first(safe, "coil", ":SOUR:CURR 0.0")
    assert gate < pump < probe < coil
    assert json.loads(runs["once"].ended.out)["problem"].startswith("interrupted by Ctrl-C")


def _first(messages: list[tuple[str, str]], role: str, text: str) -> int:
    return next(i for i, (who, message) in enumerate(messages) if who == role and text in message)
