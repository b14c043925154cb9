"""The ``spinlab:`` key of a pyvisa-sim definition file: which bench answers at which addresses.

::

    spinlab:
      bench: sims.bench:open_bench        # callable(profile_path, clock) -> object with .instruments
      profile: ../profiles/sim.toml       # relative to this file
      instruments:
        coil: [TCPIP0::192.168.10.11::1394::SOCKET, GPIB0::12::INSTR]

The stock parser of pyvisa-sim ignores the key; ``devices`` and ``resources`` of the same file keep answering.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pyvisa import rname

from spinlab.errors import BadInput, nearest
from spinlab.virtual.instrument import Instrument


@dataclass(frozen=True)
class LabFile:
    """What a definition file says about a bench."""

    path: Path
    bench: str
    profile: str
    addresses: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, path: Path) -> LabFile | None:
        """Read the key; None when the file has none. Raises BadInput for a key that makes no sense."""
        try:
            whole = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise BadInput(f"{path}: cannot be read as a definition file: {error}") from error
        part = whole.get("spinlab") if isinstance(whole, dict) else None
        if part is None:
            return None
        return cls(path, **_checked(path, part))

    @property
    def root(self) -> Path:
        """The laboratory: the nearest folder above the file that holds ``profiles``; else the folder above it."""
        folders = self.path.resolve().parents
        return next((folder for folder in folders if (folder / "profiles").is_dir()), folders[min(1, len(folders) - 1)])

    def open_bench(self, clock: object) -> Any:
        """Build the bench the file names, on a clock."""
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))
        module, _, name = self.bench.partition(":")
        try:
            factory = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise BadInput(f"{self.path}: spinlab.bench = {self.bench!r} cannot be imported: {error}") from error
        return factory(self.path.resolve().parent / self.profile, clock)

    def resources(self, instruments: Mapping[str, Instrument]) -> dict[str, Instrument]:
        """Return the instrument at each address, addresses in VISA's canonical form."""
        found = {}
        for role, addresses in self.addresses.items():
            if role not in instruments:
                raise BadInput(f"{self.path}: the bench has no instrument {role!r}{nearest(role, instruments)}")
            for address in addresses:
                found[_canonical(self.path, address)] = instruments[role]
        return found


def _checked(path: Path, part: Any) -> dict[str, Any]:
    if not isinstance(part, dict) or not isinstance(part.get("instruments"), dict):
        raise BadInput(f"{path}: spinlab needs the keys bench, profile and instruments (role: list of addresses)")
    unknown = set(part) - {"bench", "profile", "instruments"}
    if unknown:
        key = min(unknown, key=str)
        raise BadInput(f"{path}: unknown key spinlab.{key}{nearest(str(key), ('bench', 'profile', 'instruments'))}")
    addresses = {
        str(role): (given,) if isinstance(given, str) else tuple(map(str, given or ()))
        for role, given in part["instruments"].items()
    }
    return {
        "bench": str(part.get("bench", "sims.bench:open_bench")),
        "profile": str(part.get("profile", "../profiles/sim.toml")),
        "addresses": addresses,
    }


def _canonical(path: Path, address: str) -> str:
    try:
        return rname.to_canonical_name(address)
    except rname.InvalidResourceName as error:
        raise BadInput(f"{path}: {address!r} is no VISA address: {error}") from error
