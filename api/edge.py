"""What holds for every request before it is anybody's: size, HEAD, tracking parameters, headers, the last catch."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import unquote_plus

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import AddressTooLong, BodyTooLarge, problem_response

logger = logging.getLogger(__name__)

_DEFAULT_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_SHARING_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Last-Modified, Retry-After",
}
_OPTIONS_HEADERS = {
    "Allow": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match, If-Modified-Since",
    "Access-Control-Max-Age": "86400",
}
_CLOSED_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
# What scripts of other sites may read: what is for readers and programs, nothing for people or the operator.
_SHARED = re.compile(
    r"/(?:rss|atom|jsonfeed)(?:/|\Z)|/api/(?!(?:refresh|cron)\Z)|/(?:opml|config|health|openapi\.json)\Z"
)

_OF_TRACKERS = ("utm_", "fbclid=", "gclid=", "igshid=", "mc_cid=", "mc_eid=", "msclkid=")

MOST_BODY_BYTES = 65_536
MOST_PATH_CHARACTERS = 512  # a scope has at most 300
MOST_QUERY_CHARACTERS = 8_192  # decoded; all parameters at their longest have some 7,200


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
        try:
            _refuse_what_is_too_large(scope)
            _refuse_what_is_ambiguous(scope)
            if scope["method"] == "OPTIONS" and _SHARED.match(scope["path"]):  # often a browser's, on a script's behalf
                await Response(status_code=204, headers=_OPTIONS_HEADERS)(scope, receive, exchange.send)
                return
            await self._app(_as_get(scope), receive, exchange.send)
        except (BodyTooLarge, AddressTooLong, HTTPException) as error:
            await self._answer(error, scope, receive, exchange)
        except Exception as error:
            logger.exception("%s %r failed", scope["method"], scope["path"])
            if exchange.has_started:
                raise
            await self._answer(error, scope, receive, exchange)

    async def _answer(self, error: Exception, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        response = problem_response(error, sample_data=self._sample_data)
        await response(scope, receive, exchange.send)


def _refuse_what_is_too_large(scope: Scope) -> None:
    """Raises BodyTooLarge by what the request says, before anything of its body is read, and AddressTooLong."""
    if len(scope["path"]) > MOST_PATH_CHARACTERS:
        raise AddressTooLong("path", MOST_PATH_CHARACTERS)
    query = scope["query_string"]
    if len(query) > MOST_QUERY_CHARACTERS < len(unquote_plus(query.decode("latin-1"))):
        raise AddressTooLong("query", MOST_QUERY_CHARACTERS)
    length = next((text.lstrip(b"0") for name, text in scope["headers"] if name == b"content-length"), b"")
    if length.isdigit() and (len(length) > len(str(MOST_BODY_BYTES)) or int(length) > MOST_BODY_BYTES):
        raise BodyTooLarge(MOST_BODY_BYTES)


def _refuse_what_is_ambiguous(scope: Scope) -> None:
    """Raises HTTPException for what others on the way may read otherwise than we do."""
    if scope["path"].endswith("\n"):  # which routes pass over
        raise HTTPException(404)
    if {name for name, _ in scope["headers"]} >= {b"content-length", b"transfer-encoding"}:  # RFC 9112 6.1
        reason = "A request has either Content-Length or Transfer-Encoding, not both."
        raise HTTPException(400, reason, {"Connection": "close"})


class _Exchange:
    """Sends what the application answers, with the headers that every answer has, and no body after HEAD."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._is_head = scope["method"] == "HEAD"
        self._sharing = _SHARING_HEADERS if _SHARED.match(scope["path"]) else {}
        self._send = send
        self.has_started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_started = True
            headers = MutableHeaders(scope=message)
            for name, value in self._headers_of(message["status"]).items():
                headers.setdefault(name, value)
            if message["status"] == HTTPStatus.METHOD_NOT_ALLOWED and self._sharing:
                headers["Allow"] += ", OPTIONS"
        elif self._is_head:
            message = {**message, "body": b""}
        await self._send(message)

    def _headers_of(self, status: int) -> Mapping[str, str]:
        """Those that an answer of *status* has, unless it says something else.

        304 has no content, and what was said of the stored one still holds (RFC 9110 15.4.5). A reader gets 47 of them
        a day for each feed.
        """
        if status == HTTPStatus.NOT_MODIFIED:
            return self._sharing
        return {**_DEFAULT_HEADERS, **self._sharing, "Content-Security-Policy": _CLOSED_POLICY}


def _as_get(scope: Scope) -> Scope:
    """*scope* with GET for HEAD, and without the parameters that link trackers append."""
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    query = b"&".join(pair for pair in scope["query_string"].split(b"&") if not _is_tracking(pair))
    return {**scope, "method": method, "query_string": query}


def _is_tracking(pair: bytes) -> bool:
    return unquote_plus(pair.decode("latin-1")).lower().startswith(_OF_TRACKERS)
