"""Every way in which arXiv fails: no paper is lost, no feed gets shorter, arXiv is left alone, and all recovers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.arxiv.client import ArxivClient
from core.catalogue import Selection
from demo.faults import FAULTS
from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, WEEK, Running, running

WIDE = {**CONFIG, "keywords": [], "min_score": 0, "exclude_keywords": [], "max_papers": 2000}
CATEGORIES = frozenset(CONFIG["categories"])
MORNING = datetime(2026, 3, 4, 14, 0, tzinfo=UTC)
NEXT_DAY = datetime(2026, 3, 5, 5, 2, tzinfo=UTC)  # a minute after the mailing is due
WINDOW = "2026-02-27"  # what is listed before it leaves the feed when the next mailing comes
PATIENCE = timedelta(hours=9)


@pytest.fixture(autouse=True)
def _short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never answers is given up soon."""
    defaults = ArxivClient.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "deadline_seconds", 0.3)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the mailings of a week but the last, complete."""
    folder = tmp_path_factory.mktemp("filled")
    with ArxivStandIn(WEEK) as arxiv, running(folder, arxiv, config=WIDE) as service:
        service.clock.now = MORNING
        arxiv.show(WEEK[-2].day)
        service.refresh()
        service.runner.run(service.service.freshness.heal())
    return folder / "papers.sqlite3"


@contextmanager
def world(folder: Path, filled: Path) -> Iterator[tuple[Running, ArxivStandIn]]:
    """A service with all of that, at a time when the next mailing is due and shown."""
    shutil.copy(filled, folder / filled.name)
    with ArxivStandIn(WEEK) as arxiv, running(folder, arxiv, config=WIDE) as service:
        service.clock.now = NEXT_DAY
        yield service, arxiv


def listed(service: Running) -> set[str]:
    """What the default feed lists, asked for as a reader does: arXiv is asked first where it is time."""
    selection = Selection("default", service.service.config.default)
    items = service.runner.run(service.service.select(selection)).selected.items
    return {item.paper.id for item in items if str(item.mailing) >= WINDOW}


def poll(service: Running, hours: float, *, every: timedelta = timedelta(minutes=15)) -> list[set[str]]:
    """What a reader sees who comes again and again for some *hours*."""
    end = service.clock.now + timedelta(hours=hours)
    seen = []
    while service.clock.now < end:
        seen.append(listed(service))
        service.runner.run(service.service.freshness.heal(only_when_due=True))
        service.clock.advance(every)
    return seen


def announced() -> set[str]:
    """Every paper that was announced as new or as a cross-list in the last two mailings."""
    return {
        listing.paper.id
        for mailing in WEEK[-2:]
        for listing in mailing.listings
        if listing.event != "replace" and listing.announce_type(CATEGORIES)
    }


def check_ledgers(service: Running) -> None:
    """Received = new + updated + duplicate + rejected; of each mailing: announced = listed + filtered."""
    state = service.runner.run(service.service.store.load_refresh("+".join(service.service.config.categories)))
    assert state is not None
    assert state.ledger.is_balanced
    config = service.service.config
    selected = service.runner.run(service.service.catalogue.select(Selection("default", config.default)))
    stored = service.runner.run(service.service.store.load_records(since=WEEK[0].day))
    for mailing in selected.mailings:
        told = sum(any(one.mailing == mailing for one in record.announcements) for record in stored)
        assert sum(selected.count(mailing).values()) == told


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_feeds_loses_nothing_and_passes(tmp_path: Path, filled: Path, name: str) -> None:
    with world(tmp_path, filled) as (service, arxiv):
        before = listed_without_asking(service)
        asked = len(arxiv.requests)
        arxiv.answer_with(FAULTS[name](), times=50, path="/rss")
        seen = poll(service, 1)
        assert (service.ask("/rss").status_code, service.ask("/atom/cs.AI").status_code) == (200, 200)
        assert all(before <= one for one in seen)
        assert len([one for one in arxiv.requests[asked:] if one.path.startswith("/rss")]) <= 30
        arxiv.forget_faults()
        poll(service, PATIENCE / timedelta(hours=1), every=timedelta(hours=3))
        assert announced() <= listed(service)
        check_ledgers(service)


QUICK = {"429 with seconds", "500", "reset in body", "truncated XML", "partly malformed", "empty page", "short page"}
OF_SEARCH = [name if name in QUICK else pytest.param(name, marks=pytest.mark.soak) for name in FAULTS]


@pytest.mark.parametrize("name", OF_SEARCH)
def test_a_fault_of_the_search_touches_no_feed_and_passes(tmp_path: Path, filled: Path, name: str) -> None:
    with world(tmp_path, filled) as (service, arxiv):
        arxiv.make_stale("cs.AI")
        arxiv.answer_with(FAULTS[name](), times=50, path="/api")
        before = listed(service)
        assert all(before <= one for one in poll(service, 1))
        arxiv.forget_faults()
        poll(service, PATIENCE / timedelta(hours=1), every=timedelta(hours=3))
        missing = announced() - listed(service)
        late = {listing.paper.id for listing in WEEK[-1].listings if listing.event == "cross"}
        assert missing <= late  # which no search finds
        check_ledgers(service)


def listed_without_asking(service: Running) -> set[str]:
    config = service.service.config
    selected = service.runner.run(service.service.catalogue.select(Selection("default", config.default)))
    return {item.paper.id for item in selected.items if str(item.mailing) >= WINDOW}
