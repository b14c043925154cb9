"""Exact ensemble averages of the single-excitation simulation: its oracle, for any number of steps."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from spinlab.physics.collisions.model import Compensation, Gas, record_steps
from spinlab.physics.collisions.results import SingleExcitation
from spinlab.physics.collisions.single import Initial, initial_overlap

FloatArray = npt.NDArray[np.float64]


def exact_moments(
    n_alkali: int,
    n_noble_gas: int,
    mean_angle: float,
    angle_std: float,
    steps: int,
    initial: Initial = "symmetric",
    *,
    record_every: int | None = None,
    compensation: Compensation = "paper",
) -> SingleExcitation:
    """Averages of F10, F01, P_alkali over all partners and angles, ``(records,)``; arguments of ``single_excitation``.

    With x_i = O_i(a_i − b_i) and X their sum, a step is Σa' = e^{−iθ}(Σa − X), Σb' = Σb + X. Averaged over uniformly
    random distinct partners and independent φ, with o = ⟨O⟩ = (1 − e^{i⟨φ⟩ − δφ²/2})/2 and ⟨|O|²⟩ = Re o, the
    averages of Σ|a|², |Σa|², |Σb|², (Σa)*(Σb) close into a linear map. It is kept as its difference from the identity
    and iterated by doubling, so that 1e7 steps of 1e-5 rad lose no digits. Raises ValueError as ``single_excitation``.
    """
    gas = Gas(n_alkali, n_noble_gas, mean_angle, angle_std, compensation)
    times = record_steps(steps, record_every)
    start = np.array([1.0, 1.0, initial_overlap(gas, initial), 0.0, 0.0, 0.0])
    change = np.column_stack([_change(gas, unit) for unit in np.eye(len(start))])
    moments = _iterate(change, start, times)
    return SingleExcitation(gas, times, F10=moments[2], F01=moments[3], P_alkali=moments[1])


def _change(gas: Gas, moments: FloatArray) -> FloatArray:
    """What one step adds to (norm, P_alkali, F10, F01, Re κ, Im κ), κ = (Σa)*(Σb)/√(N_a N_b)."""
    norm, alkali, f10, f01 = moments[:4]
    kappa = complex(moments[4], moments[5])
    n_a, n_b = gas.n_alkali, gas.n_noble_gas
    ratio = sqrt(n_a / n_b)
    o = -complex(np.expm1(1j * gas.mean_angle - gas.angle_std**2 / 2)) / 2
    each = alkali + ratio**2 * (norm - alkali) - 2 * ratio * kappa.real  # Σ⟨|a − b|²⟩ over the pairs
    # The same for two different pairs, over N_a; partners are distinct, so N_b − 1 of them are left for the second.
    others = ratio**2 * (n_b * f01 - (norm - alkali)) / (n_b - 1) if n_b > 1 else 0.0
    both = f10 - alkali / n_a + (n_a - 1) / n_a * (others - 2 * ratio * kappa.real)
    square = o.real * each / n_a + abs(o) ** 2 * both  # ⟨|X|²⟩/N_a
    from_a = o * (f10 - ratio * kappa)  # ⟨(Σa)* X⟩/N_a
    from_b = o * (kappa.conjugate() - ratio * f01)  # ⟨(Σb)* X⟩/√(N_a N_b)
    cross = ratio * (from_a - square) - from_b.conjugate()
    turned = np.expm1(1j * gas.field_angle) * (kappa + cross) + cross
    pair = o * (alkali - ratio * kappa)
    return np.array(
        [
            0.0,
            o.real * each - 2 * pair.real,
            square - 2 * from_a.real,
            ratio**2 * square + 2 * ratio * from_b.real,
            turned.real,
            turned.imag,
        ]
    )


def _iterate(change: FloatArray, start: FloatArray, times: npt.NDArray[np.int64]) -> FloatArray:
    """(1 + change)^t applied to ``start`` for equally spaced ``times``, the last of which may come early."""
    if len(times) == 1:
        return start[:, None]
    result = start[:, None]
    power = _power(change, int(times[1]))
    while result.shape[1] < len(times):
        result = np.hstack([result, result + power @ result])
        power = 2 * power + power @ power
    result = result[:, : len(times)]
    last = _power(change, int(times[-1] - times[-2])) @ result[:, -2]
    result[:, -1] = result[:, -2] + last
    return result


def _power(change: FloatArray, exponent: int) -> FloatArray:
    """(1 + change)^exponent − 1 by repeated squaring."""
    result = np.zeros_like(change)
    while exponent:
        if exponent & 1:
            result = result + change + result @ change
        change = 2 * change + change @ change
        exponent >>= 1
    return result
