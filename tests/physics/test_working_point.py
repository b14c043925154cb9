"""The lines of a mixture at any polarizations, and what a tracking shot makes of them."""

from __future__ import annotations

from dataclasses import replace
from math import pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinlab.physics.lines import Lines
from spinlab.physics.mixture import KATZ_K_HE3
from spinlab.physics.working_point import noble_gas_polarization, read_line, working_point

PUMPING = 1193.526
READ = 18e-6
POLARIZATION = st.floats(0.05, 1.0)


@given(POLARIZATION, POLARIZATION, st.floats(-1e-4, 1e-4))
def test_lines_are_those_of_the_mixture_at_the_same_polarizations(p_a: float, p_b: float, field: float) -> None:
    lines, mixture = Lines.of(KATZ_K_HE3), KATZ_K_HE3.with_polarizations(p_a, p_b)
    assert lines.alkali(field, p_a, p_b) == pytest.approx(float(mixture.alkali_larmor(field)), rel=1e-12, abs=1e-6)
    assert lines.noble_gas(field, p_a) == pytest.approx(float(mixture.noble_gas_larmor(field)), rel=1e-12, abs=1e-6)
    assert lines.detuning(field, p_a, p_b) == pytest.approx(float(mixture.detuning(field)), rel=1e-12, abs=1e-6)
    assert lines.coupling(p_a, p_b) == pytest.approx(mixture.coupling, rel=1e-12)
    assert lines.resonance(p_a, p_b) == pytest.approx(mixture.compensation_field, rel=1e-9, abs=1e-18)
    assert lines.decay(p_a) == pytest.approx(mixture.alkali_decay, rel=1e-12)


@given(st.floats(0.3, 0.95))
def test_the_line_at_the_read_level_gives_the_polarization_back(p_b: float) -> None:
    line = read_line(Lines.of(KATZ_K_HE3), READ, p_b, PUMPING)
    assert noble_gas_polarization(KATZ_K_HE3, READ, line, PUMPING) == pytest.approx(p_b, abs=1e-10)


def test_a_line_that_no_polarization_gives_is_refused() -> None:
    with pytest.raises(ValueError, match="fits no noble-gas polarization: at this field it lies between"):
        noble_gas_polarization(KATZ_K_HE3, READ, 2 * pi * 500e3, PUMPING)


def test_the_hold_is_for_the_polarization_in_its_middle() -> None:
    """p_a falls by some 2 % until the middle of the hold: the resonance is there, and J is smaller than at its start."""
    point = working_point(KATZ_K_HE3, 0.75, PUMPING, 65e-6)
    before = KATZ_K_HE3.two_mode()
    assert 0.97 < point.coupling / before.coupling < 0.995
    assert point.transfer_time == pytest.approx(before.best_transfer()[0] * before.coupling / point.coupling, rel=2e-3)
    dark = replace(KATZ_K_HE3, alkali_polarization=0.95)
    assert point.field != pytest.approx(dark.compensation_field, rel=1e-5)
    assert point.field == pytest.approx(dark.compensation_field, rel=2e-3)
