"""Free-induction decay at the read level: the smallest experiment, and what tracking is made of."""

from __future__ import annotations

from cmath import phase
from math import pi

from bluesky import Msg

from plans.edges import FIRST_EDGE, TAIL
from plans.setup import Plan, Setup, arm, light_up, play
from spinlab.analysis.fid import Decay, FidFit, fit_fid
from spinlab.calibration import Calibration
from spinlab.errors import BadInput, RunFailed
from spinlab.measurement import Column, measurement
from spinlab.plan_parameters import Device, Hertz, Seconds, Tesla
from spinlab.readings import Readings
from spinlab.sequence import Acquisition, PulseSequence, Waveform, Window

SIGNIFICANT = 5.0  # σ below which a record counts as empty
AFTER_PULSE = 5e-6  # s from the signal pulse's end to the first sample
UNITS = {
    "amplitude": "V",
    "amplitude_sigma": "V",
    "phase": "rad",
    "frequency": "Hz",
    "frequency_sigma": "Hz",
    "decay": "1/s",
    "decay_sigma": "1/s",
    "noise": "V",
    "field": "T",
}
COLUMNS = (
    Column("fid_amplitude", "amplitude", unit="V", sigma="fid_amplitude_sigma"),
    Column("fid_frequency", "Larmor frequency", unit="Hz", sigma="fid_frequency_sigma"),
    Column("fid_decay", "decay (1/s)", form=".1f", sigma="fid_decay_sigma"),
    Column("fid_noble_gas_polarization", "p_b", form=".5f"),
)


@measurement("spinlab.analysis.fid_run:analyse", COLUMNS)
def fid(
    coil: Device,
    pump: Device,
    probe: Device,
    polarimeter: Device,
    timing: Device,
    calibration: Calibration,
    field: Tesla = 18e-6,
    pulse: Seconds = 2e-6,
    record: Seconds = 10e-3,
    sample_rate: Hertz = 1e6,
    shots: int = 3,
) -> Plan:
    """Free-induction decay of the pumped alkali: pump, signal pulse at the read level, record, fit.

    The pump stays on, so the line is γ + R/q wide and does not chirp; its frequency tells the noble gas's polarization.
    field: the read level, far from resonance
    pulse: length of the signal light, short against the precession
    record: length of the record
    sample_rate: of the digitizer
    shots: repeats
    """
    setup = Setup(coil, pump, probe, polarimeter, timing, calibration)
    current = calibration.wave_current(field)
    check_positive(shots=shots, pulse=pulse, record=record)
    sequence = ReadLevel(calibration.coil_time_constant, pulse, record, sample_rate)
    coil.check(sequence.waveform(current, current))
    polarimeter.check(sequence.acquisition())
    timing.check(sequence.pulses())
    if pulse * calibration.mixture.alkali_larmor(field) > pi:
        raise BadInput(f"a signal pulse of {pulse:g} s is longer than half a precession at {field:g} T; shorten it")
    return _fid(setup, sequence, field, shots)


class ReadLevel:
    """Waveform, pulses and record of a free-induction decay at the read level, the pump on; times in s."""

    def __init__(self, time_constant: float, pulse: float, record: float, sample_rate: float) -> None:
        self.pulse = pulse
        self.record = record
        self.sample_rate = sample_rate
        self.settle = 10 * time_constant

    def waveform(self, read: float, storage: float) -> Waveform:
        """Two points, both at the read level (A), for as long as pulse, record and tail take."""
        whole = self.settle + self.pulse + AFTER_PULSE + self.record + TAIL
        return Waveform((read, read), whole / 2, storage)

    def pulses(self) -> PulseSequence:
        """The signal pulse when the coil has settled, the record right after it."""
        start = FIRST_EDGE + self.settle
        return PulseSequence(
            coil_edge=FIRST_EDGE,
            digitizer_edge=start + self.pulse + AFTER_PULSE,
            signal=Window(start, self.pulse),
            pump_open_when_idle=True,
        )

    def acquisition(self) -> Acquisition:
        """One record."""
        return Acquisition(
            round(self.record * self.sample_rate), self.sample_rate, 1, self.pulses().digitizer_edge + self.record
        )


def record_line(
    setup: Setup, sequence: ReadLevel, read: float, storage: float, noble_gas: float, line: float | None = None
) -> Plan:
    """Take one record at the read level (currents in A) and fit it; returns a :class:`FidFit` at the pulse's end.

    ``noble_gas`` is roughly p_b; ``line`` roughly Ω in rad/s, None: look for it. Raises RunFailed when there is no line.
    """
    acquisition = sequence.acquisition()
    yield from arm(setup, sequence.waveform(read, storage), sequence.pulses(), acquisition)
    yield from play(setup)
    trace = setup.polarimeter.trace.get()
    calibration = setup.calibration
    decay = Decay(
        calibration.rates,
        calibration.pumped(noble_gas),
        noble_gas,
        calibration.pumping_rate,
        AFTER_PULSE,
        acquisition.sample_rate,
        setup.polarimeter.aperture(acquisition),
    )
    fit = fit_fid(trace, decay, line)
    if fit.significance < SIGNIFICANT:
        raise RunFailed(
            f"no line at the read level: the amplitude is {fit.significance:.1f} σ, at least {SIGNIFICANT:g} is needed "
            "(signal gate, probe laser, coil?)"
        )
    return fit


def fit_values(fit: FidFit) -> dict[str, float]:
    """A fit as the numbers of an event."""
    scale = fit.frequency / fit.electron_larmor
    return {
        "amplitude": abs(fit.amplitude),
        "amplitude_sigma": fit.amplitude_sigma,
        "phase": phase(fit.amplitude),
        "frequency": fit.frequency,
        "frequency_sigma": fit.electron_larmor_sigma * scale,
        "decay": fit.decay,
        "decay_sigma": fit.electron_decay_sigma / fit.slowing_down,
        "noise": fit.noise,
    }


def check_positive(**values: float) -> None:
    """Raise BadInput naming the first value that is not above zero."""
    for name, value in values.items():
        if not value > 0:
            raise BadInput(f"{name} must be greater than zero, got {value:g}")


def _fid(setup: Setup, sequence: ReadLevel, field: float, shots: int) -> Plan:
    calibration = setup.calibration
    readings = Readings("fid", setup.coil.clock, UNITS, setup.witnesses)
    current = calibration.wave_current(field)
    recovery = 5 / calibration.linewidth()
    noble_gas = calibration.mixture.noble_gas_polarization
    duration = shots * (sequence.record + recovery)
    yield Msg("open_run", None, plan_name="fid", num_points=shots, field=field, expected_duration_s=duration)
    yield from light_up(setup)
    yield Msg("set", setup.coil, calibration.dc_current(field), group="level")
    yield Msg("wait", None, group="level")
    for _ in range(shots):
        yield Msg("checkpoint")
        yield Msg("sleep", None, recovery)
        yield Msg("clear_checkpoint")
        fit = yield from record_line(setup, sequence, current, current, noble_gas)
        noble_gas = calibration.noble_gas_polarization(current, fit.frequency)
        readings.put({**fit_values(fit), "field": field, "noble_gas_polarization": noble_gas})
        yield Msg("create", None, name="primary")
        yield Msg("read", setup.polarimeter.trace)
        yield Msg("read", readings)
        yield Msg("save")
    yield Msg("checkpoint")
    yield Msg("close_run")
