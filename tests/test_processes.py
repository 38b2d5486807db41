"""Several processes on one store, as machines behind one address are: together they ask arXiv once, whatever happens.

They are real servers on loopback, with the clock of this machine, against the stand-in; some are killed or frozen.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from api.service import Service
from api.wiring import build_service
from core.mailings import newest_mailing
from demo.mailing import Mailing
from demo.request_log import most_at_once, smallest_pause
from demo.standin import ArxivStandIn
from demo.week import last_mailing_day, mailing_week
from tests.api.running import CONFIG, settings_for, write_config
from tests.core.store.redis_server import RunningRedis, redis_server

ROOT = Path(__file__).resolve().parents[1]
CATEGORIES = frozenset(CONFIG["categories"])
INTERVAL = 0.2
START_SECONDS = 30.0
KILLS = 3


@pytest.fixture(scope="module")
def week() -> tuple[Mailing, ...]:
    return mailing_week(last_mailing_day(newest_mailing(datetime.now(UTC))))


@pytest.fixture
def arxiv(week: tuple[Mailing, ...]) -> Iterator[ArxivStandIn]:
    with ArxivStandIn(week) as stand_in:
        yield stand_in


@pytest.fixture
def own_server() -> Iterator[RunningRedis]:
    try:
        with redis_server() as server:
            yield server
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "redis"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'papers.sqlite3'}"
    server: RunningRedis = request.getfixturevalue("own_server")
    return server.url


def environment(folder: Path, arxiv: ArxivStandIn, store_url: str, **changes: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "CONFIG_FILE": str(write_config(folder, {**CONFIG, "keywords": [], "min_score": 0, "max_papers": 2000})),
        "STORE_URL": store_url,
        "ARXIV_RSS_BASE": arxiv.rss_base,
        "ARXIV_API_BASE": arxiv.api_base,
        "ARXIV_BASE": arxiv.base,
        "ARXIV_MIN_INTERVAL_SECONDS": str(INTERVAL),
        "LEASE_SECONDS": "2",
        "CRON_SECRET": "sesame-sesame-sesame",
        **changes,
    }


@contextmanager
def served(variables: Mapping[str, str]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server process that is ready to answer, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "api.index:app", "--fd", str(listening.fileno())]
        process = subprocess.Popen(
            command, cwd=ROOT, env=variables, pass_fds=[listening.fileno()], stderr=subprocess.DEVNULL
        )
        try:
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()
            process.wait()


async def ask_all(addresses: list[str], *, seconds: float = 30.0) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(timeout=seconds, limits=limits, trust_env=False) as client:
        return await asyncio.gather(*(client.get(address) for address in addresses))


def feeds_asked(arxiv: ArxivStandIn) -> int:
    return sum(request.path.startswith("/rss/") for request in arxiv.requests)


def test_a_hundred_cold_readers_of_four_processes_cost_one_request(
    tmp_path: Path, arxiv: ArxivStandIn, store_url: str
) -> None:
    arxiv.latency_seconds = 0.3
    variables = environment(tmp_path, arxiv, store_url)
    with ExitStack() as stack:
        bases = [stack.enter_context(served(variables))[0] for _ in range(4)]
        asyncio.run(ask_all([f"{base}/favicon.ico" for base in bases], seconds=START_SECONDS))
        answers = asyncio.run(ask_all([f"{base}/rss" for base in bases] * 25))
    assert Counter(answer.status_code for answer in answers) == {200: 100}
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    assert feeds_asked(arxiv) == 1


def test_whoever_takes_over_from_a_killed_process_keeps_the_distance(
    tmp_path: Path, arxiv: ArxivStandIn, store_url: str
) -> None:
    arxiv.latency_seconds = 1.0
    variables = environment(tmp_path, arxiv, store_url)
    with served(variables) as (first, doomed), served(variables) as (second, _):
        asyncio.run(ask_all([f"{first}/favicon.ico", f"{second}/favicon.ico"], seconds=START_SECONDS))

        async def scene() -> httpx.Response:
            async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
                lost = asyncio.create_task(client.get(f"{first}/rss"))
                await asyncio.to_thread(arxiv.wait_for_requests, 1)
                doomed.kill()
                with suppress(httpx.HTTPError):
                    await lost
                arxiv.latency_seconds = 0.0
                return await client.get(f"{second}/rss")

        answer = asyncio.run(scene())
    assert (answer.status_code, most_at_once(arxiv.requests)) == (200, 1)
    assert (smallest_pause(arxiv.requests) or 0) >= INTERVAL


def test_a_frozen_process_spoils_nothing_when_it_thaws(tmp_path: Path, arxiv: ArxivStandIn, store_url: str) -> None:
    arxiv.latency_seconds = 0.5
    variables = environment(tmp_path, arxiv, store_url)
    with served(variables) as (first, frozen), served(variables) as (second, _):
        asyncio.run(ask_all([f"{first}/favicon.ico", f"{second}/favicon.ico"], seconds=START_SECONDS))

        async def scene() -> tuple[httpx.Response, httpx.Response]:
            async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
                waiting = asyncio.create_task(client.get(f"{first}/rss"))
                await asyncio.to_thread(arxiv.wait_for_requests, 1)
                frozen.send_signal(signal.SIGSTOP)
                taken_over = await client.get(f"{second}/rss")
                frozen.send_signal(signal.SIGCONT)
                return taken_over, await waiting

        taken_over, thawed = asyncio.run(scene())
        again = asyncio.run(ask_all([f"{first}/rss", f"{second}/rss"]))
    assert (taken_over.status_code, thawed.status_code) == (200, 200)
    assert len({answer.headers["ETag"] for answer in again}) == 1


REFRESH_FOR_EVER = """
import asyncio
from api.wiring import build_service, read_settings

async def work():
    service = build_service(read_settings())
    while True:
        await service.freshness.refresh()
        await service.freshness.heal()

asyncio.run(work())
"""


@pytest.mark.parametrize("kills", [KILLS, pytest.param(50, marks=pytest.mark.soak)])
def test_a_process_that_is_killed_again_and_again_loses_nothing(
    tmp_path: Path, arxiv: ArxivStandIn, store_url: str, week: tuple[Mailing, ...], kills: int
) -> None:
    drawn = random.Random(kills)  # noqa: S311 - the same at every run
    variables = environment(tmp_path, arxiv, store_url, ARXIV_MIN_INTERVAL_SECONDS="0", LEASE_SECONDS="1")
    for _ in range(kills):
        arxiv.show(week[min(len(arxiv.requests) // 3, len(week) - 1)].day)
        process = subprocess.Popen(
            [sys.executable, "-c", REFRESH_FOR_EVER], cwd=ROOT, env=variables, stderr=subprocess.DEVNULL
        )
        arxiv.wait_for_requests(len(arxiv.requests) + drawn.randint(1, 4), timeout_seconds=START_SECONDS)
        process.kill()
        process.wait()
    arxiv.show(week[-1].day)
    settings = settings_for(tmp_path, arxiv, config=json.loads(Path(variables["CONFIG_FILE"]).read_text()))
    service = build_service(settings.model_copy(update={"store_url": SecretStr(store_url), "lease_seconds": 1.0}))
    counted = asyncio.run(_finish(service))
    wanted = {
        listing.paper.id
        for listing in week[-1].listings
        if listing.event != "replace" and listing.announce_type(CATEGORIES)
    }
    assert wanted - counted.keys() == set()
    assert set(counted.values()) == {1}


async def _finish(service: Service) -> Counter[str]:
    """How often each paper is stored after one more refresh."""
    try:
        await service.freshness.refresh()
        await service.freshness.heal()
        records = await service.store.load_records(since=datetime(2020, 1, 1, tzinfo=UTC).date())
        return Counter(record.paper.id for record in records)
    finally:
        await service.close()
