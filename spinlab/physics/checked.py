"""Arguments as arrays, or a ValueError that names argument, value and rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]

LARGEST = 1e100  # of a rate, a detuning or a time: products of three stay below overflow


def real(name: str, value: npt.ArrayLike) -> FloatArray:
    """``value`` as finite real numbers no larger than :data:`LARGEST`."""
    return _within(name, value, -LARGEST, LARGEST, f"be finite and at most {LARGEST:g} in magnitude")


def not_negative(name: str, value: npt.ArrayLike) -> FloatArray:
    """``value`` as finite numbers ≥ 0, no larger than :data:`LARGEST`."""
    return _within(name, value, 0.0, LARGEST, f"be finite and not negative, at most {LARGEST:g}")


def fraction(name: str, value: npt.ArrayLike) -> FloatArray:
    """``value`` as numbers in 0…1."""
    return _within(name, value, 0.0, 1.0, "lie in 0…1")


def one(name: str, array: FloatArray) -> float:
    """The single number of an array that passed one of the checks above."""
    if array.ndim:
        raise ValueError(f"{name} must be one number, got shape {array.shape}")
    return float(array)


def vector(name: str, value: npt.ArrayLike, length: int) -> ComplexArray:
    """``value`` as ``length`` complex numbers, finite and no larger than :data:`LARGEST`."""
    array = np.asarray(value, dtype=complex)
    if array.shape != (length,):
        raise ValueError(f"{name} must have shape ({length},), got {array.shape}")
    _within(name, np.abs(array), 0.0, LARGEST, f"be finite and at most {LARGEST:g} in magnitude")
    return array


def together(**shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape to which the named arguments broadcast."""
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        given = " and ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"shapes must broadcast: {given}") from None


def _within(name: str, value: npt.ArrayLike, least: float, most: float, rule: str) -> FloatArray:
    array = np.asarray(value)
    if array.dtype != float:
        if np.iscomplexobj(array):
            raise ValueError(f"{name} must be real, got {value!r}")
        array = array.astype(float)
    if array.size and not (least <= array.min() and array.max() <= most):  # a nan is neither
        raise ValueError(f"{name} must {rule}, got {_worst(array, least, most):g}")
    return array


def _worst(array: FloatArray, least: float, most: float) -> Any:
    flat = array.ravel()
    return flat[~((flat >= least) & (flat <= most))][0]
