"""A process that writes to a store, for the tests that need more than one, or some to kill.

`python -m tests.core.store.writer URL FIRST LAST` says `ready` and opens the store when a line comes in; then it writes
one transaction after another and says the number of each when it is done. With `and die` it kills itself in the midst
of one more. With `and kill COUNT` it writes nothing itself: COUNT times it starts a child that writes from FIRST on,
kills it at some moment, and says which ones the child had done; there can be 2,000 transactions in all.
"""

from __future__ import annotations

import asyncio
import os
import random
import select
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO, TypeAlias

from core.papers import Announcement, AnnounceType
from core.store.records import Changes
from core.store.redis import RedisStore
from core.store.sqlite import SqliteStore
from tests.builders import DAY, MOMENT, paper

Store: TypeAlias = SqliteStore | RedisStore

PAPERS_PER_TRANSACTION = 50
KEEP = timedelta(days=45)


def _present() -> datetime:
    return datetime.now(UTC)


def open_store(url: str, *, clock: Callable[[], datetime] = _present) -> Store:
    """The store at *url*, whose leases end by *clock*."""
    if url.startswith("sqlite:///"):
        return SqliteStore(Path(url.removeprefix("sqlite:///")), clock=clock)
    return RedisStore(url, keep=KEEP, clock=clock)


def build_changes(transaction: int) -> Changes:
    """Papers that nobody else writes; each says in its comment which transaction it is of."""
    papers = tuple(
        paper(id=f"2601.{transaction * PAPERS_PER_TRANSACTION + place:05}", comment=str(transaction))
        for place in range(PAPERS_PER_TRANSACTION)
    )
    types = (("cs.LG", AnnounceType.NEW),)
    return Changes(papers, tuple(Announcement(DAY, one.id, 1, types) for one in papers))


class Deadly(tuple[Announcement, ...]):
    """Announcements that nobody survives who looks at them, which is when a file has the papers already."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Announcement]:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().__iter__()


class DeadlyRedis(RedisStore):
    """A shared store that nobody survives who has staged something."""

    async def _stage(self, name: str, fields: Sequence[tuple[str, bytes]]) -> None:
        await super()._stage(name, fields)
        os.kill(os.getpid(), signal.SIGKILL)


async def write(store: Store, changes: Changes) -> None:
    """Write *changes*, however often others come first."""
    written = False
    while not written:
        revision = await store.load_revision()
        written = await store.apply(changes, based_on=revision.number, now=MOMENT)


async def write_all(url: str, first: int, last: int, say: Callable[[str], None]) -> None:
    store = open_store(url)
    for transaction in range(first, last + 1):
        await write(store, build_changes(transaction))
        say(str(transaction))
    await store.close()


async def die(url: str, transaction: int) -> None:
    """Be killed in the midst of *transaction*."""
    changes = build_changes(transaction)
    if url.startswith("sqlite:"):
        await write(open_store(url), replace(changes, announcements=Deadly(changes.announcements)))
    else:
        await write(DeadlyRedis(url, keep=KEEP), changes)


def kill_children(url: str, first: int, count: int) -> None:
    chance = random.Random(count)  # noqa: S311 - no secret
    for _ in range(count):
        child, done = _start_child(url, first)
        with closing(done):
            said = [done.readline() for _ in range(chance.randint(1, 3))]
            select.select([done], [], [], chance.uniform(0, 0.005))  # until it says more, or somewhere in between
            os.kill(child, signal.SIGKILL)
            said += done.readlines()
        os.waitpid(child, 0)
        for line in said:
            _say(line.strip())
        first = max(int(line) + 1 for line in said)


def _start_child(url: str, first: int) -> tuple[int, TextIO]:
    """A process that writes from *first* on, and where it says what it has done."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        asyncio.run(write_all(url, first, first + 1_000, lambda text: _put(writing, text)))
        os._exit(0)
    os.close(writing)
    return child, os.fdopen(reading)


def main(url: str, first: int, last: int, *options: str) -> None:
    _say("ready")
    sys.stdin.readline()
    if options[:1] == ("and kill",):
        kill_children(url, first, int(options[1]))
        return
    asyncio.run(write_all(url, first, last, _say))
    if options == ("and die",):
        asyncio.run(die(url, last + 1))


def _say(text: str) -> None:
    _put(sys.stdout.fileno(), text)


def _put(file: int, text: str) -> None:
    os.write(file, f"{text}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
