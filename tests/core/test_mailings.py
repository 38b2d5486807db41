"""arXiv's calendar: which days have a mailing, in Eastern time and through changes of the clock."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.mailings import (
    EASTERN,
    HOLIDAYS_BY_YEAR,
    Silence,
    eastern_date,
    explain_silence,
    is_mailing_day,
    mailing_moment,
    mailing_of_submission,
    mailings_between,
    newest_mailing,
    next_mailing_moment,
    submission_deadline,
)
from tests.shared_data import ARXIV, SHARED, needs_recordings

A_MOMENT = timedelta(microseconds=1)

ONE_DAY = timedelta(days=1)
KNOWN_MAILINGS = mailings_between(date(min(HOLIDAYS_BY_YEAR), 1, 1), date(max(HOLIDAYS_BY_YEAR), 12, 31))

moments = st.datetimes(datetime(2022, 12, 25), datetime(2028, 1, 5), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


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
        pytest.param(date(2024, 1, 2), id="after a New Year's Day that arXiv did not take off"),
        pytest.param(date(2027, 11, 26), id="after Thanksgiving in a year that no table knows"),
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
        pytest.param(date(2023, 6, 15), id="after a staff retreat"),
        pytest.param(date(2024, 12, 27), id="after two holidays in a row"),
        pytest.param(date(2025, 7, 7), id="Monday after the fourth of July on Friday"),
        pytest.param(date(2025, 12, 31), id="in a week of Christmas that the availability page did not yet know"),
    ],
)
def test_a_weekend_or_the_first_weekday_after_a_holiday_has_none(day: date) -> None:
    assert not is_mailing_day(day)


def test_holidays_stand_in_their_year_oldest_first() -> None:
    for year, holidays in HOLIDAYS_BY_YEAR.items():
        assert {day.year for day in holidays} == {year}
        assert list(holidays) == sorted(holidays)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        pytest.param("2026-03-06", "2026-03-10", ["2026-03-06", "2026-03-09", "2026-03-10"], id="over a weekend"),
        pytest.param("2026-01-19", "2026-01-21", ["2026-01-19", "2026-01-21"], id="over a gap, both ends included"),
        pytest.param("2026-03-05", "2026-03-05", ["2026-03-05"], id="one day"),
        pytest.param("2026-03-07", "2026-03-08", [], id="a weekend"),
        pytest.param("2026-03-05", "2026-03-04", [], id="backwards"),
    ],
)
def test_mailings_between_two_days_come_oldest_first(first: str, last: str, expected: list[str]) -> None:
    mailings = mailings_between(date.fromisoformat(first), date.fromisoformat(last))
    assert [str(mailing) for mailing in mailings] == expected


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
def test_the_newest_mailing_and_the_next_one_follow_from_the_calendar(now: str, newest: str, following: str) -> None:
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


WEEKEND = "arXiv has no mailing on Saturdays and Sundays."


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        pytest.param("2026-03-07T05:00Z", WEEKEND, id="Saturday from midnight Eastern on"),
        pytest.param("2026-03-09T03:59:59Z", WEEKEND, id="Sunday until midnight Eastern, which is Monday in UTC"),
        pytest.param("2027-12-25T12:00Z", WEEKEND, id="a weekend in a year that no table knows"),
        pytest.param(
            "2026-11-27T12:00Z",
            "arXiv has no mailing on 2026-11-27, because of Thanksgiving on 2026-11-26.",
            id="after a holiday",
        ),
        pytest.param(
            "2026-06-22T12:00Z",
            "arXiv has no mailing on 2026-06-22, because of Juneteenth on 2026-06-19.",
            id="Monday after a holiday on Friday",
        ),
        pytest.param(
            "2025-07-07T12:00Z",
            "arXiv has no mailing on 2025-07-07, because of Independence Day on 2025-07-04.",
            id="the first of two holidays names the gap",
        ),
        pytest.param(
            "2026-07-06T12:00Z",
            "arXiv has no mailing on 2026-07-06, because of Independence Day (observed) on 2026-07-03.",
            id="after a holiday that is observed on Friday",
        ),
        pytest.param(
            "2026-12-30T12:00Z",
            "arXiv has no mailing on 2026-12-30, because of arXiv's winter break on 2026-12-29.",
            id="in the week of Christmas",
        ),
        pytest.param(
            "2024-10-09T12:00Z",
            "arXiv has no mailing on 2024-10-09, because of a staff retreat on 2024-10-08.",
            id="after a day off of arXiv's own",
        ),
        pytest.param(
            "2027-01-01T12:00Z",
            "arXiv has no mailing on 2027-01-01, because of arXiv's winter break on 2026-12-31.",
            id="an unknown year's first day, of which the year before decides",
        ),
    ],
)
def test_silence_is_certain_at_weekends_and_after_known_holidays(now: str, reason: str) -> None:
    assert explain_silence(datetime.fromisoformat(now)) == Silence(reason, is_certain=True)


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        pytest.param("2027-01-04", "New Year's Day on 2027-01-01", id="New Year's Day on Friday"),
        pytest.param("2027-01-19", "Martin Luther King Day on 2027-01-18", id="third Monday of January"),
        pytest.param("2027-06-21", "Juneteenth (observed) on 2027-06-18", id="Juneteenth on Saturday"),
        pytest.param("2028-06-20", "Juneteenth on 2028-06-19", id="Juneteenth on Monday"),
        pytest.param("2027-07-06", "Independence Day (observed) on 2027-07-05", id="Independence Day on Sunday"),
        pytest.param("2027-09-07", "Labor Day on 2027-09-06", id="first Monday of September"),
        pytest.param("2027-11-26", "Thanksgiving on 2027-11-25", id="fourth Thursday of November"),
        pytest.param("2029-11-23", "Thanksgiving on 2029-11-22", id="fourth Thursday on the earliest day it can be"),
        pytest.param("2027-12-27", "Christmas Day (observed) on 2027-12-24", id="Christmas on Saturday"),
        pytest.param("2028-12-26", "Christmas Day on 2028-12-25", id="Christmas on Monday"),
        pytest.param("2027-12-30", "arXiv's winter break on 2027-12-29", id="between Christmas and New Year"),
        pytest.param("2022-01-03", "New Year's Day (observed) on 2021-12-31", id="before all tables"),
    ],
)
def test_silence_is_probable_after_usual_holidays_of_unknown_years(day: str, holiday: str) -> None:
    now = datetime.fromisoformat(f"{day}T12:00Z")
    expected = Silence(f"arXiv may have no mailing on {day}, because of {holiday}.", is_certain=False)
    assert (explain_silence(now), is_mailing_day(eastern_date(now))) == (expected, True)


@pytest.mark.parametrize(
    "now",
    [
        pytest.param("2026-03-06T12:00Z", id="Friday"),
        pytest.param("2026-03-07T04:59:59Z", id="Friday until midnight Eastern"),
        pytest.param("2026-03-09T04:00Z", id="Monday from midnight Eastern on"),
        pytest.param("2026-11-26T12:00Z", id="a holiday itself, announced the evening before"),
        pytest.param("2026-11-27T04:59:59Z", id="a holiday itself until midnight Eastern"),
        pytest.param("2024-01-02T12:00Z", id="after a usual holiday that the table says was none"),
        pytest.param("2027-03-05T12:00Z", id="an ordinary day of an unknown year"),
        pytest.param("2027-11-19T12:00Z", id="after the third Thursday of November"),
        pytest.param("2027-09-14T12:00Z", id="after the second Monday of September"),
        pytest.param("2027-12-24T12:00Z", id="before the winter break"),
    ],
)
def test_silence_has_no_excuse_where_a_mailing_is_due(now: str) -> None:
    assert explain_silence(datetime.fromisoformat(now)) is None


@given(moments)
def test_silence_is_certain_exactly_on_the_days_without_a_mailing(now: datetime) -> None:
    silence = explain_silence(now)
    is_certain = silence is not None and silence.is_certain
    assert is_certain != is_mailing_day(eastern_date(now))


@pytest.mark.parametrize(
    ("mailing", "deadline"),
    [
        # Thursday to Monday around the change to summer time.
        pytest.param("2026-03-05", "2026-03-04T19:00Z", id="Thursday's is on Wednesday"),
        pytest.param("2026-03-06", "2026-03-05T19:00Z", id="Friday's is on Thursday"),
        pytest.param("2026-03-09", "2026-03-06T19:00Z", id="Monday's is on Friday, before the clock changes"),
        pytest.param("2026-03-10", "2026-03-09T18:00Z", id="Tuesday's is on Monday, after the clock changed"),
        pytest.param("2026-11-02", "2026-10-30T18:00Z", id="Monday's is on Friday, in summer time still"),
        pytest.param("2026-01-21", "2026-01-20T19:00Z", id="after a holiday on Monday, on Tuesday"),
        pytest.param("2026-06-23", "2026-06-22T18:00Z", id="after a holiday on Friday, on Monday"),
        pytest.param("2026-11-30", "2026-11-27T19:00Z", id="after a holiday on Thursday, on Friday"),
        pytest.param("2026-01-20", "2026-01-19T19:00Z", id="a day without a mailing has the one it would have had"),
        pytest.param("2026-03-08", "2026-03-06T19:00Z", id="a Sunday too"),
    ],
)
def test_the_deadline_of_a_mailing_is_at_14_on_the_weekday_before(mailing: str, deadline: str) -> None:
    moment = submission_deadline(date.fromisoformat(mailing))
    assert (moment, moment.tzinfo) == (datetime.fromisoformat(deadline), UTC)


@pytest.mark.parametrize(
    ("submitted", "mailing"),
    [
        # The schedule of the availability page, row by row.
        pytest.param("2026-03-02T14:00-05:00", "2026-03-04", id="Monday 14:00 is announced on Tuesday evening"),
        pytest.param("2026-03-03T13:59:59-05:00", "2026-03-04", id="as is Tuesday before 14:00"),
        pytest.param("2026-03-03T14:00-05:00", "2026-03-05", id="Tuesday 14:00 on Wednesday"),
        pytest.param("2026-03-04T14:00-05:00", "2026-03-06", id="Wednesday 14:00 on Thursday"),
        pytest.param("2026-03-05T14:00-05:00", "2026-03-09", id="Thursday 14:00 on Sunday"),
        pytest.param("2026-03-06T13:59:59-05:00", "2026-03-09", id="as is Friday before 14:00"),
        pytest.param("2026-03-06T14:00-05:00", "2026-03-10", id="Friday 14:00 on Monday"),
        pytest.param("2026-03-08T12:00-04:00", "2026-03-10", id="as is Sunday, although it is announced the same day"),
        pytest.param("2026-03-09T13:59:59-04:00", "2026-03-10", id="and Monday before 14:00"),
        # Holidays: the mailing after the gap is double.
        pytest.param("2026-01-16T13:59:59-05:00", "2026-01-19", id="Friday before a long weekend"),
        pytest.param("2026-01-16T14:00-05:00", "2026-01-21", id="for the mailing that a holiday on Monday skips"),
        pytest.param("2026-01-20T13:59:59-05:00", "2026-01-21", id="for the mailing after the holiday"),
        pytest.param("2026-01-20T14:00-05:00", "2026-01-22", id="the mailing after that is plain again"),
        pytest.param("2026-06-18T14:00-04:00", "2026-06-23", id="a holiday on Friday, from Thursday on"),
        pytest.param("2026-11-25T14:00-05:00", "2026-11-30", id="a holiday on Thursday, from Wednesday on"),
        pytest.param("2026-11-27T13:59:59-05:00", "2026-11-30", id="until Friday"),
        pytest.param("2024-12-24T14:00-05:00", "2024-12-30", id="two holidays in a row, from the day before"),
        pytest.param("2024-12-27T13:59:59-05:00", "2024-12-30", id="until the day after, three days' papers"),
        # Recorded: the newest paper that the query API had on 2026-04-30.
        pytest.param("2026-04-29T17:59:01Z", "2026-04-30", id="a minute before the cut-off, told in UTC"),
    ],
)
def test_a_submission_is_announced_in_the_first_mailing_it_is_in_time_for(submitted: str, mailing: str) -> None:
    assert mailing_of_submission(datetime.fromisoformat(submitted)) == date.fromisoformat(mailing)


def test_deadlines_part_the_submissions_of_all_known_mailings() -> None:
    assert len(KNOWN_MAILINGS) > 240 * len(HOLIDAYS_BY_YEAR)
    for mailing, following in pairwise(KNOWN_MAILINGS):
        deadline = submission_deadline(mailing)
        around = (mailing_of_submission(deadline - A_MOMENT), mailing_of_submission(deadline))
        assert (around, deadline < submission_deadline(following)) == ((mailing, following), True)


@given(moments, moments)
def test_what_is_submitted_later_is_never_announced_earlier(one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))
    assert mailing_of_submission(earlier) <= mailing_of_submission(later)


@given(moments)
def test_a_submission_waits_for_its_batch_to_be_closed_and_announced(moment: datetime) -> None:
    """The same in arXiv's terms: the next workday with a cut-off ahead, and the morning after its announcement."""
    day = eastern_date(moment)
    while not is_workday(day) or moment >= datetime.combine(day, time(14), EASTERN):
        day += ONE_DAY
    morning_after = day + ONE_DAY * (3 if day.weekday() == 4 else 1)
    assert mailing_of_submission(moment) == morning_after


def is_workday(day: date) -> bool:
    return day.weekday() < 5 and day not in HOLIDAYS_BY_YEAR.get(day.year, {})
