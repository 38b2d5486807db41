"""Writing to a store that others write to at the same time: decide on what is there, and anew where somebody was first.

https://en.wikipedia.org/wiki/Optimistic_concurrency_control; nobody waits for a lock while arXiv or the model is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from core.errors import StoreUnavailable
from core.store.records import Changes, Lease, Revision

_ATTEMPTS = 5


class Store(Protocol):
    """What is needed of a store."""

    async def load_revision(self) -> Revision: ...

    async def apply(self, changes: Changes, *, based_on: int, now: datetime, lease: Lease | None = None) -> bool: ...


async def write(
    store: Store,
    decide: Callable[[Revision], Awaitable[Changes | None]],
    *,
    clock: Callable[[], datetime],
    task: str,
    lease: Lease | None = None,
) -> None:
    """Apply what *decide* makes of the data of a revision; nothing is written where that is None.

    *decide* is asked again each time that somebody else wrote between its reading and our writing. Raises what it
    raises, LeaseLost where *lease* has passed on, and StoreUnavailable where the store is away or others were first
    every time; *task* says in that message what was being done.
    """
    for _ in range(_ATTEMPTS):
        revision = await store.load_revision()
        changes = await decide(revision)
        if changes is None or await store.apply(changes, based_on=revision.number, now=clock(), lease=lease):
            return
    raise StoreUnavailable(f"Other writers changed the store {_ATTEMPTS} times while {task}")


async def put(
    store: Store, changes: Changes, *, clock: Callable[[], datetime], task: str, lease: Lease | None = None
) -> None:
    """Apply *changes*, which hold whatever else is stored. Raises what `write` raises."""

    async def decide(_: Revision) -> Changes:
        return changes

    await write(store, decide, clock=clock, task=task, lease=lease)
