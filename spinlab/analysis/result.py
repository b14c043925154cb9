"""What an analysis hands back: numbers a machine may read, a table for people, and how to draw it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Table:
    """Headers and rows of text, ready to print."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Result:
    """``values``: JSON-able, SI, keys ending in their unit. ``draw(path)`` writes the figure as PNG.

    ``problems``: what makes the run a failed one although its records are whole (not agreeing with the prediction is
    no problem of the run, a number that is not finite is).
    """

    values: dict[str, Any]
    table: Table
    summary: tuple[str, ...]
    draw: Callable[[Path], None]
    problems: tuple[str, ...] = field(default=())
