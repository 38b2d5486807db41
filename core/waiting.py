"""Waiting within a process: what most readers ask for comes first, all else waits, but not for ever.

And what becomes of work that nobody waits for any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

from core.errors import ArxivFeedsError, Overloaded

logger = logging.getLogger(__name__)

T = TypeVar("T")

MOST_WAITING = 32
LONGEST_WAIT_SECONDS = 8.0  # readers give up after 10
_RETRY_SECONDS = 5


def log_failure(what: str, task: asyncio.Task[Any]) -> None:  # Any: whatever it gives, only its failure counts
    """Tells the log why *task*, which nobody may be waiting for, has failed; with a traceback if nobody foresaw it."""
    if task.cancelled() or (error := task.exception()) is None:
        return
    is_ours = isinstance(error, ArxivFeedsError)
    logger.warning("%s failed: %s", what, error, exc_info=None if is_ours else error)


class OfLoop(Generic[T]):
    """What *make* gives, for each event loop anew: whoever an abandoned loop left in a line would hold it for ever."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: tuple[asyncio.AbstractEventLoop, T] | None = None

    def get(self) -> T:
        """That of the loop that is running."""
        loop = asyncio.get_running_loop()
        if self._made is None or self._made[0] is not loop:
            self._made = loop, self._make()
        return self._made[1]


class Line:
    """One at a time: whoever is *preferred* before all others, else in the order in which they came.

    Of the others MOST_WAITING wait at most, each for *longest_wait_seconds*.
    """

    def __init__(self, *, longest_wait_seconds: float = LONGEST_WAIT_SECONDS) -> None:
        self._longest_wait_seconds = longest_wait_seconds
        self._is_taken = False
        self._preferred: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, *, is_preferred: bool) -> AsyncIterator[None]:
        """One's turn, which ends with the context.

        Raises Overloaded for who is not preferred where too many of them wait already, or where it takes too long.
        """
        if self._is_taken:
            await (self._wait(self._preferred) if is_preferred else self._wait_within_bounds())
        self._is_taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait_within_bounds(self) -> None:
        if len(self._others) >= MOST_WAITING:
            raise Overloaded("Too many new feeds are asked for at once", retry_after_seconds=_RETRY_SECONDS)
        try:
            async with asyncio.timeout(self._longest_wait_seconds):
                await self._wait(self._others)
        except TimeoutError as error:
            raise Overloaded("Other new feeds take long at present", retry_after_seconds=_RETRY_SECONDS) from error

    async def _wait(self, line: deque[asyncio.Future[None]]) -> None:
        called = asyncio.get_running_loop().create_future()
        line.append(called)
        try:
            await called
        except asyncio.CancelledError:
            if called in line:
                line.remove(called)
            elif not called.cancelled():  # called, and gone at the same moment
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Call the next one, who has the turn from now on, so that nobody comes in between."""
        while line := self._preferred or self._others:
            called = line.popleft()
            if not called.done():  # else its time is over, and it is about to leave the line
                called.set_result(None)
                return
        self._is_taken = False
