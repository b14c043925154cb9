"""Event pages, as flyers emit them, taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def unpack_page(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the events of an event page."""
    return [
        {
            "descriptor": page["descriptor"],
            "uid": page["uid"][index],
            "time": page["time"][index],
            "seq_num": seq_num,
            "data": _at(page["data"], index),
            "timestamps": _at(page["timestamps"], index),
            "filled": _at(page.get("filled", {}), index),
        }
        for index, seq_num in enumerate(page["seq_num"])
    ]


def _at(columns: Mapping[str, Any], index: int) -> dict[str, Any]:
    return {key: column[index] for key, column in columns.items()}
