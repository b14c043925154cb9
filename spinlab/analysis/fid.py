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

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]
KNOTS = 9  # of the decay's own clock: 1e-5 rad in a record of 10 ms
COARSE_KNOTS = 5  # … of its derivative
ITERATIONS = 12
REFITS = 5
LINEAR = 1e-3  # change of G, relative, beyond which the chirp that goes with it is not linear in it
REMAINDER = 0.01  # σ: a step is the last when what it leaves, of second order, is less
BLOCK = 64  # samples that are averaged to one for the first guess


@dataclass(frozen=True)
class DecayClock:
    """The clock that a decaying line turns by, at the samples of a record.

    ``u`` in s, ``slope`` u'(t)/u'(0), and what a change of ln G does to them: ``bend`` du (s), ``tilt`` d ln u'.
    """

    u: FloatArray
    slope: FloatArray
    bend: FloatArray
    tilt: FloatArray


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

    @property
    def total(self) -> float:
        """G, 1/s."""
        return self.rates.total(self.pumping_rate)

    @property
    def is_settled(self) -> bool:
        """Whether p_a stays as it is (the pump is on): the line does not chirp."""
        return self.polarization == self.rates.settled_alkali(self.noble_gas, self.pumping_rate)

    def clock(self, count: int) -> DecayClock:
        """The line's clock at the record's ``count`` samples."""
        times = self.start + np.arange(count) / self.sample_rate
        if self.is_settled:
            return DecayClock(times / self.slowing_down(), np.ones(count), np.zeros(count), np.zeros(count))
        end, step = float(times[-1]), 0.02
        nominal, other = self._clock(1.0, end, KNOTS), self._clock(1.0 + step, end, COARSE_KNOTS)
        u, slope = nominal(times), nominal(times, 1)
        return DecayClock(u, slope / nominal(0.0, 1), (other(times) - u) / step, (other(times, 1) / slope - 1) / step)

    def average(self, slope: FloatArray, larmor: float) -> ComplexArray:
        """What averaging over one aperture does to the line at each sample; ``slope`` is u'(t)/u'(0)."""
        if self.aperture == 0:
            return np.ones(len(slope), dtype=complex)
        few = np.linspace(0, len(slope) - 1, 65).astype(int)
        turn = (self.total + 1j * larmor) / self.slowing_down() * self.aperture
        turns = turn * slope[few]
        return np.asarray(np.interp(np.arange(len(slope)), few, -np.expm1(-turns) / turns))

    def slowing_down(self) -> float:
        """q at t = 0."""
        return self.rates.slowing_down(self.polarization)

    def _clock(self, factor: float, end: float, count: int) -> CubicHermiteSpline:
        """u(t) by Simpson's rule over the rate equation's steps; ``factor`` scales G through the destruction rate."""
        rates = replace(self.rates, destruction=self.rates.destruction + (factor - 1) * self.total)
        knots = np.linspace(0.0, end, count)
        p, path = self.polarization, []
        for _ in range(count - 1):
            path.append(rates.step(p, self.noble_gas, self.pumping_rate, float(knots[1])).alkali)
            p = path[-1][2]
        inverse = np.array([[1 / rates.slowing_down(p) for p in each] for each in path])
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

    The model is linearised about ``decay``'s G; a record that says otherwise is fitted again about its own. Raises
    RunFailed when the record or a fitted value is not finite.
    """
    volts = _checked(trace)
    for _ in range(REFITS):
        fit = _fit_about(volts, decay, larmor)
        away = fit.electron_decay - decay.total
        if decay.is_settled or abs(away) < max(LINEAR * decay.total, 5 * fit.electron_decay_sigma):
            break
        rates = replace(decay.rates, destruction=decay.rates.destruction + away)
        decay, larmor = replace(decay, rates=rates), fit.electron_larmor
    return fit


def _fit_about(volts: FloatArray, decay: Decay, larmor: float | None) -> FidFit:
    clock = decay.clock(len(volts))
    total, u = decay.total, clock.u
    if larmor is None:
        larmor = _find_line(volts, u, clock.slope * np.exp(-total * u))
    envelope = clock.slope * decay.average(clock.slope, larmor)
    x, normal, noise = _Columns(volts, clock, envelope, total, larmor).solve()
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
    clock = decay.clock(len(volts))
    total = decay.total
    carrier = clock.slope * decay.average(clock.slope, larmor) * _wave(total * clock.u, larmor * clock.u)
    basis = np.array([carrier.real, -carrier.imag])
    normal = np.linalg.inv(basis @ basis.T)
    solution = normal @ (basis @ volts)
    noise = float(np.sqrt(np.mean((volts - solution @ basis) ** 2)))
    sigma = noise * float(np.sqrt(np.diag(normal)).mean())
    return _referred(decay, complex(*solution), sigma, (larmor, 0.0), (total, 0.0), noise)


class _Columns:
    """Residual and Jacobian in x = (Re A, Im A, δΩ u_end, δG u_end)."""

    def __init__(
        self, volts: FloatArray, clock: DecayClock, envelope: ComplexArray, total: float, larmor: float
    ) -> None:
        self.volts, self.u = volts, clock.u
        self.bend, self.tilt = clock.bend / total, clock.tilt / total  # per change of G
        self.total, self.larmor = total, larmor
        self.carrier = envelope * _wave(total * clock.u, larmor * clock.u)
        self.scale = clock.u[-1]

    def first_guess(self) -> FloatArray:
        """From the record demodulated at the given Ω and G and decimated, where an iteration costs next to nothing."""
        blocks = len(self.volts) // BLOCK
        if blocks < 8:
            return np.append(self._projected(), [0.0, 0.0])
        used = blocks * BLOCK
        weights = np.hanning(BLOCK + 2)[1:-1]  # keeps the image at twice the line out
        beat = (self.volts[:used] * self.carrier[:used].conj()).reshape(-1, BLOCK) @ weights
        power = (np.abs(self.carrier[:used]) ** 2).reshape(-1, BLOCK) @ weights / 2
        return self._fit_beat(beat, power, slice(BLOCK // 2, used, BLOCK))

    def _fit_beat(self, beat: ComplexArray, power: FloatArray, at: slice) -> FloatArray:
        """Gauss–Newton for the beat against the carrier, each block weighted with what it saw of it."""
        u, root = self.u[at], np.sqrt(power)
        amplitude, larmor, decay = complex(beat.sum() / power.sum()), 0.0, 0.0
        for _ in range(ITERATIONS):
            by_decay = self._by_decay(larmor, decay, at)
            model = root * np.exp(by_decay * decay - 1j * larmor * u)
            rows = np.array([model, 1j * model, -1j * amplitude * u * model, amplitude * by_decay * model])
            residual = beat / root - amplitude * model
            normal = (rows.conj() @ rows.T).real
            change = np.linalg.lstsq(normal, (rows.conj() @ residual).real, rcond=None)[0]
            amplitude, larmor, decay = amplitude + complex(change[0], change[1]), larmor + change[2], decay + change[3]
            if change @ normal @ change < REMAINDER * np.vdot(residual, residual).real / len(beat):
                break
        return np.array([amplitude.real, amplitude.imag, larmor * self.scale, decay * self.scale])

    def _by_decay(self, larmor: float, decay: float, at: slice = slice(None)) -> ComplexArray:
        """Derivative of the model's logarithm with respect to δG."""
        rate = self.total + decay + 1j * (self.larmor + larmor)
        return np.asarray(self.tilt[at] - self.u[at] - rate * self.bend[at])

    def _projected(self) -> FloatArray:
        norm = 2 / np.sum(np.abs(self.carrier) ** 2)
        projected = norm * np.sum(self.volts * self.carrier.conj())
        return np.array([projected.real, projected.imag])

    def _unit(self, x: FloatArray) -> tuple[ComplexArray, ComplexArray]:
        """The model for A = 1, and its derivative with respect to δG."""
        larmor, decay = x[2] / self.scale, x[3] / self.scale
        by_decay = self._by_decay(larmor, decay)
        unit = self.carrier * _wave(-decay * by_decay.real, larmor * self.u - decay * by_decay.imag)
        return unit, by_decay * unit

    def solve(self) -> tuple[FloatArray, FloatArray, float]:
        """Gauss–Newton → (x, normal matrix, residual rms): a raw record costs 1 ms, MINPACK on the same takes 12."""
        x = self.first_guess()
        for _ in range(ITERATIONS):
            residual, jacobian = self._linearised(x)
            normal = jacobian @ jacobian.T
            change = np.linalg.solve(normal, jacobian @ residual)
            noise = float(np.sqrt(residual @ residual / (len(residual) - 4)))
            significance = float(np.hypot(x[0], x[1]) * np.sqrt(normal[0, 0])) / noise
            x = x + change
            if change @ normal @ change < REMAINDER * noise**2 * significance:
                break
        return x, normal, noise

    def _linearised(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        unit, by_decay = self._unit(x)
        amplitude = complex(x[0], x[1])
        by_larmor = (-1j * amplitude / self.scale) * unit * self.u
        rows = [unit.real, -unit.imag, by_larmor.real, (amplitude / self.scale * by_decay).real]
        return self.volts - (amplitude * unit).real, np.array(rows)


def _wave(decay: FloatArray, phase: FloatArray) -> ComplexArray:
    """exp(−(decay + i phase)); real functions of real numbers take half the time of a complex exponential."""
    wave = np.empty(len(phase), dtype=complex)
    size = np.exp(-decay)
    wave.real, wave.imag = size * np.cos(phase), -size * np.sin(phase)
    return wave


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
