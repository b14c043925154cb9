"""Closed-form propagation of two modes against scipy's ODE solver, QuTiP and bare exponentials, in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from spinlab.physics.two_mode import TwoMode

MODES = TwoMode(coupling=1000.0, alkali_decay=17.5)
TIMES = np.linspace(0.0, 5 * np.pi / 1000, 201)  # five exchanges and back
SAMPLES = 1_000_000
REPEATS = 5  # of the peers in a round
OURS = 200  # of the closed form: as long a stretch, so that the caches are as warm for one as for the other
ROUNDS = 25


def measure() -> Iterator[tuple[str, str, str]]:
    """Ratios of the fastest of alternating rounds; the peers solve the same problem, QuTiP without its decay."""
    ours, scipy, qutip = _alternate(_ours, _scipy, _qutip())
    ours, scipy, qutip = ours / OURS, scipy / REPEATS, qutip / REPEATS
    yield "two modes at 201 times", f"{1e6 * ours:.0f} µs", "-"
    yield "`solve_ivp` (DOP853, rtol 1e-8) over the closed form", f"{scipy / ours:.0f}", "40"
    yield "likewise QuTiP's `sesolve`", f"{qutip / ours:.0f}", "60"
    trace, exponentials = _alternate(_trace(), _exponentials())
    yield "a million samples of both modes", f"{1e3 * trace:.0f} ms", "-"
    yield "that per mode, in a million complex exponentials", f"{trace / 2 / exponentials:.2f}", "at most 3"


def _ours() -> None:
    for _ in range(OURS):
        MODES.propagator(TIMES)


def _scipy() -> None:
    from scipy.integrate import solve_ivp

    matrix = MODES.generator()
    span, start = (0.0, TIMES[-1]), np.array([1.0, 0.0], dtype=complex)
    for _ in range(REPEATS):
        solve_ivp(lambda _, y: matrix @ y, span, start, method="DOP853", t_eval=TIMES, rtol=1e-8, atol=1e-10)


def _qutip() -> Callable[[], object]:
    import qutip

    hamiltonian = qutip.Qobj(np.array([[0.0, MODES.coupling], [MODES.coupling, 0.0]]))
    start = qutip.basis(2, 0)

    def run() -> None:
        for _ in range(REPEATS):
            qutip.sesolve(hamiltonian, start, TIMES)

    return run


def _trace() -> Callable[[], object]:
    times = np.linspace(0.0, 0.1, SAMPLES)

    return lambda: MODES.trace([1.0, 0.0], times, 4e5)


def _exponentials() -> Callable[[], object]:
    exponents = (4e5j - 17.5) * np.linspace(0.0, 0.1, SAMPLES)

    return lambda: np.exp(exponents)


def _alternate(*runs: Callable[[], object]) -> list[float]:
    """Seconds of the fastest of each run: what else the machine does can only add to them."""
    rounds = [[_timed(run) for run in runs] for _ in range(ROUNDS)]
    return [min(column) for column in zip(*rounds, strict=True)]


def _timed(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin
