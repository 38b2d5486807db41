"""The work of a refresh as the service does it, without HTTP on either side: from the bytes of arXiv to the feed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from core.arxiv.announced import Announced, Submissions, Window
from core.arxiv.rss import parse_unless_cut_off
from core.catalogue import Catalogue, FeedAddresses, Selection, build_feed
from core.config import Config
from core.feeds.rss_atom import render_rss
from core.freshness import Freshness, Timing
from core.learning import Learner
from core.papers import Paper
from core.store.sqlite import SqliteStore

_ADDRESSES = FeedAddresses(*(f"http://localhost/{kind}" for kind in ("", "rss", "atom", "jsonfeed")))


class RecordedSource:
    """arXiv as far as *read* has what was recorded of it, by categories joined by +; what is too large is split."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read

    async def fetch_announcements(
        self, categories: Sequence[str], *, etag: str | None = None, apart: Collection[str] = ()
    ) -> Announced:
        feed = await asyncio.to_thread(parse_unless_cut_off, self._read("+".join(categories)))
        if feed is not None:
            return Announced((feed,), requests=1)
        middle = len(categories) // 2
        first = await self.fetch_announcements(categories[:middle])
        second = await self.fetch_announcements(categories[middle:])
        return replace(first, feeds=first.feeds + second.feeds, requests=1 + first.requests + second.requests)

    async def fetch_submissions(self, window: Window) -> Submissions:
        """The last page of a search that finds nothing: a mailing's feed is all there is."""
        return Submissions((), (), is_last=True)

    async def fetch_papers(self, ids: Iterable[str]) -> tuple[Paper, ...]:
        """None of *ids*, for the same reason."""
        return ()

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the service that a refresh and a feed go through."""

    config: Config
    store: SqliteStore
    freshness: Freshness
    catalogue: Catalogue


def join(config: Config, read: Callable[[str], bytes], *, path: Path, now: datetime) -> Parts:
    """The parts on a store in the file *path*, at the moment *now*, when arXiv has what *read* gives."""
    store = SqliteStore(path, clock=lambda: now)
    freshness = Freshness(
        source=RecordedSource(read),
        store=store,
        configured=config.categories,
        clock=lambda: now,
        timing=Timing(),
        days_back=config.days_back,
        learner=Learner(config.every_profile),
    )
    return Parts(config, store, freshness, Catalogue(store))


async def read_feed(parts: Parts, selection: Selection | None = None) -> bytes:
    """The RSS feed of *selection*, by default that of the default profile."""
    selection = selection or Selection("default", parts.config.default)
    selected = await parts.catalogue.select(selection)
    return render_rss(build_feed(selection, selected, title="arXiv papers", addresses=_ADDRESSES))


async def refresh(parts: Parts) -> bytes:
    """Refresh, and the feed after it."""
    await parts.freshness.refresh()
    return await read_feed(parts)
