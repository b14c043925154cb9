"""Two excitations in random collisions: Hong–Ou–Mandel bunching (paper, SI 1, Fig. 3e)."""

from __future__ import annotations

import numpy as np

from spinlab.physics.collisions.ensemble import Progress, kernel, new_rule, new_stream, run
from spinlab.physics.collisions.model import Compensation, Gas, record_steps
from spinlab.physics.collisions.results import TwoExcitations


def two_excitations(
    n_alkali: int,
    n_noble_gas: int,
    mean_angle: float,
    angle_std: float,
    steps: int,
    *,
    seed: int | np.random.SeedSequence = 0,
    record_every: int | None = None,
    compensation: Compensation = "paper",
    realisations: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> TwoExcitations:
    """Simulate |1⟩_a|1⟩_b, all of whose (N_a + N_b)(N_a + N_b − 1)/2 amplitudes are followed; no atom holds two.

    The pair rule acts on (c_ak, c_bk) for every k outside the pair; c_ab stays, and the field turns every amplitude
    by e^{−iθ} for each alkali atom in it. Weak collisions follow P11 = cos² 2Jt: the excitations bunch, P20 = P02 = ½,
    at t = (2m + 1)π/4J (at πm/2J, which the paper's SI has, P11 is largest). Arguments, shapes, errors and seeds as
    in ``single_excitation``; memory is 16 N_b² bytes a realisation, time N_a(N_a + N_b) a step.
    """
    gas = Gas(n_alkali, n_noble_gas, mean_angle, angle_std, compensation)
    times = record_steps(steps, record_every)

    def make(child: np.random.SeedSequence) -> TwoState:
        return TwoState(gas, child)

    updates = n_alkali * (n_alkali + n_noble_gas)
    records = run(make, times, updates, seed, realisations, workers, progress)
    return TwoExcitations(gas, times, *records)


class TwoState:
    """Amplitudes of two excitations and their random numbers.

    ``_aa`` is symmetric with an empty diagonal; of ``_bb`` the lower triangle below the diagonal is used.
    """

    def __init__(self, gas: Gas, seed: np.random.SeedSequence) -> None:
        n_a, n_b = gas.n_alkali, gas.n_noble_gas
        self._aa = np.zeros((n_a, n_a), dtype=complex)
        self._ab = np.full((n_a, n_b), (n_a * n_b) ** -0.5, dtype=complex)
        self._bb = np.zeros((n_b, n_b), dtype=complex)
        self._order = np.arange(n_b)
        self._stream = new_stream(seed, n_a)
        self._rule = new_rule(gas)

    def advance(self, steps: int) -> None:
        """Carry the amplitudes on by ``steps`` steps."""
        kernel("advance_double")(self._aa, self._ab, self._bb, self._order, self._stream, self._rule, steps)

    def measure(self) -> tuple[float, ...]:
        """The norm, P20, P11, P02, F20, F11, F02."""
        aa, ab, bb = self._aa, self._ab, self._bb
        p20, p11, p02 = float(np.vdot(aa, aa).real) / 2, float(np.vdot(ab, ab).real), float(np.vdot(bb, bb).real)
        f11 = float(abs(ab.sum()) ** 2 / ab.size)
        return p20 + p11 + p02, p20, p11, p02, _overlap(aa.sum() / 2, len(aa)), f11, _overlap(bb.sum(), len(bb))


def _overlap(total: complex, atoms: int) -> float:
    """|⟨2|ψ⟩|² from the sum of all amplitudes of two excitations among ``atoms`` atoms."""
    pairs = atoms * (atoms - 1) / 2
    return float(abs(total) ** 2 / pairs) if pairs else 0.0
