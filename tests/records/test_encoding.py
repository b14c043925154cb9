"""Documents as lines: strict JSON, nothing lost, nothing guessed."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinlab.records.encoding import decode, encode

KEYS = st.text().filter(lambda key: not key.startswith("$"))  # ours begin with it
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.complex_numbers(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_written_is_read_back(doc):
    name, read = decode(encode("event", doc))
    assert (name, read) == ("event", doc)


@given(st.floats(width=64))
def test_every_float_keeps_every_bit(number):
    (read,) = decode(encode("event", {"x": number}))[1].values()
    assert read == number or (math.isnan(read) and math.isnan(number))
    assert math.copysign(1, read) == math.copysign(1, number) or math.isnan(number)


def test_a_line_is_strict_json_also_with_nan():
    line = encode("event", {"a": math.nan, "b": [-math.inf, np.float32("nan")], "c": "two\nlines \ud800"})
    assert line.count(b"\n") == 1
    json.loads(line, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
    read = decode(line)[1]
    assert math.isnan(read["a"])
    assert read["b"][0] == -math.inf
    assert read["c"] == "two\nlines \ud800"


NUMPY = [
    (np.float64(0.1), 0.1),
    (np.float32(0.1), 0.10000000149011612),
    (np.int64(-3), -3),
    (np.uint64(2**64 - 1), 2**64 - 1),
    (np.bool_(True), True),
    (np.str_("on"), "on"),
    (np.complex64(1 + 2j), 1 + 2j),
    (np.array(2.5), 2.5),
    (np.array([[1, 2], [3, 4]], np.int16), [[1, 2], [3, 4]]),
    (np.zeros((0, 3)), []),
    (np.array(["a", "b"]), ["a", "b"]),
    ((1, 2), [1, 2]),
]


@pytest.mark.parametrize(("value", "expected"), NUMPY)
def test_numpy_values_become_plain_ones(value, expected):
    read = decode(encode("event", {"x": value}))[1]["x"]
    assert read == expected
    assert type(read) is type(expected)


REFUSED = [b"bytes", bytearray(b"x"), {1, 2}, object(), np.datetime64("2026-01-01"), np.longdouble(1), np.array([None])]


@pytest.mark.parametrize("value", REFUSED, ids=repr)
def test_what_cannot_be_written_is_refused_by_its_key(value):
    with pytest.raises(TypeError, match=r"start\.sample\.note: a \w+ cannot be written"):
        encode("start", {"sample": {"note": value}})


def test_keys_must_be_texts_and_not_ours():
    with pytest.raises(TypeError, match="key 1 is not a text"):
        encode("start", {"a": {1: 2}})
    with pytest.raises(TypeError, match="reserved"):
        encode("start", {"a": {"$float": "nan"}})
