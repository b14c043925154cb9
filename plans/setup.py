"""The devices and constants of one experiment, and the messages that every plan begins with."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from bluesky import Msg

from spinlab.calibration import Calibration

Plan = Generator[Msg, Any, Any]


@dataclass(frozen=True)
class Setup:
    """Devices by role, and what is known of the laboratory. Plans send them messages and never look behind them."""

    coil: Any
    pump: Any
    probe: Any
    polarimeter: Any
    timing: Any
    calibration: Calibration

    @property
    def witnesses(self) -> tuple[Any, ...]:
        """The boxes that nobody asks while a record is taken: a shot counts when they still are as they were set."""
        return (self.timing, self.pump, self.probe)


def light_up(setup: Setup) -> Plan:
    """Both lasers on and steady, the pump gate open."""
    yield Msg("set", setup.pump, True, group="lasers")
    yield Msg("set", setup.probe, True, group="lasers")
    yield from open_gate(setup, "lasers")


def open_gate(setup: Setup, group: str = "gate") -> Plan:
    """The pump gate open: the lasers stay as they are, and each shot asks them (:attr:`Setup.witnesses`)."""
    yield Msg("set", setup.timing, "open", group=group)
    yield Msg("wait", None, group=group)


def play(setup: Setup) -> Plan:
    """One trigger of what is armed: waits until every pulse is out, every record is here, and the coil is back."""
    yield Msg("trigger", setup.timing, group="edge")
    yield Msg("trigger", setup.polarimeter, group="edge")
    yield Msg("wait", None, group="edge")
    yield Msg("trigger", setup.coil, group="coil")
    yield Msg("wait", None, group="coil")


def arm(setup: Setup, waveform: Any, sequence: Any, acquisition: Any) -> Plan:
    """Load and arm coil, delays and digitizer; the coil goes to the waveform's inactive level."""
    yield Msg("prepare", setup.coil, waveform, group="arm")
    yield Msg("prepare", setup.polarimeter, acquisition, group="arm")
    yield Msg("prepare", setup.timing, sequence, group="arm")
    yield Msg("wait", None, group="arm")
