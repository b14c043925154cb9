"""The storage figure: efficiency against time with the prediction, beside one write-store-read record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spinlab.analysis.style import figure, save
from spinlab.units import format_quantity

if TYPE_CHECKING:
    from spinlab.analysis.lifetime import Lifetime
    from spinlab.analysis.storage import Point
    from spinlab.records import Run


def draw(run: Run, points: list[Point], lifetime: Lifetime | None, path: Path) -> None:
    """Write the figure of a storage run as PNG."""
    fig, (left, write, read) = figure(1, 3, widths=(1.5, 1, 1))
    _curve(left, points, lifetime, run.start["storage"]["pump"])
    _records(run, write, read)
    save(fig, path)


def _curve(axes: Any, points: list[Point], lifetime: Lifetime | None, pump: str) -> None:
    times = np.array([p.time for p in points])
    axes.set(xscale="log", xlim=(times[0] / 1.5, times[-1] * 1.5))
    axes.errorbar(
        times,
        [p.efficiency for p in points],
        yerr=[p.sigma for p in points],
        fmt="o",
        color="C0",
        capsize=3,
        label="measured",
    )
    predicted = np.log([p.predicted for p in points])
    t = np.geomspace(times[0], times[-1], 200)
    axes.plot(t, np.exp(np.interp(t, times, predicted)), color="C1", label="predicted", zorder=1)
    if lifetime and lifetime.lifetime:
        label = f"fit, lifetime {format_quantity(lifetime.lifetime, 's', 3)}"
        axes.plot(t, lifetime.initial * np.exp(-lifetime.rate * t), "--", color="0.5", label=label, zorder=0)
    axes.set(xlabel="storage time (s)", ylabel="storage efficiency", title=f"pump {pump}")
    low = min(min(p.efficiency - p.sigma, p.predicted) for p in points)
    axes.set_ylim(max(0.0, low - 0.15), 1.0)
    axes.legend(loc="lower left")


def _records(run: Run, write: Any, read: Any) -> None:
    """What the write left in the alkali, and what came back, over what went in (grey), on one scale."""
    kinds, times = run.column("primary", "shot_kind"), run.column("primary", "shot_storage_time")
    signals = np.flatnonzero(kinds == "signal")
    longest = int(np.argmax(times[signals]))
    signal, stored = int(signals[longest]), float(times[signals[longest]])
    written = run.trace("write", "polarimeter_first_trace", longest)
    traces = (written, run.trace("primary", "polarimeter_trace", signal))
    rate = len(traces[1]) / float(run.start["storage"]["record"])
    whole = np.asarray(run.trace("primary", "polarimeter_trace", int(np.flatnonzero(kinds == "reference")[0])))
    titles = ("after the write", f"after the read, {format_quantity(stored, 's', 3)} later")
    for axes, trace, title in zip((write, read), traces, titles, strict=True):
        axes.plot(np.arange(len(whole)) / rate * 1e3, 1e3 * whole, color="0.8", lw=0.3, label="put in (reference)")
        axes.plot(np.arange(len(trace)) / rate * 1e3, 1e3 * np.asarray(trace), color="C0", lw=0.3, label="signal")
        axes.legend(loc="upper right").get_lines()[0].set_linewidth(2)
        axes.set(xlabel="time in record (ms)", ylabel="polarimeter (mV)", title=title)
    limit = 1.45 * max(float(np.max(np.abs(trace))) for trace in (*traces, whole)) * 1e3
    for axes in (write, read):
        axes.set_ylim(-limit, limit)
