"""The calendar of arXiv's mailings, in US Eastern time: which days have one, and when the next one comes.

arXiv announces from Sunday to Thursday at 20:00 Eastern and publishes each announcement as the feeds of the following
weekday at midnight (https://info.arxiv.org/help/availability.html). A date in this project is that weekday.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")

# Evenings without an announcement, from the availability page; in years that are not listed every weekday counts as a
# mailing day, so that a missing table costs a few needless polls and never a paper.
HOLIDAYS = frozenset(
    {
        date(2026, 1, 1),
        date(2026, 1, 19),
        date(2026, 6, 19),
        date(2026, 7, 3),
        date(2026, 9, 7),
        date(2026, 11, 26),
        date(2026, 12, 25),
        date(2026, 12, 29),
        date(2026, 12, 31),
    }
)

_ONE_DAY = timedelta(days=1)


def is_mailing_day(day: date) -> bool:
    """Whether arXiv's feeds of *day* have papers: a weekday, and not the first one after a holiday."""
    return day.weekday() < 5 and not any(skipped in HOLIDAYS for skipped in _days_since_last_weekday(day))


def mailing_moment(mailing: date) -> datetime:
    """Midnight Eastern at the start of *mailing*, aware UTC: when its feeds appear."""
    return datetime.combine(mailing, time(), EASTERN).astimezone(UTC)


def eastern_date(moment: datetime) -> date:
    """The day it is in US Eastern time at *moment* (aware)."""
    return moment.astimezone(EASTERN).date()


def newest_mailing(now: datetime) -> date:
    """The mailing that arXiv's feeds ought to show at *now* (aware)."""
    day = eastern_date(now)
    while not is_mailing_day(day):
        day -= _ONE_DAY
    return day


def next_mailing_moment(now: datetime) -> datetime:
    """When the first mailing after *now* (aware) appears, aware UTC, always later than *now*."""
    day = eastern_date(now) + _ONE_DAY
    while not is_mailing_day(day):
        day += _ONE_DAY
    return mailing_moment(day)


def _days_since_last_weekday(day: date) -> Iterator[date]:
    """The days after the weekday before *day*, that one included and *day* not: Friday to Sunday for a Monday."""
    day -= _ONE_DAY
    while day.weekday() >= 5:
        yield day
        day -= _ONE_DAY
    yield day
