"""Computing, drawing and writing figures, one after the other; files appear whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from spinlab.errors import BadInput, SpinlabError
from spinlab.figures.catalogue import Figure, Options, chosen
from spinlab.figures.table import Table
from spinlab.records.files import write_whole


@dataclass(frozen=True)
class Made:
    """One figure on disk."""

    name: str
    table: Table
    picture: Path
    data: Path

    def as_document(self) -> dict[str, Any]:
        """Paths, values, parameters and notes as JSON."""
        return {
            "figure": self.name,
            "paths": {"picture": str(self.picture), "data": str(self.data)},
            **self.table.as_document(),
        }


class Watcher(Protocol):
    """Who wants to know how it goes."""

    def begin(self, figure: Figure) -> None:
        """A figure is about to be computed."""

    def moved(self, done: int, total: int) -> None:
        """So much of it is computed."""

    def end(self, made: Made) -> None:
        """Its files are there."""


def output_folder(path: Path) -> Path:
    """The folder, made if it is not there; BadInput if it cannot be or cannot be written to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise BadInput(f"--out must be a folder; {path} is a file") from None
    except OSError as error:
        raise BadInput(f"cannot make the folder {path}: {error.strerror}") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise BadInput(f"cannot write to the folder {path}: Permission denied")
    return path.resolve()


def reproduce(
    names: Iterable[str], folder: Path, options: Options | None = None, watcher: Watcher | None = None
) -> list[Made]:
    """Compute the named figures (all for none) and write ``figure-NAME.png`` and ``.csv`` to the folder.

    BadInput, before anything is computed or touched, for unknown names; SpinlabError when a file cannot be written. What
    is interrupted leaves the figures that are complete, and whole files only.
    """
    figures = chosen(names)
    place = output_folder(folder)
    return [_make(figure, place, options or Options(), watcher) for figure in figures]


def _make(figure: Figure, folder: Path, options: Options, watcher: Watcher | None) -> Made:
    if watcher:
        watcher.begin(figure)
    result = figure.compute(options, watcher.moved if watcher else None)
    table: Table = result.table()
    stem = f"figure-{figure.name}"
    made = Made(figure.name, table, folder / f"{stem}.png", folder / f"{stem}.csv")
    content = {made.data: table.as_csv(figure.name).encode(), made.picture: _png(figure.draw(result))}
    for path, each in content.items():
        try:
            write_whole(str(folder), path.name, each)
        except OSError as error:
            raise SpinlabError(f"cannot write {path}: {error.strerror}") from None
    if watcher:
        watcher.end(made)
    return made


def _png(drawn: Any) -> bytes:
    from spinlab.analysis.style import DOTS_PER_INCH

    picture = io.BytesIO()
    drawn.savefig(picture, format="png", dpi=DOTS_PER_INCH)
    return picture.getvalue()
