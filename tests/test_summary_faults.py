"""Every way in which the model's service fails: no item is lost, each says why it has no summary, and all recovers.

The service is the stand-in of DashScope over a real socket, the adapter the real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import feedparser
import pytest

from core.catalogue import Catalogue, FeedAddresses, Selection, build_feed
from core.feeds.rss_atom import render_rss
from core.store.sqlite import SqliteStore
from core.summaries import writing
from core.summaries.attempts import DEFERRED, WRITTEN
from core.summaries.dashscope import DashScope
from core.summaries.job import Summaries
from core.summaries.options import Limits, Options
from demo.model import ModelStandIn
from demo.model_faults import FAULTS
from tests.core.summaries.test_job import FRIDAY, PROFILE, Desk
from tests.core.summaries.working import FakeTexts, FakeWorld

T = TypeVar("T")

PAPERS = 3
OPTIONS = Options(
    is_enabled=True,
    language="en",
    papers=PAPERS,
    workers=1,
    sources=("abstract",),
    timeout_seconds=0.3,
    limits=Limits(papers_per_day=None),
)
ADDRESSES = FeedAddresses("https://x.example/", "https://x.example/rss", "", "")
GOOD = {
    "slow_drip",
    "xss",
    "control_characters",
    "line_separators",
    "surrogates",
    "fenced",
    "think_block",
    "preamble",
    "gzip",
    "fabricated_numbers",
    "invented_url",
    "injection_in_tldr",
}  # after which there is a summary all the same, made safe


@dataclass
class Scene:
    """A desk with the real adapter, and the service behind it."""

    desk: Desk
    service: ModelStandIn
    adapter: DashScope

    def job(self) -> Summaries:
        return self.desk.job(model=self.adapter)

    async def read(self) -> list[tuple[str, str]]:
        """What a reader sees: the guid and the content of each entry."""
        selected = await self.desk.select(PROFILE)
        feed = build_feed(Selection("default", PROFILE), selected, title="x", addresses=ADDRESSES)
        parsed = feedparser.parse(render_rss(feed))
        assert not parsed.bozo
        return [(entry.id, entry.content[0].value) for entry in parsed.entries]


def play(folder: Path, scene: Callable[[Scene], Awaitable[T]], *, protocol: str = "native") -> T:
    async def whole(service: ModelStandIn) -> T:
        store, world = SqliteStore(folder / "papers.sqlite3"), FakeWorld()
        desk = Desk(store, None, FakeTexts(), world, (PROFILE,), OPTIONS, Catalogue(store))
        await desk.announce(FRIDAY, 1, 2, 3, 4, good=PAPERS)
        base_url = service.native_base if protocol == "native" else service.openai_base
        try:
            return await scene(
                Scene(desk, service, DashScope(service.api_key, base_url=base_url, is_native=protocol == "native"))
            )
        finally:
            await store.close()

    with ModelStandIn() as service:
        return asyncio.run(whole(service))


@pytest.mark.parametrize("protocol", ["native", pytest.param("openai", marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_that_lasts_takes_no_item_and_every_paper_has_a_summary_or_a_reason(
    tmp_path: Path, name: str, protocol: str
) -> None:
    async def scene(one: Scene) -> None:
        before = await one.read()
        one.service.answer_with(FAULTS[name](), times=None)
        run = await one.job().run()
        after = await one.read()
        assert [guid for guid, _ in after] == [guid for guid, _ in before]
        told = [content for _, content in after if "AI summary" in content]
        assert len(told) == PAPERS
        assert (run.written + run.failed + run.deferred, run.written == PAPERS) == (PAPERS, name in GOOD)
        assert run.usage.calls == len(one.service.calls) <= PAPERS * writing._ATTEMPTS
        for content in told:
            assert ("No AI summary" in content) is (name not in GOOD)

    play(tmp_path, scene, protocol=protocol)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_after_a_fault_that_passes_the_next_runs_write_what_was_left_and_nothing_twice(
    tmp_path: Path, name: str
) -> None:
    async def scene(one: Scene) -> None:
        one.service.answer_with(FAULTS[name]())
        for _ in range(3):
            await one.job().run()
            one.desk.world.now += timedelta(hours=1)
        codes = await one.desk.codes()
        lasting = {code for code in codes.values() if code != WRITTEN}
        assert (len(codes), lasting & DEFERRED) == (PAPERS, set())
        assert len(lasting) <= 1
        calls = len(one.service.calls)
        assert calls <= PAPERS + writing._ATTEMPTS
        await one.job().run()
        assert len(one.service.calls) == calls

    play(tmp_path, scene)
