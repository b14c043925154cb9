"""A spherical cell with diffusion (paper, Eq. 18 and SI 2): alkali and noble gas as N radial modes each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from spinlab.physics import diffusion
from spinlab.physics.channel import Channel
from spinlab.physics.coupled_modes import CoupledModes, by_detuning
from spinlab.physics.decomposition import ComplexArray, FloatArray
from spinlab.physics.finite_volume import cell_faces, diffusion_modes, graded_faces
from spinlab.physics.mixture import KATZ_K_HE3, GasMixture
from spinlab.physics.reservoir import StableModes
from spinlab.physics.spherical_modes import mode_numbers, overlaps
from spinlab.physics.spin_noise import SpinNoise
from spinlab.physics.two_mode import Hold, Ramp
from spinlab.physics.walls import Robin, Wall, extrapolation_length

Species = Literal["alkali", "noble_gas"]
Form = Literal["finite_volume", "graded", "modal", "renormalised"]


@dataclass(frozen=True)
class SphericalCell:
    """Coupled diffusion modes of a sphere: the alkali relaxes at the wall, the noble gas does not.

    ``radius`` in m, diffusion constants in m²/s. ``wall`` is "dirichlet" (uncoated), "neumann" (perfectly coated), a
    ``Robin`` wall or its extrapolation length in m. ``modes`` are spherically symmetric modes *of each species*, the
    least decaying (the paper, which says 100, leaves open of what). J (rad/s), the amplitude rates γ, γ_b (1/s) and the
    polarizations default to those of ``KATZ_K_HE3``; ``SphericalCell.of`` takes all from a mixture. The polarizations
    only say how noisy the gases are, by n̄ = (1 − p)/2p, as long as ``noise`` does not say it (J holds √(p_a p_b) already).

    ``form`` says where the modes come from:

    - "finite_volume": eigenmodes of diffusion on ``modes`` shells, thin at the wall. Overlaps are orthogonal to the
      last digit; 100 shells give the transfer to 5e-5 and a storage time at 180 mG to 1 %.
    - "graded": the same on shells that grow geometrically from the wall on. 12 give the transfer to 7e-4 and storage times up
      to 1 G to 3 %: for few modes.
    - "modal": the analytic modes and their overlaps c, cut off: Σ c_m0² is 0.994 for 100 modes, not 1.
    - "renormalised": the orthogonal matrix nearest to that c, its polar factor.

    Amplitudes are ordered ``[alkali modes…, noble-gas modes…]`` by decay, whatever the form; the first noble-gas mode is
    the uniform one. ``alkali_mode`` is what ``transfer`` excites: "uniform", ∫a d³r/√V as the paper says of its Fig. 4,
    or "lowest", the least decaying mode, which is not the same unless the wall is coated. ``preparation`` says whether
    that mode then holds the prepared state alone ("pure") or its incoherent excitations too ("thermal").

    Raises ValueError for a radius that is not positive, negative constants or rates, or no modes.
    """

    radius: float
    alkali_diffusion: float
    noble_gas_diffusion: float
    wall: Wall | Robin = "dirichlet"
    modes: int = 100
    coupling: float = KATZ_K_HE3.coupling
    alkali_decay: float = KATZ_K_HE3.alkali_decay
    noble_gas_decay: float = KATZ_K_HE3.noble_gas_decay
    form: Form = "finite_volume"
    alkali_polarization: float = KATZ_K_HE3.alkali_polarization
    noble_gas_polarization: float = KATZ_K_HE3.noble_gas_polarization
    noise: SpinNoise | None = None
    alkali_mode: Literal["uniform", "lowest"] = "uniform"
    preparation: Literal["pure", "thermal"] = "pure"

    def __post_init__(self) -> None:
        if not 0 < self.radius < np.inf:
            raise ValueError(f"radius must be positive and finite, in m, got {self.radius}")
        for name in ("alkali_diffusion", "noble_gas_diffusion", "coupling", "alkali_decay", "noble_gas_decay"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be finite and not negative, got {getattr(self, name)}")
        if self.modes != int(self.modes) or self.modes < 1:
            raise ValueError(f"modes must be a whole number of at least 1, got {self.modes}")
        for name, allowed in (
            ("form", tuple(_FORMS)),
            ("alkali_mode", ("uniform", "lowest")),
            ("preparation", ("pure", "thermal")),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        extrapolation_length(self.wall)
        _ = self.incoherent

    @property
    def incoherent(self) -> SpinNoise:
        """The noise in force: ``noise``, or what the two polarizations imply."""
        if self.noise is not None:
            return self.noise
        return SpinNoise.from_polarizations(self.alkali_polarization, self.noble_gas_polarization)

    @classmethod
    def of(
        cls,
        mixture: GasMixture,
        radius: float = 25.4e-3,
        alkali_diffusion: float | None = None,
        noble_gas_diffusion: float | None = None,
        **options: Any,
    ) -> SphericalCell:
        """A cell, by default of 2" diameter as in Fig. 4, with J, γ, γ_b and polarizations of ``mixture``.

        Diffusion constants default to those of potassium and helium-3 in helium at the mixture's density and
        temperature. ``options`` are the other fields.
        """
        density, temperature = mixture.noble_gas_density, mixture.temperature
        if alkali_diffusion is None:
            alkali_diffusion = diffusion.diffusion_constant(diffusion.POTASSIUM_IN_HELIUM, density, temperature)
        if noble_gas_diffusion is None:
            noble_gas_diffusion = diffusion.diffusion_constant(diffusion.HELIUM3_IN_ITSELF, density, temperature)
        given: dict[str, Any] = {
            "coupling": mixture.coupling,
            "alkali_decay": mixture.alkali_decay,
            "noble_gas_decay": mixture.noble_gas_decay,
            "alkali_polarization": mixture.alkali_polarization,
            "noble_gas_polarization": mixture.noble_gas_polarization,
        }
        return cls(radius, alkali_diffusion, noble_gas_diffusion, **(given | options))

    @cached_property
    def geometry(self) -> RadialModes:
        """Modes and overlaps of the sphere, in units of its radius."""
        return _FORMS[self.form](int(self.modes), extrapolation_length(self.wall) / self.radius)

    @cached_property
    def coupled(self) -> CoupledModes:
        """The coupled-mode problem (S2), which keeps its decompositions."""
        modes, area = self.geometry, self.radius**2
        return CoupledModes(
            self.alkali_decay + self.alkali_diffusion / area * modes.alkali_squares,
            self.noble_gas_decay + self.noble_gas_diffusion / area * modes.noble_gas_squares,
            self.coupling,
            modes.overlap,
        )

    @property
    def prepared_mode(self) -> FloatArray:
        """The alkali mode that ``transfer`` excites, as an initial vector ``(2 modes,)``."""
        vector = np.zeros(2 * int(self.modes))
        if self.alkali_mode == "lowest":
            vector[0] = 1.0
        else:
            vector[: int(self.modes)] = self.geometry.overlap[:, 0]
        return vector

    @property
    def stored_mode(self) -> FloatArray:
        """The uniform noble-gas mode as a vector ``(2 modes,)``."""
        vector = np.zeros(2 * int(self.modes))
        vector[int(self.modes)] = 1.0
        return vector

    def propagator(self, times: npt.ArrayLike, detuning: npt.ArrayLike = 0.0) -> ComplexArray:
        """exp(Mt) for times (s) and detunings Δ = ω_b − ω_a (rad/s), broadcast → ``shape + (2 modes, 2 modes)``."""
        return self.coupled.propagator(times, detuning)

    def amplitudes(self, initial: npt.ArrayLike, times: npt.ArrayLike, detuning: npt.ArrayLike = 0.0) -> ComplexArray:
        """What ``initial`` (``(2 modes,)``) has become → ``shape + (2 modes,)``; far cheaper than the propagator."""
        return self.coupled.amplitudes(initial, times, detuning)

    def evolve(self, initial: npt.ArrayLike, segments: Sequence[Hold | Ramp], times: npt.ArrayLike) -> ComplexArray:
        """Amplitudes at ``times`` (s from the start of the first segment) → ``times.shape + (2 modes,)``.

        After the last segment its final detuning stays.
        """
        return self.coupled.evolve(initial, segments, times)

    def transfer(self, time: npt.ArrayLike, detuning: npt.ArrayLike = 0.0) -> tuple[Any, Any]:
        """(efficiency, background) of the transfer from the prepared alkali mode to the uniform noble-gas mode.

        ``time`` in s and ``detuning`` in rad/s broadcast; two floats, or two arrays of their shape. Efficiency is
        |U_ba|², the excitation number that arrived over the one that began. Background is the normally ordered
        ⟨b†b⟩ that is there without any excitation: what other modes began with and what noise has added, 0 for perfect
        polarization. They are η and n of the channels of a Fock or squeezed state.
        """
        t, groups = by_detuning(time, detuning)
        efficiency, background = np.empty(t.shape), np.empty(t.shape)
        for value, chosen in groups:
            channel = self.channel([Hold(0.0, value)], t[chosen])
            efficiency[chosen], background[chosen] = channel.efficiency, channel.background
        return (efficiency, background) if t.shape else (float(efficiency), float(background))

    def storage_time(self, detuning: float) -> float:
        """Time in s after which 1/e of the excitations is left in the longest-lived mode at ``detuning`` (rad/s)."""
        rates = np.linalg.eigvals(self.coupled.generator(float(detuning)))
        slowest = -2 * float(rates.real.max())
        return 1 / slowest if slowest > 0 else np.inf

    def stable_modes(self, stable: int) -> StableModes:
        """The first ``stable`` modes of each species with the rest as a reservoir (S4); warns when it is not fast."""
        return StableModes(self.coupled, stable)

    def channel(
        self,
        segments: Sequence[Hold],
        times: npt.ArrayLike,
        source: Species = "alkali",
        target: Species = "noble_gas",
    ) -> Channel:
        """From one mode to another or the same, at ``times`` ≥ 0 (s from the first hold's start) through holds.

        The modes are the prepared alkali mode, with the default options the total alkali spin, and the uniform noble-gas
        mode, the total noble-gas spin. After the last hold its detuning stays. With ``preparation`` "pure" the source mode
        begins without incoherent excitations. For one hold and the default modes it is :meth:`transfer`. Raises ValueError
        for no holds, ramps (their noise is not computed here), times that are negative, or species that are not known.
        """
        t, _ = by_detuning(times, 0.0)
        first, last = self._mode("source", source), self._mode("target", target)
        rows, added = self._through(segments, t, last)
        efficiency = np.abs(rows @ first) ** 2
        levels = np.repeat([self.incoherent.alkali, self.incoherent.noble_gas], int(self.modes))
        began = np.abs(rows) ** 2 @ levels
        if self.preparation == "pure":
            began = np.maximum(began - efficiency * (first**2 @ levels), 0.0)
        return Channel(np.minimum(efficiency, 1.0), began + np.maximum(added, 0.0))

    def _through(
        self, segments: Sequence[Hold], times: FloatArray, target: FloatArray
    ) -> tuple[ComplexArray, FloatArray]:
        """The row of the propagator to each of ``times`` that ends in ``target``, and the noise that has come in."""
        if not segments or not all(isinstance(segment, Hold) for segment in segments):
            raise ValueError(f"segments must be at least one Hold and nothing else, got {segments!r}")
        final, strengths = target.astype(complex), self._noise_strengths()
        rows, added = np.empty((*times.shape, len(final)), dtype=complex), np.zeros(times.shape)
        propagator: ComplexArray = np.eye(len(final), dtype=complex)
        covariance, begin = np.zeros_like(propagator), 0.0
        for number, hold in enumerate(segments):
            last = number == len(segments) - 1
            evolution = self.coupled.evolution(hold.detuning)
            now = (times >= begin) & ((times < begin + hold.duration) | last)
            # Mᵀ = M: a row of the propagator evolves like a vector that begins where the row ends
            within = evolution.apply(final, times[now] - begin)
            rows[now], added[now] = within, evolution.absorbed(final, strengths, times[now] - begin)
            if number:
                rows[now] = within @ propagator
                added[now] += np.einsum("...i,...i", within @ covariance, within.conj()).real
            if not last:
                whole = evolution.propagator(np.array(hold.duration))
                covariance = whole @ covariance @ whole.conj().T + evolution.covariance(strengths, hold.duration)
                propagator = whole @ propagator
                begin += hold.duration
        return rows, added

    def _mode(self, name: str, species: Species) -> FloatArray:
        if species not in get_args(Species):
            raise ValueError(f"{name} must be one of {', '.join(get_args(Species))}, got {species!r}")
        return self.prepared_mode if species == "alkali" else self.stored_mode

    def _noise_strengths(self) -> FloatArray:
        """⟨F†F⟩ of each mode, 1/s: twice its relaxation in the gas and by diffusion, each with its excitations."""
        noise, modes = self.incoherent, self.coupled
        alkali = self.alkali_decay * noise.alkali_bath + (modes.alkali_decay - self.alkali_decay) * noise.alkali
        noble_gas = self.noble_gas_decay * noise.noble_gas_bath
        wall = (modes.noble_gas_decay - self.noble_gas_decay) * noise.noble_gas
        return 2 * np.concatenate([alkali, noble_gas + wall])


@dataclass(frozen=True, eq=False)
class RadialModes:
    """k² of both gases' modes in a sphere of radius 1, by decay, and their overlaps c_mn."""

    alkali_squares: FloatArray
    noble_gas_squares: FloatArray
    overlap: FloatArray


def _finite_volume(count: int, length: float) -> RadialModes:
    return _shells(count, length, cell_faces)


def _graded(count: int, length: float) -> RadialModes:
    return _shells(count, length, graded_faces)


def _shells(count: int, length: float, cut: Callable[[int], FloatArray]) -> RadialModes:
    alkali, noble_gas = diffusion_modes(count, length, cut), diffusion_modes(count, np.inf, cut)
    if np.isinf(length):
        return RadialModes(alkali.squares, noble_gas.squares, np.eye(count))
    return RadialModes(alkali.squares, noble_gas.squares, alkali.vectors.T @ noble_gas.vectors)


def _modal(count: int, length: float) -> RadialModes:
    alkali, noble_gas = mode_numbers(count, length), mode_numbers(count, np.inf)
    return RadialModes(alkali**2, noble_gas**2, overlaps(alkali, noble_gas))


def _renormalised(count: int, length: float) -> RadialModes:
    raw = _modal(count, length)
    left, _, right = np.linalg.svd(raw.overlap)
    return RadialModes(raw.alkali_squares, raw.noble_gas_squares, left @ right)


_FORMS: dict[str, Callable[[int, float], RadialModes]] = {
    "finite_volume": _finite_volume,
    "graded": _graded,
    "modal": _modal,
    "renormalised": _renormalised,
}
