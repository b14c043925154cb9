"""Plan parameters: reading a signature, and binding what was typed to it."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pytest

from spinlab.errors import BadInput
from spinlab.plan_parameters import Role, Seconds, Tesla, Unit, bind, describe, parse_assignments


def storage(
    coil: Any,
    laser: Annotated[Any, Role("pump")],
    calibration,
    storage_times: list[Seconds] = [0.05, 3600.0],  # noqa: B006
    shots: int = 3,
    pump: Literal["on", "dark"] = "on",
    storage_field: Tesla = 1e-4,
    track: bool = True,
    wait: Seconds | None = None,
    repeats: Sequence[int] = (1, 2),
    gain: float = 1.5,
    note: str = "",
):
    """Store and read.

    storage_times: from the end of the write hold to the read edge
    shots: how often each
    """
    yield


DEVICES = {"coil": "the coil", "pump": "the pump", "probe": "the probe", "calibration": "the calibration"}


def bound(*arguments, defaults=None, devices=DEVICES):
    return bind(storage, parse_assignments(arguments), devices, defaults)


def table():
    return {parameter.name: parameter for parameter in describe(storage).parameters}


def test_a_plan_is_read_into_a_table():
    signature = describe(storage)
    assert signature.name == "storage"
    assert signature.summary == "Store and read."
    assert [parameter.role for parameter in signature.devices] == ["coil", "pump", "calibration"]
    assert "calibration" not in [parameter.name for parameter in signature.values]


def test_the_table_says_what_to_type():
    texts = {name: (parameter.type_text, parameter.default_text) for name, parameter in table().items()}
    assert texts["storage_times"] == ("list of s", "50 ms, 1 h")
    assert texts["shots"] == ("int", "3")
    assert texts["pump"] == ("on | dark", "on")
    assert texts["storage_field"] == ("T", "1 G")
    assert texts["track"] == ("bool", "true")
    assert texts["wait"] == ("s", "none")
    assert texts["repeats"] == ("list of int", "1, 2")
    assert texts["coil"] == ("device coil", "")


def test_the_docstring_documents_parameters():
    assert table()["shots"].doc == "how often each"
    assert table()["pump"].doc == ""


def test_the_table_is_json():
    assert json.loads(json.dumps(describe(storage).as_document()))["parameters"][1]["default"] == 3


def test_devices_bind_by_role_and_values_keep_their_defaults():
    arguments = bound()
    assert arguments.devices == {"coil": "the coil", "laser": "the pump", "calibration": "the calibration"}
    assert arguments.parameters["storage_times"] == [0.05, 3600.0]
    assert arguments.kwargs["shots"] == 3


def test_texts_become_values():
    arguments = bound(
        "storage_times=50 ms, 1 s, 1 h", "shots=2", "pump=dark", "storage_field=500 mG", "track=off", "repeats=3,4"
    ).parameters
    assert arguments["storage_times"] == [0.05, 1.0, 3600.0]
    assert arguments["shots"] == 2
    assert arguments["pump"] == "dark"
    assert arguments["storage_field"] == 5e-5
    assert arguments["track"] is False
    assert arguments["repeats"] == [3, 4]


def test_none_is_typed_as_none_where_it_is_allowed():
    assert bound("wait=none").parameters["wait"] is None
    assert bound("wait=2 s").parameters["wait"] == 2.0
    with pytest.raises(BadInput):
        bound("shots=none")


def test_the_profiles_defaults_lie_under_what_was_typed():
    defaults = {"storage_times": ["50 ms", 1], "shots": 1}
    assert bound(defaults=defaults).parameters["storage_times"] == [0.05, 1.0]
    assert bound("shots=5", defaults=defaults).parameters["shots"] == 5


def test_the_same_input_makes_no_shared_state():
    first = bound("storage_times=1 s").parameters["storage_times"]
    assert bound().parameters["storage_times"] == [0.05, 3600.0]
    assert first == [1.0]


REFUSED = [
    ("shotts=3", r"plan 'storage' has no parameter 'shotts' \(did you mean 'shots'\?\)"),
    ("coil=3", "'coil' is a device"),
    ("laser=probe", "'laser' is a device"),
    ("shots=3.5", "shots: '3.5' is not a whole number"),
    ("shots=3 s", "shots: '3 s' is not a whole number"),
    ("shots=", "shots: '' is not a whole number"),
    ("pump=drak", r"pump: 'drak' is none of on, dark \(did you mean 'dark'\?\)"),
    ("track=maybe", "track: 'maybe' is neither true nor false"),
    ("storage_times=50 mG", "storage_times: '50 mG' has the wrong dimension"),
    ("storage_times=", "storage_times: '' is not a quantity"),
    ("storage_field=2 s", "storage_field: '2 s' has the wrong dimension"),
    ("gain=2 s", "gain: '2 s' has the wrong dimension"),
    ("gain=nan", "gain: 'nan' is not finite"),
    ("shots", "'shots' is not a plan parameter: write name=value"),
    ("=3", "is not a plan parameter"),
]


@pytest.mark.parametrize(("argument", "reason"), REFUSED)
def test_bad_input_is_named(argument, reason):
    with pytest.raises(BadInput, match=reason):
        bound(argument)


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(BadInput, match="given twice"):
        parse_assignments(["shots=3", "shots=4"])


def test_a_missing_device_is_named_with_the_nearest():
    with pytest.raises(
        BadInput, match=r"needs a device 'coil', which the profile does not name \(did you mean 'coils'"
    ):
        bound(devices={"coils": 1, "pump": 1, "calibration": 1})


def test_a_bad_default_of_the_profile_is_said_to_be_the_profiles():
    with pytest.raises(BadInput, match="plan_defaults"):
        bound(defaults={"shotts": 3})


def test_a_parameter_without_default_is_asked_for():
    def plan(field: Tesla):
        """Need."""

    with pytest.raises(BadInput, match="plan 'plan' needs field=<T>"):
        bind(plan, {}, {})


def test_a_plan_with_star_arguments_cannot_be_described():
    def plan(*detectors):
        """Star."""

    with pytest.raises(BadInput, match="cannot be given by name"):
        describe(plan)


def test_annotations_for_type_checkers_only_are_devices():
    def plan(coil: "OnlyForTypeCheckers", width: 'Annotated[float, Unit("s")]' = 1.0):  # noqa: F821
        """Text."""

    signature = describe(plan, "other")
    assert [parameter.role for parameter in signature.devices] == ["coil"]
    assert signature.values[0].unit == "s"
    assert signature.name == "other"


def test_equals_signs_and_spaces_in_values_survive():
    assert bound("note= a = b ").parameters["note"] == "a = b"
