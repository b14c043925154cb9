"""Ctrl-C at every moment: real signals on the wall clock in another process, and the parts by themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from spinlab.clock import wall_seconds
from spinlab.interruption import STOPPING, Interruption, uninterrupted

pytestmark = pytest.mark.timeout(20)

PROGRAM = """
import json, os, signal, sys, threading
import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import RunEngineInterrupted
from spinlab.clock import WallClock, wall_seconds
from spinlab.engine import LabEngine

clock = WallClock()
engine = LabEngine(clock)
told = []
engine.subscribe(lambda name, doc: told.append(doc), "stop")

def say(word):
    print(word, flush=True)
    yield from bps.null()

def cleanup():
    yield from say("cleaning")
    yield from bps.sleep(CLEANUP)
    yield from say("clean")

@bpp.run_decorator()
def plan():
    def hold():
        yield from say("holding")
        yield from bps.sleep(30)
    yield from bpp.finalize_wrapper(hold(), cleanup)

start = wall_seconds()
outcome = "finished"
with engine.interruption:
    BEFORE
    try:
        engine(plan())
    except RunEngineInterrupted:
        outcome = "interrupted"
    AFTER
stop = told[-1] if told else {}
print(json.dumps({"outcome": outcome, "by": engine.interrupted_by, "status": stop.get("exit_status"),
    "reason": stop.get("reason"), "state": str(engine.state), "seconds": wall_seconds() - start,
    "count": engine.interruption.count}))
clock.close()
"""


def start(cleanup: float = 0.0, before: str = "pass", after: str = "pass") -> subprocess.Popen[str]:
    code = PROGRAM.replace("CLEANUP", str(cleanup)).replace("BEFORE", before).replace("AFTER", after)
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )


def await_line(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == word:
            return
    pytest.fail(f"the process ended before it said {word!r}: {process.communicate()[1]}")


def ending(process: subprocess.Popen[str]) -> tuple[list[str], dict[str, object], str]:
    import json

    out, err = process.communicate(timeout=15)
    lines = out.splitlines()
    return lines[:-1], json.loads(lines[-1]), err


@pytest.mark.parametrize(("number", "by"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_one_signal_ends_a_long_hold_at_once_and_finalizers_run(number: signal.Signals, by: str) -> None:
    process = start()
    await_line(process, "holding")
    process.send_signal(number)
    lines, result, err = ending(process)
    assert lines == ["cleaning", "clean"]
    assert result["seconds"] < 3  # type: ignore[operator]
    assert (result["outcome"], result["by"], result["state"]) == ("interrupted", by, "idle")
    assert (result["status"], result["reason"]) == ("abort", f"interrupted by {by}")
    assert err == ""


def test_more_ctrl_c_do_not_break_the_clean_up() -> None:
    process = start(cleanup=0.3)
    await_line(process, "holding")
    process.send_signal(signal.SIGINT)
    await_line(process, "cleaning")
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        threading.Event().wait(0.05)
    lines, result, err = ending(process)
    assert lines == ["clean"]
    assert (result["status"], result["reason"]) == ("abort", "interrupted by Ctrl-C")
    assert result["count"] == 4
    assert err == f"{STOPPING}\n"


def test_ctrl_c_before_the_plan_exists_lets_nothing_start() -> None:
    lines, result, err = ending(start(before="signal.raise_signal(signal.SIGINT)"))
    assert lines == []
    assert (result["outcome"], result["by"], result["status"]) == ("interrupted", "Ctrl-C", None)
    assert err == ""


def test_ctrl_c_after_the_run_does_not_break_the_safe_state() -> None:
    process = start(after="signal.raise_signal(signal.SIGINT); print('safe', flush=True)")
    await_line(process, "holding")
    process.send_signal(signal.SIGINT)
    lines, result, err = ending(process)
    assert lines == ["cleaning", "clean", "safe"]
    assert result["count"] == 2
    assert err == f"{STOPPING}\n"


def test_the_first_request_ends_the_run_and_the_handlers_are_put_back() -> None:
    asked: list[str] = []
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    interruption = Interruption(asked.append)
    with interruption, interruption:
        os.kill(os.getpid(), signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    assert asked == ["Ctrl-C"]
    assert interruption.by == "Ctrl-C"
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    with interruption:
        assert interruption.by is None


def test_uninterrupted_work_is_finished_before_ctrl_c_arrives(capfd: pytest.CaptureFixture[str]) -> None:
    finished = False

    def work() -> None:
        nonlocal finished
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            finished = True

    with pytest.raises(KeyboardInterrupt):
        work()
    assert finished
    assert capfd.readouterr().err == f"{STOPPING}\n"


def test_within_an_interruption_put_off_signals_go_to_it() -> None:
    asked: list[str] = []
    with Interruption(asked.append):
        with uninterrupted() as deferred:
            signal.raise_signal(signal.SIGTERM)
            assert asked == []
        assert deferred.by == "SIGTERM"
        assert asked == ["SIGTERM"]


def test_on_another_thread_no_handler_is_installed() -> None:
    trouble: list[BaseException] = []

    def work() -> None:
        try:
            with Interruption(lambda by: None), uninterrupted():
                pass
        except BaseException as error:
            trouble.append(error)

    start = wall_seconds()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(5)
    assert not trouble
    assert wall_seconds() - start < 5
