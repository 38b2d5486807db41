"""Moments and waiting times in all their spellings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.moments import parse_retry_after, read_moment

NOW = datetime(2026, 3, 5, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 26 Mar 2024 00:00:00 -0400",
        "2024-03-26T04:00:00Z",
        "2024-03-26T00:00:00-04:00",
        " 2024-03-26T04:00:00.000000+00:00\n",
        "Tue, 26 Mar 2024 04:00:00 -0000",
        "2024-03-26T04:00:00",
    ],
)
def test_one_moment_has_many_spellings(text: str) -> None:
    assert read_moment(text) == datetime(2024, 3, 26, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", [None, "", "soon", "32 Foo 2024", "2024-13-01", "0001-01-01T00:00:00+23:00", ",", "99"]
)
def test_what_is_no_moment_is_none(text: str | None) -> None:
    assert read_moment(text) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("1.5", 1.5),
        (" 0 ", 0.0),
        ("Thu, 05 Mar 2026 05:01:30 GMT", 90.0),
        ("Thu, 05 Mar 2026 04:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("later", None),
        ("-5", None),
        ("1.5e9", None),
        ("9" * 5_000, None),
    ],
)
def test_the_time_to_wait_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, NOW) == seconds
