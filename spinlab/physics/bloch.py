"""Mean-field Bloch equations of both spins (paper, Eq. 1), nonlinear, with fields, optical pumping and relaxation.

Per-atom spins f = q s of the alkali (s its electron spin) and k of the noble gas, in ħ, in the laboratory frame:

    f' = (g_a B + n_b ζ k + L) × f + n_b k_se (k − s) + Σ R (d/2 − s) − Γ_sd s
    k' = (g_b B + n_a ζ f) × k     + n_a k_se (s − k) − Γ_b k

g_a f = (g_s μ_B/ħ) s and ζ f = ⟨σvφ⟩ s, so q appears only where f and s are converted: q = q(2|s|), spin temperature.

Eq. 1 prints the alkali's transfer as n_b k_se (q k − f). Colliding electron and nucleus swap states with probability
sin²(φ/2) ≈ φ²/4 and the alkali's nucleus only watches: a collision changes F by (φ²/4)(k − s), which is (q k − f)/q, and
K by the opposite. With the 1/q, n_a f + n_b k is conserved by both parts of the exchange; as printed it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.polynomial import Polynomial
from scipy.integrate import solve_ivp

from spinlab.physics.mixture import GasMixture
from spinlab.physics.slowing_down import slowing_down_factor, slowing_down_polynomials

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]
Field = npt.ArrayLike | Callable[[float], npt.ArrayLike]
Slopes = Callable[[float, FloatArray], list[float]]
Bend = Callable[[float], tuple[float, float]]

FOLLOWING = 1e-2  # ħ: how far the alkali's transverse spin may be off while it merely follows the noble gas
PHASE = 1e-6  # rad: likewise the phase of the frame that turns with the noble gas
FAR = 30.0  # |Δ|/J from which on the alkali follows
NEWTON_STEPS = 60


@dataclass(frozen=True)
class Pumping:
    """Light that pumps the electron spin at ``rate`` R (1/s, electron rate) towards ``direction``/2.

    ``direction`` is a 3-vector whose length, at most 1, is the light's degree of circular polarization.
    """

    rate: float
    direction: npt.ArrayLike = (0.0, 0.0, -1.0)

    def __post_init__(self) -> None:
        _check_rate("rate", self.rate)
        if np.linalg.norm(_vector("direction", self.direction)) > 1 + 1e-12:
            raise ValueError(f"direction must be at most 1 long, got {self.direction!r}")


@dataclass(frozen=True)
class Segment:
    """What acts on the spins for ``duration`` s: field (T), pumping light, and a light shift.

    ``field`` is a 3-vector, or a smooth function of the time (s) since the segment began that returns one.
    ``light_shift`` L (rad/s, 3-vector) turns the alkali spin f about itself, as non-resonant signal light does.
    """

    duration: float
    field: Field = (0.0, 0.0, 0.0)
    pumping: Pumping | Sequence[Pumping] = ()
    light_shift: npt.ArrayLike = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if not self.duration >= 0:
            raise ValueError(f"duration must not be negative, got {self.duration}")
        if not callable(self.field):
            _vector("field", self.field)
        _vector("light_shift", self.light_shift)

    @property
    def pumps(self) -> tuple[Pumping, ...]:
        """All pumping light of the segment."""
        return (self.pumping,) if isinstance(self.pumping, Pumping) else tuple(self.pumping)


@dataclass(frozen=True, eq=False)
class Evolution:
    """Spins per atom, ħ, at ``times`` (s): ``alkali`` f and ``noble_gas`` k, ``times.shape + (3,)``.

    ``polarization`` is the alkali's p_a = 2|s|, ``times.shape``.
    """

    times: FloatArray
    alkali: FloatArray
    noble_gas: FloatArray
    polarization: FloatArray

    @property
    def noble_gas_polarization(self) -> FloatArray:
        """p_b = 2|k|, ``times.shape``."""
        return np.asarray(2 * np.linalg.norm(self.noble_gas, axis=-1))


def evolve(
    mixture: GasMixture,
    alkali: npt.ArrayLike,
    noble_gas: npt.ArrayLike,
    field: Field | Sequence[Segment],
    times: npt.ArrayLike,
    *,
    pumping: Pumping | Sequence[Pumping] = (),
    light_shift: npt.ArrayLike = (0.0, 0.0, 0.0),
    breaks: Sequence[float] = (),
    slowing_down: float | None = None,
    transverse_transfer: bool = True,
    adiabatic: bool = False,
    rtol: float = 1e-9,
    atol: float = 1e-12,
) -> Evolution:
    """Spins at ``times`` (s, any shape, none negative), from f and k (ħ, 3-vectors) at t = 0.

    ``field`` (T) is a 3-vector, a function of t that returns one, or a sequence of :class:`Segment`, of which the last
    goes on after its end; segments bring their own pumping and light shift. The integration (DOP853, ``rtol``, ``atol``
    in ħ) starts anew at every segment and at every time in ``breaks``, where a function may jump. The mixture gives
    densities and rates; its polarizations play no part.

    ``slowing_down`` holds q at one value instead of following |s|. ``transverse_transfer=False`` leaves out what the
    incoherent transfer *brings* across z (n_b k_se k and n_a k_se s there), as Eqs. 15 and 18 do. ``adiabatic=True`` is
    for seconds to hours in a field along z, far from resonance: in the frame of the noble gas, an implicit method
    (Radau) lets the alkali's transverse spin follow the noble gas; its own free precession is damped, not resolved.

    Raises ValueError naming the argument: not a finite 3-vector, spins longer than I + 1/2 or 1/2, negative times, rates
    or durations; with ``adiabatic`` also whatever points across z.
    """
    wanted = _times(times)
    segments = _segments(field, pumping, light_shift, breaks)
    _check_rate("rtol", rtol, 1.0)
    _check_rate("atol", atol)
    if slowing_down is not None:
        _check_rate("slowing_down", slowing_down)
        if slowing_down < 1:
            raise ValueError(f"slowing_down must be at least 1, got {slowing_down}")
    factor = _SlowingDown(mixture.nuclear_spin, slowing_down)
    start = [*_split(factor.electron(_vector("alkali", alkali))), *_split(_noble_gas(noble_gas)), 0.0]
    equations = _Equations(mixture, factor, transverse_transfer, adiabatic)
    grid, index = np.unique(wanted, return_inverse=True)
    path = _path(equations, segments, np.array(start), grid, rtol, atol)[index.reshape(wanted.shape)]
    back = np.exp(-1j * path[..., 6])
    electron, nucleus = _join(path[..., 0:3], back), _join(path[..., 3:6], back)
    polarization = 2 * np.linalg.norm(electron, axis=-1)
    return Evolution(wanted, factor(polarization)[..., None] * electron, nucleus, polarization)


def polarized(mixture: GasMixture) -> tuple[FloatArray, FloatArray]:
    """f and k (ħ) of the mixture's polarizations along −z: F_z = q p_a/2, K_z = p_b/2."""
    down = np.array([0.0, 0.0, -0.5])
    p_a = mixture.alkali_polarization
    return mixture.slowing_down * p_a * down, mixture.noble_gas_polarization * down


def transverse(spin: npt.ArrayLike) -> ComplexArray:
    """x − iy of spins ``(…, 3)``, which turns as e^{−iωt} and falls as the two-mode amplitudes do."""
    vectors = np.asarray(spin, dtype=float)
    return np.asarray(vectors[..., 0] - 1j * vectors[..., 1])


def electron_spin(alkali: npt.ArrayLike, nuclear_spin: float) -> FloatArray:
    """s from f = q(2|s|) s (Eq. 12) for spins ``(…, 3)`` in ħ; ValueError when |f| exceeds I + 1/2."""
    return _SlowingDown(nuclear_spin).electron(np.asarray(alkali, dtype=float))


class _SlowingDown:
    """q of the polarization, or one q for all, and how s follows f."""

    def __init__(self, nuclear_spin: float, fixed: float | None = None) -> None:
        self.nuclear_spin = nuclear_spin
        self.fixed = fixed
        above, below = (Polynomial(each) for each in slowing_down_polynomials(nuclear_spin))
        slope = above.deriv() * below - above * below.deriv()
        self._descending = tuple(p.coef[::-1].tolist() for p in (above, below, slope))

    def __call__(self, polarization: FloatArray) -> FloatArray:
        if self.fixed is not None:
            return np.full_like(polarization, self.fixed)
        return np.asarray(slowing_down_factor(self.nuclear_spin, np.minimum(polarization, 1.0)))

    def bend(self, x: float) -> tuple[float, float]:
        """q and β at x = p² = 4|s|²: s' = f'/q + β (s·f') s.

        Across s, s' is f'/q; along it, f'/C with C = d(qp)/dp. β = (1/C − 1/q)/|s|² is finite at s = 0, so that
        integrating s needs no inversion of q s = f.
        """
        if self.fixed is not None:
            return self.fixed, 0.0
        x = min(x, 4.0)  # a trial step may leave the physical range before it is refused; up to x = 1 nothing may bend
        above, below, slope = (_horner(p, x) for p in self._descending)
        q, along = above / below, slope / below**2
        return q, -8 * along / (q * (q + 2 * x * along))

    def electron(self, alkali: FloatArray) -> FloatArray:
        """s of f: Newton for q(p) p = 2|f| from the left, where the concave function is never overshot."""
        size = 2 * np.linalg.norm(alkali, axis=-1)
        largest = 2 * self.nuclear_spin + 1 if self.fixed is None else self.fixed
        if not np.all(size <= largest * (1 + 1e-12)):
            raise ValueError(f"alkali must be a finite spin of at most {largest / 2:g} ħ, got {alkali}")
        if self.fixed is not None:
            return alkali / self.fixed
        p = size / _horner(self._descending[0], 0.0) * _horner(self._descending[1], 0.0)
        for _ in range(NEWTON_STEPS):
            above, below, slope = (_horner(each, p * p) for each in self._descending)
            q, along = above / below, slope / below**2
            step = (size - q * p) / (q + 2 * p * p * along)
            p = np.minimum(p + step, 1.0)
            if np.all(np.abs(step) <= 1e-15 * p):
                break
        return np.asarray(alkali / self(p)[..., None])


class _Equations:
    """Builds the right-hand side of one segment: (Re s, Im s, s_z, Re k, Im k, k_z, phase of the frame)."""

    def __init__(self, mixture: GasMixture, factor: _SlowingDown, transverse_transfer: bool, adiabatic: bool) -> None:
        self.mixture = mixture
        self.bend: Bend = factor.bend
        self.transverse_transfer = transverse_transfer
        self.adiabatic = adiabatic

    def slopes(self, segment: Segment) -> Slopes:
        mixture, bend, adiabatic, field = self.mixture, self.bend, self.adiabatic, self._field(segment.field)
        g_e, g_b = mixture.electron_gyromagnetic, mixture.noble_gas_gyromagnetic
        on_alkali = mixture.exchange_strength * mixture.noble_gas_density
        on_noble_gas = mixture.exchange_strength * mixture.alkali_density
        both = on_alkali * on_noble_gas
        bring = mixture.spin_exchange_coefficient * mixture.noble_gas_density
        give = mixture.spin_exchange_coefficient * mixture.alkali_density
        across = 1.0 if self.transverse_transfer else 0.0
        lose = mixture.electron_destruction + bring + sum(p.rate for p in segment.pumps)
        lose_noble_gas = mixture.noble_gas_decay
        light, light_z = self._axial("light_shift", segment.light_shift)
        pumps = [self._axial("pumping direction", p.direction) for p in segment.pumps]
        pump = sum((p.rate / 2 * d for p, (d, _) in zip(segment.pumps, pumps, strict=True)), 0j)
        pump_z = sum(p.rate / 2 * d for p, (_, d) in zip(segment.pumps, pumps, strict=True))

        def slopes(t: float, y: FloatArray) -> list[float]:
            s_re, s_im, s_z, k_re, k_im, k_z, _ = y.tolist()
            s, k = complex(s_re, s_im), complex(k_re, k_im)
            b, b_z = field(t)
            q, beta = bend(4 * (s_re * s_re + s_im * s_im + s_z * s_z))
            turn, turn_z = g_e * b + on_alkali * k + q * light, g_e * b_z + on_alkali * k_z + q * light_z
            back, back_z = g_b * b + on_noble_gas * s, g_b * b_z + on_noble_gas * s_z
            frame = back_z + _pulled(turn_z - q * back_z, lose, both * s_z * k_z) if adiabatic else 0.0
            f = 1j * (s_z * turn - (turn_z - q * frame) * s) - lose * s + across * bring * k + pump
            f_z = _cross_z(turn, s) - lose * s_z + bring * k_z + pump_z
            nucleus = 1j * (k_z * back - (back_z - frame) * k) - lose_noble_gas * k + across * give * s
            nucleus_z = _cross_z(back, k) - lose_noble_gas * k_z + give * s_z
            radial = beta * (s_re * f.real + s_im * f.imag + s_z * f_z)
            f = f / q + radial * s
            return [f.real, f.imag, f_z / q + radial * s_z, nucleus.real, nucleus.imag, nucleus_z, frame]

        return slopes

    def first_step(self, segment: Segment) -> float:
        """Seconds short against every precession. SciPy's own guess for spins at rest is so long that it overflows."""
        mixture = self.mixture
        across, along = self._field(segment.field)(0.0)
        fastest = (abs(across) + abs(along)) * max(mixture.electron_gyromagnetic, mixture.noble_gas_gyromagnetic)
        fastest += mixture.exchange_strength * (mixture.alkali_density + mixture.noble_gas_density)
        fastest += mixture.electron_destruction + sum(p.rate for p in segment.pumps)
        fastest += (2 * mixture.nuclear_spin + 1) * sum(
            abs(x) for x in _vector("light_shift", segment.light_shift).tolist()
        )
        if not isfinite(fastest):
            raise ValueError(f"field must be weak enough to follow, got {segment.field!r} T")
        return 1 / fastest if fastest else inf

    def check_following(self, segment: Segment, state: FloatArray) -> None:
        """The alkali follows the noble gas only where |Δ| is many times J."""
        s_z, k_z, mixture = state[2], state[5], self.mixture
        _, b_z = self._field(segment.field)(0.0)
        q, _ = self.bend(4 * s_z * s_z)
        strength, n_a, n_b = mixture.exchange_strength, mixture.alkali_density, mixture.noble_gas_density
        alkali = (mixture.electron_gyromagnetic * b_z + strength * n_b * k_z) / q
        detuning = abs(mixture.noble_gas_gyromagnetic * b_z + strength * n_a * s_z - alkali)
        coupling = strength * sqrt(abs(s_z * k_z) * n_a * n_b / q)
        if detuning < FAR * coupling:
            raise ValueError(
                f"field must be far from resonance when adiabatic, |Δ| at least {FAR:g} J; at {b_z:g} T it is "
                f"{detuning / coupling:.3g} J"
            )

    def _field(self, field: Field) -> Callable[[float], tuple[complex, float]]:
        """Field as (B_x − iB_y, B_z) of the time."""
        if callable(field):
            return lambda t: self._axial(f"field at {t:g} s", field(t))
        constant = self._axial("field", field)
        return lambda t: constant

    def _axial(self, name: str, value: npt.ArrayLike) -> tuple[complex, float]:
        x, y, z = _vector(name, value).tolist()
        if self.adiabatic and (x or y):
            raise ValueError(f"{name} must lie along z when adiabatic, got {value!r}")
        return complex(x, -y), z


def _path(
    equations: _Equations, segments: Sequence[Segment], state: FloatArray, grid: FloatArray, rtol: float, atol: float
) -> FloatArray:
    """States at the sorted times of ``grid`` → ``(len(grid), 7)``."""
    path = np.empty((len(grid), 7))
    tolerance: Any = atol
    if equations.adiabatic:
        tolerance = [FOLLOWING, FOLLOWING, atol, atol, atol, atol, PHASE]
    for segment, start, stop in _stretches(segments, grid[-1] if len(grid) else 0.0):
        inside = (grid >= start) & (grid <= stop)
        path[inside & (grid == start)] = state
        if stop == start:
            continue
        if equations.adiabatic:
            equations.check_following(segment, state)
        length = stop - start
        points = np.append(np.minimum(grid[inside] - start, length), length)
        solution = solve_ivp(
            equations.slopes(segment),
            (0.0, length),
            state,
            method="Radau" if equations.adiabatic else "DOP853",
            t_eval=np.unique(points),
            first_step=min(equations.first_step(segment), length),
            rtol=rtol,
            atol=tolerance,
        )
        if not solution.success:
            raise ValueError(f"field or pumping cannot be followed from {start:g} s on: {solution.message}")
        state = solution.y[:, -1]
        path[inside] = solution.y.T[np.searchsorted(solution.t, points[:-1])]
    return path


def _stretches(segments: Sequence[Segment], last: float) -> Iterator[tuple[Segment, float, float]]:
    """Segments with their begin and end (s), until ``last``; the last segment lasts until then."""
    start = 0.0
    for number, segment in enumerate(segments, 1):
        stop = last if number == len(segments) else min(start + segment.duration, last)
        yield segment, start, stop
        start = stop


def _segments(
    field: Any, pumping: Pumping | Sequence[Pumping], light_shift: npt.ArrayLike, breaks: Sequence[float]
) -> Sequence[Segment]:
    if isinstance(field, Sequence) and field and all(isinstance(each, Segment) for each in field):
        if pumping != () or np.any(np.asarray(light_shift)) or len(breaks):
            raise ValueError("pumping, light_shift and breaks must not be given beside segments, which bring their own")
        return field
    edges = [0.0, *sorted(float(t) for t in breaks), inf]
    if not all(0 <= t < inf for t in edges[:-1]):
        raise ValueError(f"breaks must be finite and not negative, got {breaks!r}")
    return [Segment(stop - start, _later(field, start), pumping, light_shift) for start, stop in pairwise(edges)]


def _later(field: Field, start: float) -> Field:
    return (lambda t: field(start + t)) if callable(field) else field


def _times(times: npt.ArrayLike) -> FloatArray:
    wanted = np.asarray(times, dtype=float)
    if not np.all((wanted >= 0) & (wanted < inf)):
        raise ValueError(f"times must be finite and not negative, got {times!r}")
    return wanted


def _noble_gas(value: npt.ArrayLike) -> FloatArray:
    spin = _vector("noble_gas", value)
    if np.linalg.norm(spin) > 0.5 * (1 + 1e-12):
        raise ValueError(f"noble_gas must be a spin of at most 0.5 ħ, got {value!r}")
    return spin


def _vector(name: str, value: npt.ArrayLike) -> FloatArray:
    vector = np.asarray(value, dtype=float)
    if vector.shape != (3,) or not np.all(np.isfinite(vector)):
        raise ValueError(f"{name} must be three finite numbers, got {value!r}")
    return vector


def _check_rate(name: str, value: float, limit: float = inf) -> None:
    if not (isfinite(value) and 0 <= value < limit):
        below = "" if limit == inf else f" and below {limit:g}"
        raise ValueError(f"{name} must be finite and not negative{below}, got {value!r}")


def _cross_z(a: complex, b: complex) -> float:
    """z component of a × b from their x − iy."""
    return a.imag * b.real - a.real * b.imag


def _pulled(detuning: float, width: float, coupling: float) -> float:
    """How much faster the noble gas turns for the alkali that follows it, J²/Δ, rad/s; the frame may turn anyhow."""
    size = detuning * detuning + width * width
    return -coupling * detuning / size if size else 0.0


def _horner(descending: tuple[float, ...], x: Any) -> Any:
    value = descending[0]
    for coefficient in descending[1:]:
        value = value * x + coefficient
    return value


def _split(vector: FloatArray) -> tuple[float, float, float]:
    x, y, z = vector.tolist()
    return x, -y, z


def _join(parts: FloatArray, back: ComplexArray) -> FloatArray:
    """Vectors from (Re, Im of x − iy, z), turned back from the frame."""
    across = (parts[..., 0] + 1j * parts[..., 1]) * back
    return np.stack([across.real, -across.imag, parts[..., 2]], axis=-1)
