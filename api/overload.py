"""Bounds on what is under way at once, so that a crowd is told to come back instead of waiting for ever.

What everybody reads is at hand and waits for nobody. All else is worked on a few at a time: a page takes some
hundredths of a second in which this process does nothing else, and hundreds of them would be before the next reader.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem_response
from core.errors import Overloaded
from core.waiting import LONGEST_WAIT_SECONDS, OfLoop

_MOST_UNDER_WAY = 256
_MOST_WORKED_ON = 16
_RETRY_SECONDS = 2


class Bounded:
    """Wraps an application: answers 503 while it is at *most* requests, except to those for *always*.

    Those are paths whose answers are at hand. Below *feeds* there are more, whose work is little; of all else, and of
    what has a query, *most_worked_on* are worked on and the rest waits for a while. A request counts until its answer
    begins: who reads slowly keeps nobody else away.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        always: frozenset[str],
        feeds: tuple[str, ...],
        sample_data: bool,
        most: int = _MOST_UNDER_WAY,
        most_worked_on: int = _MOST_WORKED_ON,
    ) -> None:
        self._app = app
        self._always = always
        self._feeds = feeds
        self._sample_data = sample_data
        self._most = most
        self._places = OfLoop(lambda: asyncio.Semaphore(most_worked_on))
        self._beginning = OfLoop(asyncio.Lock)
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_at_hand(scope):
            await self._app(scope, receive, send)
            return
        with ExitStack() as stay:

            async def begin(message: Message) -> None:
                stay.close()
                await send(message)

            try:
                await self._enter(scope, stay)
            except Overloaded as error:
                await problem_response(error, sample_data=self._sample_data)(scope, receive, send)
            else:
                await self._app(scope, receive, begin)

    async def _enter(self, scope: Scope, stay: ExitStack) -> None:
        """Count the request of *scope* until the end of its *stay*, and wait until it may be worked on.

        Raises Overloaded.
        """
        if self._under_way >= self._most:
            raise Overloaded("Too many requests are under way", retry_after_seconds=_RETRY_SECONDS)
        self._under_way += 1
        stay.callback(self._leave)
        if scope["query_string"] or not scope["path"].startswith(self._feeds):
            places = self._places.get()
            try:
                async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                    await places.acquire()
            except TimeoutError as error:
                raise Overloaded("Other requests take long at present", retry_after_seconds=_RETRY_SECONDS) from error
            stay.callback(places.release)
            # One begins in each round of the loop, so that who is on the way to a feed has the next round too.
            async with self._beginning.get():
                await asyncio.sleep(0)

    def _leave(self) -> None:
        self._under_way -= 1

    def _is_at_hand(self, scope: Scope) -> bool:
        return scope["method"] == "GET" and not scope["query_string"] and scope["path"] in self._always
