"""Sessions of the repository's laboratory with records in a temporary folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spinlab.profile import load_profile
from spinlab.session import Session

ROOT = Path(__file__).parent.parent


@contextmanager
def session() -> Iterator[Session]:
    """A connected session on ``profiles/sim.toml``."""
    with tempfile.TemporaryDirectory() as records:
        profile = load_profile(ROOT / "profiles" / "sim.toml", None, {"records.directory": records})
        with Session(profile) as opened:
            opened.connect()
            yield opened
