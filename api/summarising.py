"""The run of the summary job in this process: one at a time, awaited or left to go on in the background."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.summaries.attempts import Run

if TYPE_CHECKING:
    from core.summaries.job import Summaries


class Summarising:
    """Runs the job that *build* makes, which needs much that no request needs. *obstacle* says why it writes none."""

    def __init__(self, build: Callable[[], Summaries], *, obstacle: str | None) -> None:
        self.build = build
        self.obstacle = obstacle
        self._under_way: asyncio.Task[Run] | None = None

    async def run(
        self, remaining_seconds: Callable[[], float] = lambda: math.inf, *, waits_for_texts: bool = False
    ) -> Run | None:
        """What a run came to that starts nothing when its time is nearly over; None where there is an obstacle.

        Who *waits_for_texts* leaves papers to a later run while arXiv is away with their full texts.
        """
        if self.obstacle:
            return None
        return await self.build().run(remaining_seconds=remaining_seconds, waits_for_texts=waits_for_texts)

    async def run_for(self, seconds: float, *, is_patient: bool = False, waits_for_texts: bool = False) -> Run | None:
        """What a run came to where it ends within *seconds*, else None, and it goes on in the background.

        Joins the one that is under way. Who *is_patient* keeps the pauses after failures; *waits_for_texts* is as
        above. Raises what ended it within that time. Without an obstacle only.
        """
        task = self._under_way
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            run = self.build().run(is_patient=is_patient, waits_for_texts=waits_for_texts)
            task = self._under_way = asyncio.create_task(run)
        await asyncio.wait([task], timeout=seconds)
        return task.result() if task.done() and not task.cancelled() else None

    async def close(self) -> None:
        """End what is under way; what is written is kept, the rest is done another time."""
        task, self._under_way = self._under_way, None
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
