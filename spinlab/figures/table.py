"""The data of a figure as a CSV file that says itself what it holds: parameters with units and sources, then columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
DIGITS = ".10g"


@dataclass(frozen=True)
class Parameter:
    """What a figure was computed with: value, unit (as written, "" for none) and where it is from."""

    value: float | str
    unit: str = ""
    source: str = ""

    def __str__(self) -> str:
        value = self.value if isinstance(self.value, str) else format(self.value, DIGITS)
        return f"{value} {self.unit}".rstrip() + (f"  ({self.source})" if self.source else "")


@dataclass(frozen=True, eq=False)
class Column:
    """One curve, or what it is drawn against; ``name`` ends in the unit if there is one."""

    name: str
    values: FloatArray
    meaning: str


@dataclass(frozen=True, eq=False)
class Table:
    """Everything behind one figure; ``values`` are the numbers one would quote from it, ``notes`` what to know."""

    title: str
    columns: tuple[Column, ...]
    parameters: Mapping[str, Parameter]
    values: Mapping[str, float]
    notes: tuple[str, ...] = ()

    def as_csv(self, name: str) -> str:
        """Comment lines (``#``) with title, parameters, values and meanings, one line of names, then numbers."""
        text = io.StringIO()
        text.writelines(f"# {line}\n" for line in self._heading(name))
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(column.name for column in self.columns)
        rows = np.column_stack([column.values for column in self.columns])
        writer.writerows([format(value, DIGITS) for value in row] for row in rows)
        return text.getvalue()

    def as_document(self) -> dict[str, Any]:
        """Title, parameters, values and notes as JSON; the columns are in the CSV file."""
        return {
            "title": self.title,
            "values": dict(self.values),
            "parameters": {
                name: {"value": each.value, "unit": each.unit, "source": each.source}
                for name, each in self.parameters.items()
            },
            "notes": list(self.notes),
        }

    def _heading(self, name: str) -> list[str]:
        lines = [f"Figure {name}: {self.title}"]
        lines += [f"parameter {key} = {each}" for key, each in self.parameters.items()]
        lines += [f"value {key} = {value:{DIGITS}}" for key, value in self.values.items()]
        lines += [f"note {note}" for note in self.notes]
        return lines + [f"column {column.name}: {column.meaning}" for column in self.columns]
