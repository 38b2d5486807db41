"""For people: which feeds there are and how to subscribe, the status of the data, their style sheet and icon."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from api.feeds import MEDIA_TYPES, list_feeds
from api.selection import feed_addresses, feed_title
from api.service import Service, ServiceDependency
from api.status import load_status
from core.catalogue import describe
from core.config import DEFAULT_PROFILE

if TYPE_CHECKING:
    from jinja2 import Environment

router = APIRouter(include_in_schema=False)

_FOLDER = Path(__file__).parent
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/", response_class=Response)
async def index(request: Request, service: ServiceDependency) -> Response:
    """Every feed with its three addresses, and how to subscribe."""
    page = _templates().get_template("index.html").render(_context(service))
    response = service.respond_configured(request, page.encode(), "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _PAGE_POLICY
    return response


@router.get("/status", response_class=Response)
async def status(service: ServiceDependency) -> Response:
    """What `/api/status` tells, for people. It is true for the moment only, so that nobody may keep it."""
    page = _templates().get_template("status.html").render(status=await load_status(service))
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": _PAGE_POLICY}
    return Response(page, media_type="text/html; charset=utf-8", headers=headers)


@router.get("/static/page.css", response_class=Response)
async def style_sheet(request: Request, service: ServiceDependency) -> Response:
    return service.respond_configured(request, _static("page.css"), "text/css; charset=utf-8")


@router.get("/static/icon.svg", response_class=Response)
async def icon(request: Request, service: ServiceDependency) -> Response:
    return service.respond_configured(request, _static("icon.svg"), "image/svg+xml")


@router.get("/favicon.ico", response_class=Response)
async def favicon(request: Request, service: ServiceDependency) -> Response:
    return service.respond_configured(request, _static("favicon.ico"), "image/x-icon")


def _context(service: Service) -> dict[str, object]:
    address = service.settings.public_address
    return {
        "address": address,
        "sample_data": service.sample_data,
        "notices": service.standing_notices,
        "media_types": {kind: media_type.partition(";")[0] for kind, media_type in MEDIA_TYPES.items()},
        "own": feed_addresses(address, DEFAULT_PROFILE),
        "combined": feed_addresses(address, "cs.AI+cs.LG"),
        "feeds": [
            {
                "title": feed_title(selection, sample_data=service.sample_data),
                "scope": selection.scope,
                "description": describe(selection),
                "addresses": addresses,
            }
            for selection, addresses in list_feeds(service)
        ],
    }


@cache
def _static(name: str) -> bytes:
    return (_FOLDER / "static" / name).read_bytes()


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape  # noqa: PLC0415 - cold start

    return Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
