"""The calendar of arXiv's mailings, in US Eastern time: which days have one, what is in it, when the next one comes.

On every workday at 14:00 Eastern arXiv closes a batch of submissions. It announces the batch at 20:00, that of a Friday
on Sunday, and publishes it as the feeds of the following weekday at midnight
(https://info.arxiv.org/help/availability.html). A date in this project is that weekday. A holiday has neither cut-off
nor announcement: the weekday after it has no mailing, and the next mailing brings what was submitted for both.

Holidays are known for the years of `HOLIDAYS_BY_YEAR`. In every other year each weekday counts as a mailing day, so
that a missing table costs a few needless polls and never a paper. There, silence is still called probable, and is no
cause for alarm, on the weekday after a day that arXiv usually takes off: New Year's Day, Martin Luther King Day,
Juneteenth, Independence Day, Labor Day, Thanksgiving, Christmas Day (those with a fixed date also as observed, on the
Friday or Monday beside a weekend), and any day from 24 to 31 December, of which arXiv chooses others every year.
"""

from __future__ import annotations

from calendar import FRIDAY, MONDAY, SATURDAY, THURSDAY
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")

_NEW_YEAR = "New Year's Day"
_KING_DAY = "Martin Luther King Day"
_JUNETEENTH = "Juneteenth"
_INDEPENDENCE_DAY = "Independence Day"
_LABOR_DAY = "Labor Day"
_THANKSGIVING = "Thanksgiving"
_CHRISTMAS = "Christmas Day"
_WINTER_BREAK = "arXiv's winter break"
_OBSERVED = " (observed)"

# The days without a cut-off and an announcement, from arXiv's own list (arXiv/arxiv-base @dbbb9ac
# arxiv/db/arxiv_holidays_seed.sql, which goes back to 2020). It agrees with the availability page where we have that
# (arXiv/arxiv-docs source/help/availability.md, of 2023, 2025 and 2026), which lacks single days decided on later.
HOLIDAYS_BY_YEAR: Mapping[int, Mapping[date, str]] = {
    2023: {
        date(2023, 1, 16): _KING_DAY,
        date(2023, 6, 14): "a staff retreat",
        date(2023, 6, 19): _JUNETEENTH,
        date(2023, 7, 4): _INDEPENDENCE_DAY,
        date(2023, 8, 17): "a staff meeting",
        date(2023, 9, 4): _LABOR_DAY,
        date(2023, 11, 23): _THANKSGIVING,
        date(2023, 12, 25): _CHRISTMAS,
        date(2023, 12, 27): _WINTER_BREAK,
    },
    2024: {
        date(2024, 1, 15): _KING_DAY,
        date(2024, 5, 22): "a staff retreat",
        date(2024, 6, 19): _JUNETEENTH,
        date(2024, 7, 4): _INDEPENDENCE_DAY,
        date(2024, 9, 2): _LABOR_DAY,
        date(2024, 10, 8): "a staff retreat",
        date(2024, 11, 28): _THANKSGIVING,
        date(2024, 12, 25): _CHRISTMAS,
        date(2024, 12, 26): _WINTER_BREAK,
        date(2024, 12, 31): _WINTER_BREAK,
    },
    2025: {
        date(2025, 1, 1): _NEW_YEAR,
        date(2025, 1, 20): _KING_DAY,
        date(2025, 6, 19): _JUNETEENTH,
        date(2025, 7, 4): _INDEPENDENCE_DAY,
        date(2025, 7, 6): _INDEPENDENCE_DAY + _OBSERVED,
        date(2025, 9, 1): _LABOR_DAY,
        date(2025, 11, 27): _THANKSGIVING,
        date(2025, 12, 25): _CHRISTMAS,
        date(2025, 12, 30): _WINTER_BREAK,
    },
    2026: {
        date(2026, 1, 1): _NEW_YEAR,
        date(2026, 1, 19): _KING_DAY,
        date(2026, 6, 19): _JUNETEENTH,
        date(2026, 7, 3): _INDEPENDENCE_DAY + _OBSERVED,
        date(2026, 9, 7): _LABOR_DAY,
        date(2026, 11, 26): _THANKSGIVING,
        date(2026, 12, 25): _CHRISTMAS,
        date(2026, 12, 29): _WINTER_BREAK,
        date(2026, 12, 31): _WINTER_BREAK,
    },
}
_HOLIDAYS = {day: name for holidays in HOLIDAYS_BY_YEAR.values() for day, name in holidays.items()}

_USUAL_DATES = {(1, 1): _NEW_YEAR, (6, 19): _JUNETEENTH, (7, 4): _INDEPENDENCE_DAY, (12, 25): _CHRISTMAS}
_USUAL_WEEKDAYS = {  # month, weekday, which one of the month
    (1, MONDAY, 3): _KING_DAY,
    (9, MONDAY, 1): _LABOR_DAY,
    (11, THURSDAY, 4): _THANKSGIVING,
}

_CUT_OFF = time(14)  # Eastern
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Silence:
    """Why arXiv's feeds are empty or unchanged: a sentence for the reader, and whether that is certain or probable.

    Certain is what arXiv's list of holidays says, probable what it says in most years.
    """

    reason: str
    is_certain: bool


def is_mailing_day(day: date) -> bool:
    """Whether arXiv's feeds of *day* have papers: a weekday, and not the first one after a holiday."""
    return day.weekday() < SATURDAY and not any(skipped in _HOLIDAYS for skipped in _days_since_last_weekday(day))


def mailings_between(first: date, last: date) -> tuple[date, ...]:
    """The mailings from *first* to *last*, both included, oldest first; none where *last* is before *first*."""
    days = (first + count * _ONE_DAY for count in range((last - first).days + 1))
    return tuple(day for day in days if is_mailing_day(day))


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


def previous_mailing(mailing: date) -> date:
    """The mailing before *mailing*, or before any other day."""
    day = mailing - _ONE_DAY
    while not is_mailing_day(day):
        day -= _ONE_DAY
    return day


def next_mailing_moment(now: datetime) -> datetime:
    """When the first mailing after *now* (aware) appears, aware UTC, always later than *now*."""
    day = eastern_date(now) + _ONE_DAY
    while not is_mailing_day(day):
        day += _ONE_DAY
    return mailing_moment(day)


def next_weekday_moment(now: datetime) -> datetime:
    """When the first weekday after *now* (aware) begins, aware UTC: a mailing may come even where none is known of."""
    day = eastern_date(now) + _ONE_DAY
    while day.weekday() >= SATURDAY:
        day += _ONE_DAY
    return mailing_moment(day)


def explain_silence(now: datetime, *, newest: date | None = None) -> Silence | None:
    """Why empty or unchanged feeds are normal at *now* (aware), None on a day with a mailing.

    The day is the Eastern one: until midnight there, yesterday's mailing is what arXiv rightly shows. Where the
    *newest* mailing that came is of that day, arXiv knows better than the calendar.
    """
    day = eastern_date(now)
    if newest is not None and newest >= day:
        return None
    if day.weekday() >= SATURDAY:
        return Silence("arXiv has no mailing on Saturdays and Sundays.", is_certain=True)
    days_before = _days_since_last_weekday(day)
    for before in days_before:
        if name := _HOLIDAYS.get(before):
            return Silence(f"arXiv has no mailing on {day}, because of {name} on {before}.", is_certain=True)
    for before in days_before:
        if before.year not in HOLIDAYS_BY_YEAR and (name := _usual_holiday(before)):
            return Silence(f"arXiv may have no mailing on {day}, because of {name} on {before}.", is_certain=False)
    return None


def explain_missing(day: date, newest: date | None, *, name: Callable[[date], str] = str) -> str:
    """Why nothing is stored of the mailing of *day*, where *newest* is the newest stored; *name* writes a date."""
    is_ahead = newest is not None and day > newest
    if not is_mailing_day(day):
        return f"arXiv {'has' if is_ahead else 'had'} no mailing on {name(day)}."
    if is_ahead:
        return f"The mailing of {name(day)} is not here yet."
    return f"Nothing is stored of the mailing of {name(day)}."


def submission_deadline(mailing: date) -> datetime:
    """The moment before which a submission has to be made to be announced in *mailing*, aware UTC.

    That is 14:00 Eastern on the weekday before. What is submitted at 14:00 sharp is too late, as in arXiv's
    own reckoning (arXiv/arxiv-base @2275daa arxiv/schedule/calendar.py). For a day without a mailing it is the cut-off
    that there would be if it had one.
    """
    return datetime.combine(_days_since_last_weekday(mailing)[0], _CUT_OFF, EASTERN).astimezone(UTC)


def mailing_of_submission(moment: datetime) -> date:
    """The mailing that announces what is submitted at *moment* (aware), unless a moderator holds it up.

    The first mailing whose deadline is after *moment*.
    """
    day = eastern_date(moment) + _ONE_DAY
    while not (is_mailing_day(day) and moment < submission_deadline(day)):
        day += _ONE_DAY
    return day


def _days_since_last_weekday(day: date) -> list[date]:
    """The weekday before *day* and the days between, oldest first: Friday to Sunday for a Monday."""
    days = [day - _ONE_DAY]
    while days[0].weekday() >= SATURDAY:
        days.insert(0, days[0] - _ONE_DAY)
    return days


def _usual_holiday(day: date) -> str | None:
    """What arXiv takes *day* off for in most years, None where it does not."""
    which_of_month = (day.day + 6) // 7
    if name := _USUAL_DATES.get((day.month, day.day)) or _USUAL_WEEKDAYS.get(
        (day.month, day.weekday(), which_of_month)
    ):
        return name
    weekend_days = {FRIDAY: day + _ONE_DAY, MONDAY: day - _ONE_DAY}
    beside = weekend_days.get(day.weekday(), day)
    if name := _USUAL_DATES.get((beside.month, beside.day)):
        return name + _OBSERVED
    return _WINTER_BREAK if (day.month, day.day) >= (12, 24) else None
