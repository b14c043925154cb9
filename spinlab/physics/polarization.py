"""The slow state of a cell: alkali and noble-gas polarization under pumping, by their rate equations.

    d(q p_a)/dt = −Γ_sd p_a − n_b k_se (p_a − p_b) + R (1 − p_a)          electron rates
    dp_b/dt     = k_se n_a (p_a − p_b) − Γ_b p_b

For fixed p_b the first relaxes to p_∞ = (R + n_b k_se p_b)/G, G = R + Γ_sd + n_b k_se, as
d ln|p_a − p_∞|/dt = −G/C(p_a) with C = d(q p)/dp; a step is taken in that logarithm, so that it may be as long as one
likes once p_a has settled, and hours cost as little as milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import exp, expm1, inf, log

from numpy.polynomial import Polynomial

from spinlab.physics.mixture import GasMixture
from spinlab.physics.slowing_down import slowing_down_polynomials

SETTLED = 1e-13
SHORT = 3e-4  # of the relaxation time: steps for which the first terms of the exponential do


@dataclass(frozen=True)
class Step:
    """p_a at both ends and the middle of one step, p_b at both ends."""

    alkali: tuple[float, float, float]
    noble_gas: tuple[float, float]


@dataclass(frozen=True)
class PolarizationRates:
    """The constants of the two rate equations, 1/s, and the polynomials of q."""

    destruction: float
    exchange_to_alkali: float
    exchange_to_noble_gas: float
    noble_gas_relaxation: float
    nuclear_spin: float

    @classmethod
    def of(cls, mixture: GasMixture) -> PolarizationRates:
        """Rates of a mixture; its polarizations play no part. ValueError for a noble gas whose spin is not 1/2."""
        if mixture.noble_gas_spin != 0.5:
            raise ValueError(f"noble_gas_spin must be 1/2 for the rate equations, got {mixture.noble_gas_spin}")
        return cls(
            mixture.electron_destruction,
            mixture.electron_rates["spin exchange"],
            mixture.spin_exchange_coefficient * mixture.alkali_density,
            mixture.noble_gas_relaxation,
            mixture.nuclear_spin,
        )

    def total(self, pumping_rate: float) -> float:
        """G = R + Γ_sd + n_b k_se, 1/s."""
        return pumping_rate + self.destruction + self.exchange_to_alkali

    def settled_alkali(self, noble_gas: float, pumping_rate: float) -> float:
        """p_∞, where p_a goes with p_b and R as they are."""
        return (pumping_rate + self.exchange_to_alkali * noble_gas) / self.total(pumping_rate)

    def slowing_down(self, polarization: float) -> float:
        """q at p, of one number: several times faster than through NumPy."""
        above, below = slowing_down_polynomials(self.nuclear_spin)
        x = polarization * polarization
        top = bottom = 0.0
        for n, d in zip(reversed(above), reversed(below), strict=True):
            top, bottom = top * x + n, bottom * x + d
        return top / bottom

    def capacity(self, polarization: float) -> float:
        """C = d(q p)/dp at p: how much spin one unit of electron polarization carries."""
        above, below = _capacity_polynomials(self.nuclear_spin)
        x = polarization * polarization
        top = bottom = 0.0
        for coefficient in above:
            top = top * x + coefficient
        for coefficient in below:
            bottom = bottom * x + coefficient
        return top / (bottom * bottom)

    def alkali_slope(self, alkali: float, noble_gas: float, pumping_rate: float) -> float:
        """dp_a/dt, 1/s."""
        away = alkali - self.settled_alkali(noble_gas, pumping_rate)
        return -self.total(pumping_rate) * away / self.capacity(alkali)

    def noble_gas_slope(self, alkali: float, noble_gas: float) -> float:
        """dp_b/dt, 1/s."""
        return self.exchange_to_noble_gas * (alkali - noble_gas) - self.noble_gas_relaxation * noble_gas

    def step(self, alkali: float, noble_gas: float, pumping_rate: float, duration: float) -> Step:
        """Both polarizations after ``duration`` seconds; accurate to ~1e-7 while p_a moves by a few per cent."""
        goal = self.settled_alkali(noble_gas, pumping_rate)
        away = alkali - goal
        middle, end = self._relax(goal, away, self.total(pumping_rate), duration)
        mean = (alkali + 4 * middle + end) / 6
        later = self._noble_gas_after(noble_gas, mean, duration)
        drift = self.settled_alkali(later, pumping_rate) - goal
        return Step((alkali, middle + drift / 2, end + drift), (noble_gas, later))

    def _noble_gas_after(self, noble_gas: float, alkali: float, duration: float) -> float:
        rate = self.exchange_to_noble_gas + self.noble_gas_relaxation
        if rate == 0:
            return noble_gas
        goal = self.exchange_to_noble_gas * alkali / rate
        return noble_gas + (goal - noble_gas) * -expm1(-rate * duration)

    def _relax(self, goal: float, away: float, total: float, duration: float) -> tuple[float, float]:
        if abs(away) < SETTLED:
            return goal, goal
        ratio = total * duration / self.capacity(goal + away)
        if ratio < SHORT:
            half = ratio / 2
            return goal + away * (1 - half + half * half / 2), goal + away * (1 - ratio + ratio * ratio / 2)
        sign = 1.0 if away > 0 else -1.0
        start = log(abs(away))

        def slope(y: float) -> float:
            return -total / self.capacity(goal + sign * exp(y))

        k1 = slope(start)
        k2 = slope(start + duration / 2 * k1)
        k3 = slope(start + duration / 2 * k2)
        k4 = slope(start + duration * k3)
        end = start + duration / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        middle = (start + end) / 2 + duration / 8 * (k1 - slope(end))
        return goal + sign * exp(middle), goal + sign * exp(end)


def longest_step(distance: float, slope: float) -> float:
    """Seconds in which a quantity moving at ``slope`` covers ``distance``; infinite when it stands still."""
    return abs(distance / slope) if slope else inf


@cache
def _capacity_polynomials(nuclear_spin: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """With q = N/D in x = p²: N D + 2x(N'D − N D') and D, highest power first; C is the first over the second squared."""
    above, below = (Polynomial(each) for each in slowing_down_polynomials(nuclear_spin))
    twice = Polynomial([0.0, 2.0])
    top = above * below + twice * (above.deriv() * below - above * below.deriv())
    return tuple(map(float, reversed(top.coef))), tuple(map(float, reversed(below.coef)))
