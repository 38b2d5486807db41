"""Both contenders of the refresh do their work; how long it takes is not tested."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest

from bench import ours
from bench.made_up import CATEGORIES, WEEK, Inventor, announce
from bench.matching import match_anew, match_naively
from core.arxiv import rss
from core.arxiv.rss import parse_announcements
from core.config import load_config
from core.settings import PROJECT_FOLDER

NOW = datetime(2026, 3, 6, 6, tzinfo=UTC)


def test_our_refresh_stores_every_paper_and_gives_a_feed(tmp_path: Path) -> None:
    feeds = {"+".join(CATEGORIES): announce(Inventor().invent_mailing(160, day=WEEK[-1]), CATEGORIES, WEEK[-1])}
    config = load_config(PROJECT_FOLDER / "config.json")

    async def go() -> tuple[bytes, int]:
        parts = ours.join(config, feeds.__getitem__, path=tmp_path / "papers.sqlite3", now=NOW)
        feed = await ours.refresh(parts)
        stored = await parts.store.load_records(since=WEEK[-1])
        await parts.store.close()
        return feed, len(stored)

    feed, stored = asyncio.run(go())

    assert stored == 160
    assert 0 < len(feedparser.parse(feed).entries) <= 30


def test_a_feed_that_may_be_cut_off_is_asked_for_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rss, "MOST_ENTRIES", 60)
    listings = Inventor().invent_mailing(80, day=WEEK[-1])
    asked = (CATEGORIES, CATEGORIES[:2], CATEGORIES[2:])
    source = ours.RecordedSource({"+".join(one): announce(listings, one, WEEK[-1]) for one in asked}.__getitem__)

    announced = asyncio.run(source.fetch_announcements(CATEGORIES))

    assert (announced.requests, len({entry.paper.id for entry in announced.entries})) == (3, 80)


def test_matching_finds_what_naive_loops_find() -> None:
    listings = Inventor().invent_mailing(80, day=WEEK[-1])
    papers = [one.paper for one in parse_announcements(announce(listings, CATEGORIES, WEEK[-1])).entries]
    word = "framework"

    found, naive = match_anew(papers, [word]), match_naively(papers, [word])

    assert [points > 0 for points in found] == [points > 0 for points in naive]
