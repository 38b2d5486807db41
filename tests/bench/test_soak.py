"""The judge of a soak sees what is wrong, a seed plans the same faults again, and a clock can be wrong for one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bench.client import Reply
from bench.soak_clock import SoakClock, create
from bench.soak_faults import KILL, LOSSES, Planned, StoreKind, plan_faults
from bench.soak_judge import (
    Entry,
    find_announced,
    find_impolite,
    find_repeated,
    find_unlike,
    find_untold,
    find_vanished,
    judge_status,
    read_entries,
    tell,
)
from core.feeds.json_feed import render_json_feed
from core.feeds.rss_atom import render_atom, render_rss
from demo.request_log import Request
from demo.week import mailings_between
from tests.core.feeds.samples import week

MONDAY = date(2026, 3, 2)
CATEGORIES = ("cs.AI", "cs.LG")


def entry(number: int, mailing: date = MONDAY) -> Entry:
    return Entry(f"2603.{number:05}", None, mailing)


def reply(body: bytes, *, coding: str = "") -> Reply:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n" if coding else "HTTP/1.1 200 OK\r\n\r\n"
    return Reply(200, head.encode(), body)


def json_feed(*numbers: int, title: str = "x") -> Reply:
    items = [
        {"id": f"https://arxiv.org/abs/2603.{number:05}", "title": title, "_arxiv": {"mailing": "2026-03-02"}}
        for number in numbers
    ]
    return reply(json.dumps({"items": items}).encode())


def request(started: float, ended: float | None) -> Request:
    return Request("GET", "/rss/cs.AI", "", {}, started, ended, ended)


# --- Feeds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "render"), [("rss", render_rss), ("atom", render_atom), ("jsonfeed", render_json_feed)]
)
def test_every_format_has_the_same_entries(kind: str, render: Callable[..., bytes]) -> None:
    body = render(week())
    plain, packed = read_entries(reply(body), kind), read_entries(reply(gzip.compress(body), coding="gzip"), kind)
    wanted = [(item.paper.id, item.mailing) for item in week().items]
    assert [(one.paper_id, one.mailing) for one in plain] == wanted
    assert packed == plain


def test_what_is_no_feed_is_refused() -> None:
    with pytest.raises(ValueError, match="no identifier"):
        read_entries(reply(b'{"items": [{"id": "x", "_arxiv": {"mailing": "2026-03-02"}}]}'), "jsonfeed")


def test_a_paper_that_stands_in_a_feed_twice_is_found() -> None:
    assert find_repeated([entry(1), entry(2), entry(1)]) == ("2603.00001",)


def test_a_lost_paper_is_found_while_its_mailing_is_in_the_window() -> None:
    before = [entry(1), entry(2)]
    vanished = [
        find_vanished(before, [entry(2)], today=MONDAY + timedelta(days=later), days_back=5) for later in range(6)
    ]
    assert vanished == [(entry(1),)] * 5 + [()]


def test_an_entry_that_moved_to_a_later_mailing_is_not_lost() -> None:
    assert find_vanished([entry(1)], [entry(1, MONDAY + timedelta(days=1))], today=MONDAY, days_back=5) == ()


def test_feeds_that_are_not_the_same_are_found_with_what_is_different() -> None:
    told = list(find_unlike("/jsonfeed/all", [json_feed(1, 2), json_feed(1)]))
    assert told == ["/jsonfeed/all is not the same for all, in: 2603.00002v of 2026-03-02"]


@pytest.mark.parametrize(("in_bytes", "count"), [(True, 1), (False, 0)])
def test_other_words_about_the_same_papers_are_found_where_bytes_count(in_bytes: bool, count: int) -> None:
    replies = [json_feed(1), json_feed(1, title="y")]
    assert len(list(find_unlike("/jsonfeed", replies, in_bytes=in_bytes))) == count


def test_equal_feeds_are_right_however_they_were_packed() -> None:
    plain = json_feed(1)
    assert list(find_unlike("/jsonfeed", [plain, reply(gzip.compress(plain.body), coding="gzip")])) == []


# --- Answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "retry_after", "is_right"),
    [
        ("feed", 200, None, True),
        ("feed", 304, None, True),
        ("feed", 500, None, False),
        ("feed", 503, "30", False),
        ("personal", 503, "5", True),
        ("personal", 503, None, False),
        ("garbage", 404, None, True),
        ("garbage", 500, None, False),
        ("refresh", 502, None, True),
        ("page", 502, None, False),
        ("refresh", 500, None, False),
    ],
)
def test_a_known_feed_has_no_5xx_and_nothing_else_one_that_helps_nobody(
    kind: str, status: int, retry_after: str | None, is_right: bool
) -> None:
    assert (judge_status(kind, status, retry_after) is None) is is_right


def test_an_item_with_neither_a_summary_nor_a_reason_is_found() -> None:
    items: list[dict[str, object]] = [
        {"id": "1", "summary": {"tldr": "x"}, "summary_absence": None},
        {"id": "2", "summary": None, "summary_absence": "the budget is used up"},
        {"id": "3", "summary": None, "summary_absence": None},
    ]
    assert list(find_untold(items)) == ["3 has neither a summary nor a reason for none"]


def test_many_that_are_wrong_alike_are_one_sentence() -> None:
    assert list(tell("lost", ["b", "a"])) == ["lost: a, b"]
    assert list(tell("lost", [str(number) for number in range(7)])) == ["lost: 0, 1, 2, 3, 4 and 2 more"]
    assert list(tell("lost", [])) == []


# --- arXiv ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "count"),
    [
        ([(0.0, 0.1), (0.25, 0.3)], 0),
        ([(0.0, 0.1), (0.15, 0.3)], 1),
        ([(0.0, 0.5), (0.2, 0.3), (0.45, 0.6)], 2),  # the second ended before the first
    ],
)
def test_who_asks_too_soon_or_at_the_same_time_is_found(times: list[tuple[float, float]], count: int) -> None:
    requests = [request(started, ended) for started, ended in times]
    assert len(list(find_impolite(requests, pause_seconds=0.1, excused=()))) == count


def test_who_asks_too_soon_after_a_store_forgot_everything_is_excused() -> None:
    requests = [request(0.0, 0.5), request(0.2, 0.3)]
    assert list(find_impolite(requests, pause_seconds=0.1, excused=[(0.1, 2.0)])) == []


def test_what_was_announced_is_what_feeds_and_the_search_tell_of() -> None:
    mailings = mailings_between(MONDAY, MONDAY + timedelta(days=4))
    found = find_announced(mailings, CATEGORIES, first=MONDAY, last=MONDAY + timedelta(days=1))
    listings = {listing.paper.id: listing for mailing in mailings[:2] for listing in mailing.listings}
    assert {event for event, _ in found.values()} == {"new", "replace"}
    assert {day for _, day in found.values()} == {MONDAY, MONDAY + timedelta(days=1)}
    assert all(set(listings[paper_id].paper.categories) & set(CATEGORIES) for paper_id in found)


# --- Faults and clocks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["redis", "sqlite"])
def test_a_seed_plans_the_same_faults_again_and_another_one_others(store: StoreKind) -> None:
    plans = [plan_faults(seed, 200, store) for seed in (1, 1, 2)]
    assert (plans[0] == plans[1], plans[0] == plans[2]) == (True, False)


@pytest.mark.parametrize("store", ["redis", "sqlite"])
def test_all_kinds_of_faults_come_and_end_in_time(store: StoreKind) -> None:
    plan = plan_faults(3, 300, store)
    assert {one.name for one in plan if one.track == "memory"} == {*LOSSES[store], KILL}
    assert max(one.ends_at for one in plan) <= 300


@pytest.mark.parametrize("store", ["redis", "sqlite"])
def test_no_process_is_lost_while_a_store_is(store: StoreKind) -> None:
    memory: list[Planned] = [one for one in plan_faults(5, 600, store) if one.track == "memory"]
    assert all(one.ends_at < other.at for one, other in pairwise(memory))


def test_a_clock_is_set_for_all_processes_or_wrong_for_one(tmp_path: Path) -> None:
    create(tmp_path / "clock")
    moment = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
    ours, theirs = (SoakClock(tmp_path / "clock", real=lambda: 1_000.0) for _ in range(2))
    ours.set(moment)
    ours.advance(timedelta(hours=3))
    ours.mislead(1, timedelta(days=-2))
    later = moment + timedelta(hours=3)
    assert [theirs.now(), theirs.now(0), theirs.now(1)] == [later, later, later - timedelta(days=2)]
