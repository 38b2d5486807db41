"""A bound on what is under way at once, so that a crowd is told to come back instead of waiting for ever."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import problem_response
from core.errors import Overloaded

_MOST_UNDER_WAY = 256
_RETRY_SECONDS = 2


class Bounded:
    """Wraps an application: answers 503 while it is at *most* requests, except to those for *always*.

    Those are paths whose answers are at hand; with a query they are like any other.
    """

    def __init__(self, app: ASGIApp, *, always: frozenset[str], sample_data: bool, most: int = _MOST_UNDER_WAY) -> None:
        self._app = app
        self._always = always
        self._sample_data = sample_data
        self._most = most
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._under_way >= self._most and not self._is_at_hand(scope):
            error = Overloaded("Too many requests are under way", retry_after_seconds=_RETRY_SECONDS)
            await problem_response(error, sample_data=self._sample_data)(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1

    def _is_at_hand(self, scope: Scope) -> bool:
        return scope["method"] == "GET" and not scope["query_string"] and scope["path"] in self._always
