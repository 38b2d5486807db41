"""Which attempt readers are shown; and the budget of a day belongs to that day, whatever a clock does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from core.summaries.attempts import Attempt, Key, Summary, SummaryState, Usage, find_shown

DAY = date(2026, 3, 5)
SPENT = SummaryState(day=DAY, papers=7, spent=Usage(calls=8))


def attempt(version: int = 1, *, hour: int = 0, has_summary: bool = True, language: str = "zh") -> Attempt:
    summary = Summary("A sentence.", "", (), "model", "html", "2") if has_summary else None
    key = Key(version, f"model of {hour}", "1", language, "html")
    return Attempt(key, datetime(2026, 3, 5, hour, tzinfo=UTC), summary=summary)


@pytest.mark.parametrize(
    ("attempts", "shown"),
    [
        pytest.param([attempt(1), attempt(2, hour=1, has_summary=False)], 0, id="a summary before a newer reason"),
        pytest.param([attempt(1, hour=1), attempt(2)], 1, id="that of the newest version"),
        pytest.param([attempt(hour=1), attempt()], 0, id="the newest of a version"),
        pytest.param([attempt(has_summary=False), attempt(2, has_summary=False)], 1, id="else the newest reason"),
        pytest.param([attempt(has_summary=False), attempt(2, language="en")], 0, id="in the language alone"),
        pytest.param([attempt(language="en")], None, id="nothing in the language"),
    ],
)
def test_readers_get_the_newest_summary_of_their_language_else_the_newest_reason(
    attempts: Sequence[Attempt], shown: int | None
) -> None:
    assert find_shown(attempts, "zh") == (None if shown is None else attempts[shown])


@pytest.mark.parametrize("days", [1, 2, 30, -2, -30])
def test_another_day_begins_with_nothing_spent(days: int) -> None:
    assert SPENT.on(DAY + timedelta(days=days)) == SummaryState(day=DAY + timedelta(days=days))


@pytest.mark.parametrize("days", [0, -1])
def test_a_clock_that_is_a_little_behind_at_midnight_brings_no_second_budget(days: int) -> None:
    assert SPENT.on(DAY + timedelta(days=days)) == SPENT


def test_the_first_day_begins_with_nothing_spent() -> None:
    assert SummaryState().on(DAY) == SummaryState(day=DAY)
