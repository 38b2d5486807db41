"""For the operator and for machines: health, the status of the data, and refreshing on demand, which needs the secret.

What a refresh leaves open, the mailings that no feed brought and the summaries of papers, is done after it; a failure
of that is a line in the report.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from api.feeds import prepare
from api.problems import DOCUMENTED_OF_GUARDED, RouteClosed, Unauthorised
from api.service import Service, ServiceDependency
from api.status import (
    Standing,
    Status,
    SummaryFailureStatus,
    describe_failures,
    describe_standing,
    find_days_back,
    load_status,
)
from core.errors import ArxivFeedsError, SourceUnavailable, StoreUnavailable
from core.healing import HealingReport
from core.intake import Report
from core.store.records import CategoryState, key_of
from core.summaries.attempts import Run
from core.summaries.options import Order

logger = logging.getLogger(__name__)

router = APIRouter(tags=["operations"])

HEALING_WAIT_SECONDS = 5.0  # of who asks for a refresh; the healing itself goes on
SUMMARY_WAIT_SECONDS = 20.0
CRON_HEALING_SECONDS = 25.0  # a page may take half a minute after that
CRON_SECONDS = 240.0  # of the 300 that vercel.json allows; no summary is started in the last minute of it


class Health(BaseModel):
    """Whether the service can answer; nothing about how new its data are."""

    status: Literal["ok"] = "ok"
    sample_data: bool = Field(description="True where the papers are made up.")
    revision: int = Field(description="Grows with every change of the stored data.")


class RejectedModel(BaseModel):
    entry: str = Field(description="What identifies it best.")
    reason: str


class HealingModel(BaseModel):
    """What arXiv's search brought of mailings that no feed had brought; it adds up as that of the refresh does."""

    requests: int = Field(description="How many requests arXiv was asked.")
    received: int
    new: int
    updated: int
    duplicate: int
    rejected: int
    is_finished: bool = Field(description="Whether nothing is left to ask for now.")
    notices: list[str]


class SummaryRunModel(BaseModel):
    """What came of writing summaries; written + failed + deferred are those that there were to write."""

    written: int
    failed: int
    deferred: int = Field(description="Left for the next time.")
    is_finished: bool = Field(description="Whether nothing is left to write now.")
    calls: int
    input_tokens: int
    output_tokens: int
    cost: float
    failures: list[SummaryFailureStatus] = Field(description="The first of them.")
    notices: list[str]


class RefreshReport(BaseModel):
    """What one refresh found; received = new + updated + duplicate + rejected."""

    sample_data: bool
    categories: list[str]
    mailing: date | None = Field(default=None, description="Null where nothing of a new mailing was listed.")
    requests: int = Field(description="How many requests arXiv was asked.")
    received: int
    new: int
    updated: int
    duplicate: int
    rejected: int
    rejections: list[RejectedModel]
    notices: list[str]
    standing: list[Standing] = Field(description="How each category stands now.")
    healing: HealingModel
    summaries: SummaryRunModel


_SCHEME = HTTPBearer(auto_error=False, scheme_name="secret", description="What the variable CRON_SECRET holds.")


async def require_secret(
    service: ServiceDependency,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_SCHEME)],
) -> None:
    """Raises RouteClosed where no secret is set, Unauthorised where the header does not have it."""
    secret = service.settings.cron_secret
    if not secret:
        raise RouteClosed
    # Bytes as they were sent, since compare_digest takes no other str than ASCII; its time does not tell how much was
    # right.
    sent = credentials.credentials.strip(" \t").encode("latin-1") if credentials else b""
    if not hmac.compare_digest(sent, secret.get_secret_value().encode()):
        raise Unauthorised


_GUARDED = [Depends(require_secret)]


@router.get("/health", response_model=Health)
async def health(service: ServiceDependency, response: Response) -> Health:
    """Whether the service is up and its store can be read."""
    response.headers["Cache-Control"] = "no-store"
    revision = await service.load_revision()
    return Health(sample_data=service.sample_data, revision=revision.number)


@router.get("/api/status", response_model=Status)
async def status(service: ServiceDependency, response: Response) -> Status:
    """How current and how complete the papers are, whether arXiv answers, and what is wrong where something is.

    An answer with `degraded` is a 200, and so is one without the store; `/health` is for machines that want a status
    code. arXiv is not asked for it.
    """
    response.headers["Cache-Control"] = "no-store"
    return await load_status(service)


@router.post("/api/refresh", response_model=RefreshReport, responses=DOCUMENTED_OF_GUARDED, dependencies=_GUARDED)
async def refresh(service: ServiceDependency, response: Response) -> RefreshReport:
    """Ask arXiv now for the configured categories, and for mailings that were missed. Needs the secret.

    What was missed, and summaries, are waited for some seconds and go on in the background; on a platform, where
    nothing can, this is the same as `/api/cron`.
    """
    return await _refresh(service, response)


@router.get("/api/cron", response_model=RefreshReport, responses=DOCUMENTED_OF_GUARDED, dependencies=_GUARDED)
async def cron(service: ServiceDependency, response: Response) -> RefreshReport:
    """The same for schedulers that can only GET, such as Vercel's. Needs the secret.

    Nothing goes on in the background, where a function may be frozen: what is not done within four minutes is done the
    next time.
    """
    response.headers["Cache-Control"] = "no-store"
    return await _refresh_in_time(service)


async def _refresh_in_time(service: Service) -> RefreshReport:
    started = time.monotonic()
    return await refresh_within(service, lambda: CRON_SECONDS - (time.monotonic() - started))


async def refresh_within(service: Service, remaining_seconds: Callable[[], float]) -> RefreshReport:
    """A refresh, and then what fits in the *remaining_seconds* of what follows it; nothing goes on in the background.

    Raises what the refresh raises, after what follows it; a failure of that is a line in the report.
    """
    started = time.monotonic()

    def is_over() -> bool:
        return time.monotonic() - started >= CRON_HEALING_SECONDS or remaining_seconds() <= 0

    return await _refresh_by(
        service,
        heal=lambda: service.freshness.heal(is_over=is_over),
        summarise=lambda order: service.summaries.build().run(order, remaining_seconds=remaining_seconds),
        prepares=True,
    )


# One route, so that a 405 names both methods; left out of the schema, where one route cannot have two operation ids.
@router.api_route(
    "/update-cache",
    methods=["GET", "POST"],
    response_model=RefreshReport,
    dependencies=_GUARDED,
    include_in_schema=False,
)
async def update_cache(service: ServiceDependency, response: Response) -> RefreshReport:
    """The same under the address that the origin had. Needs the secret."""
    return await _refresh(service, response)


async def _refresh(service: Service, response: Response) -> RefreshReport:
    response.headers["Cache-Control"] = "no-store"
    if service.settings.is_on_platform:
        return await _refresh_in_time(service)
    return await _refresh_by(
        service,
        heal=lambda: service.freshness.heal_for(HEALING_WAIT_SECONDS),
        summarise=lambda order: service.summaries.run_for(SUMMARY_WAIT_SECONDS, order),
    )


async def _refresh_by(
    service: Service,
    *,
    heal: Callable[[], Awaitable[HealingReport | None]],
    summarise: Callable[[Order], Awaitable[Run | None]],
    prepares: bool = False,
) -> RefreshReport:
    """A refresh, what it leaves open, and whether it *prepares* the configured feeds; raises last what refused it."""
    report = await service.freshness.try_refresh()
    healing = await _heal(heal)
    order = Order(waits_for_texts=isinstance(report, SourceUnavailable))
    summaries = await _summarise(service, lambda: summarise(order))
    if prepares:
        await _prepare_feeds(service)
    if isinstance(report, ArxivFeedsError):
        raise report
    return await _report(service, report, healing, summaries)


async def _heal(heal: Callable[[], Awaitable[HealingReport | None]]) -> HealingModel:
    """What *heal* found. Whatever goes wrong with it is a line in the report: the refresh before it is done."""
    try:
        report = await heal()
    except Exception:
        logger.exception("What no feed brought could not be asked for")
        return _unfinished("What no feed brought could not be asked for; the log of the service says why.")
    return _healing_model(report) if report else _unfinished("It goes on in the background; /api/status tells of it.")


async def _prepare_feeds(service: Service) -> None:
    """Renders the configured feeds; whatever goes wrong with that, their readers will find out."""
    try:
        await prepare(service)
    except Exception:
        logger.exception("The feeds could not be rendered beforehand")


async def _summarise(service: Service, run: Callable[[], Awaitable[Run | None]]) -> SummaryRunModel:
    """What *run* wrote. Whatever goes wrong with it is a line in the report: the papers before it are stored."""
    if service.summaries.obstacle:
        return _no_summaries(service.summaries.obstacle, is_finished=True)
    try:
        found = await run()
    except Exception:
        logger.exception("Summaries could not be written")
        return _no_summaries("Summaries could not be written; the log of the service says why.")
    return _run_model(found) if found else _no_summaries("They are being written; /api/status tells of it.")


def _run_model(run: Run) -> SummaryRunModel:
    return SummaryRunModel(
        written=run.written,
        failed=run.failed,
        deferred=run.deferred,
        is_finished=not run.deferred and not run.notice,
        calls=run.usage.calls,
        input_tokens=run.usage.input_tokens,
        output_tokens=run.usage.output_tokens,
        cost=run.usage.cost,
        failures=describe_failures(run),
        notices=[run.notice] if run.notice else [],
    )


def _no_summaries(notice: str, *, is_finished: bool = False) -> SummaryRunModel:
    return SummaryRunModel(
        written=0,
        failed=0,
        deferred=0,
        is_finished=is_finished,
        calls=0,
        input_tokens=0,
        output_tokens=0,
        cost=0.0,
        failures=[],
        notices=[notice],
    )


async def _report(service: Service, report: Report, healing: HealingModel, summaries: SummaryRunModel) -> RefreshReport:
    ledger = report.ledger
    now, days_back = service.clock(), find_days_back(service.config)
    return RefreshReport(
        sample_data=service.sample_data,
        categories=list(report.categories),
        mailing=report.mailing,
        requests=report.requests,
        **asdict(ledger),
        rejections=[RejectedModel(entry=one.entry, reason=one.reason) for one in report.rejected],
        notices=list(report.notices),
        standing=[
            describe_standing(one, now=now, days_back=days_back) for one in await _load_standing(service, report)
        ],
        healing=healing,
        summaries=summaries,
    )


async def _load_standing(service: Service, report: Report) -> tuple[CategoryState, ...]:
    """How each category stands after what was healed; where that cannot be read, as the refresh left it."""
    try:
        state = await service.store.load_refresh(key_of(report.categories))
    except StoreUnavailable as error:
        logger.warning("Telling the standing from before the healing: %s", error)
        state = None
    return state.categories if state else report.standing


def _healing_model(report: HealingReport) -> HealingModel:
    ledger = report.ledger
    return HealingModel(
        requests=report.requests,
        **asdict(ledger),
        is_finished=report.is_finished,
        notices=list(report.notices),
    )


def _unfinished(notice: str) -> HealingModel:
    return HealingModel(
        requests=0, received=0, new=0, updated=0, duplicate=0, rejected=0, is_finished=False, notices=[notice]
    )
