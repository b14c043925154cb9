"""One look for all figures, readable in print; draws without any window system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

DOTS_PER_INCH = 160


def figure(rows: int, columns: int, widths: Sequence[float]) -> tuple[Any, Any]:
    """A figure and its axes; relative ``widths`` of the columns."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fig = Figure(figsize=(3.2 * sum(widths), 3.4 * rows), layout="constrained")
    FigureCanvasAgg(fig)
    axes = fig.subplots(rows, columns, width_ratios=list(widths))
    for each in fig.axes:
        each.grid(visible=True, alpha=0.3)
    return fig, axes


def save(fig: Any, path: Path) -> None:
    """Write a PNG."""
    fig.savefig(path, dpi=DOTS_PER_INCH)
