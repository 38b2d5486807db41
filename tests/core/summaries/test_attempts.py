"""The budget of a day belongs to that day, whatever a clock does."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core.summaries.attempts import SummaryState, Usage

DAY = date(2026, 3, 5)
SPENT = SummaryState(day=DAY, papers=7, spent=Usage(calls=8))


@pytest.mark.parametrize("days", [1, 2, 30, -2, -30])
def test_another_day_begins_with_nothing_spent(days: int) -> None:
    assert SPENT.on(DAY + timedelta(days=days)) == SummaryState(day=DAY + timedelta(days=days))


@pytest.mark.parametrize("days", [0, -1])
def test_a_clock_that_is_a_little_behind_at_midnight_brings_no_second_budget(days: int) -> None:
    assert SPENT.on(DAY + timedelta(days=days)) == SPENT


def test_the_first_day_begins_with_nothing_spent() -> None:
    assert SummaryState().on(DAY) == SummaryState(day=DAY)
