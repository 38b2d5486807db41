"""A process that writes to a store, for the tests that need more than one, or one to kill.

Says `ready` and opens the store when a line comes in; then writes one transaction after another and says the number of
each when it is done. Arguments: the store's file, the first and the last transaction, of which there can be 2,000. With
a further argument it kills itself in the midst of one more transaction.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from core.papers import Announcement, AnnounceType
from core.store.records import Changes
from core.store.sqlite import SqliteStore
from tests.builders import DAY, MOMENT, paper

PAPERS_PER_TRANSACTION = 50


def build_changes(transaction: int) -> Changes:
    """Papers that nobody else writes; each says in its comment which transaction it is of."""
    papers = tuple(
        paper(id=f"2601.{transaction * PAPERS_PER_TRANSACTION + place:05}", comment=str(transaction))
        for place in range(PAPERS_PER_TRANSACTION)
    )
    types = (("cs.LG", AnnounceType.NEW),)
    return Changes(papers, tuple(Announcement(DAY, one.id, 1, types) for one in papers))


class Deadly(tuple[Announcement, ...]):
    """Announcements that nobody survives who looks at them, which is when the papers are written already."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Announcement]:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().__iter__()


async def write(store: SqliteStore, changes: Changes) -> None:
    """Write *changes*, however often others come first."""
    written = False
    while not written:
        revision = await store.load_revision()
        written = await store.apply(changes, based_on=revision.number, now=MOMENT)


async def main(path: Path, first: int, last: int, *, dies: bool) -> None:
    store = SqliteStore(path)
    _say("ready")
    sys.stdin.readline()
    for transaction in range(first, last + 1):
        await write(store, build_changes(transaction))
        _say(str(transaction))
    if dies:
        changes = build_changes(last + 1)
        await write(store, replace(changes, announcements=Deadly(changes.announcements)))
    await store.close()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), dies=len(sys.argv) > 4))
