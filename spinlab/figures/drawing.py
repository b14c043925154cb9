"""The figures as pictures: what :mod:`spinlab.analysis.style` says of all figures, and the paper's colours."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Any

import numpy as np

from spinlab.analysis.style import figure
from spinlab.figures import fig2, fig3, fig4

ALKALI = "tab:red"
NOBLE_GAS = "tab:blue"
STORED = "tab:purple"
TWO_MODES = "black"
SPATIAL = "tab:blue"
Curve = tuple[Any, Any, str, str]  # one run, the average over runs, colour, label

F10, F01 = r"$\mathcal{F}_{10}$", r"$\mathcal{F}_{01}$"
WIDTH = 1.7  # of the axes, in units of the style's column
VISIBLE = 1e-3  # rad: for weaker collisions one run cannot be told from the average


def exchange(result: fig2.Exchange) -> Any:
    """2a, b, c: excitation numbers against time; insets with the noble gas alone, where it has few."""
    fig, axes = _one()
    regime = result.regime
    if result.stored is None:
        times, label = result.times, "time γt"
    else:
        times, label = result.times * regime.coupling / pi, "time Jt/π"
    width = 0.7 if regime.detuning else 1.5
    axes.plot(times, result.alkali, color=ALKALI, lw=width, label="alkali ⟨a†a⟩")
    axes.plot(times, result.noble_gas, color=NOBLE_GAS, lw=width, label="noble gas ⟨b†b⟩")
    if result.stored is not None:
        after = result.times >= result.switch
        axes.plot(times[after], result.stored[after], "--", color=NOBLE_GAS, label="stored: 180 mG after π/2J")
    axes.set(xlabel=label, ylabel="spin excitations", title=f"{regime.title}: {regime.caption}", xlim=(0, times[-1]))
    if result.stored is None:
        axes.set_ylim(0, 1.06 * fig2.EXCITATIONS)
        axes.legend(loc="upper right")
        _noble_gas_alone(axes, times, result)
    else:
        axes.set_ylim(0, 1.42 * fig2.EXCITATIONS)
        axes.set_yticks(np.arange(0, 1001, 200))
        axes.legend(loc="upper right", ncols=2)
    return fig


def _noble_gas_alone(axes: Any, times: Any, result: fig2.Exchange) -> None:
    inset = _inset(axes, (0.46, 0.22, 0.5, 0.42))
    shown = slice(None) if result.regime.coupling < 1 else times <= 0.1
    inset.plot(times[shown], result.noble_gas[shown], color=NOBLE_GAS, lw=1)
    inset.set(xlim=(0, times[shown][-1]), ylim=(0, 1.15 * float(np.max(result.noble_gas))))
    inset.set_title("noble gas", fontsize="small")


def single(result: fig3.Single) -> Any:
    """3a–d: the two fidelities, beside where the excitation is if it begins in one atom.

    Where one run can be told from the average over runs, that is dashed.
    """
    run, mean = result.run, result.mean
    fidelities = ((run.F10, mean.F10, ALKALI, F10), (run.F01, mean.F01, NOBLE_GAS, F01))
    name = f"{result.case.initial} excitation, ⟨φ⟩ = {_power(run.gas.mean_angle)}"
    if result.case.initial == "symmetric":
        fig, axes = _one()
        _probabilities(axes, result, fidelities, 1.2)
        axes.set(yticks=np.linspace(0, 1, 6), title=name)
        if run.gas.mean_angle > VISIBLE:
            _enlarged(axes, run.exchange_phase / pi, fidelities[0])
        return fig
    fig, (left, right) = figure(1, 2, widths=(1.3, 1.3))
    places = (
        (run.P_alkali, mean.P_alkali, ALKALI, "in the alkali"),
        (1 - run.P_alkali, 1 - mean.P_alkali, NOBLE_GAS, "in the noble gas"),
    )
    _probabilities(left, result, places, 1.3)
    left.set(yticks=np.linspace(0, 1, 6), title=name)
    _probabilities(right, result, fidelities, 1.3 / run.gas.n_alkali)
    right.set_title("symmetric part")
    return fig


def _probabilities(axes: Any, result: fig3.Single, curves: Sequence[Curve], top: float) -> None:
    phase = result.run.exchange_phase / pi
    _curves(axes, phase, curves, result.run.gas.mean_angle > VISIBLE)
    axes.set(xlabel="time Jt/π", ylabel="probability", xlim=(0, phase[-1]), ylim=(0, top))
    columns = 3 if result.case.initial == "symmetric" else 2
    axes.legend(loc="upper center", ncols=columns, fontsize="small")


def _enlarged(axes: Any, phase: Any, curve: Curve) -> None:
    """The first return in an inset: there one sees the chance in it."""
    inset = _inset(axes, (0.68, 0.49, 0.3, 0.31))
    shown = (phase > 0.9) & (phase < 1.05)
    values, average, color, label = curve
    _curves(inset, phase[shown], [(values[shown], average[shown], color, label)], noisy=True, width=1)
    inset.set_xlim(0.9, 1.05)
    axes.indicate_inset_zoom(inset, edgecolor="0.4")


def pair(result: fig3.Pair) -> Any:
    """3e: where the two excitations are, and what two modes with the same detuning do."""
    fig, axes = _one()
    run = result.run
    phase = run.exchange_phase / pi
    axes.plot(phase, run.P11, color="tab:green", label="|1⟩|1⟩: one in each")
    axes.plot(phase, run.P20, color=ALKALI, label="|2⟩|0⟩: both in the alkali")
    axes.plot(phase, run.P02, color=NOBLE_GAS, ls=(0, (4, 4)), label="|0⟩|2⟩: both in the noble gas")
    axes.plot(phase, result.beam_splitter, ":", color="black", lw=1, label="|1⟩|1⟩, two modes")
    axes.set(xlabel="time Jt/π", ylabel="probability", xlim=(0, phase[-1]), ylim=(0, 1.3))
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_title(f"two excitations, ⟨φ⟩ = {_power(run.gas.mean_angle)}")
    axes.legend(loc="upper center", ncols=2, fontsize="small")
    return fig


def fock(result: fig4.Fock) -> Any:
    """4a: the probability of two excitations in the noble gas."""
    fig, axes = _one()
    times, after = result.setting.times * 1e3, result.setting.after
    axes.plot(times, result.two_mode, color=TWO_MODES, label="two modes, p = 1")
    axes.plot(times, result.spatial, color=SPATIAL, label=f"{result.setting.cell.modes} modes, p < 1")
    axes.plot(times[after:], result.stored[after:], color=STORED, label="stored at 180 mG")
    axes.set(xlabel="time (ms)", ylabel="P(2 noble-gas excitations)", xlim=(0, times[-1]), ylim=(0, 1.2))
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_title(f"two excitations; {_polarizations(result.setting)}")
    axes.legend(loc="upper center", ncols=3, fontsize="small")
    return fig


def squeezing(result: fig4.Squeezing) -> Any:
    """4b: squeezed quadratures of alkali (dashed) and noble gas (solid)."""
    fig, axes = _one()
    times, after, modes = result.setting.times * 1e3, result.setting.after, result.setting.cell.modes
    axes.plot(times, result.two_mode_noble_gas, color=TWO_MODES, label="$K_y$, two modes, p = 1")
    axes.plot(times, result.spatial_noble_gas, color=SPATIAL, label=f"$K_y$, {modes} modes, p < 1")
    axes.plot(times[after:], result.stored[after:], color=STORED, label="$K_y$ stored at 180 mG")
    axes.plot(times, result.two_mode_alkali, "--", color=TWO_MODES, lw=1, label="$S_x$, two modes, p = 1")
    axes.plot(times, result.spatial_alkali, "--", color=SPATIAL, lw=1, label=f"$S_x$, {modes} modes, p < 1")
    axes.axhline(0, color="0.5", lw=0.8, zorder=0)
    axes.set(xlabel="time (ms)", ylabel="variance over vacuum (dB)", xlim=(0, times[-1]), ylim=(-7.6, 5.5))
    axes.set_yticks(np.arange(-6, 3, 2))
    axes.set_title(f"{fig4.SQUEEZING:g} dB of squeezing; {_polarizations(result.setting)}")
    axes.legend(loc="upper center", ncols=2, fontsize="small")
    return fig


def _curves(axes: Any, phase: Any, curves: Sequence[Curve], noisy: bool, width: float = 1.5) -> None:
    """The runs, and the averages in black if they can be told apart."""
    for values, _, color, label in curves:
        axes.plot(phase, values, color=color, lw=width, label=label)
    if noisy:
        for _, average, _, _ in curves:
            axes.plot(phase, average, "--", color="black", lw=0.8)
        axes.plot([], [], "--", color="black", lw=0.8, label="average over runs")


def _inset(axes: Any, bounds: tuple[float, float, float, float]) -> Any:
    inset = axes.inset_axes(bounds)
    inset.tick_params(labelsize="x-small")
    inset.grid(visible=True, alpha=0.3)
    return inset


def _one() -> tuple[Any, Any]:
    return figure(1, 1, widths=(WIDTH,))


def _polarizations(setting: fig4.Setting) -> str:
    return f"$p_a$ = {setting.cell.alkali_polarization:g}, $p_b$ = {setting.cell.noble_gas_polarization:g}"


def _power(angle: float) -> str:
    mantissa, exponent = f"{angle:.0e}".split("e")
    factor = "" if mantissa == "1" else rf"{mantissa}\cdot "
    return f"${factor}10^{{{int(exponent)}}}$ rad"
