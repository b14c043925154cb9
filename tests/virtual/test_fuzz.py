"""Whatever bytes come: no exception gets out, and no message leaves anything behind in the next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sims.dg645 import DG645
from sims.dmm6500 import DMM6500
from sims.dmm7510 import DMM7510
from sims.keithley6221 import Keithley6221
from sims.lakeshore336 import Lakeshore336
from sims.ldc500 import LDC500
from sims.oven import Oven, ThermalMass
from spinlab.virtual.instrument import Instrument
from spinlab.virtual.schedule import Schedule
from tests.sims.inputs import Ramp
from tests.virtual.hand_clock import HandClock, Lamp


def ignore(time: float, level: float) -> None:
    assert np.isfinite(time)
    assert np.isfinite(level)


MODELS: dict[str, Callable[[], Instrument]] = {
    "lamp": lambda: Lamp(Schedule(HandClock())),
    "6221": lambda: Keithley6221(Schedule(HandClock()), ignore),
    "LDC500": lambda: LDC500(Schedule(HandClock()), "LDC502", ignore),
    "DMM7510": lambda: DMM7510(Schedule(HandClock()), Ramp()),
    "DMM6500": lambda: DMM6500(Schedule(HandClock()), Ramp()),
    "DG645": lambda: DG645(Schedule(HandClock())),
    "336": lambda: Lakeshore336(Schedule(HandClock()), Oven(ThermalMass(200.0, 0.25, 296.0), 488.0), lambda: 0.0),
}
ARGUMENTS = st.sampled_from(
    "0 1 -1 2 10 1e-3 1e9 1e999 -1e999 nan INF MAX MIN DEF ON OFF 'x' \"defbuffer1\" 'defbuffer1' ARB0 AUTO READ "
    "#13abc #0xyz #H1F #9 #3 (@1,2) (@3) (@) A 0 , ,, ' \" ; : ? * EXT NONE CONT ONCE 99999999999999999999 ² 1_0 1e".split()
)


def messages(model: Instrument) -> st.SearchStrategy[str]:
    """Messages made of the model's own headers and of all kinds of arguments, well or badly put together."""
    headers = sorted({each.pattern.replace("[", "").replace("]", "").replace("#", "1") for each in model.commands})
    unit = st.tuples(st.sampled_from(headers), st.sampled_from([" ", "", "  "]), st.lists(ARGUMENTS, max_size=4))
    written = unit.map(lambda parts: parts[0] + parts[1] + ",".join(parts[2]))
    return st.lists(st.one_of(written, st.text(max_size=10)), min_size=1, max_size=4).map(";:".join)


@pytest.mark.parametrize("name", MODELS)
def test_any_message_is_survived(name: str) -> None:
    boxes = [MODELS[name]()]

    @settings(max_examples=150)
    @given(messages(boxes[0]), st.binary(max_size=40))
    def survive(message: str, noise: bytes) -> None:
        box = boxes[0]
        box.receive(message.encode("latin-1", "replace"))
        box.receive(noise)
        assert isinstance(box.schedule.clock, HandClock)
        box.schedule.clock.time += 0.01
        box.schedule.catch_up()

    survive()


@settings(max_examples=150)
@given(st.text(alphabet="SOURcebrig:;?*, #'\"19\n", max_size=40))
def test_no_message_changes_what_the_next_one_means(message: str) -> None:
    box = Lamp(Schedule(HandClock()))
    box.receive(message.encode())
    box.receive(b"*CLS")
    assert box.receive(b"SOUR:BRIG 1;BRIG?;:SYST:ERR?") == b'1;0,"No error"'
