from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import brotli
import pytest

from api.caching import (
    Coding,
    Representation,
    choose_coding,
    headers_of,
    is_not_modified,
    mark,
    max_age,
    represent,
)

CHANGED = datetime(2026, 3, 5, 5, 0, 7, tzinfo=UTC)
FAR_LATER = datetime(2200, 1, 1, tzinfo=UTC)
BODY = b"<rss>" + b"many papers " * 200 + b"</rss>"
LARGE = len(BODY)
MAILING = datetime(2026, 3, 6, 5, 0, tzinfo=UTC)
ETAG = represent(BODY, "text/xml", last_modified=CHANGED).etag
OPAQUE = ETAG.removeprefix("W/")


def representation(**changes: datetime) -> Representation:
    return represent(BODY, "text/xml", last_modified=changes.get("last_modified", CHANGED))


def has(
    told: Representation | None = None,
    *,
    if_none_match: str | None = None,
    if_modified_since: str | None = None,
    now: datetime = FAR_LATER,
) -> bool:
    return is_not_modified(
        told or representation(), if_none_match=if_none_match, if_modified_since=if_modified_since, now=now
    )


def test_equal_bytes_have_equal_tags_and_other_bytes_another() -> None:
    tags = [represent(body, "text/xml", last_modified=CHANGED).etag for body in (BODY, BODY, BODY + b" ")]
    assert [tag == tags[0] for tag in tags] == [True, True, False]


def test_the_tag_is_weak_since_it_is_the_same_for_every_content_coding() -> None:
    assert ETAG.startswith('W/"')
    assert ETAG.endswith('"')


@pytest.mark.parametrize(
    ("if_none_match", "expected"),
    [
        pytest.param(ETAG, True, id="the weak tag itself"),
        pytest.param(OPAQUE, True, id="as a strong tag: the comparison is weak"),
        pytest.param(f'"other", {ETAG}', True, id="last of a list"),
        pytest.param(f'{ETAG},W/"other"', True, id="first of a list without a space"),
        pytest.param(f'"with, comma", {ETAG}', True, id="after a tag with a comma"),
        pytest.param(f'"", {ETAG}', True, id="after an empty tag"),
        pytest.param(f'"é", {ETAG}'.encode().decode("latin-1"), True, id="after a tag beyond ASCII"),
        pytest.param("*", True, id="anything"),
        pytest.param(" * ", True, id="anything with blanks"),
        pytest.param('"*"', False, id="a tag that is a star"),
        pytest.param(OPAQUE.strip('"'), False, id="the tag without its quotes"),
        pytest.param(OPAQUE[:-1], False, id="the tag without its last quote"),
        pytest.param(f'W/"{ETAG}"', False, id="the tag quoted again"),
        pytest.param(f"W/{ETAG}", False, id="the tag called weak twice"),
        pytest.param(ETAG.replace("W", "w"), False, id="the tag called weak in a small letter"),
        pytest.param(f'"unclosed "{ETAG}', False, id="within another"),
        pytest.param(f", ,{ETAG} ,", True, id="among nothing"),
        pytest.param(f'{ETAG} "other"', False, id="beside another without a comma"),
        pytest.param(f'"x{OPAQUE[1:]}', False, id="a tag that ends like it"),
        pytest.param(OPAQUE.upper(), False, id="in another case"),
        pytest.param('"other", W/"another"', False, id="others only"),
        pytest.param("", False, id="empty"),
        pytest.param(", ,,", False, id="commas"),
        pytest.param("\x00\xff garbage", False, id="garbage"),
    ],
)
def test_a_reader_has_what_its_if_none_match_names(if_none_match: str, expected: bool) -> None:
    assert has(if_none_match=if_none_match) is expected


@pytest.mark.parametrize(
    ("if_modified_since", "expected"),
    [
        pytest.param("Thu, 05 Mar 2026 05:00:07 GMT", True, id="equal"),
        pytest.param("Thu, 05 Mar 2026 05:00:08 GMT", True, id="a second later"),
        pytest.param("Fri, 01 Jan 2100 00:00:00 GMT", True, id="far later"),
        pytest.param("Thu, 05 Mar 2026 05:00:06 GMT", False, id="a second earlier"),
        pytest.param("Thu, 01 Jan 1970 00:00:00 GMT", False, id="far earlier"),
        pytest.param("Thu, 05 Mar 2026 06:00:07 +0100", True, id="equal in another zone"),
        pytest.param("Thu, 05 Mar 2026 05:00:07 -0000", True, id="equal in no zone"),
        pytest.param("Thursday, 05-Mar-26 05:00:07 GMT", True, id="equal in RFC 850's form"),
        pytest.param("Thu Mar  5 05:00:07 2026", True, id="equal in asctime's form"),
        pytest.param("Thu Mar  5 05:00:06 2026", False, id="earlier in asctime's form"),
        pytest.param("", False, id="empty"),
        pytest.param("yesterday", False, id="a word"),
        pytest.param("Thu, 99 Mar 2026 05:00:07 GMT", False, id="no such day"),
        pytest.param("Thu, 05 Mar 99999 05:00:07 GMT", False, id="no such year"),
        pytest.param("Thu, 05 Mar 2026 05:00:07 +999999", False, id="no such zone"),
        pytest.param("1772686807", False, id="a number of seconds"),
        pytest.param("\x00\xff", False, id="garbage"),
    ],
)
def test_a_reader_has_what_has_not_changed_since_its_date(if_modified_since: str, expected: bool) -> None:
    assert has(if_modified_since=if_modified_since) is expected


@pytest.mark.parametrize(
    ("if_none_match", "expected"), [('"other"', False), ("", False), (ETAG, True)], ids=["other", "empty", "same"]
)
def test_the_tag_is_asked_before_the_date(if_none_match: str, expected: bool) -> None:
    later, earlier = "Fri, 01 Jan 2100 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"
    answers = {has(if_none_match=if_none_match, if_modified_since=date) for date in (later, earlier, "garbage", None)}
    assert answers == {expected}


def test_with_a_problem_only_the_very_same_date_counts() -> None:
    told = mark(representation(), ["arXiv is away."])
    seconds = [(at - told.last_modified).total_seconds() for at in (CHANGED, mark(told, ["It is back."]).last_modified)]
    assert (0 < seconds[0] < 60, seconds[1] < 0) == (True, True)
    dates = [told.last_modified + timedelta(seconds=step) for step in (-1, 0, 1, 999)]
    assert [has(told, if_modified_since=format_datetime(date, usegmt=True)) for date in dates] == [
        False,
        True,
        False,
        False,
    ]
    assert (told.etag, told.body, mark(representation(), ())) == (ETAG, BODY, representation())


def test_a_date_after_the_present_is_none() -> None:
    """It was told by a clock of ours that was ahead."""
    date = "Thu, 05 Mar 2026 06:00:00 GMT"
    asked = [has(if_modified_since=date, now=CHANGED + timedelta(minutes=minutes)) for minutes in (50, 70)]
    assert asked == [False, True]


def test_without_conditions_the_reader_has_nothing() -> None:
    assert not has()


@pytest.mark.parametrize(
    "moment",
    [
        CHANGED.replace(microsecond=999_999),
        CHANGED.astimezone(timezone(timedelta(hours=-5))),
    ],
    ids=["with microseconds", "in another zone"],
)
def test_the_date_that_is_sent_is_the_one_that_is_compared(moment: datetime) -> None:
    told = representation(last_modified=moment)
    sent = headers_of(told, keep_for=timedelta(0))["Last-Modified"]
    assert (sent, has(told, if_modified_since=sent)) == (
        "Thu, 05 Mar 2026 05:00:07 GMT",
        True,
    )


@pytest.mark.parametrize(
    ("before", "is_current", "minutes"),
    [
        pytest.param(timedelta(hours=15), True, 30, id="long before"),
        pytest.param(timedelta(minutes=30), True, 30, id="just as long before"),
        pytest.param(timedelta(minutes=12), True, 12, id="shortly before"),
        pytest.param(timedelta(0), True, 0, id="at the mailing"),
        pytest.param(timedelta(minutes=-1), True, 0, id="past it"),
        pytest.param(timedelta(hours=15), False, 5, id="old data"),
        pytest.param(timedelta(minutes=2), False, 2, id="old data shortly before"),
    ],
)
def test_an_answer_is_kept_for_a_while_but_never_past_the_next_mailing(
    before: timedelta, is_current: bool, minutes: int
) -> None:
    assert max_age(MAILING - before, MAILING, is_current=is_current) == timedelta(minutes=minutes)


def test_part_of_a_second_before_the_mailing_does_not_count() -> None:
    kept = max_age(MAILING - timedelta(seconds=1.9), MAILING, is_current=True)
    assert headers_of(representation(), keep_for=kept)["Cache-Control"] == "public, max-age=1"


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        (None, "identity"),
        ("", "identity"),
        ("identity", "identity"),
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("GZIP", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0.5,gzip;q=0.5", "br"),
        ("br ; q=0.1 , gzip ; q=0.9", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0.000", "identity"),
        ("br;Q=0, *", "gzip"),
        ("br;q=0, gzip;q=0", "identity"),
        ("br;q=0, *", "gzip"),
        ("*", "br"),
        ("*;q=0", "identity"),
        ("*;q=0, gzip", "gzip"),
        ("gzip;q=1.0.0", "identity"),
        ("gzip;q=", "identity"),
        ("gzip;q=x, br;q=0.2", "br"),
        ("gzip;level=9", "identity"),
        ("deflate, compress", "identity"),
        (",, ;", "identity"),
        ("identity;q=1, gzip;q=0.1", "identity"),
        ("gzip;q=0.5, br;q=0.7, identity", "identity"),
        ("gzip, identity", "gzip"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
    ],
)
def test_the_coding_is_the_best_one_that_the_reader_takes(accept_encoding: str | None, expected: Coding) -> None:
    assert choose_coding(accept_encoding, LARGE) == expected


@pytest.mark.parametrize(("size", "expected"), [(511, "identity"), (512, "br")])
def test_what_is_small_is_not_compressed(size: int, expected: Coding) -> None:
    assert choose_coding("gzip, br", size) == expected


def test_each_coding_decodes_to_the_same_bytes_and_is_smaller() -> None:
    told = representation()
    decoded = {
        "identity": told.encode("identity"),
        "gzip": gzip.decompress(told.encode("gzip")),
        "br": brotli.decompress(told.encode("br")),
    }
    assert set(decoded.values()) == {BODY}
    assert max(len(told.encode("gzip")), len(told.encode("br"))) < LARGE / 2


def test_compressed_forms_are_made_once_and_are_the_same_everywhere() -> None:
    told, other = representation(), representation()
    assert told.encode("gzip") is told.encode("gzip")
    assert told.encode("gzip") == other.encode("gzip")
    assert told.encode("gzip")[4:8] == bytes(4)  # RFC 1952: the time it was made, here none


@pytest.mark.parametrize(
    ("kept", "until", "told"),
    [
        (1800, 36_000, "max-age=1800, stale-while-revalidate=34200, stale-if-error=86400"),
        (300, 172_800, "max-age=300, stale-while-revalidate=172500, stale-if-error=172500"),
        (0, 0, "max-age=0, stale-while-revalidate=0, stale-if-error=86400"),
    ],
)
def test_a_cdn_may_answer_with_what_it_has_until_the_next_mailing_and_a_day_while_the_service_fails(
    kept: int, until: int, told: str
) -> None:
    headers = headers_of(
        representation(), keep_for=timedelta(seconds=kept), until_next_mailing=timedelta(seconds=until)
    )
    assert headers["Vercel-CDN-Cache-Control"] == told


def test_elsewhere_there_is_no_header_for_a_cdn() -> None:
    assert "Vercel-CDN-Cache-Control" not in headers_of(representation(), keep_for=timedelta(seconds=1))
