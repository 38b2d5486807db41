"""What a month of summaries takes, and how many papers have one while the model's service fails.

    python -m bench.summaries

The service is the stand-in of DashScope over a real socket, the adapter, the checks, the budgets and the store are the
real ones. Tokens are those of the stand-in's short texts, so a second line gives the cost of as many calls of real
size: 15,000 tokens of a full text in and 2,479 out, the mean of 2,546 summaries that the origin published.
"""

from __future__ import annotations

import asyncio
import logging
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from core.catalogue import Catalogue, Selected, Selection
from core.papers import Announcement, AnnounceType, Author, Paper
from core.profiles import Profile
from core.store.records import Changes
from core.store.sqlite import SqliteStore
from core.summaries.attempts import Run, Usage
from core.summaries.dashscope import DashScope
from core.summaries.job import Summaries
from core.summaries.options import KNOWN_PRICES, Limits, Options
from core.summaries.writing import World
from demo.model import ModelStandIn
from demo.model_faults import FAULTS

_FIRST = date(2026, 3, 2)
_MAILINGS = 21
_PAPERS = 20  # of a mailing, of which the best 15 are summarised
_BEST = 15
_REAL_TOKENS = (15_000, 2_479)
_DAY_OF_OUTAGE = 9
_FAULTS_OF_A_MONTH = {
    "throttling": 0.03,
    "internal_error": 0.01,
    "missing_section": 0.01,
    "data_inspection_failed": 0.005,
}
_PROFILE = Profile("default", ("cs.LG",), language="en", ranking="count", max_papers=_PAPERS, days_back=30)
_OPTIONS = Options(
    is_enabled=True,
    language="en",
    papers=_BEST,
    sources=("abstract",),
    timeout_seconds=0.5,
    limits=Limits(None, None, None),
)


@dataclass
class _Month:
    """A store that mailings come into, and the job on it, at a time of its own."""

    store: SqliteStore
    service: ModelStandIn
    now: datetime = field(default_factory=lambda: datetime(2026, 3, 2, 6, tzinfo=UTC))
    catalogue: Catalogue = field(init=False)

    def __post_init__(self) -> None:
        self.catalogue = Catalogue(self.store)

    async def announce(self, day: date) -> None:
        papers = tuple(_papers(day))
        announced = tuple(Announcement(day, one.id, 1, (("cs.LG", AnnounceType.NEW),)) for one in papers)
        revision = await self.store.load_revision()
        await self.store.apply(Changes(papers, announced), based_on=revision.number, now=self.now)

    async def run(self, papers: int = _BEST) -> Run:
        return await Summaries(
            replace(_OPTIONS, papers=papers),
            profiles=(_PROFILE,),
            select=self._select,
            store=self.store,
            model=DashScope(self.service.api_key, base_url=self.service.native_base),
            texts=_NoTexts(),
            clock=lambda: self.now,
            world=World(_no_pause, self._monotonic, lambda: "abcd1234", lambda: 0.0),
        ).run()

    async def shares(self) -> tuple[int, int]:
        """How many items have a summary, and how many have one or the reason why there is none."""
        items = (await self._select(_PROFILE)).items
        written = sum(item.summary is not None for item in items)
        return written, sum(item.attempt is not None for item in items)

    async def _select(self, profile: Profile) -> Selected:
        return await self.catalogue.select(Selection(profile.name, profile))

    def _monotonic(self) -> float:
        return self.now.timestamp()


class _NoTexts:
    async def fetch_full_text_page(self, paper: Paper) -> bytes | None:
        return None

    async def fetch_pdf(self, paper: Paper) -> bytes | None:
        return None


async def _no_pause(_: float) -> None:
    """Pauses take no time here."""


def _papers(day: date) -> Iterator[Paper]:
    for number in range(_PAPERS):
        title = f"Paper {number} of {day}"
        abstract = (
            f"We measure {number + 11} kernels on {number + 21} machines. They are {number + 1.5} times as fast. " * 4
        )
        yield Paper(
            id=f"2603.{day.day:02}{number:03}",
            version=1,
            title=title,
            authors=(Author("Ada Lovelace"),),
            abstract=abstract,
            categories=("cs.LG",),
            raw_title=title,
            raw_authors="Ada Lovelace",
            raw_abstract=abstract,
        )


async def _simulate_month(service: ModelStandIn, folder: Path) -> None:
    """A month with the faults of a usual one, and a day on which the service is away."""
    dice = random.Random(7)  # noqa: S311 - the same month every time
    month = _Month(SqliteStore(folder / "month.sqlite3"), service)
    total, reruns = Usage(), 0
    days = [_FIRST + timedelta(days=number) for number in range(30)]
    mailings = [day for day in days if day.weekday() < 5][:_MAILINGS]
    for place, day in enumerate(mailings):
        month.now = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
        await month.announce(day)
        service.forget_faults()
        if place == _DAY_OF_OUTAGE:
            service.answer_with(FAULTS["unavailable"](), times=None)
        for _ in range(_BEST):
            for name, share in _FAULTS_OF_A_MONTH.items():
                if dice.random() < share:
                    service.answer_with(FAULTS[name]())
        total += (await month.run()).usage
        reruns += (await month.run()).usage.calls if place != _DAY_OF_OUTAGE else 0
    written, told = await month.shares()
    await month.store.close()
    price = KNOWN_PRICES["qwen-long"]
    real = total.calls * (_REAL_TOKENS[0] * price.input + _REAL_TOKENS[1] * price.output) / 1_000_000
    print(f"A month of {_MAILINGS} mailings, the best {_BEST} of {_PAPERS} papers each, one day without the service:")  # noqa: T201
    print(f"  {written} summaries, {told - written} reasons for none, of {_MAILINGS * _BEST} papers chosen")  # noqa: T201
    print(f"  {total.calls} calls, {reruns} of them in second runs on the same day")  # noqa: T201
    print(f"  {total.tokens:,} tokens of the stand-in, {total.cost:.2f} CNY; {real:.2f} CNY for calls of real size")  # noqa: T201


async def _try_fault(name: str, service: ModelStandIn, folder: Path, *, times: int | None) -> tuple[int, int, int]:
    """Of 15 papers: how many have a summary, how many that or a reason, and the calls, in one run."""
    month = _Month(SqliteStore(folder / f"{name}-{times}.sqlite3"), service)
    await month.announce(_FIRST)
    service.forget_faults()
    service.answer_with(FAULTS[name](), times=times)
    run = await month.run()
    shares = await month.shares()
    await month.store.close()
    return (*shares, run.usage.calls)


async def main() -> None:
    """Prints the month, and the share of papers with a summary per fault."""
    with tempfile.TemporaryDirectory() as name, ModelStandIn() as service:
        folder = Path(name)
        await _simulate_month(service, folder)
        print(f"\nOf {_BEST} papers in one run, with the fault in every answer / in one answer of the service:")  # noqa: T201
        print(f"{'fault':32} {'with summary':>14} {'or a reason':>14} {'calls':>10}")  # noqa: T201
        for fault in sorted(FAULTS):
            always, once = [await _try_fault(fault, service, folder, times=times) for times in (None, 1)]
            cells = [f"{a} / {b}" for a, b in zip(always, once, strict=True)]
            print(f"{fault:32} {cells[0]:>14} {cells[1]:>14} {cells[2]:>10}")  # noqa: T201


if __name__ == "__main__":
    logging.disable()  # what fails on purpose is no news
    asyncio.run(main())
