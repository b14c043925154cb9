"""Sessions of the reference laboratory for tests: the profile of the repository, records in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spinlab.profile import Profile, load_profile
from spinlab.session import Outcome, Session

ROOT = Path(__file__).parent.parent
QUIET = {"bench.coil.current_noise": 0.0, "bench.detector.noise": "1 uV"}


def profile(records: Path, seed: int | None = None, **overrides: Any) -> Profile:
    """``profiles/sim.toml`` with its records in ``records``; further overrides with dots as double underscores."""
    dotted = {key.replace("__", "."): value for key, value in overrides.items()}
    return load_profile(ROOT / "profiles" / "sim.toml", seed, {"records.directory": str(records), **dotted})


@contextmanager
def session(records: Path, seed: int | None = None, **overrides: Any) -> Iterator[Session]:
    """A connected session on the simulated bench."""
    with Session(profile(records, seed, **overrides)) as opened:
        opened.connect()
        yield opened


def efficiency(outcome: Outcome) -> tuple[float, float, float]:
    """Measured efficiency, its σ, and the prediction, of a run with one storage time."""
    assert outcome.result is not None, outcome.problem
    values = outcome.result.values
    return values["efficiency"][0], values["efficiency_sigma"][0], values["predicted_efficiency"][0]
