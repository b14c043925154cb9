"""Plan parameters: what a plan's signature says, and binding what a person typed to it.

A plan annotates its parameters by `spinlab.units` (``Seconds``, ``list[Seconds]``, ``Tesla`` …), ``int``, ``float``,
``bool``, ``str``, ``Literal[...]``, lists of these, or any of these ``| None``. A parameter annotated otherwise, or not
at all, is a device: the one whose role is the parameter's name, or the `Role` in its annotation, as in
``laser: Annotated[Laser, Role("pump")]`` beside ``pump: Literal["on", "dark"]``.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from spinlab.errors import BadInput, nearest
from spinlab.units import Amperes, Hertz, Seconds, Tesla, Unit, format_quantity, quantities, quantity

__all__ = [
    "Amperes",
    "Bound",
    "Device",
    "Hertz",
    "Parameter",
    "PlanSignature",
    "Role",
    "Seconds",
    "Tesla",
    "Unit",
    "bind",
    "describe",
    "parse_assignments",
]

Device = Any  # what plans annotate devices with: they know them by their messages only
GIVEN = ("calibration",)  # what a session gives to plans by name beside devices
REQUIRED: Any = inspect.Parameter.empty
_BOOLEANS = {
    "true": True,
    "on": True,
    "yes": True,
    "1": True,
    "false": False,
    "off": False,
    "no": False,
    "0": False,
}
_LISTS = (list, tuple, Sequence)


@dataclass(frozen=True)
class Role:
    """The role name of the device that a parameter takes, where it differs from the parameter's name."""

    name: str


@dataclass(frozen=True)
class Parameter:
    """One parameter of a plan: a device (``role`` is set) or a value (``kind`` is set)."""

    name: str
    role: str | None = None
    kind: type | None = None  # float, int, bool, str
    unit: str | None = None  # SI; None for what is no quantity
    choices: tuple[Any, ...] = ()
    is_list: bool = False
    optional: bool = False  # None is a value
    default: Any = REQUIRED
    doc: str = ""

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is REQUIRED

    @property
    def type_text(self) -> str:
        """What to type, for people: ``s``, ``list of s``, ``on | dark``, ``int``."""
        if self.role is not None:
            return f"device {self.role}"
        kind = self.kind.__name__ if self.kind else ""
        one = " | ".join(str(choice) for choice in self.choices) or self.unit or ("number" if kind == "float" else kind)
        return f"list of {one}" if self.is_list else one

    @property
    def default_text(self) -> str:
        """The default as a person would type it; empty when there is none."""
        if self.required or self.role is not None:
            return ""
        values = list(self.default) if isinstance(self.default, (list, tuple)) else [self.default]
        return ", ".join(self._show(value) for value in values)

    def _show(self, value: Any) -> str:
        if isinstance(value, bool) or value is None:
            return str(value).lower()
        return format_quantity(value, self.unit) if self.unit else str(value)


@dataclass(frozen=True)
class PlanSignature:
    """What a plan's signature and docstring say."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]

    @property
    def devices(self) -> tuple[Parameter, ...]:
        """The parameters that are devices."""
        return tuple(parameter for parameter in self.parameters if parameter.role is not None)

    @property
    def values(self) -> tuple[Parameter, ...]:
        """The parameters that a person may set."""
        return tuple(parameter for parameter in self.parameters if parameter.role is None)

    def as_document(self) -> dict[str, Any]:
        """Return the table as JSON-able values."""
        return {
            "name": self.name,
            "summary": self.summary,
            "devices": [parameter.role for parameter in self.devices if parameter.role not in GIVEN],
            "parameters": [
                {
                    "name": parameter.name,
                    "type": parameter.type_text,
                    "unit": parameter.unit,
                    "required": parameter.required,
                    "default": None if parameter.required else parameter.default,
                    "doc": parameter.doc,
                }
                for parameter in self.values
            ],
        }


@dataclass(frozen=True)
class Bound:
    """A plan's arguments: the devices, and the values including defaults (these go into the start document)."""

    devices: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kwargs(self) -> dict[str, Any]:
        """What the plan is called with."""
        return {**self.devices, **self.parameters}


# ------------------------------------------------------------------------------------------ reading a plan


def describe(plan: Callable[..., Any], name: str | None = None) -> PlanSignature:
    """Return the table of a plan's parameters. Raises BadInput for ``*args``, ``**kwargs`` and the like."""
    name = name or plan.__name__
    text = inspect.getdoc(plan) or ""
    docs = _parameter_docs(text)
    parameters = []
    for parameter in inspect.signature(plan).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise BadInput(f"plan {name!r}: parameter {parameter.name!r} cannot be given by name")
        annotation = _resolve(plan, parameter.annotation)
        parameters.append(_read_parameter(parameter.name, annotation, parameter.default, docs.get(parameter.name, "")))
    return PlanSignature(name, text.partition("\n")[0].strip(), tuple(parameters))


def _resolve(plan: Callable[..., Any], annotation: Any) -> Any:
    """Return the annotation itself; one that exists for type checkers only stays text, and thus is a device."""
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        namespace = inspect.unwrap(plan).__globals__
        return get_type_hints(holder, namespace, include_extras=True)["it"]
    except (NameError, AttributeError):
        return annotation


def _read_parameter(name: str, annotation: Any, default: Any, doc: str) -> Parameter:
    annotation, optional = _without_none(annotation)
    is_list = get_origin(annotation) in _LISTS and bool(get_args(annotation))
    one = get_args(annotation)[0] if is_list else annotation
    base, extras = (get_args(one)[0], get_args(one)[1:]) if get_origin(one) is Annotated else (one, ())
    role = next((extra.name for extra in extras if isinstance(extra, Role)), None)
    unit = next((extra.symbol for extra in extras if isinstance(extra, Unit)), None)
    choices = get_args(base) if get_origin(base) is Literal else ()
    kind = type(choices[0]) if choices else base
    if role is not None or kind not in (float, int, bool, str):
        return Parameter(name, role=role or name, default=default, doc=doc)
    return Parameter(name, None, kind, unit, choices, is_list, optional, default, doc)


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        others = [argument for argument in get_args(annotation) if argument is not type(None)]
        if len(others) == 1 and len(get_args(annotation)) == 2:
            return others[0], True
    return annotation, False


def _parameter_docs(text: str) -> dict[str, str]:
    """Return what the docstring says in lines such as ``shots: how often each time is measured``."""
    return dict(re.findall(r"^\s*(\w+): +(\S.*?)\s*$", text, re.MULTILINE))


# ------------------------------------------------------------------------------------------------ binding


def parse_assignments(
    arguments: Iterable[str], kind: str = "plan parameter", example: str = "shots=3"
) -> dict[str, str]:
    """Return ``["shots=3", …]`` as a mapping. Raises BadInput for what is no assignment, or is given twice."""
    values: dict[str, str] = {}
    for argument in arguments:
        name, separator, value = argument.partition("=")
        name = name.strip()
        if not separator or not name.isidentifier():
            raise BadInput(f"{argument!r} is not a {kind}: write name=value, such as {example}")
        if name in values:
            raise BadInput(f"parameter {name!r} is given twice: {values[name]!r} and {value.strip()!r}")
        values[name] = value.strip()
    return values


def bind(
    plan: Callable[..., Any] | PlanSignature,
    values: Mapping[str, Any],
    devices: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
) -> Bound:
    """Return the arguments of a plan.

    values: what the user says, texts or values. devices: role name -> device, and whatever else a session gives to plans
    by parameter name, such as ``calibration``. defaults: the profile's ``[plan_defaults]``, under ``values``.
    Raises BadInput for unknown or missing parameters, missing devices, wrong units, numbers and choices.
    """
    signature = plan if isinstance(plan, PlanSignature) else describe(plan)
    names = [parameter.name for parameter in signature.values]
    for source, given in (("", values), (" (plan_defaults of the profile)", defaults or {})):
        for name in given:
            if name not in names:
                _refuse_name(signature, name, names, source)
    chosen = {**(defaults or {}), **values}
    return Bound(_bind_devices(signature, devices), _bind_values(signature, chosen))


def _refuse_name(signature: PlanSignature, name: str, names: list[str], source: str) -> None:
    if any(parameter.name == name for parameter in signature.devices):
        raise BadInput(f"plan {signature.name!r}: {name!r} is a device, which the profile names{source}")
    known = f"it has {', '.join(names)}" if names else "it has none"
    raise BadInput(f"plan {signature.name!r} has no parameter {name!r}{nearest(name, names)}{source}: {known}")


def _bind_devices(signature: PlanSignature, devices: Mapping[str, Any]) -> dict[str, Any]:
    bound = {}
    for parameter in signature.devices:
        role = parameter.role or parameter.name
        if role in devices:
            bound[parameter.name] = devices[role]
        elif parameter.required:
            hint = nearest(role, devices)
            raise BadInput(f"plan {signature.name!r} needs a device {role!r}, which the profile does not name{hint}")
    return bound


def _bind_values(signature: PlanSignature, chosen: Mapping[str, Any]) -> dict[str, Any]:
    bound = {}
    for parameter in signature.values:
        if parameter.name in chosen:
            try:
                bound[parameter.name] = _convert(parameter, chosen[parameter.name])
            except BadInput as error:
                raise BadInput(f"plan {signature.name!r}: {parameter.name}: {error}") from None
        elif parameter.required:
            raise BadInput(f"plan {signature.name!r} needs {parameter.name}=<{parameter.type_text}>")
        else:
            default = parameter.default
            bound[parameter.name] = list(default) if isinstance(default, list) else default
    return bound


def _convert(parameter: Parameter, value: Any) -> Any:
    if parameter.optional and (value is None or value == "none"):
        return None
    if not parameter.is_list:
        return _convert_one(parameter, value)
    if parameter.kind is float:
        return quantities(value, parameter.unit or "")
    return [_convert_one(parameter, item) for item in _split(value)]


def _split(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [item.strip() for item in value.strip().removeprefix("[").removesuffix("]").split(",")]
    return list(value) if isinstance(value, Iterable) else [value]


def _convert_one(parameter: Parameter, value: Any) -> Any:
    if parameter.choices:
        return _choose(parameter.choices, value)
    if parameter.kind is float:
        return quantity(value, parameter.unit or "")
    if parameter.kind is bool:
        return _boolean(value)
    if parameter.kind is int:
        return _integer(value)
    return str(value)


def _choose(choices: tuple[Any, ...], value: Any) -> Any:
    texts = {str(choice): choice for choice in choices}
    if str(value) not in texts:
        raise BadInput(f"{str(value)!r} is none of {', '.join(texts)}{nearest(str(value), texts)}")
    return texts[str(value)]


def _boolean(value: Any) -> bool:
    if str(value).lower() not in _BOOLEANS:
        raise BadInput(f"{str(value)!r} is neither true nor false")
    return _BOOLEANS[str(value).lower()]


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d+", str(value)):
        raise BadInput(f"{str(value)!r} is not a whole number, such as '3'")
    return int(value)
