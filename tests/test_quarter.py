"""A quarter of arXiv as it is: mailing days, weekends, holidays, stale and empty categories, restarts, lost stores.

The service runs as `serve` runs it, on a clock of the test's, against the stand-in. What happens when is drawn once,
with the rates measured of arXiv's feeds from November 2025 to August 2026: of 187 mailing days cs.AI was stale or empty
on 36, cs.LG on 6, cs.CL on 5.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from api.service import Service
from api.wiring import build_service
from core.catalogue import Selection
from core.mailings import EASTERN, is_mailing_day, mailing_of_submission
from core.papers import REPLACEMENTS, AnnounceType
from core.standing import find_gaps
from core.store.records import PaperRecord
from demo.mailing import Mailing
from demo.standin import ArxivStandIn
from demo.week import mailings_between
from tests.api.running import Clock, settings_for

pytestmark = pytest.mark.soak  # half a minute

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)  # two holidays, and the clocks go forward
CATEGORIES = ("cs.AI", "cs.CL", "cs.DC", "cs.LG")
DAYS_BACK = 7
CONFIG = {
    "categories": list(CATEGORIES),
    "keywords": ["LLM"],
    "min_score": 0,
    "max_papers": 2000,
    "days_back": DAYS_BACK,
}
RATES = {"cs.AI": 36 / 187, "cs.LG": 6 / 187, "cs.CL": 5 / 187}
MIDNIGHT = time(0, 1)


@dataclass
class Story:
    """What happened in the quarter, and what came of it."""

    mailings: tuple[Mailing, ...]
    records: dict[str, PaperRecord] = field(default_factory=dict)
    lapses: dict[tuple[date, str], str] = field(default_factory=dict)
    alarms: set[tuple[date, str]] = field(default_factory=set)
    listed: dict[str, set[date]] = field(default_factory=dict)
    vanished: set[str] = field(default_factory=set)
    unbalanced: list[str] = field(default_factory=list)
    open_gaps: Counter[date] = field(default_factory=Counter)
    feed_requests: int = 0
    search_requests: int = 0


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return asyncio.run(_live(tmp_path_factory.mktemp("quarter")))


async def _live(folder: Path) -> Story:
    drawn = random.Random(187)  # noqa: S311 - the same at every run
    story = Story(mailings_between(FIRST - timedelta(days=10), LAST))
    clock = Clock(_at(FIRST, MIDNIGHT))
    with ExitStack() as stack:
        arxiv = stack.enter_context(ArxivStandIn(story.mailings))
        service = _open(folder, arxiv, clock)
        for day in _days():
            _begin_day(story, arxiv, day, drawn)
            if drawn.random() < 0.1:
                await service.close()
                service = _open(folder, arxiv, clock)
            if day in LOST_STORES:
                await service.close()
                _lose_store(folder)
                service = _open(folder, arxiv, clock)
            await _live_day(story, service, clock, day, is_new_store=day in (FIRST, *LOST_STORES))
        story.records = {one.paper.id: one for one in await service.store.load_records(since=FIRST)}
        await service.close()
        story.feed_requests = sum(request.path.startswith("/rss") for request in arxiv.requests)
        story.search_requests = sum(request.path.startswith("/api") for request in arxiv.requests)
    return story


def _lose_store(folder: Path) -> None:
    for file in folder.glob("papers.sqlite3*"):
        file.unlink()


LOST_STORES = (date(2026, 2, 4), date(2026, 3, 12))


def _days() -> Iterator[date]:
    return (FIRST + timedelta(days=past) for past in range((LAST - FIRST).days + 1))


def _at(day: date, clock_time: time) -> datetime:
    return datetime.combine(day, clock_time, EASTERN)


def _open(folder: Path, arxiv: ArxivStandIn, clock: Clock) -> Service:
    return build_service(settings_for(folder, arxiv, config=CONFIG), clock=clock)


def _begin_day(story: Story, arxiv: ArxivStandIn, day: date, drawn: random.Random) -> None:
    """The stand-in shows *day*, on some days with categories that show the day before, or nothing."""
    arxiv.show(day)
    for category in CATEGORIES:
        arxiv.make_current(category)
        if not is_mailing_day(day) or drawn.random() >= RATES.get(category, 0):
            continue
        kind = drawn.choice(["all day", "all day", "until noon", "empty"])
        story.lapses[day, category] = kind
        if kind == "empty":
            arxiv.make_empty(category)
        else:
            arxiv.make_stale(category, for_requests=3 if kind == "until noon" else None)


async def _live_day(story: Story, service: Service, clock: Clock, day: date, *, is_new_store: bool) -> None:
    """What `serve` does in a day, and a reader after each of its steps."""
    clock.now = _at(day, MIDNIGHT)
    tomorrow = _at(day + timedelta(days=1), MIDNIGHT)
    before = set() if is_new_store else await _read(story, service)
    while clock.now < tomorrow:
        await service.freshness.ensure(CATEGORIES)
        healed = await service.freshness.heal(only_when_due=True)
        if not healed.ledger.is_balanced:
            story.unbalanced.append(f"{clock.now} {healed.ledger}")
        now = await _read(story, service)
        newest_left = {guid for guid in before - now if not _is_over(story, guid, day)}
        story.vanished |= newest_left
        before = now
        await _look(story, service, clock, day)
        clock.now = max(await service.freshness.next_look_at(), clock.now + timedelta(minutes=1))


async def _read(story: Story, service: Service) -> set[str]:
    """The entries that a reader sees in the default feed; each is noted with the mailing that it stands under."""
    answered = await service.select(Selection("default", service.config.default, limit=2000))
    for item in answered.selected.items:
        story.listed.setdefault(item.paper.id, set()).add(item.mailing)
    return {item.paper.id for item in answered.selected.items}


def _is_over(story: Story, guid: str, day: date) -> bool:
    """Whether an entry may leave the feed, since its mailing is older than the window."""
    return max(story.listed[guid]) <= day - timedelta(days=DAYS_BACK - 1)


async def _look(story: Story, service: Service, clock: Clock, day: date) -> None:
    """What /status would tell: which categories are stale, which mailings are missing, whether the ledger balances."""
    state = await service.store.load_refresh("+".join(CATEGORIES))
    assert state is not None
    if not state.ledger.is_balanced:
        story.unbalanced.append(f"{clock.now} {state.ledger}")
    for one in state.categories:
        if one.stale_because and is_mailing_day(day):
            story.alarms.add((day, one.category))
        for gap in find_gaps(one, now=clock.now, days_back=DAYS_BACK):
            if gap < day:
                story.open_gaps[gap] += 1


def announced_new(story: Story) -> dict[str, date]:
    """Every paper that was new in a followed category, with its mailing.

    Left out is what was held up for days and announced just before a store was lost: it was submitted before the days
    that a new store asks for.
    """
    return {
        listing.paper.id: mailing.day
        for mailing in story.mailings
        for listing in mailing.listings
        if listing.event == "new"
        and mailing.day >= FIRST
        and listing.announce_type(frozenset(CATEGORIES))
        and not any(
            mailing_of_submission(listing.paper.submitted) <= lost - timedelta(days=DAYS_BACK) < mailing.day < lost
            for lost in LOST_STORES
        )
    }


def announced_again(story: Story, event: str) -> dict[tuple[str, int], date]:
    """Every new version, or every later cross-list, of a followed category that some current category can bring."""
    return {
        (listing.paper.id, listing.paper.version): mailing.day
        for mailing in story.mailings
        for listing in mailing.listings
        if listing.event == event and mailing.day >= LOST_STORES[-1] and set(listing.announced_in) & set(CATEGORIES)
    }


def test_every_new_paper_is_stored_exactly_once(story: Story) -> None:
    since = LOST_STORES[-1] - timedelta(days=DAYS_BACK - 1)  # what came before went with the last lost store
    wanted = {paper_id for paper_id, day in announced_new(story).items() if day >= since}
    assert (wanted - story.records.keys(), len(wanted) > 300) == (set(), True)


def test_every_new_paper_was_listed(story: Story) -> None:
    assert announced_new(story).keys() - story.listed.keys() == set()


def test_no_paper_is_listed_twice(story: Story) -> None:
    """An entry stands under one mailing for good, unless the store that knew which one was lost."""
    moved = {paper_id: days for paper_id, days in story.listed.items() if len(days) > 1}
    assert {
        paper_id: days
        for paper_id, days in moved.items()
        if not any(min(days) <= lost <= max(days) + timedelta(days=DAYS_BACK) for lost in LOST_STORES)
    } == {}


def test_no_entry_leaves_a_feed_before_its_time(story: Story) -> None:
    assert story.vanished == set()


def test_no_paper_is_announced_as_new_in_two_mailings(story: Story) -> None:
    for record in story.records.values():
        told = Counter(
            category
            for one in record.announcements
            for category, announce_type in one.types
            if announce_type not in REPLACEMENTS
        )
        assert all(count == 1 for count in told.values()), record


def test_every_new_paper_stands_under_its_mailing(story: Story) -> None:
    """Known is the mailing that a feed brought; of a held up paper that healing found it is guessed."""
    wrong = {
        paper_id
        for paper_id, day in announced_new(story).items()
        if paper_id in story.records
        and day > LOST_STORES[-1]
        and not any(one.mailing == day for one in story.records[paper_id].announcements)
    }
    assert wrong == set()


def test_new_versions_are_not_lost_either(story: Story) -> None:
    told = {
        (record.paper.id, one.version)
        for record in story.records.values()
        for one in record.announcements
        if any(announce_type in REPLACEMENTS for _, announce_type in one.types)
    }
    wanted = {key for key in announced_again(story, "replace") if key[1] <= 5}
    assert (wanted - told, len(wanted) > 20) == (set(), True)


def test_late_cross_lists_are_lost_only_where_no_feed_ever_shows_them(story: Story) -> None:
    """The query API dates them by their submission, years ago: they come with a feed or not at all."""
    told = {
        record.paper.id
        for record in story.records.values()
        if any(AnnounceType.CROSS in dict(one.types).values() for one in record.announcements)
    }
    hidden = {day for (day, _), kind in story.lapses.items() if kind != "until noon"}
    wanted = announced_again(story, "cross")
    assert [key for key, day in wanted.items() if key[0] not in told and day not in hidden] == []


def test_every_lapse_is_noticed_and_nothing_else_is_an_alarm(story: Story) -> None:
    assert (story.alarms, len(story.lapses) > 10) == (set(story.lapses), True)


def test_no_gap_outlives_its_day(story: Story) -> None:
    assert story.open_gaps == Counter()


def test_every_ledger_balances(story: Story) -> None:
    assert story.unbalanced == []


def test_arxiv_is_asked_little(story: Story) -> None:
    """A feed a mailing day and a few more on stale days; the query API only where something was missing."""
    mailing_days = sum(is_mailing_day(day) for day in _days())
    assert story.feed_requests <= mailing_days + 8 * len({day for day, _ in story.lapses}) + 10
    assert story.search_requests <= 2 * (len(story.lapses) + 3) + 30
