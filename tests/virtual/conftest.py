"""What the tests of the network face share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.virtual.network import Served, lamps


@pytest.fixture
def served() -> Iterator[Served]:
    """One lamp on free ports."""
    with lamps() as running:
        yield running
