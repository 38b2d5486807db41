"""How many bytes a paper takes in each store: `python -m bench.store_memory`.

The papers are made up, in arXiv's words and sizes. The server is the one that the tests start.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from api.service import Store
from bench.made_up import Inventor, read_records
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
    inventor = Inventor()
    for place in range(DAYS):
        day = FIRST + timedelta(days=place)
        records = read_records(inventor.invent_mailing(PAPERS_A_DAY, day=day, first=place * PAPERS_A_DAY), day)
        revision = await store.load_revision()
        changes = Changes(
            tuple(one.paper for one in records), tuple(told for one in records for told in one.announcements)
        )
        await store.apply(changes, based_on=revision.number, now=datetime(2026, 3, 20, tzinfo=UTC))
    await store.close()


if __name__ == "__main__":
    main()
