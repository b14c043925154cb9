"""The sections of a profile: frozen pydantic models, SI inside, unit strings accepted wherever a quantity is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

from spinlab.errors import BadInput, nearest
from spinlab.units import (
    Amperes,
    CubicMetres,
    JoulesPerKelvin,
    Kelvin,
    Metres,
    Ohms,
    PerCubicMetre,
    PerSecond,
    Radians,
    RadiansPerSecond,
    Seconds,
    SquareMetresPerSecond,
    Tesla,
    TeslaPerAmpere,
    Unit,
    Volts,
    VoltsPerRadian,
    Watts,
    WattsPerKelvin,
    quantity,
)

Positive = Field(gt=0, allow_inf_nan=False)
NotNegative = Field(ge=0, allow_inf_nan=False)
Fraction = Annotated[float, Unit(""), Field(ge=0, le=1)]
Finite = Field(allow_inf_nan=False)
Dotted = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
Module = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]


def _wall(value: object) -> object:
    """A name from ``WALLS``, or an extrapolation length in m."""
    if isinstance(value, str) and value in WALLS:
        return value
    try:
        length = quantity(value, "m")
    except BadInput:
        hint = nearest(value, WALLS) if isinstance(value, str) else ""
        raise ValueError(f"{value!r} is no wall{hint}: expected 'coated', 'uncoated' or a length in m") from None
    if length < 0:
        raise ValueError(f"a wall's extrapolation length must not be negative, got {value!r}")
    return length


WALLS = ("coated", "uncoated")
Wall = Annotated[str | float, BeforeValidator(_wall)]


def _regular_expression(pattern: str) -> str:
    """Return the pattern if it compiles."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return pattern


class Section(BaseModel):
    """Base of all sections: frozen; a key that is not known is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


class Cell(Section):
    """The vapour cell of the twin; what is absent stays at the paper's operating point.

    With more than one of ``modes`` the cell is a sphere in which both gases diffuse.
    """

    alkali_density: Annotated[PerCubicMetre, Positive] | None = None
    noble_gas_density: Annotated[PerCubicMetre, Positive] | None = None
    temperature: Annotated[Kelvin, Positive] | None = None
    noble_gas_polarization: Fraction | None = None  # at the start of the session
    noble_gas_relaxation: Annotated[PerSecond, NotNegative] | None = None  # Γ_b
    pumping_rate: Annotated[PerSecond, NotNegative] | None = None  # R, at full pump power
    volume: Annotated[CubicMetres, Positive] | None = None
    radius: Annotated[Metres, Positive] | None = None  # instead of the volume
    modes: int = Field(default=1, ge=1, le=60)  # of each gas; 1: uniform, the two-mode problem
    wall: Wall | None = None  # what depolarizes the alkali there; absent: uncoated
    alkali_diffusion: Annotated[SquareMetresPerSecond, NotNegative] | None = None
    noble_gas_diffusion: Annotated[SquareMetresPerSecond, NotNegative] | None = None


class Coil(Section):
    """The bias coil of the twin."""

    constant: Annotated[TeslaPerAmpere, Finite] = 5e-3  # 50 mG/mA
    time_constant: Annotated[Seconds, Positive] = 10e-6  # L/R with the damping resistor
    current_noise: Annotated[Amperes, NotNegative] = 0.4e-6  # rms, drawn anew at every change of level
    resolution: Annotated[Amperes, Positive] = 1e-6  # the supply's step on its fixed range
    resistance: Annotated[Ohms, NotNegative] = 50.0  # of the winding: what the supply's compliance has to bear
    dc_gain_error: Annotated[float, Unit(""), Finite] = 0.0  # of the supply's DC level
    dc_offset: Annotated[Amperes, Finite] = 0.0
    wave_gain_error: Annotated[float, Unit(""), Finite] = 0.0  # of the levels it plays as a waveform
    wave_offset: Annotated[Amperes, Finite] = 0.0


class Diode(Section):
    """A diode laser of the twin: light grows linearly above threshold, to 1 at the nominal current."""

    threshold: Annotated[Amperes, NotNegative] = 0.05
    nominal_current: Annotated[Amperes, Positive] = 0.25

    def light(self, current: float) -> float:
        """Optical power at ``current`` (A), in units of that at the nominal current."""
        return max(0.0, current - self.threshold) / (self.nominal_current - self.threshold)


class Optics(Section):
    """The probe beam of the twin."""

    rotation: Annotated[Radians, Finite] = 0.1  # of the polarization, by a fully tilted alkali
    probe_power: Annotated[Watts, NotNegative] = 1e-3


class Detector(Section):
    """The balanced photodetector of the twin."""

    volts_per_radian: Annotated[VoltsPerRadian, Positive] = 10.0
    noise: Annotated[Volts, NotNegative] = 1e-3  # rms a sample, besides shot and projection noise


class Oven(Section):
    """The oven around the cell of the twin; at the start it is in equilibrium at the cell's temperature."""

    heat_capacity: Annotated[JoulesPerKelvin, Positive] = 200.0
    loss: Annotated[WattsPerKelvin, Positive] = 0.25  # to the room
    room: Annotated[Kelvin, Positive] = 296.15


FaultKind = Literal[
    "no reply", "late reply", "garbled reply", "truncated reply", "wrong length", "dropped connection",
    "error entry", "stuck busy", "reboot", "full buffer", "ignored setting",
]  # fmt: skip


class Fault(Section):
    """What goes wrong at one virtual instrument, and when.

    Messages of the instrument that contain ``matching`` (a regular expression, any case) and come between ``after`` and
    ``before`` are counted from 1. The fault strikes at number ``exchange`` and at every ``every``-th after it, each time with
    ``probability``, at most ``times`` times. Faults of replies count messages that ask something, no others.
    """

    instrument: str
    kind: FaultKind
    matching: Annotated[str, AfterValidator(_regular_expression)] = ""
    exchange: int = Field(default=1, ge=1)
    every: int = Field(default=1, ge=1)
    probability: Fraction = 1.0
    after: Annotated[Seconds, NotNegative] = 0.0  # s of laboratory time
    before: Annotated[Seconds, NotNegative] | None = None
    times: Annotated[int, Field(ge=1)] | Literal["unlimited"] = 1
    delay: Annotated[Seconds, NotNegative] = 10.0  # of a late reply
    duration: Annotated[Seconds, NotNegative] | None = None  # of being busy (None: for ever) or of booting (None: none)
    code: int = -310  # of an error entry
    text: str = "System error"


class Bench(Section):
    """The twin bench: who opens it, and the apparatus around the cell."""

    factory: Dotted = "sims.bench:open_bench"
    yaml: str = "sims/bench.yaml"  # relative to the laboratory root
    ambient_field: Annotated[Tesla, Finite] = 0.0  # along z
    transverse_field: Annotated[Tesla, Finite] = 2e-12  # 0.02 uG
    tilt_rate: Annotated[RadiansPerSecond, NotNegative] = 5e3  # of the signal pulse: 5 mrad/us
    coil: Coil = Coil()
    pump: Diode = Diode()
    probe: Diode = Diode(threshold=0.03, nominal_current=0.1)
    optics: Optics = Optics()
    detector: Detector = Detector()
    oven: Oven = Oven()
    faults: tuple[Fault, ...] = ()  # [[bench.faults]]: what goes wrong on purpose


class Visa(Section):
    """How VISA resources are opened unless a device says otherwise."""

    library: str = "sim"  # "sim": the twin bench of this profile; else as PyVISA takes it: "@py", "", a path
    timeout: Annotated[Seconds, Positive] = 5.0


class DeviceEntry(Section):
    """One device: its class, where it is, and what it may do."""

    class_: Dotted = Field(alias="class")
    address: str = Field(min_length=1)
    library: str | None = None  # None: that of [visa]
    timeout: Annotated[Seconds, Positive] | None = None  # None: that of [visa]
    limits: dict[str, Any] = {}
    settings: dict[str, Any] = {}


class Plans(Section):
    """Where the plans are."""

    modules: tuple[Module, ...] = ("plans",)


class Records(Section):
    """Where the runs go."""

    directory: Path = Path("records")  # relative to the laboratory root


class Calibration(Section):
    """What the control side takes as calibrated, as long as no calibration set says better."""

    coil_constant: Annotated[TeslaPerAmpere, Positive] = 5e-3
    ambient_field: Annotated[Tesla, Finite] = 0.0
    pumping_rate: Annotated[PerSecond, NotNegative] | None = None  # R at pump_current
    pump_current: Annotated[Amperes, NotNegative] | None = None
    coil_time_constant: Annotated[Seconds, NotNegative] = 10e-6
    wave_gain_error: Annotated[float, Unit(""), Finite] = 0.0
    wave_offset: Annotated[Amperes, Finite] = 0.0
    dc_offset: Annotated[Amperes, Finite] = 0.0


class SafeAction(Section):
    """One step of the safe state: this device goes to its own safe state (what that is, its settings say)."""

    device: str


class Overhead(Section):
    """What engine and analysis cost on the wall clock, for the predicted duration."""

    per_message: Annotated[Seconds, NotNegative] = 0.0
    per_shot: Annotated[Seconds, NotNegative] = 0.0


class Profile(Section):
    """A whole profile, checked and resolved; made by `spinlab.profile.load_profile`."""

    clock: Literal["virtual", "wall"] = "virtual"
    epoch: AwareDatetime = datetime(2026, 1, 1, tzinfo=UTC)  # where the virtual clock begins
    seed: int = Field(default=0, ge=0)
    budget: Annotated[Seconds, Positive] | None = None  # virtual time that one run may take
    cell: Cell = Cell()
    bench: Bench = Bench()
    visa: Visa = Visa()
    devices: dict[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")], DeviceEntry] = {}
    plans: Plans = Plans()
    plan_defaults: dict[str, dict[str, Any]] = {}
    records: Records = Records()
    calibration: Calibration = Calibration()
    safe_state: tuple[SafeAction, ...] = ()
    overhead: Overhead = Overhead()
    _path: Path = PrivateAttr(default=Path())
    _root: Path = PrivateAttr(default=Path())

    @property
    def path(self) -> Path:
        """The file that this profile was read from, absolute."""
        return self._path

    @property
    def root(self) -> Path:
        """The laboratory root, absolute."""
        return self._root

    @property
    def records_directory(self) -> Path:
        """The folder of the records, absolute."""
        return self._root / self.records.directory

    @property
    def bench_yaml(self) -> Path:
        """The file that lists the resources of the twin bench, absolute."""
        return self._root / self.bench.yaml

    def library_of(self, device: str) -> str:
        """Return the VISA library of a device."""
        library = self.devices[device].library
        return self.visa.library if library is None else library

    def timeout_of(self, device: str) -> float:
        """Return the VISA time-out of a device, s."""
        timeout = self.devices[device].timeout
        return self.visa.timeout if timeout is None else timeout

    def as_document(self) -> dict[str, Any]:
        """Return the resolved profile as JSON-able values, SI, without the paths of this machine: its provenance."""
        return self.model_dump(mode="json", by_alias=True)
