"""Photon numbers: a Fock state through a lossy, noisy channel, and any Gaussian state (paper, Fig. 4a)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinlab.physics import checked
from spinlab.physics.checked import FloatArray
from spinlab.physics.counts import whole_number
from spinlab.physics.gaussian import GaussianState

_OVERSAMPLING = 32  # points of the Fourier sum per coefficient: aliases fall below 1e-17, rounding grows 3.4-fold


def fock_distribution(n: int, efficiency: npt.ArrayLike, background: npt.ArrayLike = 0.0, size: int = 8) -> FloatArray:
    """P(0) … P(size − 1) of the Fock state |n⟩ after a channel of efficiency η and background n̄ → ``shape + (size,)``.

    η (0…1) and n̄ ≥ 0 (normally ordered) broadcast to ``shape``. The generating function is
    Σ P(k) z^k = [1 + (1 − z)(n̄ − η)]ⁿ/[1 + (1 − z)n̄]^{n+1}. It is that of a loss of η/(1 + n̄) followed by an amplifier of
    gain 1 + n̄, hence a sum of products of two binomial distributions: no term is negative and nothing cancels.
    """
    n, size = whole_number("n", n, 0), whole_number("size", size, 1)
    eta = checked.fraction("efficiency", efficiency)[..., None, None]
    noise = checked.not_negative("background", background)[..., None, None]
    checked.together(efficiency=eta.shape, background=noise.shape)
    found, left = np.arange(size)[:, None], np.arange(min(n, size - 1) + 1)
    survived = _binomial(n, left, eta / (1 + noise), (1 + noise - eta) / (1 + noise))
    amplified = _binomial(found, left, 1 / (1 + noise), noise / (1 + noise)) / (1 + noise)
    return np.asarray((survived * amplified).sum(axis=-1))


def fock_fidelity(n: int, efficiency: npt.ArrayLike, background: npt.ArrayLike = 0.0) -> FloatArray:
    """⟨n|ρ|n⟩ after the channel: how much of the Fock state |n⟩ is still it. Arguments as :func:`fock_distribution`."""
    return np.asarray(fock_distribution(n, efficiency, background, whole_number("n", n, 0) + 1)[..., -1])


def photon_distribution(state: GaussianState, size: int) -> FloatArray:
    """P(0) … P(size − 1) of a single-mode Gaussian state, to about 1e-15 (absolute).

    The generating function is a product over the principal quadratures, with variances V and means x,
    Π (1 + μv)^{−1/2} exp[−μx²/4/(1 + μv)], v = (V − 1)/2, μ = 1 − z; its coefficients are taken by a Fourier sum on a
    circle inside the unit disc, where it is bounded by 1. Raises ValueError for several modes.
    """
    size = whole_number("size", size, 1)
    if state.modes != 1:
        raise ValueError(f"state must have one mode (take state.mode(k)), got {state.modes}")
    variances, axes = np.linalg.eigh(state.covariance)
    means = axes.T @ state.mean
    points = _OVERSAMPLING * size
    radius = np.exp(-39 / points)
    mu = 1 - radius * np.exp(2j * np.pi * np.arange(points) / points)
    total = np.ones(points, dtype=complex)
    for variance, mean in zip(variances, means, strict=True):
        spread = 1 + mu * (variance - 1) / 2
        total *= np.exp(-mu * mean**2 / 4 / spread) / np.sqrt(spread)
    series = np.fft.fft(total).real[:size] / points / radius ** np.arange(size)
    return np.asarray(np.maximum(series, 0.0))


def _binomial(n: npt.ArrayLike, k: npt.ArrayLike, p: FloatArray, q: FloatArray) -> FloatArray:
    """C(n, k) p^k q^{n−k} with q = 1 − p given apart, so that neither loses digits; 0 for k > n."""
    n, k = np.asarray(n), np.asarray(k)
    lost = n - k
    top = int(n.max())
    log_factorial = np.append(0.0, np.cumsum(np.log(np.arange(1, top + 1))))
    ways = log_factorial[n] - log_factorial[np.minimum(k, top)] - log_factorial[np.maximum(lost, 0)]
    return np.asarray(np.where(lost >= 0, np.exp(ways + _times_log(k, p) + _times_log(np.maximum(lost, 0), q)), 0.0))


def _times_log(count: npt.ArrayLike, x: FloatArray) -> FloatArray:
    """count · log x, 0 for count = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(count == 0, 0.0, count * np.log(x))
