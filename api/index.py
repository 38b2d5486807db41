"""The entry for Vercel and uvicorn (`app`) and for AWS Lambda (`handler`)."""

from __future__ import annotations

import gc

gc.disable()  # hardly anything that starting makes is garbage, and looking for it is a tenth of a cold start

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from api.feeds import MEDIA_TYPES
from api.logs import set_up_logging
from api.problems import MEDIA_TYPE as PROBLEM
from api.problems import problem_response
from api.wiring import create_app, read_settings
from core.errors import BadConfig, BadQuery

logger = logging.getLogger(__name__)

Event = Mapping[str, Any]  # Any: JSON, in as many shapes as AWS has front ends

_SCHEDULERS = ("aws.events", "aws.scheduler")  # EventBridge's rules, and its Scheduler
_PLACE = ("host", "x-forwarded-port")  # where a request went to, which Mangum reads, and we do not
_WITHOUT_TYPE = (204, 304)  # what Mangum calls JSON, and a cache would believe it (RFC 9111 3.2)
_NAP_SECONDS = 5.0  # between two calls; what is waited for with arXiv and the store has longer
_LAST_SECONDS = 60.0  # in which nothing is begun, so that what has begun can end
_CLOSING_SECONDS = 5.0  # to end in good order what takes too long, before Lambda ends the process


class _Context(Protocol):
    def get_remaining_time_in_millis(self) -> int: ...


def _create_app() -> FastAPI:
    try:
        settings = read_settings()
        set_up_logging(settings)
        return create_app(settings)
    except BadConfig as error:
        sys.exit(f"arxiv-feeds: {error}")


app = _create_app()  # at the top level, where Vercel's builder looks for it
gc.freeze()
gc.enable()


def __getattr__(name: str) -> Any:  # Any: of a function that is not made before it is asked for
    """`handler` for AWS Lambda, made when first asked for, so that nobody else pays for Mangum's import."""
    if name != "handler":
        raise AttributeError(name)
    handler = globals()["handler"] = _make_handler()
    return handler


def _make_handler() -> Callable[[Event, _Context], dict[str, Any]]:
    """A function that answers HTTP events of API Gateway, function URLs and load balancers, and runs schedules.

    Everything runs on one event loop, where connections are kept from call to call.
    """
    from mangum import Mangum  # noqa: PLC0415

    loop = asyncio.new_event_loop()
    # Mangum's list of text types lacks the feeds'; it would send them as base64. Its lifespan would open and close
    # everything around each single call.
    text_types = [media_type.partition(";")[0] for media_type in (*MEDIA_TYPES.values(), PROBLEM)]
    answer = Mangum(
        _Mounted(app, app.state.service.settings.lambda_base_path),
        lifespan="off",
        text_mime_types=["text/", "application/json", "image/svg+xml", *text_types],
    )

    ended_at = time.time()  # since when nothing ran here

    def handler(event: Event, context: _Context) -> dict[str, Any]:
        nonlocal ended_at
        try:
            if abs(time.time() - ended_at) > _NAP_SECONDS:
                # What was under way has missed its time; it shall not count as a failure of arXiv's.
                loop.run_until_complete(app.state.service.freshness.abandon())
            return handle(event, context)
        finally:
            ended_at = time.time()

    def handle(event: Event, context: _Context) -> dict[str, Any]:
        if _is_schedule(event):
            return loop.run_until_complete(_refresh(context))
        if not _is_request(event):
            raise BadQuery("event", 'an HTTP event, a schedule of EventBridge or {"action": "refresh"} is expected')
        # Mangum takes the thread's, which nobody makes by asking for it, and which somebody's asyncio.run() takes away.
        asyncio.set_event_loop(loop)
        try:
            answered = answer(_without_oddities(event), context)  # type: ignore[arg-type]  # of AWS's context Mangum names all
        except Exception as error:  # what the application raises is answered; this is Mangum's, of an event
            logger.warning("An event is no request (%s: %s)", type(error).__name__, error)
            return _refuse_event()
        if answered.get("statusCode") in _WITHOUT_TYPE:
            answered.get("headers", {}).pop("content-type", None)
        return answered

    return handler


def _without_oddities(event: Event) -> dict[str, Any]:
    """*event* without what Mangum raises for, and nobody here asks for.

    That is what JSON has and HTTP has not, halves of characters and null for headers, a host that is none, and a body.
    """
    readable: dict[str, Any] = json.loads(json.dumps(event, ensure_ascii=False).encode(errors="replace"))
    for name in ("body", "isBase64Encoded"):
        readable.pop(name, None)
    if "multiValueHeaders" not in readable:
        readable.setdefault("headers", {})
    for name in readable.keys() & {"headers", "multiValueHeaders"}:
        told = (readable[name] or {}).items()
        readable[name] = {header: text for header, text in told if text is not None and header.lower() not in _PLACE}
    return readable


def _is_schedule(event: Event) -> bool:
    """Whether a refresh is asked for: by EventBridge, or by who may invoke the function itself."""
    return isinstance(event, Mapping) and (event.get("source") in _SCHEDULERS or event.get("action") == "refresh")


def _is_request(event: Event) -> bool:
    """Whether *event* is of a front end: of API Gateway, a function's URL or a load balancer, or of Lambda@Edge."""
    if not isinstance(event, Mapping):
        return False
    records = event.get("Records")
    first = records[0] if isinstance(records, list) and records else None
    return "requestContext" in event or (isinstance(first, Mapping) and "cf" in first)


def _refuse_event() -> dict[str, Any]:
    error = HTTPException(400, "This is no request that a front end of AWS Lambda makes.")
    problem = problem_response(error, sample_data=app.state.sample_data)
    return {
        "statusCode": problem.status_code,
        "headers": dict(problem.headers),
        "body": bytes(problem.body).decode(),
        "isBase64Encoded": False,
    }


async def _refresh(context: _Context) -> dict[str, Any]:
    """The report of what `GET /api/cron` does. What ends it is raised, and Lambda logs it, counts it, and tries again.

    Raises TimeoutError shortly before Lambda would end the process.
    """
    from api.operations import refresh_within  # noqa: PLC0415 - brings the models of all reports, which no feed needs

    def remaining_seconds() -> float:
        return context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS

    service = app.state.service
    try:
        async with asyncio.timeout(context.get_remaining_time_in_millis() / 1000 - _CLOSING_SECONDS):
            report = await refresh_within(service, remaining_seconds)
    except TimeoutError:
        await service.close()  # ends what would go on, and gives back its leases
        raise
    logger.info(
        "Refreshed on schedule: %d new and %d updated papers, %d summaries written and %d left",
        report.new + report.healing.new,
        report.updated + report.healing.updated,
        report.summaries.written,
        report.summaries.deferred,
    )
    return report.model_dump(mode="json")


class _Mounted:
    """*application* for paths that begin with *base_path*, which the front end leaves in them; others as they are.

    Mangum's own option takes /feedsarchive for a path below /feeds, leaves nothing of /feeds itself, and does not look
    at a load balancer's paths.
    """

    def __init__(self, application: FastAPI, base_path: str) -> None:
        self._application = application
        self._base_path = base_path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        base, path = self._base_path, scope["path"]
        rest = path.removeprefix(base)
        if path.startswith(base) and rest[:1] in ("", "/"):
            # openapi.json names the root path as its server; Starlette takes it off once more.
            scope = {**scope, "path": rest or "/", "root_path": "" if rest.startswith(base) else base}
        await self._application(scope, receive, send)
