"""How many bytes a paper takes in each store: `python -m bench.store_memory`.

The papers are made up, of the size of arXiv's: an abstract of about 1,300 characters of words that hardly repeat, so
that compression gains what it gains on real ones. The server is the one that the tests start.
"""

from __future__ import annotations

import asyncio
import random
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from api.service import Store
from core.papers import Announcement, AnnounceType, Author, Paper
from core.store.records import Changes
from core.store.redis import RedisStore
from core.store.sqlite import SqliteStore
from tests.core.store.redis_server import redis_server

DAYS, PAPERS_A_DAY = 10, 400
FIRST = date(2026, 3, 2)
VOLUMES = {
    "45 days of four categories": 13_700,
    "a year of four categories": 110_000,
    "45 days of all categories": 41_000,
    "a year of all categories": 330_000,
}


def main() -> None:
    """Print bytes per paper, and what they come to."""
    with TemporaryDirectory() as folder, redis_server() as server:
        path = Path(folder) / "papers.sqlite3"
        asyncio.run(_fill(SqliteStore(path)))
        before = server.ask("INFO", "memory")["used_memory"]
        asyncio.run(_fill(RedisStore(server.url, keep=timedelta(days=400))))
        used = server.ask("INFO", "memory")["used_memory"] - before
        sizes = {"SQLite": path.stat().st_size, "Redis": used}
    for name, size in sizes.items():
        each = size / (DAYS * PAPERS_A_DAY)
        told = ", ".join(f"{what} {each * count / 1e6:,.0f} MB" for what, count in VOLUMES.items())
        sys.stdout.write(f"{name}: {each:,.0f} bytes a paper; {told}\n")


async def _fill(store: Store) -> None:
    drawn = random.Random(7)  # noqa: S311 - the same at every run
    words = ["".join(drawn.choices("etaoinshrdlu", k=drawn.randint(2, 11))) for _ in range(9_000)]
    for day in range(DAYS):
        mailing = FIRST + timedelta(days=day)
        papers = tuple(_write(drawn, words, f"2603.{day * PAPERS_A_DAY + place:05}") for place in range(PAPERS_A_DAY))
        types = (("cs.LG", AnnounceType.NEW), ("cs.AI", AnnounceType.CROSS))
        announcements = tuple(Announcement(mailing, one.id, 1, types) for one in papers)
        revision = await store.load_revision()
        await store.apply(
            Changes(papers, announcements), based_on=revision.number, now=datetime(2026, 3, 20, tzinfo=UTC)
        )
    await store.close()


def _write(drawn: random.Random, words: list[str], paper_id: str) -> Paper:
    title, abstract = (" ".join(drawn.choices(words, k=count)) for count in (11, 180))
    authors = tuple(Author(" ".join(drawn.choices(words, k=2)).title()) for _ in range(5))
    return Paper(
        id=paper_id,
        version=1,
        title=title,
        authors=authors,
        abstract=abstract,
        categories=("cs.LG", "cs.AI"),
        raw_title=title,
        raw_authors=", ".join(author.name for author in authors),
        raw_abstract=abstract,
        licence="http://creativecommons.org/licenses/by/4.0/",
    )


if __name__ == "__main__":
    main()
