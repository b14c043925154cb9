"""N alkali modes and N noble-gas modes coupled by their overlaps (paper, S2): propagation at any detuning.

Amplitudes are ordered ``[alkali modes…, noble-gas modes…]`` in the rotating frame of the noble gas, Δ = ω_b − ω_a, as in
``spinlab.physics.two_mode``, with M = [[iΔ − Γ_a, −iJc], [−iJcᵀ, −Γ_b]]. For Δ = 0, b → −ib makes M real.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spinlab.physics.decomposition import ComplexArray, Evolution, FloatArray, decompose
from spinlab.physics.two_mode import Hold, Ramp

REMEMBERED = 16  # decompositions per problem, 1.3 MB each for 2 × 100 modes
RAMP_PHASE = 0.05  # rad, largest precession in one step of a ramp


class LinearModes(ABC):
    """``alkali_count`` alkali modes and as many others as ``size`` says, under a generator that depends on Δ alone."""

    def __init__(self, size: int, alkali_count: int) -> None:
        self.size = size
        self.alkali_count = alkali_count
        self._known: OrderedDict[float, Evolution] = OrderedDict()

    @abstractmethod
    def generator(self, detuning: float = 0.0) -> ComplexArray:
        """M at one detuning (rad/s) → ``(size, size)``, 1/s, complex symmetric."""

    def evolution(self, detuning: float = 0.0) -> Evolution:
        """exp(Mt) at one detuning (rad/s), diagonalised on first use; the last 16 are kept."""
        delta = float(detuning)
        if not np.isfinite(delta):
            raise ValueError(f"detuning must be finite, in rad/s, got {delta}")
        found = self._known.pop(delta, None)
        if found is None:
            found = self._decompose(delta)
        self._known[delta] = found
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found

    def _decompose(self, detuning: float) -> Evolution:
        matrix = self.generator(detuning)
        rates, vectors = np.linalg.eig(matrix)
        return decompose(matrix, rates, vectors)

    def propagator(self, times: npt.ArrayLike, detuning: npt.ArrayLike = 0.0) -> ComplexArray:
        """exp(Mt) for times (s) and detunings (rad/s), broadcast → ``shape + (size, size)``."""
        t, groups = by_detuning(times, detuning)
        result = np.empty((*t.shape, self.size, self.size), dtype=complex)
        for value, chosen in groups:
            result[chosen] = self.evolution(value).propagator(t[chosen])
        return result

    def amplitudes(self, initial: npt.ArrayLike, times: npt.ArrayLike, detuning: npt.ArrayLike = 0.0) -> ComplexArray:
        """What ``initial`` (``(size,)``) has become at times (s) and detunings (rad/s) → ``shape + (size,)``.

        The cheap way: after the first call at a detuning each time costs one matrix–vector product.
        """
        state = self._vector(initial)
        t, groups = by_detuning(times, detuning)
        result = np.empty((*t.shape, self.size), dtype=complex)
        for value, chosen in groups:
            result[chosen] = self.evolution(value).apply(state, t[chosen])
        return result

    def evolve(self, initial: npt.ArrayLike, segments: Sequence[Hold | Ramp], times: npt.ArrayLike) -> ComplexArray:
        """Amplitudes at ``times`` (s from the start of the first segment) → ``times.shape + (size,)``.

        After the last segment its final detuning stays. Ramps alternate between exact precession and the exact
        evolution at Δ = 0 (Strang), to about 1e-6.
        """
        state = self._vector(initial)
        wanted, _ = by_detuning(times, 0.0)
        result = np.empty((*wanted.shape, self.size), dtype=complex)
        begin, last = 0.0, 0.0
        for segment in segments:
            if not 0 <= segment.duration < np.inf:
                raise ValueError(f"duration must be finite and not negative, got {segment.duration}")
            inside = (wanted >= begin) & (wanted <= begin + segment.duration)
            ends = np.append(wanted[inside] - begin, segment.duration)
            states = self._within(state, segment, ends)
            result[inside], state = states[:-1], states[-1]
            begin += segment.duration
            last = segment.detuning if isinstance(segment, Hold) else segment.stop
        after = (wanted > begin) if segments else np.ones(wanted.shape, dtype=bool)
        result[after] = self.evolution(last).apply(state, wanted[after] - begin)
        return result

    def _within(self, state: ComplexArray, segment: Hold | Ramp, times: FloatArray) -> ComplexArray:
        if isinstance(segment, Hold):
            return self.evolution(segment.detuning).apply(state, times)
        found, now = np.empty((len(times), self.size), dtype=complex), 0.0
        for k in np.argsort(times, kind="stable"):
            state, now = self._ramp(state, segment, now, times[k]), times[k]
            found[k] = state
        return found

    def _ramp(self, state: ComplexArray, ramp: Ramp, begin: float, end: float) -> ComplexArray:
        if end == begin:
            return state
        slope = (ramp.stop - ramp.start) / ramp.duration
        fastest = max(abs(ramp.start), abs(ramp.stop))
        count = max(4, int(np.ceil((end - begin) * max(fastest, 100 / ramp.duration) / RAMP_PHASE)))
        edges = np.linspace(begin, end, 2 * count + 1)
        phases = np.diff(ramp.start * edges + slope * edges**2 / 2)
        turns = np.exp(1j * phases)
        step = self.evolution(0.0).propagator(np.array([(end - begin) / count]))[0]
        for first, second in zip(turns[0::2], turns[1::2], strict=True):
            state = state.copy()
            state[: self.alkali_count] *= first
            state = step @ state
            state[: self.alkali_count] *= second
        return state

    def _vector(self, initial: npt.ArrayLike) -> ComplexArray:
        state = np.asarray(initial, dtype=complex)
        if state.shape != (self.size,) or not np.all(np.isfinite(state)):
            raise ValueError(f"initial must be {self.size} finite amplitudes, got shape {state.shape}")
        return state


class CoupledModes(LinearModes):
    """The problem of S2: decay rates of both gases' modes (1/s), J (rad/s) and the overlaps c_mn."""

    def __init__(
        self, alkali_decay: FloatArray, noble_gas_decay: FloatArray, coupling: float, overlap: FloatArray
    ) -> None:
        if overlap.shape != (len(alkali_decay), len(noble_gas_decay)):
            raise ValueError(f"overlap must be alkali × noble-gas modes, got shape {overlap.shape}")
        super().__init__(len(alkali_decay) + len(noble_gas_decay), len(alkali_decay))
        self.alkali_decay = alkali_decay
        self.noble_gas_decay = noble_gas_decay
        self.coupling = coupling
        self.overlap = overlap

    def generator(self, detuning: float = 0.0) -> ComplexArray:
        """M at one detuning (rad/s) → ``(size, size)``, 1/s."""
        n = self.alkali_count
        matrix = np.diag(np.concatenate([1j * detuning - self.alkali_decay, -self.noble_gas_decay]))
        matrix[:n, n:] = -1j * self.coupling * self.overlap
        matrix[n:, :n] = matrix[:n, n:].T
        return matrix

    def real_form(self) -> FloatArray:
        """M at Δ = 0 in (a, ib): real, with the off-diagonal blocks −Jc and Jcᵀ."""
        n = self.alkali_count
        matrix = np.diag(-np.concatenate([self.alkali_decay, self.noble_gas_decay]))
        matrix[:n, n:] = -self.coupling * self.overlap
        matrix[n:, :n] = -matrix[:n, n:].T
        return matrix

    def _decompose(self, detuning: float) -> Evolution:
        if detuning != 0:
            return super()._decompose(detuning)
        rates, vectors = np.linalg.eig(self.real_form())
        back = vectors.astype(complex)
        back[self.alkali_count :] *= -1j
        return decompose(self.generator(0.0), rates.astype(complex), back)


def by_detuning(times: npt.ArrayLike, detuning: npt.ArrayLike) -> tuple[FloatArray, list[tuple[float, Any]]]:
    """Times broadcast with detunings, and for each detuning the index of where it holds.

    Raises ValueError for times that are negative or not finite, and for detunings that are not finite.
    """
    t, delta = np.asarray(times, dtype=float), np.asarray(detuning, dtype=float)
    if t.size and not (t.min() >= 0 and t.max() < np.inf):
        raise ValueError(f"times must be finite and not negative, got {times!r}")
    if not np.isfinite(delta).all():
        raise ValueError(f"detuning must be finite, in rad/s, got {detuning!r}")
    if delta.ndim == 0:
        return t, [(float(delta), ...)]
    t, delta = np.broadcast_arrays(t, delta)
    return t, [(float(value), delta == value) for value in np.unique(delta)]
