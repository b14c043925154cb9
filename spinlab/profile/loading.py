"""Reading a profile: TOML, ``extends``, and all the faults of a file together, one line each."""

from __future__ import annotations

import os
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from spinlab.errors import BadInput, nearest
from spinlab.laboratory import find_root
from spinlab.profile.sections import Profile

Location = tuple[int | str, ...]


@dataclass(frozen=True)
class _Layer:
    """One source of keys: a file, or what the caller overrides."""

    name: str
    content: Mapping[str, Any]


def load_profile(
    path: str | os.PathLike[str], seed: int | None = None, overrides: Mapping[str, Any] | None = None
) -> Profile:
    """Read, merge and check the profile at ``path``.

    seed: replaces the profile's. overrides: dotted keys such as ``{"calibration.ambient_field": "1 mG"}``.
    Raises BadInput that lists every fault as ``file: key: what is wrong``, a line each.
    """
    file = Path(path)
    layers = _read_layers(file, ())
    root = find_root(file)
    expanded = _expand(dict(overrides or {}) | ({} if seed is None else {"seed": seed}))
    layers = [_Layer("override", expanded), *layers] if expanded else layers
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        merged = _merge(merged, layer.content)
    faults = [f"{_origin(layers, where)}: {_key(where)}: {what}" for where, what in _cross_checks(merged)]
    try:
        profile = Profile.model_validate(merged)
    except ValidationError as error:
        faults = [*_fault_lines(error, layers), *faults]
    if faults:
        raise BadInput("\n".join(faults))
    profile._path = file.resolve()
    profile._root = root
    return profile


def _read_layers(file: Path, children: tuple[Path, ...]) -> list[_Layer]:
    """Return the file and what it extends, nearest first."""
    if file.resolve() in children:
        chain = " -> ".join(path.name for path in (*children, file))
        raise BadInput(f"{_shown(children[-1])}: extends: goes round in a circle: {chain}")
    content = _read_toml(file, children)
    parent = content.pop("extends", None)
    layer = _Layer(_shown(file), content)
    if parent is None:
        return [layer]
    if not isinstance(parent, str):
        raise BadInput(f'{layer.name}: extends: must be a file name, such as "sim.toml", not {parent!r}')
    return [layer, *_read_layers(file.parent / parent, (*children, file.resolve()))]


def _read_toml(file: Path, children: tuple[Path, ...]) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        wanted_by = f" (extended by {_shown(children[-1])})" if children else ""
        raise BadInput(f"{_shown(file)}: there is no such profile{wanted_by}{_nearest_file(file)}") from None
    except OSError as error:
        raise BadInput(f"{_shown(file)}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{_shown(file)}: is not UTF-8 text (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{_shown(file)}: is not valid TOML: {error}") from None


def _nearest_file(file: Path) -> str:
    return nearest(file.name, sorted(path.name for path in file.parent.glob("*.toml")))


def _shown(file: Path) -> str:
    """Return the path as short as it can be named from here."""
    folder = Path.cwd()
    file = Path(os.path.normpath(folder / file))
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)


def _expand(dotted: Mapping[str, Any]) -> dict[str, Any]:
    expanded: dict[str, Any] = {}
    for key, value in dotted.items():
        table: Any = value
        for part in reversed(key.split(".")):
            table = {part: table}
        expanded = _merge(expanded, table)
    return expanded


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``below`` with the keys of ``above`` put over it; tables are merged, everything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


# ------------------------------------------------------------------------------------------------- faults


def _fault_lines(error: ValidationError, layers: list[_Layer]) -> Iterator[str]:
    for fault in error.errors():
        where = tuple(part for part in fault["loc"] if part != "[key]")
        yield f"{_origin(layers, where)}: {_key(where)}: {_what(fault['type'], fault['msg'], where)}"


def _what(kind: str, message: str, where: Location) -> str:
    if kind == "extra_forbidden":
        return f"unknown key{nearest(str(where[-1]), _known_keys(where[:-1]))}"
    if kind == "missing":
        return "is missing"
    if kind == "string_pattern_mismatch":
        return "is not a name of the expected form" + _expected_form(where)
    return message.removeprefix("Value error, ").replace("Input should", "should")


def _expected_form(where: Location) -> str:
    if where[-1] in {"class", "factory"}:
        return ": expected 'module:name', such as 'devices.coil:Coil'"
    return ": letters, digits and underscores" + (", with dots" if "modules" in where else "")


def _known_keys(where: Location) -> list[str]:
    model = _model_at(where)
    if model is None:
        return []
    keys = [field.alias or name for name, field in model.model_fields.items()]
    return [*keys, "extends"] if model is Profile else keys


def _model_at(where: Location) -> type[BaseModel] | None:
    """Return the model of the table at this place."""
    annotation: Any = Profile
    for part in where:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = _plain(annotation.model_fields[str(part)].annotation)
        else:  # the values of dict[str, Model], the items of tuple[Model, ...]
            arguments = get_args(annotation)
            annotation = _plain(arguments[1] if get_origin(annotation) is dict else arguments[0])
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _plain(annotation: Any) -> Any:
    """Strip ``Annotated`` and ``| None``."""
    while get_origin(annotation) in (Annotated, Union, types.UnionType):
        annotation = get_args(annotation)[0]
    return annotation


def _key(where: Location) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return text.lstrip(".") or "profile"


def _origin(layers: list[_Layer], where: Location) -> str:
    """Return the name of the nearest layer that says something there; for what is missing, where its table is."""
    for depth in range(len(where), 0, -1):
        for layer in layers:
            if _holds(layer.content, where[:depth]):
                return layer.name
    return next(layer.name for layer in layers if layer.name != "override")


def _holds(content: Any, where: Location) -> bool:
    for part in where:
        in_table = isinstance(content, Mapping) and part in content
        in_list = isinstance(content, list) and isinstance(part, int) and part < len(content)
        if not (in_table or in_list):
            return False
        content = content[part]
    return True


def _cross_checks(merged: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    """Yield what no single section can see; tables of the wrong kind are the business of their section."""
    devices = _table(merged, "devices")
    steps = merged.get("safe_state")
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        device = step.get("device") if isinstance(step, Mapping) else None
        if isinstance(device, str) and device not in devices:
            yield ("safe_state", index, "device"), f"no device {device!r}{nearest(device, devices)}"
    yield from _cell_checks(_table(merged, "cell"))
    if merged.get("clock", "virtual") == "virtual":
        default = _table(merged, "visa").get("library", "sim")
        for name in devices:
            if _table(devices, name).get("library", default) != "sim":
                where = ("devices", name, "library")
                yield where, 'is real hardware, which the virtual clock would run past: set clock = "wall"'


def _cell_checks(cell: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    if "radius" in cell and "volume" in cell:
        yield ("cell", "radius"), "is given beside volume: a sphere has one size, give one of them"
    if cell.get("modes", 1) == 1:
        for name in ("wall", "alkali_diffusion", "noble_gas_diffusion"):
            if name in cell:
                yield ("cell", name), "needs spatial modes, such as modes = 12: in a uniform cell nothing diffuses"


def _table(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = content.get(key)
    return table if isinstance(table, Mapping) else {}
