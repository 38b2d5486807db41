"""The store goes away, hangs, fills up or tells nonsense: readers keep what they had, and it mends by itself."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from api.service import STORE_NOTICE
from demo.standin import ArxivStandIn
from tests.api.running import WEEK, Running, running
from tests.core.store.redis_server import RunningRedis, redis_server


@pytest.fixture
def arxiv() -> Iterator[ArxivStandIn]:
    with ArxivStandIn(WEEK) as stand_in:
        yield stand_in


@pytest.fixture
def server() -> Iterator[RunningRedis]:
    try:
        with redis_server() as started:
            yield started
    except FileNotFoundError as error:
        pytest.skip(str(error))


@contextmanager
def filled(folder: Path, arxiv: ArxivStandIn, store_url: str) -> Iterator[Running]:
    """A service that has served its feeds once."""
    with running(folder, arxiv, store_url=store_url) as service:
        assert service.ask("/rss").status_code == 200
        yield service


def entries(service: Running, address: str = "/rss") -> tuple[int, int]:
    answer = service.ask(address)
    return answer.status_code, answer.content.count(b"<item>")


def recovered(service: Running, before: tuple[int, int]) -> bool:
    """Whether the feed is whole and without the notice again, at the latest when the pause of the store is over."""
    patience = 200
    while STORE_NOTICE.encode() in service.ask("/rss").content and patience:
        patience -= 1
        service.runner.run(_a_moment())
    return entries(service) == before


async def _a_moment() -> None:
    await asyncio.sleep(0.05)


def test_without_a_store_at_the_start_readers_are_told_to_come_back_and_then_get_their_feed(
    tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis
) -> None:
    server.kill()
    with running(tmp_path, arxiv, store_url=server.url) as service:
        answer = service.ask("/rss")
        assert (answer.status_code, answer.headers["Retry-After"], len(arxiv.requests)) == (503, "30", 0)
        server.start()
        patience = 200
        while service.ask("/rss").status_code != 200 and patience:
            patience -= 1
            service.runner.run(_a_moment())
        assert entries(service)[1] > 0


def test_a_store_that_dies_takes_no_feed_with_it(tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis) -> None:
    with filled(tmp_path, arxiv, server.url) as service:
        before = entries(service)
        other = service.ask("/rss/cs.AI?limit=3")  # a selection that this process has not answered before
        server.kill()
        during = service.ask("/rss")
        assert (entries(service), STORE_NOTICE.encode() in during.content) == (before, True)
        assert (other.status_code, service.ask("/atom/cs.LG").status_code) == (200, 200)
        server.start()  # and has forgotten everything
        assert recovered(service, before)


def test_a_store_that_hangs_keeps_no_reader_waiting_for_long(
    tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis
) -> None:
    with filled(tmp_path, arxiv, server.url) as service:
        before = entries(service)
        server.freeze()
        assert entries(service) == before
        server.thaw()
        assert recovered(service, before)


def test_a_full_store_still_answers_and_takes_the_next_mailing_when_it_has_room(
    tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis
) -> None:
    arxiv.show(WEEK[-2].day)
    with filled(tmp_path, arxiv, server.url) as service:
        before = entries(service)
        server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        server.ask("CONFIG", "SET", "maxmemory", "1")
        arxiv.show(WEEK[-1].day)
        service.clock.advance(timedelta(hours=1))
        assert entries(service) == before
        server.ask("CONFIG", "SET", "maxmemory", "0")
        service.clock.advance(timedelta(hours=1))
        assert entries(service)[1] > before[1]


def test_nonsense_in_a_shared_store_is_what_was_never_stored(
    tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis
) -> None:
    with filled(tmp_path, arxiv, server.url) as service:
        before = entries(service)
        for key in server.ask("KEYS", "*"):
            server.ask("SET", key, b"\xff\x00 nonsense")
        assert service.ask("/rss").status_code == 200
        service.clock.advance(timedelta(hours=1))
        service.refresh()
        assert entries(service) == before


def test_a_file_of_nonsense_is_set_aside_and_filled_anew(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    path = tmp_path / "papers.sqlite3"
    with filled(tmp_path, arxiv, f"sqlite:///{path}") as service:
        before = entries(service)
        service.runner.run(service.service.store.close())
        for file in tmp_path.glob("papers.sqlite3*"):
            file.write_bytes(b"nonsense " * 2_000)
        answers = [service.ask("/rss") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert recovered(service, before)
    assert (tmp_path / "papers.sqlite3.damaged").is_file()


def test_a_file_that_another_process_writes_to_for_long_keeps_no_reader_waiting(
    tmp_path: Path, arxiv: ArxivStandIn
) -> None:
    path = tmp_path / "papers.sqlite3"
    with filled(tmp_path, arxiv, f"sqlite:///{path}") as service:
        before = entries(service)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert entries(service) == before
            other.execute("ROLLBACK")
