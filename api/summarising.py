"""The run of the summary job in this process: one at a time, awaited or left to go on in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from core.summaries.attempts import Run
from core.summaries.options import Order
from core.waiting import log_failure

if TYPE_CHECKING:
    from core.summaries.job import Summaries


class Summarising:
    """Runs the job that *build* makes, which needs much that no request needs. *obstacle* says why it writes none."""

    def __init__(self, build: Callable[[], Summaries], *, obstacle: str | None) -> None:
        self.build = build
        self.obstacle = obstacle
        self._under_way: asyncio.Task[Run] | None = None

    async def run_for(self, seconds: float, order: Order) -> Run | None:
        """What a run came to where it ends within *seconds*, else None, and it goes on in the background.

        Joins the one that is under way. Raises what ended it within that time. Without an obstacle only.
        """
        task = self._under_way
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            task = self._under_way = asyncio.create_task(self.build().run(order))
            task.add_done_callback(partial(log_failure, "Writing summaries"))
        await asyncio.wait([task], timeout=seconds)
        return task.result() if task.done() and not task.cancelled() else None

    async def close(self) -> None:
        """End what is under way; what is written is kept, the rest is done another time."""
        task, self._under_way = self._under_way, None
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
