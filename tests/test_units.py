"""Quantities at the edges: what is accepted, what is refused, and that the table agrees with pint."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlab import units
from spinlab.errors import BadInput
from spinlab.units import format_quantity, quantities, quantity

READ = [
    ("94 mG", "T", 9.4e-6),
    ("94mG", "T", 9.4e-6),
    ("1 G", "T", 1e-4),
    ("2 gauss", "T", 2e-4),
    ("0.02 uG", "T", 2e-12),
    ("3e14 cm^-3", "m^-3", 3e20),
    ("3e14 cm**-3", "m^-3", 3e20),
    ("3e14 / cm^3", "m^-3", 3e20),
    ("1 h", "s", 3600.0),
    ("1 week", "s", 604800.0),
    ("50 ms", "s", 0.05),
    ("10 µs", "s", 1e-5),
    ("10 μs", "s", 1e-5),
    ("20 mA", "A", 0.02),
    ("50 mG/mA", "T/A", 5e-3),
    ("215 degC", "K", 488.15),
    ("215 °C", "K", 488.15),
    ("488.15 K", "K", 488.15),
    ("1.5 mrad/us", "rad/s", 1500.0),
    ("1194 1/s", "1/s", 1194.0),
    ("1194 /s", "1/s", 1194.0),
    ("3 kohm", "ohm", 3000.0),
    ("30 mH", "H", 0.03),
    ("12 %", "", 0.12),
    ("-3.5", "A", -3.5),
    (".5", "s", 0.5),
    (7, "s", 7.0),
    ("64000 Hz", "Hz", 64e3),
    ("64 kilohertz", "Hz", 64e3),
    ("30 torr", "Pa", 3999.671),
]


@pytest.mark.parametrize(("text", "unit", "expected"), READ)
def test_a_quantity_is_read_as_an_si_number(text, unit, expected):
    assert quantity(text, unit) == pytest.approx(expected, rel=1e-6 if "torr" in str(text) else 0, abs=0)


REFUSED = [
    ("94 mA", "T", "wrong dimension"),
    ("94 furlongs", "T", "wrong dimension"),
    ("94 bananas", "T", "unknown unit 'bananas'"),
    ("banana", "T", "not a quantity"),
    ("", "T", "not a quantity"),
    ("280 Hz", "rad/s", "cycles and radians"),
    ("280 Hz", "1/s", "cycles and radians"),
    ("280 kilohertz", "rad/s", "wrong dimension"),
    ("280 rad/s", "Hz", "cycles and radians"),
    ("nan", "s", "not finite"),
    ("-inf s", "s", "not finite"),
    (float("nan"), "s", "not finite"),
    (float("inf"), "s", "not finite"),
    ("1e999", "s", "not finite"),
    ("1e999 s", "s", "not finite"),
    (True, "s", "not a quantity"),
    (None, "s", "not a quantity"),
    ([1.0], "s", "not a quantity"),
    ("5 s", "", "wrong dimension"),
    ("3 (", "s", "cannot be read"),
]


@pytest.mark.parametrize(("value", "unit", "reason"), REFUSED)
def test_what_is_no_such_quantity_is_refused_by_name(value, unit, reason):
    with pytest.raises(BadInput, match=reason) as caught:
        quantity(value, unit)
    message = str(caught.value)
    assert repr(str(value)) in message
    assert "\n" not in message
    assert "such as" in message


def test_the_refusal_names_the_unit_and_an_example():
    with pytest.raises(BadInput, match=r"'94 mA' has the wrong dimension: expected a quantity in T, such as '94 mG'"):
        quantity("94 mA", "T")


@pytest.mark.parametrize("unit", sorted(units._EXAMPLES))
def test_every_example_in_a_message_can_be_typed(unit):
    assert quantity(units._EXAMPLES[unit], unit) > 0


def test_a_list_is_split_at_commas():
    assert quantities("50 ms, 1 s, 1 h", "s") == [0.05, 1.0, 3600.0]
    assert quantities("[50 ms, 1 s]", "s") == [0.05, 1.0]
    assert quantities([0.05, "1 min"], "s") == [0.05, 60.0]
    assert quantities("50 ms", "s") == [0.05]
    assert quantities(3, "s") == [3.0]
    assert quantities("0, 50 ms", "s") == [0.0, 0.05]
    assert quantities("0.05, 1", "s") == [0.05, 1.0]


def test_a_list_that_mixes_bare_numbers_and_units_is_refused():
    with pytest.raises(BadInput, match="with and without unit"):
        quantities("50, 100 ms", "s")


def test_an_empty_item_is_refused():
    with pytest.raises(BadInput):
        quantities("50 ms,, 1 s", "s")


@settings(max_examples=150)
@given(
    number=st.floats(min_value=1e-6, max_value=1e6),
    first=st.sampled_from(sorted(units._TABLE)),
    second=st.sampled_from(sorted(units._TABLE)),
    operator=st.sampled_from(["*", "/", " "]),
    power=st.sampled_from([-2, -1, 1, 2, 3]),
)
def test_the_table_agrees_with_pint(number, first, second, operator, power):
    text = f"{first}{operator}{second}^{power}"
    value, dimension = units._parse_unit(text)
    quantity_of_pint = units._registry().Quantity(number, units._registry().parse_units(text.replace("%", "percent")))
    names = ("m", "kg", "s", "A", "K", "oscillation")
    si = "*".join(f"{name}**{exponent}" for name, exponent in zip(names, dimension, strict=True))
    assert number * float(value) == pytest.approx(quantity_of_pint.to(si).magnitude, rel=1e-12, abs=0)


@settings(max_examples=300)
@given(
    st.floats(min_value=1e-9, max_value=1e9),
    st.sampled_from(["s", "T", "A", "Hz", "m^-3", "K", "T/A", "rad/s", "V"]),
)
def test_what_is_shown_can_be_typed_again(value, unit):
    assert quantity(format_quantity(value, unit, digits=12), unit) == pytest.approx(value, rel=1e-11)


SHOWN = [
    (1.58e-3, "s", "1.58 ms"),
    (3.6e-3, "A", "3.6 mA"),
    (3600.0, "s", "1 h"),
    (5400.0, "s", "1.5 h"),
    (300.0, "s", "5 min"),
    (90.0, "s", "90 s"),
    (0.0, "s", "0 s"),
    (0.9999999e-3, "s", "1 ms"),
    (9.4e-6, "T", "94 mG"),
    (3e20, "m^-3", "3e+14 cm^-3"),
    (5e-3, "T/A", "50 mG/mA"),
    (64e3, "Hz", "64 kHz"),
    (1e-12, "s", "0.001 ns"),
    (0.95, "", "0.95"),
    (float("nan"), "s", "nan s"),
    (-3.6e-3, "A", "-3.6 mA"),
]


@pytest.mark.parametrize(("value", "unit", "expected"), SHOWN)
def test_a_person_sees_the_usual_unit(value, unit, expected):
    assert format_quantity(value, unit) == expected


def test_common_units_do_not_cost_the_import_of_pint():
    code = (
        "import sys; from spinlab.units import quantity\n"
        "for text, unit in [('94 mG', 'T'), ('3e14 cm^-3', 'm^-3'), ('5 mrad/us', 'rad/s'), ('215 degC', 'K')]:\n"
        "    quantity(text, unit)\n"
        "sys.exit('pint' in sys.modules or 'pydantic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
