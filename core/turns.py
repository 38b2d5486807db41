"""Turns: who may ask arXiv now, over all processes and machines that share a store.

arXiv's terms bind all of them together: one request at a time, three seconds apart
(https://info.arxiv.org/help/api/tou.html). So the turn is a lease in the store with a pause after it: whoever is killed
or frozen loses it after a while, and without the store nobody asks. A service of arXiv that says when to come back is
left alone until then; one that keeps failing is left alone for longer and longer (a circuit breaker).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import uuid4

from core import leases
from core.errors import SourceUnavailable, StoreUnavailable
from core.moments import LONGEST_WAIT
from core.store.records import Endpoint, Lease
from core.waiting import OfLoop

# arXiv's services: the announcement feeds; the query API, which answers from another host and fails more often; and the
# texts of papers.
Service = Literal["feeds", "search", "pages"]

logger = logging.getLogger(__name__)

_NAME = "turn"
_POLL_SECONDS = 0.1
_FAILURES_BEFORE_BREAK = 3
_FIRST_BREAK = timedelta(minutes=1)
_LONGEST_BREAK = timedelta(hours=1)
_TOO_MANY_REQUESTS = 429
# An answer like these says something about the request, not about how arXiv is.
_ANSWERS = frozenset({400, 404, 405, 410, 414})
# Of a lease whose holder is killed two thirds are left at least, and the pause has to fit in.
_LEASE_PER_PAUSE = 1.5
_LONGEST_LEASE_SECONDS = 3000.0  # stores take one beyond an hour for a mistake


class Store(leases.Store, Protocol):
    """What turns need of a store."""

    async def load_endpoint(self, name: str) -> Endpoint: ...

    async def save_endpoint(self, name: str, endpoint: Endpoint) -> None: ...


class Turns:
    """Turns in *store*, *min_interval_seconds* between the end of one request and the start of the next.

    A turn lasts *lease_seconds*, or longer where the interval asks for it, and is renewed while its request is under
    way. *clock* gives aware UTC moments, *monotonic* seconds, *draw* numbers from 0 to 1 that keep many machines from
    coming back at the same moment.
    """

    def __init__(
        self,
        store: Store,
        *,
        min_interval_seconds: float,
        lease_seconds: float,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        draw: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._min_interval_seconds = min_interval_seconds
        self._lease_seconds = max(lease_seconds, min(_LEASE_PER_PAUSE * min_interval_seconds, _LONGEST_LEASE_SECONDS))
        self._clock = clock
        self._monotonic = monotonic
        self._draw = draw
        self._sleep = sleep
        self._line = OfLoop(asyncio.Lock)  # of this process, so that one at a time asks the store

    @asynccontextmanager
    async def take(self, service: Service, url: str) -> AsyncIterator[None]:
        """The turn for one request to *service* at *url*, waited for without bounds; the block makes that request.

        Raises SourceUnavailable, without waiting, where *service* is not to be asked now, and where this process was
        frozen, or the store away, for so long that the turn may be another's. Raises StoreUnavailable where there is no
        store to ask for a turn. What the block raises of SourceUnavailable is held against *service*.
        """
        await self._refuse_closed(service, url)
        async with self._line.get():
            lease = await self._wait(service, url)
            bound = asyncio.timeout(None)
            try:
                async with (
                    bound,
                    leases.kept(self._store, lease, seconds=self._lease_seconds, when_lost=lambda: _end_now(bound)),
                ):
                    try:
                        yield
                    except SourceUnavailable as error:
                        await self._note(service, error)
                        raise
                await self._note(service, None)
            except TimeoutError as error:
                if not bound.expired():
                    raise
                raise SourceUnavailable(
                    url, "the turn was lost: this process was held up, or the store is away"
                ) from error
            finally:
                await leases.give_back(self._store, lease, pause_seconds=self._min_interval_seconds)

    async def _wait(self, service: Service, url: str) -> Lease:
        """A turn that is this process's for sure, and in which *service* may be asked."""
        holder = uuid4().hex
        while True:
            asked_at, asked_on = self._monotonic(), self._clock()
            lease = await leases.take(
                self._store,
                _NAME,
                holder,
                seconds=self._lease_seconds,
                pause_if_forgotten=self._min_interval_seconds,
            )
            if lease is None:
                await self._sleep(min(_POLL_SECONDS, max(self._min_interval_seconds, 0.01)))
                continue
            try:
                await self._refuse_closed(service, url)
            except BaseException:
                await leases.give_back(self._store, lease)
                raise
            if self._seconds_since(asked_at, asked_on) < self._lease_seconds / 2:
                return lease
            # This process was frozen meanwhile, and the turn may be another's already.
            await leases.give_back(self._store, lease)

    def _seconds_since(self, asked_at: float, asked_on: datetime) -> float:
        """By both clocks: the one may stand still while the machine sleeps, the other may be set back."""
        return max(self._monotonic() - asked_at, (self._clock() - asked_on).total_seconds())

    async def _refuse_closed(self, service: Service, url: str) -> None:
        """Raises SourceUnavailable while *service*, or the feeds, which matter more than all else, are left alone."""
        now = self._clock()
        for name in dict.fromkeys(("feeds", service)):
            closed_until = (await self._store.load_endpoint(name)).closed_at(now)
            if closed_until is not None:
                raise SourceUnavailable(
                    url,
                    f"arXiv is left alone until {closed_until:%Y-%m-%d %H:%M:%S} UTC, after it failed or asked for it",
                    retry_after_seconds=(closed_until - now).total_seconds(),
                    was_asked=False,
                )

    async def _note(self, service: Service, error: SourceUnavailable | None) -> None:
        try:
            before = await self._store.load_endpoint(service)
            after = after_answer(before, error, now=self._clock(), jitter=self._draw())
            if after != before:
                await self._store.save_endpoint(service, after)
        except StoreUnavailable as unavailable:  # what arXiv answered stays true
            logger.warning("How arXiv answered (%s) could not be kept: %s", error or "well", unavailable)


def _end_now(bound: asyncio.Timeout) -> None:
    bound.reschedule(asyncio.get_running_loop().time())


def after_answer(before: Endpoint, error: SourceUnavailable | None, *, now: datetime, jitter: float) -> Endpoint:
    """What to remember of a service that answered, with *error* or (None) well; *jitter* is a number from 0 to 1.

    Retry-After is obeyed. The third failure in a row closes the service for a minute at least, as does the first "too
    many requests" that does not say for how long; every further failure doubles that, up to an hour.
    """
    if error is None or (error.status in _ANSWERS and error.retry_after_seconds is None):
        return Endpoint()
    failures = before.failures + 1
    wait = min(timedelta(seconds=error.retry_after_seconds or 0.0), LONGEST_WAIT)
    is_break_due_at_once = error.status == _TOO_MANY_REQUESTS and not wait
    breaks = failures if is_break_due_at_once else failures - _FAILURES_BEFORE_BREAK + 1
    if breaks > 0:
        wait = max(wait, min(_FIRST_BREAK * 2 ** min(breaks - 1, 10), _LONGEST_BREAK) * (1 + jitter / 4))
    return Endpoint(failures, now + wait if wait else None)
