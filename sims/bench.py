"""The bench: which virtual instrument drives what, wired as the laboratory's cables are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sims.cell import VapourCell
from sims.dg645 import DG645
from sims.dmm7510 import DMM7510
from sims.keithley6221 import Keithley6221
from sims.ldc500 import LDC500
from sims.noise import NoiseSources
from sims.optics import Polarimeter, Recording
from spinlab.clock.base import Clock
from spinlab.models import mixture_of, pumping_rate_of, volume_of
from spinlab.physics.propagation import Cell, CellState
from spinlab.profile import Profile, load_profile
from spinlab.virtual.faults import Faults
from spinlab.virtual.instrument import Instrument
from spinlab.virtual.schedule import Schedule


class Bench:
    """Instruments, wires, light, coil and atoms of one laboratory.

    | DG645 output | goes to | acts when |
    |---|---|---|
    | AB | pump gate (AOM in the beam along z) | high = light passes |
    | CD | signal gate (AOM in a circularly polarized arm of the probe, along x) | high = light passes |
    | EF | 6221 trigger link | falling edge |
    | GH | DMM7510 external trigger | rising edge |
    """

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self.profile = profile
        self.schedule = Schedule(clock)
        self.noise = NoiseSources.from_seed(profile.seed)
        bench = profile.bench
        mixture = mixture_of(profile.cell)
        self.atoms = VapourCell(
            Cell(mixture, bench.coil.time_constant, volume_of(profile.cell)),
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
        self.coil = Keithley6221(self.schedule, self.coil_current)
        self.pump = LDC500(self.schedule, "LDC502", self.pump_current)
        self.probe = LDC500(self.schedule, "LDC501", self.probe_current)
        self.digitizer = DMM7510(self.schedule, self)
        self.timing = DG645(self.schedule)
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

    def present_state(self) -> CellState:
        """The atoms now, for whoever judges the bench from outside; the control side never sees this."""
        self.atoms.advance(self.schedule.catch_up())
        return replace(self.atoms.state)


def open_bench(profile: Profile | str | Path, clock: Clock) -> Bench:
    """Build the bench of a profile (or of the profile file at a path) on a clock."""
    if isinstance(profile, (str, Path)):
        profile = load_profile(profile)
    return Bench(profile, clock)
