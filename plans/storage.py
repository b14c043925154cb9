"""Write a spin state into the noble gas, wait, read it back: the experiment this laboratory exists for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, inf
from typing import Annotated, Literal

from bluesky import Msg

from plans.edges import EdgeTiming, PumpMode
from plans.fid import SIGNIFICANT, ReadLevel, check_positive, record_line
from plans.setup import Plan, Setup, arm, light_up, open_gate, play
from spinlab.analysis.fid import Decay, FidFit, fit_fid, project_fid
from spinlab.calibration import Calibration
from spinlab.errors import BadInput, RunFailed
from spinlab.measurement import Column, measurement
from spinlab.physics.working_point import WorkingPoint
from spinlab.plan_parameters import Device, Hertz, Role, Seconds, Tesla
from spinlab.readings import Readings
from spinlab.units import format_quantity

Kind = Literal["reference", "signal", "background", "reference background"]
DEFAULT_TIMES = (0.05, 0.3, 2.0, 10.0, 60.0, 600.0, 1800.0, 3600.0)
LONGEST_PAIR = 40.0  # s that the delay generator times by itself
DRIFT_TIME = 10.0  # s after which the line may have moved by more than a fit finds back
TRACKING_PULSE = 2e-6  # s
TRACKING_RECORD = 5e-3  # s
TRACKING_LEAD = 0.1  # s before a read at which tracking begins
UNITS = {
    "storage_time": "s",
    "set_storage_time": "s",
    "amplitude": "V",
    "amplitude_sigma": "V",
    "spin_real": "V",
    "spin_imag": "V",
    "spin_sigma": "V",
    "frequency": "Hz",
    "decay": "1/s",
    "write_time": "s",
    "read_time": "s",
    "write_current": "A",
    "read_current": "A",
    "write_hold": "s",
    "read_hold": "s",
}
COLUMNS = (
    Column("shot_set_storage_time", "storage time", unit="s"),
    Column("shot_kind", "kind"),
    Column("shot_amplitude", "amplitude", unit="V"),
    Column("shot_efficiency", "efficiency", form=".4f", sigma="shot_efficiency_sigma"),
)


@dataclass(frozen=True)
class Shot:
    """One shot to take: what kind, how long it stores (s), which repeat."""

    kind: Kind
    storage_time: float
    repeat: int

    @property
    def stores(self) -> bool:
        """Whether there is a write and a read, or (reference) one edge only."""
        return self.kind in ("signal", "background")

    @property
    def has_signal(self) -> bool:
        """Whether the signal light excites the alkali."""
        return self.kind in ("signal", "reference")


@dataclass(frozen=True)
class Conditions:
    """What all shots of a run share: fields (T), pump mode, timing, when to track again (s; None: never)."""

    storage_field: float
    read_field: float
    pump: PumpMode
    timing: EdgeTiming
    erase_time: float
    track_again_after: float | None

    def is_tracked_again(self, shot: Shot) -> bool:
        """Whether the resonance is tracked anew before the read."""
        return shot.stores and self.track_again_after is not None and shot.storage_time > self.track_again_after

    def is_pair(self, shot: Shot) -> bool:
        """Whether one trigger times both write and read."""
        return shot.stores and shot.storage_time <= LONGEST_PAIR and not self.is_tracked_again(shot)


@measurement("spinlab.analysis.storage:analyse", COLUMNS)
def storage(
    coil: Device,
    pump_laser: Annotated[Device, Role("pump")],
    probe: Device,
    polarimeter: Device,
    timing: Device,
    calibration: Calibration,
    storage_times: list[Seconds] = list(DEFAULT_TIMES),  # noqa: B006 - never changed; shown as the default
    shots: int = 3,
    pump: PumpMode = "on",
    storage_field: Tesla = 1e-4,
    read_field: Tesla = 18e-6,
    pulse: Seconds = 20e-6,
    record: Seconds = 10e-3,
    sample_rate: Hertz = 1e6,
    erase_time: Seconds = 0.2,
    track: Literal["both", "write"] = "both",
) -> Plan:
    """Storage efficiency against storage time: write, store in the noble gas, read; signal, reference and background.

    storage_times: from the end of the write hold to the read edge
    shots: repeats of each storage time
    pump: on during storage, or dark but for 30 ms before each edge
    storage_field: level while the state is stored
    read_field: level of the free-induction decay
    pulse: length of the signal light
    record: length of a free-induction decay
    sample_rate: of the digitizer
    erase_time: pumping at resonance before each shot
    track: find the resonance before the write only, or also before the read of a long storage
    """
    setup = Setup(coil, pump_laser, probe, polarimeter, timing, calibration)
    edges = EdgeTiming(calibration.coil_time_constant, pulse, record, sample_rate)
    again = None if track == "write" else DRIFT_TIME if pump == "dark" else LONGEST_PAIR
    conditions = Conditions(storage_field, read_field, pump, edges, erase_time, again)
    _check(setup, conditions, storage_times, shots)
    return _storage(setup, conditions, tuple(storage_times), shots)


def order(storage_times: tuple[float, ...], repeats: int) -> Iterator[Shot]:
    """Signal, reference and background shots interleaved: a slow drift touches all kinds alike."""
    for repeat in range(repeats):
        yield Shot("reference background", storage_times[0], repeat)
        for time in storage_times:
            yield Shot("reference", time, repeat)
            yield Shot("signal", time, repeat)
            yield Shot("background", time, repeat)


def _check(setup: Setup, conditions: Conditions, storage_times: list[float], shots: int) -> None:
    """Everything that can be refused is refused here, before any instrument is touched."""
    if not storage_times:
        raise BadInput('storage_times is empty; give at least one, e.g. storage_times="50 ms, 1 s"')
    edges, calibration = conditions.timing, setup.calibration
    check_positive(shots=shots, pulse=edges.pulse, record=edges.record, erase_time=conditions.erase_time)
    shortest = edges.shortest_storage(conditions.pump)
    for time in storage_times:
        if time < shortest:
            raise BadInput(
                f"a storage time of {format_quantity(time, 's')} is too short: record and repumping take "
                f"{format_quantity(shortest, 's')} (pump {conditions.pump}); store longer or record less"
            )
    if not 0 < abs(conditions.read_field) < abs(conditions.storage_field):
        raise BadInput(
            f"storage_field ({format_quantity(conditions.storage_field, 'T')}) must lie above read_field "
            f"({format_quantity(conditions.read_field, 'T')}), and both above zero"
        )
    point = calibration.working_point(calibration.mixture.noble_gas_polarization, edges.lead)
    if edges.pulse >= point.transfer_time:
        raise BadInput(
            f"a signal pulse of {format_quantity(edges.pulse, 's')} lasts longer than the exchange it begins "
            f"({format_quantity(point.transfer_time, 's')}); shorten it"
        )
    levels = [calibration.wave_current(b) for b in (point.field, conditions.read_field, conditions.storage_field)]
    for hold in (edges.reference_hold, edges.hold(point.transfer_time)):
        setup.coil.check(edges.waveform(hold, *levels))
        pair = edges.sequence(hold, True, conditions.pump, LONGEST_PAIR)
        setup.timing.check(pair)
        setup.polarimeter.check(edges.acquisition(hold, 2, pair.period))


def _storage(setup: Setup, conditions: Conditions, storage_times: tuple[float, ...], repeats: int) -> Plan:
    shots = list(order(storage_times, repeats))
    experiment = _Experiment(setup, conditions)
    yield Msg(
        "open_run",
        None,
        plan_name="storage",
        num_points=len(shots),
        expected_duration_s=experiment.duration(shots),
        storage=experiment.metadata(storage_times, repeats),
    )
    yield from light_up(setup)
    yield from experiment.begin()
    for shot in shots:
        yield Msg("checkpoint")
        yield from experiment.take(shot)
    yield Msg("checkpoint")
    yield Msg("close_run")


class _Experiment:
    """The sequence of messages of one shot, and the resonance it is at."""

    def __init__(self, setup: Setup, conditions: Conditions) -> None:
        self.setup = setup
        self.conditions = conditions
        calibration = setup.calibration
        self.read_current = calibration.wave_current(conditions.read_field)
        self.storage_current = calibration.wave_current(conditions.storage_field)
        self.point = calibration.working_point(calibration.mixture.noble_gas_polarization, conditions.timing.lead)
        self.line, self.tracked_at = 0.0, -inf
        self.recovery = 5 / calibration.linewidth()
        self.tracking = ReadLevel(
            calibration.coil_time_constant, TRACKING_PULSE, TRACKING_RECORD, conditions.timing.sample_rate
        )
        self.shot_readings = Readings("shot", setup.coil.clock, UNITS, setup.witnesses)
        self.tracking_readings = Readings("tracking", setup.coil.clock, {"frequency": "Hz", "field": "T"})
        self.reference: tuple[float, float] = (0.0, 0.0)

    def metadata(self, storage_times: tuple[float, ...], repeats: int) -> dict[str, object]:
        """The commanded conditions, for the analysis and the prediction; SI."""
        edges = self.conditions.timing
        return {
            "storage_times": list(storage_times),
            "repeats": repeats,
            "pump": self.conditions.pump,
            "storage_current": self.storage_current,
            "read_level_current": self.read_current,
            "pulse": edges.pulse,
            "settle": edges.settle,
            "read_settle": edges.read_settle,
            "record": edges.record,
            "reference_transfer": edges.reference_transfer,
            "tracked_before_read": self.conditions.track_again_after is not None,
        }

    def duration(self, shots: list[Shot]) -> float:
        """Roughly how long the shots take, s."""
        each = self.conditions.erase_time + 4 * self.recovery + TRACKING_RECORD + self.conditions.timing.record + 0.06
        return sum(each + (shot.storage_time if shot.stores else 0.0) for shot in shots)

    def begin(self) -> Plan:
        """Find the resonance before the first shot has to erase at it."""
        yield from self._level(self.conditions.storage_field)
        yield Msg("sleep", None, self.recovery)
        yield from self._track()

    def take(self, shot: Shot) -> Plan:
        """One whole shot, from erasing what the last one left to the event that holds its record."""
        yield from open_gate(self.setup)
        yield from self._level(self.point.field)
        yield Msg("sleep", None, self.conditions.erase_time)
        yield from self._level(self.conditions.storage_field)
        yield Msg("sleep", None, self.recovery)
        yield Msg("clear_checkpoint")
        yield from self._track()
        write = self.point
        times = yield from (self._store(shot) if shot.stores else self._write(shot))
        yield from self._report(shot, write, times)

    def _level(self, field: float) -> Plan:
        yield Msg("set", self.setup.coil, self.setup.calibration.dc_current(field), group="level")
        yield Msg("wait", None, group="level")

    def _track(self) -> Plan:
        """The alkali line at the read level, which the helium does not feel, tells p_b and with it the resonance."""
        setup, calibration = self.setup, self.setup.calibration
        guess = self.point.noble_gas_polarization
        line = self.line if setup.coil.clock.now() - self.tracked_at < DRIFT_TIME else None
        fit = yield from record_line(setup, self.tracking, self.read_current, self.storage_current, guess, line)
        polarization = calibration.noble_gas_polarization(self.read_current, fit.frequency)
        self.point = calibration.working_point(polarization, self.conditions.timing.lead)
        self.line, self.tracked_at = fit.electron_larmor, setup.coil.clock.now()
        values = {
            "frequency": fit.frequency,
            "noble_gas_polarization": polarization,
            "field": self.point.field,
            "time": setup.timing.triggered.get(),
        }
        self.tracking_readings.put(values)
        yield Msg("create", None, name="tracking")
        yield Msg("read", setup.polarimeter.trace)
        yield Msg("read", self.tracking_readings)
        yield Msg("save")
        yield Msg("sleep", None, self.recovery)

    def _hold(self, shot: Shot) -> float:
        edges = self.conditions.timing
        return edges.hold(self.point.transfer_time) if shot.stores else edges.reference_hold

    def _arm(self, shot: Shot, signal: bool, storage_time: float | None = None) -> Plan:
        edges, hold = self.conditions.timing, self._hold(shot)
        resonance = self.setup.calibration.wave_current(self.point.field)
        waveform = edges.waveform(hold, resonance, self.read_current, self.storage_current)
        sequence = edges.sequence(hold, signal, self.conditions.pump, storage_time)
        last = sequence.coil_edge + (sequence.cycles - 1) * sequence.period
        acquisition = edges.acquisition(hold, sequence.cycles, last)
        yield from arm(self.setup, waveform, sequence, acquisition)

    def _write(self, shot: Shot) -> Plan:
        """One edge; returns (time of the write, time of the read) in s of the clock."""
        yield from self._arm(shot, shot.has_signal)
        yield from play(self.setup)
        written = self.setup.timing.triggered.get()
        return written, written

    def _store(self, shot: Shot) -> Plan:
        """Write and read, timed by one trigger or by two with tracking between."""
        timing = self.setup.timing
        if self.conditions.is_pair(shot):
            yield from self._arm(shot, shot.has_signal, shot.storage_time)
            yield from play(self.setup)
            yield from self._save_write(shot)
            written = timing.triggered.get()
            return written, written + self._hold(shot) + shot.storage_time
        hold = self._hold(shot)
        written, _ = yield from self._write(shot)
        yield from self._save_write(shot)
        read_at = written + hold + shot.storage_time
        tracked = self.conditions.is_tracked_again(shot)
        yield from self._wait_until(read_at - (TRACKING_LEAD if tracked else 0.0) - self._head_start())
        if tracked:
            yield Msg("set", timing, "open", group="pump")
            yield Msg("wait", None, group="pump")
            yield Msg("sleep", None, self.recovery)
            yield from self._track()
        yield from self._arm(shot, False)
        yield from self._wait_until(read_at)
        yield from play(self.setup)
        return written, timing.triggered.get()

    def _head_start(self) -> float:
        """What arming takes at most, s."""
        return 0.05

    def _wait_until(self, time: float) -> Plan:
        remaining = time - self.setup.coil.clock.now()
        if remaining > 0:
            yield Msg("sleep", None, remaining)

    def _save_write(self, shot: Shot) -> Plan:
        """Keep what the write left in the alkali (signal shots: it is what the picture shows)."""
        if shot.kind == "signal":
            yield Msg("create", None, name="write")
            yield Msg("read", self.setup.polarimeter.first_trace)
            yield Msg("save")

    def _report(self, shot: Shot, write: WorkingPoint, times: tuple[float, float]) -> Plan:
        fit = self._fit(shot)
        wave_current = self.setup.calibration.wave_current
        write_hold = self.conditions.timing.hold(write.transfer_time)
        values: dict[str, float | int | str] = {
            "kind": shot.kind,
            "repeat": shot.repeat,
            "set_storage_time": shot.storage_time,
            "storage_time": times[1] - times[0] - write_hold if shot.stores else 0.0,
            "amplitude": abs(fit.amplitude),
            "amplitude_sigma": fit.amplitude_sigma,
            "spin_real": fit.spin.real,
            "spin_imag": fit.spin.imag,
            "spin_sigma": fit.spin_sigma,
            "slowing_down": fit.slowing_down,
            "frequency": fit.frequency,
            "decay": fit.decay,
            "noise": fit.noise,
            "write_time": times[0],
            "read_time": times[1],
            "write_current": wave_current(write.field),
            "read_current": wave_current(self.point.field),
            "write_hold": write_hold if shot.stores else self._hold(shot),
            "read_hold": self._hold(shot),
            "write_polarization": write.noble_gas_polarization,
            "read_polarization": self.point.noble_gas_polarization,
            **self._efficiency(shot, fit, write),
        }
        self.shot_readings.put(values)
        yield Msg("create", None, name="primary")
        yield Msg("read", self.setup.polarimeter.trace)
        yield Msg("read", self.shot_readings)
        yield Msg("save")

    def _fit(self, shot: Shot) -> FidFit:
        """The record referred to the end of its hold."""
        calibration, edges = self.setup.calibration, self.conditions.timing
        hold, point = self._hold(shot), self.point
        dark = hold + edges.lead - edges.settle - edges.pulse / 2
        q = calibration.mixture.slowing_down
        step = point.field - self.conditions.read_field
        acquisition = edges.acquisition(hold, 1, 0.0)
        decay = Decay(
            calibration.rates,
            calibration.after_gate(point.noble_gas_polarization, dark),
            point.noble_gas_polarization,
            0.0,
            edges.read_settle,
            edges.sample_rate,
            self.setup.polarimeter.aperture(acquisition),
            calibration.mixture.electron_gyromagnetic / q * step * edges.time_constant,
        )
        trace = self.setup.polarimeter.trace.get()
        moved = shot.storage_time > DRIFT_TIME and not self.conditions.is_tracked_again(shot)
        line = None if moved else self.line
        fit = fit_fid(trace, decay, line) if shot.has_signal else project_fid(trace, decay, self.line)
        if shot.kind == "reference" and fit.significance < SIGNIFICANT:
            raise RunFailed(
                f"the reference's amplitude is {fit.significance:.1f} σ, at least {SIGNIFICANT:g} is needed: "
                "nothing to compare with (signal gate, probe laser?)"
            )
        return fit

    def _efficiency(self, shot: Shot, fit: FidFit, write: WorkingPoint) -> dict[str, float]:
        """|F|² over the last reference's, its own exchange divided out: one shot's estimate, background included."""
        size, sigma = abs(fit.spin), fit.spin_sigma
        if shot.kind == "reference":
            self.reference = (size, sigma)
        reference, reference_sigma = self.reference
        if not reference:
            return {"efficiency": 0.0, "efficiency_sigma": 0.0}
        kept = cos(write.coupling * self.conditions.timing.reference_transfer) ** 2
        ratio = (size / reference) ** 2 * kept
        relative = 2 * ((sigma / max(size, sigma)) ** 2 + (reference_sigma / reference) ** 2) ** 0.5
        return {"efficiency": ratio, "efficiency_sigma": ratio * relative}
