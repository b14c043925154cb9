"""What turns a generator of messages into a measurement: its analysis, its table, what it may assume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
ATTRIBUTE = "__spinlab_measurement__"


@dataclass(frozen=True)
class Column:
    """One column of the live table: a key of the primary stream's events and how to print it.

    ``form`` is a format specification; ``unit`` (SI) has the value printed with a prefix; ``sigma`` is the key of its
    uncertainty.
    """

    key: str
    title: str
    form: str = ""
    unit: str = ""
    sigma: str = ""


@dataclass(frozen=True)
class Measurement:
    """How a plan is shown and analysed. ``analysis`` is the dotted name of ``analyse(run, profile) -> Result``."""

    analysis: str
    columns: tuple[Column, ...] = ()


def measurement(analysis: str, columns: tuple[Column, ...] = ()) -> Callable[[F], F]:
    """Mark a function that takes plan parameters, checks them, and returns a plan."""

    def mark(function: F) -> F:
        setattr(function, ATTRIBUTE, Measurement(analysis, columns))
        return function

    return mark


def measurement_of(function: Callable[..., Any]) -> Measurement | None:
    """The mark of a plan function, or None when it is an ordinary function."""
    mark: Measurement | None = getattr(function, ATTRIBUTE, None)
    return mark
