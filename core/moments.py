"""Moments and waiting times as feeds and HTTP headers write them -> values; days -> English."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)  # HTTP knows whole ones only, models' services others too

LONGEST_WAIT = timedelta(days=1)  # a Retry-After that asks for more is a mistake
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def say_day(day: date) -> str:
    """*day* in English, as Thursday, 5 March 2026; not by strftime, which speaks the language of the process."""
    return f"{_DAYS[day.weekday()]}, {day.day} {say_month(day)}"


def say_short_day(day: date) -> str:
    """The same as Thu 5 Mar."""
    return f"{_DAYS[day.weekday()][:3]} {day.day} {_MONTHS[day.month - 1][:3]}"


def say_month(day: date) -> str:
    """The month of *day* as March 2026."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def read_moment(text: str | None) -> datetime | None:
    """The aware UTC moment that *text* gives in ISO 8601 or RFC 2822; None where it gives none."""
    if text is None:
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):  # parsedate_to_datetime raises all of them
            continue
    return None


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """The seconds from *now* (aware) that a Retry-After header asks for; 0 if that is past, None if it says nothing."""
    if text is not None and _SECONDS.fullmatch(text.strip()):
        return float(text)
    moment = read_moment(text)
    return max(0.0, (moment - now).total_seconds()) if moment else None
