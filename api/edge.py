"""What holds for every request before it is anybody's: HEAD, tracking parameters, security headers, the last catch."""

from __future__ import annotations

import logging
from urllib.parse import unquote_plus

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem_response

logger = logging.getLogger(__name__)

_DEFAULT_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Last-Modified, Retry-After",
}
_PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match, If-Modified-Since",
    "Access-Control-Max-Age": "86400",
}
_CLOSED_POLICY = "default-src 'none'; frame-ancestors 'none'"
_DOCUMENTATION = ("/docs", "/redoc")  # FastAPI's pages bring scripts of their own


class Edge:
    """Wraps an application: answers HEAD as GET without the body, and no error leaves without a problem document."""

    def __init__(self, app: ASGIApp, *, sample_data: bool) -> None:
        self._app = app
        self._sample_data = sample_data

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        if _is_preflight(scope):
            await Response(status_code=204, headers=_PREFLIGHT_HEADERS)(scope, receive, exchange.send)
            return
        try:
            await self._app(_as_get(scope), receive, exchange.send)
        except Exception as error:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if exchange.has_started:
                raise
            response = problem_response(error, sample_data=self._sample_data)
            await response(scope, receive, exchange.send)


def _is_preflight(scope: Scope) -> bool:
    """Whether a browser asks on a script's behalf if it may (https://fetch.spec.whatwg.org/#cors-preflight-request)."""
    return scope["method"] == "OPTIONS" and b"access-control-request-method" in dict(scope["headers"])


class _Exchange:
    """Sends what the application answers, with the headers that every answer has, and no body after HEAD."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._is_head = scope["method"] == "HEAD"
        self._is_documentation = scope["path"].startswith(_DOCUMENTATION)
        self._send = send
        self.has_started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_started = True
            headers = MutableHeaders(scope=message)
            for name, value in _DEFAULT_HEADERS.items():
                headers.setdefault(name, value)
            if not self._is_documentation:
                headers.setdefault("Content-Security-Policy", _CLOSED_POLICY)
        elif self._is_head:
            message = {**message, "body": b""}
        await self._send(message)


def _as_get(scope: Scope) -> Scope:
    """*scope* with GET for HEAD, and without the utm_ parameters that link trackers append."""
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    query = b"&".join(pair for pair in scope["query_string"].split(b"&") if not _is_tracking(pair))
    return {**scope, "method": method, "query_string": query}


def _is_tracking(pair: bytes) -> bool:
    return unquote_plus(pair.decode("latin-1")).lower().startswith("utm_")
