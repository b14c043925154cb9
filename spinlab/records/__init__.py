"""Runs on disk: one folder each, durable before anything else hears of it; writing, finding, reading.

records/2026-01-01/000000-storage-1f3c9a70/
    documents.jsonl                       every document, a line each, in the order emitted
    traces/<stream>/<data key>/zarr.json  a Zarr v3 array, first axis: events
    traces/<stream>/<data key>/c.<i>.0    one chunk per event: the samples, little endian, nothing else
"""

from __future__ import annotations

from spinlab.records.catalog import RunSummary, find_run, list_runs
from spinlab.records.reader import Run, Trace, open_run
from spinlab.records.writer import RunWriter

__all__ = ["Run", "RunSummary", "RunWriter", "Trace", "find_run", "list_runs", "open_run"]
