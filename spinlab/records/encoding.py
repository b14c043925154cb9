"""Documents as lines of strict JSON, without loss.

Floats keep every bit (shortest repr). What JSON has no word for becomes a tagged object, ``{"$float": "nan"}`` or
``{"$complex": [re, im]}``. NumPy scalars and arrays become numbers and lists; bytes, sets and other objects are refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

_TAGS = ("$float", "$complex")


def encode(name: str, doc: Mapping[str, Any]) -> bytes:
    """Return one line ``["name", {...}]`` with its newline. Raises TypeError naming the key that cannot be written."""
    return json.dumps([name, _plain(doc, name)], allow_nan=False, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> tuple[str, dict[str, Any]]:
    """Return what `encode` was given; raises ValueError for anything else."""
    name, doc = json.loads(line, object_hook=_untag)
    return name, doc


def _plain(value: Any, where: str) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": str(float(value))}
    if isinstance(value, Mapping):
        return _plain_mapping(value, where)
    if isinstance(value, list | tuple):
        return [_plain(item, where) for item in value]
    if isinstance(value, complex):
        return {"$complex": [_plain(value.real, where), _plain(value.imag, where)]}
    if isinstance(value, np.generic | np.ndarray) and _has_python_numbers(value.dtype):
        return _plain(value.tolist(), where)
    raise TypeError(f"{where}: a {type(value).__name__} cannot be written to a run's documents")


def _has_python_numbers(dtype: np.dtype[Any]) -> bool:
    """Whether Python has the type, as it has not for ``longdouble``."""
    return dtype.kind in "biuU" or (dtype.kind in "fc" and dtype.itemsize <= {"f": 8, "c": 16}[dtype.kind])


def _plain_mapping(value: Mapping[Any, Any], where: str) -> dict[str, Any]:
    plain = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise TypeError(f"{where}: the key {key!r} is not a text")
        plain[key] = _plain(item, f"{where}.{key}")
    if len(plain) == 1 and next(iter(plain)) in _TAGS:
        raise TypeError(f"{where}: the key {next(iter(plain))!r} is reserved")
    return plain


def _untag(value: dict[str, Any]) -> Any:
    if len(value) == 1:
        if "$float" in value:
            return float(value["$float"])
        if "$complex" in value:
            return complex(*value["$complex"])
    return value
