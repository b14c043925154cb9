"""The SRS DG645 as its manual has it: delays, links, polarity, triggers, bursts, prescalers."""

from __future__ import annotations

import pytest

from sims.dg645 import DG645
from tests.sims.wires import Bench
from tests.virtual.hand_clock import ask

Edges = list[tuple[float, bool]]


class Timing(Bench):
    """The generator with a listener on every output."""

    def __init__(self) -> None:
        super().__init__()
        self.box = DG645(self.schedule)
        self.edges: dict[str, Edges] = {}
        for output in ("T0", "AB", "CD", "EF", "GH"):
            edges = self.edges[output] = []
            self.box.connect(output, lambda time, high, edges=edges: edges.append((time, high)))

    def ask(self, message: str) -> str | None:
        return ask(self.box, message)

    def error(self) -> str | None:
        return self.ask("LERR?")


@pytest.fixture
def timing() -> Timing:
    return Timing()


def approximately(edges: Edges) -> Edges:
    return [(pytest.approx(time, abs=1e-12), high) for time, high in edges]


def test_delays_are_kept_to_five_picoseconds_and_answered_with_twelve_decimals(timing: Timing) -> None:
    assert timing.ask("DLAY 2,0,0.00157;DLAY?2") == "0,+0.001570000000"
    assert timing.ask("DLAY3,2, -3e-12 ;DLAY? 3") == "2,-0.000000000005"
    assert timing.ask("dlay 4,0,1999.999999999995;DLAY?4") == "0,+1999.999999999995"
    assert timing.error() == "0"


def test_an_output_is_active_from_its_first_delay_to_its_second(timing: Timing) -> None:
    timing.ask("DLAY 2,0,1e-3;DLAY 3,2,5e-3;DLAY 6,0,0.5;DLAY 7,6,10e-6;LPOL 3,0")
    assert timing.edges["EF"] == [(0.0, True)]  # idle high from now on
    timing.clock.time = 2.0
    timing.ask("*TRG")
    timing.wait_until(10.0)
    assert timing.edges["AB"] == approximately([(2.001, True), (2.006, False)])
    assert timing.edges["EF"][1:] == approximately([(2.5, False), (2.50001, True)])
    assert timing.edges["T0"] == approximately([(2.0, True), (2.50001, False)])
    assert timing.edges["CD"] == []  # zero width is no pulse


def test_links_move_together(timing: Timing) -> None:
    timing.ask("DLAY 2,0,1;DLAY 3,2,1e-6;DLAY 4,3,2;LINK?4;DLAY 5,4,1;DLAY 2,0,2;*TRG")
    timing.wait_until(10.0)
    assert timing.edges["CD"] == approximately([(4.000001, True), (5.000001, False)])


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("DLAY 2,0,2001", "12"),
        ("DLAY 2,0,-1e-9", "12"),
        ("DLAY 2,2,0", "13"),
        ("DLAY 2,3,0;DLAY 3,2,0", "13"),
        ("DLAY 0,2,0", "13"),
        ("DLAY 2,0,1500;DLAY 3,2,1500", "12"),
        ("DLAY 2,0", "116"),
        ("DLAY 2,0,1,1", "115"),
        ("LPOL 5,1", "10"),
        ("XXXX", "111"),
        ("*TRG 3", "115"),
        ("TSRC 0;*TRG", "11"),
        ("LERR 1", "113"),
    ],
)
def test_errors_are_in_lerr_and_gone_once_read(timing: Timing, message: str, error: str) -> None:
    timing.ask(message)
    assert timing.error() == error
    assert timing.error() == "0"


def test_a_refused_delay_changes_nothing(timing: Timing) -> None:
    timing.ask("DLAY 2,0,1;DLAY 3,2,-2")
    assert timing.error() == "12"
    assert timing.ask("DLAY?3") == "0,+0.000000000000"


def test_a_trigger_during_a_cycle_is_ignored_and_noted(timing: Timing) -> None:
    timing.ask("DLAY 2,0,1;DLAY 3,0,2;*TRG")
    timing.wait_until(0.5)
    timing.ask("*TRG")
    timing.wait_until(10.0)
    assert len(timing.edges["AB"]) == 2
    assert timing.ask("INSR?") == str(1 + 2 + 4)
    assert timing.ask("INSR?") == "0"


def test_polarity_turns_the_idle_level_and_the_pulse(timing: Timing) -> None:
    timing.ask("DLAY 2,0,1;DLAY 3,0,2;LPOL 1,0;*TRG;LPOL?1")
    timing.wait_until(10.0)
    assert timing.edges["AB"] == approximately([(0.0, True), (1.0, False), (2.0, True)])
    timing.ask("LPOL 1,1")
    assert timing.edges["AB"][-1] == (10.0, False)
    assert not timing.box.level("AB")


def test_a_burst_repeats_the_cycle_and_a_prescaler_picks_from_it(timing: Timing) -> None:
    timing.ask("DLAY 2,0,1e-3;DLAY 3,2,1e-3;DLAY 4,0,1e-3;DLAY 5,4,1e-3;ADVT 1;PRES 2,2;PHAS 2,0")
    timing.ask("BURM 1;BURC 3;BURP 10;BURD 0.5;*TRG")
    assert timing.error() == "0"
    timing.wait_until(100.0)
    assert [time for time, high in timing.edges["AB"] if high] == pytest.approx([0.501, 10.501, 20.501])
    assert [time for time, high in timing.edges["CD"] if high] == pytest.approx([0.501, 20.501])
    timing.ask("*TRG")  # the counter begins anew
    timing.wait_until(200.0)
    assert [time for time, high in timing.edges["CD"] if high][2:] == pytest.approx([100.501, 120.501])


def test_without_advanced_triggering_a_prescaler_does_nothing(timing: Timing) -> None:
    timing.ask("DLAY 5,0,1e-3;PRES 2,2;BURM 1;BURC 2;BURP 1;*TRG")
    timing.wait_until(10.0)
    assert len(timing.edges["CD"]) == 4


def test_t0_may_show_the_first_cycle_of_a_burst_only(timing: Timing) -> None:
    timing.ask("DLAY 3,0,1e-3;BURM 1;BURC 3;BURP 1;BURT 1;*TRG")
    timing.wait_until(10.0)
    assert timing.edges["T0"] == approximately([(0.0, True), (1e-3, False)])


def test_leaving_burst_mode_stops_the_burst(timing: Timing) -> None:
    timing.ask("DLAY 3,0,1e-3;BURM 1;BURC 5;BURP 1;*TRG")
    timing.wait_until(1.5)
    timing.ask("BURM 0")
    timing.wait_until(10.0)
    assert len(timing.edges["AB"]) == 4


def test_the_internal_source_triggers_at_its_rate(timing: Timing) -> None:
    timing.ask("DLAY 3,0,1e-3;TRAT 10;TSRC 0")
    timing.wait_until(0.95)
    assert len(timing.edges["AB"]) == 20
    timing.ask("TSRC 5")
    timing.wait_until(10.0)
    assert len(timing.edges["AB"]) == 20


@pytest.mark.parametrize("rate", [1e3, 1e7])
def test_hours_of_an_internal_trigger_that_nobody_watched_cost_nothing(timing: Timing, rate: float) -> None:
    timing.ask(f"DLAY 2,0,0;DLAY 3,2,20e-9;ADVT 1;PRES 1,5;TRAT {rate:g};TSRC 0")
    for now in (3600.0, 7200.0, *(7200.0 + number / rate for number in range(1, 21))):
        timing.wait_until(now)
    times = [time for time, high in timing.edges["AB"] if high]
    assert len(times) < 1000
    cycles = [round((time - times[0]) * rate) for time in times]
    assert all(cycle % 5 == 0 for cycle in cycles)  # the prescaler has counted what was left out
    assert sum(time > 7200.0 for time in times) in (4, 5)  # while somebody looks, one cycle after the other
    timing.ask("TSRC 5")
    assert timing.error() == "0"


def test_a_burst_of_four_billion_ends_when_it_should(timing: Timing) -> None:
    timing.ask("TSRC 5;DLAY 3,2,20e-9;BURM 1;BURC 4294967295;BURP 1e-7")
    timing.ask("*TRG")
    timing.wait_until(400.0)
    assert timing.ask("INSR? 3") == "0"
    timing.wait_until(430.0)
    assert timing.ask("INSR? 3") == "1"
    assert len(timing.edges["AB"]) < 1000


def test_external_edges_trigger_when_the_source_says_so(timing: Timing) -> None:
    timing.ask("DLAY 3,0,1e-3;TSRC 1")
    timing.box.external_edge(0.0, rising=False)
    timing.box.external_edge(0.0, rising=True)
    timing.wait_until(1.0)
    assert len(timing.edges["AB"]) == 2
    timing.ask("TSRC 4")
    timing.box.external_edge(1.0, rising=False)
    timing.ask("*TRG")
    timing.box.external_edge(1.0, rising=False)
    timing.box.external_edge(1.5, rising=False)
    timing.wait_until(2.0)
    assert len(timing.edges["AB"]) == 4


def test_holdoff_refuses_triggers_for_a_while(timing: Timing) -> None:
    timing.ask("DLAY 3,0,1e-3;ADVT 1;HOLD 5;*TRG")
    timing.wait_until(1.0)
    timing.ask("*TRG")
    timing.wait_until(6.0)
    timing.ask("*TRG")
    timing.wait_until(10.0)
    assert [time for time, high in timing.edges["AB"] if high] == pytest.approx([0.0, 6.0])


def test_a_reset_stops_everything(timing: Timing) -> None:
    timing.ask("LPOL 1,0;DLAY 3,0,5;*TRG")
    timing.wait_until(1.0)
    timing.ask("*RST")
    assert timing.ask("LPOL?1;DLAY?3;TSRC?") == "1\r\n0,+0.000000000000\r\n5"
    assert not timing.box.level("AB")
    seen = len(timing.edges["AB"])
    timing.wait_until(10.0)
    assert len(timing.edges["AB"]) == seen


def test_levels_and_displays_are_kept(timing: Timing) -> None:
    assert timing.ask("LAMP 1,3.3;LAMP?1;LOFF 1,-.5;LOFF?1;TLVL 2;TLVL?;DISP 11,3;DISP?;REMT;LCAL;LERR?") == (
        "3.3\r\n-0.5\r\n2\r\n11,3\r\n0"
    )


def test_cursor_keys_step_what_they_are_set_to_step(timing: Timing) -> None:
    timing.ask("SSHD 1e-3;SPHD 1;SPHD 1;SPHD 0")
    timing.ask("SSDL 2,1e-6;DLAY 2,0,5e-6;SPDL 2,0;SSLA 1,0.5;SPLA 1,1")
    assert str(timing.ask("HOLD?;SSHD?;DLAY?2;LAMP?1")).split("\r\n") == ["0.001", "0.001", "0,+0.000004000000", "3"]
    timing.ask("SPTL 0;SPTL 0;SPTL 0;SPTL 0;SPTL 0")  # by 1 V, down from 1 V
    assert timing.ask("TLVL?") == "-3"
    assert timing.error() == "10"


def test_a_recalled_setup_moves_only_outputs_whose_polarity_changes(timing: Timing) -> None:
    timing.ask("DLAY 2,0,1e-3;LPOL 1,0;*SAV 4;LPOL 1,1;DLAY 2,0,2e-3")
    for edges in timing.edges.values():
        edges.clear()
    timing.ask("*RCL 4")
    assert timing.edges == {"T0": [], "AB": [(0.0, True)], "CD": [], "EF": [], "GH": []}
    assert timing.ask("DLAY?2") == "0,+0.001000000000"
    timing.ask("*SAV 0")
    assert timing.error() == "10"


def test_the_status_byte_tells_of_triggers_and_of_what_is_under_way(timing: Timing) -> None:
    timing.ask("*CLS;INSE 1;DLAY 3,0,1;*TRG")
    assert timing.ask("*STB?") == "3"  # an enabled instrument event, and busy
    timing.wait_until(2.0)
    assert timing.ask("*STB?") == "1"
    assert timing.ask("INSR?") == "5"  # triggered, end of delay
    assert timing.ask("*STB?") == "0"


def test_the_trigger_prescaler_divides_external_triggers(timing: Timing) -> None:
    timing.ask("TSRC 1;ADVT 1;PRES 0,3;DLAY 3,0,1e-6")
    for index in range(7):
        timing.wait_until(float(index))
        timing.box.external_edge(float(index), rising=True)
    timing.wait_until(10.0)
    assert [time for time, high in timing.edges["AB"] if high] == [0.0, 3.0, 6.0]


def test_the_reply_terminator_can_be_chosen(timing: Timing) -> None:
    timing.ask("XTRM 10")
    assert timing.box.reply_terminator == b"\n"
