"""The job that writes summaries: gather what is wanted, write within budgets, keep each as soon as it is ready.

One process of all does it at a time, by a lease. Nothing of it runs while a reader waits. What is not done when the
time or the budget is over is left with its reason, and the next run goes on with it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import uuid4

from core import leases
from core.catalogue import Selected
from core.errors import LeaseLost, StoreUnavailable
from core.profiles import Profile
from core.store import optimistic
from core.store.records import Changes, Lease, PaperRecord
from core.summaries.attempts import (
    DEFERRED,
    LONGEST_QUIET,
    TEXT_AWAY,
    WRITTEN,
    Attempt,
    Attempts,
    Breaker,
    Failure,
    Key,
    Run,
    SummaryState,
    Usage,
    find_attempt,
    with_attempt,
)
from core.summaries.choice import Maker, Wanted, choose, newest_mailings
from core.summaries.model import Model, ModelFailed, Trouble
from core.summaries.options import ALL_MISSING, Limits, Options, Order
from core.summaries.prompt import PROMPT_VERSION, parse_template
from core.summaries.writing import FILE_PREFIX, Draft, OutOfBudget, Texts, World, Writer

logger = logging.getLogger(__name__)

_LEASE = "summaries"
_AWAY = "unavailable"  # of an attempt, and of the breaker that several of them in a row open
_START_SECONDS = 60.0  # none is started with less time left: one takes about 50 seconds
_CLOSED_FOR = timedelta(hours=1)  # after the account was refused
_AWAY_FOR = timedelta(minutes=15)  # after the service was away
_FAILURES_UNTIL_AWAY = 3  # papers in a row, each counted once for all languages
_FAILURES_TOLD = 20
_RETRY_AFTER = timedelta(minutes=10)  # doubled with each run that failed
_LONGEST_RETRY_AFTER = timedelta(hours=12)
_MOST_FAILURES = 8  # runs, after which a paper is given up
_LEFTOVER_AFTER = timedelta(hours=1)
_SWEEP_SECONDS = 10.0  # of a run, for what earlier ones have left at the service
_APPLY_ATTEMPTS = 5
_APPLY_PAUSE_SECONDS = 0.5

_TIME = ("time", "it was not yet this paper's turn")
_BUDGET = ("budget", "the budget for summaries is used up for now")
_CLOSED = ("closed", "the model service does not serve this site at the moment")


class Store(leases.Store, optimistic.Store, Protocol):
    """What the job needs of a store."""

    async def load_papers(self, paper_ids: Collection[str]) -> Mapping[str, PaperRecord]: ...

    async def load_attempts(self, paper_ids: Collection[str]) -> Mapping[str, Attempts]: ...

    async def load_summary_state(self) -> SummaryState: ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: papers done of `total`, and the paper that was done last."""

    done: int
    total: int
    usage: Usage
    paper_id: str
    code: str


class Summaries:
    """Writes what summaries are missing. *select* gives what a profile lists now, *model* is where it is asked to.

    *fingerprint* tells one key and address from another without giving the key
    away, so that a new key is tried at once.
    """

    def __init__(
        self,
        options: Options,
        *,
        profiles: Sequence[Profile],
        select: Callable[[Profile], Awaitable[Selected]],
        store: Store,
        model: Model,
        texts: Texts,
        clock: Callable[[], datetime],
        world: World,
        lease_seconds: float = 30.0,
        fingerprint: str = "",
    ) -> None:
        self.options = options
        self._profiles = tuple(profile for profile in profiles if profile.summaries != "none")
        self._select = select
        self._store = store
        self._model = model
        self._clock = clock
        self._world = world
        self._lease_seconds = lease_seconds
        self._fingerprint = fingerprint
        template = parse_template(options.template) if options.template is not None else None
        self._maker = Maker(options.models[0], template.version if template else PROMPT_VERSION, options.sources[0])
        self._writer = Writer(options, model=model, texts=texts, template=template, world=world)

    async def run(
        self,
        order: Order = ALL_MISSING,
        *,
        remaining_seconds: Callable[[], float] = lambda: math.inf,
        tell: Callable[[Progress], object] = lambda _: None,
    ) -> Run:
        """Do what *order* says until all is done, or time or budget are over. Raises StoreUnavailable."""
        if not (order.paper_ids or order.is_forced or await self._has_anything_to_do(order)):
            return Run(self._now())
        lease = await leases.take(self._store, _LEASE, uuid4().hex, seconds=self._lease_seconds)
        if lease is None:
            return Run(self._now(), notice="another process is writing summaries just now")
        lost = asyncio.Event()
        try:
            async with leases.kept(self._store, lease, seconds=self._lease_seconds, when_lost=lost.set):
                return await self._run(order, lease, lost, remaining_seconds, tell)
        except LeaseLost as error:
            return Run(self._now(), notice=str(error))
        finally:
            await self._model.aclose()
            await leases.give_back(self._store, lease)

    async def _run(
        self,
        order: Order,
        lease: Lease,
        lost: asyncio.Event,
        remaining_seconds: Callable[[], float],
        tell: Callable[[Progress], object],
    ) -> Run:
        state = (await self._store.load_summary_state()).on(self._now().date())
        selections = [] if order.paper_ids else [(profile, await self._select(profile)) for profile in self._profiles]
        wanted = await (self._find_named(order) if order.paper_ids else self._choose(order, selections, state))
        shift = _Shift(
            store=self._store,
            lease=lease,
            is_lost=lost.is_set,
            limits=self.options.limits,
            least_seconds=min(_START_SECONDS, self.options.timeout_seconds),
            remaining_seconds=remaining_seconds,
            sleep=self._world.sleep,
            now=self._now,
            state=state,
            known=dict(await self._store.load_attempts({one.paper.id for one in wanted})),
            total=len(wanted),
            tell=tell,
            fingerprint=self._fingerprint,
            waits_for_texts=order.waits_for_texts,
        )
        if self._is_closed(order, state) and not order.is_forced:
            shift.end(*_CLOSED)
        elif wanted and remaining_seconds() > shift.least_seconds + _SWEEP_SECONDS:
            await self._sweep()
        await shift.work(wanted, self._writer, workers=self.options.workers)
        mailings = {**dict(state.mailings), **dict(newest_mailings(selections))}
        return await shift.finish(tuple(sorted(mailings.items())))

    async def _has_anything_to_do(self, order: Order) -> bool:
        state = await self._store.load_summary_state()
        selections = [(profile, await self._select(profile)) for profile in self._profiles]
        known = dict(state.mailings)
        is_new = any(known.get(name) != mailing for name, mailing in newest_mailings(selections))
        return is_new or bool(await self._choose(order, selections, state))

    async def _find_named(self, order: Order) -> tuple[Wanted, ...]:
        """What is to be written of the papers that *order* names."""
        records = await self._store.load_papers(order.paper_ids)
        attempts = await self._store.load_attempts(order.paper_ids)
        languages = dict.fromkeys(profile.language for profile in self._profiles) or {self.options.language: None}
        wanted = (
            Wanted(records[paper_id].paper, self._maker.key(records[paper_id].paper, language))
            for paper_id in dict.fromkeys(order.paper_ids)
            for language in languages
            if paper_id in records
        )
        return tuple(one for one in wanted if order.is_forced or _is_open(attempts.get(one.paper.id, ()), one.key))

    async def _choose(
        self, order: Order, selections: Sequence[tuple[Profile, Selected]], state: SummaryState
    ) -> tuple[Wanted, ...]:
        """What is to be written of the papers that *selections* list."""
        listed = {item.paper.id for _, selected in selections for item in selected.items}
        known = await self._store.load_attempts(listed)
        if order.is_forced:  # what has failed counts as never tried
            known = {paper_id: tuple(one for one in tried if one.summary) for paper_id, tried in known.items()}
        return choose(
            selections,
            known,
            maker=self._maker,
            papers=self.options.papers,
            state=state,
            now=self._now() if order.is_patient else None,
        )

    def _is_closed(self, order: Order, state: SummaryState) -> bool:
        breaker = state.breaker
        if breaker is None or not breaker.holds(self._now()) or breaker.fingerprint != self._fingerprint:
            return False
        return order.is_patient or breaker.code != _AWAY

    async def _sweep(self) -> None:
        """Delete files that a run which was cut off has left at the service, as many as there is time for."""
        if "pdf" not in self.options.sources:
            return
        try:
            async with asyncio.timeout(_SWEEP_SECONDS):
                for file in await self._model.list_files():
                    if file.name.startswith(FILE_PREFIX) and self._now() - file.created_at > _LEFTOVER_AFTER:
                        await self._model.delete_file(file.id)
        except TimeoutError:
            logger.warning("Some uploaded files stay until the next sweep: %g seconds are over", _SWEEP_SECONDS)
        except ModelFailed as error:
            logger.warning("Uploaded files could not be swept: %s", error)

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)


@dataclass(slots=True)
class _Shift:
    """One run at work: what is known and was spent so far, and the budget that calls are allowed from.

    What is under way when a budget is used up is finished, so that a day's tokens and cost may go beyond it by that.
    """

    store: Store
    lease: Lease
    is_lost: Callable[[], bool]
    limits: Limits
    least_seconds: float
    remaining_seconds: Callable[[], float]
    sleep: Callable[[float], Awaitable[object]]
    now: Callable[[], datetime]
    state: SummaryState
    known: dict[str, Attempts]
    total: int
    tell: Callable[[Progress], object]
    fingerprint: str
    waits_for_texts: bool
    usage: Usage = field(default_factory=Usage)
    started: int = 0
    done: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    unanswered: dict[str, str] = field(default_factory=dict)  # papers in a row, with the code of an unclear refusal
    left: list[Wanted] = field(default_factory=list)
    refused: list[Wanted] = field(default_factory=list)  # those of `left` that the service was last asked for
    ended: tuple[str, str] | None = None
    error: Exception | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def end(self, code: str, reason: str) -> None:
        """Let nothing more be started; that the model is not to be had says more than that a budget is used up."""
        if self.ended is None or code == _CLOSED[0]:
            self.ended = code, reason

    async def work(self, wanted: Sequence[Wanted], writer: Writer, *, workers: int) -> None:
        """Write what is *wanted*, several at once, until all is done or the run has ended."""
        queue = deque(wanted)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(workers, len(wanted))):
                group.create_task(self._work_off(queue, writer))
        self.left += queue
        if self.error is not None:
            raise self.error

    async def finish(self, mailings: tuple[tuple[str, date], ...]) -> Run:
        """Keep why the rest was left, and what the run came to."""
        code, reason = self.ended or _TIME
        changed: dict[str, Attempts] = {}
        for one in self.left:
            before = find_attempt(self.known.get(one.paper.id, ()), one.key)
            if before and before.summary:  # it was to be written again
                continue
            failures, retry_at = (before.failures, before.retry_at) if before else (0, None)
            if one in self.refused:  # so that another one leads the next run: it may be this paper that is refused
                retry_at = max(retry_at or self.now(), self.now())
            if before is None or (before.code, before.reason, before.retry_at) != (code, reason, retry_at):
                attempt = Attempt(one.key, self.now(), code, reason, failures=failures, retry_at=retry_at)
                changed[one.paper.id] = self.known[one.paper.id] = with_attempt(
                    self.known.get(one.paper.id, ()), attempt
                )
        run = self._report()
        state = replace(self.state, mailings=mailings, last_run=run if self.total else self.state.last_run)
        if changed or state != self.state or self.total:
            await self._keep(Changes(attempts=tuple(sorted(changed.items())), summary_state=state))
        return run

    async def allow(self) -> None:
        """A call may be made now, and is counted. Raises OutOfBudget where it may not."""
        self._refuse_if_over()
        async with self.lock:
            self.usage += Usage(calls=1)
            self.state = replace(self.state, spent=self.state.spent + Usage(calls=1))
            await self._keep(Changes(summary_state=self.state))

    def count(self, usage: Usage) -> None:
        """What an allowed call used, its number apart."""
        self.usage += usage
        self.state = replace(self.state, spent=self.state.spent + usage)

    async def _work_off(self, queue: deque[Wanted], writer: Writer) -> None:
        while queue and self.ended is None:
            try:
                self._refuse_if_over(is_new=True)
            except OutOfBudget as over:
                self.end(over.code, over.reason)
                return
            except LeaseLost as error:
                self.error = error
                self.end(*_TIME)
                return
            one = queue.popleft()
            self.started += 1
            self.state = replace(self.state, papers=self.state.papers + 1)
            try:
                await self._write(one, writer)
            except (StoreUnavailable, LeaseLost) as error:
                self.error = error
                self.end(*_TIME)

    async def _write(self, one: Wanted, writer: Writer) -> None:
        try:
            draft = await writer.write(one.paper, one.key, meter=self, waits_for_texts=self.waits_for_texts)
        except ModelFailed as error:
            self._close(error)
            self._give_back()
            self.left.append(one)
            self.refused.append(one)
            return
        except (StoreUnavailable, LeaseLost):
            raise
        except Exception:  # one paper must not end the run for the others
            logger.exception("The summary of %s could not be written", one.paper.id)
            draft = Draft(
                "error", "something unexpected went wrong; the log of the service says what", None, Usage(), ""
            )
        await self._save(one, draft)

    async def _save(self, one: Wanted, draft: Draft) -> None:
        before = find_attempt(self.known.get(one.paper.id, ()), one.key)
        attempt = _build_attempt(one.key, draft, before, self.now())
        is_away = attempt.code in (_AWAY, "given up")
        if is_away:
            self.unanswered[one.paper.id] = draft.refusal
        elif attempt.code != TEXT_AWAY:  # for which no model was asked
            self.unanswered.clear()
        if draft.quiet_seconds:
            lasts = min(timedelta(seconds=draft.quiet_seconds), LONGEST_QUIET)
            self._open_breaker("pause", "it asked for a pause", lasts)
        if len(self.unanswered) >= _FAILURES_UNTIL_AWAY and self.ended is None:
            self._leave_alone()
        if draft.code in (_AWAY, _CLOSED[0], TEXT_AWAY) and not draft.usage.tokens:
            self._give_back()
        if attempt.summary is None and not (attempt.is_deferred and not is_away):
            self.failures.append(Failure(one.paper.id, attempt.code, attempt.reason, attempt.request_id))
        async with self.lock:
            if attempt.summary or not (before and before.summary):  # one that is there is kept until there is another
                self.known[one.paper.id] = with_attempt(self.known.get(one.paper.id, ()), attempt)
            changes = Changes(attempts=((one.paper.id, self.known[one.paper.id]),), summary_state=self.state)
            await self._keep(changes)
        self.done += 1
        self.codes[attempt.code] = self.codes.get(attempt.code, 0) + 1
        self.tell(Progress(self.done, self.total, self.usage, one.paper.id, attempt.code))

    def _give_back(self) -> None:
        """A paper that no call was answered for is none that the day's budget is spent on."""
        self.state = replace(self.state, papers=max(0, self.state.papers - 1))

    def seconds_left(self) -> float:
        """How long the run may go on."""
        return self.remaining_seconds()

    def _refuse_if_over(self, *, is_new: bool = False) -> None:
        """Raises OutOfBudget where nothing more may be spent, or no new paper be started."""
        if self.is_lost():
            raise LeaseLost(self.lease.name)
        if self.ended == _CLOSED:
            raise OutOfBudget(*_CLOSED)
        if self.remaining_seconds() < self.least_seconds:
            raise OutOfBudget(*_TIME)
        limits, state = self.limits, self.state
        spent = [(state.spent.tokens, limits.tokens_per_day), (state.spent.cost, limits.cost_per_day)]
        if is_new:
            spent += [(self.started, limits.papers_per_run), (state.papers, limits.papers_per_day)]
        if any(most is not None and used >= most for used, most in spent):
            raise OutOfBudget(*_BUDGET)

    def _close(self, error: ModelFailed) -> None:
        logger.error("Summaries are paused: %s (request %s)", error, error.request_id or "unknown")
        means = "no model can be had" if error.trouble is Trouble.MODEL else "it refuses the key or the account"
        self._open_breaker(error.code, f"{means} ({error.code})", _CLOSED_FOR)

    def _leave_alone(self) -> None:
        """End the run: one refusal of all is of the model, anything else in a row is a service that is away."""
        refusals = set(self.unanswered.values())
        code = refusals.pop()
        if code and not refusals:
            logger.error("Summaries are paused: several papers in a row were refused with %s", code)
            self._open_breaker(code, f"it refused several papers in a row ({code})", _CLOSED_FOR)
        else:
            self._open_breaker(_AWAY, "it did not answer for several papers in a row", _AWAY_FOR)

    def _open_breaker(self, code: str, reason: str, lasts: timedelta) -> None:
        """Leave the model alone, and no shorter than another answer has asked for: several may come at once."""
        breaker, before = Breaker(code, reason, self.now() + lasts, self.fingerprint), self.state.breaker
        if before is None or before.fingerprint != self.fingerprint or before.until < breaker.until:
            self.state = replace(self.state, breaker=breaker)
        self.end(*_CLOSED)

    def _report(self) -> Run:
        written = self.codes.get(WRITTEN, 0)
        deferred = len(self.left) + sum(number for code, number in self.codes.items() if code in DEFERRED)
        code, _ = self.ended or ("", "")
        notice = {"time": "the time was over", "budget": "the budget was used up"}.get(code, "")
        if code == "closed" and self.state.breaker is not None:
            notice = f"the model is left alone until {self.state.breaker.until:%H:%M} UTC: {self.state.breaker.reason}"
        return Run(
            at=self.now(),
            written=written,
            failed=self.total - written - deferred,
            deferred=deferred,
            usage=self.usage,
            failures=tuple(self.failures[:_FAILURES_TOLD]),
            notice=notice,
        )

    async def _keep(self, changes: Changes) -> None:
        """Store *changes*, whatever else is stored meanwhile. Raises StoreUnavailable and LeaseLost."""
        for attempt in range(1, _APPLY_ATTEMPTS + 1):
            try:
                await optimistic.put(self.store, changes, clock=self.now, task="a summary was stored", lease=self.lease)
            except StoreUnavailable as error:
                if attempt == _APPLY_ATTEMPTS:
                    raise
                logger.warning("A summary waits to be stored: %s", error)
                await self.sleep(_APPLY_PAUSE_SECONDS * attempt)
            else:
                return


def _is_open(attempts: Attempts, key: Key) -> bool:
    """Whether a summary under *key* is still to be written."""
    found = find_attempt(attempts, key)
    return found is None or found.is_deferred


def _build_attempt(key: Key, draft: Draft, before: Attempt | None, now: datetime) -> Attempt:
    """*draft* with what the attempts before it came to: a service that is away is asked less and less often.

    A failure before its time, which who asks by hand may bring about, counts for nothing.
    """
    code, reason, failures, retry_at = draft.code, draft.reason, 0, None
    if code in DEFERRED and before:
        failures, retry_at = before.failures, before.retry_at
    if code == _AWAY and not (retry_at and now < retry_at):
        failures += 1
        retry_at = now + min(_RETRY_AFTER * 2 ** (failures - 1), _LONGEST_RETRY_AFTER)
        if failures >= _MOST_FAILURES:
            code, reason, retry_at = "given up", "the model service gave no summary of it, again and again", None
    return Attempt(key, now, code, reason, draft.summary, draft.usage, draft.request_id, failures, retry_at)


def fingerprint(*parts: str) -> str:
    """A short text that changes with any of *parts* and gives none of them away."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
