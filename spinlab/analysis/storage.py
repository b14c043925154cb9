"""A storage run: efficiency against storage time, its lifetime, and the prediction beside it.

*Storage efficiency* is |F|² of the retrieved alkali spin over that of a reference whose own short exchange J·t is divided
out, F the total transverse spin: rotation times q(p_a) at the end of each hold. The *electron* efficiency is the same
ratio of rotations, what the polarimeter sees without converting. A background shot's record is subtracted from the
signal's as a complex mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import cos, isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from spinlab.analysis.lifetime import Lifetime, fit_lifetime
from spinlab.analysis.result import Result, Table
from spinlab.errors import RunFailed
from spinlab.prediction import BenchModel, Commanded, PredictedShot, Predictor
from spinlab.units import format_quantity

if TYPE_CHECKING:
    from spinlab.profile import Profile
    from spinlab.records import Run

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Point:
    """One storage time: measured and predicted efficiency, in F and as the electron spin; storage time in s."""

    set_time: float
    time: float
    efficiency: float
    sigma: float
    electron: float
    electron_sigma: float
    predicted: float
    predicted_electron: float
    noble_gas: float
    predicted_noble_gas: float
    tracking_sigma: float
    shots: int

    @property
    def deviation(self) -> float:
        """Measured minus predicted in units of σ."""
        return (self.efficiency - self.predicted) / self.sigma

    @property
    def tracking_deviation(self) -> float:
        """Tracked minus predicted p_b in units of what one tracking shot scatters by.

        The prediction takes the commanded currents as they were. Had tracking gone astray, it would follow it there.
        """
        return (self.noble_gas - self.predicted_noble_gas) / self.tracking_sigma

    @property
    def agrees(self) -> bool:
        """Within 3 σ and 0.02 of the prediction, at a resonance where the rate equations expect it (6 σ)."""
        near = abs(self.deviation) < 3 and abs(self.efficiency - self.predicted) < 0.02
        return near and abs(self.tracking_deviation) < 6


@dataclass(frozen=True)
class _Shot:
    """One shot: measured F and s in volts, and what was predicted for it."""

    event: Event
    spin: complex
    electron: complex
    predicted: PredictedShot


def analyse(run: Run, profile: Profile) -> Result:
    """Efficiencies, lifetime and prediction of a storage run; raises RunFailed when there is nothing to analyse."""
    from spinlab.models import bench_model

    metadata = run.start["storage"]
    events = [strip(event) for event in run.rows("primary")]
    if not any(event["kind"] == "signal" for event in events):
        raise RunFailed("the run holds no signal shot yet; nothing to analyse")
    model = bench_model(profile)
    points = efficiencies(events, metadata, model, Predictor(model, Commanded.of(metadata)))
    lifetime = fit_lifetime([p.time for p in points], [p.efficiency for p in points], [p.sigma for p in points])
    return Result(
        values=_values(points, lifetime),
        table=_table(points),
        summary=_summary(points, lifetime, metadata),
        draw=partial(_draw, run, points, lifetime),
    )


def strip(event: Event) -> dict[str, Any]:
    """An event's data without the ``shot_`` of its keys."""
    return {key.removeprefix("shot_"): value for key, value in event.items()}


def efficiencies(
    events: list[dict[str, Any]], metadata: Mapping[str, Any], model: BenchModel, predictor: Predictor
) -> list[Point]:
    """One point per storage time, in order of time."""
    shots = [_shot(event, predictor) for event in events]
    kept = cos(model.cell.mixture.coupling * metadata["reference_transfer"]) ** 2
    times = sorted({s.event["set_storage_time"] for s in shots if s.event["kind"] == "signal"})
    return [_point(time, shots, kept, predictor) for time in times]


def _shot(event: dict[str, Any], predictor: Predictor) -> _Shot:
    spin = complex(event["spin_real"], event["spin_imag"])
    predicted = predictor.shot(event)
    return _Shot(event, spin, spin / event["slowing_down"], predicted)


def _point(time: float, shots: list[_Shot], kept: float, predictor: Predictor) -> Point:
    chosen = _chooser(time, shots)
    signals, references = chosen("signal"), chosen("reference")
    if not references:
        raise RunFailed(f"no reference shot at a storage time of {time:g} s; nothing to compare with")
    measured, variance = _ratio(signals, references, chosen("background"), _all(shots, "reference background"), "spin")
    electron, electron_variance = _ratio(
        signals, references, chosen("background"), _all(shots, "reference background"), "electron"
    )
    noise = predictor.noise_average(signals[0].event, signals[0].predicted)
    predicted = _mean_square(signals, "spin") / _mean_square(references, "spin")
    predicted_electron = _mean_square(signals, "electron") / _mean_square(references, "electron")
    scatter = noise.scatter**2 / len(signals)
    point = Point(
        set_time=time,
        time=float(np.mean([s.event["storage_time"] for s in signals])),
        efficiency=measured * kept,
        sigma=measured * kept * sqrt(variance + scatter),
        electron=electron * kept,
        electron_sigma=electron * kept * sqrt(electron_variance + scatter),
        predicted=predicted * kept * (1 + noise.shift),
        predicted_electron=predicted_electron * kept * (1 + noise.shift),
        noble_gas=float(np.mean([s.event["write_polarization"] for s in signals])),
        predicted_noble_gas=float(np.mean([s.predicted.noble_gas for s in signals])),
        tracking_sigma=predictor.model.tracking_noise,
        shots=len(signals),
    )
    if not all(isfinite(v) for v in (point.efficiency, point.sigma, point.electron, point.predicted)):
        raise RunFailed(f"the efficiency at {time:g} s is not finite: {point}")
    return point


def _chooser(time: float, shots: list[_Shot]) -> Callable[[str], list[_Shot]]:
    return lambda kind: [s for s in _all(shots, kind) if s.event["set_storage_time"] == time]


def _all(shots: list[_Shot], kind: str) -> list[_Shot]:
    return [s for s in shots if s.event["kind"] == kind]


def _ratio(
    signals: list[_Shot], references: list[_Shot], backgrounds: list[_Shot], others: list[_Shot], what: str
) -> tuple[float, float]:
    """Mean |signal − background|² over mean |reference − its background|², and its relative variance (fits only)."""
    background = _mean(backgrounds, what)
    reference_background = _mean(others, what)
    top = float(np.mean([abs(getattr(s, what) - background) ** 2 for s in signals]))
    bottom = float(np.mean([abs(getattr(s, what) - reference_background) ** 2 for s in references]))
    variance = _relative_variance(signals) + _relative_variance(references)
    if backgrounds:
        size = sqrt(top) * (signals[0].event["slowing_down"] if what == "electron" else 1.0)
        variance += 4 * float(np.mean([s.event["spin_sigma"] ** 2 for s in backgrounds])) / len(backgrounds) / size**2
    return top / bottom, variance


def _relative_variance(shots: list[_Shot]) -> float:
    """Variance of a mean |F|² relative to itself, from the fits' uncertainties."""
    each = [(2 * s.event["spin_sigma"] / max(abs(s.spin), s.event["spin_sigma"])) ** 2 for s in shots]
    return float(np.mean(each)) / len(each)


def _mean(shots: list[_Shot], what: str) -> complex:
    return complex(np.mean([getattr(s, what) for s in shots])) if shots else 0.0


def _mean_square(shots: list[_Shot], what: str) -> float:
    return float(np.mean([abs(getattr(s.predicted, what)) ** 2 for s in shots]))


def _values(points: list[Point], lifetime: Lifetime | None) -> dict[str, Any]:
    return {
        "storage_time_s": [p.time for p in points],
        "efficiency": [p.efficiency for p in points],
        "efficiency_sigma": [p.sigma for p in points],
        "predicted_efficiency": [p.predicted for p in points],
        "electron_efficiency": [p.electron for p in points],
        "electron_efficiency_sigma": [p.electron_sigma for p in points],
        "predicted_electron_efficiency": [p.predicted_electron for p in points],
        "deviation_sigma": [p.deviation for p in points],
        "noble_gas_polarization": [p.noble_gas for p in points],
        "predicted_noble_gas_polarization": [p.predicted_noble_gas for p in points],
        "agrees": all(p.agrees for p in points),
        "shots": [p.shots for p in points],
        "lifetime_s": lifetime.lifetime if lifetime else None,
        "lifetime_sigma_s": lifetime.sigma if lifetime else None,
        "initial_efficiency": lifetime.initial if lifetime else None,
    }


def _table(points: list[Point]) -> Table:
    headers = ("time", "efficiency", "σ", "predicted", "deviation", "electron", "predicted")
    rows = tuple(
        (
            format_quantity(p.time, "s"),
            f"{p.efficiency:.4f}",
            f"{p.sigma:.4f}",
            f"{p.predicted:.4f}",
            f"{p.deviation:+.1f} σ",
            f"{p.electron:.4f}",
            f"{p.predicted_electron:.4f}",
        )
        for p in points
    )
    return Table(headers, rows)


def _summary(points: list[Point], lifetime: Lifetime | None, metadata: Mapping[str, Any]) -> tuple[str, ...]:
    lines = [
        "efficiency: (total transverse spin F)² retrieved over stored; electron: of its spin², what the polarimeter sees",
        f"prediction: the paper's constant γ, pump {metadata['pump']}, from the commanded timeline",
    ]
    if lifetime:
        lines.insert(0, lifetime.text)
    lines += [_disagreement(p) for p in points if not p.agrees]
    return tuple(lines)


def _disagreement(point: Point) -> str:
    where = f"DISAGREEMENT at {format_quantity(point.time, 's')}"
    if abs(point.tracking_deviation) >= 6:
        return (
            f"{where}: tracking found p_b = {point.noble_gas:.4f}, the rate equations expect "
            f"{point.predicted_noble_gas:.4f}: was it the alkali line that was tracked?"
        )
    return f"{where}: {point.efficiency:.4f} measured, {point.predicted:.4f} predicted ({point.deviation:+.1f} σ)"


def _draw(run: Run, points: list[Point], lifetime: Lifetime | None, path: Any) -> None:
    from spinlab.analysis.storage_figure import draw

    draw(run, points, lifetime, path)
