"""What a run folder is called and what it holds: the one place where writer, reader and catalog agree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DOCUMENTS = "documents.jsonl"
TRACES = "traces"
METADATA = "zarr.json"


def run_folder(directory: Path, start: Mapping[str, Any]) -> Path:
    """Return ``<directory>/<YYYY-mm-dd>/<HHMMSS>-<plan>-<uid8>`` (UTC, by the start document's own time)."""
    time = datetime.fromtimestamp(float(start["time"]), UTC)
    plan = file_name(str(start.get("plan_name") or "run"))
    return directory / f"{time:%Y-%m-%d}" / f"{time:%H%M%S}-{plan}-{file_name(str(start['uid']))[:8]}"


def trace_folder(run: Path, stream: str, key: str) -> Path:
    """Return the folder of one array of a run."""
    return run / TRACES / file_name(stream) / file_name(key)


def file_name(text: str) -> str:
    """Return the text with everything but letters, digits, ``-``, ``_`` and inner dots replaced by ``_``."""
    return re.sub(r"[^\w.-]|^\.", "_", text) or "_"
