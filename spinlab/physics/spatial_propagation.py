"""A spherical cell with diffusion under a timeline of fields, light and pulses: N spatial modes of each gas.

The equations of :mod:`spinlab.physics.propagation` hold at every place, with diffusion (Eq. 18):

    f' = … + D_a ∇²f,  f + ℓ ∂f/∂r = 0 at the wall          k' = … + D_b ∇²k,  ∂k/∂r = 0 at the wall

p_a, p_b, light and fields are uniform, as in the paper; so is the probe, which sees the mean of f over the volume. Both gases
are written in the noble gas's diffusion modes: local coupling stays local there, the wall couples the alkali's modes. The
first mode is the uniform one, its amplitude the mean over the volume. Without a wall or without diffusion this is
:class:`Cell`, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spinlab.physics.controls import CellState, Sampling, Spin, Stretch
from spinlab.physics.grid import Grid
from spinlab.physics.mixture import GasMixture
from spinlab.physics.propagation import Cell, FloatArray, Normals
from spinlab.physics.spatial import SphericalCell
from spinlab.physics.spatial_substeps import Diffusion, SpatialSteps
from spinlab.physics.substeps import Steps
from spinlab.physics.two_mode import ComplexArray

RECORD_PIECES = 24  # of a record, after each of which its alkali is looked at


class SpatialCell(Cell):
    """A :class:`Cell` whose states hold N amplitudes of each gas, ``(N,)``, the first of the uniform mode.

    A state with one number instead is uniform. ``sphere`` gives size, wall, diffusion and the modes; its J, rates and
    polarizations play no part: they follow from ``mixture`` and move. ``time_constant`` is the coil's L/R in s, ``volume``
    in m³ that of the sphere unless given (projection noise only). Raises ValueError for ``form="modal"``, whose overlaps
    are not orthogonal.
    """

    def __init__(
        self, mixture: GasMixture, sphere: SphericalCell, time_constant: float = 0.0, volume: float | None = None
    ) -> None:
        if sphere.form == "modal":
            raise ValueError("form of the sphere must have orthogonal overlaps, such as 'graded', got 'modal'")
        super().__init__(mixture, time_constant, 4 / 3 * np.pi * sphere.radius**3 if volume is None else volume)
        self.sphere = sphere
        modes, area = sphere.geometry, sphere.radius**2
        wall = modes.overlap.T @ (modes.alkali_squares[:, None] * modes.overlap)
        self.diffusion = Diffusion(
            sphere.alkali_diffusion / area * wall, sphere.noble_gas_diffusion / area * modes.noble_gas_squares
        )

    def play(
        self,
        state: CellState,
        stretches: Sequence[Stretch],
        samplings: Sequence[Sampling] = (),
        normals: Normals | None = None,
    ) -> tuple[list[CellState], list[FloatArray]]:
        """Carry ``state`` through ``stretches``, one after the other → (state after each, samples of each sampling).

        Samples are the mean of ⟨s_x⟩ = Re f/q over the volume. ``normals`` as of :meth:`Cell.play`.
        """
        grid = Grid(self, state, stretches, samplings)
        spins = np.concatenate([self.amplitudes(state.alkali), self.amplitudes(state.noble_gas)])
        if not len(grid.start):
            return [self._with(state, spins)] * len(stretches), [np.empty(0) for _ in samplings]
        plain = Steps(self, grid, stretches)
        steps = SpatialSteps(plain, self.diffusion, self._sizes(plain.slowing_down))
        count = len(plain.length)
        path = steps.follow(spins, normals(count * len(spins)).reshape(count, -1) if normals else None)
        states = [self._with(each, path[end]) for each, end in zip(grid.states, grid.ends, strict=True)]
        return states, [steps.sample(each) for each in samplings]

    def transverse_spin(self, state: CellState) -> complex:
        """The transverse spin F per alkali atom (complex, ħ), nuclear part included, of all that a uniform probe sees."""
        return complex(self.amplitudes(state.alkali)[0])

    def recorded_spin(self, state: CellState, record: Stretch) -> complex:
        """The same as a record that begins with ``state`` tells it, read with the decay of a uniform alkali.

        The wall's layer grows as √t while the record lasts. A fit whose decay is that of a uniform alkali, held fast by the
        chirp, takes the mean of what is left, weighted with the signal's square: some per cent less than there was.
        """
        begin = self.transverse_spin(state)
        edges = record.duration * np.linspace(0.0, 1.0, RECORD_PIECES + 1) ** 2
        pieces = [Stretch(record.control, length) for length in np.diff(edges).tolist()]
        uniform = replace(state, alkali=begin, noble_gas=complex(self.amplitudes(state.noble_gas)[0]))
        expected, _ = super().play(uniform, pieces)
        seen = np.array([self.transverse_spin(each) for each in self.play(state, pieces)[0]])
        model = np.array([complex(each.alkali) for each in expected])
        q = self.slowing_down([each.alkali_polarization for each in expected])
        weights = np.gradient(edges)[1:] / q**2
        power = float(weights @ np.abs(model) ** 2)
        return begin * complex(weights @ (seen * model.conj())) / power if power else begin

    def thermal(self, state: CellState, normals: Normals) -> CellState:
        """The same state with transverse spins drawn from equilibrium projection noise, in every mode the same."""
        draws = normals(2 * self.diffusion.count).reshape(2, -1)
        sizes = self._sizes(np.array([self.rates.slowing_down(state.alkali_polarization)]))
        return self._with(state, (draws * sizes).ravel())

    def amplitudes(self, spin: Spin) -> ComplexArray:
        """A state's ``alkali`` or ``noble_gas`` as N amplitudes; ValueError for as many of another number."""
        given = np.asarray(spin, dtype=complex)
        if given.ndim == 0:
            uniform = np.zeros(self.diffusion.count, dtype=complex)
            uniform[0] = given
            return uniform
        if given.shape != (self.diffusion.count,):
            raise ValueError(f"spin must be one number or {self.diffusion.count} amplitudes, got shape {given.shape}")
        return given

    def _sizes(self, slowing_down: FloatArray) -> FloatArray:
        """Rms of an alkali and a noble-gas mode in equilibrium for n values of q → ``(2, n)``."""
        alkali = slowing_down / (2 * self.mixture.alkali_density * self.volume)
        noble_gas = np.full(len(alkali), 1 / (2 * self.mixture.noble_gas_density * self.volume))
        return np.sqrt([alkali, noble_gas])

    def _with(self, state: CellState, spins: ComplexArray) -> CellState:
        count = self.diffusion.count
        return replace(state, alkali=spins[:count].copy(), noble_gas=spins[count:].copy())
