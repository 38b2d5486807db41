"""Freshness: when arXiv is asked again, and who asks; what is asked and stored is `core/intake.py`.

A set of categories is refreshed together: the configured ones in one request, any other category on its own. Between
two mailings a set that brought the newest one is not asked for again. The decisions are pure functions; `Freshness`
carries them out, one refresh of a set at a time in this process and, through a lease in the store, in all others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import uuid4

from core import intake
from core.errors import ArxivFeedsError, NothingStored, RefreshUnderWay, SourceUnavailable
from core.mailings import eastern_date, newest_mailing, next_mailing_moment
from core.store.records import RefreshState

logger = logging.getLogger(__name__)

_SETTLING_TIME = timedelta(seconds=60)  # recorded feeds were built up to 19 s after midnight
# While the newest mailing has not appeared: it may be late, or have no papers of these categories.
_REPEATS = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(hours=4))
_BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
_LONGEST_PAUSE = timedelta(days=7)  # a Retry-After that asks for more is a mistake
_LEASE_POLL_SECONDS = 0.2

# Readers give up after 10 s at the earliest (feedparser's default); an answer has to fit in that with all its parts.
STALE_WAIT_SECONDS = 3.0
COLD_WAIT_SECONDS = 8.0
COLD_RETRY_SECONDS = 30


_Condition = Callable[[RefreshState | None, datetime], bool]


class Source(intake.Source, Protocol):
    """Where announcements come from, with the connections that it keeps."""

    async def aclose(self) -> None: ...


class Store(intake.Store, Protocol):
    """What freshness needs of a store."""

    async def load_refresh(self, categories: str) -> RefreshState | None: ...

    async def save_refresh(self, categories: str, state: RefreshState) -> None: ...

    async def take_lease(self, name: str, holder: str, *, now: datetime, seconds: float) -> bool: ...

    async def give_lease_back(self, name: str, holder: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Currency:
    """How far the stored data of some categories can be trusted to be arXiv's newest.

    `problem` is a sentence for the reader where arXiv failed; None where all is well, and where newer data are on their
    way.
    """

    is_current: bool
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations that operators and tests may set: a fixed time between polls (None: the calendar's), and of leases."""

    fresh_for: timedelta | None = None
    lease_seconds: float = 30.0


def group(categories: Iterable[str], configured: Sequence[str]) -> list[tuple[str, ...]]:
    """The sets that have to be refreshed for *categories*: all configured ones at once, every other one alone."""
    wanted = dict.fromkeys(categories)
    together = [tuple(configured)] if any(category in configured for category in wanted) else []
    return together + [(category,) for category in wanted if category not in configured]


def is_due(state: RefreshState | None, now: datetime) -> bool:
    """Whether arXiv is to be asked again at *now*."""
    return state is None or state.next_poll_at is None or now >= state.next_poll_at


def after_success(state: RefreshState | None, report: intake.Report, *, now: datetime, timing: Timing) -> RefreshState:
    """What to remember after a refresh, with the moment of the next one."""
    mailing = report.mailing or (state.mailing if state else None)
    unchanged = 0 if _has_newest(mailing, now) else 1 + (state.unchanged if state else 0)
    by_calendar = next_mailing_moment(now) + _SETTLING_TIME
    if unchanged:
        by_calendar = min(by_calendar, now + _REPEATS[min(unchanged, len(_REPEATS)) - 1])
    return RefreshState(
        checked_at=now,
        succeeded_at=now,
        next_poll_at=now + timing.fresh_for if timing.fresh_for is not None else by_calendar,
        mailing=mailing,
        unchanged=unchanged,
    )


def after_failure(state: RefreshState | None, error: Exception, *, now: datetime) -> RefreshState:
    """What to remember after a failure: what was known, the error, and a pause that grows with each failure."""
    before = state or RefreshState(checked_at=now)
    pause = _BACK_OFF[min(before.failures, len(_BACK_OFF) - 1)]
    if isinstance(error, SourceUnavailable) and error.retry_after_seconds is not None:
        pause = max(pause, timedelta(seconds=min(error.retry_after_seconds, _LONGEST_PAUSE.total_seconds())))
    # The words of an error that is not ours are for the log, not for readers.
    told = str(error) if isinstance(error, ArxivFeedsError) else f"unexpected {type(error).__name__}"
    return replace(before, checked_at=now, next_poll_at=now + pause, failures=before.failures + 1, last_error=told)


class Freshness:
    """Keeps stored categories as new as arXiv's, politely.

    *configured* are the categories that are asked for in one request. *clock* gives the present as an aware UTC moment.
    """

    def __init__(
        self,
        *,
        source: Source,
        store: Store,
        configured: Sequence[str],
        clock: Callable[[], datetime],
        timing: Timing,
    ) -> None:
        self._source = source
        self._store = store
        self._configured = tuple(configured)
        self._clock = clock
        self._timing = timing
        self._running: dict[tuple[str, ...], asyncio.Task[intake.Report | None]] = {}

    async def ensure(self, categories: Iterable[str]) -> Currency:
        """Refresh what is due of *categories*, as long as a reader may wait, and say how current the data is now.

        The one who finds old data stale waits a few seconds for the new, everyone else is answered with the old.
        Raises NothingStored where there is no data at all after a bounded wait; what is missing of several sets is part
        of the problem that is told.
        """
        groups = group(categories, self._configured)
        outcomes = await asyncio.gather(*map(self._ensure_group, groups), return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for failure in failures:
            if not isinstance(failure, NothingStored) or len(failures) == len(groups):
                raise failure
        known = [outcome for outcome in outcomes if isinstance(outcome, Currency)]
        problems = [outcome.problem if isinstance(outcome, Currency) else str(outcome) for outcome in outcomes]
        is_current = not failures and all(currency.is_current for currency in known)
        return Currency(is_current, " ".join(filter(None, problems)) or None)

    async def refresh(self, categories: Sequence[str] | None = None) -> intake.Report:
        """Refresh *categories* (the configured ones by default) now, due or not, and give the report.

        Joins a refresh of the same categories that is under way in this process. Raises what `intake.refresh` raises,
        and RefreshUnderWay, after having waited for it, where another process had one under way.
        """
        wanted = tuple(categories or self._configured)
        report = await asyncio.shield(self._start(wanted, _always))
        if report is None:
            raise RefreshUnderWay(
                f"Another process has just asked arXiv for {_key(wanted)}; there was nothing left to do."
            )
        return report

    async def next_poll_at(self) -> datetime:
        """When the configured categories are due, which may be past."""
        state = await self._store.load_refresh(_key(self._configured))
        return (state.next_poll_at if state else None) or self._clock()

    async def close(self) -> None:
        """End the refreshes under way and close the source; what was not written yet is asked for another time."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._source.aclose()

    async def _ensure_group(self, categories: tuple[str, ...]) -> Currency:
        """How current the data of *categories* is after what could be done about it. Raises NothingStored."""
        state = await self._store.load_refresh(_key(categories))
        if is_due(state, self._clock()):
            is_cold = state is None or state.succeeded_at is None
            if is_cold or self._under_way(categories) is None:
                await _wait_for(self._start(categories, is_due), COLD_WAIT_SECONDS if is_cold else STALE_WAIT_SECONDS)
            state = await self._store.load_refresh(_key(categories))
        if state is None or state.succeeded_at is None:
            raise _nothing_stored(categories, state, self._clock())
        return self._currency(state)

    def _currency(self, state: RefreshState) -> Currency:
        """Current is what has the newest mailing, or what operators let count as fresh, and is not due."""
        by_calendar = self._timing.fresh_for is None
        has_newest = _has_newest(state.mailing, self._clock())
        if state.failures and not (by_calendar and has_newest):
            since = f"{state.succeeded_at:%Y-%m-%d %H:%M} UTC"
            return Currency(False, f"arXiv's newest papers cannot be fetched at present; these are as of {since}.")
        return Currency((has_newest or not by_calendar) and not is_due(state, self._clock()))

    def _start(self, categories: tuple[str, ...], is_wanted: _Condition) -> asyncio.Task[intake.Report | None]:
        """The refresh of *categories* under way, or a new one, if *is_wanted* says so once it has the lease."""
        running = self._under_way(categories)
        if running is not None:
            return running
        task = asyncio.create_task(self._refresh_alone(categories, is_wanted))
        self._running[categories] = task
        task.add_done_callback(lambda done: self._finish(categories, done))
        return task

    def _under_way(self, categories: tuple[str, ...]) -> asyncio.Task[intake.Report | None] | None:
        """The refresh that this event loop carries out; one that an abandoned loop left behind will never end."""
        running = self._running.get(categories)
        return running if running is not None and running.get_loop() is asyncio.get_running_loop() else None

    def _finish(self, categories: tuple[str, ...], task: asyncio.Task[intake.Report | None]) -> None:
        if self._running.get(categories) is task:
            del self._running[categories]

    async def _refresh_alone(self, categories: tuple[str, ...], is_wanted: _Condition) -> intake.Report | None:
        """One refresh under the lease of *categories*; None where another process has done it meanwhile."""
        name, holder = f"refresh {_key(categories)}", uuid4().hex
        seconds = self._timing.lease_seconds
        if not await self._store.take_lease(name, holder, now=self._clock(), seconds=seconds):
            await self._wait_for_other(name, holder)
            return None
        try:
            state = await self._store.load_refresh(_key(categories))
            return await self._refresh(categories, state) if is_wanted(state, self._clock()) else None
        finally:
            await self._store.give_lease_back(name, holder)

    async def _wait_for_other(self, name: str, holder: str) -> None:
        while not await self._store.take_lease(name, holder, now=self._clock(), seconds=1):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(_LEASE_POLL_SECONDS)
        await self._store.give_lease_back(name, holder)

    async def _refresh(self, categories: tuple[str, ...], state: RefreshState | None) -> intake.Report:
        key = _key(categories)
        try:
            report = await intake.refresh(categories, source=self._source, store=self._store, clock=self._clock)
        except Exception as error:  # whatever it was, arXiv must not be asked again by the very next reader
            await self._store.save_refresh(key, after_failure(state, error, now=self._clock()))
            raise
        await self._store.save_refresh(key, after_success(state, report, now=self._clock(), timing=self._timing))
        return report


async def _wait_for(refresh: asyncio.Task[intake.Report | None], seconds: float) -> None:
    """Wait at most *seconds*; *refresh* goes on when the reader gives up, and a failure of it is logged, once."""
    refresh.remove_done_callback(_log_failure)
    refresh.add_done_callback(_log_failure)
    await asyncio.wait([refresh], timeout=seconds)


def _log_failure(refresh: asyncio.Task[intake.Report | None]) -> None:
    if refresh.cancelled() or (error := refresh.exception()) is None:
        return
    is_ours = isinstance(error, ArxivFeedsError)
    logger.warning("A refresh failed: %s", error, exc_info=None if is_ours else error)


def _has_newest(mailing: date | None, now: datetime) -> bool:
    """Whether *mailing* is the one that arXiv ought to show; a date in the future is a mistake of somebody's clock."""
    return mailing is not None and newest_mailing(now) <= mailing <= eastern_date(now)


def _always(_state: RefreshState | None, _now: datetime) -> bool:
    return True


def _key(categories: Iterable[str]) -> str:
    return "+".join(categories)


def _nothing_stored(categories: tuple[str, ...], state: RefreshState | None, now: datetime) -> NothingStored:
    names = ", ".join(categories)
    if state is None or state.next_poll_at is None:
        return NothingStored(
            f"The papers of {names} are being fetched from arXiv for the first time; ask again shortly.",
            retry_after_seconds=COLD_RETRY_SECONDS,
        )
    pause = max(1, round((state.next_poll_at - now).total_seconds()))
    return NothingStored(
        f"The papers of {names} could not be fetched from arXiv yet ({state.last_error}).",
        retry_after_seconds=pause,
    )
