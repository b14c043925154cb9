"""Who collides with whom, and when: a ballistic Monte-Carlo check of the collision statistics (paper, SI 3).

Between collisions atoms fly straight. An alkali atom and a noble-gas atom collide when they come within ε, σ = πε². ϰ is
the number of collisions of an alkali atom in an interval τ, summed over the noble-gas atoms. The paper's S9–S12 arrive
at ⟨ϰ⟩ = n_b σ v τ; S9 is normalised, the v that follows from it is the mean relative speed v̄ = √(8kT/πμ), and it is
the step function of S10 that makes v_T = √(2kT/μ) of it, 11 % less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import erf, erfc

from spinlab.physics.constants import BOLTZMANN, HELIUM3_MASS, POTASSIUM_MASS
from spinlab.physics.counts import seed_sequence, whole_number

FloatArray = npt.NDArray[np.float64]
FASTEST = 5.0  # noble-gas atoms faster than this many most probable speeds are not drawn: 1 in 1e10
ATOMS_AT_ONCE = 500_000  # drawn together: some 50 MB
LARGEST_MEAN = 0.1  # collisions in the default interval: ballistic means few
NEIGHBOURS = 40.0  # atoms drawn around each alkali atom, at most, in the default interval


@dataclass(frozen=True)
class Estimate:
    """A Monte-Carlo value, its standard error, and the closed form it should agree with, in the same unit."""

    value: float
    error: float
    expected: float

    @property
    def deviation(self) -> float:
        """(value − expected) in standard errors."""
        return (self.value - self.expected) / self.error


@dataclass(frozen=True, eq=False)
class CollisionStatistics:
    """What ``collision_statistics`` found, SI."""

    interval: float  # τ, s
    mean: Estimate  # ⟨ϰ⟩ = n_b σ v̄ τ
    variance: Estimate  # var ϰ = ⟨ϰ⟩ + the variance of n_b σ g τ, g the mean speed relative to an alkali atom of given velocity
    waiting_time: Estimate  # s, mean time between collisions, 1/(n_b σ v̄)
    waiting_spread: Estimate  # its standard deviation over its mean: 1, as in an exponential distribution
    waiting_times: FloatArray  # s, all of them
    distances: FloatArray  # m, from the alkali atom at the start of the interval, of the atoms that it met


def collision_statistics(
    density: float,
    cross_section: float,
    *,
    temperature: float = 488.15,
    alkali_mass: float = POTASSIUM_MASS,
    noble_gas_mass: float = HELIUM3_MASS,
    interval: float | None = None,
    samples: int = 50_000,
    seed: int | np.random.SeedSequence = 0,
) -> CollisionStatistics:
    """Fly ``samples`` alkali atoms for ``interval`` (s) through noble gas of ``density`` (m⁻³) and count collisions.

    ``cross_section`` σ in m², ``temperature`` in K, masses in kg (default: potassium-39 and helium-3). Each sample has
    a Maxwellian alkali velocity and fresh noble-gas atoms, uniform in space outside ε with Maxwellian velocities, as
    the paper assumes for intervals apart; the samples in a row are one record, from which waiting times are taken.
    Without ``interval`` it is a tenth of the mean time between collisions, less in a thin gas, where more atoms would
    have to be drawn. Raises ValueError for a quantity that is not positive and finite, an interval longer than the mean
    time between collisions, one in which over 5e5 atoms come near, fewer than two samples or three collisions.
    """
    values = {
        "density": density,
        "cross_section": cross_section,
        "temperature": temperature,
        "alkali_mass": alkali_mass,
        "noble_gas_mass": noble_gas_mass,
    }
    for name, value in values.items():
        _positive(name, value)
    whole_number("samples", samples, 2)
    gas = _Gas(density, cross_section, temperature, alkali_mass, noble_gas_mass)
    rate = density * cross_section * gas.mean_relative_speed
    tau = gas.default_interval() if interval is None else _positive("interval", interval)
    if tau * rate > 1:
        raise ValueError(
            f"interval must be at most {1 / rate:.3g} s, one time between collisions, to be ballistic; got {tau}"
        )
    counts, times, distances = _fly(gas, tau, samples, np.random.default_rng(seed_sequence(seed)))
    if len(times) < 3:
        raise ValueError(f"samples = {samples} intervals of {tau:.3g} s gave {len(times)} collisions: ask for more")
    waits = np.diff(times)
    return CollisionStatistics(
        interval=tau,
        mean=Estimate(float(counts.mean()), float(counts.std(ddof=1)) / sqrt(samples), rate * tau),
        variance=_variance(counts, rate * tau * (1 + rate * tau * gas.speed_variation())),
        waiting_time=Estimate(float(waits.mean()), float(waits.std(ddof=1)) / sqrt(len(waits)), 1 / rate),
        # Of n exponential times, spread and mean have relative variances 2/n and 1/n, covariance 1/n: 1/n for their ratio.
        waiting_spread=Estimate(float(waits.std(ddof=1) / waits.mean()), 1 / sqrt(len(waits)), 1.0),
        waiting_times=waits,
        distances=distances,
    )


def mean_relative_speed(temperature: float, first_mass: float, second_mass: float) -> float:
    """v̄ = √(8kT/πμ) of two atoms in m/s, for masses in kg: the v of n σ v."""
    return 2 / sqrt(pi) * thermal_speed(temperature, first_mass, second_mass)


def thermal_speed(temperature: float, first_mass: float, second_mass: float) -> float:
    """v_T = √(2kT/μ) of the relative motion in m/s, the paper's v_T (S9); masses in kg."""
    _positive("temperature", temperature)
    reduced = 1 / (1 / _positive("first_mass", first_mass) + 1 / _positive("second_mass", second_mass))
    return sqrt(2 * BOLTZMANN * temperature / reduced)


def collision_probability(
    distance: npt.ArrayLike, interval: float, cross_section: float, most_probable_speed: float
) -> FloatArray:
    """⟨ϰ_ab⟩ of a pair at ``distance`` (m, ≫ ε), for an interval in s, σ in m² and v_T, ``thermal_speed``, in m/s (S9–S11).

    σ/(4πr²) [erfc z + (2/√π) z e^{−z²}], z = r/(v_T τ): the integral that S10 replaces by a step at z = 1. Summed over
    a uniform gas it gives n σ v̄ τ, with the step n σ v_T τ.
    """
    r = np.asarray(distance, dtype=float)
    if not np.all(r > 0):
        raise ValueError(f"distance must be positive, in m, got {distance!r}")
    reach = _positive("interval", interval) * _positive("most_probable_speed", most_probable_speed)
    z = r / reach
    solid_angle = _positive("cross_section", cross_section) / (4 * pi * r**2)
    return np.asarray(solid_angle * (erfc(z) + 2 / sqrt(pi) * z * np.exp(-(z**2))))


@dataclass(frozen=True)
class _Gas:
    density: float
    cross_section: float
    temperature: float
    alkali_mass: float
    noble_gas_mass: float

    @property
    def contact(self) -> float:
        """ε, m."""
        return sqrt(self.cross_section / pi)

    @property
    def mean_relative_speed(self) -> float:
        return mean_relative_speed(self.temperature, self.alkali_mass, self.noble_gas_mass)

    def most_probable_speed(self, mass: float) -> float:
        return sqrt(2 * BOLTZMANN * self.temperature / mass)

    def default_interval(self) -> float:
        few = LARGEST_MEAN / (self.density * self.cross_section * self.mean_relative_speed)
        fastest = FASTEST * (self.most_probable_speed(self.noble_gas_mass) + self.most_probable_speed(self.alkali_mass))
        near = (3 * NEIGHBOURS / (4 * pi * self.density)) ** (1 / 3) / fastest
        return float(min(few, near))

    def speed_variation(self) -> float:
        """var g/v̄², g(v_a) being the mean speed of noble-gas atoms relative to an alkali atom of velocity v_a."""
        u = self.most_probable_speed(self.noble_gas_mass)
        nodes, weights = np.polynomial.legendre.leggauss(200)
        x = 4 * (nodes + 1)  # v_a in its most probable speed, 0…8
        weights = weights * x**2 * np.exp(-(x**2))
        s = x * self.most_probable_speed(self.alkali_mass) / u
        g = u * (np.exp(-(s**2)) / sqrt(pi) + (s + 1 / (2 * s)) * erf(s))
        mean, square = (float(np.sum(weights * g**n) / np.sum(weights)) for n in (1, 2))
        return square / mean**2 - 1


def _fly(
    gas: _Gas, interval: float, samples: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray]:
    """Collisions of each sample; their times in the record of all samples in a row (s); the distances they began at (m)."""
    hits = list(_chunks(gas, interval, samples, rng))
    sample, time, distance = (np.concatenate(column) for column in zip(*hits, strict=True))
    return np.bincount(sample, minlength=samples), np.sort(sample * interval + time), distance


def _chunks(
    gas: _Gas, interval: float, samples: int, rng: np.random.Generator
) -> Iterator[tuple[npt.NDArray[np.int64], FloatArray, FloatArray]]:
    """(sample, time within it, distance at its start) of the collisions, a number of samples at a time."""
    deviation = {mass: gas.most_probable_speed(mass) / sqrt(2) for mass in (gas.alkali_mass, gas.noble_gas_mass)}
    fastest = FASTEST * gas.most_probable_speed(gas.noble_gas_mass)
    alkali = rng.normal(0, deviation[gas.alkali_mass], (samples, 3))
    reach = gas.contact + interval * (np.linalg.norm(alkali, axis=1) + fastest)
    neighbours = gas.density * 4 / 3 * pi * (reach**3 - gas.contact**3)
    if neighbours.max() > ATOMS_AT_ONCE:
        raise ValueError(f"interval = {interval} s lets {neighbours.max():.1e} atoms reach an alkali atom: shorten it")
    atoms = rng.poisson(neighbours)
    for part in np.split(np.arange(samples), np.flatnonzero(np.diff(np.cumsum(atoms) // ATOMS_AT_ONCE)) + 1):
        sample = np.repeat(part, atoms[part])
        velocity = rng.normal(0, deviation[gas.noble_gas_mass], (len(sample), 3)) - alkali[sample]
        speed = np.linalg.norm(velocity, axis=1)
        cube = rng.uniform(gas.contact**3, reach[sample] ** 3)  # uniform in the shell between contact and reach
        distance = np.cbrt(cube)
        cosine = rng.uniform(-1, 1, len(sample))  # between the way to the alkali atom and the relative velocity
        depth = gas.contact**2 - distance**2 * (1 - cosine**2)
        met = (depth > 0) & (cosine > 0)
        time = (distance[met] * cosine[met] - np.sqrt(depth[met])) / speed[met]
        soon = time <= interval
        yield sample[met][soon], time[soon], distance[met][soon]


def _variance(counts: npt.NDArray[np.int64], expected: float) -> Estimate:
    """Sample variance with the error that follows from the fourth moment."""
    centred = counts - counts.mean()
    square = float(np.mean(centred**2))
    fourth = float(np.mean(centred**4))
    return Estimate(float(counts.var(ddof=1)), sqrt((fourth - square**2) / len(counts)), expected)


def _positive(name: str, value: float) -> float:
    if not 0 < value < np.inf:
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return value
