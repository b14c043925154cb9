"""Unmodified drivers on the virtual bench: every member passes or has its reason, and the page that says so is current."""

from __future__ import annotations

import pytest

from tests.compat.table import DOCUMENT, DRIVERS, document
from tests.compat.trials import PASSED, Driver, Outcome, outcomes

pytestmark = [
    pytest.mark.filterwarnings("ignore:Deprecated to use `error`:FutureWarning"),  # PyMeasure's own member
]


@pytest.fixture(scope="module")
def results() -> dict[str, list[Outcome]]:
    return {}


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: f"{driver.package}-{driver.name}")
def test_every_member_passes_or_has_its_reason(driver: Driver, results: dict[str, list[Outcome]]) -> None:
    results[driver.name] = outcomes(driver)
    assert len(results[driver.name]) > 30
    unexplained = [each for each in results[driver.name] if each.result != PASSED and not driver.why(each)]
    assert unexplained == []


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: f"{driver.package}-{driver.name}")
def test_every_reason_still_has_something_to_explain(driver: Driver, results: dict[str, list[Outcome]]) -> None:
    wrong = [each for each in results[driver.name] if each.result != PASSED]
    idle = [reason for reason in driver.reasons if not any(reason.explains(each.member, each.result) for each in wrong)]
    assert idle == []


def test_the_page_is_current(results: dict[str, list[Outcome]]) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(results), "write it anew: python -m tests.compat"
