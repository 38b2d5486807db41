"""Who may ask arXiv when: over all that share a store, whatever becomes of them and of arXiv."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import random
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from core.arxiv.client import ArxivClient
from core.errors import SourceMalformed, SourceUnavailable, StoreUnavailable
from core.moments import LONGEST_WAIT
from core.store.records import Endpoint, Lease
from core.store.sqlite import SqliteStore
from core.turns import Service, Turns, after_answer
from demo.request_log import most_at_once, smallest_pause
from demo.standin import ArxivStandIn, Fault
from demo.week import mailing_week
from tests.builders import MOMENT

URL = "https://rss.arxiv.org/rss/cs.LG"
INTERVAL = 3.0
LEASE = 30.0
POLL = 0.11  # who waits looks every tenth of a second
RENEWED_AT_ONCE = 0.006  # a lease for tests that wait for its first renewal, in real time

Result = TypeVar("Result")


class FakeTime:
    """Time that passes by sleeping, and where a test moves it: the same for all processes."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def clock(self) -> datetime:
        return MOMENT + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)

    async def stand_still(self, seconds: float) -> None:
        """A sleep for tests in which others work meanwhile: they decide how late it is."""
        await asyncio.sleep(0)


class World:
    """Processes that share a store and nothing else, and what they keep in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.time = FakeTime()
        self.stores: list[SqliteStore] = []

    def store(self, kind: type[SqliteStore] = SqliteStore) -> Any:
        self.stores.append(kind(self.path, clock=self.time.clock))
        return self.stores[-1]

    def process(self, store: Any = None, **changes: Any) -> Turns:
        """The turns of one process; *changes* are of how it was set up."""
        values: dict[str, Any] = {
            "min_interval_seconds": INTERVAL,
            "lease_seconds": LEASE,
            "clock": self.time.clock,
            "monotonic": self.time.monotonic,
            "draw": lambda: 0.0,
            "sleep": self.time.sleep,
        }
        values.update(changes)
        return Turns(store or self.store(), **values)

    async def ask(
        self,
        turns: Turns,
        service: Service = "feeds",
        error: BaseException | None = None,
        *,
        meanwhile: Callable[[], Awaitable[object]] | None = None,
    ) -> float:
        """The second at which *service* was asked; *error* is what came of it, *meanwhile* what happened before."""
        async with turns.take(service, URL):
            asked_at = self.time.seconds
            if meanwhile is not None:
                await meanwhile()
            if error is not None:
                raise error
        return asked_at

    async def fail(self, turns: Turns, service: Service = "feeds", **values: Any) -> None:
        """One request to *service* that fails."""
        with pytest.raises(SourceUnavailable, match="it failed"):
            await self.ask(turns, service, failure(**values))

    async def seconds_until_asked(self, turns: Turns, service: Service = "feeds") -> float:
        """How long *service* is left alone from now on; 0 where it may be asked in the next turn."""
        try:
            await self.ask(turns, service)
        except SourceUnavailable as error:
            if error.was_asked:
                raise
            return error.retry_after_seconds or 0.0
        return 0.0

    async def let_others_work(self) -> None:
        """Lets every other task come as far as it can, some rounds of waiting included."""
        for _ in range(10):
            for store in self.stores:  # each has a thread of its own
                await store.load_endpoint("feeds")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "turns.sqlite3")
    yield made
    for store in made.stores:
        asyncio.run(store.close())


def failure(status: int | None = 503, retry_after_seconds: float | None = None) -> SourceUnavailable:
    return SourceUnavailable(URL, "it failed", status=status, retry_after_seconds=retry_after_seconds)


def run(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """What *work* gives, soon: no test hangs."""
    return asyncio.run(asyncio.wait_for(work(), 20))


# --- What an answer leaves behind -------------------------------------------------------------------------------------

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


@pytest.mark.parametrize(
    ("failures", "error", "failures_after", "seconds"),
    [
        (0, None, 0, None),
        (7, None, 0, None),
        (2, failure(400), 0, None),
        (2, failure(404), 0, None),
        (2, failure(405), 0, None),
        (2, failure(410), 0, None),
        (2, failure(414), 0, None),
        (0, failure(404, 5.0), 1, 5.0),
        (0, failure(403), 1, None),
        (0, failure(503), 1, None),
        (1, failure(None), 2, None),
        (2, failure(406), 3, MINUTE),
        (2, failure(500), 3, MINUTE),
        (2, failure(302), 3, MINUTE),
        (2, failure(None), 3, MINUTE),
        (3, failure(503), 4, 2 * MINUTE),
        (4, failure(503), 5, 4 * MINUTE),
        (7, failure(503), 8, 32 * MINUTE),
        (8, failure(503), 9, HOUR),
        (5_000, failure(503), 5_001, HOUR),
        (0, failure(429), 1, MINUTE),
        (1, failure(429), 2, 2 * MINUTE),
        (9, failure(429), 10, HOUR),
        (0, failure(503, 1.0), 1, 1.0),
        (0, failure(429, 1.0), 1, 1.0),
        (0, failure(503, 600.0), 1, 600.0),
        (2, failure(503, 600.0), 3, 600.0),
        (2, failure(503, 1.0), 3, MINUTE),
        (2, failure(429, 1.0), 3, MINUTE),
        (0, failure(503, 0.0), 1, None),
        (2, failure(503, 0.0), 3, MINUTE),
        (0, failure(429, 0.0), 1, MINUTE),
        (0, failure(429, 1_000 * 365 * DAY), 1, DAY),
        (0, failure(503, 8_000 * 365 * DAY), 1, DAY),
    ],
)
def test_what_an_answer_leaves_behind(
    failures: int, error: SourceUnavailable | None, failures_after: int, seconds: float | None
) -> None:
    closed_until = None if seconds is None else MOMENT + timedelta(seconds=seconds)
    after = after_answer(Endpoint(failures, MOMENT), error, now=MOMENT, jitter=0.0)
    assert after == Endpoint(failures_after, closed_until)


@pytest.mark.parametrize(
    ("error", "jitter", "seconds"),
    [
        (failure(503), 0.0, MINUTE),
        (failure(503), 0.4, 66.0),
        (failure(503), 1.0, 75.0),
        (failure(429), 1.0, 5 * MINUTE),
        (failure(503, 600.0), 1.0, 600.0),
    ],
    ids=["none", "some", "most", "too many requests", "arXiv says"],
)
def test_a_break_is_longer_by_up_to_a_quarter_and_a_wait_that_arxiv_asks_for_is_not(
    error: SourceUnavailable, jitter: float, seconds: float
) -> None:
    after = after_answer(Endpoint(2), error, now=MOMENT, jitter=jitter)
    assert after.closed_until == MOMENT + timedelta(seconds=seconds)


# --- One at a time ----------------------------------------------------------------------------------------------------


def test_processes_ask_one_at_a_time(world: World) -> None:
    at_once, most, asked = 0, 0, 0

    async def ask(turns: Turns) -> None:
        nonlocal at_once, most, asked
        async with turns.take("feeds", URL):
            at_once += 1
            most = max(most, at_once)
            for _ in range(5):
                await asyncio.sleep(0)
            at_once -= 1
            asked += 1

    async def work() -> None:
        processes = [world.process(min_interval_seconds=0.0, sleep=world.time.stand_still) for _ in range(2)]
        await asyncio.gather(*(ask(turns) for turns in processes for _ in range(4)))

    run(work)
    assert (most, asked) == (1, 8)


def test_the_pause_counts_from_the_end_of_the_last_request(world: World) -> None:
    async def work() -> list[float]:
        one, other = world.process(), world.process()
        async with one.take("feeds", URL):
            world.time.seconds += 10.0
        world.time.seconds += 1.0
        starts = [await world.ask(other, "search")]
        world.time.seconds += 3.0
        starts.append(await world.ask(one))
        return starts

    assert run(work) == [pytest.approx(13.0, abs=POLL), pytest.approx(16.0, abs=2 * POLL)]


@pytest.mark.parametrize(
    "error",
    [failure(), SourceMalformed("it is too large"), asyncio.CancelledError(), KeyError("a mistake of ours")],
    ids=lambda error: type(error).__name__,
)
def test_a_request_that_does_not_end_well_is_followed_by_a_pause_too(world: World, error: BaseException) -> None:
    async def work() -> float:
        with pytest.raises(type(error)):
            await world.ask(world.process(), error=error)
        return await world.ask(world.process())

    assert 3.0 <= run(work) < 3.0 + POLL


def test_without_an_interval_there_is_no_pause(world: World) -> None:
    async def work() -> float:
        await world.ask(world.process(min_interval_seconds=0.0))
        return await world.ask(world.process(min_interval_seconds=0.0))

    assert run(work) == 0.0


def test_there_is_no_pause_where_nothing_was_asked(world: World) -> None:
    async def work() -> float:
        one, other = world.process(), world.process()
        waiting: list[asyncio.Task[float]] = []

        async def let_another_wait() -> None:
            waiting.append(asyncio.create_task(world.ask(other, "search")))
            await world.let_others_work()

        with pytest.raises(SourceUnavailable, match="it failed"):
            await world.ask(one, "search", failure(503, 600.0), meanwhile=let_another_wait)
        ended_at = world.time.seconds
        with pytest.raises(SourceUnavailable, match="left alone"):
            await waiting[0]
        return await world.ask(one) - ended_at

    assert run(work) < 3.0 + 2 * POLL  # one pause and not two; some of it may be over before the first request ends


def test_those_of_one_process_stand_in_line_and_one_of_them_asks_the_store(world: World) -> None:
    class CountingStore(SqliteStore):
        takes = 0

        async def take_lease(self, *args: Any, **options: Any) -> Lease | None:
            self.takes += 1
            return await super().take_lease(*args, **options)

    async def work() -> tuple[int, list[int]]:
        store = world.store(CountingStore)
        turns = world.process(store, min_interval_seconds=0.0)
        order: list[int] = []

        async def ask(number: int) -> None:
            async with turns.take("feeds", URL):
                order.append(number)

        async with turns.take("feeds", URL):
            waiting = [asyncio.create_task(ask(number)) for number in range(4)]
            await world.let_others_work()
            takes = store.takes
        await asyncio.gather(*waiting)
        return takes, order

    assert run(work) == (1, [0, 1, 2, 3])


def test_turns_serve_one_event_loop_after_another(world: World) -> None:
    turns = world.process(min_interval_seconds=0.0)

    async def work() -> int:
        return len(await asyncio.gather(*(world.ask(turns) for _ in range(3))))

    assert (run(work), run(work)) == (3, 3)


def test_turns_serve_two_event_loops_at_the_same_time(world: World) -> None:
    turns = world.process(min_interval_seconds=0.0, sleep=asyncio.sleep)
    lock, failures = threading.Lock(), []

    async def ask() -> None:
        async with turns.take("feeds", URL):
            if not lock.acquire(blocking=False):
                failures.append("two at once")
                return
            await asyncio.sleep(0)
            lock.release()

    async def work() -> None:
        await asyncio.gather(*(ask() for _ in range(4)))

    other = threading.Thread(target=run, args=(work,))
    other.start()
    run(work)
    other.join()
    assert failures == []


# --- Who is killed, frozen or cancelled -------------------------------------------------------------------------------


def test_after_a_killed_process_the_next_one_waits_for_the_end_of_its_turn(world: World) -> None:
    async def work() -> float:
        assert await world.store().take_lease("turn", "killed", seconds=LEASE)
        return await world.ask(world.process())

    assert run(work) == pytest.approx(LEASE, abs=POLL)


def test_a_turn_lasts_long_enough_for_the_pause_after_a_killed_process(world: World) -> None:
    async def work() -> float:
        killed = world.process(lease_seconds=1.0).take("feeds", URL)
        await killed.__aenter__()
        asked_at = await world.ask(world.process(lease_seconds=1.0))
        await killed.__aexit__(None, None, None)
        return asked_at

    assert run(work) >= INTERVAL


class SlowStore(SqliteStore):
    """A store whose first lease comes when a test's *delay* has passed."""

    delay: Callable[[], None]
    taken = 0

    async def take_lease(self, *args: Any, **options: Any) -> Lease | None:
        lease = await super().take_lease(*args, **options)
        self.taken += 1
        if self.taken == 1:
            self.delay()
        return lease


@pytest.mark.parametrize(
    ("monotonic", "clock", "taken"),
    [(14.9, 14.9, 1), (15.1, 0.0, 2), (0.0, 15.1, 2), (15.1, -3_600.0, 2), (3_600.0, 3_600.0, 2)],
    ids=["in time", "by the one", "by the other", "set back", "for an hour"],
)
def test_who_was_frozen_while_taking_a_turn_takes_another(
    world: World, monotonic: float, clock: float, taken: int
) -> None:
    async def work() -> int:
        store = world.store(SlowStore)
        ahead = [0.0, 0.0]
        store.delay = lambda: ahead.__setitem__(slice(None), [monotonic, clock])
        turns = world.process(
            store,
            monotonic=lambda: world.time.seconds + ahead[0],
            clock=lambda: world.time.clock() + timedelta(seconds=ahead[1]),
        )
        await world.ask(turns)
        return int(store.taken)

    assert run(work) == taken


def test_who_was_frozen_while_asking_is_stopped_when_the_turn_is_anothers(world: World) -> None:
    async def work() -> tuple[Lease | None, bool, Endpoint]:
        other = world.store()
        lease: Lease | None = None

        async def thaw_too_late() -> None:
            nonlocal lease
            world.time.seconds += 1.0
            lease = await other.take_lease("turn", "other", seconds=LEASE)
            await asyncio.Event().wait()

        frozen = world.process(min_interval_seconds=0.0, lease_seconds=RENEWED_AT_ONCE)
        with pytest.raises(SourceUnavailable, match="the turn was lost"):
            await world.ask(frozen, meanwhile=thaw_too_late)
        return lease, await other.keep_lease(lease, seconds=LEASE), await other.load_endpoint("feeds")

    lease, is_still_the_others, endpoint = run(work)
    assert (lease and lease.fence, is_still_the_others, endpoint) == (2, True, Endpoint())


def test_who_cannot_renew_a_turn_is_stopped_before_it_ends(world: World) -> None:
    class FadingStore(SqliteStore):
        async def keep_lease(self, lease: Lease, *, seconds: float) -> bool:
            raise StoreUnavailable("the disk is away")

    async def work() -> None:
        turns = world.process(world.store(FadingStore), lease_seconds=RENEWED_AT_ONCE, min_interval_seconds=0.0)
        async with turns.take("feeds", URL):
            await asyncio.Event().wait()

    with pytest.raises(SourceUnavailable, match="the turn was lost"):
        run(work)


def test_a_timeout_of_the_request_is_not_taken_for_a_lost_turn(world: World) -> None:
    async def work() -> None:
        await world.ask(world.process(), error=TimeoutError("of the request"))

    with pytest.raises(TimeoutError, match="of the request"):
        run(work)


async def cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_who_is_cancelled_while_asking_gives_the_turn_back(world: World) -> None:
    async def work() -> float:
        begun = asyncio.Event()

        async def ask() -> None:
            async with world.process().take("feeds", URL):
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(ask())
        await begun.wait()
        await cancel(task)
        return await world.ask(world.process())

    assert 3.0 <= run(work) < 3.0 + POLL


def test_who_is_cancelled_in_line_leaves_the_line(world: World) -> None:
    async def work() -> float:
        turns = world.process(min_interval_seconds=0.0)
        async with turns.take("feeds", URL):
            first, second = (asyncio.create_task(world.ask(turns)) for _ in range(2))
            await world.let_others_work()
            await cancel(first)
        return await second

    assert run(work) == 0.0


def test_who_is_cancelled_while_waiting_for_the_store_lets_the_next_one_wait(world: World) -> None:
    async def work() -> float:
        turns = world.process(sleep=world.time.stand_still)
        lease = await world.store().take_lease("turn", "another process", seconds=LEASE)
        task = asyncio.create_task(world.ask(turns))
        await world.let_others_work()
        await cancel(task)
        await world.stores[0].give_lease_back(lease)
        return await world.ask(turns)

    assert run(work) == 0.0


def test_who_is_cancelled_at_the_moment_of_taking_gives_the_turn_back(world: World) -> None:
    class LateStore(SqliteStore):
        """Tells of the first lease when it is asked to."""

        def __init__(self, path: Path, *, clock: Callable[[], datetime]) -> None:
            super().__init__(path, clock=clock)
            self.is_taken, self.is_told = asyncio.Event(), asyncio.Event()

        async def take_lease(self, *args: Any, **options: Any) -> Lease | None:
            lease = await super().take_lease(*args, **options)
            self.is_taken.set()
            await self.is_told.wait()
            return lease

    async def work() -> float:
        store = world.store(LateStore)
        task = asyncio.create_task(world.ask(world.process(store)))
        await store.is_taken.wait()
        task.cancel()
        await asyncio.sleep(0)
        store.is_told.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await world.ask(world.process())

    assert run(work) == 0.0


# --- When arXiv is left alone -----------------------------------------------------------------------------------------


def test_a_time_to_wait_is_obeyed_by_every_process(world: World) -> None:
    async def work() -> tuple[float, float, list[float]]:
        await world.fail(world.process(), retry_after_seconds=600.0)
        other = world.process()
        refused = await world.seconds_until_asked(other)
        slept = list(world.time.slept)
        world.time.seconds += 599.0
        almost = await world.seconds_until_asked(other)
        world.time.seconds += 1.0
        await world.ask(other)
        return refused, almost, slept

    assert run(work) == (600.0, 1.0, [])


@pytest.mark.parametrize("header", ["600", format_datetime(MOMENT + timedelta(minutes=10), usegmt=True)])
def test_a_time_to_wait_is_read_as_seconds_or_as_a_date(world: World, header: str) -> None:
    async def work() -> float:
        transport = httpx.MockTransport(lambda _: httpx.Response(503, headers={"Retry-After": header}))
        arxiv = ArxivClient(
            user_agent="arxiv-feeds-tests/1",
            turns=world.process(),
            open_client=lambda: httpx.AsyncClient(transport=transport),
            now=world.time.clock,
        )
        with pytest.raises(SourceUnavailable, match="arXiv answered 503"):
            await arxiv.fetch_announcements(("cs.LG",))
        await arxiv.aclose()
        return await world.seconds_until_asked(world.process())

    assert run(work) == 600.0


def test_too_many_requests_close_the_service_for_a_minute(world: World) -> None:
    async def work() -> float:
        await world.fail(world.process(), status=429)
        return await world.seconds_until_asked(world.process())

    assert run(work) == MINUTE


@pytest.mark.parametrize("status", [406, 500, 502, 503, 504, None], ids=str)
def test_the_third_failure_in_a_row_closes_the_service_whoever_met_the_others(world: World, status: int | None) -> None:
    async def work() -> float:
        for turns in (world.process(), world.process(), world.process()):
            await world.fail(turns, status=status)
        return await world.seconds_until_asked(world.process())

    assert run(work) == MINUTE


def test_a_success_makes_failures_forgotten(world: World) -> None:
    async def work() -> Endpoint:
        turns = world.process()
        for error in (failure(), failure(), None, failure(), failure()):
            await asyncio.gather(world.ask(turns, error=error), return_exceptions=True)
        return await world.stores[0].load_endpoint("feeds")

    assert run(work) == Endpoint(2)


@pytest.mark.parametrize("status", [400, 404])
def test_an_answer_about_the_request_is_no_failure(world: World, status: int) -> None:
    async def work() -> Endpoint:
        for _ in range(4):
            await world.fail(world.process(), status=status)
        return await world.stores[0].load_endpoint("feeds")

    assert run(work) == Endpoint()


def test_after_a_break_one_request_is_tried_and_closes_the_service_for_twice_as_long_if_it_fails(world: World) -> None:
    async def work() -> list[float]:
        breaks = []
        for _ in range(2):
            await world.fail(world.process())
        for _ in range(9):
            await world.fail(world.process())
            breaks.append(await world.seconds_until_asked(world.process()))
            world.time.seconds += breaks[-1]
        return breaks

    assert run(work) == [60.0 * minutes for minutes in (1, 2, 4, 8, 16, 32, 60, 60, 60)]


def test_after_a_break_a_request_that_succeeds_opens_the_service(world: World) -> None:
    async def work() -> Endpoint:
        for _ in range(3):
            await world.fail(world.process())
        world.time.seconds += MINUTE
        await world.ask(world.process())
        return await world.stores[0].load_endpoint("feeds")

    assert run(work) == Endpoint()


def test_those_who_wait_are_told_when_the_request_before_theirs_closes_the_service(world: World) -> None:
    async def work() -> list[float | None]:
        turns = world.process()

        async def refused() -> float | None:
            with pytest.raises(SourceUnavailable) as raised:
                await world.ask(turns)
            return raised.value.retry_after_seconds

        waiting: list[asyncio.Task[float | None]] = []

        async def let_others_wait() -> None:
            waiting.extend(asyncio.create_task(refused()) for _ in range(2))
            await world.let_others_work()

        with pytest.raises(SourceUnavailable):
            await world.ask(turns, error=failure(429, 600.0), meanwhile=let_others_wait)
        return list(await asyncio.gather(*waiting))

    assert run(work) == [pytest.approx(597.0, abs=2 * POLL)] * 2


@pytest.mark.parametrize(
    ("closed", "feeds", "search"),
    [("feeds", 600.0, 600.0), ("search", 0.0, 600.0)],
)
def test_the_feeds_matter_more_than_the_search(world: World, closed: Service, feeds: float, search: float) -> None:
    async def work() -> tuple[float, float]:
        turns = world.process(min_interval_seconds=0.0)
        await world.fail(turns, closed, retry_after_seconds=600.0)
        return await world.seconds_until_asked(turns, "feeds"), await world.seconds_until_asked(turns, "search")

    assert run(work) == (feeds, search)


def test_failures_of_the_one_service_are_not_the_others(world: World) -> None:
    async def work() -> tuple[Endpoint, Endpoint]:
        for service in ("search", "search", "feeds"):
            await world.fail(world.process(), service)
        await world.ask(world.process(), "feeds")
        store = world.stores[0]
        return await store.load_endpoint("feeds"), await store.load_endpoint("search")

    assert run(work) == (Endpoint(), Endpoint(2))


def test_a_time_to_wait_of_a_thousand_years_is_over_after_a_day(world: World) -> None:
    async def work() -> tuple[float, float]:
        await world.fail(world.process(), retry_after_seconds=1_000 * 365 * DAY)
        at_first = await world.seconds_until_asked(world.process())
        world.time.seconds += DAY
        return at_first, await world.seconds_until_asked(world.process())

    assert run(work) == (DAY, 0.0)


def test_what_was_closed_under_a_clock_that_went_wrong_is_open(world: World) -> None:
    async def work() -> float:
        closed_until = MOMENT + LONGEST_WAIT + timedelta(seconds=1)
        await world.store().save_endpoint("feeds", Endpoint(3, closed_until))
        return await world.seconds_until_asked(world.process())

    assert run(work) == 0.0


# --- Without the store ------------------------------------------------------------------------------------------------


def test_without_the_store_nobody_asks(world: World) -> None:
    world.path.parent.joinpath("file").touch()
    world.path = world.path.parent / "file" / "turns.sqlite3"

    async def work() -> None:
        await world.ask(world.process(), error=AssertionError("arXiv was asked"))

    with pytest.raises(StoreUnavailable):
        run(work)


class LapsingStore(SqliteStore):
    """A store that can be away from some moment on."""

    is_away = False

    async def take_lease(self, *args: Any, **options: Any) -> Lease | None:
        return await self._unless_away(super().take_lease(*args, **options))

    async def load_endpoint(self, name: str) -> Endpoint:
        return await self._unless_away(super().load_endpoint(name))

    async def give_lease_back(self, lease: Lease, *, pause_seconds: float = 0.0) -> None:
        await self._unless_away(super().give_lease_back(lease, pause_seconds=pause_seconds))

    async def _unless_away(self, work: Coroutine[Any, Any, Result]) -> Result:
        if self.is_away:
            work.close()
            raise StoreUnavailable("the disk is away")
        return await work


@pytest.mark.parametrize(
    "error", [None, failure(), SourceMalformed("it is too large")], ids=["well", "failed", "large"]
)
def test_what_arxiv_answered_is_not_lost_with_the_store(
    world: World, caplog: pytest.LogCaptureFixture, error: Exception | None
) -> None:
    async def work() -> str:
        store = world.store(LapsingStore)
        async with world.process(store).take("feeds", URL):
            store.is_away = True
            if error:
                raise error
        return "answered"

    with caplog.at_level(logging.WARNING):
        if error:
            with pytest.raises(type(error)) as raised:
                run(work)
            assert raised.value is error
        else:
            assert run(work) == "answered"
    assert caplog.records[-1].getMessage().endswith("could not be given back and ends by itself: the disk is away")


def test_who_waits_while_the_store_goes_away_does_not_ask(world: World) -> None:
    async def work() -> None:
        store = world.store(LapsingStore)
        await world.store().take_lease("turn", "another process", seconds=LEASE)
        turns = world.process(store, sleep=world.time.stand_still)
        task = asyncio.create_task(world.ask(turns, error=AssertionError("arXiv was asked")))
        await world.let_others_work()
        store.is_away = True
        with pytest.raises(StoreUnavailable, match="the disk is away"):
            await task

    run(work)


# --- For real ---------------------------------------------------------------------------------------------------------

REAL_INTERVAL = 0.15
REAL_LEASE = 0.8
PROCESSES = 5
REQUESTS_OF_EACH = 2


def ask_for_real(name: str, path: Path, rss_base: str) -> None:
    """What each of the processes does."""
    asyncio.run(_ask_for_real(name, path, rss_base))


async def _ask_for_real(name: str, path: Path, rss_base: str) -> None:
    store = SqliteStore(path)
    arxiv = ArxivClient(
        user_agent=name,
        rss_base=rss_base,
        turns=Turns(
            store,
            min_interval_seconds=REAL_INTERVAL,
            lease_seconds=REAL_LEASE,
            clock=lambda: datetime.now(UTC),
            monotonic=time.monotonic,
            draw=random.random,
        ),
        open_client=lambda: httpx.AsyncClient(trust_env=False),
    )
    for _ in range(REQUESTS_OF_EACH):
        await arxiv.fetch_announcements(("cs.LG",))
    await arxiv.aclose()
    await store.close()


def test_real_processes_ask_one_at_a_time_and_apart_though_one_is_killed(tmp_path: Path) -> None:
    spawning = multiprocessing.get_context("spawn")
    with ArxivStandIn(mailing_week(date(2026, 3, 5))) as arxiv:
        arxiv.answer_with(Fault(), times=2)
        arxiv.answer_with(Fault(hold=threading.Event()))
        processes = {
            name: spawning.Process(target=ask_for_real, args=(name, tmp_path / "turns.sqlite3", arxiv.rss_base))
            for name in map(str, range(PROCESSES))
        }
        try:
            for process in processes.values():
                process.start()
            assert arxiv.wait_for_requests(3, timeout_seconds=20.0)
            killed = arxiv.requests[2].headers["user-agent"]
            processes[killed].kill()
            for process in processes.values():
                process.join(20.0)
        finally:
            for process in processes.values():
                process.kill()
    exits = sorted(process.exitcode or 0 for process in processes.values())
    # A busy machine may see late that the killed one is gone; its lease lasts longer than any pause.
    pause = smallest_pause(one for one in arxiv.requests if one.headers["user-agent"] != killed)
    assert (exits, most_at_once(arxiv.requests)) == ([-signal.SIGKILL, *[0] * (PROCESSES - 1)], 1)
    assert pause is not None
    assert pause >= REAL_INTERVAL
