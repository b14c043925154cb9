"""spinlab: plan, rehearse and run experiments on alkali and noble-gas spins."""

from __future__ import annotations

from pathlib import Path

__version__ = "0.1.0"


def _refuse_namesake(package: Path) -> None:
    """Raise ImportError when the files of PyPI's NMR package ``spinlab`` lie in this package's folder.

    Both distributions install into ``spinlab/``. Their dist-info folder stands beside it exactly when their files
    are in it; one listing of that folder is all this costs.
    """
    strangers = [entry.name for entry in package.parent.glob("spinlab-[0-9]*.dist-info")]
    if strangers:
        raise ImportError(
            f"{package} also holds the unrelated NMR package 'spinlab' ({strangers[0]}): "
            "pip uninstall spinlab spinlab-control, then pip install spinlab-control"
        )


_refuse_namesake(Path(__file__).parent)
