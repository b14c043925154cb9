"""Trying every member of a driver against its box: what is tried, and how it went.

A driver is a foreign class, unmodified, on a virtual box. A trial reads one member of it, writes one and reads it back, or
calls one. It passes when nothing was raised, what was read back is what was written, and the box has no error to report.
A trial during which nothing went over the wire is no trial: such members are not the box's business.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyvisa

ROOT = Path(__file__).parent.parent.parent
LIBRARY = f"{ROOT / 'sims' / 'bench.yaml'}@spinlab"
os.environ["PYVISA_LIBRARY"] = LIBRARY  # for drivers that take no library, as their users would do it

PASSED = "passed"
PATIENCE = 0.1  # s that a driver waits for a reply that does not come


@dataclass(frozen=True)
class Trial:
    """One use of one member; ``run()`` raises when it does not work."""

    member: str
    use: str
    run: Callable[[], object]
    prepare: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Reason:
    """Why trials cannot pass: of which members (a pattern), what is seen of it, and whose doing it is."""

    members: str
    symptom: str
    why: str

    def explains(self, member: str, result: str) -> bool:
        return fnmatchcase(member, self.members) and self.symptom in result


@dataclass(frozen=True)
class Outcome:
    """How one use of one member went: "passed", or what went wrong."""

    member: str
    use: str
    result: str


@dataclass
class Driver:
    """A foreign driver on a box: how to open it, its trials, and why some of them cannot pass."""

    name: str
    package: str
    address: str
    open: Callable[[str], Any]
    trials: Callable[[Any], Iterator[Trial]]
    clear: Callable[[Any], None]
    errors: Callable[[Any], list[str]]
    reset: str = "*RST;*CLS"
    reasons: tuple[Reason, ...] = ()

    def why(self, outcome: Outcome) -> str:
        """The reason of an outcome that is not a pass; nothing if there is none."""
        return next((each.why for each in self.reasons if each.explains(outcome.member, outcome.result)), "")


class Box:
    """A virtual box behind the library that drivers use, and a session of our own on it."""

    def __init__(self, address: str) -> None:
        self._manager = pyvisa.ResourceManager(LIBRARY)
        self.session: Any = self._manager.open_resource(address)
        self.session.read_termination = self.session.write_termination = "\n"
        self.session.timeout = 1000
        instrument = self._manager.visalib.instruments[self.session.resource_name]
        self.messages = 0
        hear = instrument.receive

        def counted(message: bytes) -> Any:
            self.messages += 1
            return hear(message)

        instrument.receive = counted

    def ask(self, message: str) -> str:
        return str(self.session.query(message)).strip()


def outcomes(driver: Driver) -> list[Outcome]:
    """How every trial went that talked to the box."""
    box = Box(driver.address)
    opened = driver.open(driver.address)
    results = []
    for trial in driver.trials(opened):
        driver.clear(opened)
        box.session.write(driver.reset)
        result = attempt(driver, box, trial)
        if result is not None:
            results.append(Outcome(trial.member, trial.use, result))
    return results


def attempt(driver: Driver, box: Box, trial: Trial) -> str | None:
    """How a trial went; None when it sent nothing."""
    trial.prepare()
    driver.errors(box)
    before = box.messages
    try:
        trial.run()
    except Exception as error:
        if box.messages == before:
            return None
        return f"{type(error).__name__}: {error}".splitlines()[0]
    if box.messages == before:
        return None
    errors = driver.errors(box)
    return "; ".join(errors) if errors else PASSED


def same(one: object, other: object) -> bool:
    """Whether a value that was read back is the one that was written: 0.5 is '5.0E-01', 'rising' is 'RIS'."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    try:
        return math.isclose(float(one), float(other), rel_tol=1e-5, abs_tol=1e-12)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        short, long = sorted((str(one).strip().upper(), str(other).strip().upper()), key=len)
        return long.startswith(short) and (bool(short) or not long)


def expect_same(member: str, written: object, read: object) -> None:
    if not same(written, read):
        raise AssertionError(f"wrote {written!r}, read back {read!r}")


def scpi_errors(box: Box) -> list[str]:
    """Empty the error queue of a SCPI box."""
    found = []
    while not (entry := box.ask("SYST:ERR?")).startswith(("0,", "+0,")):
        found.append(entry)
    return found


def laser_errors(box: Box) -> list[str]:
    """Read the error registers of an LDC500."""
    execution, command = box.ask("LEXE?"), box.ask("LCME?")
    return [text for text, number in ((f"LEXE {execution}", execution), (f"LCME {command}", command)) if number != "0"]


def event_errors(box: Box) -> list[str]:
    """Read the error bits of a standard event register."""
    events = int(box.ask("*ESR?"))
    names = {4: "query error", 16: "execution error", 32: "command error"}
    return [name for bit, name in names.items() if events & bit]


def delay_errors(box: Box) -> list[str]:
    """Empty the error queue of a DG645."""
    found = []
    while (code := box.ask("LERR?")) != "0":
        found.append(f"LERR {code}")
    return found
