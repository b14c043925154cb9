"""Documents of a small run, as Bluesky emits them."""

import numpy as np

UID = "0123abcd-0000-4000-8000-000000000000"
LENGTH = 100


def start(uid=UID, time=1767225600.0, **metadata):
    return {"uid": uid, "time": time, "plan_name": "storage", "scan_id": 1, **metadata}


def descriptor(uid="d1", run=UID, name="primary", length=LENGTH):
    keys = {
        "shot_amplitude": {"dtype": "number", "shape": [], "source": "analysis:shot", "units": "V"},
        "shot_kind": {"dtype": "string", "shape": [], "source": "analysis:shot"},
        "few": {"dtype": "array", "shape": [3], "source": "test"},
        "polarimeter_trace": {"dtype": "array", "shape": [length], "source": "VISA:x", "units": "V"},
    }
    return {
        "uid": uid,
        "run_start": run,
        "name": name,
        "time": 1767225601.0,
        "data_keys": keys,
        "object_keys": {"shot": ["shot_amplitude", "shot_kind"], "polarimeter": ["polarimeter_trace"]},
        "configuration": {},
        "hints": {},
    }


def trace(index, length=LENGTH, dtype=np.float32):
    return (np.arange(length) / 7 + index).astype(dtype)


def event(seq_num, descriptor="d1", samples=None, **data):
    data = {
        "shot_amplitude": 0.1 * seq_num,
        "shot_kind": "signal",
        "few": np.array([1.0, 2.0, 3.0]),
        "polarimeter_trace": trace(seq_num) if samples is None else samples,
    } | data
    return {
        "uid": f"e{seq_num}",
        "descriptor": descriptor,
        "seq_num": seq_num,
        "time": 1767225601.0 + seq_num,
        "data": data,
        "timestamps": dict.fromkeys(data, 1767225601.0 + seq_num),
        "filled": {},
    }


def stop(run=UID, events=3, exit_status="success"):
    return {
        "uid": "s1",
        "run_start": run,
        "time": 1767229200.0,
        "exit_status": exit_status,
        "reason": "",
        "num_events": {"primary": events},
    }


def write_run(writer, events=3, **metadata):
    """Write a whole run; return its folder and what the subscribers hear."""
    heard = [*writer("start", start(**metadata)), *writer("descriptor", descriptor())]
    for seq_num in range(1, events + 1):
        heard += writer("event", event(seq_num))
    heard += writer("stop", stop(events=events))
    return writer.path, heard
