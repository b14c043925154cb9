"""Write docs/compatibility.md."""

from tests.compat.table import DOCUMENT, DRIVERS, document
from tests.compat.trials import outcomes

DOCUMENT.write_text(document({driver.name: outcomes(driver) for driver in DRIVERS}), encoding="utf-8")
