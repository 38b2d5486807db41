"""Leases: the right to do one thing, held in the store by one process of all, and renewed while the work goes on.

A holder that is killed or frozen loses its lease when the time is over. What it was about to write afterwards is
refused by the lease's fence, which the next holder has raised.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from core.errors import StoreUnavailable
from core.store.records import Lease

logger = logging.getLogger(__name__)

_FAILURES_UNTIL_LOST = 2  # renewals a third of the time apart, so that a third of it is left


class Store(Protocol):
    """What leases need of a store."""

    async def take_lease(
        self, name: str, holder: str, *, seconds: float, pause_if_forgotten: float = 0.0
    ) -> Lease | None: ...

    async def keep_lease(self, lease: Lease, *, seconds: float) -> bool: ...

    async def give_lease_back(self, lease: Lease, *, pause_seconds: float = 0.0) -> None: ...


async def take(
    store: Store, name: str, holder: str, *, seconds: float, pause_if_forgotten: float = 0.0
) -> Lease | None:
    """What `take_lease` of *store* gives, save that who is cancelled meanwhile leaves no lease behind."""
    taking = asyncio.create_task(store.take_lease(name, holder, seconds=seconds, pause_if_forgotten=pause_if_forgotten))
    try:
        await asyncio.wait([taking])
    except asyncio.CancelledError:
        with suppress(StoreUnavailable):
            if lease := await taking:
                await give_back(store, lease)
        raise
    return taking.result()


@asynccontextmanager
async def kept(
    store: Store, lease: Lease, *, seconds: float, when_lost: Callable[[], object] = lambda: None
) -> AsyncIterator[None]:
    """Renews *lease* by *seconds* again and again while the block runs.

    *when_lost* is called, once, if it has passed on, or is about to end because the store is away.
    """
    keeper = asyncio.create_task(_keep(store, lease, seconds, when_lost))
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.wait([keeper])  # `await keeper` could not tell who of the two was cancelled


async def _keep(store: Store, lease: Lease, seconds: float, when_lost: Callable[[], object]) -> None:
    failures = 0
    while failures < _FAILURES_UNTIL_LOST:
        await asyncio.sleep(seconds / 3)
        try:
            if not await store.keep_lease(lease, seconds=seconds):
                break
            failures = 0
        except StoreUnavailable as error:
            logger.warning("The lease %r could not be renewed: %s", lease.name, error)
            failures += 1
    when_lost()


async def give_back(store: Store, lease: Lease, *, pause_seconds: float = 0.0) -> None:
    """Give *lease* back, even if cancelled meanwhile; where the store is away, a line in the log says so."""
    await asyncio.shield(_give_back(store, lease, pause_seconds))


async def _give_back(store: Store, lease: Lease, pause_seconds: float) -> None:
    try:
        await store.give_lease_back(lease, pause_seconds=pause_seconds)
    except StoreUnavailable as error:
        logger.warning("The lease %r could not be given back and ends by itself: %s", lease.name, error)
