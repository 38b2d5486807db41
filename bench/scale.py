"""Feeds and a refresh with 10,000 and 100,000 stored papers: `python -m bench scale`.

Every store ends with the same week, 7,000 papers; older mailings repeat the texts of one. Measured in CPU time, store
after store in turns: the refresh that brings the next mailing of 1,200 papers, then the default feed in a process that
has read nothing yet, the same once more, and a personal feed for words that nobody asked for before.

`python -m bench.scale 10000 1000000` compares other sizes; a million papers take some minutes and 4 GB of disk.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from api.selection import SelectionParameters, parse_selection
from bench import ours
from bench.made_up import CATEGORIES, WEEK, Inventor, announce, read_records
from bench.table import Row, at_most, compare, write_table
from core.config import load_config
from core.learning import Learner
from core.settings import PROJECT_FOLDER
from core.store.records import Changes, PaperRecord
from core.store.sqlite import SqliteStore

SIZES = (10_000, 100_000)
MAILING_PAPERS, NEW_PAPERS = 1_400, 1_200
NEXT_DAYS = tuple(WEEK[-1] + timedelta(days=past) for past in (3, 4, 5, 6, 7))  # from Monday on
_LAST_READ = datetime(2026, 3, 6, 6, tzinfo=UTC)
_MAILINGS_AT_ONCE = 10
_CONFIG = load_config(PROJECT_FOLDER / "config.json")

# What is measured, and what it may take of the time with the fewest papers.
_AIMS = {
    "refresh of 1,200 papers": at_most(1.3),
    "feed, nothing read yet": at_most(1.3),
    "feed, asked for again": at_most(1.3),
    "personal feed": at_most(1.3),
}


@dataclass
class _Spent:
    """Milliseconds by what was measured, a figure for each round."""

    by_kind: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in _AIMS})

    async def measure(self, kind: str, work: Callable[[], Awaitable[object]]) -> None:
        started = time.process_time()
        await work()
        self.by_kind[kind].append(1_000 * (time.process_time() - started))


def rows(sizes: Sequence[int] = SIZES) -> Iterator[Row]:
    """Each of *sizes* but the first against the first."""
    inventor = Inventor()
    week = list(_invent_week(inventor))
    spent = {size: _Spent() for size in sizes}
    with TemporaryDirectory() as folder:
        paths = {size: Path(folder) / f"{size}.sqlite3" for size in sizes}
        for size, path in paths.items():
            asyncio.run(_fill(path, week, size))
        for place, day in enumerate(NEXT_DAYS):
            listings = inventor.invent_mailing(NEW_PAPERS, day=day, first=50_000 + place * NEW_PAPERS)
            feeds = {"+".join(CATEGORIES): announce(listings, CATEGORIES, day)}
            words = " ".join(inventor.draw_terms(2))
            for size in sizes:
                asyncio.run(_go_through_day(paths[size], feeds, day, words, spent[size]))
    first, *others = sizes
    for size in others:
        for kind, aim in _AIMS.items():
            many, few = spent[size].by_kind[kind], spent[first].by_kind[kind]
            note = f"{median(many):.1f} ms against {median(few):.1f} ms of CPU"
            yield compare(f"{kind}, {size:,} papers stored", f"{first:,} stored", many, few, aim, note=note)


async def _go_through_day(path: Path, feeds: dict[str, bytes], day: date, words: str, spent: _Spent) -> None:
    """The refresh of *day*, and the feeds after it, in parts that have read nothing before."""
    parts = ours.join(_CONFIG, feeds.__getitem__, path=path, now=datetime(day.year, day.month, day.day, 6, tzinfo=UTC))
    personal = parse_selection("default", SelectionParameters.model_validate({"q": words}), _CONFIG)
    await spent.measure("refresh of 1,200 papers", parts.freshness.refresh)
    await spent.measure("feed, nothing read yet", lambda: ours.read_feed(parts))
    await spent.measure("feed, asked for again", lambda: ours.read_feed(parts))
    await spent.measure("personal feed", lambda: ours.read_feed(parts, personal))
    await parts.store.close()


def _invent_week(inventor: Inventor) -> Iterator[tuple[date, list[PaperRecord]]]:
    for place, day in enumerate(WEEK):
        listings = inventor.invent_mailing(MAILING_PAPERS, day=day, first=place * MAILING_PAPERS)
        yield day, read_records(listings, day)


async def _fill(path: Path, week: Sequence[tuple[date, list[PaperRecord]]], size: int) -> None:
    """A store of *size* papers in the file *path* that ends with *week*, as if it had been refreshed all the time."""
    store = SqliteStore(path)
    await _save(store, [record for _, records in week for record in records])
    await Learner(_CONFIG.every_profile).learn(CATEGORIES, store, now=_LAST_READ)
    left = size - sum(len(records) for _, records in week)
    waiting: list[PaperRecord] = []
    for number, day in enumerate(_weekdays_before(WEEK[0])):
        some = week[0][1][: min(left, MAILING_PAPERS)]
        waiting += [_copy_to(day, number % 20 * MAILING_PAPERS + place, one) for place, one in enumerate(some)]
        left -= len(some)
        if len(waiting) >= _MAILINGS_AT_ONCE * MAILING_PAPERS or not left:
            await _save(store, waiting)
            waiting = []
        if not left:
            break
    await store.close()


async def _save(store: SqliteStore, records: Sequence[PaperRecord]) -> None:
    announcements = tuple(announcement for one in records for announcement in one.announcements)
    revision = await store.load_revision()
    changes = Changes(tuple(one.paper for one in records), announcements)
    await store.apply(changes, based_on=revision.number, now=_LAST_READ)


def _weekdays_before(day: date) -> Iterator[date]:
    while True:
        day -= timedelta(days=3 if day.weekday() == 0 else 1)
        yield day


def _copy_to(day: date, number: int, record: PaperRecord) -> PaperRecord:
    """The text of *record* as another paper, number *number* of its month, in the mailing of *day*."""
    paper_id = f"{day:%y%m}.{number:05}"
    announced = (replace(record.announcements[0], mailing=day, paper_id=paper_id),)
    return PaperRecord(replace(record.paper, id=paper_id), announced)


if __name__ == "__main__":
    write_table(rows([int(size) for size in sys.argv[1:]] or SIZES))
