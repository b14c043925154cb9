"""The oracle: the rate and precession equations of f, k, p_a, p_b handed to SciPy as they are written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from spinlab.physics.propagation import Cell, CellState, Control


def direct(
    cell: Cell, state: CellState, control: Control, duration: float, times: Any = None, method: str = "DOP853"
) -> tuple[CellState, Any]:
    """Integrate the equations of spinlab.physics.propagation → (state after, f and p_a at ``times``).

    ``method="Radau"`` is for hours without a transverse field: in the frame of the helium (whose phase is lost) it lets
    the alkali follow instead of resolving each precession.
    """
    assert method != "Radau" or control.transverse_field == 0
    mixture, rates = cell.mixture, cell.rates
    strength, n_a, n_b = mixture.exchange_strength, mixture.alkali_density, mixture.noble_gas_density
    g_e, g_b = mixture.electron_gyromagnetic, mixture.noble_gas_gyromagnetic

    def field(t: float) -> float:
        if cell.time_constant == 0:
            return control.field
        return float(control.field + (state.field - control.field) * np.exp(-t / cell.time_constant))

    def slopes(t: float, y: Any) -> Any:
        f, k, p_a, p_b = complex(y[0], y[1]), complex(y[2], y[3]), y[4], y[5]
        b = field(t)
        q = float(cell.slowing_down(p_a))
        zeta = strength / q
        f_z, k_z = q * p_a / 2, p_b / 2
        w_a = g_e * b / q - zeta * p_b * n_b / 2
        w_b = g_b * b - zeta * q * p_a * n_a / 2
        gamma = rates.total(control.pumping_rate) / q
        across = -1j * control.transverse_field
        df = (-1j * w_a - gamma) * f - 1j * zeta * n_b * f_z * k + f_z * (control.tilt_rate + g_e / q * across)
        dk = (-1j * w_b - mixture.noble_gas_decay) * k - 1j * zeta * n_a * k_z * f + k_z * g_b * across
        if method == "Radau":  # in the frame of the helium, pulled by the alkali that follows it
            frame = w_b - zeta**2 * n_a * n_b * f_z * k_z / (w_a - w_b)
            df, dk = df + 1j * frame * f, dk + 1j * frame * k
        return [
            df.real,
            df.imag,
            dk.real,
            dk.imag,
            rates.alkali_slope(p_a, p_b, control.pumping_rate),
            rates.noble_gas_slope(p_a, p_b),
        ]

    f, k = state.alkali, state.noble_gas
    begin = [f.real, f.imag, k.real, k.imag, state.alkali_polarization, state.noble_gas_polarization]
    tolerance = (1e-9, 1e-12) if method == "DOP853" else (1e-7, [1e-2, 1e-2, 1e-10, 1e-10, 1e-8, 1e-8])
    solution = solve_ivp(
        slopes, (0, duration), begin, method=method, t_eval=times, rtol=tolerance[0], atol=tolerance[1]
    )
    end = solution.y[:, -1]
    after = replace(
        state,
        alkali=complex(end[0], end[1]),
        noble_gas=complex(end[2], end[3]),
        alkali_polarization=float(end[4]),
        noble_gas_polarization=float(end[5]),
        field=field(duration),
    )
    return after, (solution.y[0] + 1j * solution.y[1], solution.y[4])
