"""Ctrl-C in the middle of a real wait: at once, in the declared order, and nothing measured is lost."""

from __future__ import annotations

import json
import signal
import subprocess
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
        profile = self.laboratory.write("slow.toml", "", extends="sim-realtime.toml")
        process = self.laboratory.start(*WAITING, "--json", "--profile", str(profile))
        self._wait_for_the_write(process)
        began = time.monotonic()
        for _ in range(times):
            process.send_signal(number)
            time.sleep(0.05)
        self.ended: Ended = end(process)
        self.seconds = time.monotonic() - began

    def _wait_for_the_write(self, process: subprocess.Popen[str]) -> None:
        """Until the signal shot's pair has been triggered: erased, tracked, written; now it stores."""
        for _ in range(600):
            time.sleep(0.05)
            triggers = [message for _, role, message in self.laboratory.wire if role == "timing" and "*TRG" in message]
            if any("BURM 1" in message for _, role, message in self.laboratory.wire) and len(triggers) >= 6:
                time.sleep(0.3)
                return
        process.kill()
        raise AssertionError("the run never got to its storage")


@pytest.mark.parametrize(("number", "times"), [(signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGTERM, 1)])
def test_an_interruption_acts_at_once_and_leaves_the_laboratory_safe(
    tmp_path: Path, number: signal.Signals, times: int
) -> None:
    run = Interrupted(tmp_path / "lab", number, times)
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


def test_the_pump_gate_closes_before_the_laser_goes_off_and_then_the_coil_is_put_to_its_safe_value(
    tmp_path: Path,
) -> None:
    run = Interrupted(tmp_path / "lab", signal.SIGINT, 1)
    after = [(role, message) for _, role, message in run.laboratory.wire]
    last_trigger = max(i for i, (_, message) in enumerate(after) if "*TRG" in message)
    safe = after[last_trigger + 1 :]
    gate = _first(safe, "timing", "LPOL 1,1")
    pump, probe = _first(safe, "pump", "LDON 0"), _first(safe, "probe", "LDON 0")
    coil = _first(safe, "coil", ":SOUR:CURR 0.0")
    assert gate < pump < probe < coil
    assert json.loads(run.ended.out)["problem"].startswith("interrupted by Ctrl-C")


def _first(messages: list[tuple[str, str]], role: str, text: str) -> int:
    return next(i for i, (who, message) in enumerate(messages) if who == role and text in message)
