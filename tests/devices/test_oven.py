"""The oven device on the twin bench, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bluesky.plan_stubs import mv
from bluesky.plans import count
from bluesky.utils import FailedStatus

from spinlab.errors import BadInput, InstrumentError
from spinlab.session import Session
from tests.laboratory import session


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Session]:
    with session(tmp_path) as opened:
        yield opened


def test_connecting_leaves_the_temperature_alone_and_sets_the_limit(laboratory: Session) -> None:
    oven, bench = laboratory.devices["oven"], laboratory.bench
    assert oven.setpoint.get() == pytest.approx(488.15)
    assert oven.temperature.get() == pytest.approx(488.15, abs=0.01)
    assert oven.link.query("TLIMIT? A") == "+523.000"
    assert bench.cell_temperature(laboratory.clock.now()) == 488.15
    assert oven.link.exchanges <= 5


def test_a_move_is_over_when_the_cell_has_settled(laboratory: Session) -> None:
    oven = laboratory.devices["oven"]
    begun = laboratory.clock.now()
    laboratory.engine(mv(oven, 493.15))
    now = laboratory.clock.now()
    assert 30.0 < now - begun < 600.0
    assert laboratory.bench.cell_temperature(now) == pytest.approx(493.15, abs=0.1)


def test_a_move_that_does_not_come_to_an_end_fails_on_the_clock(laboratory: Session) -> None:
    oven = laboratory.devices["oven"]
    oven.link.write("RANGE 1,0")
    begun = laboratory.clock.now()
    with pytest.raises(FailedStatus) as caught:
        laboratory.engine(mv(oven, 500.0))
    assert "is the heater on" in str(caught.value.args[0].exception())
    assert laboratory.clock.now() - begun == pytest.approx(3600.0, abs=5.0)


def test_readings_are_events_with_the_clock_s_time(laboratory: Session) -> None:
    seen: list[float] = []
    laboratory.engine(
        count([laboratory.devices["oven"]], num=3),
        lambda name, document: seen.append(document["data"]["oven_temperature"]) if name == "event" else None,
    )
    assert seen == pytest.approx([488.15] * 3, abs=0.01)


def test_another_move_ends_the_one_under_way(laboratory: Session) -> None:
    oven = laboratory.devices["oven"]
    first = oven.set(490.0)
    second = oven.set(488.15)
    assert first.done
    assert "meanwhile" in str(first.exception())
    assert not second.done


@pytest.mark.parametrize("temperature", [523.0, 600.0, 0.0, -1.0, float("nan")])
def test_a_temperature_beyond_the_limit_is_refused_before_any_message(laboratory: Session, temperature: float) -> None:
    oven = laboratory.devices["oven"]
    before = oven.link.exchanges
    with pytest.raises(BadInput, match="limit"):
        oven.set(temperature)
    assert oven.link.exchanges == before


def test_a_sensor_that_reads_nothing_is_an_error(laboratory: Session) -> None:
    oven = laboratory.devices["oven"]
    oven.link.write("INTYPE A,0")
    with pytest.raises(InstrumentError, match="invalid reading"):
        oven.trigger()


def test_the_end_of_a_session_leaves_the_oven_hot_and_its_safe_state_is_the_heater_off(tmp_path: Path) -> None:
    with session(tmp_path) as opened:
        controller = opened.bench.instruments["oven"]
    assert controller.receive(b"RANGE? 1") == b"3"
    with session(tmp_path) as opened:
        opened.devices["oven"].make_safe()
        assert opened.devices["oven"].link.query("RANGE? 1") == "0"
