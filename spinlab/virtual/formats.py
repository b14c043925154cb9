"""How instruments write values into their replies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

INFINITY = 9.9e37  # what SCPI sends for infinity, and Keithleys for an overflowing reading


def nr3(value: float) -> str:
    """Write with an exponent and seven digits: ``1.720000E-03``."""
    return f"{value:.6E}"


def shortest(value: float) -> str:
    """Write as few digits as the value needs: ``0.1``, ``1e-06``, ``10``."""
    return f"{value:.12g}"


def quoted(text: str) -> str:
    """Write as string response data; a quotation mark inside is doubled."""
    return '"' + text.replace('"', '""') + '"'


def definite_block(data: bytes) -> bytes:
    """Write as definite length block, ``#42048...`` (IEEE 488.2, 8.7.9)."""
    length = str(len(data)).encode()
    return b"".join((b"#", str(len(length)).encode(), length, data))


def indefinite_block(values: npt.NDArray[np.generic]) -> bytes:
    """Write an array as indefinite length block, ``#0...``; the message terminator ends it (IEEE 488.2, 8.7.10)."""
    return b"".join((b"#0", np.ascontiguousarray(values).data.cast("B")))
