"""The cell under a timeline of fields, light and pulses: transverse spins on sub-steps that follow p_a and p_b.

Per-atom transverse spins f, k (``x − iy``, laboratory frame; spins polarized along −z, F_z and K_z are magnitudes):

    f' = (−iω_a − γ) f − iζ n_b F_z k + θ' F_z − i g_a B_⊥ F_z,         F_z = q p_a/2
    k' = (−iω_b − γ_b) k − iζ n_a K_z f − i g_b B_⊥ K_z,                K_z = p_b/2

(Eqs. 15–18: Eq. 1 for small tilts. As there, what collisions bring across the field, n_b k_se k and n_a k_se f/q, is left
out; :mod:`spinlab.physics.bloch` has it, docs/model.md what it amounts to.) Each sub-step is a 2 × 2 exponential of the
generator's mean with the fourth-order Magnus term for its slope, so the coil's exponential approach and the chirp that a
decaying p_a causes cost a few steps instead of one per precession. A whole timeline is cut first
(:mod:`spinlab.physics.grid`) and then carried out at once (:mod:`spinlab.physics.substeps`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spinlab.physics.controls import CellState, Control, Sampling, Stretch
from spinlab.physics.grid import Grid, settle
from spinlab.physics.lines import Lines
from spinlab.physics.mixture import GasMixture
from spinlab.physics.slowing_down import slowing_down_polynomials
from spinlab.physics.substeps import Path, Steps
from spinlab.physics.two_mode import ComplexArray

__all__ = ["Cell", "CellState", "Control", "Sampling", "Stretch"]

FloatArray = npt.NDArray[np.float64]
Normals = Callable[[int], ComplexArray]


class Cell:
    """Propagates a :class:`CellState` through controls; holds constants only.

    ``time_constant`` is the coil's L/R in s (0 for an ideal step), ``volume`` the cell's in m³ (projection noise only).
    """

    def __init__(self, mixture: GasMixture, time_constant: float = 0.0, volume: float = 6.86e-5) -> None:
        self.mixture = mixture
        self.lines = Lines.of(mixture)
        self.rates = self.lines.rates
        self.time_constant = time_constant
        self.volume = volume

    def slowing_down(self, polarization: npt.ArrayLike) -> FloatArray:
        """q(p_a), for p_a of any shape."""
        above, below = slowing_down_polynomials(self.mixture.nuclear_spin)
        x = np.square(np.asarray(polarization, dtype=float))
        top, bottom = np.full_like(x, above[-1]), np.full_like(x, below[-1])
        for n, d in zip(above[-2::-1], below[-2::-1], strict=True):
            top, bottom = top * x + n, bottom * x + d
        return np.asarray(top / bottom)

    def evolve(
        self,
        state: CellState,
        control: Control,
        duration: float,
        sampling: Sampling | None = None,
        normals: Normals | None = None,
    ) -> tuple[CellState, FloatArray]:
        """Carry ``state`` through ``duration`` s of one ``control`` → (state, samples); see :meth:`play`."""
        if duration <= 0:
            return state, np.empty(0)
        samplings = () if sampling is None else (sampling,)
        states, samples = self.play(state, (Stretch(control, duration),), samplings, normals)
        return states[-1], samples[0] if samples else np.empty(0)

    def play(
        self,
        state: CellState,
        stretches: Sequence[Stretch],
        samplings: Sequence[Sampling] = (),
        normals: Normals | None = None,
    ) -> tuple[list[CellState], list[FloatArray]]:
        """Carry ``state`` through ``stretches``, one after the other → (state after each, samples of each sampling).

        Samples are the x component of the alkali's electron spin, ⟨s_x⟩ = Re f/q, one per sampling time.
        ``normals(n)`` gives n complex unit normals for projection noise; None means none.
        """
        grid = Grid(self, state, stretches, samplings)
        if not len(grid.start):
            return [state] * len(stretches), [np.empty(0) for _ in samplings]
        steps = Steps(self, grid, stretches)
        kicks = self._kicks(steps, normals) if normals else None
        path = steps.follow(complex(state.alkali), complex(state.noble_gas), kicks)
        return _with_spins(grid, path), [steps.sample(path, each) for each in samplings]

    def transverse_spin(self, state: CellState) -> complex:
        """The transverse spin F per alkali atom (complex, ħ), nuclear part included, of all that a uniform probe sees."""
        return complex(state.alkali)

    def recorded_spin(self, state: CellState, record: Stretch) -> complex:
        """The same as a record that begins with ``state`` tells it, read with the decay of a uniform alkali."""
        return self.transverse_spin(state)

    def field_after(self, start: float, goal: float, time: float) -> float:
        """Field (T) at ``time`` s after the coil began to go from ``start`` to ``goal``."""
        return settle(start, goal, time, self.time_constant)

    def thermal(self, state: CellState, normals: Normals) -> CellState:
        """The same state with transverse spins drawn from equilibrium projection noise."""
        alkali, noble_gas = normals(2)
        q = self.rates.slowing_down(state.alkali_polarization)
        return replace(
            state,
            alkali=complex(alkali) * (q / (2 * self.mixture.alkali_density * self.volume)) ** 0.5,
            noble_gas=complex(noble_gas) * (1 / (2 * self.mixture.noble_gas_density * self.volume)) ** 0.5,
        )

    def _kicks(self, steps: Steps, normals: Normals) -> ComplexArray:
        """Langevin increments that keep the projection noise stationary: var f = q/2N_a, var k = 1/2N_b (complex)."""
        draws = normals(2 * len(steps.length)).reshape(2, -1)
        alkali = steps.slowing_down / (2 * self.mixture.alkali_density * self.volume)
        noble_gas = 1 / (2 * self.mixture.noble_gas_density * self.volume)
        draws[0] *= np.sqrt(alkali * -np.expm1(-2 * steps.alkali_decay * steps.length))
        draws[1] *= np.sqrt(noble_gas * -np.expm1(-2 * self.mixture.noble_gas_decay * steps.length))
        return draws


def _with_spins(grid: Grid, path: Path) -> list[CellState]:
    return [
        replace(state, alkali=path[end][0], noble_gas=path[end][1])
        for state, end in zip(grid.states, grid.ends, strict=True)
    ]
