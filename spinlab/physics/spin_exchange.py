"""The alkali's magnetic resonance under alkali–alkali spin exchange, from the SERF regime to high field.

Spin exchange conserves total spin but scrambles the two hyperfine levels, which precess in opposite senses:

    dρ/dt = −i[H, ρ] + R_se [φ(1 + 4⟨S⟩·S) − ρ],      φ = ρ/4 + S·ρS

(W. Happer, A. C. Tam, PRA 16, 1877 (1977); S. Appelt et al., PRA 59, 2078 (1999)). Linearized about a spin-temperature
state of polarization p, the 4I Zeeman coherences |F, m⟩⟨F, m−1| obey a small linear equation, whose slowest eigenvalue is the
line. Nothing is interpolated; known limits (the tests have them) are

    low field (SERF)     ω = ω_e/q; at low p the width is (ω²/R_se)(q² − (2I+1)²)/2q
    high field, low p    ω = ω_e/(2I+1), width R_se·2I(2I−1)/3(2I+1)²
    p → 1                no width at all (polarization narrowing): for I = 3/2 and a high field R_se (1 − p)/5

The width belongs to a spin that precesses freely. A noble gas that is stored far from resonance drives the alkali far below
its line, nearly at rest, where the alkali follows the tilted field without any spin-exchange loss: for that there is
:func:`spin_exchange_response`.
"""

from __future__ import annotations

from functools import cache
from math import inf, pi
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from spinlab.physics.slowing_down import slowing_down_factor, slowing_down_polynomials

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]


class Line(NamedTuple):
    """Precession frequency (rad/s) and amplitude decay rate by spin exchange (1/s)."""

    frequency: Any
    broadening: Any


class _Coherences(NamedTuple):
    """Of the 4I coherences: F − I = ±1/2, m, and the tensors of the linearized exchange operator."""

    level: FloatArray
    m: FloatArray
    plain: FloatArray  # φ(δρ)
    polarized: FloatArray  # 4 φ(δρ) S_z, to be multiplied by ⟨S_z⟩ = p/2
    gain: FloatArray  # 2 |m_I⟩⟨m_I| S₊, by nuclear state
    spin: FloatArray  # Tr δρ S₋


def spin_exchange_line(
    nuclear_spin: float,
    polarization: npt.ArrayLike,
    electron_larmor: npt.ArrayLike,
    exchange_rate: npt.ArrayLike,
    hyperfine_splitting: float = inf,
) -> Line:
    """Return frequency and spin-exchange width of the alkali's line; the arrays broadcast.

    ``polarization`` p in 0…1, ``electron_larmor`` ω_e = g_s μ_B B/ħ in rad/s (either sign), ``exchange_rate`` R_se in 1/s,
    ``hyperfine_splitting`` in Hz: with it, the Breit–Rabi formula splits the coherences; without, they are degenerate.
    Raises ValueError for p outside 0…1, a negative R_se, or what is not finite.
    """
    p, omega, rate = _checked(polarization, electron_larmor, exchange_rate, hyperfine_splitting)
    values = np.linalg.eigvals(_generator(nuclear_spin, p, omega, rate, hyperfine_splitting))
    slowest = np.take_along_axis(values, np.argmax(values.real, axis=-1)[..., None], axis=-1)[..., 0]
    return Line(np.asarray(-slowest.imag)[()], np.maximum(-slowest.real, 0.0)[()])


def spin_exchange_response(
    nuclear_spin: float,
    polarization: npt.ArrayLike,
    electron_larmor: npt.ArrayLike,
    exchange_rate: npt.ArrayLike,
    decay: npt.ArrayLike,
    drive: npt.ArrayLike,
    hyperfine_splitting: float = inf,
) -> Any:
    """Return the alkali's transverse response to a field that turns at ``drive`` (rad/s), s/rad, complex.

    In the SERF regime it is 1/[γ + i(ω_a − ω)], ω_a = ω_e/q, γ the amplitude rate ``decay`` (1/s) of everything but spin
    exchange. A noble gas coupled by J to the alkali loses amplitude at J² times its real part, as long as that is weak.
    Other arguments and errors as in :func:`spin_exchange_line`.
    """
    p, omega, rate = _checked(polarization, electron_larmor, exchange_rate, hyperfine_splitting)
    gamma, frequency = (np.asarray(each, dtype=float) for each in (decay, drive))
    for name, value in (("decay", gamma), ("drive", frequency)):
        if not np.all(np.isfinite(value)) or (name == "decay" and np.any(value < 0)):
            raise ValueError(f"{name} must be finite{' and not negative' if name == 'decay' else ''}, got {value}")
    coherences = _coherences(nuclear_spin)
    generator = _generator(nuclear_spin, p, omega, rate, hyperfine_splitting)
    shift = (gamma + 1j * -frequency)[..., None, None] * np.eye(coherences.m.size)
    kick = _kick(coherences, nuclear_spin, p)
    answer = np.linalg.solve(shift - generator, kick[..., None] + 0j)[..., 0]
    return slowing_down_factor(nuclear_spin, p) * (answer @ coherences.spin)


def _checked(
    polarization: npt.ArrayLike,
    electron_larmor: npt.ArrayLike,
    exchange_rate: npt.ArrayLike,
    hyperfine_splitting: float,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    given = (np.asarray(each, dtype=float) for each in (polarization, electron_larmor, exchange_rate))
    p, omega, rate = np.broadcast_arrays(*given)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"polarization must lie in 0…1, got {polarization!r}")
    if not np.all(np.isfinite(omega)):
        raise ValueError(f"electron_larmor must be finite, got {electron_larmor!r}")
    if not np.all((rate >= 0) & np.isfinite(rate)):
        raise ValueError(f"exchange_rate must be finite and not negative, got {exchange_rate!r}")
    if not hyperfine_splitting > 0:
        raise ValueError(f"hyperfine_splitting must be positive, in Hz, got {hyperfine_splitting}")
    return p, omega, rate


def _generator(
    nuclear_spin: float, p: FloatArray, omega: FloatArray, rate: FloatArray, hyperfine_splitting: float
) -> ComplexArray:
    """Spin exchange and precession of the coherences, ``p.shape + (4I, 4I)``, 1/s."""
    coherences = _coherences(nuclear_spin)
    matrix = rate[..., None, None] * (_exchange(coherences, nuclear_spin, p) - np.eye(coherences.m.size)) + 0j
    index = np.arange(coherences.m.size)
    matrix[..., index, index] -= 1j * _frequencies(coherences, nuclear_spin, omega, 2 * pi * hyperfine_splitting)
    return np.asarray(matrix)


def _exchange(coherences: _Coherences, nuclear_spin: float, p: FloatArray) -> FloatArray:
    """The part of δ[φ(1 + 4⟨S⟩·S)] per δρ within the coherences, ``p.shape + (4I, 4I)``."""
    m = np.arange(nuclear_spin, -nuclear_spin - 1, -1)
    weights = (1 + p[..., None]) ** (nuclear_spin + m) * (1 - p[..., None]) ** (nuclear_spin - m)
    weights /= weights.sum(axis=-1, keepdims=True)
    back = (weights @ coherences.gain)[..., :, None] * coherences.spin
    return np.asarray(coherences.plain + p[..., None, None] / 2 * coherences.polarized + back)


def _kick(coherences: _Coherences, nuclear_spin: float, p: FloatArray) -> FloatArray:
    """[S₊, ρ₀] per unit of the total spin it turns, ``p.shape + (4I,)``: what a transverse field does to the electron."""
    top = nuclear_spin + 0.5

    def weight(m: FloatArray, less: int) -> FloatArray:
        """(1 + p)^(I + 1/2 + m − less) (1 − p)^(I + 1/2 − m), the spin-temperature population for less = 0."""
        return np.asarray((1 + p[..., None]) ** (top + m - less) * (1 - p[..., None]) ** (top - m))

    norm = weight(np.array([m for _, m in _labels(nuclear_spin)]), 0).sum(axis=-1, keepdims=True)
    return np.asarray(2 * coherences.spin * weight(coherences.m, 1) / norm)


def _frequencies(coherences: _Coherences, nuclear_spin: float, omega: FloatArray, splitting: float) -> FloatArray:
    """Breit–Rabi differences E(F, m) − E(F, m−1) over ħ without cancellation, ``omega.shape + (4I,)``."""
    x = omega[..., None] / splitting
    multiplicity = 2 * nuclear_spin + 1
    root = np.sqrt(np.maximum(1 + 4 * coherences.m * x / multiplicity + x * x, 0.0))
    lower = np.sqrt(np.maximum(1 + 4 * (coherences.m - 1) * x / multiplicity + x * x, 0.0))
    return np.asarray(2 * coherences.level * 2 * omega[..., None] / multiplicity / (root + lower))


@cache
def _coherences(nuclear_spin: float) -> _Coherences:
    slowing_down_polynomials(nuclear_spin)  # refuses what is no spin
    size = round(2 * nuclear_spin) + 1
    m = nuclear_spin - np.arange(size)
    unit = np.eye(size)
    s_z, s_plus = np.kron(np.diag([0.5, -0.5]), unit), np.kron(np.array([[0.0, 1.0], [0.0, 0.0]]), unit)
    states = [(half, mf, _state(nuclear_spin, half, mf)) for half, mf in _labels(nuclear_spin)]
    by_label = {(half, mf): state for half, mf, state in states}
    pairs = [(half, mf, ket, by_label[half, mf - 1]) for half, mf, ket in states if (half, mf - 1) in by_label]
    kets, bras = np.array([ket for _, _, ket, _ in pairs]), np.array([bra for _, _, _, bra in pairs])

    def components(operators: FloatArray) -> FloatArray:
        """⟨F, m|operator|F, m−1⟩ of ``(…, d, d)`` → ``(…, 4I)``."""
        return np.asarray(np.einsum("ki,...ij,kj->...k", kets, operators, bras))

    nuclear = np.array([_nuclear_part(np.outer(ket, bra), size) for ket, bra in zip(kets, bras, strict=True)])
    projectors = np.array([np.kron(np.eye(2) / 2, np.outer(row, row)) for row in np.eye(m.size)])
    return _Coherences(
        level=np.array([half for half, _, _, _ in pairs]),
        m=np.array([mf for _, mf, _, _ in pairs]),
        plain=components(nuclear).T,
        polarized=components(4 * nuclear @ s_z).T,
        gain=components(2 * projectors @ s_plus),
        spin=components(s_plus),
    )


def _labels(nuclear_spin: float) -> list[tuple[float, float]]:
    """(F − I, m) of every state."""
    return [
        (half, nuclear_spin + half - k) for half in (0.5, -0.5) for k in range(round(2 * (nuclear_spin + half)) + 1)
    ]


def _state(nuclear_spin: float, half: float, mf: float) -> FloatArray:
    """|F, m⟩ in the product basis (electron up, then down; m_I falling), by the Clebsch–Gordan coefficients of 1/2."""
    size = round(2 * nuclear_spin) + 1
    share = mf / size
    up, down = np.sqrt(max(0.5 + share, 0.0)), np.sqrt(max(0.5 - share, 0.0))
    if half < 0:
        up, down = -down, up
    state = np.zeros(2 * size)
    for offset, electron, amplitude in ((0, 0.5, up), (size, -0.5, down)):
        position = round(nuclear_spin - (mf - electron))
        if 0 <= position < size:
            state[offset + position] = amplitude
    return state


def _nuclear_part(rho: FloatArray, size: int) -> FloatArray:
    """φ = ρ/4 + S·ρS: the electron's part replaced by the unpolarized one."""
    traced = rho[:size, :size] + rho[size:, size:]
    return np.asarray(np.kron(np.eye(2) / 2, traced))
