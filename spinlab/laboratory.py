"""The laboratory: the folder that holds ``profiles/``, and the classes and plans that its profile names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from spinlab.errors import BadInput, nearest


def find_root(path: Path) -> Path:
    """Return the nearest parent of ``path`` that holds ``profiles/``; raises BadInput when there is none."""
    for folder in path.resolve().parents:
        if (folder / "profiles").is_dir():
            return folder
    raise BadInput(f"{path}: belongs to no laboratory: none of its parent folders holds a folder 'profiles'")


def load(dotted: str, root: Path) -> Any:
    """Return what ``dotted`` names, as ``devices.coil:Coil``, from the laboratory at ``root``.

    Puts the root first on ``sys.path``. Raises BadInput when there is no such module or name, and when the module
    would come from elsewhere, which is found out before any of its code runs. Errors inside the module pass through.
    """
    module_name, separator, name = dotted.partition(":")
    if not (separator and _is_dotted(module_name) and _is_dotted(name)):
        raise BadInput(f"{dotted!r} names no object: expected 'module:name', such as 'devices.coil:Coil'")
    found: Any = load_module(module_name, root)
    for part in name.split("."):
        if not hasattr(found, part):
            raise BadInput(f"{dotted!r}: {module_name} has no {part!r}{nearest(part, _public_names(found))}")
        found = getattr(found, part)
    return found


def load_module(name: str, root: Path) -> ModuleType:
    """Return the module ``name`` of the laboratory at ``root``; errors as for `load`."""
    if not _is_dotted(name):
        raise BadInput(f"{name!r} is not the name of a module, such as 'plans'")
    _put_first_on_path(root)
    top = name.partition(".")[0]
    if top != "spinlab":  # the framework's own classes may be named too
        _refuse_stranger(top, root)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise BadInput(f"no module {name!r} in the laboratory {root}{_nearest_module(name, root)}") from None
        raise


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _public_names(thing: object) -> Iterable[str]:
    return (name for name in dir(thing) if not name.startswith("_"))


def _put_first_on_path(root: Path) -> None:
    entry = str(root.resolve())
    if sys.path[:1] != [entry]:
        sys.path[:] = [entry, *(other for other in sys.path if other != entry)]
        importlib.invalidate_caches()


def _refuse_stranger(top: str, root: Path) -> None:
    spec = sys.modules[top].__spec__ if top in sys.modules else importlib.util.find_spec(top)
    if spec is None:
        return  # the import will say so
    origins = [spec.origin] if spec.origin else list(spec.submodule_search_locations or [])
    home = root.resolve()
    for origin in origins:
        if not Path(origin).resolve().is_relative_to(home):
            raise BadInput(
                f"{top!r} comes from {origin}, not from the laboratory {root}: rename or remove the other one"
            )


def _nearest_module(name: str, root: Path) -> str:
    folder = root.joinpath(*name.split(".")[:-1])
    modules = [path.stem for path in folder.glob("*.py")] + [path.parent.name for path in folder.glob("*/__init__.py")]
    prefix = name.rpartition(".")[0]
    return nearest(name, [f"{prefix}.{module}".lstrip(".") for module in modules])
