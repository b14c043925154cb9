"""The bench: which virtual instrument drives what, wired as the laboratory's cables are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sims.cell import VapourCell
from sims.dg645 import DG645
from sims.dmm6500 import DMM6500
from sims.dmm7510 import DMM7510, Steady
from sims.keithley6221 import Keithley6221, LevelErrors
from sims.lakeshore336 import Lakeshore336
from sims.ldc500 import LDC500
from sims.noise import NoiseSources
from sims.optics import Polarimeter, Recording
from sims.oven import Oven, ThermalMass
from spinlab.clock.base import Clock
from spinlab.models import propagation_of, pumping_rate_of
from spinlab.physics.propagation import CellState
from spinlab.profile import Profile, load_profile
from spinlab.virtual.faults import Faults
from spinlab.virtual.instrument import Instrument
from spinlab.virtual.schedule import Schedule

DENSITY_STEP = 0.05  # K of oven temperature, 0.3 % of the vapour density
VAPOUR_RANGE = (250.0, 600.0)  # K, beyond which the density is that at the end


class CoilMonitor:
    """The voltage across the bias coil, as the multimeter sees it; slow readings show the level they begin with."""

    def __init__(self, supply: Keithley6221) -> None:
        self._supply = supply

    def start(self, time: float, count: int, sample_rate: float, aperture: float) -> Steady:
        """Begin a record."""
        return Steady(count, self._supply.voltage())


class Bench:
    """Instruments, wires, light, coil and atoms of one laboratory.

    | DG645 output | goes to | acts when |
    |---|---|---|
    | AB | pump gate (AOM in the beam along z) | high = light passes |
    | CD | signal gate (AOM in a circularly polarized arm of the probe, along x) | high = light passes |
    | EF | 6221 trigger link | falling edge |
    | GH | DMM7510 external trigger | rising edge |

    The Lake Shore 336 heats the oven; a DMM6500 and the 6221's nanovoltmeter look at the voltage across the coil.
    """

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self.profile = profile
        self.schedule = Schedule(clock)
        self.noise = NoiseSources.from_seed(profile.seed)
        bench = profile.bench
        cell = propagation_of(profile)
        mixture = cell.mixture
        self.atoms = VapourCell(
            cell,
            CellState(mixture.pumped_polarization(0.0), mixture.noble_gas_polarization, bench.ambient_field),
            complex(bench.transverse_field),
            self.noise.spin_normals,
        )
        self.polarimeter = Polarimeter(
            bench.optics.rotation, bench.optics.probe_power, bench.detector.volts_per_radian, bench.detector.noise
        )
        self.pumping_rate = pumping_rate_of(profile.cell)
        self._pump_gate = self._signal_gate = False
        self._pump_light = self._probe_light = 0.0
        coil = bench.coil
        errors = LevelErrors(coil.dc_gain_error, coil.dc_offset, coil.wave_gain_error, coil.wave_offset)
        self.coil = Keithley6221(self.schedule, self.coil_current, errors, coil.resistance)
        self.pump = LDC500(self.schedule, "LDC502", self.pump_current)
        self.probe = LDC500(self.schedule, "LDC501", self.probe_current)
        self.digitizer = DMM7510(self.schedule, self)
        self.multimeter = DMM6500(self.schedule, CoilMonitor(self.coil))
        self.timing = DG645(self.schedule)
        mass = ThermalMass(bench.oven.heat_capacity, bench.oven.loss, bench.oven.room)
        self._density_temperature = mixture.temperature
        self.oven = Oven(mass, mixture.temperature, self.oven_moved)
        self.temperature = Lakeshore336(self.schedule, self.oven, self.noise.thermometer.standard_normal)
        self.timing.connect("AB", self.pump_gate)
        self.timing.connect("CD", self.signal_gate)
        self.timing.connect("EF", self.coil_trigger)
        self.timing.connect("GH", self.digitizer_trigger)
        self.instruments: dict[str, Instrument] = {
            "coil": self.coil,
            "pump": self.pump,
            "probe": self.probe,
            "polarimeter": self.digitizer,
            "timing": self.timing,
            "oven": self.temperature,
            "multimeter": self.multimeter,
        }
        self.faults = Faults(self.instruments, profile.seed, bench.faults)

    def coil_current(self, time: float, current: float) -> None:
        """The supply's output becomes ``current`` (A); its noise is drawn anew at every change of level."""
        bench = self.profile.bench
        if current:
            current += bench.coil.current_noise * float(self.noise.coil.standard_normal())
        self.atoms.change(time, field=bench.ambient_field + bench.coil.constant * current)

    def pump_current(self, time: float, current: float) -> None:
        """The pump diode's current (A) changes."""
        self._pump_light = self.profile.bench.pump.light(current)
        self._shine(time)

    def probe_current(self, time: float, current: float) -> None:
        """The probe diode's current (A) changes; the signal arm is split from it."""
        self._probe_light = self.profile.bench.probe.light(current)
        self._shine(time)

    def pump_gate(self, time: float, is_open: bool) -> None:
        """The pump's AOM opens or closes."""
        self._pump_gate = is_open
        self._shine(time)

    def signal_gate(self, time: float, is_open: bool) -> None:
        """The signal arm's AOM opens or closes."""
        self._signal_gate = is_open
        self._shine(time)

    def coil_trigger(self, time: float, high: bool) -> None:
        """A falling edge on the 6221's trigger link plays its waveform."""
        if not high:
            self.coil.trigger_edge(time)

    def digitizer_trigger(self, time: float, high: bool) -> None:
        """A rising edge starts the digitizer's next group."""
        if high:
            self.digitizer.trigger_edge(time)

    def start(self, time: float, count: int, sample_rate: float, aperture: float) -> Recording:
        """The digitizer begins a record (its analog input is the polarimeter)."""
        tap = self.atoms.tap(time, count, sample_rate, aperture)
        return Recording(tap, self.atoms, self.polarimeter, self._probe_light, self.noise)

    def _shine(self, time: float) -> None:
        bench = self.profile.bench
        self.atoms.change(
            time,
            pumping_rate=self.pumping_rate * self._pump_light if self._pump_gate else 0.0,
            tilt_rate=bench.tilt_rate * self._probe_light if self._signal_gate else 0.0,
        )

    def oven_moved(self, time: float, temperature: float) -> None:
        """The oven's temperature (K) at ``time`` (s): the vapour density follows in steps of a third of a per cent."""
        coldest, hottest = VAPOUR_RANGE
        temperature = min(max(temperature, coldest), hottest)
        if abs(temperature - self._density_temperature) >= DENSITY_STEP:
            self._density_temperature = temperature
            self.atoms.become(time, propagation_of(self.profile, temperature))

    def cell_temperature(self, time: float) -> float:
        """Temperature of the cell (K) at ``time`` (s): now, or the time of what is being carried out."""
        return self.oven.temperature(time)

    def present_state(self) -> CellState:
        """The atoms now, for whoever judges the bench from outside; the control side never sees this."""
        self.atoms.advance(self.schedule.catch_up())
        return replace(self.atoms.state)


def open_bench(profile: Profile | str | Path, clock: Clock) -> Bench:
    """Build the bench of a profile (or of the profile file at a path) on a clock."""
    if isinstance(profile, (str, Path)):
        profile = load_profile(profile)
    return Bench(profile, clock)
