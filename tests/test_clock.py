"""The clocks by themselves: what moves time, what does not, and in which order things happen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from spinlab.clock import Clock, VirtualClock, WallClock, wall_seconds
from spinlab.errors import BadInput

pytestmark = pytest.mark.timeout(20)


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    clock = VirtualClock()
    yield clock
    clock.close()


def run_in_thread(clock: Clock) -> threading.Thread:
    thread = threading.Thread(target=clock.loop.run_forever, daemon=True)
    thread.start()
    return thread


def wall_wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def test_an_hour_passes_at_once_while_a_permit_is_held(clock: VirtualClock) -> None:
    with clock.permit():
        clock.loop.run_until_complete(asyncio.sleep(3600))
    assert clock.now() == 3600.0


def test_without_a_permit_armed_timers_do_not_fire_and_time_stands_still(clock: VirtualClock) -> None:
    fired: list[float] = []
    run_in_thread(clock)
    clock.call_later(1.0, lambda: fired.append(clock.now()))
    wall_wait(0.2)
    assert clock.now() == 0.0
    assert not fired


def test_a_standing_clock_does_not_spin(clock: VirtualClock) -> None:
    turns = 0
    turn = clock.loop._turn

    def counted(idle: bool) -> bool:
        nonlocal turns
        turns += 1
        return turn(idle)

    clock.loop._selector._turn = counted  # type: ignore[attr-defined]
    run_in_thread(clock)
    clock.call_later(1.0, lambda: None)
    clock.call_later(0.0, lambda: None)
    wall_wait(0.2)
    assert turns < 10


def test_a_permit_taken_on_another_thread_wakes_the_clock(clock: VirtualClock) -> None:
    done = threading.Event()
    run_in_thread(clock)
    clock.call_later(100.0, done.set)
    with clock.permit():
        assert done.wait(5)
    assert clock.now() == 100.0


def test_an_exchange_while_idle_costs_time_but_fires_nothing(clock: VirtualClock) -> None:
    fired: list[float] = []
    run_in_thread(clock)
    clock.call_later(0.5, lambda: fired.append(clock.now()))
    clock.spend(2.0)
    wall_wait(0.05)
    assert clock.now() == 2.0
    assert not fired
    with clock.permit():
        wall_wait(0.05)
    assert fired == [2.0]


def test_a_permit_that_nobody_holds_cannot_be_given_back(clock: VirtualClock) -> None:
    with pytest.raises(RuntimeError):
        clock.release_permit()


def test_timers_of_the_same_time_run_in_the_order_of_booking(clock: VirtualClock) -> None:
    order: list[int] = []
    for number in range(50):
        clock.call_later(1.0, lambda number=number: order.append(number))  # type: ignore[misc]
    with clock.permit():
        clock.loop.run_until_complete(asyncio.sleep(1.0))
    assert order == list(range(50))


def test_timers_are_due_exactly_even_after_decades(clock: VirtualClock) -> None:
    times: list[float] = []
    clock.spend(1e9 / 3)
    due = [clock.loop.time() + 0.1 * number for number in range(1, 100)]
    for when in due:
        clock.loop.call_at(when, lambda: times.append(clock.now()))
    with clock.permit():
        clock.loop.run_until_complete(asyncio.sleep(11))
    assert times == due


def test_a_cancelled_timer_neither_fires_nor_is_kept(clock: VirtualClock) -> None:
    fired: list[int] = []
    timers = [clock.call_later(1e6 + number, lambda: fired.append(1)) for number in range(5000)]
    for timer in timers:
        timer.cancel()
    assert len(clock.loop._timers) < 500
    with clock.permit():
        clock.loop.run_until_complete(asyncio.sleep(2e6))
    assert not fired


def test_a_timer_cancelled_by_another_of_the_same_time_does_not_fire(clock: VirtualClock) -> None:
    fired: list[str] = []
    clock.call_later(1.0, lambda: second.cancel())
    second = clock.call_later(1.0, lambda: fired.append("second"))
    with clock.permit():
        clock.loop.run_until_complete(asyncio.sleep(2))
    assert not fired


def test_time_stands_still_while_a_thread_works(clock: VirtualClock) -> None:
    async def ask_a_thread() -> float:
        await clock.loop.run_in_executor(None, wall_wait, 0.05)
        return clock.now()

    clock.call_later(1.0, lambda: None)
    with clock.permit():
        assert clock.loop.run_until_complete(ask_a_thread()) == 0.0
    clock.loop.run_until_complete(clock.loop.shutdown_default_executor())


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_duration_that_is_none_is_refused(clock: VirtualClock, seconds: float) -> None:
    with pytest.raises(ValueError, match="duration"):
        clock.spend(seconds)
    with pytest.raises(ValueError, match="duration"):
        clock.call_later(seconds, lambda: None)


def test_the_virtual_clock_has_the_date_it_was_given() -> None:
    for epoch in ("2026-01-01T00:00:00Z", "2026-01-01", "2026-01-01T01:00:00+01:00"):
        clock = VirtualClock(epoch)
        clock.spend(0.5)
        assert clock.timestamp() == 1767225600.5
        assert clock.describe() == {"kind": "virtual", "epoch": 1767225600.0}
        clock.close()
    with pytest.raises(BadInput, match="yesterday"):
        VirtualClock("yesterday")


def test_an_observer_hears_of_time_until_it_ends(clock: VirtualClock) -> None:
    seen: list[float] = []
    end = clock.observe(seen.append, interval=0.0)
    with clock.permit():
        clock.loop.run_until_complete(asyncio.sleep(7))
        end()
        clock.loop.run_until_complete(asyncio.sleep(7))
    assert seen == [7.0]


def test_an_hour_costs_a_few_turns_of_a_stock_loop(clock: VirtualClock) -> None:
    async def sleeps(number: int, seconds: float) -> None:
        for _ in range(number):
            await asyncio.sleep(seconds)

    stock = asyncio.new_event_loop()
    with clock.permit():
        jumps = min(timed(lambda: clock.loop.run_until_complete(sleeps(1000, 3600))) for _ in range(5))
    turns = min(timed(lambda: stock.run_until_complete(sleeps(1000, 0))) for _ in range(5))
    stock.close()
    assert jumps < 30 * turns


def timed(work) -> float:  # type: ignore[no-untyped-def]
    start = wall_seconds()
    work()
    return wall_seconds() - start


def test_a_sleep_status_finishes_by_itself_unless_stopped_before(clock: VirtualClock) -> None:
    first, second = clock.sleep_status(3.0), clock.sleep_status(5.0, "coil", "ramp done")
    second.set_finished()
    with clock.permit():
        clock.loop.run_until_complete(asyncio.sleep(4))
        assert first.success
        clock.loop.run_until_complete(asyncio.sleep(4))
    assert str(second) == "coil: ramp done"


def test_closing_twice_or_while_running_is_harmless() -> None:
    for clock in (VirtualClock(), WallClock()):
        thread = run_in_thread(clock)
        clock.loop.call_soon_threadsafe(clock.loop.create_task, asyncio.sleep(100))
        clock.close()
        clock.close()
        thread.join(5)
        assert clock.loop.is_closed()


def test_the_wall_clock_really_waits_and_its_timers_work_from_any_thread() -> None:
    clock = WallClock()
    fired = threading.Event()
    cancelled = threading.Event()
    run_in_thread(clock)
    start = clock.now()
    clock.call_later(0.05, cancelled.set).cancel()
    clock.call_later(0.05, fired.set)
    assert fired.wait(5)
    assert 0.05 <= clock.now() - start < 1
    clock.spend(0.02)
    assert clock.now() - start >= 0.07
    assert not cancelled.is_set()
    assert abs(clock.timestamp() - clock.epoch - clock.now()) < 0.5
    clock.close()


def test_the_wall_clock_feeds_an_observer() -> None:
    clock = WallClock()
    heard = threading.Event()
    run_in_thread(clock)
    end = clock.observe(lambda now: heard.set(), interval=0.01)
    assert heard.wait(5)
    end()
    clock.close()
