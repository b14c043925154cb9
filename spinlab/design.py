"""What a mixture will do, before anybody fills a cell: every derived number with where it comes from.

``design({"alkali": "Rb-87", "temperature": "150 degC"})`` is the whole of it; the ``spinlab design`` command prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf, isfinite, pi
from typing import Any, Final, Literal

from spinlab.errors import BadInput, nearest
from spinlab.physics import mixture as reference
from spinlab.physics import species
from spinlab.physics.mixture import KATZ_K_HE3, GasMixture, species_constants
from spinlab.physics.vapour import vapour_density, vapour_temperature
from spinlab.units import format_quantity, quantity

Kind = Literal["given", "default", "species", "formula", "paper", "missing"]
_WORDS: Final = {
    "given": "given",
    "default": "default: ",
    "species": "species table: ",
    "formula": "",
    "paper": "",
    "missing": "",
}
_SPECIES: Final = {"alkali": "K-39", "noble_gas": "He-3"}
_FIELDS: Final = ("field", "read_field")

# What the command takes beside the two species: name -> (SI unit, default, where the default is from).
_SETTINGS: Final[dict[str, tuple[str, float, str]]] = {
    "temperature": ("K", KATZ_K_HE3.temperature, "paper, main text (215 °C)"),
    "alkali_density": ("m^-3", KATZ_K_HE3.alkali_density, "paper, main text"),
    "noble_gas_density": ("m^-3", KATZ_K_HE3.noble_gas_density, "paper, main text (7.5 atm)"),
    "nitrogen_density": ("m^-3", KATZ_K_HE3.nitrogen_density, "paper, main text (30 Torr, taken at 20 °C)"),
    "alkali_polarization": ("", KATZ_K_HE3.alkali_polarization, "paper, main text"),
    "noble_gas_polarization": ("", KATZ_K_HE3.noble_gas_polarization, "paper, main text"),
    "noble_gas_relaxation": ("1/s", 0.0, "left out, as in the paper"),
    "field": ("T", 18e-6, "where states are stored: paper, Fig. 4"),
    "read_field": ("T", 18e-6, "where the alkali is recorded: the reference laboratory"),
}
# … and what follows from the species unless it is given.
_CONSTANTS: Final = {
    "nuclear_spin": "",
    "electron_gyromagnetic": "rad/s/T",
    "alkali_mass": "kg",
    "hyperfine_splitting": "Hz",
    "alkali_exchange_cross_section": "m^2",
    "alkali_destruction_cross_section": "m^2",
    "nitrogen_destruction_cross_section": "m^2",
    "noble_gas_spin": "",
    "noble_gas_gyromagnetic": "rad/s/T",
    "exchange_strength": "m^3/s",
    "spin_exchange_coefficient": "m^3/s",
    "spin_rotation_efficiency": "",
}
_PAIR: Final = {
    "exchange_strength": "strength",
    "spin_exchange_coefficient": "exchange",
    "spin_rotation_efficiency": "efficiency",
}
# Magnitudes from which missing constants are moved to see what depends on them; no value printed does.
_TYPICAL: Final = {"exchange_strength": 2e-20, "spin_exchange_coefficient": 5e-26, "spin_rotation_efficiency": 0.1}
_UNITS: Final = {name: setting[0] for name, setting in _SETTINGS.items()} | _CONSTANTS
NAMES: Final = (*_SPECIES, *_UNITS)


@dataclass(frozen=True)
class Quantity:
    """One number or word of a design, SI, and where it is from; ``value`` is None when it cannot be told (kind
    ``missing``) or there is none (no light holds such a polarization, a formula does not reach)."""

    name: str
    symbol: str
    value: float | str | None
    unit: str
    kind: Kind
    source: str
    group: str

    @property
    def text(self) -> str:
        """The value as a person would write it."""
        if self.value is None:
            return "?" if self.kind == "missing" else "—"
        return self.value if isinstance(self.value, str) else format_quantity(self.value, self.unit, 6)

    @property
    def provenance(self) -> str:
        """Where the value is from, in words."""
        return "command line" if self.kind == "given" else _WORDS[self.kind] + self.source

    def as_document(self) -> dict[str, Any]:
        """The quantity as JSON; what is infinite or unknown is null."""
        value = self.value if isinstance(self.value, str) or (self.value is not None and isfinite(self.value)) else None
        return {
            "symbol": self.symbol,
            "value": value,
            "unit": self.unit,
            "provenance": {"kind": self.kind, "source": self.source},
        }


@dataclass(frozen=True)
class Design:
    """Inputs and everything derived from them; ``missing`` are the constants that would have to be given."""

    quantities: tuple[Quantity, ...]
    missing: tuple[str, ...]

    def __getitem__(self, name: str) -> Quantity:
        return next(each for each in self.quantities if each.name == name)

    def as_document(self) -> dict[str, Any]:
        """The design as one JSON object: SI values with units and provenance, by group and name."""
        groups: dict[str, Any] = {}
        for each in self.quantities:
            groups.setdefault(each.group, {})[each.name] = each.as_document()
        return {**groups, "missing": list(self.missing)}


def design(given: Mapping[str, Any]) -> Design:
    """Return the design for ``given``: names of ``NAMES`` with SI numbers or texts such as ``"180 mG"``.

    What is not given is the paper's operating point; a vapour whose alkali or temperature is given is saturated unless its
    density is given too. Pair constants that are neither given nor published leave open what depends on them. Raises
    BadInput for unknown names, wrong units and values outside their range.
    """
    inputs = {each.name: each for each in _inputs(given)}
    missing = tuple(name for name in _CONSTANTS if inputs[name].value is None)
    try:
        typical = {name: _TYPICAL[name] for name in missing}
        probes = [(name, typical[name] * factor) for name in missing for factor in (1e-3, 1e3)]
        points = [_point(inputs, typical), *(_point(inputs, typical | {name: value}) for name, value in probes)]
        derived = [_derived(rule, points, [name for name, _ in probes]) for rule in _RULES]
    except ValueError as error:
        raise BadInput(str(error)) from None
    return Design((*inputs.values(), *derived, *_PAPER), missing)


# ---------------------------------------------------------------------------------------------------- inputs


def _inputs(given: Mapping[str, Any]) -> Iterable[Quantity]:
    for name in given:
        if name not in NAMES:
            raise BadInput(f"design has no parameter {name!r}{nearest(name, NAMES)}: it has {', '.join(NAMES)}")
    words = {name: str(given.get(name, default)) for name, default in _SPECIES.items()}
    values = {name: _quantity(name, given[name]) for name in given if name not in _SPECIES}
    try:
        constants = species_constants(
            words["alkali"], words["noble_gas"], values.get("temperature", KATZ_K_HE3.temperature)
        )
    except ValueError as error:
        raise BadInput(str(error)) from None
    for name, word in words.items():
        yield Quantity(name, "", word, "", "given" if name in given else "default", "paper, main text", "mixture")
    for name, (unit, default, source) in _SETTINGS.items():
        group = "mixture" if name not in _FIELDS else "fields"
        if name in values:
            yield Quantity(name, "", values[name], unit, "given", "command line", group)
        elif name == "alkali_density" and not given.keys().isdisjoint({"alkali", "temperature"}):
            density = _vapour(words["alkali"], values.get("temperature", KATZ_K_HE3.temperature))
            yield Quantity(name, "", density, unit, "formula", "saturated vapour, Alcock et al. (1984)", group)
        else:
            yield Quantity(name, "", default, unit, "default", source, group)
    for name, unit in _CONSTANTS.items():
        yield _constant(name, unit, values, constants, words)


def _constant(
    name: str, unit: str, values: Mapping[str, float], constants: Mapping[str, float | None], words: Mapping[str, str]
) -> Quantity:
    if name in values:
        return Quantity(name, "", values[name], unit, "given", "command line", "constants")
    if constants[name] is None:
        pair = f"{words['alkali']} with {words['noble_gas']}"
        return Quantity(name, "", None, unit, "missing", f"nothing published here on {pair}: give {name}=", "constants")
    of_pair = species.pair(species.alkali(words["alkali"]), species.noble_gas(words["noble_gas"])).source(
        _PAIR.get(name, "")
    )
    source = words["noble_gas" if name.startswith("noble_gas") else "alkali"]
    if of_pair:
        source = f"{words['alkali']} with {words['noble_gas']}, {of_pair}"
    return Quantity(name, "", constants[name], unit, "species", source, "constants")


def _quantity(name: str, value: Any) -> float:
    try:
        return quantity(value, _UNITS[name])
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None


def _vapour(alkali: str, temperature: float) -> float:
    try:
        return float(vapour_density(alkali, temperature))
    except ValueError as error:
        raise BadInput(f"{error}; or give alkali_density") from None


# --------------------------------------------------------------------------------------------------- derived


@dataclass(frozen=True)
class _Point:
    """A mixture and the fields it is looked at."""

    alkali: str
    mixture: GasMixture
    storage: float
    read: float

    @property
    def resonance(self) -> float:
        return self.mixture.compensation_field

    @property
    def pumping_rate(self) -> float | None:
        """R that holds p_a; None when no light does."""
        rate = self.mixture.pumping_rate()
        return rate if 0 <= rate < inf else None

    @property
    def pumped_lifetime(self) -> float | None:
        rate = self.pumping_rate
        return None if rate is None else self.mixture.storage_lifetime(self.storage, rate)

    @property
    def broadened_lifetime(self) -> float | None:
        """None where the modes are not decoupled."""
        decoupled = self.mixture.regime(self.storage) == "decoupled"
        return self.mixture.storage_lifetime(self.storage, broadened=True) if decoupled else None

    @property
    def pumped_decay(self) -> float | None:
        rate = self.pumping_rate
        return None if rate is None else self.mixture.alkali_decay + rate / self.mixture.slowing_down

    def saturated(self, function: Callable[..., Any], argument: float) -> float | None:
        """A vapour formula, None where it does not reach."""
        try:
            return float(function(self.alkali, argument))
        except ValueError:
            return None


def _point(inputs: Mapping[str, Quantity], replaced: Mapping[str, float]) -> _Point:
    value: dict[str, Any] = {name: each.value for name, each in inputs.items()} | dict(replaced)
    fields = {name: value[name] for name in (*_SETTINGS, *_CONSTANTS) if name not in _FIELDS}
    return _Point(value["alkali"], GasMixture(**fields), value["field"], value["read_field"])


@dataclass(frozen=True)
class _Rule:
    """One derived quantity: how it is called, computed and justified."""

    group: str
    name: str
    symbol: str
    unit: str
    source: str
    compute: Callable[[_Point], float | str | None]


def _derived(rule: _Rule, points: list[_Point], probed: list[str]) -> Quantity:
    """The rule's value; what changes when a missing constant is moved by three decades is not known."""
    value, *others = (rule.compute(point) for point in points)
    word = isinstance(value, str)  # a regime may stay the same by luck; it depends on everything
    needed = dict.fromkeys(name for name, other in zip(probed, others, strict=True) if word or other != value)
    if needed:
        return Quantity(rule.name, rule.symbol, None, rule.unit, "missing", f"needs {', '.join(needed)}", rule.group)
    number = value if value is None or isinstance(value, str) else float(value)
    return Quantity(rule.name, rule.symbol, number, rule.unit, "formula", rule.source, rule.group)


def _at_fields(
    group: str, name: str, symbol: str, unit: str, source: str, compute: Callable[[GasMixture, float], Any]
) -> list[_Rule]:
    """The same quantity at resonance, at the read field, at the storage field."""
    places: dict[str, Callable[[_Point], float]] = {
        "resonance": lambda point: point.resonance,
        "read": lambda point: point.read,
        "storage": lambda point: point.storage,
    }

    def rule(place: str) -> _Rule:
        where = places[place]
        return _Rule(group, f"{name}_{place}", symbol, unit, source, lambda point: compute(point.mixture, where(point)))

    return [rule(place) for place in places]


def _term(name: str) -> _Rule:
    key = f"alkali_decay_{name.replace(' ', '_').replace('-', '_')}"
    return _Rule("decay", key, "", "1/s", f"Eq. 16, {name}, over q", lambda p: p.mixture.alkali_decay_terms[name])


def _quarter(mixture: GasMixture) -> float:
    return pi / (2 * mixture.coupling) if mixture.coupling else inf


_LINE = "Happer, Tam (1977); Appelt et al. (1999), linearized"
_RULES: Final = (
    _Rule("coupling", "slowing_down", "q", "", "Eq. 12", lambda p: p.mixture.slowing_down),
    _Rule("coupling", "mean_field_strength", "ζ", "m^3/s", "⟨σvφ⟩/q, below Eq. 1", lambda p: p.mixture.mean_field_strength),
    _Rule("coupling", "coupling", "J", "rad/s", "(ζ/2)√(q p_a p_b n_a n_b), Eq. 18", lambda p: p.mixture.coupling),
    _Rule("coupling", "coupling_hz", "J/2π", "Hz", "the same", lambda p: p.mixture.coupling / (2 * pi)),
    _Rule("coupling", "collisional_shift", "Δ_c", "rad/s", "ζ(p_a n_a q − p_b n_b)/2, below Eq. 2",
          lambda p: p.mixture.collisional_shift),
    _Rule("coupling", "compensation_field", "B_comp", "T", "−Δ_c/(g_a − g_b): Δ = 0",
          lambda p: p.resonance),
    _Rule("coupling", "resonance_width", "J/(g_a − g_b)", "T", "field that makes |Δ| = J",
          lambda p: p.mixture.coupling / abs(p.mixture.alkali_gyromagnetic - p.mixture.noble_gas_gyromagnetic)),
    *_at_fields("larmor", "alkali_larmor", "ω_a/2π", "Hz", "g_a B − ζ p_b n_b/2, above Eq. 18",
                lambda m, field: m.alkali_larmor(field) / (2 * pi)),
    *_at_fields("larmor", "noble_gas_larmor", "ω_b/2π", "Hz", "g_b B − ζ q p_a n_a/2, above Eq. 18",
                lambda m, field: m.noble_gas_larmor(field) / (2 * pi)),
    *_at_fields("larmor", "detuning", "Δ", "rad/s", "ω_b − ω_a, Eq. 2", lambda m, field: m.detuning(field))[1:],
    _Rule("decay", "alkali_decay", "γ", "1/s", "Eq. 16 over q, with N₂",
          lambda p: p.mixture.alkali_decay),
    *map(_term, KATZ_K_HE3.alkali_decay_terms),
    _Rule("decay", "noble_gas_decay", "γ_b", "1/s", "k_se n_a + 1/T_b, Eq. 17", lambda p: p.mixture.noble_gas_decay),
    _Rule("decay", "pumping_rate", "R", "1/s", "electron rate that holds p_a, from Eq. 16", lambda p: p.pumping_rate),
    _Rule("decay", "pumped_alkali_decay", "γ + R/q", "1/s", "with the pump on", lambda p: p.pumped_decay),
    _Rule("decay", "alkali_exchange_rate", "R_se", "1/s", "n_a σ_se v", lambda p: p.mixture.alkali_exchange_rate),
    *_at_fields("decay", "spin_exchange_broadening", "", "1/s", _LINE,
                lambda m, field: m.spin_exchange_broadening(field)),
    _Rule("exchange", "half_pi_time", "π/2J", "s", "Eq. S5", lambda p: _quarter(p.mixture)),
    _Rule("exchange", "best_transfer_time", "t*", "s", "Eq. 2: where a(t) = 0",
          lambda p: p.mixture.two_mode().best_transfer()[0]),
    _Rule("exchange", "best_transfer_efficiency", "", "", "Eq. 2: excitations at t*",
          lambda p: p.mixture.two_mode().best_transfer()[1]),
    _Rule("exchange", "best_transfer_efficiency_broadened", "", "", "the same with spin-exchange broadening",
          lambda p: p.mixture.two_mode(p.resonance).best_transfer()[1]),
    *_at_fields("exchange", "regime", "", "", "strong: J > |γ − γ_b|/2; decoupled: |Δ| ≥ 10 max(J, |γ − γ_b|/2)",
                lambda m, field: m.regime(field)),
    _Rule("storage", "lifetime", "", "s", "dark, all constant: 1/[2γ(J/Δ)² + 2γ_b], Eq. 2",
          lambda p: p.mixture.storage_lifetime(p.storage)),
    _Rule("storage", "lifetime_broadened", "", "s", "the same with alkali spin exchange, by linear response",
          lambda p: p.broadened_lifetime),
    _Rule("storage", "lifetime_pumped", "", "s", "pump on: 1/[2(γ + R/q)(J/Δ)² + 2γ_b]", lambda p: p.pumped_lifetime),
    _Rule("vapour", "saturated_density", "", "m^-3", "Alcock et al. (1984) at the temperature",
          lambda p: p.saturated(vapour_density, p.mixture.temperature)),
    _Rule("vapour", "saturation_temperature", "", "K", "Alcock et al. (1984) for the density",
          lambda p: p.saturated(vapour_temperature, p.mixture.alkali_density)),
)  # fmt: skip

_PAPER: Final = tuple(
    Quantity(
        f"paper_{name}", symbol, value, unit, "paper", "as printed for K-39 and He-3, to compare; not used", "paper"
    )
    for name, symbol, value, unit in (
        ("coupling", "J", reference.PAPER_COUPLING, "rad/s"),
        ("compensation_field", "B_comp", reference.PAPER_COMPENSATION_FIELD, "T"),
        ("resonance_frequency", "ω/2π", reference.PAPER_RESONANCE_FREQUENCY, "Hz"),
        ("alkali_decay", "γ", reference.PAPER_ALKALI_DECAY, "1/s"),
    )
)


# -------------------------------------------------------------------------------------------------- printing


def show_design(found: Design, terminal: bool) -> None:
    """Print a design for people: a Rich table on a terminal, aligned plain lines elsewhere."""
    rows = [(each.group, each.name, each.symbol, each.text, each.provenance) for each in found.quantities]
    if terminal:
        _show_table(rows)
    else:
        widths = [max(len(row[i]) for row in rows) for i in range(1, 4)]
        group = ""
        for row in rows:
            if row[0] != group:
                print(f"{'' if not group else chr(10)}{row[0]}")
                group = row[0]
            cells = [cell.ljust(width) for cell, width in zip(row[1:4], widths, strict=True)]
            print(f"  {'  '.join(cells)}  {row[4]}")
    if found.missing:
        print(f"\nnot known here, to be given: {', '.join(f'{name}=…' for name in found.missing)}")


def _show_table(rows: list[tuple[str, str, str, str, str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("quantity", no_wrap=True, min_width=max(len(row[1]) for row in rows))
    table.add_column("value", no_wrap=True, min_width=max(len(row[3]) for row in rows))
    table.add_column("where it is from")
    group = ""
    for row in rows:
        if row[0] != group:
            table.add_section()
            table.add_row(Text(row[0], style="bold"))
            group = row[0]
        table.add_row(Text(row[1]), Text(row[3]), Text(f"{row[2]}: {row[4]}" if row[2] else row[4]))
    Console(highlight=False).print(table)
