"""Real plans on a real RunEngine in virtual time."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from bluesky import Msg
from bluesky.run_engine import RunEngine, WaitForTimeoutError
from bluesky.suspenders import SuspendBoolHigh
from bluesky.utils import FailedStatus, RunEngineInterrupted
from ophyd import Signal
from ophyd.status import AndStatus, Status

from spinlab.clock import Clock, VirtualClock, WallClock, wall_seconds
from spinlab.engine import PATIENCE_S, PRIVATE, Document, LabEngine, explain
from spinlab.errors import Deadlock, RunFailed

pytestmark = pytest.mark.timeout(20)

Plan = Iterator[Msg]
Documents = list[tuple[str, Document]]


class Ramp:
    """A device that takes ``seconds`` to reach a value; never, if None."""

    parent = None

    def __init__(self, clock: Clock, name: str, seconds: float | None) -> None:
        self.clock, self.name, self.seconds = clock, name, seconds
        self.value = 0.0

    def set(self, value: float) -> Any:
        self.value = value
        status = self.clock.status(self.name, "ramp done")
        if self.seconds is not None:
            self.clock.call_later(self.seconds, status.finish)
        return status

    def read(self) -> dict[str, Any]:
        self.clock.spend(0.001)
        return {self.name: {"value": self.value, "timestamp": self.clock.timestamp()}}

    def describe(self) -> dict[str, Any]:
        return {self.name: {"source": self.name, "dtype": "number", "shape": []}}

    def read_configuration(self) -> dict[str, Any]:
        return {}

    describe_configuration = read_configuration


class Forgetful(Ramp):
    """Returns a plain Ophyd status that nobody finishes."""

    def set(self, value: float) -> Any:
        return Status(obj=self)


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    clock = VirtualClock()
    yield clock
    clock.close()


@pytest.fixture
def engine(clock: VirtualClock) -> LabEngine:
    return LabEngine(clock)


@pytest.fixture
def documents(engine: LabEngine) -> Documents:
    found: Documents = []
    engine.subscribe(lambda name, doc: found.append((name, doc)))
    return found


def stop_of(documents: Documents) -> Document:
    return next(doc for name, doc in documents if name == "stop")


def wall_wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def watch(clock: VirtualClock, period: float = 0.05) -> list[float]:
    """A watcher, as the bench has: a background timer that books itself again."""
    seen: list[float] = []

    def look() -> None:
        seen.append(clock.now())
        clock.call_later(period, look, background=True)

    clock.call_later(period, look, background=True)
    return seen


# -- time


def test_idle_the_clock_stands_still_with_a_watcher_armed(engine: LabEngine, clock: VirtualClock) -> None:
    seen = watch(clock)
    wall_wait(0.2)
    assert clock.now() == 0.0
    engine(bps.sleep(1.0))
    assert clock.now() == pytest.approx(1.0)
    looked = len(seen)
    wall_wait(0.2)
    assert clock.now() == pytest.approx(1.0)
    assert len(seen) == looked


def test_paused_the_clock_stands_still_and_resuming_goes_on(engine: LabEngine, clock: VirtualClock) -> None:
    seen = watch(clock)
    coil = Ramp(clock, "coil", 20.0)

    def plan() -> Plan:
        yield from bps.checkpoint()
        yield from bps.mv(coil, 1.0)
        yield from bps.checkpoint()
        yield from bps.pause()
        yield from bps.mv(coil, 2.0)

    with pytest.raises(RunEngineInterrupted):
        engine(plan())
    assert engine.state == "paused"
    at, looked = clock.now(), len(seen)
    wall_wait(0.2)
    assert (clock.now(), len(seen)) == (at, looked)
    engine.resume()
    assert clock.now() == pytest.approx(at + 20.0)


def test_aborting_from_a_pause_runs_finalizers_in_virtual_time(
    engine: LabEngine, clock: VirtualClock, capfd: pytest.CaptureFixture[str], documents: Documents
) -> None:
    watch(clock)
    safe = Ramp(clock, "coil", 60.0)

    @bpp.run_decorator()
    @bpp.finalize_decorator(lambda: bps.mv(safe, 0.0))
    def plan() -> Plan:
        yield from bps.checkpoint()
        yield from bps.pause()

    with pytest.raises(RunEngineInterrupted):
        engine(plan())
    at = clock.now()
    engine.abort("no more helium")
    assert clock.now() == pytest.approx(at + 60.0)
    assert (stop_of(documents)["exit_status"], stop_of(documents)["reason"]) == ("abort", "no more helium")
    wall_wait(0.05)
    assert clock.now() == pytest.approx(at + 60.0)
    assert capfd.readouterr() == ("", "")


def test_between_an_abort_and_its_clean_up_time_stands_still(engine: LabEngine, clock: VirtualClock) -> None:
    watch(clock)
    with pytest.raises(RunEngineInterrupted):
        engine(Msg("pause") for _ in range(1))
    asyncio.run_coroutine_threadsafe(engine._abort_coro("slow"), clock.loop).result()
    wall_wait(0.1)
    assert clock.now() == 0.0
    engine._resume_task()
    assert engine.state == "idle"


def test_two_devices_in_a_group_overlap(engine: LabEngine, clock: VirtualClock) -> None:
    engine(bps.mv(Ramp(clock, "coil", 20.0), 1, Ramp(clock, "oven", 5.0), 2))
    assert clock.now() == 20.0


def test_a_time_out_of_an_hour_does_not_hurry_a_device_of_twenty_seconds(
    engine: LabEngine, clock: VirtualClock
) -> None:
    def plan() -> Plan:
        yield from bps.abs_set(Ramp(clock, "coil", 20.0), 1, group="g")
        yield from bps.wait("g", timeout=3600)

    engine(plan())
    assert clock.now() == 20.0


def test_a_time_out_of_twenty_seconds_ends_the_wait_for_an_hour(engine: LabEngine, clock: VirtualClock) -> None:
    def plan() -> Plan:
        yield from bps.abs_set(Ramp(clock, "coil", 3600.0), 1, group="g")
        yield from bps.wait("g", timeout=20)

    with pytest.raises(WaitForTimeoutError):
        engine(plan())
    assert clock.now() == 20.0


def test_a_thousand_hours_take_no_time(engine: LabEngine, clock: VirtualClock) -> None:
    start = wall_seconds()
    engine(Msg("sleep", None, 3600.0) for _ in range(1000))
    assert clock.now() == 3.6e6
    assert wall_seconds() - start < 1.0


def test_a_suspender_waits_its_delay_in_virtual_time(engine: LabEngine, clock: VirtualClock) -> None:
    """The lock comes back by a watcher alone: background timers count while a plan is suspended."""
    lock_lost = Signal(name="lock_lost", value=False)
    engine.install_suspender(SuspendBoolHigh(lock_lost, sleep=30))
    clock.call_later(10.0, lambda: lock_lost.put(True))
    clock.call_later(100.0, lambda: lock_lost.put(False), background=True)

    def plan() -> Plan:
        yield from bps.checkpoint()
        yield from bps.sleep(20)

    engine(plan())
    assert clock.now() == 150.0  # 10 s lost, 100 s back, 30 s delay, and the 20 s again from the checkpoint


def test_a_plan_begins_when_a_tripped_suspender_lets_it_and_prints_nothing(
    engine: LabEngine, clock: VirtualClock, capfd: pytest.CaptureFixture[str]
) -> None:
    lock_lost = Signal(name="lock_lost", value=False)
    engine.install_suspender(SuspendBoolHigh(lock_lost))
    lock_lost.put(True)
    clock.call_later(50.0, lambda: lock_lost.put(False), background=True)
    engine(bps.sleep(20))
    assert clock.now() == 70.0
    assert capfd.readouterr() == ("", "")


def test_on_another_thread_than_the_main_one_plans_run_too(engine: LabEngine, clock: VirtualClock) -> None:
    thread = threading.Thread(target=engine, args=(bps.sleep(5),))
    thread.start()
    thread.join(5)
    assert clock.now() == 5.0


# -- failures


def test_a_status_that_nobody_finishes_is_reported_by_name(
    engine: LabEngine, clock: VirtualClock, documents: Documents
) -> None:
    watch(clock)
    cleaned: list[float] = []

    @bpp.run_decorator()
    def plan() -> Plan:
        try:
            yield from bps.mv(Ramp(clock, "coil", None), 1, Ramp(clock, "oven", 3.0), 1)
        finally:
            yield from bps.sleep(2)
            cleaned.append(clock.now())

    with pytest.raises(FailedStatus) as caught:
        engine(plan())
    assert isinstance(caught.value.__cause__, Deadlock)
    assert "coil: ramp done" in explain(caught.value)
    assert "oven" not in explain(caught.value)
    assert cleaned == [pytest.approx(5.0)]
    stop = stop_of(documents)
    assert stop["exit_status"] == "fail"
    assert "coil: ramp done" in stop["reason"]


def test_a_cancelled_timer_keeps_no_plan_waiting(engine: LabEngine, clock: VirtualClock) -> None:
    watch(clock)
    clock.call_later(100.0, lambda: None).cancel()
    with pytest.raises(FailedStatus):
        engine(bps.mv(Ramp(clock, "coil", None), 1))
    assert clock.now() == 0.0


def test_a_foreign_status_is_reported_by_its_device(engine: LabEngine, clock: VirtualClock) -> None:
    with pytest.raises(FailedStatus) as caught:
        engine(bps.mv(Forgetful(clock, "shutter", None), 1))
    assert "shutter" in explain(caught.value)


def test_of_a_combined_status_the_missing_part_is_reported(engine: LabEngine, clock: VirtualClock) -> None:
    class Both(Ramp):
        def set(self, value: float) -> Any:
            return AndStatus(clock.sleep_status(5.0, "oven", "warm"), clock.status("coil", "ramp done"))

    with pytest.raises(FailedStatus) as caught:
        engine(bps.mv(Both(clock, "both", None), 1))
    assert "coil: ramp done" in explain(caught.value)
    assert "oven" not in explain(caught.value)


def test_a_bare_future_that_nobody_sets_ends_the_plan(engine: LabEngine, clock: VirtualClock) -> None:
    with pytest.raises(Deadlock, match="future"):
        engine(bps.wait_for([lambda: clock.loop.create_future()]))
    assert engine.state == "idle"


def test_with_only_watchers_left_a_bare_future_is_given_up_after_a_day(engine: LabEngine, clock: VirtualClock) -> None:
    watch(clock, period=600.0)
    with pytest.raises(Deadlock):
        engine(bps.wait_for([lambda: clock.loop.create_future()]))
    assert clock.now() == pytest.approx(PATIENCE_S)


def test_an_engine_goes_on_after_a_deadlock(engine: LabEngine, clock: VirtualClock) -> None:
    for _ in range(2):
        with pytest.raises(FailedStatus):
            engine(bps.mv(Ramp(clock, "coil", None), 1))
    engine(bps.mv(Ramp(clock, "coil", 4.0), 1))
    assert clock.now() == 4.0


def test_a_plan_may_catch_a_deadlock_and_go_on(engine: LabEngine, clock: VirtualClock) -> None:
    def plan() -> Plan:
        try:
            yield from bps.mv(Ramp(clock, "coil", None), 1)
        except FailedStatus:
            yield from bps.sleep(7)

    engine(plan())
    assert clock.now() == 7.0


def test_a_run_over_its_budget_fails_and_cleans_up() -> None:
    clock = VirtualClock(budget_s=1000.0)
    engine = LabEngine(clock)
    cleaned: list[float] = []

    def poll() -> None:
        clock.call_later(1.0, poll)

    def plan() -> Plan:
        poll()
        try:
            yield from bps.mv(Ramp(clock, "coil", None), 1)
        finally:
            yield from bps.sleep(50)
            cleaned.append(clock.now())

    engine(bps.sleep(900))
    with pytest.raises(RunFailed, match="budget of 1000 s"):
        engine(plan())
    assert cleaned == [pytest.approx(900 + 1000 + 50)]
    clock.close()


def test_exchanges_count_towards_the_budget() -> None:
    clock = VirtualClock(budget_s=10.0)
    engine = LabEngine(clock)

    def plan() -> Plan:
        while True:
            clock.spend(0.1)
            yield Msg("null")

    with pytest.raises(RunFailed, match="budget"):
        engine(plan())
    clock.close()


def test_a_device_that_raises_in_a_timer_fails_the_run_with_its_error(engine: LabEngine, clock: VirtualClock) -> None:
    def broken() -> None:
        raise ValueError("the wave has no points")

    clock.call_later(2.0, broken)
    with pytest.raises(ValueError, match="no points"):
        engine(bps.sleep(10))
    assert clock.now() == 2.0


def test_nothing_is_printed_by_a_run_that_fails(
    engine: LabEngine, clock: VirtualClock, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FailedStatus):
        engine(bps.mv(Ramp(clock, "coil", None), 1))
    assert capfd.readouterr() == ("", "")


def test_a_device_that_cannot_be_stopped_is_remembered(engine: LabEngine, clock: VirtualClock) -> None:
    class Stuck(Ramp):
        def stop(self, *, success: bool = True) -> None:
            raise RuntimeError("relay welded")

    engine(bps.mv(Stuck(clock, "coil", 1.0), 1))
    assert len(engine.mishaps) == 1
    assert "relay welded" in engine.mishaps[0]


def test_a_request_from_another_thread_ends_a_run_on_the_wall_clock() -> None:
    clock = WallClock()
    engine = LabEngine(clock)
    threading.Timer(0.1, engine.interruption.request, ["the door"]).start()
    with pytest.raises(RunEngineInterrupted):
        engine(bps.sleep(30))
    assert engine.interrupted_by == "the door"
    engine(bps.sleep(0.01))
    assert engine.interrupted_by is None
    clock.close()


def test_after_an_interruption_only_a_shielded_plan_runs(engine: LabEngine, clock: VirtualClock) -> None:
    with engine.interruption:
        clock.call_later(5.0, lambda: engine.interruption.request("Ctrl-C"))
        with pytest.raises(RunEngineInterrupted):
            engine(bps.sleep(30))
        with pytest.raises(RunEngineInterrupted):
            engine(bps.sleep(30))
        assert clock.now() == 5.0
        with engine.interruption.shielded():
            engine(bps.mv(Ramp(clock, "coil", 10.0), 0))
    assert clock.now() == 15.0
    assert engine.interrupted_by == "Ctrl-C"


# -- documents


def measure(clock: VirtualClock) -> Callable[[], Plan]:
    coil = Ramp(clock, "coil", 20.0)

    @bpp.run_decorator(md={"sample": "K-He"})
    def plan() -> Plan:
        for value in range(3):
            yield from bps.checkpoint()
            yield from bps.mv(coil, value)
            yield from bps.trigger_and_read([coil])
            if value == 1:
                yield from bps.checkpoint()
                yield from bps.pause()

    return plan


def test_documents_carry_the_clocks_time_and_two_engines_agree() -> None:
    def one_session() -> list[Document]:
        clock = VirtualClock("2026-01-01T00:00:00Z")
        engine = LabEngine(clock)
        found: list[Document] = []
        engine.subscribe(lambda name, doc: found.append({"name": name, **doc}))
        with pytest.raises(RunEngineInterrupted):
            engine(measure(clock)())
        engine.resume()
        clock.close()
        return found

    first, second = one_session(), one_session()
    keys = ("name", "time", "data", "timestamps", "clock", "exit_status")
    assert [{k: doc.get(k) for k in keys} for doc in first] == [{k: doc.get(k) for k in keys} for doc in second]
    start, stop = first[0], first[-1]
    assert start["time"] == start["clock"]["epoch"] == 1767225600.0
    assert start["clock"]["kind"] == "virtual"
    assert stop["time"] == pytest.approx(start["time"] + 60.003, abs=1e-6)
    assert all(start["time"] <= doc["time"] <= stop["time"] for doc in first)
    told = [doc for doc in first if "interruption" in doc.get("data", {})]
    assert [doc["data"]["interruption"] for doc in told] == ["pause", "resume"]
    assert all(doc["timestamps"]["interruption"] == doc["time"] for doc in told)


def test_a_recorder_hears_first_and_its_documents_replace_the_original(clock: VirtualClock) -> None:
    order: list[str] = []

    def recorder(name: str, doc: Document) -> Iterable[tuple[str, Document]]:
        if name == "event":
            yield "stream_datum", {"uid": "u", "of": doc["uid"]}
        yield name, {**doc, "seen": True}
        order.append(f"recorded {name}")

    engine = LabEngine(clock, recorder=recorder)
    found: Documents = []
    engine.subscribe(lambda name, doc: (order.append(f"told {name}"), found.append((name, doc))))

    @bpp.run_decorator()
    def plan() -> Plan:
        yield from bps.trigger_and_read([Ramp(clock, "coil", 1.0)])

    engine(plan())
    assert order[-5:] == ["recorded event", "told stream_datum", "told event", "recorded stop", "told stop"]
    assert all(doc["seen"] for name, doc in found if name != "stream_datum")


def test_a_recorder_that_raises_fails_the_run_and_nobody_hears_of_the_document(clock: VirtualClock) -> None:
    def recorder(name: str, doc: Document) -> Iterable[tuple[str, Document]]:
        if name == "event":
            raise OSError("disk full")
        return [(name, doc)]

    engine = LabEngine(clock, recorder=recorder)
    told: Documents = []
    engine.subscribe(lambda name, doc: told.append((name, doc)))

    @bpp.run_decorator()
    def plan() -> Plan:
        yield from bps.trigger_and_read([Ramp(clock, "coil", 1.0)])

    with pytest.raises(OSError, match="disk full"):
        engine(plan())
    assert "event" not in [name for name, _ in told]
    assert (stop_of(told)["exit_status"], stop_of(told)["reason"]) == ("fail", "disk full")


# -- Bluesky underneath


def test_bluesky_still_has_the_private_names_that_the_engine_uses(engine: LabEngine) -> None:
    assert [name for name in PRIVATE if not hasattr(engine, name)] == []
    for name in ("_wait", "_wait_for", "_input", "_close_run_trace"):
        assert list(inspect.signature(getattr(RunEngine, name)).parameters) == ["self", "msg"]
    assert list(inspect.signature(RunEngine._abort_coro).parameters) == ["self", "reason"]
    assert isinstance(engine._run_permit, asyncio.Event)


def test_importing_the_clock_is_light() -> None:
    import subprocess

    code = "import sys, spinlab.clock, spinlab.interruption; print({'ophyd', 'bluesky'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
