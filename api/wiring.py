"""Where the parts are chosen and joined: settings and configuration in, an application out."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import Receive, Scope, Send

from api import feeds
from api.edge import Edge
from api.front import Front
from api.logs import hide
from api.overload import Bounded
from api.prepared import Prepared
from api.problems import DOCUMENTED, RouteClosed, Unauthorised, answer_problem, problem_schemas
from api.service import Service, Store
from api.summarising import Summarising
from core.arxiv.announced import Announced, Submissions, Window
from core.catalogue import Catalogue, Selection
from core.config import Config, load_config
from core.errors import ArxivFeedsError
from core.freshness import Freshness, Source, Timing
from core.learning import Learner
from core.papers import Paper
from core.settings import Settings, load_settings
from core.store.sqlite import SqliteStore
from core.summaries.options import DEFAULT_KEY, Options, find_obstacle
from core.turns import Turns

if TYPE_CHECKING:
    from core.arxiv.client import ArxivClient
    from core.summaries.job import Summaries
    from core.summaries.model import Model
    from core.summaries.writing import Texts

VERSION = "0.1.0"

_FEED_PATHS = tuple(f"/{kind}" for kind in feeds.NAMES)
_SETTLING_SECONDS = 120.0  # arXiv's search takes a minute for a week of papers
_LONGEST_CALL_SECONDS = 240.0  # of the 300 that vercel.json allows
_DAYS_KEPT = 45  # in a store whose memory is bounded: the longest window that an address can ask for, and half as much

_DESCRIPTION = """
arXiv's daily announcements, filtered and ranked by your keywords, as RSS, Atom and JSON feeds and as JSON.

Errors are problem documents (RFC 9457): `detail` says what to do, `code` is for programs.
"""


def read_settings() -> Settings:
    """The settings of this process. Raises BadConfig naming the variable and what is expected."""
    return load_settings(os.environ)


def build_service(
    settings: Settings,
    *,
    config: Config | None = None,
    source: Source | None = None,
    store: Store | None = None,
    clock: Callable[[], datetime] | None = None,
    model: Model | None = None,
    sample_data: bool = False,
) -> Service:
    """The parts of one service, joined; nothing is opened or asked yet.

    Raises BadConfig where *settings* or config.json ask for something impossible.
    """
    clock = clock or _now
    config = config or load_config(settings.config_file)
    store = store or _build_store(settings, config.days_back, clock)
    arxiv = _Arxiv(settings, store, clock)
    source = source or arxiv
    freshness = Freshness(
        source=source,
        store=store,
        configured=config.categories,
        clock=clock,
        timing=Timing(fresh_for=settings.fresh_for, lease_seconds=settings.lease_seconds),
        days_back=config.days_back,
        learner=Learner(config.every_profile),
        stops_between_answers=settings.aws_lambda_function_name is not None,
    )
    key = None if model else _find_key(settings, config.summaries)
    if key:
        hide(key)
    obstacle = find_obstacle(config.summaries, has_key=bool(model or key))
    catalogue = Catalogue(store, tells_absence=obstacle is None, kept=tuple(feeds.feed_scopes(config)))

    def build_summaries() -> Summaries:
        # Only asked for where there is no obstacle, so with a model or with a key.
        asked = model or _build_model(settings, config.summaries, key or "", clock)
        return _build_summaries(
            settings, config, texts=arxiv, store=store, catalogue=catalogue, clock=clock, model=asked, key=key or ""
        )

    return Service(
        settings=settings,
        config=config,
        source=source,
        store=store,
        freshness=freshness,
        catalogue=catalogue,
        clock=clock,
        configured_at=min(_changed_at(settings.config_file), clock()),
        sample_data=sample_data,
        summaries=Summarising(build_summaries, obstacle=obstacle),
        prepared=Prepared(store, catalogue, made_by=(settings.public_address, sample_data, obstacle, config)),
    )


def _find_key(settings: Settings, options: Options) -> str | None:
    """The key of the model's service: that of DashScope, or what the variable holds that config.json names."""
    if options.key_variable != DEFAULT_KEY:
        return os.environ.get(options.key_variable, "").strip() or None
    return settings.dashscope_api_key.get_secret_value() or None if settings.dashscope_api_key else None


def _build_summaries(
    settings: Settings,
    config: Config,
    *,
    texts: Texts,
    store: Store,
    catalogue: Catalogue,
    clock: Callable[[], datetime],
    model: Model,
    key: str,
) -> Summaries:
    """The job that writes summaries; with another *key* or address the *model* is asked anew, whatever it refused."""
    from core.summaries.job import Summaries, fingerprint  # noqa: PLC0415 - brings parsers, which no request needs
    from core.summaries.writing import World  # noqa: PLC0415

    options = config.summaries
    return Summaries(
        options,
        profiles=config.every_profile,
        select=lambda profile: catalogue.select(Selection(profile.name, profile)),
        store=store,
        model=model,
        texts=texts,
        clock=clock,
        world=World(
            sleep=asyncio.sleep, monotonic=time.monotonic, draw_nonce=lambda: secrets.token_hex(8), draw=random.random
        ),
        lease_seconds=settings.lease_seconds,
        fingerprint=fingerprint(key, _find_base_url(settings, options) or "", *options.models),
    )


def _build_model(settings: Settings, options: Options, key: str, clock: Callable[[], datetime]) -> Model:
    """The model at the address that environment or config.json name."""
    from core.summaries.dashscope import BEIJING, DashScope, is_native_address  # noqa: PLC0415

    return DashScope(
        key,
        base_url=_find_base_url(settings, options) or BEIJING,
        is_native=settings.llm_base_url is None and (options.base_url is None or is_native_address(options.base_url)),
        user_agent=f"arxiv-feeds/{VERSION}",
        clock=clock,
    )


def _find_base_url(settings: Settings, options: Options) -> str | None:
    return settings.llm_base_url or options.base_url or settings.dashscope_http_base_url


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

    async def fetch_announcements(
        self, categories: Sequence[str], *, etag: str | None = None, apart: Collection[str] = ()
    ) -> Announced:
        self._client = self._client or self._build_client()
        return await self._client.fetch_announcements(categories, etag=etag, apart=apart)

    async def fetch_submissions(self, window: Window) -> Submissions:
        self._client = self._client or self._build_client()
        return await self._client.fetch_submissions(window)

    async def fetch_papers(self, ids: Iterable[str]) -> tuple[Paper, ...]:
        self._client = self._client or self._build_client()
        return await self._client.fetch_papers(ids)

    async def fetch_full_text_page(self, paper: Paper) -> bytes | None:
        self._client = self._client or self._build_client()
        return await self._client.fetch_full_text_page(paper)

    async def fetch_pdf(self, paper: Paper) -> bytes | None:
        self._client = self._client or self._build_client()
        return await self._client.fetch_pdf(paper)

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    def _build_client(self) -> ArxivClient:
        # httpx does without its command line where there is none; that brings rich and pygments, 40 ms of a cold start.
        sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None stands for "not to be found"
        from core.arxiv.connections import prepare_clients  # noqa: PLC0415 - see above

        open_client = prepare_clients()  # which goes on beside the imports
        from core.arxiv.client import ArxivClient  # noqa: PLC0415 - see above

        settings = self._settings
        return ArxivClient(
            user_agent=f"arxiv-feeds/{VERSION} (reads announcement feeds; {settings.public_address})",
            rss_base=settings.arxiv_rss_base,
            api_base=settings.arxiv_api_base,
            pages_base=settings.arxiv_base,
            open_client=open_client,
            now=self._clock,
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
    model: Model | None = None,
    sample_data: bool = False,
) -> FastAPI:
    """The HTTP application; its parts are in `app.state.service`. Raises BadConfig.

    Its lifespan only closes what requests have opened, so it works where no lifespan is run.
    """
    service = build_service(
        settings, config=config, source=source, store=store, clock=clock, model=model, sample_data=sample_data
    )
    app = _Application(
        title="arxiv-feeds (sample data)" if sample_data else "arxiv-feeds",
        version=VERSION,
        description=_DESCRIPTION,
        responses=DOCUMENTED,
        lifespan=_closing(service),
        openapi_url=None,  # its route knows no validators; ours is in api/pages.py
        docs_url=None,  # its pages load scripts of other sites; ours are there too
        redoc_url=None,
        redirect_slashes=False,  # readers probe /rss/ and must get a 404, and a redirect would cost them a request
        middleware=[
            Middleware(Edge, sample_data=service.sample_data),
            Middleware(
                Bounded,
                always=_paths_at_hand(service.config),
                feeds=_FEED_PATHS,
                sample_data=service.sample_data,
            ),
        ],
    )
    app.front = Front(app.answer, prefixes=_FEED_PATHS, store=service.store, clock=service.clock)
    app.state.service = service
    app.state.sample_data = service.sample_data
    for error in (ArxivFeedsError, RequestValidationError, HTTPException, Unauthorised, RouteClosed):
        app.add_exception_handler(error, _answer_problem)
    app.include_router(feeds.router)
    return app


class _Application(FastAPI):
    """FastAPI with the feeds from the start, and everything else from the first request that is for no feed.

    The models of all the JSON endpoints are a third of a cold start, and most cold starts are for a feed.
    """

    is_complete = False
    front: Front

    def complete(self) -> None:
        """Makes all routes known."""
        if self.is_complete:
            return
        from api import operations, pages, papers  # noqa: PLC0415 - see above

        for audience in (papers, operations, pages):
            self.include_router(audience.router)
        self.is_complete = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        await self.front(scope, receive, send)
        service: Service = self.state.service
        if service.settings.vercel and scope["type"] == "http":  # Vercel stops a process once this has come back
            await service.freshness.settle(min(_SETTLING_SECONDS, began + _LONGEST_CALL_SECONDS - time.monotonic()))

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What happens where no answer is at hand."""
        if scope["type"] == "http" and not scope["path"].startswith(_FEED_PATHS):
            self.complete()
        await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:  # Any: JSON
        """The document, with the feeds' parameters and what problem documents look like."""
        if not self.openapi_schema:
            self.complete()
            document = super().openapi()
            document["components"]["schemas"] |= problem_schemas()
            feeds.describe_parameters(document)
        return super().openapi()


async def _answer_problem(request: Request, error: Exception) -> Response:
    """A page for a browser, a problem document for everybody else."""
    if "text/html" in request.headers.get("Accept", ""):
        from api.pages import answer_by_preference  # noqa: PLC0415 - for the few who go wrong with a browser

        return await answer_by_preference(request, error)
    answer = await answer_problem(request, error)
    answer.headers["Vary"] = "Accept"
    return answer


def _paths_at_hand(config: Config) -> frozenset[str]:
    """The paths of what most readers have, the configured feeds in every format, and of what says that we are there."""
    scopes = tuple(feeds.feed_scopes(config))
    return frozenset(("/health", *_FEED_PATHS, *(f"{path}/{scope}" for path in _FEED_PATHS for scope in scopes)))


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
