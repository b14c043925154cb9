"""Faults on demand: what goes wrong where a message meets an instrument, whatever the wire, and when.

::

    bench.faults.arm("polarimeter", "late reply", matching="TRAC:DATA", delay="10 s")

or ``[[bench.faults]]`` in a profile. Chance comes from a generator of each fault's own, seeded with the bench's seed and
the fault's number, so that a fault changes no other random number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from spinlab.errors import BadInput, nearest
from spinlab.profile.sections import Fault
from spinlab.virtual.damage import garbled, of_wrong_length, truncated
from spinlab.virtual.instrument import HangUp, Instrument, Pending, Reply
from spinlab.virtual.splitting import split
from spinlab.virtual.status import CommandFailed

_STREAM = 0xFA017  # keeps the faults' generators apart from the bench's


class Incident(NamedTuple):
    """A fault that has struck: when (s), where, what, and the message that it met."""

    time: float
    instrument: str
    kind: str
    message: str


@dataclass
class ArmedFault:
    """A fault and how often it has struck."""

    fault: Fault
    generator: np.random.Generator
    counted: int = 0
    hits: int = 0
    _pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        self._pattern = re.compile(self.fault.matching, re.IGNORECASE)

    def is_due(self, now: float, message: str) -> bool:
        """Count a message (it came at ``now``, s) and say whether the fault is to strike."""
        fault = self.fault
        if now < fault.after or (fault.before is not None and now >= fault.before):
            return False
        if (fault.kind in OF_REPLIES and "?" not in message) or not self._pattern.search(message):
            return False
        self.counted += 1
        beyond = self.counted - fault.exchange
        if beyond < 0 or beyond % fault.every or (fault.times != "unlimited" and self.hits >= fault.times):
            return False
        return fault.probability >= 1 or bool(self.generator.random() < fault.probability)


class FaultLine:
    """The armed faults of one instrument; stands between its wires and itself."""

    def __init__(self, role: str, instrument: Instrument, incidents: list[Incident]) -> None:
        self.role = role
        self.instrument = instrument
        self.armed: list[ArmedFault] = []
        self._incidents = incidents

    def receive(self, message: bytes) -> Reply:
        """Let the first fault that is due strike, or the instrument carry the message out."""
        now = self.instrument.schedule.catch_up()
        text = message.decode("latin-1")
        due = [each for each in self.armed if each.is_due(now, text)]
        if not due:
            return self.instrument.perform(message)
        armed = due[0]
        armed.hits += 1
        self._incidents.append(Incident(now, self.role, armed.fault.kind, text))
        return _STRIKES[armed.fault.kind](self.instrument, message, armed)


class Faults:
    """What goes wrong on a bench: ``arm`` more, ``disarm`` all, look at what ``happened``."""

    def __init__(self, instruments: Mapping[str, Instrument], seed: int, planned: Iterable[Fault] = ()) -> None:
        self.happened: list[Incident] = []
        self._instruments = instruments
        self._seed = seed
        self._number = 0
        for fault in planned:
            self._arm(fault)

    def arm(self, instrument: str, kind: str, **schedule: Any) -> ArmedFault:
        """Arm a fault; the keywords are those of a profile's ``[[bench.faults]]``. Raises BadInput for what it cannot be."""
        try:
            fault = Fault.model_validate({"instrument": instrument, "kind": kind, **schedule})
        except ValidationError as error:
            lines = [f"fault.{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
            raise BadInput("\n".join(lines)) from None
        return self._arm(fault)

    def disarm(self) -> None:
        """Let nothing go wrong any more; what was broken stays so."""
        for instrument in self._instruments.values():
            instrument.faults = None

    def _arm(self, fault: Fault) -> ArmedFault:
        instrument = self._instruments.get(fault.instrument)
        if instrument is None:
            raise BadInput(
                f"bench.faults: no instrument {fault.instrument!r}{nearest(fault.instrument, self._instruments)}"
            )
        if instrument.faults is None:
            instrument.faults = FaultLine(fault.instrument, instrument, self.happened)
        armed = ArmedFault(fault, np.random.default_rng((self._seed, _STREAM, self._number)))
        self._number += 1
        instrument.faults.armed.append(armed)
        return armed


# --- what each kind does

Strike = Callable[[Instrument, bytes, ArmedFault], Reply]


def _no_reply(instrument: Instrument, message: bytes, _: ArmedFault) -> Reply:
    instrument.perform(message)
    return None


def _late_reply(instrument: Instrument, message: bytes, armed: ArmedFault) -> Reply:
    return _changed(instrument, instrument.perform(message), lambda reply: reply, armed.fault.delay)


def _damaged(damage: Callable[[bytes, np.random.Generator], bytes]) -> Strike:
    def strike(instrument: Instrument, message: bytes, armed: ArmedFault) -> Reply:
        return _changed(instrument, instrument.perform(message), lambda reply: damage(reply, armed.generator))

    return strike


def _dropped_connection(instrument: Instrument, message: bytes, _: ArmedFault) -> Reply:
    return HangUp()


def _error_entry(instrument: Instrument, message: bytes, armed: ArmedFault) -> Reply:
    instrument.fail(CommandFailed(armed.fault.code, armed.fault.text))
    return instrument.perform(message)


def _stuck_busy(instrument: Instrument, message: bytes, armed: ArmedFault) -> Reply:
    _be_busy(instrument, math.inf if armed.fault.duration is None else armed.fault.duration)
    return instrument.perform(message)


def _reboot(instrument: Instrument, message: bytes, armed: ArmedFault) -> Reply:
    instrument.power_cycle()
    _be_busy(instrument, armed.fault.duration or 0.0)
    return instrument.perform(message)


def _full_buffer(instrument: Instrument, message: bytes, _: ArmedFault) -> Reply:
    instrument.fail(CommandFailed(-363))
    return None


def _ignored_setting(instrument: Instrument, message: bytes, armed: ArmedFault) -> Reply:
    """The parts of the message that ask are answered, the others are not heard."""
    try:
        asking = [part for part in split(message.decode("latin-1"), ";") if "?" in part]
    except CommandFailed:  # a message that makes no sense is refused as a whole
        return instrument.perform(message)
    return instrument.perform(";".join(asking).encode("latin-1")) if asking else None


_STRIKES: Mapping[str, Strike] = {
    "no reply": _no_reply,
    "late reply": _late_reply,
    "garbled reply": _damaged(garbled),
    "truncated reply": _damaged(truncated),
    "wrong length": _damaged(of_wrong_length),
    "dropped connection": _dropped_connection,
    "error entry": _error_entry,
    "stuck busy": _stuck_busy,
    "reboot": _reboot,
    "full buffer": _full_buffer,
    "ignored setting": _ignored_setting,
}
OF_REPLIES = ("no reply", "late reply", "garbled reply", "truncated reply", "wrong length")


def _be_busy(instrument: Instrument, seconds: float) -> None:
    instrument.busy_until = max(instrument.busy_until, instrument.schedule.clock.now() + seconds)


def _changed(
    instrument: Instrument, reply: Reply, change: Callable[[bytes], bytes], delay: float | None = None
) -> Reply:
    """Return the reply changed, and at least ``delay`` s from now if there is one; one under way is changed when it comes."""
    if isinstance(reply, bytes) and delay is None:
        return change(reply)
    if reply is None:
        return None
    due = instrument.schedule.clock.now() + (delay or 0.0)
    changed = Pending(max(due, reply.ready_at) if isinstance(reply, Pending) else due)

    def arrive(time: float) -> None:
        if isinstance(reply, Pending) and not reply.done:
            changed.ready_at = max(reply.ready_at, time)
            instrument.schedule.at(changed.ready_at, arrive)
            return
        text = reply.reply if isinstance(reply, Pending) else reply
        changed.reply, changed.done = None if text is None else change(text), True

    instrument.schedule.at(changed.ready_at, arrive)
    return changed
