"""What is asked of the query API when no feed brought it, what becomes of the answer, and where it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.arxiv.announced import Rejected, Submissions, Window
from core.errors import LeaseLost, SourceMalformed, SourceUnavailable
from core.healing import (
    MOST_DAYS,
    HealingReport,
    Plan,
    after_failure,
    decide,
    heal_page,
    is_healing_due,
    make_plan,
)
from core.papers import Announcement, AnnounceType, Paper
from core.store.records import CategoryState, Changes, Healing, Lease, Ledger, PaperRecord, RefreshState
from core.store.sqlite import SqliteStore
from tests import builders

TUESDAY, WEDNESDAY, THURSDAY = date(2026, 3, 3), date(2026, 3, 4), date(2026, 3, 5)
NOON = datetime(2026, 3, 5, 17, 0, tzinfo=UTC)  # on Thursday, in New York
MINUTE = timedelta(minutes=1)
SINCE = date(2026, 2, 27)
WEEK = (SINCE, date(2026, 3, 2), TUESDAY, WEDNESDAY, THURSDAY)
NEW, CROSS, REPLACE, REPLACE_CROSS = AnnounceType
STALE = "arXiv repeats an earlier mailing instead of that of 2026-03-05."
KEY = "cs.AI+cs.LG"


def submitted(day: date) -> datetime:
    """A moment at which a submission belongs to the mailing of *day*, a Tuesday to Friday."""
    return datetime.combine(day - timedelta(days=1), NOON.timetz())


def paper(**changes: Any) -> Paper:
    """A paper of cs.AI, submitted for Thursday's mailing."""
    values: dict[str, Any] = {"categories": ("cs.AI",), "submitted": submitted(THURSDAY), **changes}
    return builders.paper(**{"revised": values["submitted"], **values})


def category(name: str = "cs.AI", *, lacks: Sequence[date] = (THURSDAY,), **changes: Any) -> CategoryState:
    """A category of which all mailings of the week are complete but those that it *lacks*."""
    whole = tuple((day, 9) for day in WEEK if day not in lacks)
    return CategoryState(name, mailing=WEDNESDAY, since=SINCE, complete=whole, **changes)


def state(*categories: CategoryState, **changes: Any) -> RefreshState:
    return RefreshState(NOON, succeeded_at=NOON, categories=categories or (category(),), **changes)


def planned(of: RefreshState, *, now: datetime = NOON, days_back: int = 7) -> Plan:
    plan = make_plan(of, now=now, days_back=days_back)
    assert plan is not None
    return plan


class TestPlanning:
    def test_nothing_is_asked_where_every_mailing_is_complete(self) -> None:
        assert make_plan(state(category(lacks=())), now=NOON, days_back=7) is None

    def test_only_categories_with_gaps_are_asked_for_and_all_days_of_the_window(self) -> None:
        """What was held up was submitted days before the mailing that announced it."""
        plan = planned(state(category(), category("cs.LG", lacks=())))
        assert (plan.categories, plan.gaps, plan.window) == (
            ("cs.AI",),
            {"cs.AI": (THURSDAY,)},
            (datetime(2026, 2, 25, 19, 0, tzinfo=UTC), datetime(2026, 3, 4, 18, 59, tzinfo=UTC)),
        )

    def test_submissions_are_gone_through_from_two_weeks_before_the_first_gap_on(self) -> None:
        """As far as the mailings before it are complete, and revisions, which nobody holds up, are not."""
        days = [day for place in range(40) if (day := THURSDAY - timedelta(days=place)).weekday() < 5]
        old = CategoryState("cs.AI", since=date(2026, 1, 1), complete=tuple((day, 9) for day in days[1:]))
        plan = planned(state(old), days_back=3)
        assert (plan.healing.first, plan.healing.held_from) == (TUESDAY, date(2026, 2, 19))
        assert plan.window[0] == datetime(2026, 2, 17, 19, 0, tzinfo=UTC)
        revised = replace(plan, healing=replace(plan.healing, by="revised"))
        assert revised.window[0] == datetime(2026, 2, 27, 19, 0, tzinfo=UTC)

    def test_what_was_submitted_for_a_mailing_that_may_be_lost_is_not_taken_for_held_up(self) -> None:
        lacking = replace(category(lacks=(SINCE, THURSDAY)), since=date(2026, 1, 1))
        assert planned(state(lacking), days_back=3).healing.held_from == date(2026, 3, 2)
        either = state(lacking, replace(category("cs.LG"), since=date(2026, 1, 1)))
        assert planned(either, days_back=3).healing.held_from == date(2026, 3, 2)

    def test_what_is_not_announced_yet_is_left_to_the_next_mailing(self) -> None:
        """arXiv's API has the evening's announcement four hours before the feeds have."""
        evening = datetime(2026, 3, 6, 2, 0, tzinfo=UTC)  # Thursday 21:00 Eastern
        assert planned(state(), now=evening).window[1] == datetime(2026, 3, 4, 18, 59, tzinfo=UTC)

    def test_a_category_that_is_followed_since_today_is_not_filled_in_before(self) -> None:
        young = replace(category(), since=WEDNESDAY, complete=())
        assert planned(state(young)).healing.first == WEDNESDAY

    def test_a_year_is_not_filled_in(self) -> None:
        old = replace(category(), since=date(2025, 3, 5))
        first = planned(state(old), days_back=366).healing.first
        assert first == THURSDAY - timedelta(days=MOST_DAYS - 1)

    @pytest.mark.parametrize(
        ("lacking", "goes_on"),
        [
            pytest.param((("cs.AI", (WEDNESDAY,)), ("cs.LG", (WEDNESDAY,))), True, id="the same"),
            pytest.param((("cs.AI", (WEDNESDAY,)), ("cs.LG", ())), True, id="a feed has brought one"),
            pytest.param((("cs.AI", (WEDNESDAY, THURSDAY)), ("cs.LG", ())), True, id="a newer mailing"),
            pytest.param((("cs.AI", (TUESDAY, WEDNESDAY)), ("cs.LG", ())), False, id="an earlier one is lost"),
            pytest.param((("cs.AI", ()), ("cs.DC", (WEDNESDAY,))), False, id="one of another category is lost"),
        ],
    )
    def test_what_is_under_way_begins_anew_only_where_something_else_is_missing_in_its_window(
        self, lacking: Sequence[tuple[str, tuple[date, ...]]], goes_on: bool
    ) -> None:
        """Its place in the list is that of one search, and what it has passed it does not see again."""
        begun = (("cs.AI", (WEDNESDAY,)), ("cs.LG", (WEDNESDAY,)))
        under_way = Healing(first=SINCE, last=WEDNESDAY, start=900, seen=("cs.AI",), rounds=1, gaps=begun)
        plan = planned(state(*(category(name, lacks=days) for name, days in lacking), healing=under_way))
        if goes_on:
            assert (plan.categories, plan.healing) == (("cs.AI", "cs.LG"), under_way)
        else:
            assert plan.categories == tuple(name for name, days in lacking if days)
            assert (plan.healing.start, plan.healing.seen, plan.healing.rounds) == (0, (), 1)
            assert dict(plan.healing.gaps) == {name: days for name, days in lacking if days}

    def test_what_is_under_way_goes_on_with_its_own_window(self) -> None:
        under_way = Healing(first=SINCE, last=WEDNESDAY, start=1000)
        assert planned(state(healing=under_way)).healing == under_way

    @pytest.mark.parametrize(
        ("next_at", "expected"), [(None, True), (NOON, True), (NOON + MINUTE, False)], ids=["at once", "now", "later"]
    )
    def test_a_pause_is_kept(self, next_at: datetime | None, expected: bool) -> None:
        assert is_healing_due(state(healing=Healing(next_at=next_at)), now=NOON, days_back=7) is expected


def decided(
    *papers: Paper,
    of: RefreshState | None = None,
    stored: Sequence[PaperRecord] = (),
    is_last: bool = True,
    rejected: tuple[Rejected, ...] = (),
    total: int = 0,
) -> Any:
    of = of or state()
    page = Submissions(papers, rejected, is_last, total)
    return decide(page, {one.paper.id: one for one in stored}, of, planned(of), now=NOON)


def record(one: Paper, *announcements: tuple[date, int, dict[str, AnnounceType]]) -> PaperRecord:
    return PaperRecord(
        one,
        tuple(Announcement(day, one.id, version, tuple(types.items())) for day, version, types in announcements),
    )


def announced(decision: Any) -> list[tuple[date, int, dict[str, AnnounceType]]]:
    return [(one.mailing, one.version, dict(one.types)) for one in decision.changes.announcements]


class TestSubmissions:
    def test_a_missed_paper_is_announced_as_new_in_the_mailing_of_its_submission(self) -> None:
        missed = paper(categories=("cs.AI", "cs.LG"))
        decision = decided(missed)
        assert (announced(decision), decision.changes.papers, decision.ledger) == (
            [(THURSDAY, 1, {"cs.AI": NEW, "cs.LG": CROSS})],
            (missed,),
            Ledger(received=1, new=1),
        )

    def test_one_that_was_held_up_is_announced_in_the_first_gap_after_its_submission(self) -> None:
        decision = decided(paper(submitted=submitted(TUESDAY)))
        assert [day for day, *_ in announced(decision)] == [THURSDAY]

    def test_one_that_was_held_up_since_before_the_window_is_found_as_well(self) -> None:
        days = (date(2026, 2, 25), date(2026, 2, 26), *WEEK[:-1])
        of = state(replace(category(), since=days[0], complete=tuple((day, 9) for day in days)))
        held_up = paper(submitted=submitted(days[1]))
        decision = decide(Submissions((held_up,), (), True), {}, of, planned(of, days_back=3), now=NOON)
        assert (announced(decision), decision.rejected) == ([(THURSDAY, 1, {"cs.AI": NEW})], ())

    def test_one_that_no_gap_explains_is_announced_by_its_submission_all_the_same(self) -> None:
        decision = decided(paper(submitted=submitted(WEDNESDAY)), of=state(category(lacks=(TUESDAY,))))
        assert [day for day, *_ in announced(decision)] == [WEDNESDAY]

    def test_one_that_is_in_a_later_version_already_was_announced_in_its_first(self) -> None:
        assert announced(decided(paper(version=2))) == [(THURSDAY, 1, {"cs.AI": NEW})]

    def test_one_that_was_listed_is_not_announced_again(self) -> None:
        known = paper()
        decision = decided(known, stored=[record(known, (WEDNESDAY, 1, {"cs.AI": NEW}))])
        assert (decision.changes, decision.ledger) == (Changes(), Ledger(received=1, duplicate=1))

    def test_its_text_stays_as_the_feed_spelt_it(self) -> None:
        known = replace(paper(), raw_title=r"$\rho$")
        decision = decided(paper(title="ρ"), stored=[record(known, (WEDNESDAY, 1, {"cs.AI": NEW}))])
        assert decision.changes.papers == ()

    @pytest.mark.parametrize(("followed", "named"), [("math.IT", "cs.IT"), ("cs.IT", "math.IT")])
    def test_one_that_names_an_alias_of_the_category_is_what_was_asked_for(self, followed: str, named: str) -> None:
        decision = decided(paper(categories=(named,)), of=state(category(followed)))
        assert announced(decision) == [(THURSDAY, 1, {named: NEW, followed: NEW})]
        assert [one.healed for one in decision.state.categories] == [1]

    def test_one_that_another_feed_told_of_as_a_cross_list_is_new_where_the_gap_is(self) -> None:
        """Its primary category was stale, and a feed without that says nothing of it."""
        known = paper(categories=("cs.AI", "cs.LG", "cs.CL"))
        told = record(known, (THURSDAY, 1, {"cs.LG": CROSS}))
        decision = decided(known, stored=[told])
        assert announced(decision) == [(THURSDAY, 1, {"cs.AI": NEW, "cs.LG": CROSS, "cs.CL": CROSS})]
        assert decided(known, stored=[told], of=state(category("cs.LG"))).changes == Changes()

    def test_the_gap_of_an_alias_is_where_a_paper_was_announced(self) -> None:
        late = state(category("math.IT", lacks=(THURSDAY,)))
        decision = decided(paper(categories=("cs.IT",), submitted=submitted(TUESDAY)), of=late)
        assert [one.mailing for one in decision.changes.announcements] == [THURSDAY]

    def test_a_new_version_takes_the_place_of_the_stored_one(self) -> None:
        second = paper(version=2, title="Better")
        decision = decided(second, stored=[record(paper(), (WEDNESDAY, 1, {"cs.AI": NEW}))])
        assert (decision.changes, decision.ledger) == (Changes(papers=(second,)), Ledger(received=1, updated=1))

    def test_what_only_the_stored_version_knows_of_a_paper_stays_known(self) -> None:
        first = replace(paper(), licence="a licence", doi="10.1/x", journal_reference="J. 1", comment="12 pages")
        decision = decided(paper(version=2, comment=None), stored=[record(first, (WEDNESDAY, 1, {"cs.AI": NEW}))])
        (second,) = decision.changes.papers
        assert (second.version, second.licence, second.doi, second.journal_reference, second.comment) == (
            2, "a licence", "10.1/x", "J. 1", None
        )  # fmt: skip

    def test_one_of_which_only_a_new_version_was_announced_is_new_in_the_gap(self) -> None:
        known = paper(version=2)
        decision = decided(known, stored=[record(known, (THURSDAY, 2, {"cs.AI": REPLACE}))])
        assert announced(decision) == [(THURSDAY, 2, {"cs.AI": NEW})]

    @pytest.mark.parametrize(
        ("odd", "reason"),
        [
            pytest.param(paper(submitted=None, revised=None), "it does not say when it was submitted", id="undated"),
            pytest.param(
                paper(submitted=submitted(date(2026, 3, 6))), "outside of the time asked for", id="of the next mailing"
            ),
            pytest.param(
                paper(submitted=datetime(2026, 3, 4, 19, 0, tzinfo=UTC)),
                "outside of the time asked for",
                id="at the deadline, which is too late",
            ),
            pytest.param(paper(categories=("hep-th",)), "none of the categories asked for", id="of another category"),
        ],
    )
    def test_what_was_not_asked_for_is_rejected_with_a_reason(self, odd: Paper, reason: str) -> None:
        decision = decided(odd)
        assert (decision.ledger, decision.changes) == (Ledger(received=1, rejected=1), Changes())
        assert reason in decision.rejected[0].reason

    def test_what_could_not_be_read_counts_too(self) -> None:
        decision = decided(paper(), rejected=(Rejected("x", "it has no id"),))
        assert (decision.ledger, decision.ledger.is_balanced) == (Ledger(received=2, new=1, rejected=1), True)


class TestRevisions:
    REVISED = Healing(first=SINCE, last=THURSDAY, by="revised")

    def by_revision(self, version: int, *told: tuple[date, int, dict[str, AnnounceType]], day: date = THURSDAY) -> Any:
        old = paper(submitted=datetime(2025, 5, 1, tzinfo=UTC), revised=submitted(day), version=version)
        stored = [record(old, *told)] if told else []
        return decided(old, of=state(healing=self.REVISED), stored=stored)

    @pytest.mark.parametrize("version", [2, 5])
    def test_a_missed_version_is_announced_as_a_replacement(self, version: int) -> None:
        assert announced(self.by_revision(version)) == [(THURSDAY, version, {"cs.AI": REPLACE})]

    @pytest.mark.parametrize(
        ("version", "told"),
        [
            pytest.param(1, (), id="a first version, which the search by submission finds"),
            pytest.param(6, (), id="a sixth, which arXiv does not announce"),
            pytest.param(2, ((THURSDAY, 2, {"cs.AI": REPLACE}),), id="one that a feed told of"),
        ],
    )
    def test_nothing_else_is(self, version: int, told: tuple[tuple[date, int, dict[str, AnnounceType]], ...]) -> None:
        assert announced(self.by_revision(version, *told)) == []

    def test_a_paper_that_the_same_mailing_brought_as_new_stays_so(self) -> None:
        decision = self.by_revision(2, (THURSDAY, 1, {"cs.AI": NEW}))
        assert announced(decision) == [(THURSDAY, 2, {"cs.AI": NEW})]

    def test_a_version_of_a_mailing_after_every_gap_was_in_its_feed(self) -> None:
        lacks_tuesday = state(category(lacks=(TUESDAY,)), healing=self.REVISED)
        old = paper(submitted=datetime(2025, 5, 1, tzinfo=UTC), revised=submitted(THURSDAY), version=2)
        assert announced(decided(old, of=lacks_tuesday)) == []


class TestProgress:
    def test_it_goes_on_after_what_was_received(self) -> None:
        after = decided(paper(), rejected=(Rejected("x", "y"),), is_last=False).state.healing
        assert (after.start, after.by, after.last) == (2, "submitted", THURSDAY)

    def test_after_the_submissions_come_the_revisions(self) -> None:
        after = decided(paper()).state.healing
        assert (after.start, after.by) == (0, "revised")

    def test_in_the_end_every_gap_is_filled(self) -> None:
        at_the_end = state(
            category(lacks=(TUESDAY, THURSDAY)),
            healing=Healing(first=SINCE, last=THURSDAY, by="revised", mailings=(TUESDAY,)),
        )
        after = decided(of=at_the_end).state
        assert (dict(after.categories[0].complete)[TUESDAY], after.healing) == (1, Healing())
        assert make_plan(after, now=NOON, days_back=7) is None

    def test_papers_that_no_feed_brought_are_counted(self) -> None:
        assert decided(paper(), paper(id="2603.00002")).state.categories[0].healed == 2

    def test_a_stale_category_of_which_the_api_has_nothing_either_is_asked_for_again(self) -> None:
        stale = category(stale_since=NOON, stale_because=STALE)
        last_page = Healing(first=SINCE, last=THURSDAY, by="revised")
        after = decided(of=state(stale, healing=last_page)).state
        assert (after.healing.next_at, make_plan(after, now=NOON, days_back=7)) == (
            NOON + timedelta(hours=2),
            planned(after),
        )

    def test_gaps_before_the_newest_mailing_are_filled_and_later_ones_are_left(self) -> None:
        """What has come since it began is not asked for yet, and of what is older nobody waits for a feed."""
        stale = category(lacks=(WEDNESDAY, THURSDAY), stale_since=NOON, stale_because=STALE)
        last_page = Healing(first=SINCE, last=WEDNESDAY, by="revised")
        (after,) = decided(of=state(stale, healing=last_page)).state.categories
        assert after.complete == (*stale.complete, (WEDNESDAY, 0))

    def test_once_the_api_had_papers_of_its_mailing_it_is_not(self) -> None:
        stale = category(stale_since=NOON, stale_because=STALE)
        last_page = Healing(first=SINCE, last=THURSDAY, by="revised", seen=("cs.AI",))
        after = decided(of=state(stale, healing=last_page)).state
        assert make_plan(after, now=NOON, days_back=7) is None

    @pytest.mark.parametrize("is_refused", [False, True])
    def test_it_is_stale_no_more_only_where_arxiv_refuses_its_feed(self, is_refused: bool) -> None:
        stale = category(stale_since=NOON, stale_because=STALE, is_refused=is_refused)
        last_page = Healing(first=SINCE, last=THURSDAY, by="revised", seen=("cs.AI",))
        (after,) = decided(of=state(stale, healing=last_page)).state.categories
        assert (after.stale_since is None, after.stale_because is None) == (is_refused, is_refused)

    @pytest.mark.parametrize("because", [STALE, None])
    def test_a_refused_category_of_which_the_api_has_nothing_either_is_asked_for_again(
        self, because: str | None
    ) -> None:
        refused = category(stale_since=NOON if because else None, stale_because=because, is_refused=True)
        last_page = Healing(first=SINCE, last=THURSDAY, by="revised")
        after = decided(of=state(refused, healing=last_page)).state
        assert (after.categories, after.healing.next_at) == ((refused,), NOON + timedelta(hours=2))

    def test_that_nothing_was_submitted_for_a_mailing_is_believed_after_three_times(self) -> None:
        """The search gives out empty lists for minutes, as if there was nothing to be found."""
        after = state(category(lacks=(WEDNESDAY, THURSDAY)))
        rounds = []
        while (plan := make_plan(after, now=NOON, days_back=7)) is not None:
            submissions = replace(after, healing=plan.healing)
            revisions = decided(paper(), of=submissions).state
            late = paper(version=2, submitted=submitted(SINCE), revised=submitted(WEDNESDAY))
            after = decided(late, of=revisions, stored=[record(late, (SINCE, 1, {"cs.AI": NEW}))]).state
            rounds.append((after.healing.rounds, after.healing.next_at))
            after = replace(after, healing=replace(after.healing, next_at=None))
        later = NOON + timedelta(hours=2)
        assert rounds == [(1, later), (2, later), (0, None)]

    @pytest.mark.parametrize(("papers", "unread"), [((9, 0, 9, 9), 0), ((9, 0, 9, 9, 9), 1)])
    def test_that_nothing_was_submitted_is_believed_at_once_where_one_mailing_in_four_is_empty(
        self, papers: tuple[int, ...], unread: int
    ) -> None:
        complete = tuple((SINCE - timedelta(days=days), number) for days, number in enumerate(papers))
        quiet = replace(category(lacks=(THURSDAY,)), complete=complete)
        revisions = decided(of=state(quiet, healing=Healing(first=TUESDAY, last=THURSDAY))).state
        assert (revisions.healing.by, revisions.healing.unread) == ("revised", unread)

    def test_what_could_not_be_read_is_asked_for_twice_more_and_then_no_longer(self) -> None:
        after = state(healing=Healing(first=SINCE, last=THURSDAY, by="revised"))
        rounds = []
        while make_plan(after, now=NOON, days_back=7) is not None:
            after = decided(of=after, rejected=(Rejected("x", "it has no id"),)).state
            rounds.append((after.healing.rounds, after.healing.by))
            after = replace(after, healing=replace(after.healing, first=SINCE, last=THURSDAY, by="revised"))
        assert rounds == [(1, "submitted"), (2, "submitted"), (0, "submitted")]

    @pytest.mark.parametrize("failures", range(6))
    def test_the_pauses_after_failures_grow(self, failures: int) -> None:
        after = after_failure(Healing(failures=failures), SourceMalformed("it is empty"), now=NOON)
        minutes = (1, 5, 30, 120, 360, 360)[failures]
        assert (after.failures, after.next_at) == (failures + 1, NOON + minutes * MINUTE)

    def test_arxiv_may_ask_for_a_longer_one(self) -> None:
        busy = SourceUnavailable("http://arxiv", "busy", status=503, retry_after_seconds=600)
        assert after_failure(Healing(), busy, now=NOON).next_at == NOON + timedelta(minutes=10)

    def test_where_arxiv_was_not_asked_nothing_failed(self) -> None:
        closed = SourceUnavailable("http://arxiv", "left alone", retry_after_seconds=60, was_asked=False)
        assert after_failure(Healing(), closed, now=NOON).failures == 0

    def test_the_words_of_an_unexpected_error_are_not_told(self) -> None:
        assert after_failure(Healing(), KeyError("secret"), now=NOON).last_error == "unexpected KeyError"


class FakeSource:
    """Answers with one outcome after the other, the last one for ever."""

    def __init__(self, *outcomes: Submissions | Exception) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[Window] = []

    async def fetch_submissions(self, window: Window) -> Submissions:
        self.asked.append(window)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@contextmanager
def opened(folder: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(folder / "store.sqlite3", clock=lambda: NOON)
    yield store
    asyncio.run(store.close())


def heal(store: SqliteStore, source: FakeSource, of: RefreshState, lease: Lease | None = None) -> HealingReport:
    return asyncio.run(heal_page(of, planned(of), source=source, store=store, clock=lambda: NOON, lease=lease))


def stored_state(store: SqliteStore, key: str = "cs.AI") -> RefreshState:
    found = asyncio.run(store.load_refresh(key))
    assert found is not None
    return found


class TestDoubts:
    """Of what arXiv's search says now and then for a moment, and what would lose papers for good."""

    def test_a_list_that_ends_far_before_its_end_is_asked_for_again(self, tmp_path: Path) -> None:
        of = state(healing=Healing(first=SINCE, last=THURSDAY, start=900, total=2_000))
        early = Submissions((paper(),), (), is_last=True, total=901)
        with opened(tmp_path) as store:
            with pytest.raises(SourceMalformed, match="end with number 901, of 2000"):
                heal(store, FakeSource(early), of)
            after = stored_state(store).healing
            assert (after.by, after.start, after.failures) == ("submitted", 800, 1)
            heal(store, FakeSource(early), replace(of, healing=after))  # said twice
            assert stored_state(store).healing.by == "revised"

    def test_one_that_has_become_a_little_shorter_has_ended(self, tmp_path: Path) -> None:
        of = state(healing=Healing(first=SINCE, last=THURSDAY, start=900, total=910))
        with opened(tmp_path) as store:
            heal(store, FakeSource(Submissions((paper(),), (), is_last=True, total=901)), of)
            assert stored_state(store).healing.by == "revised"

    def test_how_much_there_is_by_submission_is_known_to_the_end(self) -> None:
        first = decided(paper(), is_last=False, total=30, of=state()).state
        last = decided(paper(id="2603.00002"), total=29, of=first).state
        assert (first.healing.total, last.healing.total, last.healing.by) == (30, 30, "revised")

    @pytest.mark.parametrize("refusal", [None, SourceUnavailable("http://arxiv", "HTTP 400", status=400)])
    def test_that_nothing_was_replaced_among_many_papers_is_believed_when_it_is_said_thrice(
        self, tmp_path: Path, refusal: SourceUnavailable | None
    ) -> None:
        of = state(healing=Healing(first=SINCE, last=THURSDAY, by="revised", mailings=(THURSDAY,), total=20))
        with opened(tmp_path) as store:
            source = FakeSource(refusal or Submissions((), (), is_last=True))
            heal(store, source, of)
            after = stored_state(store)
            assert (after.healing.rounds, after.healing.next_at, after.categories) == (
                1, NOON + timedelta(hours=2), of.categories
            )  # fmt: skip
            heal(store, source, replace(of, healing=replace(of.healing, rounds=2)))
            assert make_plan(stored_state(store), now=NOON, days_back=7) is None

    def test_after_a_page_of_revisions_that_cannot_be_right_it_is_known_how_much_was_submitted(self) -> None:
        revisions = Healing(first=SINCE, last=THURSDAY, by="revised", start=900, total=20)
        after = after_failure(revisions, SourceMalformed("it is empty"), now=NOON)
        assert (after.start, after.total) == (800, 20)

    def test_among_few_it_is_believed_at_once(self) -> None:
        of = state(healing=Healing(first=SINCE, last=THURSDAY, by="revised", mailings=(THURSDAY,), total=19))
        assert make_plan(decided(of=of).state, now=NOON, days_back=7) is None


class TestHealing:
    def test_a_page_is_stored_with_the_place_to_go_on_from(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            report = heal(store, FakeSource(Submissions((paper(),), (), is_last=False)), state())
            found = asyncio.run(store.load_papers([paper().id]))
            assert (report, stored_state(store).healing.start, found[paper().id].paper) == (
                HealingReport(Ledger(received=1, new=1), (), 1, is_finished=False),
                1,
                paper(),
            )

    def test_what_moves_up_between_two_pages_is_not_passed_over(self, tmp_path: Path) -> None:
        """Paper 5 is revised after the first page, and leaves the window with its place in the list."""
        listed = [paper(id=f"2603.{number:05}") for number in range(1, 41)]

        class Shrinking:
            async def fetch_submissions(self, window: Window) -> Submissions:
                found = tuple(listed[window.start : window.start + 20])
                if window.start == 0:
                    del listed[4]
                return Submissions(found, (), is_last=window.start + 20 >= len(listed))

        with opened(tmp_path) as store:
            current = state()
            while current.healing.by == "submitted" and (current.healing.last or current.healing.start == 0):
                asyncio.run(heal_page(current, planned(current), source=Shrinking(), store=store, clock=lambda: NOON))
                current = stored_state(store)
            found = asyncio.run(store.load_papers([f"2603.{number:05}" for number in range(1, 41)]))
        assert len(found) == 40

    def test_after_a_failure_the_same_page_is_asked_for_in_smaller_pieces(self, tmp_path: Path) -> None:
        """Some pages of arXiv's API fail for ever, and smaller ones do not."""
        source = FakeSource(SourceMalformed("it is empty"), Submissions((), (), is_last=True))
        with opened(tmp_path) as store:
            with pytest.raises(SourceMalformed):
                heal(store, source, state())
            heal(store, source, stored_state(store))
        assert [(one.start, one.count) for one in source.asked] == [(0, 1000), (0, 500)]

    @pytest.mark.parametrize(("failures", "papers"), [(0, 1000), (2, 250), (3, 125), (4, 125), (40, 125)])
    def test_a_piece_is_an_eighth_of_a_page_at_least(self, tmp_path: Path, failures: int, papers: int) -> None:
        source = FakeSource(Submissions((), (), is_last=True))
        with opened(tmp_path) as store:
            heal(store, source, state(healing=Healing(failures=failures)))
        assert [one.count for one in source.asked] == [papers]

    def test_a_failure_leaves_every_paper_as_it_was_and_is_remembered(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            with pytest.raises(SourceUnavailable):
                heal(store, FakeSource(SourceUnavailable("http://arxiv", "away")), state())
            healing = stored_state(store).healing
            assert (healing.failures, healing.last_error, healing.last) == (1, "http://arxiv: away", THURSDAY)
            assert asyncio.run(store.load_revision()).number == 0

    def test_an_arxiv_that_cannot_search_by_revision_is_done_with_after_the_submissions(self, tmp_path: Path) -> None:
        refusal = SourceUnavailable("http://arxiv", "arXiv answered 400 Bad Request", status=400)
        with opened(tmp_path) as store:
            of = state(healing=Healing(first=SINCE, last=THURSDAY, by="revised"))
            assert heal(store, FakeSource(refusal), of).is_finished

    def test_whoever_lost_the_lease_writes_nothing(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            with pytest.raises(LeaseLost):
                heal(store, FakeSource(Submissions((paper(),), (), is_last=True)), state(), Lease("heal", "me", 1))
            assert asyncio.run(store.load_papers([paper().id])) == {}
