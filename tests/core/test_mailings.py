"""arXiv's calendar: which days have a mailing, in Eastern time and through changes of the clock."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.mailings import eastern_date, is_mailing_day, mailing_moment, newest_mailing, next_mailing_moment
from tests.shared_data import ARXIV, SHARED, needs_recordings

A_MOMENT = timedelta(microseconds=1)

moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(date(2026, 3, 2), id="Monday"),
        pytest.param(date(2026, 3, 6), id="Friday"),
        pytest.param(date(2026, 1, 1), id="a holiday itself, announced the evening before"),
        pytest.param(date(2026, 1, 19), id="a holiday on a Monday itself"),
        pytest.param(date(2026, 1, 21), id="the day after the gap, with two days' papers"),
        pytest.param(date(2026, 6, 19), id="a holiday on a Friday itself"),
        pytest.param(date(2026, 12, 31), id="between two gaps"),
        pytest.param(date(2024, 12, 26), id="after a holiday of a year that no table knows"),
    ],
)
def test_a_weekday_has_a_mailing(day: date) -> None:
    assert is_mailing_day(day)


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(date(2026, 3, 7), id="Saturday"),
        pytest.param(date(2026, 3, 8), id="Sunday"),
        # Measured: no items on these four (recorded listings of 2026).
        pytest.param(date(2026, 1, 2), id="after New Year"),
        pytest.param(date(2026, 1, 20), id="after a holiday on Monday"),
        pytest.param(date(2026, 6, 22), id="Monday after a holiday on Friday"),
        pytest.param(date(2026, 7, 6), id="Monday after the third of July"),
        pytest.param(date(2026, 9, 8), id="after Labor Day"),
        pytest.param(date(2026, 11, 27), id="after Thanksgiving"),
        pytest.param(date(2026, 12, 28), id="Monday after Christmas on Friday"),
        pytest.param(date(2026, 12, 30), id="in the week of Christmas"),
        pytest.param(date(2027, 1, 1), id="after a holiday of the year before"),
    ],
)
def test_a_weekend_or_the_first_weekday_after_a_holiday_has_none(day: date) -> None:
    assert not is_mailing_day(day)


@needs_recordings
def test_every_recorded_listing_is_of_a_mailing_day() -> None:
    names = [path.name for folder in (SHARED / "relevance", ARXIV / "reconstructed") for path in folder.iterdir()]
    days = [date.fromisoformat(name[:10]) for name in names if re.match(r"\d{4}-\d\d-\d\d", name)]
    assert len(days) > 50
    assert [day for day in days if not is_mailing_day(day)] == []


@pytest.mark.parametrize(
    ("mailing", "expected"),
    [
        pytest.param(date(2026, 3, 5), datetime(2026, 3, 5, 5, tzinfo=UTC), id="winter"),
        pytest.param(date(2026, 3, 6), datetime(2026, 3, 6, 5, tzinfo=UTC), id="last one of winter"),
        pytest.param(date(2026, 3, 9), datetime(2026, 3, 9, 4, tzinfo=UTC), id="first one of summer"),
        pytest.param(date(2026, 10, 30), datetime(2026, 10, 30, 4, tzinfo=UTC), id="last one of summer"),
        pytest.param(date(2026, 11, 2), datetime(2026, 11, 2, 5, tzinfo=UTC), id="first one of winter"),
    ],
)
def test_a_mailing_appears_at_midnight_eastern(mailing: date, expected: datetime) -> None:
    moment = mailing_moment(mailing)
    assert (moment, moment.tzinfo) == (expected, UTC)


@given(st.dates(date(2025, 1, 1), date(2030, 12, 31)))
def test_the_eastern_date_changes_at_the_mailing_s_moment(day: date) -> None:
    moment = mailing_moment(day)
    assert (eastern_date(moment - A_MOMENT), eastern_date(moment)) == (day - timedelta(days=1), day)


@pytest.mark.parametrize(
    ("now", "newest", "following"),
    [
        pytest.param("2026-03-05T12:00Z", "2026-03-05", "2026-03-06T05:00Z", id="Thursday noon"),
        pytest.param("2026-03-05T04:59:59Z", "2026-03-04", "2026-03-05T05:00Z", id="a second before midnight"),
        pytest.param("2026-03-05T05:00:00Z", "2026-03-05", "2026-03-06T05:00Z", id="at midnight"),
        pytest.param("2026-03-05T23:59-05:00", "2026-03-05", "2026-03-06T05:00Z", id="told in Eastern time"),
        pytest.param("2026-03-07T12:00Z", "2026-03-06", "2026-03-09T04:00Z", id="weekend of the clock change"),
        pytest.param("2026-03-09T04:30Z", "2026-03-09", "2026-03-10T04:00Z", id="first half hour of summer time"),
        pytest.param("2026-11-02T04:30Z", "2026-10-30", "2026-11-02T05:00Z", id="half an hour before, winter again"),
        pytest.param("2026-01-20T12:00Z", "2026-01-19", "2026-01-21T05:00Z", id="a gap after a holiday"),
        pytest.param("2026-06-22T12:00Z", "2026-06-19", "2026-06-23T04:00Z", id="a gap that makes a weekend longer"),
        pytest.param("2026-12-30T12:00Z", "2026-12-29", "2026-12-31T05:00Z", id="the second gap of one week"),
        pytest.param("2027-01-02T12:00Z", "2026-12-31", "2027-01-04T05:00Z", id="over New Year"),
    ],
)
def test_silence_is_explained_by_the_calendar(now: str, newest: str, following: str) -> None:
    moment = datetime.fromisoformat(now)
    answer = (newest_mailing(moment), next_mailing_moment(moment))
    assert answer == (date.fromisoformat(newest), datetime.fromisoformat(following))


@given(moments)
def test_the_newest_mailing_stays_the_newest_until_the_next_one_appears(now: datetime) -> None:
    following = next_mailing_moment(now)
    just_before = following - A_MOMENT
    assert now <= just_before
    assert mailing_moment(newest_mailing(now)) <= now
    assert newest_mailing(just_before) == newest_mailing(now)
    assert newest_mailing(following) == eastern_date(following)
    assert newest_mailing(following) > newest_mailing(now)
