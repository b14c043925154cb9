"""An exponential through efficiencies: how long a stored state lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinlab.units import format_quantity


@dataclass(frozen=True)
class Lifetime:
    """η(t) = initial · exp(−t/lifetime); lifetime and its σ in s. ``resolved`` when the rate differs from zero by 2 σ."""

    initial: float
    initial_sigma: float
    rate: float
    rate_sigma: float

    @property
    def resolved(self) -> bool:
        """Whether the data show a decay at all."""
        return self.rate > 2 * self.rate_sigma

    @property
    def lifetime(self) -> float | None:
        """1/e time in s; None when no decay is seen."""
        return 1 / self.rate if self.resolved else None

    @property
    def sigma(self) -> float | None:
        """Uncertainty of :attr:`lifetime`, s."""
        return self.rate_sigma / self.rate**2 if self.resolved else None

    @property
    def text(self) -> str:
        """One line for people."""
        start = f"initial efficiency {self.initial:.4f} ± {self.initial_sigma:.4f}"
        if self.lifetime is None or self.sigma is None:
            return f"lifetime: no decay seen within these storage times, {start}"
        error = self.sigma / self.lifetime
        return f"lifetime {format_quantity(self.lifetime, 's')} ± {error:.1%}, {start}"


def fit_lifetime(times: Sequence[float], efficiencies: Sequence[float], sigmas: Sequence[float]) -> Lifetime | None:
    """Weighted exponential fit (lmfit); None with fewer than three storage times."""
    if len(times) < 3:
        return None
    import lmfit

    t, eta, sigma = (np.asarray(values, dtype=float) for values in (times, efficiencies, sigmas))
    scale = float(t.max())
    parameters = lmfit.create_params(initial=max(float(eta[0]), 1e-3), rate=0.1)

    def residual(p: lmfit.Parameters) -> np.ndarray:
        return np.asarray((p["initial"] * np.exp(-p["rate"] * t / scale) - eta) / sigma)

    fit = lmfit.minimize(residual, parameters, scale_covar=False)
    initial, rate = fit.params["initial"], fit.params["rate"]
    if initial.stderr is None or rate.stderr is None:
        return None
    return Lifetime(initial.value, initial.stderr, rate.value / scale, rate.stderr / scale)
