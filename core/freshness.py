"""Freshness: when arXiv is asked again, and who asks; what is asked and stored is `core/intake.py`.

A set of categories is refreshed together: the configured ones in one request, any other category on its own. Between
two mailings a set that brought the newest one is not asked for again, and mailings that no feed brought are asked of
the query API (`core/healing.py`), in the background. The decisions are pure functions; `Freshness` carries them out,
one at a time for a set in this process and, through a lease in the store, in all others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from core import healing, intake, learning, leases
from core.arxiv.taxonomy import with_aliases
from core.errors import (
    ArxivFeedsError,
    LeaseLost,
    NothingStored,
    Overloaded,
    RefreshUnderWay,
    SourceMalformed,
    SourceUnavailable,
    StoreUnavailable,
)
from core.healing import MOST_DAYS, HealingReport, Plan, heal_page, is_healing_due, make_plan
from core.intake import Report
from core.learning import Learner
from core.mailings import eastern_date, explain_silence, newest_mailing, next_weekday_moment
from core.moments import LONGEST_WAIT
from core.standing import forget_empty
from core.store import optimistic
from core.store.records import Changes, Healing, Lease, Ledger, RefreshState, Revision, key_of
from core.waiting import Line, OfLoop, log_failure

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SETTLING_TIME = timedelta(seconds=60)  # recorded feeds were built up to 19 s after midnight
# While the newest mailing has not appeared: it may be late, or have no papers of these categories.
_REPEATS = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(hours=4))
_BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
_LEASE_POLL_SECONDS = 0.1
_BETWEEN_PAGES_SECONDS = 3 * _LEASE_POLL_SECONDS
_CLOCKS_DIFFER = timedelta(hours=1)
_BETWEEN_CORRECTIONS = timedelta(hours=1)  # two machines that disagree shall not take turns for ever
# A store that takes nothing cannot keep a pause either; a page of a search costs arXiv more than a feed.
_AFTER_REFUSAL = timedelta(seconds=30)
_AFTER_REFUSED_HEALING = timedelta(minutes=30)
_BEFORE_HEALING = timedelta(seconds=30)  # readers who all come at once get the newest mailing first
_BEFORE_LONG = timedelta(minutes=30)  # for which an answer may be kept
_LONGEST_LINE_SECONDS = 120.0  # of categories that are not configured, and not asked for by a reader who waits

# Readers give up after 10 s at the earliest (feedparser's default); an answer has to fit in that with all its parts.
STALE_WAIT_SECONDS = 3.0
COLD_WAIT_SECONDS = 8.0
COLD_RETRY_SECONDS = 30


class Source(intake.Source, healing.Source, learning.Source, Protocol):
    """Where announcements come from, with the connections that it keeps."""

    async def aclose(self) -> None: ...


class Store(intake.Store, learning.Store, leases.Store, Protocol):
    """What freshness needs of a store."""

    async def load_refresh(self, categories: str) -> RefreshState | None: ...


@dataclass(frozen=True, slots=True)
class Currency:
    """How far the stored data of some categories can be trusted to be arXiv's newest.

    `problems` are sentences for the reader: where arXiv failed, or shows one category's earlier mailing. There are none
    where all is well, and where newer data are on their way. `revision` is that of the data this was said of, None
    where they have changed meanwhile. It `is_growing` where arXiv's search is asked soon for what is missing.
    """

    is_current: bool
    problems: tuple[str, ...] = ()
    revision: Revision | None = field(default=None, compare=False)
    is_growing: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations that operators and tests may set: a fixed time between polls (None: the calendar's), and of leases."""

    fresh_for: timedelta | None = None
    lease_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class _Known:
    """A state as it was loaded, and whether it asks for healing, at the revision's `checks` and on the Eastern day."""

    state: RefreshState | None
    checks: int
    day: date
    has_gaps: bool


def find_sets(categories: Iterable[str], configured: Sequence[str]) -> list[tuple[str, ...]]:
    """The sets that have to be refreshed for *categories*: all configured ones at once, every other one alone.

    An alias of a configured category is one too: the feed of either brings the papers of both.
    """
    wanted, ours = dict.fromkeys(categories), frozenset(with_aliases(configured))
    together = [tuple(configured)] if not ours.isdisjoint(wanted) else []
    return together + [(category,) for category in wanted if category not in ours]


def is_due(state: RefreshState | None, now: datetime) -> bool:
    """Whether arXiv is to be asked again at *now*."""
    return state is None or state.next_poll_at is None or now >= state.next_poll_at


def was_made_ahead(state: RefreshState | None, now: datetime) -> bool:
    """Whether *state* is from a clock that was ahead: what is due by it may be days away."""
    return state is not None and state.checked_at > now + _CLOCKS_DIFFER


def _without_foreseen(state: RefreshState) -> RefreshState:
    """*state*, which was made ahead, without what was found of mailings before there could be anything of them."""
    return replace(state, categories=tuple(map(forget_empty, state.categories)), healing=Healing())


def after_success(state: RefreshState | None, report: Report, *, now: datetime, timing: Timing) -> RefreshState:
    """What to remember after a refresh, with the moment of the next one.

    A category that arXiv refused before and refuses again is no reason to ask before the calendar says so.
    """
    mailing = report.mailing or (state.mailing if state else None)
    given_up = {one.category for one in state.categories if one.is_refused} if state else set()
    is_stale = any(one.stale_because and not (one.is_refused and one.category in given_up) for one in report.standing)
    is_missing = is_stale or not _has_newest(mailing, now)
    unchanged = 1 + (state.unchanged if state else 0) if is_missing and not _is_certainly_silent(now) else 0
    by_calendar = next_weekday_moment(now) + _SETTLING_TIME  # also after holidays: arXiv may have moved one
    if unchanged:
        by_calendar = min(by_calendar, now + _REPEATS[min(unchanged, len(_REPEATS)) - 1])
    return RefreshState(
        checked_at=now,
        succeeded_at=now,
        next_poll_at=now + timing.fresh_for if timing.fresh_for is not None else by_calendar,
        mailing=mailing,
        unchanged=unchanged,
        etag=report.etag,
        ledger=report.ledger,
        categories=report.standing,
        healing=state.healing if state else Healing(),
    )


def after_failure(state: RefreshState | None, error: Exception, *, now: datetime) -> RefreshState:
    """What to remember after a failure: what was known, the error, and a pause that grows with each failure."""
    before = state or RefreshState(checked_at=now)
    pause = _BACK_OFF[min(before.failures, len(_BACK_OFF) - 1)]
    if isinstance(error, SourceUnavailable) and error.retry_after_seconds is not None:
        pause = max(pause, timedelta(seconds=min(error.retry_after_seconds, LONGEST_WAIT.total_seconds())))
    # The words of an error that is not ours are for the log, not for readers.
    told = str(error) if isinstance(error, ArxivFeedsError) else f"unexpected {type(error).__name__}"
    if isinstance(error, StoreUnavailable):  # whose words name a folder or a host
        told = "the store did not take what was fetched"
    return replace(before, checked_at=now, next_poll_at=now + pause, failures=before.failures + 1, last_error=told)


class Freshness:
    """Keeps stored categories as new as arXiv's, and complete, politely.

    *configured* are the categories that are asked for in one request; of these the last *days_back* days are meant to
    be complete, of any other category what came since it was first asked for. *clock* gives the present as an aware UTC
    moment. *learner* counts the words of what came in.
    """

    def __init__(
        self,
        *,
        source: Source,
        store: Store,
        configured: Sequence[str],
        clock: Callable[[], datetime],
        timing: Timing,
        days_back: int,
        learner: Learner | None = None,
        stops_between_answers: bool = False,
    ) -> None:
        self._source = source
        self._store = store
        self._configured = tuple(configured)
        self._clock = clock
        self._timing = timing
        self._days_back = min(days_back, MOST_DAYS)
        self._learner = learner
        self._stops = stops_between_answers
        self._refreshing: dict[tuple[str, ...], asyncio.Task[Report | None]] = {}
        self._healing: dict[tuple[str, ...], asyncio.Task[HealingReport]] = {}
        self._known: dict[tuple[str, ...], _Known] = {}
        self._corrected_at: datetime | None = None
        self._settling_on: asyncio.AbstractEventLoop | None = None
        self._refused: dict[tuple[str, ...], datetime] = {}  # when the store did not take what was fetched
        self._healing_refused: dict[tuple[str, ...], datetime] = {}  # or what was found by healing
        self._others = OfLoop(lambda: Line(longest_wait_seconds=_LONGEST_LINE_SECONDS))

    async def ensure(self, categories: Iterable[str], revision: Revision | None = None) -> Currency:
        """Refresh what is due of *categories*, as long as a reader may wait, and say how current the data is now.

        The one who finds old data stale waits a few seconds for the new, everyone else is answered with the old. With
        the *revision* that was loaded just now, nothing more is loaded while all is fresh. Raises NothingStored where
        there is no data at all after a bounded wait; what is missing of several sets is part of the problem that is
        told.
        """
        return await self._gather(categories, lambda one: self._ensure_set(one, revision))

    async def look(self, categories: Iterable[str], revision: Revision | None = None) -> Currency:
        """How current the data of *categories* is, as `ensure` tells it, without asking arXiv for anything.

        Only where the service has never succeeded in fetching what is configured it is asked for that, as by any
        reader. Raises NothingStored where there is no data at all.
        """

        async def look_at(one: tuple[str, ...]) -> Currency:
            known = await self._load(one, revision)
            if known.state is not None and known.state.succeeded_at is not None:
                return replace(self._currency(one, known.state), revision=revision, is_growing=self._is_growing(known))
            if one == self._configured:
                return await self._ensure_set(one, revision)
            raise NothingStored(
                f"Nothing of {', '.join(one)} is stored; its feed without q, au, like, dislike and exclude fetches it.",
                retry_after_seconds=COLD_RETRY_SECONDS,
            )

        return await self._gather(categories, look_at)

    async def find_complete(self, categories: Sequence[str], revision: Revision | None = None) -> tuple[date, ...]:
        """The mailings of *categories* that have papers and of which all are stored, oldest first.

        With the *revision* that was loaded just now nothing more is loaded, as in `ensure`.
        """
        known = [await self._load(one, revision) for one in find_sets(categories, self._configured)]
        states = [state for one in known if one.state for state in one.state.categories]
        named = with_aliases(categories)
        found = {day for state in states if state.category in named for day, papers in state.complete if papers}
        return tuple(sorted(found))

    async def refresh(self, categories: Sequence[str] | None = None) -> Report:
        """Ask arXiv now for *categories* (all configured ones by default), whether they are due or not.

        Joins a refresh of the same categories that is under way in this process. Raises what `intake.refresh` raises,
        Overloaded where too many wait for categories that are not configured, and RefreshUnderWay, after having waited
        for it, where another process had one under way.
        """
        wanted = tuple(categories or self._configured)
        before = await self._store.load_refresh(key_of(wanted))

        def is_wanted(state: RefreshState | None, _now: datetime) -> bool:
            return state is None or (before is not None and state.checked_at == before.checked_at)

        report = await asyncio.shield(self._start(wanted, is_wanted, waits=True))
        if report is None:  # it joined one that gave way to another process, or another process was faster
            report = await asyncio.shield(self._start(wanted, is_wanted, waits=True))
        if report is None:
            raise RefreshUnderWay(
                f"Another process has just asked arXiv for {key_of(wanted)}, so it was not asked once more."
            )
        return report

    async def try_refresh(self) -> Report | ArxivFeedsError:
        """The same for all that is configured; or why it brought nothing, where there is a store to go on with.

        What follows a refresh is not to wait for the next one, which may be a day away. Raises StoreUnavailable.
        """
        try:
            return await self.refresh()
        except (SourceUnavailable, SourceMalformed, RefreshUnderWay) as error:
            return error

    async def heal(
        self,
        categories: Sequence[str] | None = None,
        *,
        only_when_due: bool = False,
        is_over: Callable[[], bool] = lambda: False,
        tell: Callable[[HealingReport], object] = lambda _: None,
    ) -> HealingReport:
        """Ask the query API for what no feed brought of *categories*, until all is there, or *is_over* says so.

        *only_when_due* keeps the pauses that follow a failure, or a search in vain; the one before what is doubted is
        asked again is always kept. *tell* is called after each page with all that was found so far. A failure of arXiv
        ends it with a notice; the next call goes on where this one ended. Raises StoreUnavailable, and Overloaded where
        too many wait for categories that are not configured.
        """
        wanted = tuple(categories or self._configured)
        total = HealingReport(Ledger(), (), 0, is_finished=True)
        while not is_over():
            try:
                page = await self._heal_page(wanted, only_when_due=only_when_due)
            except (SourceUnavailable, SourceMalformed) as error:
                return total + HealingReport(Ledger(), (), 1, False, (_healing_notice(error),))
            if page is None:  # nothing is missing, it is not time for it, or the lease was lost
                break
            total += page
            tell(total)
            if page.is_finished:
                if total.ledger.new or total.ledger.updated:
                    await self._learn(wanted)
                return total
            await asyncio.sleep(_BETWEEN_PAGES_SECONDS)  # a refresh that waits for the lease gets it
        state = await self._store.load_refresh(key_of(wanted))
        return replace(total, is_finished=self._find_plan(state, only_when_due=only_when_due) is None)

    async def heal_when_due(self) -> None:
        """Heal the configured categories where it is time for it and the store takes what is found, and wait for that.

        Joins the healing that is under way in this process. Raises what ended it.
        """
        task = self._under_way(self._healing, self._configured)
        if task is None:
            state = await self._store.load_refresh(key_of(self._configured))
            if state is None or not self._is_time_to_heal(self._configured, state):
                return
            task = self._join_healing(self._configured)
        await asyncio.shield(task)

    async def settle(self, seconds: float) -> None:
        """Wait, *seconds* at most, for the refreshes under way here and the healing that is due; others may do so.

        For whoever is stopped then. What goes wrong with them is in the log already.
        """
        loop = asyncio.get_running_loop()
        if self._settling_on is loop:
            return
        self._settling_on = loop
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._settle()
        finally:
            self._settling_on = None

    async def _settle(self) -> None:
        if refreshing := self._tasks_here(self._refreshing):
            await asyncio.wait(refreshing)
            with suppress(StoreUnavailable):
                await self._load(self._configured, None)
        known = self._known.get(self._configured)
        if known is not None and self._is_to_be_healed(self._configured, known):
            self._join_healing(self._configured)
        if healing := self._tasks_here(self._healing):
            await asyncio.wait(healing)

    async def heal_for(self, seconds: float) -> HealingReport | None:
        """Heal the configured categories in the background; the report where that ends within *seconds*, else None.

        Joins the healing that is under way in this process. Raises what ended it, within that time.
        """
        task = self._join_healing(self._configured, only_when_due=False)
        await asyncio.wait([task], timeout=seconds)
        return task.result() if task.done() and not task.cancelled() else None

    async def next_look_at(self) -> datetime:
        """When there is something to do for the configured categories, which may be past."""
        state = await self._store.load_refresh(key_of(self._configured))
        if state is None or state.next_poll_at is None:
            return self._clock()
        if make_plan(state, now=self._clock(), days_back=self._days_back) is None:
            return state.next_poll_at
        rested = self._healing_refused.get(self._configured)
        if rested is not None and self._rests(self._healing_refused, self._configured, _AFTER_REFUSED_HEALING):
            return min(state.next_poll_at, rested + _AFTER_REFUSED_HEALING)
        return min(state.next_poll_at, state.healing.next_at or self._clock())

    async def abandon(self) -> None:
        """End what is under way; what was not written yet is asked for another time, and nothing of it is a failure."""
        running = [*self._tasks_here(self._refreshing), *self._tasks_here(self._healing)]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def close(self) -> None:
        """The same, and close the source."""
        await self.abandon()
        await self._source.aclose()

    async def _gather(
        self, categories: Iterable[str], find: Callable[[tuple[str, ...]], Awaitable[Currency]]
    ) -> Currency:
        """What *find* gives for all sets of *categories* together; what has nothing stored is part of the problem.

        They are waited for together. Raises NothingStored where none has any.
        """
        sets = find_sets(categories, self._configured)
        found = await asyncio.gather(*map(find, sets), return_exceptions=True)
        errors = [one for one in found if isinstance(one, BaseException)]
        for error in errors:
            if len(errors) == len(sets) or not isinstance(error, NothingStored):
                raise error
        currencies = [one if isinstance(one, Currency) else Currency(False, (str(one),)) for one in found]
        problems = tuple(dict.fromkeys(problem for currency in currencies for problem in currency.problems))
        is_same = all(currency.revision is not None for currency in currencies)
        return Currency(
            all(currency.is_current for currency in currencies),
            problems,
            revision=currencies[0].revision if is_same else None,
            is_growing=any(currency.is_growing for currency in currencies),
        )

    async def _ensure_set(self, categories: tuple[str, ...], revision: Revision | None) -> Currency:
        """How current the data of *categories* is after what could be done about it. Raises NothingStored."""
        known, is_same = await self._load(categories, revision), True
        is_ahead = self._may_correct(known.state)
        is_wanting = is_ahead or is_due(known.state, self._clock())
        if not is_wanting:
            self._refused.pop(categories, None)  # another process has stored what this one could not
        elif not self._rests(self._refused, categories, _AFTER_REFUSAL):
            is_cold = known.state is None or known.state.succeeded_at is None
            if is_cold or self._stops or self._under_way(self._refreshing, categories) is None:
                is_healing = self._under_way(self._healing, categories) is not None  # and has the lease just now
                is_wanted = was_made_ahead if is_ahead else is_due
                refresh = self._start(categories, is_wanted, waits=is_cold or is_healing)
                await _wait_for(refresh, COLD_WAIT_SECONDS if is_cold or self._stops else STALE_WAIT_SECONDS)
                if is_cold and _was_turned_away(refresh):
                    raise NothingStored(
                        f"Too many categories are asked for the first time just now, so {', '.join(categories)} had no "
                        "turn; ask again later.",
                        retry_after_seconds=COLD_RETRY_SECONDS,
                    )
            known, is_same = await self._load(categories, None), False
        state = known.state
        if state is None or state.succeeded_at is None:
            raise _nothing_stored(categories, state, self._clock(), is_refused=categories in self._refused)
        if self._is_to_be_healed(categories, known) and self._clock() >= state.succeeded_at + _BEFORE_HEALING:
            healing = self._join_healing(categories)
            if self._stops and is_same:
                await asyncio.wait([healing], timeout=STALE_WAIT_SECONDS)
                known, is_same = await self._load(categories, None), False
                state = known.state or state
        return replace(
            self._currency(categories, state),
            revision=revision if is_same else None,
            is_growing=self._is_growing(known),
        )

    @property
    def is_refused(self) -> bool:
        """Whether nothing of the configured categories could be fetched lately, since the store took no changes."""
        return self._configured in self._refused

    def _rests(
        self, refused: Mapping[tuple[str, ...], datetime], categories: tuple[str, ...], pause: timedelta
    ) -> bool:
        """Whether the store has just *refused* something of *categories*; a clock that is set back ends the pause."""
        since = refused.get(categories)
        return since is not None and timedelta(0) <= self._clock() - since < pause

    def _may_correct(self, state: RefreshState | None) -> bool:
        """Whether *state* is from a clock that was ahead, and this process has not just asked for that reason."""
        now, before = self._clock(), self._corrected_at
        if not was_made_ahead(state, now) or (before is not None and abs(now - before) < _BETWEEN_CORRECTIONS):
            return False
        self._corrected_at = now
        return True

    async def _load(self, categories: tuple[str, ...], revision: Revision | None) -> _Known:
        """What is known of *categories*; with a *revision* that has seen nothing new, what is known already."""
        today = eastern_date(self._clock())
        known = self._known.get(categories)
        if known is None or revision is None or (known.checks, known.day) != (revision.checks, today):
            checks = (revision or await self._store.load_revision()).checks
            state = await self._store.load_refresh(key_of(categories))
            known = _Known(state, checks, today, self._lacks(state))
            self._known[categories] = known
        return known

    def _lacks(self, state: RefreshState | None) -> bool:
        return state is not None and make_plan(state, now=self._clock(), days_back=self._days_back) is not None

    def _currency(self, categories: tuple[str, ...], state: RefreshState) -> Currency:
        """Current is what has the newest mailing, or what operators let count as fresh, and is not due."""
        now = self._clock()
        by_calendar = self._timing.fresh_for is None
        has_newest = _has_newest(state.mailing, now)
        problems = _stale_problems(state)
        is_refused = categories in self._refused and is_due(state, now)  # else another process has stored it meanwhile
        if (state.failures or is_refused) and not (by_calendar and has_newest):
            since = f"{state.succeeded_at:%Y-%m-%d %H:%M} UTC"
            what = "stored" if is_refused else "fetched"
            problems = (f"arXiv's newest papers cannot be {what} at present; these are as of {since}.",)
        is_new = has_newest or not by_calendar
        return Currency(is_new and not problems and not is_due(state, now), problems)

    def _start(
        self,
        categories: tuple[str, ...],
        is_wanted: Callable[[RefreshState | None, datetime], bool],
        *,
        waits: bool,
    ) -> asyncio.Task[Report | None]:
        """The refresh of *categories* under way, or a new one, if *is_wanted* says so once it has the lease."""
        running = self._under_way(self._refreshing, categories)
        return running or _track(self._refreshing, categories, self._refresh_alone(categories, is_wanted, waits=waits))

    def _is_to_be_healed(self, categories: tuple[str, ...], known: _Known) -> bool:
        """Whether something is missing of *categories* that arXiv's search is to be asked for now."""
        return known.has_gaps and known.state is not None and self._is_time_to_heal(categories, known.state)

    def _is_growing(self, known: _Known) -> bool:
        """Whether what is missing may be here before long."""
        next_at = known.state.healing.next_at if known.state else None
        return known.has_gaps and (next_at is None or next_at <= self._clock() + _BEFORE_LONG)

    def _is_time_to_heal(self, categories: tuple[str, ...], state: RefreshState) -> bool:
        rests = self._rests(self._refused, categories, _AFTER_REFUSAL) or self._rests(
            self._healing_refused, categories, _AFTER_REFUSED_HEALING
        )
        return not rests and is_healing_due(state, now=self._clock(), days_back=self._days_back)

    def _join_healing(self, categories: tuple[str, ...], *, only_when_due: bool = True) -> asyncio.Task[HealingReport]:
        """The healing of *categories* under way, or a new one."""
        running = self._under_way(self._healing, categories)
        if running:
            return running
        work = self._heal_in_background(categories, only_when_due=only_when_due)
        task = _track(self._healing, categories, work)
        task.add_done_callback(_log_failed_healing)
        return task

    async def _heal_in_background(self, categories: tuple[str, ...], *, only_when_due: bool) -> HealingReport:
        try:
            report = await self.heal(categories, only_when_due=only_when_due)
        except StoreUnavailable:
            self._healing_refused[categories] = self._clock()
            raise
        for notice in report.notices:
            logger.warning("%s: %s", key_of(categories), notice)
        return report

    def _tasks_here(self, running: Mapping[tuple[str, ...], asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
        """Those of *running* that this event loop carries out."""
        loop = asyncio.get_running_loop()
        return [task for task in running.values() if task.get_loop() is loop]

    def _under_way(
        self, running: Mapping[tuple[str, ...], asyncio.Task[T]], categories: tuple[str, ...]
    ) -> asyncio.Task[T] | None:
        """The work that this event loop carries out; what an abandoned loop left behind will never end."""
        task = running.get(categories)
        return task if task is not None and task.get_loop() is asyncio.get_running_loop() else None

    async def _refresh_alone(
        self,
        categories: tuple[str, ...],
        is_wanted: Callable[[RefreshState | None, datetime], bool],
        *,
        waits: bool,
    ) -> Report | None:
        """One refresh under the lease of *categories*; None where another process has it, or has done it meanwhile."""

        async def work(lease: Lease, state: RefreshState | None) -> Report | None:
            return await self._refresh(categories, state, lease) if is_wanted(state, self._clock()) else None

        try:
            report = await self._under_lease(categories, work, waits=waits)
        except StoreUnavailable:
            self._refused[categories] = self._clock()
            raise
        self._refused.pop(categories, None)
        return report

    async def _heal_page(self, categories: tuple[str, ...], *, only_when_due: bool) -> HealingReport | None:
        """One page of healing under the lease of *categories*; None where nothing is missing."""

        async def work(lease: Lease, state: RefreshState | None) -> HealingReport | None:
            plan = self._find_plan(state, only_when_due=only_when_due)
            if state is None or plan is None:
                return None
            return await heal_page(state, plan, source=self._source, store=self._store, clock=self._clock, lease=lease)

        return await self._under_lease(categories, work, waits=True)

    def _find_plan(self, state: RefreshState | None, *, only_when_due: bool) -> Plan | None:
        """What is to be asked for now of what *state* lacks, None where nothing is."""
        if state is None or state.succeeded_at is None:
            return None
        waits = only_when_due or state.healing.rounds > 0  # what was doubted is asked again later, not at once
        if waits and not is_healing_due(state, now=self._clock(), days_back=self._days_back):
            return None
        return make_plan(state, now=self._clock(), days_back=self._days_back)

    async def _under_lease(
        self,
        categories: tuple[str, ...],
        work: Callable[[Lease, RefreshState | None], Awaitable[T | None]],
        *,
        waits: bool,
    ) -> T | None:
        """What *work* gives, which is handed the lease of *categories* and their state; None where both are another's.

        *waits* says whether to wait for the lease while another process has it. Raises Overloaded.
        """
        # Readers may name as many others as there are. One of them at a time wants arXiv: no crowd is before us there.
        is_ours = categories == self._configured
        async with nullcontext() if is_ours else self._others.get().turn(is_preferred=False):
            name, holder = f"refresh {key_of(categories)}", uuid4().hex
            seconds = self._timing.lease_seconds
            while (lease := await leases.take(self._store, name, holder, seconds=seconds)) is None:
                if not waits:
                    return None
                await asyncio.sleep(_LEASE_POLL_SECONDS)
            try:
                async with leases.kept(self._store, lease, seconds=seconds):
                    return await work(lease, await self._store.load_refresh(key_of(categories)))
            except LeaseLost as error:
                logger.warning("%s", error)
                return None
            finally:
                await leases.give_back(self._store, lease)

    async def _refresh(self, categories: tuple[str, ...], state: RefreshState | None, lease: Lease) -> Report:
        if state is not None and was_made_ahead(state, self._clock()):
            state = _without_foreseen(state)

        def remember(report: Report, now: datetime) -> RefreshState:
            return after_success(state, report, now=now, timing=self._timing)

        try:
            report = await intake.refresh(
                categories,
                source=self._source,
                store=self._store,
                clock=self._clock,
                before=state,
                remember=remember,
                since=lambda now: self._since(categories, now),
                lease=lease,
            )
        except LeaseLost:
            raise
        except Exception as error:  # whatever it is: it must not be tried again by the very next reader
            await self._remember_failure(categories, state, error, lease)
            raise
        if report.ledger.new or report.ledger.updated:
            await self._fetch_named()
            await self._learn(categories)
        return report

    async def _fetch_named(self) -> None:
        """Fetch what profiles like; a failure leaves the rankings as they are until the next time."""
        if self._learner is None:
            return
        try:
            await self._learner.fetch_named(self._source, self._store, now=self._clock())
        except (SourceUnavailable, SourceMalformed, StoreUnavailable) as error:
            logger.warning("The liked papers that are not stored were not fetched: %s", error)

    async def _learn(self, categories: tuple[str, ...]) -> None:
        """Count the words of earlier mailings; a failure leaves the rankings as they are until the next time."""
        if self._learner is None:
            return
        try:
            await self._learner.learn(categories, self._store, now=self._clock())
        except StoreUnavailable as error:
            logger.warning("The words of %s were not counted: %s", key_of(categories), error)
        except Exception:  # the papers are stored: a mistake of ours in counting must not stop what follows
            logger.exception("The words of %s could not be counted", key_of(categories))

    async def _remember_failure(
        self, categories: tuple[str, ...], state: RefreshState | None, error: Exception, lease: Lease
    ) -> None:
        key = key_of(categories)
        changes = Changes(refreshes=((key, after_failure(state, error, now=self._clock())),))
        task = f"it was to be kept that {key} could not be refreshed ({error})"
        await optimistic.put(self._store, changes, clock=self._clock, task=task, lease=lease)

    def _since(self, categories: tuple[str, ...], now: datetime) -> date:
        """The first mailing that is meant to be complete of *categories*, when they are asked for the first time."""
        newest = newest_mailing(now)
        return newest - timedelta(days=self._days_back - 1) if categories == self._configured else newest


def _track(
    running: dict[tuple[str, ...], asyncio.Task[T]], categories: tuple[str, ...], work: Coroutine[Any, Any, T]
) -> asyncio.Task[T]:  # Any: what a coroutine is sent and yields
    """*work* as a task that stands in *running* for *categories* until it is done."""
    task = asyncio.create_task(work)
    running[categories] = task

    def forget(done: asyncio.Task[T]) -> None:
        if running.get(categories) is done:
            del running[categories]

    task.add_done_callback(forget)
    return task


async def _wait_for(refresh: asyncio.Task[Report | None], seconds: float) -> None:
    """Wait at most *seconds*; *refresh* goes on when the reader gives up, and a failure of it is logged, once."""
    refresh.remove_done_callback(_log_failed_refresh)
    refresh.add_done_callback(_log_failed_refresh)
    await asyncio.wait([refresh], timeout=seconds)


def _was_turned_away(refresh: asyncio.Task[Report | None]) -> bool:
    return refresh.done() and not refresh.cancelled() and isinstance(refresh.exception(), Overloaded)


def _log_failed_refresh(task: asyncio.Task[Report | None]) -> None:
    log_failure("A refresh", task)


def _log_failed_healing(task: asyncio.Task[HealingReport]) -> None:
    log_failure("Healing", task)


def _has_newest(mailing: date | None, now: datetime) -> bool:
    """Whether *mailing* is the one that arXiv ought to show; a date in the future is a mistake of somebody's clock."""
    return mailing is not None and newest_mailing(now) <= mailing <= eastern_date(now)


def _is_certainly_silent(now: datetime) -> bool:
    silence = explain_silence(now)
    return silence is not None and silence.is_certain


def _stale_problems(state: RefreshState) -> tuple[str, ...]:
    """A sentence for each way in which categories are stale."""
    stale: dict[str, list[str]] = {}
    for one in state.categories:
        if one.stale_because:
            stale.setdefault(one.stale_because, []).append(one.category)
    return tuple(f"{', '.join(categories)}: {because}" for because, categories in stale.items())


def _healing_notice(error: Exception) -> str:
    return f"What no feed brought could not be asked for ({error}); it will be another time."


def _nothing_stored(
    categories: tuple[str, ...], state: RefreshState | None, now: datetime, *, is_refused: bool
) -> NothingStored:
    names = ", ".join(categories)
    if is_refused:
        return NothingStored(
            f"The papers of {names} cannot be stored at present; the log of the service says why.",
            retry_after_seconds=COLD_RETRY_SECONDS,
        )
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
