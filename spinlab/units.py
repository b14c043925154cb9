"""Quantities at the edges: ``quantity("94 mG", "T")`` is ``9.4e-06``; inside spinlab everything is an SI float.

The common laboratory units are a table here, exact in decimal, because importing pint costs half a second; what the
table does not know is left to pint. Two rules differ from pint's defaults: gauss is 1e-4 T, and Hz (cycles per
second) never passes for rad/s or 1/s, which would be wrong by 2π without a word.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Annotated, Any

from spinlab.errors import BadInput

Dimension = tuple[int, int, int, int, int, int]  # powers of m, kg, s, A, K, cycle

_NONE: Dimension = (0, 0, 0, 0, 0, 0)
_LENGTH: Dimension = (1, 0, 0, 0, 0, 0)
_MASS: Dimension = (0, 1, 0, 0, 0, 0)
_TIME: Dimension = (0, 0, 1, 0, 0, 0)
_CURRENT: Dimension = (0, 0, 0, 1, 0, 0)
_TEMPERATURE: Dimension = (0, 0, 0, 0, 1, 0)
_FREQUENCY: Dimension = (0, 0, -1, 0, 0, 1)
_FIELD: Dimension = (0, 1, -2, -1, 0, 0)
_VOLTAGE: Dimension = (2, 1, -3, -1, 0, 0)
_POWER: Dimension = (2, 1, -3, 0, 0, 0)
_RESISTANCE: Dimension = (2, 1, -3, -2, 0, 0)
_INDUCTANCE: Dimension = (2, 1, -2, -2, 0, 0)

_PREFIXES = {"": 0, "n": -9, "u": -6, "µ": -6, "μ": -6, "m": -3, "k": 3, "M": 6, "G": 9}
# Unit -> its SI value, dimension, and the prefixes taken in the table (pint knows the rest).
_BASE_UNITS: dict[str, tuple[str, Dimension, str]] = {
    "s": ("1", _TIME, "numµμ"),
    "m": ("1", _LENGTH, "numµμ"),
    "g": ("1e-3", _MASS, "mk"),
    "A": ("1", _CURRENT, "numµμ"),
    "K": ("1", _TEMPERATURE, "m"),
    "T": ("1", _FIELD, "numµμ"),
    "G": ("1e-4", _FIELD, "umµμ"),
    "gauss": ("1e-4", _FIELD, ""),
    "Hz": ("1", _FREQUENCY, "mkMG"),
    "V": ("1", _VOLTAGE, "umkµμ"),
    "W": ("1", _POWER, "numµμ"),
    "ohm": ("1", _RESISTANCE, "kM"),
    "H": ("1", _INDUCTANCE, "umµμ"),
    "rad": ("1", _NONE, "umµμ"),
}
_IRREGULAR_UNITS: dict[str, tuple[str, Dimension]] = {
    "min": ("60", _TIME),
    "h": ("3600", _TIME),
    "d": ("86400", _TIME),
    "cm": ("0.01", _LENGTH),
    "%": ("0.01", _NONE),
    "1": ("1", _NONE),
}
_TABLE: dict[str, tuple[Decimal, Dimension]] = {
    prefix + name: (Decimal(value).scaleb(_PREFIXES[prefix]), dimension)
    for name, (value, dimension, prefixes) in _BASE_UNITS.items()
    for prefix in ["", *prefixes]
} | {name: (Decimal(value), dimension) for name, (value, dimension) in _IRREGULAR_UNITS.items()}

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_FACTOR = re.compile(r"\s*(?P<operator>[*/·]?)\s*(?P<name>[A-Za-zµμ]+|%|1)(?:(?:\^|\*\*)(?P<power>[+-]?\d))?")
_CELSIUS = {"degC": Decimal("273.15"), "°C": Decimal("273.15")}
_EXAMPLES = {
    "s": "50 ms",
    "T": "94 mG",
    "A": "3.6 mA",
    "Hz": "64 kHz",
    "V": "1 V",
    "K": "215 degC",
    "W": "20 mW",
    "rad": "100 mrad",
    "1/s": "17.5 1/s",
    "rad/s": "5 mrad/us",
    "m^-3": "3e14 cm^-3",
    "m^3": "1 cm^3",
    "m": "25.4 mm",
    "m^2/s": "0.063 cm^2/s",
    "T/A": "50 mG/mA",
    "H": "30 mH",
    "ohm": "3 kohm",
    "": "0.95",
}


def quantity(value: object, unit: str) -> float:
    """Return ``value`` as a finite float in the SI unit ``unit``.

    value: a number (taken as SI) or a text such as ``"94 mG"``, ``"3e14 cm^-3"``, ``"215 degC"``.
    Raises BadInput, naming value, unit and an example, for anything else.
    """
    if isinstance(value, str):
        number = _read(value.strip(), unit)
    elif isinstance(value, bool) or not hasattr(value, "__float__"):
        raise _bad(value, unit, "is not a quantity")
    else:
        number = float(value)
    if not math.isfinite(number):
        raise _bad(value, unit, "is not finite")
    return number


def quantities(value: object, unit: str) -> list[float]:
    """Return a list of quantities: from ``"50 ms, 1 s, 1 h"`` (brackets allowed), from a list, or from one value.

    In a text with units, a number other than 0 that has none is refused: ``"50, 100 ms"`` would be 50 s.
    """
    if isinstance(value, str):
        items = [item.strip() for item in value.strip().removeprefix("[").removesuffix("]").split(",")]
        items = items[:-1] if len(items) > 1 and not items[-1] else items
        bare = [item for item in items if _NUMBER.fullmatch(item)]
        if unit and len(bare) < len(items) and any(float(item) for item in bare):
            raise _bad(value, unit, f"mixes numbers with and without unit ({bare[0]!r})")
        return [quantity(item, unit) for item in items]
    if isinstance(value, Iterable):
        return [quantity(item, unit) for item in value]
    return [quantity(value, unit)]


def _read(text: str, unit: str) -> float:
    match = _NUMBER.match(text)
    if match is None:
        word = text.lower().lstrip("+-")
        raise _bad(text, unit, "is not finite" if word.startswith(("nan", "inf")) else "is not a quantity")
    rest = text[match.end() :].strip()
    if not rest:
        return float(text)
    if rest in _CELSIUS and _parse_unit(unit) == (Decimal(1), _TEMPERATURE):
        return float(Decimal(match[0]) + _CELSIUS[rest])
    given, wanted = _parse_unit(rest), _parse_unit(unit)
    if given is None or wanted is None:
        return _read_with_pint(text, match[0], rest, unit)
    if given[1] != wanted[1]:
        raise _bad(text, unit, _mismatch(given[1], wanted[1]))
    with localcontext() as context:
        context.prec = 40
        return float(Decimal(match[0]) * given[0] / wanted[0])


@functools.lru_cache(maxsize=512)
def _parse_unit(text: str) -> tuple[Decimal, Dimension] | None:
    """Return value and dimension of a product of table units such as ``mrad/us``; None when pint must read it."""
    factor, dimension, position, divided = Decimal(1), _NONE, 0, False
    with localcontext() as context:
        context.prec = 40
        while position < len(text):
            match = _FACTOR.match(text, position)
            entry = _TABLE.get(match["name"]) if match else None
            juxtaposed = position > 0 and match is not None and not match["operator"]
            # "a/b c" is read differently by different people and programs: pint decides.
            if match is None or entry is None or (juxtaposed and divided):
                return None
            divided = divided or match["operator"] == "/"
            power = int(match["power"] or 1) * (-1 if match["operator"] == "/" else 1)
            factor *= entry[0] ** power
            dimension = _multiply(dimension, entry[1], power)
            position = match.end()
    return factor, dimension


def _multiply(left: Dimension, right: Dimension, power: int) -> Dimension:
    a, b, c, d, e, f = (x + power * y for x, y in zip(left, right, strict=True))
    return (a, b, c, d, e, f)


@functools.cache
def _registry() -> Any:
    """Return pint's registry with gauss as 1e-4 T and with cycles that are not radians. Costs half a second."""
    import importlib.resources

    import pint

    # Begun empty: a registry that begins with its defaults has cached the old hertz before it can be redefined.
    registry: Any = pint.UnitRegistry(None, on_redefinition="ignore", autoconvert_offset_to_baseunit=True)
    registry.load_definitions(str(importlib.resources.files("pint") / "default_en.txt"))
    registry.define("gauss = 1e-4 * tesla = G")
    registry.define("oscillation = [oscillation]")
    registry.define("hertz = oscillation / second = Hz")
    return registry


def _read_with_pint(text: str, number: str, rest: str, unit: str) -> float:
    import pint

    registry = _registry()
    try:
        given = registry.Quantity(float(number), registry.parse_units(rest))
        return float(given.to(unit).magnitude)
    except pint.UndefinedUnitError as error:
        raise _bad(text, unit, f"has the unknown unit {', '.join(map(str, error.unit_names))!r}") from None
    except pint.DimensionalityError:
        raise _bad(text, unit, "has the wrong dimension") from None
    except Exception as error:  # pint raises parser errors of many kinds; all mean that it cannot be read
        raise _bad(text, unit, "cannot be read") from error


def _mismatch(given: Dimension, wanted: Dimension) -> str:
    if given[5] != wanted[5] and given[:5] == wanted[:5]:
        return "mixes cycles and radians (1 Hz is 2π rad/s)"
    return "has the wrong dimension"


def _bad(value: object, unit: str, what: str) -> BadInput:
    kind = f"a quantity in {unit}" if unit else "a plain number"
    example = _EXAMPLES.get(unit, f"1 {unit}")
    return BadInput(f"{str(value)!r} {what}: expected {kind}, such as {example!r}")


# ---------------------------------------------------------------------------------------------- for people

_TIMES = ((3600.0, "h"), (60.0, "min"))
# SI unit -> (its value in the unit shown, the unit shown): fields and densities as the laboratory writes them.
_SHOWN = {"T": (1e4, "G"), "m^-3": (1e-6, "cm^-3"), "T/A": (1e4, "mG/mA")}
_PREFIXED = frozenset({"s", "A", "G", "Hz", "V", "W", "rad", "ohm", "H", "m"})
_STEPS = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))


def format_quantity(value: float, unit: str, digits: int = 4) -> str:
    """Return a value given in an SI unit as a person would write it: ``1.58 ms``, ``3.6 mA``, ``94 mG``, ``1 h``."""
    if not math.isfinite(value):
        return f"{value} {unit}".rstrip()
    factor, shown = _SHOWN.get(unit, (1.0, unit))
    value = value * factor
    if unit == "s" and abs(value) >= 120:
        size, shown = next(step for step in _TIMES if abs(value) >= step[0])
        value = value / size
    elif shown in _PREFIXED and value:
        step, prefix = _step(value, digits, shown)
        value, shown = value / step, prefix + shown
    return f"{value:.{digits}g} {shown}".rstrip()


def _step(value: float, digits: int, unit: str) -> tuple[float, str]:
    rounded = abs(float(f"{value:.{digits}g}"))
    large = unit in {"Hz", "ohm", "V"}
    steps = [step for step in _STEPS if large or step[0] <= 1]
    return next((step for step in steps if rounded >= step[0] * (1 - 1e-12)), steps[-1])


# ------------------------------------------------------------------- annotations, for plans, profiles, settings


@dataclass(frozen=True)
class Unit:
    """The SI unit of a number, as ``Annotated[float, Unit("s")]``; pydantic models then accept unit strings."""

    symbol: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self._from_document, handler(source))

    def _from_document(self, value: object) -> float:
        try:
            return quantity(value, self.symbol)
        except BadInput as error:
            raise ValueError(str(error)) from None


Number = Annotated[float, Unit("")]
Seconds = Annotated[float, Unit("s")]
Hertz = Annotated[float, Unit("Hz")]
PerSecond = Annotated[float, Unit("1/s")]
Radians = Annotated[float, Unit("rad")]
RadiansPerSecond = Annotated[float, Unit("rad/s")]
Amperes = Annotated[float, Unit("A")]
Volts = Annotated[float, Unit("V")]
Watts = Annotated[float, Unit("W")]
Ohms = Annotated[float, Unit("ohm")]
Henries = Annotated[float, Unit("H")]
JoulesPerKelvin = Annotated[float, Unit("J/K")]
WattsPerKelvin = Annotated[float, Unit("W/K")]
Tesla = Annotated[float, Unit("T")]
TeslaPerAmpere = Annotated[float, Unit("T/A")]
VoltsPerRadian = Annotated[float, Unit("V/rad")]
Kelvin = Annotated[float, Unit("K")]
PerCubicMetre = Annotated[float, Unit("m^-3")]
CubicMetres = Annotated[float, Unit("m^3")]
Metres = Annotated[float, Unit("m")]
SquareMetresPerSecond = Annotated[float, Unit("m^2/s")]
