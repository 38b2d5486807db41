"""For the operator and for machines: health, and refreshing on demand, which needs the secret."""

from __future__ import annotations

import hmac
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel, Field

from api.problems import DOCUMENTED_OF_GUARDED, RouteClosed, Unauthorised
from api.service import Service, ServiceDependency
from core.intake import Report

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """Whether the service can answer; nothing about how new its data are."""

    status: Literal["ok"] = "ok"
    sample_data: bool = Field(description="True where the papers are made up.")
    revision: int = Field(description="Grows with every change of the stored data.")


class RejectedModel(BaseModel):
    entry: str = Field(description="What identifies it best.")
    reason: str


class RefreshReport(BaseModel):
    """What one refresh found; received = new + updated + duplicate + rejected."""

    sample_data: bool
    categories: list[str]
    mailing: str | None = Field(default=None, description="Null where nothing of a new mailing was listed.")
    requests: int = Field(description="How many requests arXiv was asked.")
    received: int
    new: int
    updated: int
    duplicate: int
    rejected: int
    rejections: list[RejectedModel]
    notices: list[str]


async def require_secret(
    service: ServiceDependency,
    authorization: Annotated[str | None, Header(description="`Bearer` and the secret.")] = None,
) -> None:
    """Raises RouteClosed where no secret is set, Unauthorised where the header does not have it."""
    secret = service.settings.cron_secret
    if not secret:
        raise RouteClosed
    # Bytes as they were sent, since compare_digest takes no other str than ASCII; its time does not tell how much was
    # right.
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode("latin-1"), secret.encode()):
        raise Unauthorised


_GUARDED = [Depends(require_secret)]


@router.get("/health", response_model=Health)
async def health(service: ServiceDependency, response: Response) -> Health:
    """Whether the service is up and its store can be read."""
    response.headers["Cache-Control"] = "no-store"
    revision = await service.store.load_revision()
    return Health(sample_data=service.sample_data, revision=revision.number)


@router.post("/api/refresh", response_model=RefreshReport, responses=DOCUMENTED_OF_GUARDED, dependencies=_GUARDED)
async def refresh(service: ServiceDependency, response: Response) -> RefreshReport:
    """Ask arXiv now for the configured categories. Needs the secret."""
    return await _refresh(service, response)


@router.get("/api/cron", response_model=RefreshReport, responses=DOCUMENTED_OF_GUARDED, dependencies=_GUARDED)
async def cron(service: ServiceDependency, response: Response) -> RefreshReport:
    """The same for schedulers that can only GET, such as Vercel's. Needs the secret."""
    return await _refresh(service, response)


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
    return _report_model(await service.freshness.refresh(), sample_data=service.sample_data)


def _report_model(report: Report, *, sample_data: bool) -> RefreshReport:
    ledger = report.ledger
    return RefreshReport(
        sample_data=sample_data,
        categories=list(report.categories),
        mailing=report.mailing.isoformat() if report.mailing else None,
        requests=report.requests,
        received=ledger.received,
        new=ledger.new,
        updated=ledger.updated,
        duplicate=ledger.duplicate,
        rejected=ledger.rejected,
        rejections=[RejectedModel(entry=one.entry, reason=one.reason) for one in report.rejected],
        notices=list(report.notices),
    )
