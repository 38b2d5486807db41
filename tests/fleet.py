"""Several processes of the service on one store, as they are deployed: real servers on loopback ports."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from core.mailings import newest_mailing
from demo.standin import ArxivStandIn
from demo.week import mailings_between
from tests.api.running import write_config
from tests.core.store.redis_server import free_port

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 20.0
# The real clock's, since processes have no other; some five mailings, with holidays in between.
WEEK = mailings_between(newest_mailing(datetime.now(UTC)) - timedelta(days=9), newest_mailing(datetime.now(UTC)))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request, and how many seconds that took."""

    status: int
    etag: str
    body: str
    seconds: float


@dataclass
class Process:
    """A server that answers at *base* once it has started."""

    base: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def wait_until_it_answers(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        host, port = self.base.removeprefix("http://").split(":")
        while time.monotonic() < give_up_at:
            with suppress(ConnectionRefusedError), socket.create_connection((host, int(port))):
                return
            time.sleep(0.01)
        raise RuntimeError(f"a process did not start: {self.log.read_text()}")

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, what: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(what)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Processes that share the store at *url* and ask *arxiv*."""

    processes: Sequence[Process]
    arxiv: ArxivStandIn
    url: str

    def start(self) -> None:
        for process in self.processes:
            process.start()
        for process in self.processes:
            process.wait_until_it_answers()

    def feeds_asked(self, since: int = 0) -> list[str]:
        """The addresses of feeds that arXiv was asked for, after the first *since* requests."""
        return [request.path for request in self.arxiv.requests[since:] if request.path.startswith("/rss/")]


@contextmanager
def fleet(
    folder: Path, url: str, arxiv: ArxivStandIn, *, count: int, config: Mapping[str, Any], **environment: str
) -> Iterator[Fleet]:
    """*count* running processes on the store at *url*; they log to files in *folder* and are killed at the end."""
    variables = {
        "PATH": os.environ["PATH"],
        "CONFIG_FILE": str(write_config(folder, config)),
        "STORE_URL": url,
        "ARXIV_RSS_BASE": arxiv.rss_base,
        "ARXIV_API_BASE": arxiv.api_base,
        "ARXIV_BASE": arxiv.base,
        **environment,
    }
    processes = []
    for number in range(count):
        port = free_port()
        options = ("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning")
        command = (sys.executable, "-m", "uvicorn", "api.index:app", *options)
        processes.append(Process(f"http://127.0.0.1:{port}", command, variables, folder / f"process-{number}.log"))
    running = Fleet(processes, arxiv, url)
    try:
        running.start()
        yield running
    finally:
        for process in processes:
            process.kill()


async def ask_together(addresses: Iterable[str], *, timeout_seconds: float = 20.0) -> list[Answer]:
    """The answers to all *addresses*, asked for at the same moment."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=timeout_seconds) as client:
        return list(await asyncio.gather(*(_ask(client, address) for address in addresses)))


async def _ask(client: httpx.AsyncClient, address: str) -> Answer:
    begun = time.monotonic()
    answer = await client.get(address)
    return Answer(answer.status_code, answer.headers.get("ETag", ""), answer.text, time.monotonic() - begun)
