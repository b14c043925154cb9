"""Which figures there are, and for each how it is computed and drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, Protocol, get_args

from spinlab.errors import BadInput, nearest
from spinlab.figures import drawing, fig2, fig3, fig4
from spinlab.figures.table import Table
from spinlab.physics.collisions import Progress

CHOICES: Final = {
    "incoherent": get_args(fig4.Incoherent),
    "rates": get_args(fig4.Rates),
    "compensation": ("paper", "exact"),
}
LARGEST_SEED: Final = 2**63 - 1


@dataclass(frozen=True)
class Options:
    """What may be asked of all figures; each takes what concerns it. BadInput for a choice there is not."""

    quick: bool = False
    seed: int = 0
    incoherent: fig4.Incoherent = "formula"
    rates: fig4.Rates = "paper"
    compensation: Literal["paper", "exact"] = "paper"

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            given = getattr(self, name)
            if given not in allowed:
                raise BadInput(f"{name} must be one of {', '.join(allowed)}, got {given!r}{nearest(given, allowed)}")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise BadInput(f"seed must lie in 0…2^63 − 1, got {self.seed}")


class Result(Protocol):
    """A computed figure."""

    def table(self) -> Table:
        """Its data."""
        ...


@dataclass(frozen=True)
class Figure:
    """One figure of the paper; ``compiles`` if its first computation on a computer compiles its loops."""

    name: str
    compute: Callable[[Options, Progress | None], Any]
    draw: Callable[[Any], Any]
    compiles: bool = False


def _fig2(name: str, _options: Options, _progress: Progress | None) -> fig2.Exchange:
    return fig2.compute(name)


def _fig3(name: str, options: Options, progress: Progress | None) -> fig3.Single:
    return fig3.compute(name, options.seed, options.quick, options.compensation, progress)


def _fig3e(options: Options, progress: Progress | None) -> fig3.Pair:
    return fig3.compute_pair(options.seed, options.quick, options.compensation, progress)


def _fig4(compute: Callable[[fig4.Setting], Result], options: Options, _progress: Progress | None) -> Result:
    return compute(fig4.setting(options.quick, options.incoherent, options.rates))


_ALL: Final = (
    *(Figure(name, partial(_fig2, name), drawing.exchange) for name in fig2.REGIMES),
    *(Figure(name, partial(_fig3, name), drawing.single, compiles=True) for name in fig3.CASES),
    Figure("3e", _fig3e, drawing.pair, compiles=True),
    Figure("4a", partial(_fig4, fig4.compute_fock), drawing.fock),
    Figure("4b", partial(_fig4, fig4.compute_squeezing), drawing.squeezing),
)
FIGURES: Final = {figure.name: figure for figure in _ALL}


def chosen(names: Iterable[str]) -> list[Figure]:
    """The figures of these names in the paper's order, all for none; "3" means all of figure 3. BadInput if one is unknown."""
    wanted = set()
    for name in names:
        family = [each for each in FIGURES if each.startswith(name[:1])]
        found = [each for each in family if each == name or name == each[:1]]
        if not found:
            hint = nearest(name, family or FIGURES)
            raise BadInput(f"no figure {name!r}{hint}; there are {', '.join(FIGURES)}")
        wanted.update(found)
    return [figure for name, figure in FIGURES.items() if not wanted or name in wanted]
