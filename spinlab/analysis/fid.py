"""Free-induction decay of an alkali whose polarization falls while it is recorded.

With the pump gate closed p_a decays, q(p_a) grows, and the line chirps: a fixed-frequency fit of 10 ms returns an
eighth of the amplitude. Electron rates are what stays constant, so with u(t) = ∫dt/q(p_a(t))

    s(t) = Re[A exp(−(G + iΩ) u(t))] · u'(t)/u'(0),      Ω = g_sμ_B B/ħ − ζq p_b n_b/2,   G = Γ_sd + n_b k_se + R,

p_a(t) from the rate equation with G as a parameter of it. t = 0 is where the amplitude is referred to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import pi

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicHermiteSpline

from spinlab.errors import RunFailed
from spinlab.physics.polarization import PolarizationRates
from spinlab.physics.slowing_down import slowing_down_factor

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]
KNOTS = 13
ITERATIONS = 12
CONVERGED = 1e-4  # a step is the last when it moves the parameters by less than a hundredth of their σ


@dataclass(frozen=True)
class Decay:
    """What is known of a record before it is fitted.

    ``polarization`` p_a and ``noble_gas`` p_b at t = 0, ``pumping_rate`` during the record (1/s), ``start`` of the
    first sample after t = 0 (s), ``sample_rate`` (1/s), ``aperture`` of one sample (s), ``phase`` that the coil's
    transient added before the record (rad).
    """

    rates: PolarizationRates
    polarization: float
    noble_gas: float
    pumping_rate: float
    start: float
    sample_rate: float
    aperture: float
    phase: float = 0.0

    def clocks(self, count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """u(t) in s, u'(t)/u'(0), and du/dlnG in s, at the record's ``count`` samples."""
        times = self.start + np.arange(count) / self.sample_rate
        if self.polarization == self.rates.settled_alkali(self.noble_gas, self.pumping_rate):
            return times / self.slowing_down(), np.ones(count), np.zeros(count)
        nominal = self._clock(1.0, float(times[-1]))
        u = nominal(times)
        slope = nominal(times, 1) / nominal(0.0, 1)
        step = 0.02
        return u, slope, (self._clock(1.0 + step, float(times[-1]))(times) - u) / step

    def average(self, slope: FloatArray, larmor: float) -> ComplexArray:
        """What averaging over one aperture does to the line at each sample; ``slope`` is u'(t)/u'(0)."""
        if self.aperture == 0:
            return np.ones(len(slope), dtype=complex)
        few = np.linspace(0, len(slope) - 1, 65).astype(int)
        turn = (self.rates.total(self.pumping_rate) + 1j * larmor) / self.slowing_down() * self.aperture
        turns = turn * slope[few]
        return np.asarray(np.interp(np.arange(len(slope)), few, -np.expm1(-turns) / turns))

    def slowing_down(self) -> float:
        """q at t = 0."""
        return float(slowing_down_factor(self.rates.nuclear_spin, self.polarization))

    def _clock(self, factor: float, end: float) -> CubicHermiteSpline:
        """u(t) by Simpson's rule over the rate equation's steps; ``factor`` scales the destruction rate."""
        total = self.rates.total(self.pumping_rate)
        rates = replace(self.rates, destruction=self.rates.destruction + (factor - 1) * total)
        knots = np.linspace(0.0, end, KNOTS)
        p, path = self.polarization, []
        for _ in range(KNOTS - 1):
            path.append(rates.step(p, self.noble_gas, self.pumping_rate, knots[1]).alkali)
            p = path[-1][2]
        inverse = 1 / np.asarray(slowing_down_factor(rates.nuclear_spin, np.array(path)))
        pieces = knots[1] / 6 * (inverse[:, 0] + 4 * inverse[:, 1] + inverse[:, 2])
        return CubicHermiteSpline(
            knots, np.concatenate([[0.0], np.cumsum(pieces)]), np.append(inverse[:, 0], inverse[-1, 2])
        )


@dataclass(frozen=True)
class FidFit:
    """A fitted record, referred to t = 0; every number has its standard uncertainty beside it.

    ``amplitude``: complex, V, of the electron spin's rotation, aperture divided out; ``amplitude_sigma`` of its
    modulus. ``electron_larmor`` Ω in rad/s, ``electron_decay`` G in 1/s, ``noise`` in V rms per sample,
    ``slowing_down`` q at t = 0.
    """

    amplitude: complex
    amplitude_sigma: float
    electron_larmor: float
    electron_larmor_sigma: float
    electron_decay: float
    electron_decay_sigma: float
    noise: float
    slowing_down: float

    @property
    def frequency(self) -> float:
        """Alkali Larmor frequency at t = 0, Hz."""
        return self.electron_larmor / self.slowing_down / (2 * pi)

    @property
    def decay(self) -> float:
        """Amplitude decay rate γ at t = 0, 1/s."""
        return self.electron_decay / self.slowing_down

    @property
    def spin(self) -> complex:
        """The total transverse spin F = q s in the amplitude's volts: what is compared between unequal p_a."""
        return self.amplitude * self.slowing_down

    @property
    def spin_sigma(self) -> float:
        """Uncertainty of the modulus of :attr:`spin`."""
        return self.amplitude_sigma * self.slowing_down

    @property
    def significance(self) -> float:
        """|amplitude| in units of its uncertainty."""
        return abs(self.amplitude) / self.amplitude_sigma


def fit_fid(trace: npt.ArrayLike, decay: Decay, larmor: float | None = None) -> FidFit:
    """Fit amplitude, Ω and G to a record in volts; ``larmor`` is a first guess of Ω (rad/s), None: look for it.

    Raises RunFailed when the record or a fitted value is not finite.
    """
    volts = _checked(trace)
    u, envelope, bend = decay.clocks(len(volts))
    total = decay.rates.total(decay.pumping_rate)
    if larmor is None:
        larmor = _find_line(volts, u, envelope * np.exp(-total * u))
    columns = _Columns(volts, u, envelope * decay.average(envelope, larmor), bend, total, larmor)
    x, normal, noise = columns.solve()
    covariance = noise**2 * np.linalg.inv(normal)
    sigma = np.sqrt(np.diag(covariance))
    if not np.all(np.isfinite([*x, *sigma])):
        raise RunFailed("the fit of a free-induction decay gave values that are not finite; look at the trace")
    along = x[:2] / np.hypot(x[0], x[1])
    return _referred(
        decay,
        complex(x[0], x[1]),
        float(np.sqrt(along @ covariance[:2, :2] @ along)),
        (larmor + x[2] / u[-1], sigma[2] / u[-1]),
        (total + x[3] / u[-1], sigma[3] / u[-1]),
        noise,
    )


def project_fid(trace: npt.ArrayLike, decay: Decay, larmor: float) -> FidFit:
    """The complex amplitude at a known Ω (rad/s) and G: for records that may hold no signal (backgrounds)."""
    volts = _checked(trace)
    u, envelope, _ = decay.clocks(len(volts))
    total = decay.rates.total(decay.pumping_rate)
    carrier = envelope * decay.average(envelope, larmor) * np.exp(-(total + 1j * larmor) * u)
    basis = np.array([carrier.real, -carrier.imag]).T
    normal = np.linalg.inv(basis.T @ basis)
    solution = normal @ (basis.T @ volts)
    noise = float(np.sqrt(np.mean((volts - basis @ solution) ** 2)))
    sigma = noise * float(np.sqrt(np.diag(normal)).mean())
    return _referred(decay, complex(*solution), sigma, (larmor, 0.0), (total, 0.0), noise)


class _Columns:
    """Residual and Jacobian in x = (Re A, Im A, δΩ u_end, δG u_end)."""

    def __init__(
        self, volts: FloatArray, u: FloatArray, envelope: ComplexArray, bend: FloatArray, total: float, larmor: float
    ) -> None:
        self.volts, self.u, self.bend = volts, u, bend
        self.total, self.larmor = total, larmor
        self.carrier = envelope * np.exp(-(total + 1j * larmor) * u)
        self.scale = u[-1]

    def first_guess(self) -> FloatArray:
        """Amplitude by projection at the given Ω and G."""
        norm = 2 / np.sum(np.abs(self.carrier) ** 2)
        projected = norm * np.sum(self.volts * self.carrier.conj())
        return np.array([projected.real, projected.imag, 0.0, 0.0])

    def _unit(self, x: FloatArray) -> tuple[ComplexArray, ComplexArray]:
        """The model for A = 1, and its derivative with respect to δG."""
        shift_larmor, shift_decay = x[2] / self.scale, x[3] / self.scale
        du = self.bend * (shift_decay / self.total)
        rate = self.total + shift_decay + 1j * (self.larmor + shift_larmor)
        unit = self.carrier * np.exp(-(shift_decay + 1j * shift_larmor) * self.u - rate * du)
        return unit, -(self.u + rate * self.bend / self.total) * unit

    def solve(self) -> tuple[FloatArray, FloatArray, float]:
        """Gauss–Newton → (x, normal matrix, residual rms): a raw record costs 2 ms, MINPACK on the same takes 12."""
        x = self.first_guess()
        for _ in range(ITERATIONS):
            residual, jacobian = self._linearised(x)
            normal = jacobian @ jacobian.T
            change = np.linalg.solve(normal, jacobian @ residual)
            x = x + change
            if change @ normal @ change < CONVERGED * (residual @ residual) / len(residual):
                break
        return x, normal, float(np.sqrt(residual @ residual / (len(residual) - 4)))

    def _linearised(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        unit, by_decay = self._unit(x)
        amplitude = complex(x[0], x[1])
        by_larmor = (-1j * amplitude / self.scale) * unit * self.u
        rows = [unit.real, -unit.imag, by_larmor.real, (amplitude / self.scale * by_decay).real]
        return self.volts - (amplitude * unit).real, np.array(rows)


def _find_line(volts: FloatArray, u: FloatArray, envelope: FloatArray) -> float:
    """Ω of the strongest line: resampled evenly in u, where the chirp is gone, matched to the expected decay."""
    even = np.linspace(u[0], u[-1], len(u))
    weighted = np.interp(even, u, volts * envelope)
    spectrum = np.abs(np.fft.rfft(weighted, 4 * len(u)))
    spectrum[: len(spectrum) // 100] = 0
    return float(2 * pi * np.argmax(spectrum) / (4 * len(u) * (even[1] - even[0])))


def _referred(
    decay: Decay,
    amplitude: complex,
    sigma: float,
    larmor: tuple[float, float],
    total: tuple[float, float],
    noise: float,
) -> FidFit:
    """Turn the amplitude back by the phase of the coil's transient."""
    turned = amplitude * complex(np.exp(1j * decay.phase))
    q = decay.slowing_down()
    return FidFit(turned, sigma, float(larmor[0]), float(larmor[1]), float(total[0]), float(total[1]), noise, q)


def _checked(trace: npt.ArrayLike) -> FloatArray:
    volts = np.asarray(trace, dtype=float)
    if volts.ndim != 1 or len(volts) < 100:
        raise RunFailed(f"a record needs at least 100 samples in one row, got shape {volts.shape}")
    if not np.all(np.isfinite(volts)):
        raise RunFailed("the record holds values that are not finite (overflow of the digitizer?)")
    return np.asarray(volts - volts.mean())
