"""A run of free-induction decays: line, decay and amplitude, averaged over the shots."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spinlab.analysis.result import Result, Table
from spinlab.errors import RunFailed
from spinlab.units import format_quantity

if TYPE_CHECKING:
    from spinlab.profile import Profile
    from spinlab.records import Run

QUANTITIES = {"frequency": "Hz", "decay": "1/s", "amplitude": "V"}


def analyse(run: Run, profile: Profile) -> Result:
    """Weighted means of frequency, decay and amplitude; raises RunFailed when no shot was recorded."""
    if not run.rows("primary"):
        raise RunFailed("the run holds no record yet; nothing to analyse")
    values: dict[str, Any] = {
        "shots": len(run.rows("primary")),
        "field_T": float(run.column("primary", "fid_field")[0]),
    }
    rows = []
    for name, unit in QUANTITIES.items():
        mean, sigma = _mean(run.column("primary", f"fid_{name}"), run.column("primary", f"fid_{name}_sigma"))
        key = f"{name}_{unit.replace('/', 'per_')}".replace("1per_s", "per_s")
        values |= {key: mean, f"{key}_sigma": sigma}
        rows.append((name, format_quantity(mean, unit, 7), format_quantity(sigma, unit, 2)))
    polarization = run.column("primary", "fid_noble_gas_polarization")
    values["noble_gas_polarization"] = float(np.mean(polarization))
    rows.append(("noble-gas polarization", f"{np.mean(polarization):.5f}", f"{_spread(polarization):.1g}"))
    values["decay_time_s"] = 1 / values["decay_per_s"]
    summary = (f"the pumped alkali's line at {format_quantity(values['field_T'], 'T')}: its frequency tells p_b",)
    return Result(values, Table(("quantity", "mean", "σ"), tuple(rows)), summary, partial(_draw, run))


def _mean(values: Any, sigmas: Any) -> tuple[float, float]:
    """Weighted mean; its σ is the larger of what the fits claim and what the shots scatter by."""
    weights = 1 / np.asarray(sigmas, dtype=float) ** 2
    mean = float(np.average(values, weights=weights))
    return mean, max(float(weights.sum() ** -0.5), _spread(values))


def _spread(values: Any) -> float:
    """Standard error of the mean from the scatter; 0 for a single value."""
    count = len(values)
    return float(np.std(values, ddof=1) / count**0.5) if count > 1 else 0.0


def _draw(run: Run, path: Path) -> None:
    from spinlab.analysis.style import figure, save

    trace = np.asarray(run.trace("primary", "polarimeter_trace", 0), dtype=float)
    rate = float(run.start["plan_parameters"]["sample_rate"])
    fig, (left, right) = figure(1, 2, widths=(1.3, 1))
    left.plot(np.arange(len(trace)) / rate * 1e3, trace * 1e3, lw=0.3)
    left.set(xlabel="time in record (ms)", ylabel="polarimeter (mV)", title="free-induction decay")
    spectrum = np.abs(np.fft.rfft(trace - trace.mean())) / len(trace) * 2
    frequencies = np.fft.rfftfreq(len(trace), 1 / rate)
    line = float(run.column("primary", "fid_frequency")[0])
    near = np.abs(frequencies - line) < 4e3
    right.plot(frequencies[near] / 1e3, spectrum[near] * 1e3)
    right.axvline(line / 1e3, color="C1", lw=1, label="fitted Larmor frequency")
    right.set(xlabel="frequency (kHz)", ylabel="amplitude (mV)", title="spectrum")
    right.legend()
    save(fig, path)
