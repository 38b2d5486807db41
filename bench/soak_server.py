"""One service process of a soak: `python -m bench.soak_server CLOCK_FILE NUMBER DESCRIPTOR`.

It is the service as `serve` runs it, on a socket that it inherits, save that the soak's clock tells the time of day.
Leases in a file end by the real time, as those in a Redis do by the server's: hours pass in a second here, and whoever
has a lease would lose it before it could be renewed.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from api.service import Service
from api.wiring import create_app, read_settings
from bench.soak_clock import SoakClock
from core.errors import ArxivFeedsError
from core.store.sqlite import SqliteStore
from core.summaries.options import Order

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.3


def main(clock_file: str, number: str, descriptor: str) -> None:
    """Answer requests until the process is killed."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    clock = SoakClock(Path(clock_file), real=time.time)
    app = build_app(lambda: clock.now(int(number)))
    asyncio.run(_serve(app, socket.socket(fileno=int(descriptor))))


def build_app(clock: Callable[[], datetime]) -> FastAPI:
    """The application under the environment's settings."""
    settings = read_settings()
    store = SqliteStore(settings.store_file) if settings.shared_store is None else None
    return create_app(settings, store=store, clock=clock)


async def _serve(app: FastAPI, listening: socket.socket) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _tell_tasks)
    watch = asyncio.create_task(_keep_fresh(app.state.service))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    await server.serve(sockets=[listening])
    watch.cancel()


def _tell_tasks() -> None:
    """Write what every task is waiting for, for who asks why nothing goes on."""
    for task in asyncio.all_tasks():
        task.print_stack()
        waiting: Any = task.get_coro()  # Any: coroutines, generators and what else can be awaited
        while waiting is not None:
            logger.error("%s waits in %r", task.get_name(), waiting)
            waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "gi_yieldfrom", None)


async def _keep_fresh(service: Service) -> None:
    """What the watch of `serve` does, as often as hours pass here."""
    while True:
        try:
            await service.freshness.ensure(service.config.categories)
            await service.freshness.heal(only_when_due=True)
            await service.summaries.run_for(0, Order(is_patient=True))
        except ArxivFeedsError as error:
            logger.warning("Nothing to serve at the moment: %s", error)
        except Exception:
            logger.exception("The papers could not be looked after")
        await asyncio.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
