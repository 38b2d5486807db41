"""Where the parts are chosen and joined: settings and configuration in, an application out."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from api import feeds, operations, pages, papers
from api.edge import Edge
from api.problems import DOCUMENTED, RouteClosed, Unauthorised, answer_problem, problem_schemas
from api.service import Service, Store
from core.arxiv.announced import Announced, Submissions, Window
from core.catalogue import Catalogue
from core.config import Config, load_config
from core.errors import ArxivFeedsError
from core.freshness import Freshness, Source, Timing
from core.learning import Learner
from core.papers import Paper
from core.settings import Settings
from core.store.sqlite import SqliteStore
from core.turns import Turns

if TYPE_CHECKING:
    from core.arxiv.client import ArxivClient

VERSION = "0.1.0"

_DAYS_KEPT = 45  # in a store whose memory is bounded: the longest window of a feed, and half as much

_DESCRIPTION = """
arXiv's daily announcements, filtered and ranked by your keywords, as RSS, Atom and JSON feeds and as JSON.

Errors are problem documents (RFC 9457): `detail` says what to do, `code` is for programs.
"""


def build_service(
    settings: Settings,
    *,
    config: Config | None = None,
    source: Source | None = None,
    store: Store | None = None,
    clock: Callable[[], datetime] | None = None,
    sample_data: bool = False,
) -> Service:
    """The parts of one service, joined; nothing is opened or asked yet.

    Raises BadConfig where *settings* or config.json ask for something impossible.
    """
    clock = clock or _now
    config = config or load_config(settings.config_file)
    store = store or _build_store(settings, config.days_back, clock)
    source = source or _Arxiv(settings, store, clock)
    freshness = Freshness(
        source=source,
        store=store,
        configured=config.categories,
        clock=clock,
        timing=Timing(fresh_for=settings.fresh_for, lease_seconds=settings.lease_seconds),
        days_back=config.days_back,
        learner=Learner((config.default, *config.profiles)),
    )
    return Service(
        settings=settings,
        config=config,
        source=source,
        store=store,
        freshness=freshness,
        catalogue=Catalogue(store),
        clock=clock,
        configured_at=min(_changed_at(settings.config_file), clock()),
        sample_data=sample_data,
    )


def _build_store(settings: Settings, days_back: int, clock: Callable[[], datetime]) -> Store:
    """The shared store where one is configured, else the embedded one."""
    if settings.shared_store is None:
        return SqliteStore(settings.store_file, clock=clock)
    from core.store.redis import RedisStore  # noqa: PLC0415 - brings redis, which nobody else pays for

    return RedisStore(settings.shared_store.get_secret_value(), keep=timedelta(days=max(_DAYS_KEPT, days_back + 15)))


class _Arxiv:
    """arXiv, as *settings* say where it is; asked through a client that is made when first needed.

    The client brings httpx and lxml, a tenth of a cold start that finds its papers in the store.
    """

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._client: ArxivClient | None = None

    async def fetch_announcements(self, categories: Sequence[str], *, etag: str | None = None) -> Announced:
        self._client = self._client or self._build_client()
        return await self._client.fetch_announcements(categories, etag=etag)

    async def fetch_submissions(self, window: Window) -> Submissions:
        self._client = self._client or self._build_client()
        return await self._client.fetch_submissions(window)

    async def fetch_papers(self, ids: Iterable[str]) -> tuple[Paper, ...]:
        self._client = self._client or self._build_client()
        return await self._client.fetch_papers(ids)

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    def _build_client(self) -> ArxivClient:
        from core.arxiv.client import ArxivClient  # noqa: PLC0415 - see above

        settings = self._settings
        return ArxivClient(
            user_agent=f"arxiv-feeds/{VERSION} (reads announcement feeds; {settings.public_address})",
            rss_base=settings.arxiv_rss_base,
            api_base=settings.arxiv_api_base,
            turns=Turns(
                self._store,
                min_interval_seconds=settings.arxiv_min_interval_seconds,
                lease_seconds=settings.lease_seconds,
                clock=self._clock,
                monotonic=time.monotonic,
                draw=random.random,
            ),
        )


def create_app(
    settings: Settings,
    *,
    config: Config | None = None,
    source: Source | None = None,
    store: Store | None = None,
    clock: Callable[[], datetime] | None = None,
    sample_data: bool = False,
) -> FastAPI:
    """The HTTP application; its parts are in `app.state.service`. Raises BadConfig.

    Its lifespan only closes what requests have opened, so it works where no lifespan is run.
    """
    service = build_service(settings, config=config, source=source, store=store, clock=clock, sample_data=sample_data)
    app = _Application(
        title="arxiv-feeds (sample data)" if sample_data else "arxiv-feeds",
        version=VERSION,
        description=_DESCRIPTION,
        responses=DOCUMENTED,
        lifespan=_closing(service),
        redirect_slashes=False,  # readers probe /rss/ and must get a 404, and a redirect would cost them a request
        middleware=[Middleware(Edge, sample_data=service.sample_data)],
    )
    app.state.service = service
    app.state.sample_data = service.sample_data
    for error in (ArxivFeedsError, RequestValidationError, HTTPException, Unauthorised, RouteClosed):
        app.add_exception_handler(error, answer_problem)
    for audience in (feeds, papers, operations, pages):
        app.include_router(audience.router)
    return app


class _Application(FastAPI):
    """FastAPI, whose OpenAPI document knows what problem documents look like."""

    def openapi(self) -> dict[str, Any]:  # Any: JSON
        document = super().openapi()
        document["components"]["schemas"] |= problem_schemas()
        return document


def _closing(service: Service) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await service.close()

    return lifespan


def _now() -> datetime:
    return datetime.now(UTC)


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
