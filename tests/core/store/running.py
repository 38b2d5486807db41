"""Running what is asynchronous from tests that are not: all on one event loop, to which connections belong."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.builders import MOMENT

Result = TypeVar("Result")

_RUNNER = asyncio.Runner()


def run(work: Coroutine[Any, Any, Result]) -> Result:
    return _RUNNER.run(work)


def close_loop() -> None:
    _RUNNER.close()


class Clock:
    """A clock that tests set; begins at MOMENT."""

    def __init__(self) -> None:
        self.now = MOMENT

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
