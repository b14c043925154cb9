"""What ``spinlab runs`` and ``spinlab show`` say about recorded runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spinlab.units import format_quantity

if TYPE_CHECKING:
    from spinlab.records import Run, RunSummary


def summary(entry: RunSummary) -> dict[str, Any]:
    """One run as a line of the list; ``time`` is the laboratory's."""
    return {
        "uid": entry.uid[:8],
        "time": _time(entry.time),
        "plan": entry.plan,
        "exit_status": entry.exit_status,
        "shots": entry.num_events(),
        "folder": str(entry.path),
    }


def run_document(run: Run) -> dict[str, Any]:
    """A run as JSON: start and stop documents, what its streams hold, its outcome if it was analysed."""
    return {
        "start": run.start,
        "stop": run.stop,
        "complete": run.complete,
        "streams": {name: {"events": len(run.rows(name)), "traces": run.traces(name)} for name in run.streams},
        "outcome": outcome_of(run),
        "folder": str(run.path),
    }


def outcome_of(run: Run) -> dict[str, Any] | None:
    """What the session made of the run when it ended, or None when it never got there."""
    file = run.path / "outcome.json"
    if not file.exists():
        return None
    outcome: dict[str, Any] = json.loads(file.read_text())
    return outcome


def describe_run(run: Run) -> None:
    """Print a run for people."""
    start = run.start
    status = run.exit_status if run.complete else "not closed (the session died); everything emitted is here"
    print(f"{start['plan_name']}  {start['uid']}")
    print(f"  began     {_time(start['time'])} ({start['clock']['kind']} clock)")
    print(f"  ended     {status}" + (f": {run.stop['reason']}" if run.stop and run.stop.get("reason") else ""))
    print(f"  profile   {start['profile_name']}, seed {start['seed']}")
    for name, value in start["plan_parameters"].items():
        print(f"  {name:16} {value}")
    for name in run.streams:
        traces = ", ".join(run.traces(name))
        print(f"  stream {name}: {len(run.rows(name))} events" + (f", traces {traces}" if traces else ""))
    print(f"  folder    {run.path}")
    outcome = outcome_of(run)
    if outcome and outcome["result"]:
        print("  result")
        for name, value in outcome["result"].items():
            print(f"    {name:32} {_shown(value)}")
    if outcome:
        print(f"  took      {format_quantity(outcome['lab_time_s'], 's')} of laboratory time")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_shown(each) for each in value) + "]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _time(posix: float) -> str:
    return datetime.fromtimestamp(posix, UTC).strftime("%Y-%m-%d %H:%M:%S")
