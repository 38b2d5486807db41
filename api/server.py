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

logger = logging.getLogger(__name__)

_LONGEST_SLEEP_SECONDS = 600.0  # a laptop that was closed, or a clock that was set, is noticed within this


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises BadConfig where the port is taken or not allowed."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise BadConfig(f"cannot listen on {host} port {port} ({reason}); PORT or --port names another") from error


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Answer requests on *listening* until the process is told to end, and keep the papers fresh meanwhile."""
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn has shut down by then, and passes the signal on
        asyncio.run(_serve(app, listening))


async def _serve(app: FastAPI, listening: socket.socket) -> None:
    server = uvicorn.Server(uvicorn.Config(app, log_level="info"))
    watch = asyncio.create_task(_keep_fresh(app.state.service))
    try:
        await server.serve(sockets=[listening])
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def _keep_fresh(service: Service) -> None:
    while True:
        try:
            await _refresh_if_due(service)
        except ArxivFeedsError as error:
            logger.warning("arXiv's papers could not be refreshed: %s", error)
        due = await service.freshness.next_poll_at()
        pause = (due - service.clock()).total_seconds()
        await asyncio.sleep(min(max(pause, 1.0), _LONGEST_SLEEP_SECONDS))


async def _refresh_if_due(service: Service) -> None:
    if await service.freshness.next_poll_at() <= service.clock():
        await service.freshness.refresh()
