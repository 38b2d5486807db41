"""The status of the data: what is stored of refreshes, as what is told of them, and whether all is well.

`describe_status` is pure; `load_status` reads the store for it. arXiv is never asked here. Whether the service can
answer at all is another question, which `/health` answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from pathlib import PurePath
from typing import Literal

from pydantic import BaseModel, Field

from api.service import Service
from core import turns
from core.config import Config
from core.errors import StoreUnavailable
from core.healing import MOST_DAYS
from core.mailings import eastern_date, explain_silence, mailing_moment, newest_mailing, next_mailing_moment
from core.profiles import say_list
from core.standing import find_gaps
from core.store.records import CategoryState, Endpoint, Healing, Ledger, RefreshState, Revision, key_of
from core.summaries.attempts import Run, SummaryState
from core.summaries.options import Options

logger = logging.getLogger(__name__)

_STORE_SECONDS = 2.0  # people wait for the answer
_GRACE = timedelta(hours=1)  # what is due is asked for, and gaps are filled in, well within this

_SERVICES: Mapping[turns.Service, str] = {
    "feeds": "announcement feeds are",
    "search": "search is",
    "pages": "full texts are",
}


class LedgerModel(BaseModel):
    """What became of the entries that arXiv gave: received = new + updated + duplicate + rejected."""

    received: int = Field(examples=[69])
    new: int = Field(examples=[60])
    updated: int = Field(examples=[5])
    duplicate: int = Field(examples=[3])
    rejected: int = Field(examples=[1])
    is_balanced: bool = Field(description="False would be a mistake of this service.", examples=[True])


class HealingStatus(BaseModel):
    """How far arXiv's search has been asked for what no feed brought."""

    is_under_way: bool
    since: date | None = Field(
        description="The first mailing that is gone through; null where nothing is under way.", examples=["2026-02-27"]
    )
    next_at: datetime | None = Field(description="Until when it waits; null where it does not.", examples=[None])
    failures: int = Field(description="In a row.", examples=[0])
    last_error: str | None = Field(examples=[None])


class Standing(BaseModel):
    """How one category stands, by what was in its feeds and not by their dates."""

    category: str = Field(examples=["cs.CL"])
    mailing: date | None = Field(
        description="The newest mailing that a feed brought; null before the first.", examples=["2026-03-04"]
    )
    papers: int = Field(description="How many papers of this category that mailing has.", examples=[112])
    is_stale: bool = Field(
        description="Whether arXiv shows an earlier mailing, or none, where a newer one is due.", examples=[True]
    )
    stale_since: datetime | None = Field(examples=["2026-03-05T05:01:00Z"])
    stale_because: str | None = Field(
        examples=["arXiv repeats an earlier mailing instead of that of 2026-03-05."],
    )
    is_refused: bool = Field(description="Whether arXiv did not answer for it the last time.", examples=[False])
    healed: int = Field(description="How many papers arXiv's search brought that no feed had brought.", examples=[3])
    gaps: list[date] = Field(
        description="Mailings that are meant to be complete and are not, oldest first.", examples=[["2026-03-05"]]
    )


class CategoryStatus(Standing):
    """How one category stands, and when it is asked for."""

    next_poll_at: datetime | None = Field(
        description="When arXiv is asked again; null before the first time.", examples=["2026-03-05T05:31:00Z"]
    )
    last_error: str | None = Field(description="Null unless the last refresh failed.", examples=[None])


class SetStatus(BaseModel):
    """Categories that are asked for in one request, and what is known of that."""

    is_configured: bool = Field(description="Whether config.json names them; others were asked for by readers.")
    checked_at: datetime | None = Field(
        description="When arXiv was asked last; null before the first time.", examples=["2026-03-05T05:01:00Z"]
    )
    succeeded_at: datetime | None = Field(
        description="When it was asked last and gave an answer.", examples=["2026-03-05T05:01:00Z"]
    )
    next_poll_at: datetime | None = Field(description="When it is asked again.", examples=["2026-03-05T05:31:00Z"])
    failures: int = Field(description="Since the last success.", examples=[0])
    last_error: str | None = Field(description="Null unless the last refresh failed.", examples=[None])
    ledger: LedgerModel = Field(description="Of the last refresh that succeeded.")
    healing: HealingStatus
    categories: list[CategoryStatus]

    @property
    def names(self) -> str:
        return ", ".join(one.category for one in self.categories)

    @property
    def is_known(self) -> bool:
        return self.succeeded_at is not None


class CalendarStatus(BaseModel):
    """What day it is for arXiv."""

    today: date = Field(description="The day it is in US Eastern time.", examples=["2026-03-05"])
    newest_mailing_due: date = Field(
        description="The mailing that arXiv's feeds ought to show now.", examples=["2026-03-05"]
    )
    next_mailing_at: datetime = Field(description="When the next one appears.", examples=["2026-03-06T05:00:00Z"])
    silence: str | None = Field(
        description="Why it is normal that arXiv announces nothing today; null on a day with a mailing.",
        examples=["arXiv has no mailing on 2026-11-27, because of Thanksgiving on 2026-11-26."],
    )


class DataStatus(BaseModel):
    """How new the stored papers are."""

    revision: int = Field(description="Grows with every change of the stored data.", examples=[12])
    changed_at: datetime | None = Field(examples=["2026-03-05T05:01:00Z"])
    newest_mailing: date | None = Field(
        description="The newest that any stored paper was announced in.", examples=["2026-03-05"]
    )


class StoreStatus(BaseModel):
    """Where the papers are kept."""

    name: str = Field(description="Without its folder and without secrets.", examples=["arxiv-feeds.sqlite3"])
    is_shared: bool = Field(description="Whether several machines use it.", examples=[False])
    is_available: bool


class ArxivStatus(BaseModel):
    """How one of arXiv's services has answered lately."""

    service: turns.Service
    failures: int = Field(description="In a row.", examples=[0])
    closed_until: datetime | None = Field(
        description="Until when it is left alone, because it failed or asked for that; null while it is asked.",
        examples=[None],
    )


class SummaryFailureStatus(BaseModel):
    """A summary that could not be written."""

    paper: str = Field(examples=["2603.01234"])
    code: str = Field(examples=["refused"])
    reason: str
    request_id: str = Field(description="What the model's service calls the request, where it said so.")


class SummaryRunStatus(BaseModel):
    """The last run that had summaries to write; written + failed + deferred are those."""

    at: datetime
    written: int
    failed: int
    deferred: int
    calls: int
    input_tokens: int
    output_tokens: int
    seconds: float = Field(description="That calls took, added up.")
    cost: float
    notice: str = Field(description="Why it ended before all was done; empty where it did not.")
    failures: list[SummaryFailureStatus]


class SummaryBudgetStatus(BaseModel):
    """What a day (UTC) may take, null for as much as it needs, and what today has taken."""

    day: date | None
    papers: int
    papers_limit: int | None
    calls: int
    tokens: int
    tokens_limit: int | None
    cost: float
    cost_limit: float | None
    currency: str


class SummaryStatus(BaseModel):
    """How summaries are written, and what has come of it."""

    obstacle: str | None = Field(description="Why none are written at all; null where they are.")
    models: list[str] = Field(description="In the order in which they are asked.", examples=[["qwen-long"]])
    languages: list[str] = Field(examples=[["zh"]])
    closed_until: datetime | None = Field(description="Until when the model is left alone; null while it is asked.")
    closed_because: str | None
    budget: SummaryBudgetStatus
    last_run: SummaryRunStatus | None


class Status(BaseModel):
    """What is known of the data, and whether it is as it should be."""

    sample_data: bool = Field(description="True where the papers are made up.")
    verdict: Literal["ok", "degraded"] = Field(examples=["degraded"])
    problems: list[str] = Field(
        description="Why it is `degraded`, in sentences; empty where it is `ok`.",
        examples=[
            [
                "cs.CL is stale since 2026-03-05 05:01 UTC: arXiv repeats an earlier mailing instead of that of "
                "2026-03-05."
            ]
        ],
    )
    notices: list[str] = Field(description="What is worth knowing and no problem, in sentences.", examples=[[]])
    as_of: datetime = Field(examples=["2026-03-05T05:20:00Z"])
    calendar: CalendarStatus
    store: StoreStatus
    data: DataStatus | None = Field(description="Null while the store is out of reach.")
    arxiv: list[ArxivStatus] = Field(description="Empty while the store is out of reach.")
    sets: list[SetStatus] = Field(
        description="The configured categories first, then others that readers asked for; "
        "empty while the store is out of reach."
    )
    summaries: SummaryStatus | None = Field(description="Null while the store is out of reach.")


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store says: how new it is, and what is known of each set of categories (joined by +), of arXiv and of
    summaries; and whether it took what this process wanted to keep of arXiv last.
    """

    revision: Revision
    states: Mapping[str, RefreshState]
    endpoints: Mapping[turns.Service, Endpoint]
    summaries: SummaryState = field(default_factory=SummaryState)
    takes_changes: bool = True


@dataclass(frozen=True, slots=True)
class Writing:
    """How summaries are configured: the options, the profiles' languages, and why none are written, if so."""

    options: Options = field(default_factory=Options)
    languages: tuple[str, ...] = ()
    obstacle: str | None = None


async def load_status(service: Service) -> Status:
    """The status of *service* now. A store that does not answer is part of it, and arXiv is not asked."""
    try:
        stored = await _load_stored(service)
    except StoreUnavailable as error:
        logger.warning("Telling the status without the store: %s", error)
        stored = None
    name = service.store.name
    return describe_status(
        stored,
        configured=service.config.categories,
        now=service.clock(),
        days_back=find_days_back(service.config),
        store_name=name if "://" in name else PurePath(name).name,
        is_shared=service.store.is_shared,
        notices=service.sample_notices,
        sample_data=service.sample_data,
        writing=Writing(
            service.config.summaries,
            service.config.summary_languages,
            service.summaries.obstacle,
        ),
    )


async def _load_stored(service: Service) -> Stored:
    revision = await service.load_revision()
    try:
        async with asyncio.timeout(_STORE_SECONDS):
            states = await service.store.load_refreshes()
            endpoints = {name: await service.store.load_endpoint(name) for name in _SERVICES}
            summaries = await service.store.load_summary_state()
    except TimeoutError as error:
        raise StoreUnavailable(
            f"The store {service.store.name} did not answer within {_STORE_SECONDS:g} seconds"
        ) from error
    return Stored(revision, states, endpoints, summaries, takes_changes=not service.freshness.is_refused)


def find_days_back(config: Config) -> int:
    """How many days of the configured categories are meant to be complete: as in the longest feed, 30 at most."""
    return min(MOST_DAYS, config.days_back)


def describe_status(
    stored: Stored | None,
    *,
    configured: Sequence[str],
    now: datetime,
    days_back: int,
    store_name: str,
    is_shared: bool,
    notices: Sequence[str] = (),
    sample_data: bool = False,
    writing: Writing,
) -> Status:
    """What there is to tell at *now* of what is *stored*, None where the store is out of reach.

    *configured* are the categories that are asked for together; of these the last *days_back* days are meant to be
    complete. Other sets are refreshed for readers only, so that those that nobody reads any more say nothing of how
    things are: they are told of, and are no reason for `degraded`.
    """
    calendar = _describe_calendar(now, stored.revision.newest_mailing if stored else None)
    sets = _describe_sets(stored.states, configured=configured, now=now, days_back=days_back) if stored else []
    arxiv = [_describe_service(name, one, now) for name, one in stored.endpoints.items()] if stored else []
    watched = [one for one in sets if one.is_configured or not _is_overdue(one, now)]
    problems = [] if stored and stored.takes_changes else [_store_problem(store_name, is_read=stored is not None)]
    problems += [problem for one in watched for problem in _find_problems(one, calendar, now)]
    problems += [_service_problem(one) for one in arxiv if one.closed_until]
    summaries = _describe_summaries(stored.summaries, writing, now) if stored else None
    problems += _summary_problems(summaries) if summaries else []
    under_way = [notice for one in watched for notice in _healing_notices(one, calendar, now)]
    return Status(
        sample_data=sample_data,
        verdict="degraded" if problems else "ok",
        problems=problems,
        notices=[*notices, *under_way],
        as_of=now,
        calendar=calendar,
        store=StoreStatus(name=store_name, is_shared=is_shared, is_available=stored is not None),
        data=_describe_data(stored.revision) if stored else None,
        arxiv=arxiv,
        sets=sets,
        summaries=summaries,
    )


def describe_standing(state: CategoryState, *, now: datetime, days_back: int) -> Standing:
    """How a category stands. It has no gaps before the first feed was read: nothing was meant to be there."""
    return Standing(
        category=state.category,
        mailing=state.mailing,
        papers=len(state.watermark),
        is_stale=state.stale_because is not None,
        stale_since=state.stale_since,
        stale_because=state.stale_because,
        is_refused=state.is_refused,
        healed=state.healed,
        gaps=list(find_gaps(state, now=now, days_back=days_back)) if state.since else [],
    )


def _describe_calendar(now: datetime, newest: date | None) -> CalendarStatus:
    silence = explain_silence(now, newest=newest)
    return CalendarStatus(
        today=eastern_date(now),
        newest_mailing_due=newest_mailing(now),
        next_mailing_at=next_mailing_moment(now),
        silence=silence.reason if silence else None,
    )


def _describe_data(revision: Revision) -> DataStatus:
    return DataStatus(revision=revision.number, changed_at=revision.changed_at, newest_mailing=revision.newest_mailing)


def _describe_service(name: turns.Service, endpoint: Endpoint, now: datetime) -> ArxivStatus:
    return ArxivStatus(service=name, failures=endpoint.failures, closed_until=endpoint.closed_at(now))


def _describe_summaries(state: SummaryState, writing: Writing, now: datetime) -> SummaryStatus:
    options, today = writing.options, state.on(now.date())
    breaker = state.breaker if state.breaker and state.breaker.holds(now) else None
    return SummaryStatus(
        obstacle=writing.obstacle,
        models=list(options.models),
        languages=list(writing.languages),
        closed_until=breaker.until if breaker else None,
        closed_because=breaker.reason if breaker else None,
        budget=SummaryBudgetStatus(
            day=today.day,
            papers=today.papers,
            papers_limit=options.limits.papers_per_day,
            calls=today.spent.calls,
            tokens=today.spent.tokens,
            tokens_limit=options.limits.tokens_per_day,
            cost=today.spent.cost,
            cost_limit=options.limits.cost_per_day,
            currency=options.currency,
        ),
        last_run=_describe_run(state.last_run) if state.last_run else None,
    )


def _describe_run(run: Run) -> SummaryRunStatus:
    return SummaryRunStatus(
        at=run.at,
        written=run.written,
        failed=run.failed,
        deferred=run.deferred,
        **asdict(run.usage),
        notice=run.notice,
        failures=describe_failures(run),
    )


def describe_failures(run: Run) -> list[SummaryFailureStatus]:
    """Why summaries of *run* could not be written."""
    return [
        SummaryFailureStatus(paper=one.paper_id, code=one.code, reason=one.reason, request_id=one.request_id)
        for one in run.failures
    ]


def _summary_problems(one: SummaryStatus) -> list[str]:
    if one.obstacle or one.closed_until is None:
        return []
    return [f"No summaries are written until {_in_words(one.closed_until)}: {one.closed_because}."]


def _describe_sets(
    states: Mapping[str, RefreshState], *, configured: Sequence[str], now: datetime, days_back: int
) -> list[SetStatus]:
    """The configured set, known or not, then all others by name; what has no key of today is never asked for again."""
    key = key_of(configured)
    others = sorted(one for one in states if one != key and one == key_of(one.split("+")))
    return [
        _describe_set(one.split("+"), states.get(one), is_configured=one == key, now=now, days_back=days_back)
        for one in (key, *others)
    ]


def _describe_set(
    names: Sequence[str], known: RefreshState | None, *, is_configured: bool, now: datetime, days_back: int
) -> SetStatus:
    state = known or RefreshState(checked_at=now)
    last_error = state.last_error if state.failures else None
    by_name = {one.category: one for one in state.categories}
    standings = [
        describe_standing(by_name.get(name, CategoryState(name)), now=now, days_back=days_back) for name in names
    ]
    return SetStatus(
        is_configured=is_configured,
        checked_at=known.checked_at if known else None,
        succeeded_at=state.succeeded_at,
        next_poll_at=state.next_poll_at,
        failures=state.failures,
        last_error=last_error,
        ledger=_describe_ledger(state.ledger),
        healing=_describe_healing(state.healing),
        categories=[
            CategoryStatus(**dict(one), next_poll_at=state.next_poll_at, last_error=last_error) for one in standings
        ],
    )


def _describe_ledger(ledger: Ledger) -> LedgerModel:
    return LedgerModel(
        **asdict(ledger),
        is_balanced=ledger.is_balanced,
    )


def _describe_healing(healing: Healing) -> HealingStatus:
    return HealingStatus(
        is_under_way=healing.last is not None,
        since=healing.first,
        next_at=healing.next_at,
        failures=healing.failures,
        last_error=healing.last_error,
    )


def _store_problem(name: str, *, is_read: bool) -> str:
    """Without the error, which may name a folder; as in `api/problems.py`, the log has it."""
    told = (
        "takes no changes at the moment, so nothing new is fetched"
        if is_read
        else "cannot be read at the moment, so feeds are answered from memory where they can be"
    )
    return f"The store {name} {told}; the log of the service says why."


def _service_problem(one: ArxivStatus) -> str:
    failures = "one failure" if one.failures == 1 else f"{one.failures} failures in a row"
    return f"arXiv's {_SERVICES[one.service]} left alone until {_in_words(one.closed_until)}, after {failures}."


def _find_problems(one: SetStatus, calendar: CalendarStatus, now: datetime) -> Iterator[str]:
    if problem := _refresh_problem(one, calendar, now):
        yield problem
    if not one.is_known:
        return
    yield from _stale_problems(one, calendar.newest_mailing_due)
    refused = [category.category for category in one.categories if category.is_refused and not category.is_stale]
    if refused:
        yield f"arXiv refuses {say_list(refused)}, so that only its search brings new papers."
    why = _why_not_healed(one, now)
    if why:
        yield from (f"{gaps} {why}" for gaps in _tell_gaps(one, calendar))
    if not one.ledger.is_balanced:
        yield f"The ledger of {_name(one)} does not balance: {one.ledger.received} entries were received, others told."


def _healing_notices(one: SetStatus, calendar: CalendarStatus, now: datetime) -> Iterator[str]:
    if one.is_known and _why_not_healed(one, now) is None:
        yield from (f"{gaps} arXiv's search is asked for what is missing." for gaps in _tell_gaps(one, calendar))


def _refresh_problem(one: SetStatus, calendar: CalendarStatus, now: datetime) -> str | None:
    """Why nothing newer came of a set than what there is, None where that is as it should be."""
    if one.failures:
        so_far = f"The papers are as of {_in_words(one.succeeded_at)}." if one.is_known else "Nothing came of it yet."
        return f"Asking arXiv for {_name(one)} failed {_times(one.failures)} ({_reason(one.last_error)}). {so_far}"
    if not one.is_known:
        return f"arXiv was not asked for {_name(one)} yet; a refresh starts that, or a reader who asks for a feed."
    due = calendar.newest_mailing_due
    if _is_overdue(one, now) and not _was_asked_for(due, one):
        return (
            f"arXiv was not asked for the mailing of {due} yet; a refresh does that, or a reader who asks for a feed."
        )
    return None


def _stale_problems(one: SetStatus, due: date) -> Iterator[str]:
    """A sentence for all categories that are stale since the same moment for the same reason."""
    stale: dict[tuple[datetime | None, str, bool], list[str]] = {}
    for category in one.categories:
        if category.stale_because:
            key = (category.stale_since, category.stale_because, due in category.gaps)
            stale.setdefault(key, []).append(category.category)
    for (since, because, is_missing), names in stale.items():
        meanwhile = "" if is_missing else " What arXiv's search has of it is stored."
        yield f"{say_list(names)} {_is(names)} stale since {_in_words(since)}: {because}{meanwhile}"


def _tell_gaps(one: SetStatus, calendar: CalendarStatus) -> Iterator[str]:
    """A sentence for all categories that lack the same mailings; one that only just came due is no gap yet."""
    due = calendar.newest_mailing_due
    lacking: dict[tuple[date, ...], list[str]] = {}
    for category in one.categories:
        days = tuple(day for day in category.gaps if day != due or _was_asked_for(due, one))
        if days:
            lacking.setdefault(days, []).append(category.category)
    for days, names in lacking.items():
        whole = "mailings" if len(days) > 1 else "mailing"
        yield f"Of {say_list(names)} the {whole} of {say_list(map(str, days))} {_is(days)} not complete."


def _why_not_healed(one: SetStatus, now: datetime) -> str | None:
    """Why gaps stay, None where somebody is filling them in."""
    healing = one.healing
    is_waiting = healing.next_at is not None and now < healing.next_at
    again = f"It is asked again {f'at {_in_words(healing.next_at)}' if is_waiting else 'with the next refresh'}."
    if healing.last_error:
        return f"arXiv's search could not be asked for what is missing ({_reason(healing.last_error)}). {again}"
    if is_waiting:
        return f"arXiv's search has not got it either. {again}"
    is_idle = one.succeeded_at is not None and now - one.succeeded_at > _GRACE and not healing.is_under_way
    if one.is_configured and is_idle:
        return "Nobody asks arXiv's search for what is missing; a refresh does."
    return None


def _is_overdue(one: SetStatus, now: datetime) -> bool:
    return one.next_poll_at is None or now - one.next_poll_at > _GRACE


def _was_asked_for(mailing: date, one: SetStatus) -> bool:
    return one.checked_at is not None and one.checked_at >= mailing_moment(mailing)


def _name(one: SetStatus) -> str:
    return "the followed categories" if one.is_configured else one.names


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times in a row"


def _is(several: Sequence[object]) -> str:
    return "are" if len(several) > 1 else "is"


def _reason(error: str | None) -> str:
    """*error* without the address that was asked, which is long and no help to most people."""
    text = error or "unknown"
    return text.partition(": ")[2] or text if text.startswith(("http://", "https://")) else text


def _in_words(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "an unknown time"
