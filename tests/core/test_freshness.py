"""When arXiv is asked, by whom, and what readers get meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from core import freshness, waiting
from core.arxiv.announced import Announced, AnnouncementFeed, Entry, Submissions, Window
from core.errors import (
    ArxivFeedsError,
    NothingStored,
    RefreshUnderWay,
    SourceMalformed,
    SourceUnavailable,
    StoreUnavailable,
)
from core.freshness import (
    Currency,
    Freshness,
    Timing,
    after_failure,
    after_success,
    find_sets,
    is_due,
    was_made_ahead,
)
from core.intake import Report
from core.learning import Learner
from core.papers import AnnounceType, Paper
from core.store.records import CategoryState, Changes, Healing, Lease, Ledger, RefreshState
from core.store.sqlite import SqliteStore
from tests import builders

CONFIGURED = ("cs.AI", "cs.LG")
KEY = "cs.AI+cs.LG"
THURSDAY, FRIDAY = date(2026, 3, 5), date(2026, 3, 6)
NOON = datetime(2026, 3, 5, 17, 0, tzinfo=UTC)  # in New York
NEXT_MAILING = datetime(2026, 3, 6, 5, 0, tzinfo=UTC)
CALENDAR = Timing()
MINUTE = timedelta(minutes=1)


def report(**changes: Any) -> Report:
    """The report of a refresh that brought one new paper in the mailing of THURSDAY."""
    values: dict[str, Any] = {
        "categories": CONFIGURED,
        "mailing": THURSDAY,
        "ledger": Ledger(1, 1, 0, 0, 0),
        "rejected": (),
        "notices": (),
        "requests": 1,
    }
    return Report(**{**values, **changes})


class Clock:
    """The present, until a test moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class FakeSource:
    """Announces one paper per request in the mailing of the clock's day, or fails; answers when the gate is open."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, ...]] = []
        self.announced = 0
        self.error: Exception | None = None
        self.mailing: date | None = THURSDAY
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.is_closed = False
        self.searches: list[tuple[str, ...]] = []
        self.search_error: Exception | None = None

    async def fetch_announcements(
        self, categories: Sequence[str], *, etag: str | None = None, apart: Collection[str] = ()
    ) -> Announced:
        self.requests.append(tuple(categories))
        self.announced += 1
        self.asked.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        paper = builders.paper(id=f"2603.{self.announced:05}", categories=tuple(categories))
        feed = AnnouncementFeed("A feed", self.mailing, (Entry(paper, AnnounceType.NEW),), ())
        return Announced((feed,), requests=1)

    async def fetch_papers(self, ids: Iterable[str]) -> tuple[Paper, ...]:
        return ()

    async def fetch_submissions(self, window: Window) -> Submissions:
        self.searches.append(window.categories)
        if self.search_error is not None:
            raise self.search_error
        return Submissions((), (), is_last=True)

    async def aclose(self) -> None:
        self.is_closed = True


class WatchedStore(SqliteStore):
    """The store, which tells when it refused a lease, and lets a test act before it is asked for one."""

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(path, clock=clock)
        self.refused = asyncio.Event()
        self.before_lease: Callable[[], Awaitable[object]] | None = None

    async def take_lease(
        self, name: str, holder: str, *, seconds: float, pause_if_forgotten: float = 0.0
    ) -> Lease | None:
        if self.before_lease is not None:
            await self.before_lease()
        lease = await super().take_lease(name, holder, seconds=seconds, pause_if_forgotten=pause_if_forgotten)
        if lease is None:
            self.refused.set()
        return lease


class Process:
    """What one process has: a source, a store on the shared file, and its freshness."""

    def __init__(self, path: Path, clock: Clock, **changes: Any) -> None:
        self.clock = clock
        self.source = FakeSource()
        self.store = WatchedStore(path, clock)
        values: dict[str, Any] = {"configured": CONFIGURED, "timing": CALENDAR, "days_back": 7}
        self.freshness = Freshness(source=self.source, store=self.store, clock=clock, **{**values, **changes})

    async def state(self, key: str = KEY) -> RefreshState:
        found = await self.store.load_refresh(key)
        assert found is not None
        return found

    async def keep(self, state: RefreshState) -> None:
        """Have *state* stored of what is configured."""
        revision = await self.store.load_revision()
        assert await self.store.apply(Changes(refreshes=((KEY, state),)), based_on=revision.number, now=self.clock())


class World:
    """Processes on one store file, with one clock between them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.processes: list[Process] = []

    def process(self, **changes: Any) -> Process:
        self.processes.append(Process(self.path, self.clock, **changes))
        return self.processes[-1]

    async def stale(self, **changes: Any) -> Process:
        """A process with the papers of yesterday's mailing, at a time when the next one is due."""
        process = self.process(**changes)
        await process.freshness.refresh()
        self.clock.now = NEXT_MAILING + timedelta(hours=1)
        process.source.requests.clear()
        process.source.asked.clear()
        process.source.mailing = date(2026, 3, 6)
        return process

    async def close(self) -> None:
        for process in self.processes:
            await process.freshness.close()
            await process.store.close()


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Callable[[World], Awaitable[None]]], None]:
    """Runs a scene in a world of its own, and closes that."""

    def run(scene: Callable[[World], Awaitable[None]]) -> None:
        async def whole() -> None:
            world = World(tmp_path / "store.sqlite3")
            try:
                async with asyncio.timeout(5):  # a deadlock fails here
                    await scene(world)
            finally:
                async with asyncio.timeout(5):
                    await world.close()

        asyncio.run(whole())

    return run


Play = Callable[[Callable[[World], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers give up as soon as a refresh does not answer at once."""
    monkeypatch.setattr(freshness, "STALE_WAIT_SECONDS", 0)
    monkeypatch.setattr(freshness, "COLD_WAIT_SECONDS", 0)


@pytest.fixture(autouse=True)
def _quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "_LEASE_POLL_SECONDS", 0)


def test_the_words_of_a_mailing_are_counted_when_the_next_one_has_come(play: Play) -> None:
    async def scene(world: World) -> None:
        process = await world.stale(learner=Learner([]))
        await process.freshness.refresh()
        known = await process.store.load_frequencies(["Computer Science"], since=date.min)
        assert [one.mailing for one in known] == [THURSDAY]

    play(scene)


def test_a_mistake_in_counting_words_keeps_no_papers_away(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    class Mistaken(Learner):
        async def learn(self, *_: object, **__: object) -> None:
            raise TypeError("a mistake")

    async def scene(world: World) -> None:
        process = await world.stale(learner=Mistaken([]))
        report = await process.freshness.refresh()
        assert (report.ledger.new, (await process.state()).last_error) == (1, None)

    play(scene)
    assert "could not be counted" in caplog.text


class TestGroup:
    @pytest.mark.parametrize(
        ("categories", "sets"),
        [
            pytest.param([], [], id="nothing"),
            pytest.param(["cs.LG"], [CONFIGURED], id="one configured brings all of them"),
            pytest.param(["cs.LG", "cs.AI"], [CONFIGURED], id="in the order of the configuration"),
            pytest.param(["hep-th"], [("hep-th",)], id="not configured"),
            pytest.param(["math.CO", "hep-th"], [("math.CO",), ("hep-th",)], id="each of the others alone"),
            pytest.param(["cs.SY"], [("cs.SY",)], id="one with an alias that is not configured"),
            pytest.param(["hep-th", "cs.LG", "hep-th"], [CONFIGURED, ("hep-th",)], id="both, each once"),
        ],
    )
    def test_configured_categories_go_together_and_every_other_alone(
        self, categories: list[str], sets: list[tuple[str, ...]]
    ) -> None:
        assert find_sets(categories, CONFIGURED) == sets

    def test_an_alias_of_a_configured_category_is_configured_with_it(self) -> None:
        assert find_sets(["eess.SY", "math.CO"], ("cs.SY", "cs.LG")) == [("cs.SY", "cs.LG"), ("math.CO",)]


class TestIsDue:
    @pytest.mark.parametrize(
        ("state", "expected"),
        [
            pytest.param(None, True, id="never asked"),
            pytest.param(RefreshState(NOON), True, id="no next time"),
            pytest.param(RefreshState(NOON, next_poll_at=NOON), True, id="now"),
            pytest.param(RefreshState(NOON, next_poll_at=NOON - MINUTE), True, id="past"),
            pytest.param(RefreshState(NOON, next_poll_at=NOON + timedelta(microseconds=1)), False, id="not yet"),
        ],
    )
    def test_arxiv_is_asked_from_the_next_poll_on(self, state: RefreshState | None, expected: bool) -> None:
        assert is_due(state, NOON) is expected


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        pytest.param(timedelta(0), False, id="now"),
        pytest.param(timedelta(hours=1), False, id="an hour, as clocks differ"),
        pytest.param(timedelta(hours=1, microseconds=1), True, id="more than an hour"),
    ],
)
def test_a_state_from_more_than_an_hour_ahead_was_made_ahead(ahead: timedelta, expected: bool) -> None:
    assert was_made_ahead(RefreshState(NOON + ahead), NOON) is expected


class TestAfterSuccess:
    @pytest.mark.parametrize(
        ("now", "mailing", "known", "next_poll_at"),
        [
            pytest.param(NOON, THURSDAY, None, NEXT_MAILING + MINUTE, id="the newest: a minute after the next"),
            pytest.param(
                datetime(2026, 3, 6, 17, 0, tzinfo=UTC),
                date(2026, 3, 6),
                None,
                datetime(2026, 3, 9, 4, 1, tzinfo=UTC),  # clocks went forward on Sunday
                id="on Friday: Monday's, in summer time",
            ),
            pytest.param(
                datetime(2026, 3, 7, 17, 0, tzinfo=UTC),
                None,
                date(2026, 3, 6),
                datetime(2026, 3, 9, 4, 1, tzinfo=UTC),
                id="silence on Saturday is no reason to ask again",
            ),
            pytest.param(
                datetime(2026, 3, 7, 17, 0, tzinfo=UTC),
                None,
                THURSDAY,
                datetime(2026, 3, 9, 4, 1, tzinfo=UTC),
                id="nor is it where Friday's is missing, which no feed will bring",
            ),
            pytest.param(
                datetime(2026, 6, 18, 17, 0, tzinfo=UTC),
                date(2026, 6, 18),
                None,
                datetime(2026, 6, 19, 4, 1, tzinfo=UTC),
                id="a holiday has the mailing of the evening before",
            ),
            pytest.param(
                datetime(2026, 6, 19, 17, 0, tzinfo=UTC),
                date(2026, 6, 19),
                None,
                datetime(2026, 6, 22, 4, 1, tzinfo=UTC),
                id="the weekday after a holiday, in case that the holiday was moved",
            ),
            pytest.param(
                datetime(2026, 6, 22, 17, 0, tzinfo=UTC),
                None,
                date(2026, 6, 19),
                datetime(2026, 6, 23, 4, 1, tzinfo=UTC),
                id="where it was not, the next one",
            ),
            pytest.param(NOON, date(2026, 3, 4), None, NOON + 30 * MINUTE, id="yesterday's: again in half an hour"),
            pytest.param(NOON, None, None, NOON + 30 * MINUTE, id="nothing ever: again in half an hour"),
            pytest.param(NOON, None, date(2026, 3, 4), NOON + 30 * MINUTE, id="repeats: again in half an hour"),
            pytest.param(NOON, None, THURSDAY, NEXT_MAILING + MINUTE, id="repeats of the newest"),
        ],
    )
    def test_the_calendar_says_when_to_ask_again(
        self, now: datetime, mailing: date | None, known: date | None, next_poll_at: datetime
    ) -> None:
        before = RefreshState(now, mailing=known) if known else None
        after = after_success(before, report(mailing=mailing), now=now, timing=CALENDAR)
        assert after.next_poll_at == next_poll_at

    @pytest.mark.parametrize("seconds", [0, 90])
    def test_a_fixed_time_replaces_the_calendar(self, seconds: int) -> None:
        timing = Timing(fresh_for=timedelta(seconds=seconds))
        assert after_success(None, report(), now=NOON, timing=timing).next_poll_at == NOON + timedelta(seconds=seconds)

    def test_failures_are_forgotten_and_the_last_mailing_is_not(self) -> None:
        before = RefreshState(NOON - MINUTE, failures=3, last_error="away", mailing=THURSDAY)
        after = after_success(before, report(mailing=None), now=NOON, timing=CALENDAR)
        assert after == RefreshState(
            checked_at=NOON,
            succeeded_at=NOON,
            next_poll_at=NEXT_MAILING + MINUTE,
            mailing=THURSDAY,
            ledger=Ledger(1, 1, 0, 0, 0),
        )

    def test_a_category_without_papers_is_asked_for_less_and_less(self) -> None:
        pauses = []
        state = None
        for _ in range(5):
            state = after_success(state, report(mailing=None), now=NOON, timing=CALENDAR)
            pauses.append((state.next_poll_at or NOON) - NOON)
        assert pauses == [timedelta(minutes=30), *(timedelta(hours=hours) for hours in (1, 2, 4, 4))]

    def test_no_pause_reaches_past_the_next_mailing(self) -> None:
        before = RefreshState(NOON, unchanged=9)
        now = NEXT_MAILING - timedelta(hours=1)
        assert (
            after_success(before, report(mailing=None), now=now, timing=CALENDAR).next_poll_at == NEXT_MAILING + MINUTE
        )

    def test_a_category_that_is_refused_is_asked_for_once_more_and_then_with_the_next_mailing(self) -> None:
        refused = CategoryState("cs.AI", is_refused=True, stale_since=NOON, stale_because="arXiv refuses it.")
        told = report(standing=(refused, CategoryState("cs.LG", mailing=THURSDAY)))
        first = after_success(None, told, now=NOON, timing=CALENDAR)
        second = after_success(first, told, now=NOON + 30 * MINUTE, timing=CALENDAR)
        assert [first.next_poll_at, second.next_poll_at] == [NOON + 30 * MINUTE, NEXT_MAILING + MINUTE]

    def test_a_stale_category_beside_a_refused_one_is_asked_for_again(self) -> None:
        refused = CategoryState("cs.AI", is_refused=True, stale_since=NOON, stale_because="arXiv refuses it.")
        stale = CategoryState("cs.LG", stale_since=NOON, stale_because="arXiv repeats an earlier mailing.")
        before = RefreshState(NOON, categories=(refused, stale))
        after = after_success(before, report(standing=(refused, stale)), now=NOON, timing=CALENDAR)
        assert after.next_poll_at == NOON + 30 * MINUTE

    def test_a_mailing_of_the_future_does_not_keep_from_asking(self) -> None:
        after = after_success(None, report(mailing=date(2026, 3, 9)), now=NOON, timing=CALENDAR)
        assert after.next_poll_at == NOON + timedelta(minutes=30)


class TestAfterFailure:
    @pytest.mark.parametrize(
        ("failures", "minutes"),
        [pytest.param(0, 1, id="first"), (1, 5), (2, 30), pytest.param(40, 30, id="never longer")],
    )
    def test_each_failure_makes_the_pause_longer(self, failures: int, minutes: int) -> None:
        before = RefreshState(NOON, failures=failures)
        assert after_failure(before, SourceMalformed("empty"), now=NOON).next_poll_at == NOON + minutes * MINUTE

    @pytest.mark.parametrize(
        ("retry_after_seconds", "pause"),
        [
            pytest.param(None, MINUTE, id="not said"),
            pytest.param(0.0, MINUTE, id="at once is too early"),
            pytest.param(3600.0, timedelta(hours=1), id="an hour"),
            pytest.param(1e15, timedelta(days=1), id="for ever is a day"),
        ],
    )
    def test_retry_after_makes_the_pause_longer_and_never_shorter(
        self, retry_after_seconds: float | None, pause: timedelta
    ) -> None:
        error = SourceUnavailable("http://arxiv", "busy", status=503, retry_after_seconds=retry_after_seconds)
        assert after_failure(None, error, now=NOON).next_poll_at == NOON + pause

    def test_what_was_known_stays_known(self) -> None:
        before = RefreshState(NOON - MINUTE, NOON - MINUTE, NOON, mailing=THURSDAY)
        assert after_failure(before, SourceMalformed("empty"), now=NOON) == replace(
            before,
            checked_at=NOON,
            next_poll_at=NOON + MINUTE,
            failures=1,
            last_error="arXiv's answer cannot be used: empty",
        )

    def test_the_words_of_a_foreign_error_are_not_shown(self) -> None:
        assert after_failure(None, KeyError("/secret"), now=NOON).last_error == "unexpected KeyError"


class TestRefreshing:
    def test_the_first_reader_waits_for_papers(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            assert await process.freshness.ensure(["cs.LG"]) == Currency(is_current=True)

        play(scene)

    def test_many_readers_are_one_request(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            process.source.gate.clear()
            readers = [asyncio.create_task(process.freshness.ensure(["cs.LG"])) for _ in range(25)]
            await process.source.asked.wait()
            process.source.gate.set()
            answers = await asyncio.gather(*readers)
            assert (process.source.requests, set(answers)) == ([CONFIGURED], {Currency(is_current=True)})

        play(scene)

    def test_many_processes_are_one_request(self, play: Play) -> None:
        async def scene(world: World) -> None:
            processes = [world.process() for _ in range(4)]
            await asyncio.gather(*(process.freshness.ensure(["cs.LG"]) for process in processes))
            assert sum(len(process.source.requests) for process in processes) == 1

        play(scene)

    def test_fresh_papers_are_not_asked_for_again(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            await process.freshness.ensure(["cs.LG"])
            world.clock.now = NEXT_MAILING
            await process.freshness.ensure(["cs.AI", "cs.LG"])
            assert len(process.source.requests) == 1

        play(scene)

    def test_after_the_next_mailing_they_are(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = await world.stale()
            currency = await process.freshness.ensure(["cs.LG"])
            assert (currency, process.source.requests, (await process.state()).mailing) == (
                Currency(is_current=True),
                [CONFIGURED],
                date(2026, 3, 6),
            )

        play(scene)

    def test_an_unconfigured_category_is_asked_for_alone_and_once(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            for _ in range(3):
                await process.freshness.ensure(["hep-th"])
            assert process.source.requests == [("hep-th",)]

        play(scene)

    def test_categories_that_are_configured_in_another_order_are_known(self, play: Play) -> None:
        async def scene(world: World) -> None:
            await world.process().freshness.refresh()
            turned = world.process(configured=CONFIGURED[::-1])
            assert (await turned.freshness.ensure(CONFIGURED)).is_current
            assert turned.source.requests == []

        play(scene)

    def test_a_forced_refresh_asks_although_nothing_is_due(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            first = await process.freshness.refresh()
            second = await process.freshness.refresh(["hep-th"])
            third = await process.freshness.refresh()
            assert [one.categories for one in (first, second, third)] == [CONFIGURED, ("hep-th",), CONFIGURED]

        play(scene)

    def test_a_forced_refresh_joins_the_one_under_way(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            process.source.gate.clear()
            reader = asyncio.create_task(process.freshness.ensure(["cs.LG"]))
            await process.source.asked.wait()
            refresh = asyncio.create_task(process.freshness.refresh())
            await asyncio.sleep(0)
            process.source.gate.set()
            await asyncio.gather(reader, refresh)
            assert process.source.requests == [CONFIGURED]

        play(scene)

    def test_a_failure_that_cannot_be_kept_ends_all_the_same_and_gives_the_lease_back(
        self, play: Play, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As where a process reads from a file that was set aside, and writes to the one in its place."""

        async def never(*_: object, **__: object) -> bool:
            return False

        async def scene(world: World) -> None:
            process, other = world.process(), world.process()
            process.source.error = SourceUnavailable("https://rss.arxiv.org/rss/cs.AI", "it is away")
            monkeypatch.setattr(process.store, "apply", never)
            with pytest.raises(StoreUnavailable, match=r"5 times while .* could not be refreshed .*it is away"):
                await process.freshness.refresh()
            assert (await other.freshness.refresh()).categories == CONFIGURED

        play(scene)

    def test_the_next_look_is_the_stored_moment_or_now(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process(days_back=1, configured=("cs.LG",))
            before = await process.freshness.next_look_at()
            for day, mailing in ((NOON - timedelta(days=1), date(2026, 3, 4)), (NOON, THURSDAY)):
                world.clock.now, process.source.mailing = day, mailing
                await process.freshness.refresh()
            assert (before, await process.freshness.next_look_at()) == (NOON, NEXT_MAILING + MINUTE)

        play(scene)


class TestWhoStopsBetweenAnswers:
    """On Lambda a process stands still when nobody waits, on Vercel once what it does after an answer has ended."""

    @pytest.mark.usefixtures("_no_patience")
    def test_whoever_comes_next_waits_for_the_refresh_that_was_left(
        self, play: Play, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scene(world: World) -> None:
            process = await world.stale(stops_between_answers=True)
            process.source.gate.clear()
            assert await process.freshness.ensure(["cs.LG"]) == Currency(is_current=False)
            process.source.gate.set()
            monkeypatch.setattr(freshness, "COLD_WAIT_SECONDS", 5)
            assert await process.freshness.ensure(["cs.LG"]) == Currency(is_current=True)
            assert len(process.source.requests) == 1

        play(scene)

    @pytest.mark.parametrize("stops", [True, False], ids=["Lambda", "elsewhere"])
    def test_whoever_comes_when_something_is_missing_waits_for_the_search(self, play: Play, stops: bool) -> None:
        async def scene(world: World) -> None:
            process = world.process(stops_between_answers=stops)
            await process.freshness.refresh()
            world.clock.now += MINUTE
            await process.freshness.ensure(["cs.LG"])
            assert (len(process.source.searches) > 0, not process.freshness._healing) == (stops, stops)

        play(scene)

    @pytest.mark.usefixtures("_no_patience")
    def test_who_settles_waits_for_the_refresh_and_for_what_is_missing_after_it(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = await world.stale()
            process.source.gate.clear()
            await process.freshness.ensure(["cs.LG"])
            process.source.gate.set()
            await process.freshness.settle(5)
            state = await process.state()
            assert (state.mailing, state.healing.rounds, process.freshness._healing) == (FRIDAY, 1, {})

        play(scene)

    def test_who_settles_waits_no_longer_than_said_and_ends_nothing(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = await world.stale()
            process.source.gate.clear()
            reader = asyncio.create_task(process.freshness.ensure(["cs.LG"]))
            await process.source.asked.wait()
            await process.freshness.settle(0)
            process.source.gate.set()
            assert await reader == Currency(is_current=True)

        play(scene)

    def test_one_settles_at_a_time_and_is_enough_for_all(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = await world.stale()
            process.source.gate.clear()
            reader = asyncio.create_task(process.freshness.ensure(["cs.LG"]))
            await process.source.asked.wait()
            first = asyncio.create_task(process.freshness.settle(5))
            await asyncio.sleep(0)
            await process.freshness.settle(5)
            assert not first.done()
            process.source.gate.set()
            await asyncio.gather(reader, first)

        play(scene)

    def test_who_settles_while_all_is_closed_is_done(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = await world.stale()
            process.source.gate.clear()
            reader = asyncio.create_task(process.freshness.ensure(["cs.LG"]))
            await process.source.asked.wait()
            settling = asyncio.create_task(process.freshness.settle(5))
            await asyncio.sleep(0)
            await process.freshness.close()
            await asyncio.gather(reader, settling)

        play(scene)

    def test_a_mistake_while_settling_is_for_the_log_too(self, play: Play, caplog: pytest.LogCaptureFixture) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            await process.freshness.refresh()
            await process.freshness.ensure(["cs.LG"])
            process.source.search_error = TypeError("a mistake")
            await process.freshness.settle(5)

        play(scene)
        assert "a mistake" in caplog.text

    def test_what_was_abandoned_is_no_failure_and_begins_anew(self, play: Play) -> None:
        """As after hours in which the process stood still: whoever it waited for has given up."""

        async def scene(world: World) -> None:
            process = await world.stale(stops_between_answers=True)
            process.source.gate.clear()
            reader = asyncio.create_task(process.freshness.ensure(["cs.LG"]))
            await process.source.asked.wait()
            await process.freshness.abandon()
            await reader
            process.source.gate.set()
            assert await process.freshness.ensure(["cs.LG"]) == Currency(is_current=True)
            assert ((await process.state()).failures, len(process.source.requests)) == (0, 2)

        play(scene)

    @pytest.mark.parametrize("ask", [Freshness.ensure, Freshness.look])
    def test_what_is_missing_may_be_here_before_long(self, play: Play, ask: Any) -> None:
        grows: list[bool] = []

        async def scene(world: World) -> None:
            process = world.process()
            await process.freshness.refresh()
            grows.append((await ask(process.freshness, ["cs.LG"])).is_growing)
            process.source.search_error = SourceUnavailable("https://export.arxiv.org", "away")
            for _ in range(9):
                await process.freshness.heal()
                grows.append((await ask(process.freshness, ["cs.LG"])).is_growing)
            assert grows

        play(scene)
        assert grows[:3] == [True] * 3
        assert grows[-1] is False  # the pauses after failures grow

    def test_who_settles_when_all_is_there_asks_nobody(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            await process.freshness.refresh()
            await process.freshness.heal()
            await process.freshness.ensure(["cs.LG"])
            before = len(process.source.searches)
            await process.freshness.settle(5)
            assert len(process.source.searches) == before

        play(scene)

    def test_what_goes_wrong_while_settling_is_for_the_log(self, play: Play, caplog: pytest.LogCaptureFixture) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            await process.freshness.refresh()
            await process.freshness.ensure(["cs.LG"])

            async def refuse(*_: object, **__: object) -> bool:
                raise StoreUnavailable("The store is full")

            process.store.apply = refuse  # type: ignore[method-assign]
            await process.freshness.settle(5)

        play(scene)
        assert "Healing failed: The store is full" in caplog.text


class TestReadersMeanwhile:
    def test_one_waits_and_the_others_get_the_old_papers_at_once(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = await world.stale()
            process.source.gate.clear()
            first = asyncio.create_task(process.freshness.ensure(["cs.LG"]))
            await process.source.asked.wait()
            others = [await process.freshness.ensure(["cs.LG"]) for _ in range(3)]
            is_first_waiting = not first.done()
            process.source.gate.set()
            assert (is_first_waiting, others, await first) == (
                True,
                [Currency(is_current=False)] * 3,
                Currency(is_current=True),
            )

        play(scene)

    @pytest.mark.usefixtures("_no_patience")
    def test_the_one_who_waits_gives_up_with_the_old_papers_and_the_refresh_goes_on(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = await world.stale()
            process.source.gate.clear()
            assert await process.freshness.ensure(["cs.LG"]) == Currency(is_current=False)
            process.source.gate.set()
            await process.freshness.refresh()  # joins
            assert (len(process.source.requests), (await process.state()).mailing) == (1, date(2026, 3, 6))

        play(scene)

    @pytest.mark.usefixtures("_no_patience")
    def test_with_nothing_stored_a_reader_is_told_to_come_back(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            process.source.gate.clear()
            with pytest.raises(NothingStored, match=r"cs\.AI, cs\.LG are being fetched .* first time") as caught:
                await process.freshness.ensure(["cs.LG"])
            assert caught.value.retry_after_seconds == freshness.COLD_RETRY_SECONDS

        play(scene)

    def test_a_reader_who_goes_away_does_not_end_the_refresh(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            process.source.gate.clear()
            reader = asyncio.create_task(process.freshness.ensure(["cs.LG"]))
            await process.source.asked.wait()
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader
            process.source.gate.set()
            await process.freshness.refresh()  # joins
            assert (len(process.source.requests), (await process.state()).failures) == (1, 0)

        play(scene)

    def test_whoever_forced_a_refresh_and_goes_away_does_not_end_it(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            process.source.gate.clear()
            operator = asyncio.create_task(process.freshness.refresh())
            await process.source.asked.wait()
            operator.cancel()
            with suppress(asyncio.CancelledError):
                await operator
            process.source.gate.set()
            assert await process.freshness.ensure(["cs.LG"]) == Currency(is_current=True)
            assert len(process.source.requests) == 1

        play(scene)

    @pytest.mark.usefixtures("_no_patience")
    def test_what_is_missing_of_several_sets_is_a_problem_and_no_error(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            await process.freshness.refresh()
            process.source.gate.clear()
            currency = await process.freshness.ensure(["cs.LG", "hep-th"])
            assert currency == Currency(
                is_current=False,
                problems=("The papers of hep-th are being fetched from arXiv for the first time; ask again shortly.",),
            )

        play(scene)

    def test_a_store_that_is_away_for_one_of_several_sets_is_an_error(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            await process.freshness.refresh()
            load = process.store.load_refresh

            async def load_what_is_configured(categories: str) -> RefreshState | None:
                if categories != KEY:
                    raise StoreUnavailable("it is away")
                return await load(categories)

            process.store.load_refresh = load_what_is_configured  # type: ignore[method-assign]
            with pytest.raises(StoreUnavailable, match="it is away"):
                await process.freshness.ensure(["cs.LG", "hep-th"])

        play(scene)

    def test_who_only_looks_at_what_is_due_is_not_told_that_it_is_current(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process(timing=Timing(fresh_for=MINUTE))
            await process.freshness.refresh()
            before = await process.freshness.look(CONFIGURED)
            world.clock.now += MINUTE
            assert (before, await process.freshness.look(CONFIGURED)) == (Currency(True), Currency(False))

        play(scene)

    def test_several_sets_are_waited_for_together(self, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
        scope = ["hep-th", "math.AG", "quant-ph"]

        async def scene(world: World) -> None:
            process, all_wait = world.process(), asyncio.Barrier(3)

            async def wait_for(*_: object) -> None:
                await all_wait.wait()

            monkeypatch.setattr(freshness, "_wait_for", wait_for)
            process.source.gate.clear()
            with pytest.raises(NothingStored):  # of all of them
                await process.freshness.ensure(scope)

        play(scene)

    def test_a_crowd_of_other_categories_keeps_the_configured_ones_no_longer_from_arxiv_than_one(
        self, play: Play
    ) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            process.source.gate.clear()
            crowd = [asyncio.create_task(process.freshness.ensure([one])) for one in ("hep-th", "math.AG", "math.CO")]
            await process.source.asked.wait()
            process.source.asked.clear()
            ours = asyncio.create_task(process.freshness.ensure(CONFIGURED))
            await process.source.asked.wait()
            assert process.source.requests == [("hep-th",), CONFIGURED]
            process.source.gate.set()
            await asyncio.gather(ours, *crowd)
            assert sorted(process.source.requests[2:]) == [("math.AG",), ("math.CO",)]

        play(scene)


ERRORS = [
    pytest.param(SourceUnavailable("http://arxiv", "it is away"), id="away"),
    pytest.param(SourceMalformed("it is empty"), id="malformed"),
    pytest.param(KeyError("a bug"), id="a bug of ours"),
]


class TestFailures:
    @pytest.mark.parametrize("error", ERRORS)
    def test_old_papers_are_served_with_a_sentence_that_says_how_old(self, play: Play, error: Exception) -> None:
        async def scene(world: World) -> None:
            process = await world.stale()
            process.source.error = error
            assert await process.freshness.ensure(["cs.LG"]) == Currency(
                is_current=False,
                problems=("arXiv's newest papers cannot be fetched at present; these are as of 2026-03-05 17:00 UTC.",),
            )

        play(scene)

    @pytest.mark.parametrize("error", ERRORS)
    def test_no_paper_is_lost(self, play: Play, error: Exception) -> None:
        async def scene(world: World) -> None:
            process = await world.stale()
            before = await process.store.load_records(since=THURSDAY)
            process.source.error = error
            await process.freshness.ensure(["cs.LG"])
            assert (await process.store.load_records(since=THURSDAY), len(before)) == (before, 1)

        play(scene)

    @pytest.mark.parametrize("error", ERRORS)
    def test_arxiv_is_left_alone_until_the_pause_is_over(self, play: Play, error: Exception) -> None:
        async def scene(world: World) -> None:
            process = await world.stale()
            process.source.error = error
            for _ in range(3):
                await process.freshness.ensure(["cs.LG"])
            during = len(process.source.requests)
            world.clock.now += MINUTE
            await process.freshness.ensure(["cs.LG"])
            assert (during, len(process.source.requests)) == (1, 2)

        play(scene)

    def test_a_failure_while_the_newest_mailing_is_there_is_no_problem(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            await process.freshness.refresh()
            process.source.error = SourceMalformed("it is empty")
            with suppress(ArxivFeedsError):
                await process.freshness.refresh()
            assert await process.freshness.ensure(["cs.LG"]) == Currency(is_current=True)

        play(scene)

    def test_with_a_fixed_time_between_polls_it_is(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process(timing=Timing(fresh_for=MINUTE))
            await process.freshness.refresh()
            process.source.error = SourceMalformed("it is empty")
            world.clock.now += MINUTE
            currency = await process.freshness.ensure(["cs.LG"])
            assert "cannot be fetched" in currency.problems[0]

        play(scene)

    def test_a_recovery_ends_the_problem(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = await world.stale()
            process.source.error = SourceMalformed("it is empty")
            await process.freshness.ensure(["cs.LG"])
            process.source.error = None
            world.clock.now += MINUTE
            assert await process.freshness.ensure(["cs.LG"]) == Currency(is_current=True)

        play(scene)

    def test_with_nothing_stored_a_reader_is_told_why_and_when_to_come_back(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            process.source.error = SourceUnavailable("http://arxiv", "busy", status=503, retry_after_seconds=600)
            with pytest.raises(NothingStored, match=r"cs\.AI, cs\.LG .*busy") as caught:
                await process.freshness.ensure(["cs.LG"])
            world.clock.now += MINUTE
            with pytest.raises(NothingStored) as later:
                await process.freshness.ensure(["cs.LG"])
            assert (caught.value.retry_after_seconds, later.value.retry_after_seconds) == (600, 540)

        play(scene)

    def test_a_forced_refresh_raises_what_went_wrong(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            process.source.error = SourceMalformed("it is empty")
            with pytest.raises(SourceMalformed):
                await process.freshness.refresh()

        play(scene)

    def test_a_failure_behind_several_readers_is_logged_once(
        self, play: Play, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            process.source.error = SourceMalformed("it is empty")
            process.source.gate.clear()
            readers = [asyncio.create_task(process.freshness.ensure(["cs.LG"])) for _ in range(5)]
            await process.source.asked.wait()
            process.source.gate.set()
            await asyncio.gather(*readers, return_exceptions=True)

        with caplog.at_level(logging.WARNING):
            play(scene)
        assert [record.getMessage() for record in caplog.records] == [
            "A refresh failed: arXiv's answer cannot be used: it is empty"
        ]


class TestAStoreThatTakesNothing:
    """It can be read, but is full, locked, or for reading only."""

    NOTICE = "arXiv's newest papers cannot be stored at present; these are as of 2026-03-05 17:00 UTC."

    @staticmethod
    async def _refuse() -> NoReturn:
        raise StoreUnavailable("the disk is full")

    @staticmethod
    async def _take_nothing(*_: Any, **__: Any) -> NoReturn:
        raise StoreUnavailable("the disk is full")

    def test_readers_are_told_that_what_they_have_is_old(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            await process.freshness.refresh()
            process.store.before_lease = self._refuse
            assert await process.freshness.ensure(["cs.LG"]) == Currency(is_current=True)
            world.clock.now += timedelta(days=1)
            assert await process.freshness.ensure(["cs.LG"]) == Currency(False, (self.NOTICE,))
            assert await process.freshness.look(["cs.LG"]) == Currency(False, (self.NOTICE,))
            assert process.freshness.is_refused

        play(scene)

    def test_nobody_tries_again_at_once_and_all_is_well_when_it_takes_some(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process, tries = world.process(), []

            async def refuse() -> None:
                tries.append(world.clock.now)
                await self._refuse()

            await process.freshness.refresh()
            process.store.before_lease = refuse
            process.source.mailing = FRIDAY
            world.clock.now += timedelta(days=1)
            for seconds in (0, 0, 29, 1):
                world.clock.now += timedelta(seconds=seconds)
                await process.freshness.ensure(["cs.LG"])
            assert len(tries) == 2
            process.store.before_lease = None
            world.clock.now += timedelta(seconds=30)
            assert await process.freshness.ensure(["cs.LG"]) == Currency(is_current=True)
            assert not process.freshness.is_refused

        play(scene)

    def test_what_another_process_has_stored_meanwhile_is_no_problem(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process, other = world.process(), world.process()
            await process.freshness.refresh()
            process.store.before_lease = self._refuse
            world.clock.now += timedelta(days=1)
            await process.freshness.ensure(["cs.LG"])
            other.source.mailing, other.source.announced = FRIDAY, 7
            await other.freshness.refresh()
            assert await process.freshness.ensure(["cs.LG"]) == Currency(is_current=True)
            assert not process.freshness.is_refused

        play(scene)

    def test_nor_is_it_for_who_only_looks(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process, other = (world.process(timing=Timing(fresh_for=timedelta(hours=1))) for _ in range(2))
            await process.freshness.refresh()
            process.store.before_lease = self._refuse
            world.clock.now += timedelta(hours=1)
            await process.freshness.ensure(["cs.LG"])
            before = await process.freshness.look(["cs.LG"])
            other.source.announced = 7
            await other.freshness.refresh()
            assert (before, await process.freshness.look(["cs.LG"])) == (
                Currency(False, (self.NOTICE,)),
                Currency(is_current=True),
            )

        play(scene)

    def test_a_clock_that_is_set_back_ends_the_pause(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process, tries = await world.stale(), []

            async def refuse() -> None:
                tries.append(world.clock.now)
                await self._refuse()

            process.store.before_lease = refuse
            for minutes in (0, -30):
                world.clock.now += timedelta(minutes=minutes)
                await process.freshness.ensure(["cs.LG"])
            assert len(tries) == 2

        play(scene)

    def test_its_words_are_for_the_log_alone_since_they_name_a_folder(self) -> None:
        after = after_failure(None, StoreUnavailable("The store /home/ada/papers.sqlite3 is full"), now=NOON)
        assert after.last_error == "the store did not take what was fetched"

    def test_what_it_does_not_take_is_not_searched_again_by_the_next_reader(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            await process.freshness.refresh()
            process.store.apply = self._take_nothing  # type: ignore[method-assign]
            for minutes in (1, 1, 1, 31):
                world.clock.now += timedelta(minutes=minutes)
                await process.freshness.ensure(["cs.LG"])
                await asyncio.gather(*process.freshness._healing.values(), return_exceptions=True)
            assert len(process.source.searches) == 2

        play(scene)

    def test_nor_by_the_watch_of_a_server(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            await process.freshness.refresh()
            process.store.apply = self._take_nothing  # type: ignore[method-assign]
            with pytest.raises(StoreUnavailable):
                await process.freshness.heal_when_due()
            looks = []
            for minutes in (1, 28):
                world.clock.now += timedelta(minutes=minutes)
                await process.freshness.heal_when_due()
                looks.append(await process.freshness.next_look_at())
            assert (len(process.source.searches), looks) == (1, [NOON + timedelta(minutes=30)] * 2)
            world.clock.now += timedelta(minutes=1)
            assert await process.freshness.next_look_at() == world.clock.now
            with pytest.raises(StoreUnavailable):
                await process.freshness.heal_when_due()
            assert len(process.source.searches) == 2

        play(scene)

    def test_with_nothing_stored_a_reader_is_told_why(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            process.store.before_lease = self._refuse
            with pytest.raises(NothingStored, match="cannot be stored at present"):
                await process.freshness.ensure(["cs.LG"])

        play(scene)


class TestLeases:
    def test_a_cold_reader_waits_for_the_process_that_has_the_lease(self, play: Play) -> None:
        async def scene(world: World) -> None:
            holder, other = world.process(), world.process()
            holder.source.gate.clear()
            first = asyncio.create_task(holder.freshness.ensure(["cs.LG"]))
            await holder.source.asked.wait()
            second = asyncio.create_task(other.freshness.ensure(["cs.LG"]))
            await other.store.refused.wait()
            holder.source.gate.set()
            assert (await first, await second, other.source.requests) == (
                Currency(is_current=True),
                Currency(is_current=True),
                [],
            )

        play(scene)

    def test_who_gets_the_lease_when_the_papers_have_just_come_asks_no_second_time(self, play: Play) -> None:
        async def scene(world: World) -> None:
            quick, slow = world.process(), world.process()
            slow.store.before_lease = quick.freshness.refresh
            currency = await slow.freshness.ensure(["cs.LG"])
            assert (currency, quick.source.requests, slow.source.requests) == (
                Currency(is_current=True),
                [CONFIGURED],
                [],
            )

        play(scene)

    def test_a_forced_refresh_says_that_another_process_did_it(self, play: Play) -> None:
        async def scene(world: World) -> None:
            holder, other = world.process(), world.process()
            holder.source.gate.clear()
            first = asyncio.create_task(holder.freshness.refresh())
            await holder.source.asked.wait()
            second = asyncio.create_task(other.freshness.refresh())
            await other.store.refused.wait()
            holder.source.gate.set()
            await first
            with pytest.raises(RefreshUnderWay):
                await second

        play(scene)

    @pytest.mark.usefixtures("_no_patience")
    def test_the_lease_of_a_killed_process_runs_out(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            await process.store.take_lease(f"refresh {KEY}", "killed", seconds=30)
            with pytest.raises(NothingStored):
                await process.freshness.ensure(["cs.LG"])
            world.clock.now += timedelta(seconds=30)
            assert (await process.freshness.refresh()).ledger.new == 1

        play(scene)

    @pytest.mark.parametrize("error", [None, *ERRORS])
    def test_the_lease_is_given_back_however_a_refresh_ends(self, play: Play, error: Exception | None) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            process.source.error = error
            with suppress(ArxivFeedsError, KeyError):
                await process.freshness.refresh()
            assert await process.store.take_lease(f"refresh {KEY}", "next", seconds=1)

        play(scene)

    def test_the_lease_has_the_length_that_was_set(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process(timing=Timing(lease_seconds=90))
            process.source.gate.clear()
            refresh = asyncio.create_task(process.freshness.refresh())
            await process.source.asked.wait()
            taken = []
            for seconds in (89, 90):
                world.clock.now = NOON + timedelta(seconds=seconds)
                taken.append(await process.store.take_lease(f"refresh {KEY}", "next", seconds=1) is not None)
            world.clock.now += timedelta(seconds=1)  # and the next one's is over
            process.source.gate.set()
            await refresh
            assert taken == [False, True]

        play(scene)

    def test_healing_that_lost_its_lease_is_not_finished(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process, other = world.process(), world.process()
            await process.freshness.refresh()
            search = process.source.fetch_submissions

            async def be_slow(window: Window) -> Submissions:
                world.clock.now += MINUTE
                assert await other.store.take_lease(f"refresh {KEY}", "other", seconds=1)
                return await search(window)

            process.source.fetch_submissions = be_slow  # type: ignore[method-assign]
            healed = await process.freshness.heal()
            assert (healed.ledger, healed.is_finished) == (Ledger(), False)
            process.source.fetch_submissions = search  # type: ignore[method-assign]
            world.clock.now += MINUTE
            assert (await process.freshness.heal()).is_finished

        play(scene)

    def test_a_reader_waits_for_the_healing_of_this_process_that_has_the_lease(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process(timing=Timing(fresh_for=MINUTE, lease_seconds=3_600))
            await process.freshness.refresh()
            search, is_searching, may_end = process.source.fetch_submissions, asyncio.Event(), asyncio.Event()

            async def be_slow(window: Window) -> Submissions:
                is_searching.set()
                await may_end.wait()
                return await search(window)

            process.source.fetch_submissions = be_slow  # type: ignore[method-assign]
            healing = asyncio.create_task(process.freshness.heal_for(0))
            await is_searching.wait()
            world.clock.now += MINUTE
            reader = asyncio.create_task(process.freshness.ensure(["cs.LG"]))
            await process.store.refused.wait()
            may_end.set()
            assert (await reader, await healing) == (Currency(is_current=True), None)

        play(scene)

    def test_different_sets_do_not_wait_for_each_other(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process, other = world.process(), world.process()
            process.source.gate.clear()
            waiting = asyncio.create_task(process.freshness.ensure(["cs.LG"]))
            await process.source.asked.wait()
            assert await other.freshness.ensure(["hep-th"]) == Currency(is_current=True)
            process.source.gate.set()
            await waiting

        play(scene)

    @pytest.mark.usefixtures("_no_patience")
    def test_who_has_no_turn_among_many_new_categories_is_told_so(
        self, play: Play, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(waiting, "MOST_WAITING", 1)

        async def scene(world: World) -> None:
            process = world.process()
            await process.freshness.refresh()
            process.source.gate.clear()
            readers = (process.freshness.ensure([category]) for category in ("hep-th", "math.CO", "math.AG"))
            first, second, third = map(str, await asyncio.gather(*readers, return_exceptions=True))
            mixed = await process.freshness.ensure(["cs.LG", "math.NT"])
            process.source.gate.set()
            assert "of hep-th are being fetched from arXiv for the first time" in first
            assert "of math.CO are being fetched from arXiv for the first time" in second
            assert third == (
                "Too many categories are asked for the first time just now, so math.AG had no turn; ask again later."
            )
            assert mixed.problems == (third.replace("math.AG", "math.NT"),)

        play(scene)


class TestClosing:
    def test_the_refresh_under_way_ends_with_its_lease_given_back_and_the_source_closed(self, play: Play) -> None:
        async def scene(world: World) -> None:
            process = world.process()
            process.source.gate.clear()
            reader = asyncio.create_task(process.freshness.ensure(["cs.LG"]))
            await process.source.asked.wait()
            await process.freshness.close()
            with pytest.raises(NothingStored):
                await reader
            is_free = await process.store.take_lease(f"refresh {KEY}", "next", seconds=1) is not None
            assert (is_free, process.source.is_closed) == (True, True)

        play(scene)


@pytest.mark.usefixtures("_no_patience")
def test_a_refresh_that_an_abandoned_event_loop_left_behind_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Serverless adapters may start a loop for each call, and freeze between calls."""
    clock = Clock()
    abandoned = asyncio.new_event_loop()
    process = abandoned.run_until_complete(_open(tmp_path, clock))
    abandoned.run_until_complete(_leave_behind(process))
    left_behind = asyncio.all_tasks(abandoned)
    clock.now = NEXT_MAILING + timedelta(hours=1)

    async def next_call() -> tuple[str, ...]:
        process.source.gate = asyncio.Event()
        process.source.gate.set()
        await process.freshness.ensure(["cs.LG"])
        await process.freshness.refresh()
        return process.source.requests[-1]

    assert (asyncio.run(next_call()), bool(left_behind)) == (CONFIGURED, True)
    asyncio.run(process.freshness.close())
    assert process.source.is_closed
    abandoned.run_until_complete(_end(process))
    abandoned.close()


async def _open(folder: Path, clock: Clock) -> Process:
    process = Process(folder / "store.sqlite3", clock)
    await process.freshness.refresh()
    return process


async def _leave_behind(process: Process) -> None:
    process.source.gate.clear()
    process.source.asked.clear()
    process.clock.now = NEXT_MAILING + MINUTE
    await process.freshness.ensure(["cs.LG"])
    await process.source.asked.wait()


async def _end(process: Process) -> None:
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await process.store.close()


def test_what_a_clock_that_was_days_ahead_put_off_is_asked_for_once_an_hour(play: Play) -> None:
    async def scene(world: World) -> None:
        process = world.process()
        world.clock.now = NOON + timedelta(days=3)
        await process.freshness.refresh()
        world.clock.now = NOON
        asked = len(process.source.requests)
        await process.freshness.ensure(CONFIGURED)
        assert (len(process.source.requests), (await process.state()).checked_at) == (asked + 1, NOON)
        await process.freshness.ensure(CONFIGURED)
        assert len(process.source.requests) == asked + 1

    play(scene)


def test_a_clock_that_is_set_back_once_more_is_believed_again(play: Play) -> None:
    async def scene(world: World) -> None:
        process = world.process()
        for days in (6, 3, 0):
            world.clock.now = NOON + timedelta(days=days)
            await process.freshness.ensure(CONFIGURED)
        assert (len(process.source.requests), (await process.state()).checked_at) == (3, NOON)

    play(scene)


def complete(*mailings: tuple[date, int], **changes: Any) -> RefreshState:
    """The state of what is configured, of which *mailings* are complete, with how many papers each."""
    categories = tuple(CategoryState(name, THURSDAY, since=THURSDAY, complete=mailings) for name in CONFIGURED)
    return RefreshState(NOON, NOON, mailing=THURSDAY, categories=categories, **changes)


def test_complete_mailings_are_told_where_they_have_papers(play: Play) -> None:
    async def scene(world: World) -> None:
        process = world.process()
        await process.keep(complete((date(2026, 3, 3), 4), (date(2026, 3, 4), 0), (THURSDAY, 9)))
        assert await process.freshness.find_complete(["cs.LG"]) == (date(2026, 3, 3), THURSDAY)

    play(scene)


@pytest.mark.parametrize(("seconds", "searches"), [(29, 0), (30, 1)])
def test_what_no_feed_brought_is_asked_for_half_a_minute_after_the_newest_mailing(
    play: Play, seconds: int, searches: int
) -> None:
    async def scene(world: World) -> None:
        process = world.process()
        process.source.search_error = SourceMalformed("it is empty")
        await process.freshness.refresh()
        world.clock.now += timedelta(seconds=seconds)
        await process.freshness.ensure(CONFIGURED)
        await asyncio.gather(*process.freshness._healing.values())
        assert len(process.source.searches) == searches

    play(scene)


def test_a_mailing_that_is_missing_since_midnight_is_asked_for_though_nothing_new_was_stored(play: Play) -> None:
    async def scene(world: World) -> None:
        process = world.process()
        process.source.search_error = SourceMalformed("it is empty")
        await process.keep(complete((THURSDAY, 9), next_poll_at=NOON + timedelta(days=3)))
        revision = await process.store.load_revision()
        searches = []
        for day in (0, 1):
            world.clock.now = NOON + timedelta(days=day)
            await process.freshness.ensure(CONFIGURED, revision)
            await asyncio.gather(*process.freshness._healing.values())
            searches.append(len(process.source.searches))
        assert (searches, process.source.requests) == ([0, 1], [])

    play(scene)


def test_words_are_counted_of_what_healing_only_brought_anew_too(play: Play) -> None:
    counted: list[Iterable[str]] = []

    class Counting(Learner):
        async def learn(self, categories: Iterable[str], *_: object, **__: object) -> None:
            counted.append(categories)

    async def scene(world: World) -> None:
        process = world.process(learner=Counting([]), days_back=1)
        await process.freshness.refresh()
        counted.clear()
        submitted = NOON - timedelta(days=1)
        again = builders.paper(id="2603.00001", version=2, categories=CONFIGURED, submitted=submitted, revised=NOON)

        async def search(window: Window) -> Submissions:
            return Submissions((again,) if window.by == "submitted" else (), (), is_last=True)

        process.source.fetch_submissions = search  # type: ignore[method-assign]
        healed = await process.freshness.heal()
        assert (healed.ledger, counted) == (Ledger(received=1, updated=1), [CONFIGURED])

    play(scene)


def test_mailings_that_a_clock_ahead_found_empty_are_gaps_again(play: Play) -> None:
    async def scene(world: World) -> None:
        process = world.process()
        await process.freshness.refresh()
        made = await process.state()
        tomorrow = NOON.date() + timedelta(days=1)
        empty = tuple(replace(one, complete=(*one.complete, (tomorrow, 0))) for one in made.categories)
        waiting = Healing(next_at=NOON + timedelta(days=3))
        ahead = replace(made, checked_at=NOON + timedelta(days=3), categories=empty, healing=waiting)
        await process.keep(ahead)
        await process.freshness.ensure(CONFIGURED)
        after = await process.state()
        assert {day for one in after.categories for day, _ in one.complete} <= {
            day for one in made.categories for day, _ in one.complete
        }
        assert after.healing == Healing()

    play(scene)


def test_what_is_doubted_is_asked_again_later_whoever_asks(play: Play) -> None:
    """arXiv's search gives out empty lists for minutes; a cron or an operator may ask three times in one."""

    async def scene(world: World) -> None:
        process = world.process()
        await process.freshness.refresh()
        for _ in range(3):
            await process.freshness.heal()
        rounds = (await process.state()).healing.rounds
        searches = len(process.source.searches)
        world.clock.now += timedelta(hours=2)
        await process.freshness.heal()
        assert (rounds, (await process.state()).healing.rounds) == (1, 2)
        assert len(process.source.searches) == 2 * searches

    play(scene)


def test_two_machines_whose_clocks_disagree_do_not_take_turns_for_ever(play: Play) -> None:
    async def scene(world: World) -> None:
        slow, fast = world.process(), world.process()
        for _ in range(5):
            for process, now in ((fast, NOON + timedelta(days=3)), (slow, NOON)):
                world.clock.now = now
                await process.freshness.ensure(CONFIGURED)
        assert len(slow.source.requests) <= 1
        assert len(fast.source.requests) <= 2

    play(scene)
