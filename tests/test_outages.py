"""The store goes away, hangs, fills up or tells nonsense: readers keep what they had, and it mends by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.service import STORE_NOTICE
from core.store.redis import RedisStore
from demo.standin import ArxivStandIn
from tests.api.running import WEEK, Running, running
from tests.core.store.redis_server import RunningRedis, redis_server

PAUSE_SECONDS = 2.0  # for which a server that failed is left alone


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


class Seconds:
    """Time as the store measures its pauses, until a test moves it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def shared(server: RunningRedis, seconds: Seconds) -> RedisStore:
    return RedisStore(server.url, keep=timedelta(days=45), monotonic=seconds)


@contextmanager
def filled(folder: Path, arxiv: ArxivStandIn, store: RedisStore | None = None) -> Iterator[Running]:
    """A service that has served its feeds once, with all that there is of a week; on a file where no store is given."""
    with running(folder, arxiv, store=store) as service:
        service.refresh()
        service.runner.run(service.service.freshness.heal())
        assert service.ask("/rss").status_code == 200
        yield service


def entries(service: Running, address: str = "/rss") -> tuple[int, int]:
    answer = ask_later(service, address)
    return answer.status_code, answer.content.count(b"<item>")


def has_notice(service: Running) -> bool:
    return STORE_NOTICE.encode() in ask_later(service, "/rss").content


def ask_later(service: Running, address: str) -> httpx.Response:
    """The answer a second later, when the one before is not given again."""
    service.clock.advance(timedelta(seconds=1))
    return service.ask(address)


def test_without_a_store_at_the_start_readers_are_told_to_come_back_and_then_get_their_feed(
    tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis, shared: RedisStore, seconds: Seconds
) -> None:
    server.kill()
    with running(tmp_path, arxiv, store=shared) as service:
        answer = service.ask("/rss")
        assert (answer.status_code, answer.headers["Retry-After"], len(arxiv.requests)) == (503, "30", 0)
        server.start()
        seconds.now += PAUSE_SECONDS
        assert entries(service)[1] > 0


def test_a_store_that_dies_takes_no_feed_with_it(
    tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis, shared: RedisStore, seconds: Seconds
) -> None:
    with filled(tmp_path, arxiv, shared) as service:
        before = entries(service)
        server.kill()
        assert (entries(service), has_notice(service)) == (before, True)
        assert service.ask("/atom/cs.LG").status_code == 200  # which this process has not answered before
        server.start()  # and has forgotten everything
        seconds.now += PAUSE_SECONDS
        assert (entries(service), has_notice(service)) == (before, False)


def test_a_store_that_hangs_keeps_every_feed_there(
    tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis, shared: RedisStore, seconds: Seconds
) -> None:
    with filled(tmp_path, arxiv, shared) as service:
        before = entries(service)
        server.freeze()
        assert (entries(service), has_notice(service)) == (before, True)
        server.thaw()
        seconds.now += PAUSE_SECONDS
        assert (entries(service), has_notice(service)) == (before, False)


def test_a_store_that_forgets_everything_while_arxiv_is_away_empties_no_feed(
    tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis, shared: RedisStore
) -> None:
    with filled(tmp_path, arxiv, shared) as service:
        before = entries(service)
        server.ask("FLUSHALL")
        arxiv.fail_next(times=99)
        assert entries(service) == before
        assert service.ask("/api/papers").json()["notices"]


def test_a_feed_is_no_shorter_while_a_store_that_forgot_everything_fills_again(
    tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis, shared: RedisStore
) -> None:
    with filled(tmp_path, arxiv, shared) as service:
        before = entries(service)
        server.ask("FLUSHALL")
        arxiv.fail_next(times=99, path="/api/")
        assert (service.refresh().ledger.new > 0, entries(service)) == (True, before)


def test_a_mailing_that_was_evicted_is_asked_of_the_search_and_no_feed_is_shorter_meanwhile(
    tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis, shared: RedisStore
) -> None:
    lost = WEEK[1].day
    with filled(tmp_path, arxiv, shared) as service:
        before = entries(service)
        (key,) = (key for key in server.ask("KEYS", "*") if key.endswith(f"mailing:{lost}".encode()))
        server.ask("DEL", key)
        service.refresh()
        during = entries(service)
        healed = service.runner.run(service.service.freshness.heal())
        stored = service.runner.run(service.service.store.load_mailings())
        assert (during, entries(service), healed.ledger.new > 0, lost in stored) == (before, before, True, True)


def test_a_full_store_still_answers_and_takes_the_next_mailing_when_it_has_room(
    tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis, shared: RedisStore
) -> None:
    arxiv.show(WEEK[-2].day)
    with filled(tmp_path, arxiv, shared) as service:
        before = entries(service)
        server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        server.ask("CONFIG", "SET", "maxmemory", "1")
        arxiv.show(WEEK[-1].day)
        service.clock.advance(timedelta(hours=1))
        assert entries(service) == before
        server.ask("CONFIG", "SET", "maxmemory", "0")
        service.clock.advance(timedelta(hours=1))
        service.refresh()
        newest = service.runner.run(service.service.store.load_revision()).newest_mailing
        assert (entries(service)[0], newest) == (200, WEEK[-1].day)


def test_nonsense_in_a_shared_store_is_what_was_never_stored(
    tmp_path: Path, arxiv: ArxivStandIn, server: RunningRedis, shared: RedisStore
) -> None:
    with filled(tmp_path, arxiv, shared) as service:
        before = entries(service)
        for key in server.ask("KEYS", "*"):
            server.ask("SET", key, b"\xff\x00 nonsense")
        assert entries(service) == before
        service.clock.advance(timedelta(hours=1))
        service.refresh()
        assert entries(service) == before


def test_a_file_of_nonsense_is_set_aside_and_filled_anew(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    path = tmp_path / "papers.sqlite3"
    with filled(tmp_path, arxiv) as service:
        before = entries(service)
        service.runner.run(service.service.store.close())
        for file in tmp_path.glob("papers.sqlite3*"):
            file.write_bytes(b"nonsense " * 2_000)
        assert [entries(service) for _ in range(2)] == [before] * 2
    assert path.with_name("papers.sqlite3.damaged").is_file()


def test_a_file_that_another_process_writes_to_for_long_keeps_no_reader_waiting(
    tmp_path: Path, arxiv: ArxivStandIn
) -> None:
    with filled(tmp_path, arxiv) as service:
        before = entries(service)
        with closing(sqlite3.connect(tmp_path / "papers.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert entries(service) == before
            other.execute("ROLLBACK")
