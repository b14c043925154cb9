"""Temperature sensors: platinum resistance thermometers (IEC 60751) and the standard curves of the Model 336."""

from __future__ import annotations

import math
from typing import NamedTuple

A, B, C = 3.9083e-3, -5.775e-7, -4.183e-12  # Callendar–Van Dusen, 1/°C, 1/°C², 1/°C⁴
ICE = 273.15  # K
PLATINUM_LIMIT = 800.0  # K


class CurveHeader(NamedTuple):
    """Name, serial number, format (3: Ω/K …), upper limit (K) and sign of the slope (1 −, 2 +) of a curve."""

    name: str
    serial: str
    format: int
    limit: float
    coefficient: int


PT_100, PT_1000 = 6, 7
EMPTY = CurveHeader("", "", 2, 375.0, 1)
STANDARD_CURVES = {
    1: CurveHeader("DT-470", "STANDARD C", 2, 475.0, 1),
    2: CurveHeader("DT-670", "STANDARD C", 2, 500.0, 1),
    3: CurveHeader("DT-500-D", "STANDARD C", 2, 365.0, 1),
    4: CurveHeader("DT-500-E1", "STANDARD C", 2, 330.0, 1),
    PT_100: CurveHeader("PT-100", "STANDARD C", 3, PLATINUM_LIMIT, 2),
    PT_1000: CurveHeader("PT-1000", "STANDARD C", 3, PLATINUM_LIMIT, 2),
    8: CurveHeader("RX-102A-AA", "STANDARD C", 4, 40.0, 1),
    9: CurveHeader("RX-202A-AA", "STANDARD C", 4, 40.0, 1),
}


def platinum_resistance(temperature: float, nominal: float = 100.0) -> float:
    """Resistance (Ω) at ``temperature`` (K) of a sensor with ``nominal`` Ω at 0 °C."""
    celsius = temperature - ICE
    below = C * (celsius - 100) * celsius**3 if celsius < 0 else 0.0
    return nominal * (1 + A * celsius + B * celsius**2 + below)


def platinum_temperature(resistance: float, nominal: float = 100.0) -> float:
    """Temperature (K) of a sensor of ``resistance`` (Ω); exact from 0 °C up, within 2.5 K down to 70 K."""
    ratio = resistance / nominal
    return ICE + (math.sqrt(max(0.0, A * A - 4 * B * (1 - ratio))) - A) / (2 * B)


def platinum_points(nominal: float) -> list[tuple[float, float]]:
    """Breakpoints (Ω, K) of the standard curve of a platinum sensor."""
    temperatures = [30.0, 50.0, *range(70, int(PLATINUM_LIMIT) + 1, 10)]
    return [(platinum_resistance(each, nominal), float(each)) for each in temperatures]
