"""The drivers, and the table of what of them works: ``python -m tests.compat`` writes docs/compatibility.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version

from tests.compat import with_pymeasure, with_qcodes, with_vendors
from tests.compat.trials import PASSED, ROOT, Driver, Outcome

DRIVERS = (*with_pymeasure.DRIVERS, *with_qcodes.DRIVERS, *with_vendors.DRIVERS)
DOCUMENT = ROOT / "docs" / "compatibility.md"
HEAD = """\
# Other people's drivers

Drivers that others wrote for the real boxes, unmodified, on the virtual bench through PyVISA (`sims/bench.yaml@spinlab`).
Every public member of their classes that sends something is listed, found by introspection: properties and parameters are
read (`get`), written with the values that the driver itself declares valid and read back (`set`), methods are called
(`call`). A use passes when nothing is raised, what is read back is what was written, and the box has no error to report.
What does not pass has its reason: all of them are the driver's doing, and the real box would not take it either, as far as
its manual says.

`make compat` runs this, in CI too; `python -m tests.compat` writes this page.
"""


def document(results: Mapping[str, list[Outcome]]) -> str:
    """The page."""
    return "\n".join(
        [HEAD, *summary(results), "", *(line for each in DRIVERS for line in section(each, results[each.name]))]
    )


def summary(results: Mapping[str, list[Outcome]]) -> Iterator[str]:
    yield "| driver | of | box at | members | uses | pass | with a reason |"
    yield "|---|---|---|---|---|---|---|"
    for driver in DRIVERS:
        uses = results[driver.name]
        passed = sum(each.result == PASSED for each in uses)
        members = len({each.member for each in uses})
        yield (
            f"| [`{driver.name}`](#{anchor(driver)}) | {driver.package} {version(driver.package)} | {driver.address} "
            f"| {members} | {len(uses)} | {passed} | {len(uses) - passed} |"
        )


def anchor(driver: Driver) -> str:
    return f"{driver.package}-{driver.name}".lower().replace(".", "")


def section(driver: Driver, uses: list[Outcome]) -> Iterator[str]:
    yield f"## {driver.package} {driver.name}"
    yield ""
    yield "| member | use | result |"
    yield "|---|---|---|"
    rows: dict[tuple[str, str], list[str]] = {}
    for each in uses:
        rows.setdefault((each.member, driver.why(each) or PASSED), []).append(each.use)
    for (member, result), kinds in rows.items():
        yield f"| `{member}` | {', '.join(kinds)} | {result} |"
    yield ""
