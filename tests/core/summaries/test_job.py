"""What a run of the job writes and what it leaves, within which budgets, and what is stored of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from core import leases
from core.catalogue import Catalogue, Item, Selected, Selection
from core.errors import SourceUnavailable, StoreUnavailable
from core.papers import Announcement, AnnounceType, Paper
from core.profiles import Keyword, Profile
from core.store.records import Changes, Lease
from core.store.sqlite import SqliteStore
from core.summaries.attempts import Attempts, Run, SummaryState
from core.summaries.job import Progress, Summaries
from core.summaries.model import ModelFailed, RemoteFile, Trouble
from core.summaries.options import ALL_MISSING, Limits, Options, Order, Price
from core.summaries.writing import FILE_PREFIX
from tests.builders import paper
from tests.core.summaries.working import NOW, Call, FakeModel, FakeTexts, FakeWorld, Reply

T = TypeVar("T")

PDF = ("pdf", "abstract")
THURSDAY, FRIDAY, MONDAY = date(2026, 3, 5), date(2026, 3, 6), date(2026, 3, 9)
OPTIONS = Options(is_enabled=True, models=("one",), language="en", papers=2, workers=1, sources=("abstract",))
PROFILE = Profile("default", ("cs.LG",), keywords=(Keyword("kernel"),), ranking="count", language="en")
REFUSED_KEY = ModelFailed(Trouble.ACCOUNT, "InvalidApiKey", request_id="r-5")
UNCLEAR = ModelFailed(Trouble.UNCLEAR, "InvalidParameter", "The content of the message is invalid.")
AWAY = ModelFailed(Trouble.SLOW, "Timeout")  # which is not asked again in the same run


@dataclass
class Desk:
    """One store with papers in it, and the job that works on it."""

    store: SqliteStore
    model: FakeModel | None
    texts: FakeTexts
    world: FakeWorld
    profiles: tuple[Profile, ...]
    options: Options
    catalogue: Catalogue

    def job(self, **changes: Any) -> Summaries:
        values: dict[str, Any] = {
            "profiles": self.profiles,
            "select": self.select,
            "store": self.store,
            "model": self.model,
            "texts": self.texts,
            "clock": self.world.clock,
            "world": self.world.world,
        }
        return Summaries(changes.pop("options", self.options), **{**values, **changes})

    async def select(self, profile: Profile) -> Selected:
        return await self.catalogue.select(Selection(profile.name, profile))

    async def run(self, order: Order = ALL_MISSING, **how: Any) -> Run:
        return await self.job().run(order, **how)

    async def announce(self, day: date, *numbers: int, good: int = 9) -> None:
        """Papers of a mailing, of which those up to *good* name the keyword twice, so that they are best."""
        papers = [
            paper(
                id=f"2603.0000{number}",
                title=f"Kernel {number}" if number <= good else f"Paper {number}",
                abstract=f"A kernel, number {number}. " + "It reads pages of the cache. " * 9,
            )
            for number in numbers
        ]
        announcements = tuple(Announcement(day, one.id, 1, (("cs.LG", AnnounceType.NEW),)) for one in papers)
        revision = await self.store.load_revision()
        assert await self.store.apply(Changes(tuple(papers), announcements), based_on=revision.number, now=NOW)

    async def items(self, profile: Profile = PROFILE) -> dict[str, Item]:
        return {item.paper.id: item for item in (await self.select(profile)).items}

    async def codes(self, profile: Profile = PROFILE) -> dict[str, str]:
        """By the last digit of each paper: what came of its summary."""
        found = await self.items(profile)
        return {name[-1]: item.attempt.code for name, item in sorted(found.items()) if item.attempt}

    async def attempts(self, number: int) -> Attempts:
        name = f"2603.0000{number}"
        return (await self.store.load_attempts((name,))).get(name, ())

    async def state(self) -> SummaryState:
        return await self.store.load_summary_state()


def throttled(seconds: float) -> ModelFailed:
    return ModelFailed(Trouble.TRANSIENT, "Throttling", retry_after_seconds=seconds)


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., Any]:
    """Plays a scene on a desk with four papers of Friday, of which 2 are good, and the model's *replies*."""

    def play(
        scene: Callable[[Desk], Awaitable[T]],
        *replies: Reply,
        profiles: tuple[Profile, ...] = (PROFILE,),
        **options: Any,
    ) -> T:
        async def whole() -> T:
            store = SqliteStore(tmp_path / "papers.sqlite3")
            model = options.pop("model", None) or FakeModel(list(replies))
            texts = options.pop("texts", None) or FakeTexts()
            world = FakeWorld()
            desk = Desk(store, model, texts, world, profiles, replace(OPTIONS, **options), Catalogue(store))
            await desk.announce(FRIDAY, 1, 2, 3, 4, good=2)
            try:
                return await scene(desk)
            finally:
                await store.close()

        return asyncio.run(whole())

    return play


Play = Callable[..., Any]


class TestWhichPapers:
    def test_the_best_of_the_newest_mailing_are_written(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            await desk.announce(THURSDAY, 5, 6)
            run = await desk.run()
            return (run.written, run.failed, run.deferred), await desk.codes()

        assert play(scene) == ((2, 0, 0), {"1": "written", "2": "written"})

    def test_a_second_run_asks_for_nothing(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            await desk.run()
            revision, calls = await desk.store.load_revision(), len(desk.model.calls)  # type: ignore[union-attr]
            return await desk.run(), await desk.store.load_revision() == revision, calls, len(desk.model.calls)  # type: ignore[union-attr]

        assert play(scene) == (Run(NOW), True, 2, 2)

    def test_every_mailing_that_came_since_has_its_best(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            await desk.run()
            await desk.announce(date(2026, 3, 9), 5, 6, 7)
            await desk.announce(date(2026, 3, 10), 8)
            await desk.run()
            return await desk.codes()

        assert set(play(scene)) == {"1", "2", "6", "7", "8"}

    def test_a_summary_made_for_one_profile_serves_all(self, play: Play) -> None:
        other = replace(PROFILE, name="other", keywords=(Keyword("pages"), Keyword("kernel")))

        async def scene(desk: Desk) -> object:
            run = await desk.run()
            return run.written, await desk.codes(), await desk.codes(other)

        written, mine, others = play(scene, profiles=(PROFILE, other))
        assert (written, mine, others) == (2, {"1": "written", "2": "written"}, {"1": "written", "2": "written"})

    def test_each_language_has_its_own(self, play: Play) -> None:
        german = replace(PROFILE, name="german", language="de")

        async def scene(desk: Desk) -> object:
            await desk.run()
            return {"in German" in call.text for call in desk.model.calls}  # type: ignore[union-attr]

        assert play(scene, profiles=(PROFILE, german), papers=1) == {False, True}

    def test_profiles_without_summaries_get_none(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            return await desk.run()

        assert play(scene, profiles=(replace(PROFILE, summaries="none"),)) == Run(NOW)

    @pytest.mark.parametrize(
        ("changes", "calls"),
        [
            pytest.param({}, 2, id="nothing"),
            pytest.param({"models": ("two",)}, 4, id="another model"),
            pytest.param({"template": "Write a summary."}, 4, id="another prompt"),
            pytest.param({"sources": ("html", "abstract")}, 4, id="another source"),
        ],
    )
    def test_what_is_made_in_another_way_is_made_again(self, play: Play, changes: dict[str, Any], calls: int) -> None:
        async def scene(desk: Desk) -> int:
            await desk.run()
            await desk.job(options=replace(desk.options, **changes)).run()
            return len(desk.model.calls)  # type: ignore[union-attr]

        assert play(scene) == calls

    def test_papers_can_be_named(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            run = await desk.run(Order(paper_ids=("2603.00004", "2603.00009")))
            return run.written, await desk.codes(), (await desk.state()).mailings

        assert play(scene) == (1, {"4": "written"}, ())

    @pytest.mark.parametrize(("is_forced", "calls"), [(False, 1), (True, 2)])
    def test_a_named_paper_is_written_again_only_where_that_is_forced(
        self, play: Play, is_forced: bool, calls: int
    ) -> None:
        async def scene(desk: Desk) -> int:
            for _ in range(2):
                await desk.run(Order(paper_ids=("2603.00001",), is_forced=is_forced))
            return len(desk.model.calls)  # type: ignore[union-attr]

        assert play(scene) == calls

    @pytest.mark.parametrize("failure", [REFUSED_KEY, UNCLEAR, AWAY], ids=["key", "unclear", "away"])
    def test_a_summary_stays_where_writing_it_again_fails(self, play: Play, failure: ModelFailed) -> None:
        async def scene(desk: Desk) -> object:
            await desk.run(Order(paper_ids=("2603.00001",)))
            assert desk.model is not None
            desk.model.replies += [failure] * 9
            run = await desk.run(Order(paper_ids=("2603.00001",), is_forced=True))
            return run.written, await desk.codes()

        assert play(scene) == (0, {"1": "written"})


class TestReaders:
    def test_a_summary_that_comes_later_updates_its_item_and_keeps_its_guid(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            before = (await desk.items())["2603.00001"]
            await desk.run()
            after = (await desk.items())["2603.00001"]
            return before.guid == after.guid, before.summary, after.summary is not None, after.updated

        assert play(scene) == (True, None, True, NOW)

    def test_what_shows_no_summaries_stays_as_it_was(self, play: Play) -> None:
        async def scene(desk: Desk) -> bool:
            without = replace(PROFILE, summaries="none")
            before = await desk.items(without)
            await desk.run()
            return await desk.items(without) == before

        assert play(scene)

    def test_a_summary_does_not_make_papers_be_read_anew(self, play: Play) -> None:
        async def scene(desk: Desk) -> bool:
            await desk.items()
            shelf = desk.catalogue._shelf
            await desk.run()
            await desk.items()
            return desk.catalogue._shelf is shelf

        assert play(scene)


class TestBudgets:
    @pytest.mark.parametrize(
        "limits",
        [
            pytest.param(Limits(papers_per_run=1), id="papers of a run"),
            pytest.param(Limits(papers_per_day=1), id="papers of a day"),
            pytest.param(Limits(tokens_per_day=1_500), id="tokens of a day"),
            pytest.param(Limits(cost_per_day=0.0025), id="cost of a day"),
        ],
    )
    def test_what_is_over_a_budget_is_left_with_its_reason(self, play: Play, limits: Limits) -> None:
        async def scene(desk: Desk) -> object:
            run = await desk.run()
            return (run.written, run.deferred, run.notice), await desk.codes(), len(desk.model.calls)  # type: ignore[union-attr]

        prices = {"one": Price(1.0, 3.0)}
        assert play(scene, limits=limits, prices=prices) == (
            (1, 1, "the budget was used up"),
            {"1": "budget", "2": "written"},
            1,
        )

    def test_what_was_left_is_written_on_another_day(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            await desk.run()
            await desk.run()  # on the same day
            same_day = await desk.codes()
            desk.world.now += timedelta(days=1)
            await desk.run()
            return same_day, await desk.codes()

        assert play(scene, limits=Limits(papers_per_day=1)) == (
            {"1": "budget", "2": "written"},
            {"1": "written", "2": "written"},
        )

    def test_a_model_that_is_not_to_be_had_is_told_rather_than_a_budget_that_is_used_up(self, play: Play) -> None:
        async def scene(desk: Desk) -> str:
            return (await desk.run()).notice

        told = play(scene, ModelFailed(Trouble.MODEL, "ModelNotFound"), workers=2, limits=Limits(papers_per_run=1))
        assert "no model can be had (ModelNotFound)" in told

    def test_what_was_spent_is_stored(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            run = await desk.run()
            state = await desk.state()
            return (state.day, state.papers, state.spent.calls, state.spent.tokens), state.last_run == run

        assert play(scene) == ((NOW.date(), 2, 2, 3_000), True)

    def test_calls_in_vain_are_counted_too(self, play: Play) -> None:
        async def scene(desk: Desk) -> int:
            await desk.run()
            return (await desk.state()).spent.calls

        assert play(scene, "no", "no", "no", "no") == 4

    def test_nothing_is_started_when_the_time_is_nearly_over(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            run = await desk.run(remaining_seconds=lambda: 59.0 if desk.model.calls else 61.0)  # type: ignore[union-attr]
            after = await desk.codes()
            await desk.run()
            return run.notice, after, await desk.codes()

        assert play(scene) == (
            "the time was over",
            {"1": "time", "2": "written"},
            {"1": "written", "2": "written"},
        )

    def test_of_a_model_that_is_given_less_time_one_is_started_with_less_left(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            run = await desk.run(remaining_seconds=lambda: 19.0 if desk.model.calls else 20.0)  # type: ignore[union-attr]
            return run.notice, await desk.codes()

        assert play(scene, timeout_seconds=20.0) == ("the time was over", {"1": "time", "2": "written"})

    def test_at_most_so_many_are_written_at_once(self, play: Play) -> None:
        async def scene(desk: Desk) -> int:
            desk.model.gate = asyncio.Barrier(2)  # type: ignore[union-attr]
            await desk.run()
            return desk.model.most_at_once  # type: ignore[union-attr]

        assert play(scene, papers=4, workers=2) == 2


class TestTrouble:
    def test_a_service_that_refuses_the_key_is_asked_once_and_left_alone(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            run = await desk.run()
            again = await desk.run()
            return len(desk.model.calls), run.deferred, again.notice, await desk.codes()  # type: ignore[union-attr]

        calls, deferred, notice, codes = play(scene, REFUSED_KEY)
        assert (calls, deferred, codes) == (1, 2, {"1": "closed", "2": "closed"})
        assert notice == "the model is left alone until 13:00 UTC: it refuses the key or the account (InvalidApiKey)"

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"fingerprint": "new"}, id="another key"),
            pytest.param({}, id="an hour later"),
        ],
    )
    def test_it_is_asked_again_with_another_key_or_after_an_hour(self, play: Play, change: dict[str, Any]) -> None:
        async def scene(desk: Desk) -> object:
            await desk.run()
            if not change:
                desk.world.now += timedelta(hours=1)
            await desk.job(**change).run()
            return await desk.codes()

        assert play(scene, REFUSED_KEY) == {"1": "written", "2": "written"}

    def test_what_a_clock_days_ahead_closed_is_open(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            desk.world.now += timedelta(days=3)
            await desk.run()
            desk.world.now -= timedelta(days=3)
            await desk.run()
            return await desk.codes()

        assert play(scene, REFUSED_KEY) == {"1": "written", "2": "written"}

    def test_who_forces_it_asks_at_once(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            await desk.run()
            return (await desk.run(Order(is_forced=True))).written

        assert play(scene, REFUSED_KEY) == 2

    @pytest.mark.parametrize(
        ("seconds", "until"), [(3_600.0, "13:00"), (121.0, "12:02"), (1e9, "00:00")], ids=["hour", "short", "endless"]
    )
    def test_a_long_pause_that_the_service_asks_for_holds_for_every_paper_and_run(
        self, play: Play, seconds: float, until: str
    ) -> None:
        async def scene(desk: Desk) -> object:
            first = await desk.run()
            second = await desk.run()
            asked = len(desk.model.calls)  # type: ignore[union-attr]
            desk.world.now += timedelta(seconds=min(seconds, 12 * 3_600))
            return first.notice, second.notice, asked, (await desk.run()).written

        notice = f"the model is left alone until {until} UTC: it asked for a pause"
        assert play(scene, throttled(seconds)) == (notice, notice, 1, 2)

    def test_a_short_pause_that_the_service_asks_for_ends_no_run(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            run = await desk.run(remaining_seconds=lambda: 240.0 - sum(desk.world.slept))
            return run.written, run.notice, desk.world.slept

        assert play(scene, throttled(31.0), papers=4) == (4, "", [31.0])

    @pytest.mark.parametrize(
        ("replies", "until"),
        [
            pytest.param((60.0, 7_200.0), "14:00", id="pauses"),
            pytest.param((7_200.0, 60.0), "14:00", id="the long one first"),
            pytest.param((7_200.0, REFUSED_KEY), "14:00", id="a refused key after it"),
            pytest.param((REFUSED_KEY, 7_200.0), "14:00", id="a refused key before it"),
            pytest.param((60.0, REFUSED_KEY), "13:00", id="a refused key for longer"),
        ],
    )
    def test_of_two_answers_at_once_the_longer_pause_counts(
        self, play: Play, replies: tuple[float | ModelFailed, ...], until: str
    ) -> None:
        async def scene(desk: Desk) -> str:
            desk.model.gate = asyncio.Barrier(2)  # type: ignore[union-attr]
            await desk.run(remaining_seconds=lambda: 100.0)
            breaker = (await desk.state()).breaker
            assert breaker is not None
            return f"{breaker.until:%H:%M}"

        assert play(scene, *(throttled(one) if isinstance(one, float) else one for one in replies), workers=2) == until

    def test_a_paper_under_way_asks_no_more_once_the_service_is_left_alone(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            desk.model.gate = asyncio.Barrier(2)  # type: ignore[union-attr]
            await desk.run()
            return len(desk.model.calls), set((await desk.codes()).values()), (await desk.state()).papers  # type: ignore[union-attr]

        assert play(scene, REFUSED_KEY, "too short", workers=2) == (2, {"closed"}, 1)

    def test_one_paper_that_fails_leaves_the_others(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            run = await desk.run()
            await desk.run()
            return run, await desk.codes(), len(desk.model.calls)  # type: ignore[union-attr]

        run, codes, calls = play(scene, ModelFailed(Trouble.REFUSED, "DataInspectionFailed", request_id="r-7"))
        assert (run.written, run.failed, codes, calls) == (1, 1, {"1": "written", "2": "refused"}, 2)
        assert [(one.paper_id, one.code, one.request_id) for one in run.failures] == [("2603.00002", "refused", "r-7")]

    def test_what_goes_wrong_unexpectedly_leaves_the_others_too(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            return await desk.run(), await desk.codes()

        run, codes = play(scene, ZeroDivisionError("a mistake of ours"))
        assert (run.written, run.failed, codes) == (1, 1, {"1": "written", "2": "error"})

    def test_a_service_that_is_away_for_several_papers_is_left_alone_for_this_run(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            await desk.run()
            return len(desk.model.calls), await desk.codes()  # type: ignore[union-attr]

        calls, codes = play(scene, *[AWAY] * 9, papers=4)
        assert (calls, sorted(codes.values())) == (3, ["closed", "unavailable", "unavailable", "unavailable"])

    def test_the_next_run_tries_again_what_the_service_did_not_answer(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            await desk.run()
            await desk.run()
            return await desk.codes()

        assert play(scene, AWAY) == {"1": "written", "2": "written"}

    def test_who_is_patient_waits_longer_with_each_failure(self, play: Play) -> None:
        async def scene(desk: Desk) -> list[int]:
            asked = []
            for minutes in (0, 9, 1, 19, 1):
                desk.world.now += timedelta(minutes=minutes)
                await desk.run(Order(is_patient=True))
                asked.append(len(desk.model.calls))  # type: ignore[union-attr]
            return asked

        assert play(scene, *[AWAY] * 9, papers=1) == [1, 1, 2, 2, 3]

    def test_a_paper_is_given_up_at_last(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            for _ in range(10):
                await desk.run()
                desk.world.now += timedelta(hours=12)
            return len(desk.model.calls), await desk.codes()  # type: ignore[union-attr]

        assert play(scene, *[AWAY] * 20, papers=1) == (8, {"2": "given up"})

    def test_runs_with_a_refused_key_bring_no_paper_nearer_to_being_given_up(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            for _ in range(5):
                await desk.run()
                desk.world.now += timedelta(hours=2)
            (refused,) = await desk.attempts(2)
            await desk.run()
            (away,) = await desk.attempts(2)
            assert away.retry_at is not None
            return refused.failures, away.failures, away.retry_at - away.at

        assert play(scene, *[REFUSED_KEY] * 5, AWAY, papers=1) == (0, 1, timedelta(minutes=10))

    def test_papers_that_the_account_was_refused_for_take_turns(self, play: Play) -> None:
        async def scene(desk: Desk) -> list[str]:
            for _ in range(4):
                await desk.run()
                desk.world.now += timedelta(hours=2)
            return [call.text.partition("Title: Kernel ")[2][0] for call in desk.model.calls]  # type: ignore[union-attr]

        assert play(scene, *[REFUSED_KEY] * 4) == ["2", "1", "2", "1"]

    def test_papers_whose_text_is_waited_for_are_no_failures_and_are_written_by_the_next_run(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            run = await desk.run(Order(waits_for_texts=True))
            waiting, state = await desk.attempts(2), await desk.state()
            desk.texts.failure = None
            await desk.run()
            told = (run.deferred, run.failed, run.failures, run.notice)
            return told, waiting[0].failures, state.breaker, state.papers, await desk.codes()

        texts = FakeTexts(failure=SourceUnavailable("http://x", "no answer"))
        codes = dict.fromkeys("1234", "written")
        found = play(scene, texts=texts, sources=("html", "abstract"), papers=4)
        assert found == ((4, 0, (), ""), 0, None, 0, codes)

    def test_papers_whose_text_is_waited_for_say_nothing_of_the_service(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            texts = iter((None, "away", None, "away", None))

            async def fetch(_: Paper) -> None:
                if next(texts):
                    raise SourceUnavailable("http://x", "no answer")

            desk.texts.fetch_full_text_page = fetch  # type: ignore[assignment,method-assign]
            await desk.announce(FRIDAY, 5)
            return (await desk.run(Order(waits_for_texts=True))).notice

        notice = "the model is left alone until 12:15 UTC: it did not answer for several papers in a row"
        assert play(scene, *[AWAY] * 3, sources=("html", "abstract"), papers=5) == notice

    def test_runs_before_its_time_do_not_count_towards_giving_it_up(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            for _ in range(9):
                await desk.run()
            away = await desk.codes()
            await desk.run()
            return away, await desk.codes()

        assert play(scene, *[AWAY] * 9, papers=1) == ({"2": "unavailable"}, {"2": "written"})

    @pytest.mark.parametrize("error", [AWAY, REFUSED_KEY], ids=["away", "refused"])
    def test_papers_that_no_call_was_answered_for_are_not_spent(self, play: Play, error: ModelFailed) -> None:
        async def scene(desk: Desk) -> int:
            await desk.run()
            return (await desk.state()).papers

        assert play(scene, error, error, papers=2) == 0

    def test_who_forces_it_tries_again_what_has_failed(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            await desk.run()
            await desk.run(Order(is_forced=True))
            return await desk.codes(), len(desk.model.calls)  # type: ignore[union-attr]

        refused = ModelFailed(Trouble.REFUSED, "DataInspectionFailed")
        assert play(scene, refused) == ({"1": "written", "2": "written"}, 3)


def refuse(*numbers: int, error: ModelFailed = UNCLEAR) -> FakeModel:
    """A model that the papers of these *numbers* are nothing for."""
    titles = [f"Title: Kernel {number}\n" for number in numbers]
    return FakeModel(choose=lambda call: error if any(title in call.text for title in titles) else None)


def leftovers(number: int) -> dict[str, RemoteFile]:
    """Files that runs of two hours ago have left."""
    names = [f"file-x{place}" for place in range(number)]
    return {name: RemoteFile(name, f"{FILE_PREFIX}{name}.pdf", NOW - timedelta(hours=2)) for name in names}


class TestUnclearRefusals:
    def test_a_paper_that_the_service_refuses_leaves_the_others(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            run = await desk.run()
            return run.written, await desk.codes(), [one.reason for one in run.failures], (await desk.state()).breaker

        reason = "the model service refused it (InvalidParameter); it is asked again later"
        codes = {"1": "written", "2": "unavailable"}
        assert play(scene, model=refuse(2)) == (1, codes, [reason], None)

    def test_it_is_given_up_at_last(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            for _ in range(10):
                await desk.run()
                desk.world.now += timedelta(days=1)
            return len(desk.model.calls), await desk.codes()  # type: ignore[union-attr]

        assert play(scene, model=refuse(2)) == (1 + 8, {"1": "written", "2": "given up"})

    def test_the_same_refusal_of_several_papers_in_a_row_is_the_models(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            await desk.announce(FRIDAY, 5, 6)
            first, second = await desk.run(), await desk.run()
            return len(desk.model.calls), first.deferred, second.notice  # type: ignore[union-attr]

        calls, deferred, notice = play(scene, *[UNCLEAR] * 9, papers=6)
        assert (calls, deferred) == (3, 6)
        assert notice == (
            "the model is left alone until 13:00 UTC: it refused several papers in a row (InvalidParameter)"
        )

    def test_different_refusals_in_a_row_are_a_service_that_is_away(self, play: Play) -> None:
        async def scene(desk: Desk) -> str:
            await desk.run()
            breaker = (await desk.state()).breaker
            assert breaker is not None
            return breaker.code

        other = ModelFailed(Trouble.UNCLEAR, "HTTP 400")
        assert play(scene, UNCLEAR, other, UNCLEAR, papers=4) == "unavailable"

    def test_one_paper_in_several_languages_is_one_paper(self, play: Play) -> None:
        profiles = tuple(replace(PROFILE, name=language, language=language) for language in ("en", "en-gb", "en-us"))

        async def scene(desk: Desk) -> object:
            run = await desk.run()
            return run.written, run.deferred

        assert play(scene, model=refuse(2), profiles=profiles) == (3, 3)

    @pytest.mark.parametrize(
        "error",
        [
            pytest.param(UNCLEAR, id="unclear"),
            pytest.param(ModelFailed(Trouble.ACCOUNT, "HTTP 403"), id="a firewall's 403"),
            pytest.param(ModelFailed(Trouble.MODEL, "HTTP 404"), id="not found"),
        ],
    )
    def test_papers_that_end_a_run_come_after_the_others_in_later_ones(self, play: Play, error: ModelFailed) -> None:
        async def scene(desk: Desk) -> object:
            await desk.announce(FRIDAY, 5, 6, 7, 8)
            for _ in range(5):
                await desk.run()
                desk.world.now += timedelta(days=1)
            return {number for number, code in (await desk.codes()).items() if code == "written"}

        model = refuse(5, 6, 7, error=error)
        assert play(scene, model=model, papers=8) == {"1", "2", "3", "4", "8"}


class TestTheRunItself:
    def test_one_process_writes_at_a_time(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            assert await desk.store.take_lease("summaries", "another", seconds=30)
            run = await desk.run()
            return run.notice, len(desk.model.calls)  # type: ignore[union-attr]

        assert play(scene) == ("another process is writing summaries just now", 0)

    def test_connections_and_lease_are_given_back(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            await desk.run()
            lease = await desk.store.take_lease("summaries", "another", seconds=30)
            return desk.model.closed, isinstance(lease, Lease)  # type: ignore[union-attr]

        assert play(scene) == (1, True)

    def test_each_summary_is_stored_when_it_is_ready(self, play: Play) -> None:
        async def scene(desk: Desk) -> list[int]:
            running = asyncio.create_task(desk.run())

            def choose(call: Call) -> None:
                if len(desk.model.calls) == 2:  # type: ignore[union-attr]
                    running.cancel()

            desk.model.choose = choose  # type: ignore[union-attr]
            await asyncio.wait([running])
            return [len(await desk.attempts(number)) for number in (1, 2)]

        assert play(scene) == [0, 1]

    def test_a_lease_that_is_lost_between_two_papers_ends_the_run_with_a_notice(self, play: Play) -> None:
        async def scene(desk: Desk) -> str:
            def choose(_: Call) -> None:
                lose[0]()

            desk.model.choose = choose  # type: ignore[union-attr]
            return (await desk.run()).notice

        lose: list[Callable[[], object]] = []

        @asynccontextmanager
        async def losing(*_: object, when_lost: Callable[[], object], **__: object) -> AsyncIterator[None]:
            lose.append(when_lost)
            yield

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(leases, "kept", losing)
            assert "has passed to another process" in play(scene)

    def test_progress_is_told(self, play: Play) -> None:
        told: list[Progress] = []

        async def scene(desk: Desk) -> None:
            await desk.run(tell=told.append)

        play(scene)
        assert [(one.done, one.total, one.paper_id[-1], one.code) for one in told] == [
            (1, 2, "2", "written"),
            (2, 2, "1", "written"),
        ]

    def test_papers_that_come_meanwhile_do_not_disturb(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            await desk.job().run(tell=lambda _: None)
            await desk.announce(MONDAY, 7)
            return await desk.codes()

        assert play(scene) == {"1": "written", "2": "written"}

    def test_a_store_that_is_away_for_a_moment_costs_no_summary(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            apply, failures = desk.store.apply, [StoreUnavailable("away")] * 3

            async def failing(*args: Any, **kwargs: Any) -> bool:
                if failures and args[0].attempts:
                    raise failures.pop()
                return await apply(*args, **kwargs)

            desk.store.apply = failing  # type: ignore[method-assign]
            await desk.run()
            return await desk.codes()

        assert play(scene) == {"1": "written", "2": "written"}

    def test_without_the_store_the_run_ends(self, play: Play) -> None:
        async def scene(desk: Desk) -> int:
            async def failing(*args: Any, **kwargs: Any) -> bool:
                raise StoreUnavailable("away")

            desk.store.apply = failing  # type: ignore[method-assign]
            with pytest.raises(StoreUnavailable):
                await desk.run()
            return len(desk.model.calls)  # type: ignore[union-attr]

        assert play(scene) == 0

    def test_files_that_a_run_left_at_the_service_are_swept(self, play: Play) -> None:
        old, new = NOW - timedelta(hours=2), NOW - timedelta(minutes=5)
        files = {
            "a": RemoteFile("a", f"{FILE_PREFIX}x.pdf", old),
            "b": RemoteFile("b", f"{FILE_PREFIX}y.pdf", new),
            "c": RemoteFile("c", "holiday.jpg", old),
        }

        async def scene(desk: Desk) -> set[str]:
            await desk.run()
            return set(desk.model.files)  # type: ignore[union-attr]

        assert play(scene, model=FakeModel(files=files), sources=("pdf", "abstract")) == {"b", "c"}

    def test_a_sweep_that_takes_long_is_left_and_the_papers_are_written(
        self, play: Play, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("core.summaries.job._SWEEP_SECONDS", 0.01)

        async def scene(desk: Desk) -> object:
            run = await desk.run()
            return run.written, len(desk.model.files)  # type: ignore[union-attr]

        assert play(scene, model=FakeModel(files=leftovers(3), deletion=asyncio.Event().wait), sources=PDF) == (2, 3)

    def test_nothing_is_swept_where_the_time_is_only_enough_for_a_paper(self, play: Play) -> None:
        async def scene(desk: Desk) -> object:
            run = await desk.run(remaining_seconds=lambda: 65.0)
            return run.written, len(desk.model.files)  # type: ignore[union-attr]

        assert play(scene, model=FakeModel(files=leftovers(3)), sources=PDF) == (2, 3)
