"""Server processes for the benchmarks: ours on a store that the sample week fills, and the bare ones on its answers."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from api.wiring import build_service
from bench.bare import FILE_VARIABLE, Answer, save_answers
from bench.client import Connection, Reply, build_request
from bench.made_up import Inventor
from core.settings import PROJECT_FOLDER, Settings, load_settings
from demo.mailing import Mailing
from demo.sample import Sample, open_sample
from demo.standin import ArxivStandIn

OURS = ("api.index:app",)
STARLETTE = ("bench.bare:starlette_app", "--factory")
FASTAPI = ("bench.bare:fastapi_app", "--factory")

Kind = Literal["identity", "gzip", "304"]
KINDS: tuple[Kind, ...] = ("identity", "gzip", "304")

_GIVE_UP_SECONDS = 30.0
_ADDED_BY_SERVER = ("date", "server", "connection")


@dataclass(frozen=True, slots=True)
class Server:
    """A running uvicorn with one worker."""

    process: subprocess.Popen[bytes]
    port: int

    def ask(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """The answer to one request on a connection of its own."""
        with Connection(self.port) as connection:
            return connection.exchange(build_request(path, headers))


@contextmanager
def open_filled_sample() -> Iterator[Sample]:
    """The sample with all of its week in the store."""
    with open_sample(load_settings({})) as sample:
        fill(sample)
        yield sample


@contextmanager
def open_large_sample(papers_a_day: int) -> Iterator[Sample]:
    """A sample whose mailings have *papers_a_day* papers of arXiv's size, 1,999 at most; nothing is stored yet."""
    with open_sample(load_settings({})) as sample:
        inventor = Inventor()
        week = tuple(
            Mailing(mailing.day, inventor.invent_mailing(papers_a_day, day=mailing.day, first=place * papers_a_day))
            for place, mailing in enumerate(sample.week)
        )
        with ArxivStandIn(week) as stand_in:
            bases = {"arxiv_rss_base": stand_in.rss_base, "arxiv_api_base": stand_in.api_base}
            yield Sample(sample.settings.model_copy(update={**bases, "arxiv_base": stand_in.base}), stand_in, week)


def fill(sample: Sample, *, mailings: int | None = None) -> None:
    """Refresh once for each of the sample's first *mailings*, all without a number, in the store of its settings."""
    asyncio.run(_fill(sample, mailings))


async def _fill(sample: Sample, mailings: int | None) -> None:
    service = build_service(sample.settings)
    try:
        for mailing in sample.week[:mailings]:
            sample.stand_in.show(mailing.day)
            await service.freshness.refresh()
        await service.freshness.heal()  # else the process that is measured would, and load for it what no reader needs
    finally:
        await service.close()


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of a process that has *settings* of the sample."""
    names = ("arxiv_rss_base", "arxiv_api_base", "arxiv_base", "arxiv_min_interval_seconds")
    store = {"STORE_URL": settings.store_url.get_secret_value()} if settings.store_url else {}
    return {**_inherited(), **{name.upper(): str(getattr(settings, name)) for name in names}, **store}


@contextmanager
def run_server(target: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[Server]:
    """uvicorn with the application *target*, until the end of `with`; it answers from the start of it."""
    with start_server(target, environment) as server:
        connect(server).__exit__(None, None, None)
        yield server


@contextmanager
def start_server(target: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[Server]:
    """The same, which need not listen yet."""
    port = _free_port()
    options = ("--port", str(port), "--log-level", "error", "--no-access-log")
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", *target, *options], cwd=PROJECT_FOLDER, env=environment
    )
    try:
        yield Server(process, port)
    finally:
        process.terminate()
        process.wait()


def connect(server: Server) -> Connection:
    """A connection to *server* as soon as it listens. Raises ConnectionError where it has not within half a minute."""
    give_up_at = time.perf_counter() + _GIVE_UP_SECONDS
    while True:
        try:
            return Connection(server.port)
        except ConnectionError:
            if server.process.poll() is not None or time.perf_counter() > give_up_at:
                raise
            time.sleep(0.001)


@contextmanager
def bare_environment(answers: Mapping[str, Answer]) -> Iterator[dict[str, str]]:
    """The environment of a bare application that sends *answers*."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "answers.json"
        save_answers(path, answers)
        yield {**_inherited(), FILE_VARIABLE: str(path)}


def request_headers(kind: Kind, etag: str) -> dict[str, str]:
    """What a reader sends to get an answer of *kind*; *etag* is that of the feed."""
    if kind == "304":
        return {"Accept-Encoding": "gzip", "If-None-Match": etag}
    return {"Accept-Encoding": kind}


def record_answers(ours: Server, path: str) -> dict[str, Answer]:
    """What *ours* answers at *path*, by kind. Raises RuntimeError where it is none of that kind."""
    etag = ours.ask(path).headers["etag"]
    replies = {kind: ours.ask(path, request_headers(kind, etag)) for kind in KINDS}
    for kind, reply in replies.items():
        expected = 304 if kind == "304" else 200
        if reply.status != expected or (kind == "gzip") != ("content-encoding" in reply.headers):
            raise RuntimeError(f"{path} answered {reply.status} where {kind} was asked for: {reply.head!r}")
    return {kind: record(reply) for kind, reply in replies.items()}


def record(reply: Reply) -> Answer:
    """*reply* as a bare application is to send it."""
    headers = {name: text for name, text in reply.headers.items() if name not in _ADDED_BY_SERVER}
    return Answer(reply.status, headers, reply.body)


def cpu_seconds(process: subprocess.Popen[bytes]) -> float | None:
    """CPU time that *process* has used, None where there is no /proc."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _inherited() -> dict[str, str]:
    """This process's environment, but that a server keeps the bytecode of our modules, as pip does of all others."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
