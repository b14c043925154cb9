"""The oven around the vapour cell: one thermal mass that a heater warms and the room cools."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ThermalMass:
    """``heat_capacity``: J/K. ``loss``: to the surroundings, W/K. ``surroundings``: their temperature, K."""

    heat_capacity: float
    loss: float
    surroundings: float

    def holding_power(self, temperature: float) -> float:
        """Heater power (W) that keeps ``temperature`` (K)."""
        return self.loss * (temperature - self.surroundings)

    def after(self, temperature: float, power: float, duration: float) -> float:
        """Temperature (K) after ``duration`` s at constant power (W): C dT/dt = P − G (T − T_surroundings)."""
        final = self.surroundings + power / self.loss
        return final + (temperature - final) * math.exp(-self.loss * duration / self.heat_capacity)


class Oven:
    """A thermal mass with a present, in equilibrium at ``temperature`` (K) at time zero.

    ``listener(time, temperature)`` hears of it whenever the controller looks; what is inside follows in these steps.
    """

    def __init__(
        self, mass: ThermalMass, temperature: float, listener: Callable[[float, float], None] | None = None
    ) -> None:
        self.mass = mass
        self.listener = listener
        self.power = mass.holding_power(temperature)
        self._time, self._temperature = 0.0, temperature

    def temperature(self, time: float) -> float:
        """Return the temperature (K) at ``time`` (s), which must not lie before the last change of power."""
        if self.power == self.mass.holding_power(self._temperature):
            return self._temperature  # exactly in equilibrium: no rounding creeps in
        return self.mass.after(self._temperature, self.power, time - self._time)

    def heat(self, time: float, power: float) -> None:
        """From ``time`` (s) on the heater gives ``power`` (W)."""
        self._temperature = self.temperature(time)
        self._time, self.power = time, power

    def announce(self, time: float) -> None:
        """Tell the listener of the temperature at ``time`` (s)."""
        if self.listener is not None:
            self.listener(time, self.temperature(time))
