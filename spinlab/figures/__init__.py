"""The paper's figures 2, 3 and 4: computed from ``spinlab.physics``, drawn, and written as picture and data.

``reproduce(["2b"], Path("figures"))`` is what ``spinlab figures 2b`` does. The families can be computed by themselves:
``fig2.compute("2b")``, ``fig3.compute("3a")``, ``fig3.compute_pair()``, ``fig4.compute_fock()``, …
"""

from spinlab.figures.catalogue import FIGURES, Options, chosen
from spinlab.figures.making import Made, output_folder, reproduce
from spinlab.figures.table import Column, Parameter, Table

__all__ = [
    "FIGURES",
    "Column",
    "Made",
    "Options",
    "Parameter",
    "Table",
    "chosen",
    "output_folder",
    "reproduce",
]
