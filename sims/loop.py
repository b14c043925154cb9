"""The control loop of a temperature controller: ramped set-point and PID law (Model 336 manual, 2.7)."""

from __future__ import annotations

from dataclasses import dataclass

INTEGRAL_UNIT = 1000.0  # s: an integral setting I integrates over 1000 s / I
DERIVATIVE_UNIT = 2.5  # s: a derivative setting D (%) differentiates over D · 2.5 s / I, that is 100 % a quarter of it


@dataclass(frozen=True)
class Gains:
    """P (per cent of full power per kelvin), I and D as the box takes them."""

    proportional: float
    integral: float
    derivative: float


@dataclass
class Loop:
    """Set-point (K), the one that is on its way there, and the memory of the PID law."""

    target: float
    setpoint: float
    accumulated: float = 0.0  # K: integral of the error over the integral time
    reading: float | None = None  # K: the last one

    def settle(self, gains: Gains, per_cent: float) -> None:
        """Start as if ``per_cent`` of full power had long kept the set-point."""
        self.accumulated = per_cent / gains.proportional if gains.proportional else 0.0
        self.reading = self.setpoint

    def step(self, rate: float, period: float) -> bool:
        """Move the set-point on by ``rate`` (K/s, 0: at once) for ``period`` (s); tell whether it just arrived."""
        if self.setpoint == self.target:
            return False
        distance = self.target - self.setpoint
        step = rate * period
        if step <= 0 or abs(distance) <= step:
            self.setpoint = self.target
            return True
        self.setpoint += step if distance > 0 else -step
        return False

    def output(self, gains: Gains, reading: float, period: float) -> float:
        """Per cent of full power after ``period`` (s) more; the integral stands still while the output is at its end."""
        error = self.setpoint - reading
        slope = 0.0 if self.reading is None else (reading - self.reading) / period
        self.reading = reading
        lead = DERIVATIVE_UNIT * gains.derivative / gains.integral if gains.integral else 0.0
        grown = self.accumulated + error * period * gains.integral / INTEGRAL_UNIT
        wanted = gains.proportional * (error + grown - lead * slope)
        if 0.0 <= wanted <= 100.0 or (wanted > 100.0) != (error > 0):
            self.accumulated = grown
        return min(100.0, max(0.0, wanted))
