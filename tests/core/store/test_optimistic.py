"""What is decided on data that change meanwhile is decided anew, a few times."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from core.errors import StoreUnavailable
from core.store.optimistic import put, write
from core.store.records import Changes, Lease, Revision

NOW = datetime(2026, 3, 6, 6, tzinfo=UTC)
CHANGES = Changes()


class Contested:
    """A store to which others write *times* before we do."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.number = 0
        self.written: list[int] = []

    async def load_revision(self) -> Revision:
        return Revision(self.number)

    async def apply(self, changes: Changes, *, based_on: int, now: datetime, lease: Lease | None = None) -> bool:
        del changes, now, lease
        if self.times:
            self.times -= 1
            self.number += 1
        if based_on == self.number:
            self.written.append(based_on)
        return based_on == self.number


@pytest.mark.parametrize("times", [0, 1, 4])
def test_what_others_wrote_is_seen_before_it_is_decided_anew(times: int) -> None:
    store, seen = Contested(times), []

    async def decide(revision: Revision) -> Changes:
        seen.append(revision.number)
        return CHANGES

    asyncio.run(write(store, decide, clock=lambda: NOW, task="a test wrote"))
    assert (seen, store.written) == (list(range(times + 1)), [times])


def test_nothing_is_written_where_nothing_is_left_to_write() -> None:
    store, decisions = Contested(1), [None, CHANGES]

    async def decide(_: Revision) -> Changes | None:
        return decisions.pop()

    asyncio.run(write(store, decide, clock=lambda: NOW, task="a test wrote"))
    assert (decisions, store.written) == ([], [])


def test_who_is_never_first_gives_up_and_says_what_was_being_done() -> None:
    store = Contested(5)
    with pytest.raises(StoreUnavailable, match=r"^Other writers changed the store 5 times while a test wrote$"):
        asyncio.run(put(store, CHANGES, clock=lambda: NOW, task="a test wrote"))
    assert store.written == []
