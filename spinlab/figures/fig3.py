"""Figure 3: one and two excitations in random collisions, simulated atom by atom (SI 1), beside their exact averages."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, pi
from typing import Final

import numpy as np

from spinlab.figures.table import Column, FloatArray, Parameter, Table
from spinlab.physics import TwoMode
from spinlab.physics.collisions import (
    Compensation,
    Gas,
    Initial,
    Progress,
    SingleExcitation,
    TwoExcitations,
    exact_moments,
    single_excitation,
    two_excitations,
)

PERIODS: Final = 3.0  # Jt/π of 3a–d: three returns of the excitation; 1.9e9 collisions at 1e-5 rad
PAIR_PERIODS: Final = 1.0  # Jt/π of 3e: bunched at 1/4 and 3/4
RECORDS: Final = 1500
PAIR_RECORDS: Final = 500
LEFT: Final = 1e-9  # Δ/J that is rounding
FIELDS: Final[dict[Compensation, str]] = {"paper": "⟨φ⟩/2: SI 1", "exact": "(⟨φ⟩/2)(1 − N_a/N_b): resonance"}
ANGLE_NOTE: Final = "caption; δφ = ⟨φ⟩: SI 1"
QUICK_NOTE: Final = "quick mode: stronger collisions, so fewer of them; the paper has 1e-05 rad"


@dataclass(frozen=True)
class Case:
    """One panel: how strong collisions are (rad), in the quick mode too, and where the excitation begins."""

    angle: float
    quick: float
    initial: Initial


CASES: Final = {
    "3a": Case(2e-2, 2e-2, "symmetric"),
    "3b": Case(2e-2, 2e-2, "localized"),
    "3c": Case(1e-5, 2e-4, "symmetric"),
    "3d": Case(1e-5, 2e-4, "localized"),
}
GAS: Final = (100, 10_000)  # N_a, N_b
PAIR_GAS: Final = (30, 300)
PAIR_ANGLE: Final = 1e-5
PAIR_QUICK: Final = 1e-3


@dataclass(frozen=True, eq=False)
class Single:
    """One simulated run and the exact average over all runs at the same times."""

    case: Case
    seed: int
    quick: bool
    run: SingleExcitation
    mean: SingleExcitation

    def table(self) -> Table:
        """The panel as data."""
        columns = _times(self.run)
        for label, each in (("", self.run), ("mean_", self.mean)):
            of = "exact average over all runs" if label else "this run"
            columns += [
                Column(f"{label}f10", each.F10, f"F₁₀, symmetric excitation of the alkali, {of}"),
                Column(f"{label}f01", each.F01, f"F₀₁, symmetric excitation of the noble gas, {of}"),
                Column(f"{label}p_alkali", each.P_alkali, f"probability to be in any alkali atom, {of}"),
            ]
        values = {
            "f01_at_half_pi": _at(self.run, self.run.F01, pi / 2),
            "mean_f01_at_half_pi": _at(self.mean, self.mean.F01, pi / 2),
            "f10_at_pi": _at(self.run, self.run.F10, pi),
            "mean_f10_at_pi": _at(self.mean, self.mean.F10, pi),
            "collisions": float(self.run.times[-1]) * self.run.gas.n_alkali,
        }
        parameters = _parameters(self.run.gas, self.seed, self.quick and self.case.angle != self.case.quick)
        parameters["initial"] = Parameter(self.case.initial, "", "caption")
        notes = ("caption and main text: 3a, b have 2e-2 rad, 3c, d 1e-5 rad; the SI has them exchanged",)
        return Table(
            f"one {self.case.initial} excitation in random collisions", tuple(columns), parameters, values, notes
        )


@dataclass(frozen=True, eq=False)
class Pair:
    """One simulated run of |1⟩_a|1⟩_b, and what two modes would do."""

    seed: int
    quick: bool
    run: TwoExcitations

    @property
    def detuning(self) -> float:
        """Δ/J that the field leaves, in size: 0 for exact compensation (Δτ = ⟨φ⟩/2 (1 − N_a/N_b) − θ)."""
        gas = self.run.gas
        left = gas.mean_angle / 2 * (1 - gas.n_alkali / gas.n_noble_gas) - gas.field_angle
        return abs(left) / gas.coupling

    @property
    def beam_splitter(self) -> FloatArray:
        """P₁₁ = |U_aa U_bb + U_ab U_ba|² of two bosons in two modes with that detuning; cos² 2Jt on resonance."""
        u = TwoMode(1.0, 0.0).propagator(self.run.exchange_phase, self.detuning)
        return np.asarray(np.abs(u[..., 0, 0] * u[..., 1, 1] + u[..., 0, 1] * u[..., 1, 0]) ** 2)

    def table(self) -> Table:
        """The panel as data."""
        run = self.run
        columns = [
            *_times(run),
            Column("p20", run.P20, "both excitations in the alkali"),
            Column("p11", run.P11, "one in each"),
            Column("p02", run.P02, "both in the noble gas"),
            Column("f20", run.F20, "symmetric state |2⟩_a|0⟩_b"),
            Column("f11", run.F11, "symmetric state |1⟩_a|1⟩_b"),
            Column("f02", run.F02, "symmetric state |0⟩_a|2⟩_b"),
            Column(
                "two_mode_p11", self.beam_splitter, "one in each, of two bosons in two modes with the detuning left"
            ),
        ]
        values = {
            "p11_at_quarter_pi": _at(run, run.P11, pi / 4),
            "p20_plus_p02_at_quarter_pi": 1 - _at(run, run.P11, pi / 4),
            "p11_at_half_pi": _at(run, run.P11, pi / 2),
            "collisions": float(run.times[-1]) * run.gas.n_alkali,
        }
        notes = ["bunching is at Jt = π/4 + mπ/2; at mπ/2, which the SI gives, P₁₁ is largest"]
        if self.detuning > LEFT:
            notes.append(
                f"the field leaves a detuning of {self.detuning:.2g} J, so P₁₁ does not come back to 1 at Jt = π/2"
            )
        parameters = _parameters(run.gas, self.seed, self.quick)
        parameters["detuning"] = Parameter(self.detuning, "J", "what the field leaves of it")
        return Table("two excitations in random collisions bunch", tuple(columns), parameters, values, tuple(notes))


def compute(
    name: str,
    seed: int = 0,
    quick: bool = False,
    compensation: Compensation = "paper",
    progress: Progress | None = None,
    periods: float = PERIODS,
) -> Single:
    """The panel "3a" … "3d" up to Jt = ``periods`` π; ``progress(done, total)`` in collision steps.

    ``compensation`` is the field between collisions: "paper" θ = ⟨φ⟩/2 (SI 1), "exact" resonance.
    """
    case = CASES[name]
    angle = case.quick if quick else case.angle
    steps, every = _steps(Gas(*GAS, angle, angle), periods, RECORDS)
    run = single_excitation(
        *GAS,
        angle,
        angle,
        steps,
        case.initial,
        seed=seed,
        record_every=every,
        compensation=compensation,
        progress=progress,
    )
    mean = exact_moments(*GAS, angle, angle, steps, case.initial, record_every=every, compensation=compensation)
    return Single(case, seed, quick, run, mean)


def compute_pair(
    seed: int = 0,
    quick: bool = False,
    compensation: Compensation = "paper",
    progress: Progress | None = None,
    periods: float = PAIR_PERIODS,
) -> Pair:
    """The panel "3e" up to Jt = ``periods`` π."""
    angle = PAIR_QUICK if quick else PAIR_ANGLE
    steps, every = _steps(Gas(*PAIR_GAS, angle, angle), periods, PAIR_RECORDS)
    run = two_excitations(
        *PAIR_GAS, angle, angle, steps, seed=seed, record_every=every, compensation=compensation, progress=progress
    )
    return Pair(seed, quick, run)


def _steps(gas: Gas, periods: float, records: int) -> tuple[int, int]:
    """Steps to Jt = ``periods`` π, and every which to record for about so many records."""
    steps = ceil(periods * pi / gas.coupling)
    return steps, max(1, steps // records)


def _times(run: SingleExcitation | TwoExcitations) -> list[Column]:
    return [
        Column("steps", np.asarray(run.times, dtype=float), "time in steps τ, one collision of each alkali atom"),
        Column("jt_over_pi", run.exchange_phase / pi, "the same, Jt/π with J = ½⟨φ⟩√(N_a/N_b)/τ"),
    ]


def _at(run: SingleExcitation | TwoExcitations, values: FloatArray, phase: float) -> float:
    """The record nearest to Jt = ``phase``."""
    return float(values[np.argmin(np.abs(run.exchange_phase - phase))])


def _parameters(gas: Gas, seed: int, quick: bool) -> dict[str, Parameter]:
    return {
        "n_alkali": Parameter(gas.n_alkali, "", "caption"),
        "n_noble_gas": Parameter(gas.n_noble_gas, "", "caption"),
        "mean_angle": Parameter(gas.mean_angle, "rad", QUICK_NOTE if quick else ANGLE_NOTE),
        "angle_std": Parameter(gas.angle_std, "rad", ANGLE_NOTE.split("; ")[1]),
        "field_angle": Parameter(gas.field_angle, "rad per step", FIELDS[gas.compensation]),
        "coupling": Parameter(gas.coupling, "rad per step", "½⟨φ⟩√(N_a/N_b): below Eq. 3"),
        "seed": Parameter(seed, "", "of the random partners and angles"),
    }
