"""What a profile may say, and reading one: ``load_profile("profiles/sim.toml")``."""

from __future__ import annotations

from spinlab.profile.loading import load_profile
from spinlab.profile.sections import (
    Bench,
    Calibration,
    Cell,
    Coil,
    Detector,
    DeviceEntry,
    Fault,
    Optics,
    Overhead,
    Plans,
    Profile,
    Records,
    SafeAction,
    Visa,
)

__all__ = [
    "Bench",
    "Calibration",
    "Cell",
    "Coil",
    "Detector",
    "DeviceEntry",
    "Fault",
    "Optics",
    "Overhead",
    "Plans",
    "Profile",
    "Records",
    "SafeAction",
    "Visa",
    "load_profile",
]
