"""The service on a port of this machine: uvicorn, and a watch that refreshes when a mailing is due."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket

import uvicorn
from fastapi import FastAPI

from api.service import Service
from core.errors import ArxivFeedsError, BadConfig
from core.summaries.options import Order

logger = logging.getLogger(__name__)

_PAUSE_AFTER_FAILURE_SECONDS = 60.0
_LONGEST_SLEEP_SECONDS = 600.0  # a laptop that was closed, or a clock that was set, is noticed within this
_LONGEST_GOODBYE_SECONDS = 10  # for requests that are under way when the process is told to end


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises BadConfig where the port is taken or not allowed, or the host cannot be."""
    try:
        host.encode("idna")  # what fails here would leave a socket open below
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, UnicodeError) as error:
        number = (isinstance(error, OSError) and error.errno) or 0
        reason = os.strerror(number) if number > 0 else "there is no such host"  # a resolver's numbers are negative
        raise BadConfig(f"cannot listen on {host} port {port} ({reason}); PORT or --port names another") from error


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Answer requests on *listening* until the process is told to end, and keep the papers fresh meanwhile."""
    config = uvicorn.Config(
        app,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_LONGEST_GOODBYE_SECONDS,
    )
    # Once it has shut down, uvicorn passes the signal on. Its event loop is the fastest that is installed.
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(app, uvicorn.Server(config), listening))


async def _serve(app: FastAPI, server: uvicorn.Server, listening: socket.socket) -> None:
    watch = asyncio.create_task(_keep_fresh(app.state.service))
    try:
        await server.serve(sockets=[listening])
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def _keep_fresh(service: Service) -> None:
    while True:  # noqa: ASYNC110 - what ends the wait is the time of day
        await asyncio.sleep(await look_after(service))


async def look_after(service: Service) -> float:
    """Refresh, heal and summarise what is due; the seconds until it is worth looking again. Raises nothing."""
    try:
        await service.freshness.ensure(service.config.categories)
        await service.freshness.heal_when_due()
        if service.summaries.obstacle is None:
            await service.summaries.run_for(0, Order(is_patient=True))  # takes minutes, beside this watch
        due = await service.freshness.next_look_at()
    except ArxivFeedsError as error:
        logger.warning("Nothing to serve at the moment: %s", error)
        return _PAUSE_AFTER_FAILURE_SECONDS
    except Exception:  # the watch goes on as long as the server does
        logger.exception("The papers could not be looked after")
        return _PAUSE_AFTER_FAILURE_SECONDS
    pause = (due - service.clock()).total_seconds()
    return min(max(pause, 1.0), _LONGEST_SLEEP_SECONDS)
