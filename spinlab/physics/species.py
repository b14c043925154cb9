"""Alkali isotopes, noble-gas isotopes, and what is published about their pairs; SI, every number with its source.

What is not published for a pair is ``None``: it has to be given, it is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from spinlab.physics import constants as c

VACUUM_PERMEABILITY: Final = 1.25663706212e-6  # N/A² (CODATA 2018)
PAPER_SLOWING_DOWN: Final = 4.102496714848884  # q(3/2, 0.95), which turns the paper's ζ into ⟨σvφ⟩


@dataclass(frozen=True)
class Alkali:
    """An alkali isotope in its ground state.

    ``mass`` kg, ``electron_g`` is g_J, ``hyperfine_splitting`` Hz, ``d1_wavelength`` m in vacuum. Cross sections in m²:
    ``exchange`` of alkali–alkali spin exchange, ``destruction`` of the electron spin in alkali–alkali collisions,
    ``nitrogen_destruction`` in collisions with N₂.
    """

    name: str
    element: str
    nuclear_spin: float
    mass: float
    electron_g: float
    hyperfine_splitting: float
    d1_wavelength: float
    exchange: float
    destruction: float
    nitrogen_destruction: float

    @property
    def electron_gyromagnetic(self) -> float:
        """g_s μ_B/ħ, rad/s/T."""
        return self.electron_g * c.BOHR_MAGNETON / c.HBAR


@dataclass(frozen=True)
class NobleGas:
    """A noble-gas isotope: ``mass`` kg, magnitude of the ``gyromagnetic`` ratio in rad/s/T (all three are negative)."""

    name: str
    nuclear_spin: float
    mass: float
    gyromagnetic: float


@dataclass(frozen=True)
class Pair:
    """Published constants of an alkali element and a noble-gas isotope; ``None`` is what nobody is quoted for here.

    ``strength`` ⟨σvφ⟩ in m³/s, where the paper states it; otherwise it follows from ``enhancement``, κ₀ at 200 °C, and
    ``enhancement_slope``, 1/K. ``exchange`` k_se = ⟨σvφ²⟩/4 in m³/s (binary collisions only). ``efficiency``
    η = k_se/(σ_sr v). ``sources``: name of a constant → where it is from.
    """

    strength: float | None = None
    enhancement: float | None = None
    enhancement_slope: float = 0.0
    exchange: float | None = None
    efficiency: float | None = None
    sources: tuple[tuple[str, str], ...] = ()

    def source(self, name: str) -> str:
        """Where ``strength``, ``exchange`` or ``efficiency`` is from."""
        return dict(self.sources).get(name, "")


# Cross sections: alkali–alkali exchange K 1.8e-14 cm² (Aleksandrov et al., Opt. Spectrosc. 87, 329 (1999)), Rb 1.9e-14
# (Gibbs, Hull, Phys. Rev. 153, 132 (1967)), Cs 2.1e-14 (Ressler, Sands, Stark, Phys. Rev. 184, 102 (1969)); alkali–alkali
# destruction as tabulated by Allred et al., PRL 89, 130801 (2002); nitrogen: K the paper's (8e-23 cm²), Rb Wagshul, Chupp,
# PRA 49, 3854 (1994), Cs as tabulated by Allred et al. Hyperfine splittings, g_J: Arimondo, Inguscio, Violino, RMP 49, 31
# (1977); masses, D1 lines: Steck's alkali data (Rb, Cs) and Tiecke, Properties of Potassium (K).
_ALKALIS = (
    Alkali("K-39", "K", 1.5, c.POTASSIUM_MASS, c.ELECTRON_G_POTASSIUM, 461.7197202e6, 770.108385e-9, 1.8e-18, 1e-22, 8e-27),
    Alkali("Rb-85", "Rb", 2.5, 84.911789738 * c.ATOMIC_MASS, 2.00233113, 3.0357324390e9, 794.979015e-9, 1.9e-18, 9e-22, 1e-26),
    Alkali("Rb-87", "Rb", 1.5, 86.909180527 * c.ATOMIC_MASS, 2.00233113, 6.8346826109e9, 794.978851e-9, 1.9e-18, 9e-22, 1e-26),
    Alkali("Cs-133", "Cs", 3.5, 132.905451933 * c.ATOMIC_MASS, 2.00254032, 9.192631770e9, 894.592960e-9, 2.1e-18, 2e-20, 6e-26),
)  # fmt: skip

# Masses: AME2020; gyromagnetic ratios of Ne and Xe: IUPAC, Pure Appl. Chem. 73, 1795 (2001); of He: see constants.
_NOBLE_GASES = (
    NobleGas("He-3", 0.5, c.HELIUM3_MASS, c.HELIUM3_GYROMAGNETIC),
    NobleGas("Ne-21", 1.5, 20.99384669 * c.ATOMIC_MASS, 2.11308e7),
    NobleGas("Xe-129", 0.5, 128.90478086 * c.ATOMIC_MASS, 7.452103e7),
)

ALKALIS: Final = {alkali.name: alkali for alkali in _ALKALIS}
NOBLE_GASES: Final = {gas.name: gas for gas in _NOBLE_GASES}

_BABCOCK = "κ₀: Babcock et al., PRA 71, 013414 (2005)"
_GHOSH = "κ₀: Ghosh, Romalis, PRA 81, 043415 (2010)"
_JAU_RB = "Jau, Kuzma, Happer, PRA 66, 052710 (2002), binary collisions"
_JAU_CS = "Jau, Kuzma, Happer, PRA 69, 061401 (2004), binary collisions"
_CHANN = "Chann, Babcock, Anderson, Walker, PRA 66, 032703 (2002)"

PAIRS: Final = {
    # The paper's ζ = 4.9e-15 cm³/s belongs to q(0.95); κ₀ = 6.12 of Babcock et al. would give 3.5 % less.
    ("K", "He-3"): Pair(
        strength=4.9e-15 * 1e-6 * PAPER_SLOWING_DOWN, exchange=5.5e-26, efficiency=0.34,
        sources=(("strength", "paper, Methods (ζ at 220 °C)"), ("exchange", "paper, Methods"), ("efficiency", "paper, Methods")),
    ),
    ("Rb", "He-3"): Pair(
        enhancement=6.39, enhancement_slope=0.00914, exchange=6.8e-26, efficiency=0.024,
        sources=(("strength", _BABCOCK), ("exchange", _CHANN), ("efficiency", "paper, Methods")),
    ),
    ("K", "Ne-21"): Pair(enhancement=30.8, sources=(("strength", _GHOSH),)),
    ("Rb", "Ne-21"): Pair(enhancement=35.7, sources=(("strength", _GHOSH),)),
    ("Rb", "Xe-129"): Pair(
        enhancement=493.0, exchange=1.75e-22,
        sources=(("strength", "κ₀: Ma, Sorte, Saam, PRL 106, 193005 (2011)"), ("exchange", _JAU_RB)),
    ),
    ("Cs", "Xe-129"): Pair(
        enhancement=702.0, exchange=2.81e-22,
        sources=(("strength", "κ₀: Fang et al., Chin. Phys. B 23, 063401 (2014)"), ("exchange", _JAU_CS)),
    ),
}  # fmt: skip


def alkali(name: str) -> Alkali:
    """The alkali isotope of that name, such as ``K-39``. Raises ValueError for another one."""
    return ALKALIS[_known("alkali", name, ALKALIS)]


def noble_gas(name: str) -> NobleGas:
    """The noble-gas isotope of that name, such as ``He-3``. Raises ValueError for another one."""
    return NOBLE_GASES[_known("noble_gas", name, NOBLE_GASES)]


def pair(alkali: Alkali, noble_gas: NobleGas) -> Pair:
    """What is published about two species; a pair without any number if nothing is."""
    return PAIRS.get((alkali.element, noble_gas.name), Pair())


def exchange_strength(alkali: Alkali, noble_gas: NobleGas, temperature: float) -> float | None:
    """⟨σvφ⟩ = ζq in m³/s at ``temperature`` (K), or None when no κ₀ is published.

    From the field (2/3)μ₀κ₀M that a magnetization M = ħ g_b n_b⟨k_z⟩ makes at the alkali's electron:
    ⟨σvφ⟩ = (2/3) μ₀ κ₀ g_s μ_B g_b (Methods, ζ = 8πκ₀g_eg_nμ_Bμ_n/3qħ, in SI).
    """
    published = pair(alkali, noble_gas)
    if published.strength is not None or published.enhancement is None:
        return published.strength
    kappa = published.enhancement + published.enhancement_slope * (temperature - 473.15)
    return 2 / 3 * VACUUM_PERMEABILITY * kappa * alkali.electron_g * c.BOHR_MAGNETON * noble_gas.gyromagnetic


def _known(argument: str, name: str, names: Iterable[str]) -> str:
    known = list(names)
    if name in known:
        return name
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise ValueError(f"{argument} must be one of {', '.join(known)}, got {name!r}{hint}")
