"""What only the shared store does: a server that forgets, evicts, fills up, hangs, dies, or holds rubbish."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socketserver
import threading
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.exceptions import ConnectionError as ConnectionLost

from core.errors import LeaseLost, StoreUnavailable
from core.papers import Announcement, AnnounceType, Paper
from core.store import redis
from core.store.records import Changes, Endpoint, Lease, PaperRecord, RefreshState, Revision
from core.store.redis import RedisStore
from tests.builders import DAY, MOMENT, paper
from tests.core.store.redis_server import RunningRedis, black_hole, find_program, redis_server
from tests.core.store.running import Clock, run

NEW = (("cs.LG", AnnounceType.NEW), ("cs.AI", AnnounceType.CROSS))
LATER = MOMENT + timedelta(minutes=1)
ONE_DAY = timedelta(days=1)
KEEP = timedelta(days=45)
PREFIX = "arxiv-feeds:1:"
SOON_SECONDS = 1.5  # a second, and what a busy machine adds

needs_server_of_its_own = pytest.mark.skipif(find_program() is None, reason="there is no server to start")


class Seconds:
    """A monotonic clock that tests set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def opened(url: str, **options: Any) -> Iterator[RedisStore]:
    store = RedisStore(url, **{"keep": KEEP, **options})
    try:
        yield store
    finally:
        run(store.close())


@pytest.fixture
def store(redis_url: str) -> Iterator[RedisStore]:
    with opened(redis_url) as store:
        yield store


def announce(one: Paper, *mailings: date) -> tuple[Announcement, ...]:
    return tuple(Announcement(mailing, one.id, one.version, NEW) for mailing in mailings)


def write(store: RedisStore, changes: Changes, *, lease: Lease | None = None) -> Revision:
    revision = run(store.load_revision())
    assert run(store.apply(changes, based_on=revision.number, now=MOMENT, lease=lease))
    return run(store.load_revision())


def keep(store: RedisStore, one: Paper, *mailings: date) -> Revision:
    return write(store, Changes((one,), announce(one, *mailings)))


def ids_in(store: RedisStore, *, since: date = date.min) -> list[str]:
    return [record.paper.id for record in run(store.load_records(since=since))]


def noisy_papers(count: int, *, first: int = 0) -> tuple[Paper, ...]:
    """Papers of about a kilobyte each, of which compression makes little."""
    return tuple(
        paper(
            id=f"2603.{number:05}",
            abstract="".join(sha256(f"{number} {part}".encode()).hexdigest() for part in range(30)),
        )
        for number in range(first, first + count)
    )


# --- What it forgets --------------------------------------------------------------------------------------------------


def test_after_a_flush_numbers_are_higher_than_any_before(store: RedisStore, server: RunningRedis) -> None:
    before = keep(store, paper(), DAY)
    server.ask("FLUSHDB")
    assert run(store.load_revision()) == Revision()
    after = keep(store, paper(), DAY)
    assert (after.number > before.number, after.checks > before.checks) == (True, True)


def test_a_revision_that_was_lost_while_the_papers_were_not_is_made_anew(
    store: RedisStore, server: RunningRedis
) -> None:
    before = keep(store, paper(), DAY)
    server.ask("DEL", f"{PREFIX}revision")
    after = run(store.load_revision())
    assert (after.number > before.number, after.newest_mailing, run(store.load_revision())) == (True, DAY, after)
    assert keep(store, paper(version=2), DAY + ONE_DAY).number == after.number + 1
    assert ids_in(store) == [paper().id]


def test_what_was_decided_before_the_revision_was_lost_is_decided_again(
    store: RedisStore, server: RunningRedis
) -> None:
    before = keep(store, paper(), DAY)
    server.ask("DEL", f"{PREFIX}revision")
    assert not run(store.apply(Changes((paper(version=2),)), based_on=before.number, now=LATER))


def test_a_mailing_that_was_evicted_is_no_longer_stored_and_can_be_stored_again(
    store: RedisStore, server: RunningRedis
) -> None:
    first, second = paper(), paper(id="2603.00002")
    keep(store, first, DAY)
    keep(store, second, DAY + ONE_DAY)
    assert run(store.load_mailings()) == {DAY, DAY + ONE_DAY}
    server.ask("DEL", f"{PREFIX}mailing:{DAY}")
    assert run(store.load_mailings()) == {DAY + ONE_DAY}
    assert ids_in(store) == list(run(store.load_papers([first.id, second.id]))) == [second.id]
    keep(store, first, DAY)
    assert run(store.load_mailings()) == {DAY, DAY + ONE_DAY}
    assert ids_in(store) == [first.id, second.id]


@pytest.mark.parametrize("rubbish", [(), ("SET", f"{PREFIX}mailings", "rubbish")], ids=["lost", "another type"])
@pytest.mark.parametrize("question", ["records", "mailings", "newest mailing", "change"])
def test_a_list_of_mailings_that_was_lost_while_the_papers_were_not_is_made_anew(
    store: RedisStore, server: RunningRedis, question: str, rubbish: tuple[str, ...]
) -> None:
    keep(store, paper(), DAY)
    keep(store, paper(id="2603.00002"), DAY + ONE_DAY)
    keep(store, paper(version=2), DAY + timedelta(days=2))
    server.ask("DEL", f"{PREFIX}mailings")
    if rubbish:
        server.ask(*rubbish)
    match question:
        case "records":
            assert ids_in(store) == ["2603.00001", "2603.00002"]
        case "mailings":
            assert run(store.load_mailings()) == {DAY, DAY + ONE_DAY, DAY + timedelta(days=2)}
        case "newest mailing":
            assert run(store.load_newest_mailing(["cs.LG"])) == DAY + timedelta(days=2)
        case "change":
            keep(store, paper(version=3), DAY + timedelta(days=3))
    assert {record.paper.id: len(record.announcements) for record in run(store.load_records(since=DAY))} == {
        "2603.00001": 3 if question == "change" else 2,
        "2603.00002": 1,
    }


def test_a_list_of_mailings_that_is_lost_while_a_change_is_made_spoils_that_change(
    store: RedisStore, server: RunningRedis
) -> None:
    before = keep(store, paper(), DAY)
    stage = store._stage

    async def stage_and_lose(name: str, fields: Any) -> None:
        await stage(name, fields)
        server.ask("DEL", f"{PREFIX}mailings")

    store._stage = stage_and_lose  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable, match="lost what a change was based on"):
        run(store.apply(Changes((paper(version=2),)), based_on=before.number, now=LATER))
    store._stage = stage  # type: ignore[method-assign]
    keep(store, paper(version=2), DAY + ONE_DAY)
    assert run(store.load_mailings()) == {DAY, DAY + ONE_DAY}


async def scan_for_ever(*_: Any, **__: Any) -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


def test_a_list_of_mailings_that_cannot_be_found_in_time_stays_lost(
    store: RedisStore, server: RunningRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store, paper(), DAY)
    server.ask("DEL", f"{PREFIX}mailings")
    monkeypatch.setattr("core.store.redis._SEARCH_SECONDS", 0.01)
    monkeypatch.setattr("redis.asyncio.Redis.scan_iter", scan_for_ever)
    assert (ids_in(store), run(store.load_papers([paper().id]))) == ([], {})
    keep(store, paper(version=2), DAY + ONE_DAY)
    keep(store, paper(id="2603.00002"), DAY)  # which finds the first version of the other paper in its place
    assert {record.paper.id: record.paper.version for record in run(store.load_records(since=DAY))} == {
        "2603.00001": 2,
        "2603.00002": 1,
    }


def test_fences_go_on_rising_after_a_flush(server: RunningRedis) -> None:
    with opened(server.url, clock=Clock()) as store:
        before = run(store.take_lease("turn", "first", seconds=30))
        server.ask("FLUSHDB")
        after = run(store.take_lease("turn", "first", seconds=30))
    assert before is not None
    assert after is not None
    assert after.fence > before.fence


def test_a_holder_from_before_a_flush_writes_nothing_after_it(store: RedisStore, server: RunningRedis) -> None:
    lost = run(store.take_lease("refresh", "same", seconds=30))
    server.ask("FLUSHDB")
    run(store.take_lease("refresh", "same", seconds=30))
    with pytest.raises(LeaseLost):
        write(store, Changes((paper(),)), lease=lost)


def test_a_lease_that_may_have_been_forgotten_counts_as_just_used(server: RunningRedis) -> None:
    clock = Clock()
    with opened(server.url, clock=clock) as store:

        def take() -> Lease | None:
            return run(store.take_lease("turn", "first", seconds=30, pause_if_forgotten=5))

        assert take() is None
        clock.advance(4.999)
        assert take() is None
        clock.advance(0.001)
        lease = take()
        assert lease is not None
        run(store.give_lease_back(lease))
        assert take() is not None  # nothing is forgotten now


def test_leases_end_by_the_server_s_time_where_no_clock_is_given(store: RedisStore, server: RunningRedis) -> None:
    assert run(store.take_lease("turn", "first", seconds=1_800))
    assert run(store.take_lease("turn", "second", seconds=1_800)) is None
    seconds, _ = server.ask("TIME")
    free_at = int(server.ask("HGET", f"{PREFIX}lease:turn", "free_at"))
    assert free_at / 1000 - int(seconds) == pytest.approx(1_800, abs=5)


# --- What it keeps, and for how long ----------------------------------------------------------------------------------


def test_a_mailing_goes_when_a_newer_one_is_later_by_more_than_is_kept(store: RedisStore, server: RunningRedis) -> None:
    old, older = paper(id="2602.00001"), paper(id="2602.00002")
    keep(store, old, DAY)
    keep(store, older, DAY - ONE_DAY)
    keep(store, paper(), DAY + KEEP)
    assert run(store.load_mailings()) == {DAY, DAY + KEEP}
    assert ids_in(store) == [old.id, paper().id]
    assert server.ask("EXISTS", f"{PREFIX}mailing:{DAY - ONE_DAY}") == 0


def test_what_is_told_of_a_mailing_that_is_not_kept_is_not_stored(store: RedisStore) -> None:
    keep(store, paper(), DAY)
    keep(store, paper(id="2512.00001"), DAY - KEEP - ONE_DAY)
    assert run(store.load_mailings()) == {DAY}
    assert ids_in(store) == [paper().id]


def test_a_paper_that_is_announced_again_is_kept_with_what_was_told_of_it_before(store: RedisStore) -> None:
    keep(store, paper(), DAY)
    keep(store, paper(version=2), DAY + ONE_DAY)
    keep(store, paper(id="2604.00001"), DAY + KEEP + ONE_DAY)
    (record, _) = run(store.load_records(since=date.min))
    assert [one.mailing for one in record.announcements] == [DAY, DAY + ONE_DAY]


def test_everything_big_ends_by_itself(store: RedisStore, server: RunningRedis) -> None:
    keep(store, paper(), DAY)
    run(store.take_lease("turn", "first", seconds=30))
    run(store.save_endpoint("feeds", Endpoint(1)))
    lasts = {
        name: timedelta(milliseconds=server.ask("PTTL", f"{PREFIX}{name}"))
        for name in (f"mailing:{DAY}", "lease:turn", "endpoint:feeds")
    }
    assert KEEP < lasts[f"mailing:{DAY}"] < 2 * KEEP
    assert timedelta(0) < lasts["lease:turn"] <= ONE_DAY
    assert timedelta(0) < lasts["endpoint:feeds"] <= KEEP


def test_nothing_that_was_staged_stays(store: RedisStore, server: RunningRedis) -> None:
    keep(store, paper(), DAY)
    assert not run(store.apply(Changes((paper(version=2),)), based_on=1, now=LATER))
    assert sorted(server.ask("KEYS", "*")) == [
        f"{PREFIX}{name}".encode() for name in (f"mailing:{DAY}", "mailings", "revision")
    ]


def test_what_is_known_of_refreshes_goes_when_nobody_asked_for_long(store: RedisStore) -> None:
    long_ago = RefreshState(MOMENT - KEEP - ONE_DAY)
    lately = RefreshState(MOMENT - KEEP + ONE_DAY)
    write(store, Changes(refreshes=(("cs.AI", long_ago), ("cs.CL", lately))))
    write(store, Changes(refreshes=(("cs.LG", RefreshState(MOMENT)),)))
    assert list(run(store.load_refreshes())) == ["cs.CL", "cs.LG"]


def test_a_paper_takes_less_than_two_kilobytes(store: RedisStore, server: RunningRedis) -> None:
    papers = noisy_papers(300)
    write(store, Changes(papers, tuple(one for each in papers for one in announce(each, DAY))))
    used = server.ask("MEMORY", "USAGE", f"{PREFIX}mailing:{DAY}", "SAMPLES", 0)
    assert used / len(papers) < 2_000


def test_two_stores_with_other_prefixes_share_a_server_and_nothing_else(redis_url: str) -> None:
    with opened(redis_url, prefix="one:") as one, opened(redis_url, prefix="other:") as other:
        keep(one, paper(), DAY)
        assert (ids_in(one), ids_in(other), run(other.load_revision())) == ([paper().id], [], Revision())


# --- What cannot be read ----------------------------------------------------------------------------------------------

KEYS = ["revision", "mailings", "refreshes", f"mailing:{DAY}", "lease:turn", "endpoint:feeds"]
RUBBISH: dict[str, Callable[[str], tuple[str | int, ...]]] = {
    "text": lambda key: ("SET", key, "rubbish"),
    "a list": lambda key: ("RPUSH", key, "rubbish"),
    "other fields": lambda key: ("HSET", key, "rubbish", "rubbish"),
}


@pytest.mark.parametrize("rubbish", RUBBISH)
@pytest.mark.parametrize("name", KEYS)
def test_rubbish_counts_as_missing_and_the_next_change_mends_it(
    store: RedisStore, server: RunningRedis, name: str, rubbish: str
) -> None:
    key = f"{PREFIX}{name}"
    state = RefreshState(MOMENT)
    keep(store, paper(), DAY)
    server.ask("DEL", key)
    server.ask(*RUBBISH[rubbish](key))

    run(store.load_mailings())
    run(store.load_newest_mailing(["cs.LG"]))
    run(store.load_papers([paper().id]))
    assert len(ids_in(store)) <= 1
    assert run(store.load_refreshes()) == {}
    assert run(store.load_refresh("cs.LG")) is None
    assert run(store.load_endpoint("feeds")) == Endpoint()

    lease = run(store.take_lease("turn", "first", seconds=30))
    write(store, Changes((paper(),), announce(paper(), DAY), (("cs.LG", state),)), lease=lease)
    run(store.save_endpoint("feeds", Endpoint(1)))
    assert run(store.load_records(since=DAY)) == (PaperRecord(paper(), announce(paper(), DAY)),)
    assert run(store.load_mailings()) == {DAY}
    assert run(store.load_newest_mailing(["cs.LG"])) == DAY
    assert run(store.load_refreshes()) == {"cs.LG": state}
    assert run(store.load_endpoint("feeds")) == Endpoint(1)
    assert run(store.load_revision()).newest_mailing == DAY


GARBAGE = {
    "not compressed": b"rubbish",
    "empty": b"",
    "cut off": zlib.compress(b'{"id": "2603.00001"' * 40)[:30],
    "no JSON": zlib.compress(b"rubbish"),
    "a list": zlib.compress(b"[]"),
    "no paper": zlib.compress(b"{}"),
    "other bytes": zlib.compress(b"\xff\xfe"),
    "another layout": zlib.compress(json.dumps({"paper": {"id": "2603.00001"}, "announced": 3}).encode()),
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_damaged_record_is_left_out_with_one_line_and_written_again(
    store: RedisStore, server: RunningRedis, garbage: str, caplog: pytest.LogCaptureFixture
) -> None:
    damaged, whole = paper(), paper(id="2603.00002")
    keep(store, damaged, DAY)
    keep(store, whole, DAY)
    server.ask("HSET", f"{PREFIX}mailing:{DAY}", damaged.id, GARBAGE[garbage])
    assert ids_in(store) == [whole.id]
    assert [record.levelno for record in caplog.records if record.name == "core.store.damage"] == [logging.ERROR]
    assert list(run(store.load_papers([damaged.id, whole.id]))) == [whole.id]
    keep(store, damaged, DAY + ONE_DAY)
    assert ids_in(store) == [damaged.id, whole.id]
    assert server.ask("HEXISTS", f"{PREFIX}mailing:{DAY}", damaged.id) == 0


@pytest.mark.parametrize("garbage", [b"", b"rubbish", b"2026-03-05", b"2026-03-05rubbish", b"9999-99-99[]"])
def test_a_damaged_state_of_a_refresh_counts_as_none(store: RedisStore, server: RunningRedis, garbage: bytes) -> None:
    write(store, Changes(refreshes=(("cs.AI", RefreshState(MOMENT)), ("cs.LG", RefreshState(MOMENT)))))
    server.ask("HSET", f"{PREFIX}refreshes", "cs.LG", garbage)
    assert (run(store.load_refresh("cs.LG")), list(run(store.load_refreshes()))) == (None, ["cs.AI"])


@pytest.mark.parametrize(
    "garbage", [b"", b"rubbish", b"{}", b"[1]", b'["x", null]', b'[1, "soon"]', b"[1, 2]", b"\xff"]
)
def test_a_damaged_endpoint_counts_as_none(store: RedisStore, server: RunningRedis, garbage: bytes) -> None:
    server.ask("SET", f"{PREFIX}endpoint:feeds", garbage)
    assert run(store.load_endpoint("feeds")) == Endpoint()


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The address of something that answers every command with the same, and is no Redis."""

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while line := self.rfile.readline():
                if line.startswith(b"*"):
                    for _ in range(2 * int(line[1:])):
                        self.rfile.readline()
                    self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("answer", [b"+OK\r\n", b":5\r\n", b"$3\r\nabc\r\n", b"$-1\r\n", b"*0\r\n", b"*1\r\n:1\r\n"])
@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda store: store.load_revision(), id="revision"),
        pytest.param(lambda store: store.load_mailings(), id="mailings"),
        pytest.param(lambda store: store.load_newest_mailing(["cs.LG"]), id="newest mailing"),
        pytest.param(lambda store: store.load_records(since=DAY), id="records"),
        pytest.param(lambda store: store.load_papers(["2603.00001"]), id="papers"),
        pytest.param(lambda store: store.load_frequencies(["cs"], since=DAY), id="frequencies"),
        pytest.param(lambda store: store.load_attempts(["2603.00001"]), id="attempts"),
        pytest.param(lambda store: store.load_summary_state(), id="summaries"),
        pytest.param(lambda store: store.load_refresh("cs.LG"), id="refresh"),
        pytest.param(lambda store: store.load_refreshes(), id="refreshes"),
        pytest.param(lambda store: store.load_endpoint("feeds"), id="endpoint"),
        pytest.param(lambda store: store.load_rendering("rss"), id="rendering"),
        pytest.param(lambda store: store.take_lease("refresh", "one", seconds=30), id="lease"),
        pytest.param(lambda store: store.apply(Changes((paper(),)), based_on=1, now=MOMENT), id="changes"),
    ],
)
def test_what_answers_otherwise_than_a_redis_is_a_store_that_is_away_or_empty(
    answer: bytes, work: Callable[[RedisStore], Awaitable[object]]
) -> None:
    with answering(answer) as url, opened(url) as store, suppress(StoreUnavailable):
        run(work(store))  # type: ignore[arg-type]  # an awaitable is a coroutine here


@pytest.mark.parametrize("field", ["number", "changed_at", "newest_mailing", "checks"])
def test_a_damaged_revision_is_mended(store: RedisStore, server: RunningRedis, field: str) -> None:
    before = keep(store, paper(), DAY)
    server.ask("HSET", f"{PREFIX}revision", field, b"\xffrubbish")
    run(store.load_revision())
    after = keep(store, paper(version=2), DAY)
    assert after.number > before.number
    assert after == replace(after, changed_at=MOMENT, newest_mailing=DAY)


# --- A server that is full --------------------------------------------------------------------------------------------


@needs_server_of_its_own
def test_a_full_server_takes_nothing_half_and_can_still_be_read() -> None:
    with redis_server("--maxmemory-policy", "noeviction") as server, opened(server.url) as store:
        papers = noisy_papers(400)
        told = tuple(one for each in papers for one in announce(each, DAY))
        write(store, Changes(papers, told, (("cs.LG", RefreshState(MOMENT)),)))
        lease = run(store.take_lease("refresh", "first", seconds=30))
        before = run(store.load_revision())
        server.ask("CONFIG", "SET", "maxmemory", int(server.ask("INFO", "memory")["used_memory"]) + 300_000)

        more = noisy_papers(2_000, first=400)
        changes = Changes(more, tuple(one for each in more for one in announce(each, DAY)))
        with pytest.raises(StoreUnavailable, match="full"):
            run(store.apply(changes, based_on=before.number, now=LATER, lease=lease))
        assert (run(store.load_revision()), len(ids_in(store)), len(run(store.load_refreshes()))) == (before, 400, 1)

        server.ask("CONFIG", "SET", "maxmemory", 0)
        assert run(store.apply(changes, based_on=before.number, now=LATER, lease=lease))
        assert len(ids_in(store)) == 2_400


@needs_server_of_its_own
def test_a_server_without_any_room_left_refuses_every_change_and_no_question() -> None:
    with redis_server() as server, opened(server.url) as store:
        before = keep(store, paper(), DAY)
        server.ask("CONFIG", "SET", "maxmemory", 1)
        for change in (
            store.apply(Changes((paper(version=2),)), based_on=before.number, now=LATER),
            store.apply(Changes(refreshes=(("cs.LG", RefreshState(MOMENT)),)), based_on=before.number, now=LATER),
            store.take_lease("turn", "first", seconds=30),
            store.save_endpoint("feeds", Endpoint(1)),
        ):
            with pytest.raises(StoreUnavailable, match="full"):
                run(change)
        assert (run(store.load_revision()), ids_in(store), run(store.load_endpoint("feeds"))) == (
            before,
            [paper().id],
            Endpoint(),
        )


@needs_server_of_its_own
def test_a_server_that_evicts_what_it_likes_spoils_nothing_else() -> None:
    # In a test everything was used in the same second, so the server chooses by chance, the smallest keys too.
    with redis_server("--maxmemory-policy", "allkeys-random") as server, opened(server.url) as store:
        server.ask("CONFIG", "SET", "maxmemory", int(server.ask("INFO", "memory")["used_memory"]) + 3_000_000)
        days = [DAY + timedelta(days=number) for number in range(20)]
        numbers = []
        for number, day in enumerate(days):
            papers = noisy_papers(200, first=200 * number)
            changes = Changes(papers, tuple(one for each in papers for one in announce(each, day)))
            with suppress(StoreUnavailable):  # where what was staged is evicted
                before = run(store.load_revision())
                numbers.append(before.number)
                run(store.apply(changes, based_on=before.number, now=MOMENT))
            assert run(store.load_mailings()) <= set(days)
            found = Counter(record.announcements[-1].mailing for record in run(store.load_records(since=DAY)))
            assert set(found.values()) <= {200}
        assert int(server.ask("INFO", "stats")["evicted_keys"]) > 3
        assert [one for one in numbers if one] == sorted(one for one in numbers if one)
        server.ask("CONFIG", "SET", "maxmemory", 0)
        keep(store, paper(id="2604.00001"), days[-1])
        assert "2604.00001" in ids_in(store)
        assert run(store.load_newest_mailing(["cs.LG"])) == days[-1]


@needs_server_of_its_own
@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        pytest.param(("REPLICAOF", "127.0.0.1", "1"), "replica", id="a replica"),
        pytest.param(("CONFIG", "SET", "min-replicas-to-write", "3"), "ResponseError", id="anything else"),
    ],
)
def test_a_server_that_takes_no_changes_is_told_from_one_that_is_away(prepare: tuple[str, ...], reason: str) -> None:
    with redis_server() as server, opened(server.url) as store:
        before = keep(store, paper(), DAY)
        server.ask(*prepare)
        for _ in range(5):
            with pytest.raises(StoreUnavailable, match=f"refuses: .*{reason}"):
                run(store.apply(Changes((paper(version=2),)), based_on=before.number, now=LATER))
        assert run(store.load_revision()) == before


# --- A server that is away --------------------------------------------------------------------------------------------


def failure(store: RedisStore) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        run(store.load_revision())
    return str(caught.value)


@pytest.mark.parametrize("option", ["socket_timeout=abc", "db=x", "max_connections=x"])
def test_an_option_of_the_address_that_cannot_be_read_is_told_in_a_line(unused_url: str, option: str) -> None:
    with opened(f"{unused_url}?{option}") as store:
        assert "has an option that cannot be read" in failure(store)


@pytest.mark.parametrize("option", ["ssl_cert_reqs=none", "connection_class=x"])
def test_an_option_that_is_not_for_such_an_address_is_left_out(unused_url: str, option: str) -> None:
    with opened(f"{unused_url}?{option}") as store:
        assert "cannot be reached: ConnectionError" in failure(store)


def test_a_server_that_is_not_there_is_named(unused_url: str) -> None:
    with opened(unused_url) as store:
        assert f"The store {unused_url} cannot be reached: ConnectionError" in failure(store)


@pytest.fixture
def unused_url() -> str:
    with black_hole() as url:
        return url  # where nobody listens any more


QUESTIONS: dict[str, Callable[[RedisStore], Any]] = {
    "revision": lambda store: store.load_revision(),
    "mailings": lambda store: store.load_mailings(),
    "records": lambda store: store.load_records(since=DAY),
    "papers": lambda store: store.load_papers([paper().id]),
    "refreshes": lambda store: store.load_refreshes(),
    "a change": lambda store: store.apply(Changes((paper(),)), based_on=0, now=MOMENT),
    "a lease": lambda store: store.take_lease("turn", "first", seconds=30),
    "endpoint": lambda store: store.load_endpoint("feeds"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_server_that_never_answers_costs_a_second(question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.store.redis._SOCKET_SECONDS", 0.1)  # so that the test does not take it
    monkeypatch.setattr("core.store.redis._QUICK_SECONDS", 0.1)
    with black_hole() as url, opened(url) as store:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="cannot be reached: TimeoutError"):
            run(QUESTIONS[question](store))
        assert time.monotonic() - began < SOON_SECONDS / 2


def test_the_first_three_wait_a_second_and_after_that_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = Seconds()
    with black_hole() as url, opened(url, monotonic=seconds) as store:

        async def ask_together(count: int) -> list[Any]:
            return await asyncio.gather(*(store.load_revision() for _ in range(count)), return_exceptions=True)

        began = time.monotonic()
        failed = run(ask_together(20))
        assert 0.9 < time.monotonic() - began < 10 * SOON_SECONDS  # 20 in a row would take longer
        assert [type(one) for one in failed] == [StoreUnavailable] * 20
        began = time.monotonic()
        run(ask_together(1_000))
        assert time.monotonic() - began < 10 * SOON_SECONDS  # it would be minutes
        assert "did not answer lately" in failure(store)


@needs_server_of_its_own
def test_a_name_that_nobody_answers_for_takes_no_thread_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def look_up(*_: Any, **__: Any) -> Any:
        answered.wait(30)
        raise OSError("no answer")

    async def work_meanwhile(store: RedisStore) -> list[str]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(2))  # as few as a small machine has
        try:
            asked = await asyncio.gather(*(store.load_revision() for _ in range(9)), return_exceptions=True)
            async with asyncio.timeout(5):
                return await asyncio.to_thread(lambda: [type(one).__name__ for one in asked])
        finally:
            answered.set()

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    store = RedisStore("redis://store.invalid:6379/0", keep=KEEP)
    assert run(work_meanwhile(store)) == ["StoreUnavailable"] * 9


def test_after_a_while_one_tries_and_when_that_goes_well_all_do() -> None:
    seconds = Seconds()
    with redis_server() as server, opened(server.url, monotonic=seconds) as store:
        before = keep(store, paper(), DAY)
        server.kill()
        assert ["cannot be reached" in failure(store) for _ in range(3)] == [True] * 3
        assert "did not answer lately" in failure(store)
        seconds.now += 1.99
        assert "did not answer lately" in failure(store)
        seconds.now += 0.01
        assert "cannot be reached" in failure(store)  # the one that tries
        assert "did not answer lately" in failure(store)
        server.start()
        seconds.now += 2
        assert run(store.load_revision()) == Revision()  # it was not on a disk
        after = keep(store, paper(), DAY)
        assert (after.number > before.number, ids_in(store)) == (True, [paper().id])


@needs_server_of_its_own
def test_a_server_that_was_frozen_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.store.redis._QUICK_SECONDS", 0.1)
    with redis_server() as server, opened(server.url) as store:
        before = keep(store, paper(), DAY)
        server.freeze()
        assert "cannot be reached: TimeoutError" in failure(store)
        server.thaw()
        monkeypatch.undo()
        assert (run(store.load_revision()), ids_in(store)) == (before, [paper().id])


@needs_server_of_its_own
def test_connections_that_the_server_closed_are_made_anew_without_a_word() -> None:
    with redis_server() as server, opened(server.url) as store:
        before = keep(store, paper(), DAY)
        server.ask("CLIENT", "KILL", "TYPE", "normal")
        assert run(store.load_revision()) == before
        server.ask("CLIENT", "KILL", "TYPE", "normal")
        assert ids_in(store) == [paper().id]
        server.ask("CLIENT", "KILL", "TYPE", "normal")
        assert keep(store, paper(version=2), DAY).number == before.number + 1


@needs_server_of_its_own
def test_a_server_that_is_started_again_does_not_know_the_scripts_and_learns_them() -> None:
    with redis_server() as server, opened(server.url) as store:
        keep(store, paper(), DAY)
        server.ask("SCRIPT", "FLUSH")
        keep(store, paper(version=2), DAY)
        assert run(store.load_papers([paper().id]))[paper().id].paper.version == 2


@pytest.fixture
def lose_answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called on, the answer to every first try of a script is lost after the server ran it."""
    call, seen = redis._call, set[tuple[Any, ...]]()

    async def call_and_lose(client: Any, *command: Any) -> Any:
        answer = await call(client, *command)
        if command[0] in {"EVALSHA", "EVAL"} and command[2:] not in seen:
            seen.add(command[2:])
            raise ConnectionLost("the connection was reset")
        return answer

    return lambda: monkeypatch.setattr(redis, "_call", call_and_lose)


def test_a_change_whose_answer_was_lost_is_written_once(store: RedisStore, lose_answers: Callable[[], None]) -> None:
    before = keep(store, paper(), DAY)
    lose_answers()
    assert run(store.apply(Changes((paper(version=2),)), based_on=before.number, now=LATER))
    assert not run(store.apply(Changes((paper(version=3),)), based_on=before.number, now=LATER))
    after = run(store.load_revision())
    assert (after.number, run(store.load_papers([paper().id]))[paper().id].paper.version) == (before.number + 1, 2)


def test_a_lease_whose_grant_was_lost_is_the_holder_s(store: RedisStore, lose_answers: Callable[[], None]) -> None:
    lose_answers()
    lease = run(store.take_lease("refresh", "first", seconds=30))
    assert lease is not None
    assert run(store.take_lease("refresh", "first", seconds=30)) is None
    assert run(store.keep_lease(lease, seconds=30))


def test_a_staged_change_that_the_server_lost_is_not_written(store: RedisStore, server: RunningRedis) -> None:
    before = keep(store, paper(), DAY)
    stage = store._stage

    async def stage_and_lose(name: str, fields: Any) -> None:
        await stage(name, fields)
        server.ask("DEL", f"{PREFIX}{name}")

    store._stage = stage_and_lose  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable, match="lost what a change was based on"):
        run(store.apply(Changes((paper(version=2),)), based_on=before.number, now=LATER))
    assert run(store.load_revision()) == before


# --- Event loops, and secrets -----------------------------------------------------------------------------------------


def test_a_store_works_on_a_second_event_loop_and_on_the_first_again(store: RedisStore) -> None:
    before = keep(store, paper(), DAY)

    async def ask_and_close() -> Revision:
        try:
            return await store.load_revision()
        finally:
            await store.close()

    assert asyncio.run(ask_and_close()) == before
    assert run(store.load_revision()) == before
    assert asyncio.run(ask_and_close()) == before


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the connections that nobody can close any more,
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # which the library tries before 6.0
def test_loops_that_ended_without_closing_the_store_are_forgotten(redis_url: str) -> None:
    with opened(redis_url) as store:
        for _ in range(3):
            assert asyncio.run(store.load_revision()) == Revision()
        kept = len(store._clients)
    assert (kept, len(store._clients)) == (1, 0)
    gc.collect()


SECRET = "p4ss/w#rd%"
QUOTED = "p4ss%2Fw%23rd%25"


def everything_in(error: BaseException) -> str:
    parts = []
    seen: BaseException | None = error
    while seen is not None:
        parts += [str(seen), repr(seen)]
        seen = seen.__cause__ or seen.__context__
    return " ".join(parts)


@needs_server_of_its_own
def test_no_secret_is_told_by_name_errors_or_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with redis_server("--requirepass", SECRET, credentials=f":{QUOTED}@") as server:
        with opened(server.url) as store:
            keep(store, paper(), DAY)
            told = [store.name, repr(store)]
            server.kill()
            with suppress(StoreUnavailable):
                run(store.load_revision())
        server.start()
        wrong = server.url.replace(QUOTED, "wr0ng")
        for url, reason in (
            (wrong, "another user or password"),
            (f"redis://{urlsplit(wrong).netloc.partition('@')[2]}", "another user or password"),
        ):
            with opened(url) as store, pytest.raises(StoreUnavailable, match=reason) as caught:
                run(store.load_revision())
            told.append(everything_in(caught.value))
    text = " ".join([*told, caplog.text])
    assert [word for word in (SECRET, QUOTED, "wr0ng") if word in text] == []


# --- What is cancelled ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", range(12))
def test_who_is_cancelled_at_any_moment_of_a_command_ends(store: RedisStore, steps: int) -> None:
    async def scene() -> tuple[bool, bool]:
        lease = await store.take_lease("test", "me", seconds=30)
        assert lease is not None
        kept: list[bool] = []

        async def keep_for_ever() -> None:
            while True:
                kept.append(await store.keep_lease(lease, seconds=30))

        keeping = asyncio.create_task(keep_for_ever())
        for _ in range(steps):
            await asyncio.sleep(0)
        keeping.cancel()
        await asyncio.wait([keeping], timeout=0.5)
        is_over = keeping.cancelled()
        keeping.cancel()
        return is_over, await store.load_revision() == Revision()

    assert run(scene()) == (True, True)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://user:secret@example.org", "redis://example.org:6379/0"),
        ("rediss://default:secret@example.org:6380/3", "rediss://example.org:6380/3"),
        ("redis://[::1]/", "redis://[::1]:6379/0"),
        ("redis://:secret@example.org?ssl_cert_reqs=none&password=other", "redis://example.org:6379/0"),
    ],
)
def test_the_name_is_where_the_server_is_and_no_more(url: str, name: str) -> None:
    assert RedisStore(url, keep=KEEP).name == name


def test_it_is_shared() -> None:
    assert RedisStore.is_shared
