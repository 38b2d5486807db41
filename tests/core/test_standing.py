"""How a category stands by what is in its feed: up to date, stale, behind, empty or just quiet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arxiv.announced import Announced
from core.arxiv.rss import parse_announcements
from core.intake import decide
from core.standing import (
    LONGEST_MEMORY,
    Listed,
    Reading,
    complete,
    find_gaps,
    forget_lost,
    read_category,
    stand,
    stand_healed,
    stand_refused,
    stand_unchanged,
)
from core.store.records import CategoryState, PaperRecord
from tests.shared_data import ARXIV as RECORDED
from tests.shared_data import needs_recordings

WEDNESDAY, THURSDAY, FRIDAY = date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6)
NOON = datetime(2026, 3, 5, 17, 0, tzinfo=UTC)  # on Thursday, in New York
SINCE = date(2026, 2, 27)


def paper(number: int, *categories: str, **changes: Any) -> Listed:
    """A new paper, announced in *categories* (cs.AI by default) and never before."""
    values: dict[str, Any] = {
        "paper_id": f"2603.{number:05}",
        "version": 1,
        "categories": frozenset(categories or ["cs.AI"]),
        "is_new": True,
    }
    return Listed(**{**values, **changes})


def papers(first: int, count: int, *categories: str, **changes: Any) -> list[Listed]:
    return [paper(number, *categories, **changes) for number in range(first, first + count)]


def state(**changes: Any) -> CategoryState:
    """cs.AI as it stands after Wednesday's mailing of ten papers, all of them its own."""
    values: dict[str, Any] = {
        "category": "cs.AI",
        "mailing": WEDNESDAY,
        "watermark": tuple(one.key for one in papers(100, 10)),
        "alone": 10,
        "since": SINCE,
    }
    return CategoryState(**{**values, **changes})


UNKNOWN = CategoryState("cs.AI")


def read(listed: Iterable[Listed], *, before: CategoryState | None = None, mailing: date = THURSDAY) -> Reading:
    return read_category("cs.AI", list(listed), mailing=mailing, before=before or state())


SIBLINGS = papers(500, 20, "cs.LG")
CROSS_LISTED = papers(600, 15, "cs.LG", "cs.AI")


class TestReading:
    @pytest.mark.parametrize(
        ("listed", "before", "expected"),
        [
            pytest.param(papers(200, 9), state(), Reading.BROUGHT, id="other papers than before"),
            pytest.param(papers(200, 1), UNKNOWN, Reading.BROUGHT, id="the first papers ever"),
            pytest.param(papers(100, 10), state(), Reading.REPEATED, id="the same papers as before"),
            pytest.param(papers(100, 10) + papers(200, 3), state(), Reading.REPEATED, id="the same and a few more"),
            pytest.param(papers(100, 6), state(), Reading.REPEATED, id="more than half of them"),
            pytest.param(papers(100, 5) + papers(200, 9), state(), Reading.BROUGHT, id="half of them is no repetition"),
            pytest.param(
                papers(100, 10) + CROSS_LISTED * 2 + SIBLINGS,
                state(),
                Reading.REPEATED,
                id="the same papers among many cross-lists from current siblings",
            ),
            pytest.param(
                papers(700, 6, "cs.AI", "cs.LG") + papers(200, 3),
                state(watermark=tuple(one.key for one in papers(100, 3) + papers(700, 6)), alone=3),
                Reading.BROUGHT,
                id="cross-lists that a stale sibling repeats, and papers of its own",
            ),
            pytest.param(
                papers(700, 6, "cs.AI", "cs.LG"),
                state(watermark=tuple(one.key for one in papers(700, 8)), alone=0),
                Reading.REPEATED,
                id="cross-lists where there never was anything else",
            ),
            pytest.param(
                papers(100, 10, version=2, is_new=False), state(), Reading.BROUGHT, id="new versions of the same papers"
            ),
            pytest.param(
                papers(50, 9, known_in=frozenset(["cs.AI"])),
                state(),
                Reading.REPEATED,
                id="papers of a mailing before the last one",
            ),
            pytest.param(
                papers(50, 9, known_in=frozenset(["cs.LG"])), state(), Reading.BROUGHT, id="papers that cs.LG knew"
            ),
            pytest.param([], state(), Reading.EMPTY, id="nothing where there was much"),
            pytest.param(SIBLINGS, state(), Reading.EMPTY, id="papers of others only"),
            pytest.param(CROSS_LISTED + SIBLINGS, state(), Reading.EMPTY, id="cross-lists of others only"),
            pytest.param(CROSS_LISTED + SIBLINGS, UNKNOWN, Reading.EMPTY, id="the same, never asked before"),
            pytest.param([], state(alone=2), Reading.QUIET, id="nothing where there was little"),
            pytest.param([], UNKNOWN, Reading.QUIET, id="nothing where nothing is known"),
            pytest.param(
                CROSS_LISTED[:2] + SIBLINGS, state(alone=1), Reading.BROUGHT, id="a few cross-lists in a small category"
            ),
            pytest.param(papers(400, 9) + SIBLINGS, UNKNOWN, Reading.BEHIND, id="submitted before all siblings'"),
            pytest.param(papers(505, 9) + SIBLINGS, UNKNOWN, Reading.BROUGHT, id="submitted among the siblings'"),
            pytest.param(papers(400, 4) + SIBLINGS, UNKNOWN, Reading.BROUGHT, id="too few to compare"),
        ],
    )
    def test_content_tells(self, listed: list[Listed], before: CategoryState, expected: Reading) -> None:
        assert read(listed, before=before) is expected

    def test_the_same_mailing_again_is_no_repetition(self) -> None:
        assert read(papers(100, 10), mailing=WEDNESDAY) is Reading.BROUGHT

    def test_a_feed_of_an_earlier_day_says_nothing_new(self) -> None:
        assert read(papers(50, 10), mailing=WEDNESDAY - timedelta(days=1)) is Reading.QUIET

    @given(st.lists(st.sampled_from(papers(95, 12) + SIBLINGS + CROSS_LISTED), unique=True), st.randoms())
    def test_the_order_of_entries_makes_no_difference(self, listed: list[Listed], random: Any) -> None:
        shuffled = list(listed)
        random.shuffle(shuffled)
        assert read(shuffled) is read(listed)


def stood(reading: Reading, listed: Iterable[Listed] = (), **changes: Any) -> CategoryState:
    usual = {"before": state(), "mailing": THURSDAY, "now": NOON, "since": SINCE, "is_whole": True}
    values: dict[str, Any] = {**usual, **changes}
    return stand(values.pop("before"), reading, list(listed), **values)


class TestStanding:
    def test_a_mailing_that_came_is_the_new_watermark_and_complete(self) -> None:
        after = stood(Reading.BROUGHT, [*papers(200, 2), paper(300, "cs.AI", "cs.LG"), *SIBLINGS])
        assert (after.mailing, after.watermark, after.alone, after.complete, after.stale_because) == (
            THURSDAY,
            ("2603.00200v1", "2603.00201v1", "2603.00300v1"),
            2,
            ((THURSDAY, 3),),
            None,
        )

    @pytest.mark.parametrize(
        ("reading", "because"),
        [
            (Reading.REPEATED, "arXiv repeats an earlier mailing instead of that of 2026-03-05."),
            (Reading.BEHIND, "arXiv shows papers from before the mailing of 2026-03-05."),
            (Reading.EMPTY, "arXiv lists no papers of its own in the mailing of 2026-03-05."),
        ],
    )
    def test_a_stale_category_keeps_its_watermark_and_says_since_when(self, reading: Reading, because: str) -> None:
        after = stood(reading, papers(100, 10))
        assert after == replace(state(), stale_since=NOON, stale_because=because)

    def test_it_stays_stale_since_the_first_time_and_for_the_first_reason(self) -> None:
        first = stood(Reading.BEHIND)
        later = stood(Reading.REPEATED, before=first, now=NOON + timedelta(hours=1))
        assert (later.stale_since, later.stale_because) == (NOON, first.stale_because)

    def test_another_day_brings_another_reason(self) -> None:
        friday = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
        later = stood(Reading.EMPTY, before=stood(Reading.REPEATED), mailing=FRIDAY, now=friday)
        assert (later.stale_since, later.stale_because) == (
            NOON,
            "arXiv lists no papers of its own in the mailing of 2026-03-06.",
        )

    def test_when_it_moves_it_is_stale_no_more(self) -> None:
        after = stood(Reading.BROUGHT, papers(200, 9), before=stood(Reading.REPEATED))
        assert (after.stale_since, after.stale_because) == (None, None)

    def test_a_feed_of_yesterday_is_stale_on_a_mailing_day(self) -> None:
        after = stood(Reading.BROUGHT, papers(100, 10), mailing=WEDNESDAY)
        assert after.stale_because == "arXiv still shows the mailing of 2026-03-04 instead of that of 2026-03-05."

    def test_a_feed_of_an_earlier_mailing_or_an_empty_one_of_the_stored_mailing_is_stale_too(self) -> None:
        """Nothing can be read of it that was not known."""
        told = [stood(Reading.QUIET, mailing=mailing).stale_because for mailing in (date(2026, 3, 3), WEDNESDAY)]
        assert told == [
            "arXiv still shows the mailing of 2026-03-03 instead of that of 2026-03-05.",
            "arXiv still shows the mailing of 2026-03-04 instead of that of 2026-03-05.",
        ]

    def test_it_is_not_any_more_once_the_feed_of_the_day_is_there_though_a_small_category_has_nothing_in_it(
        self,
    ) -> None:
        before = stood(Reading.QUIET, before=state(alone=1), mailing=WEDNESDAY)
        after = stood(Reading.QUIET, before=before)
        assert (before.stale_because is None, after.stale_because, after.stale_since) == (False, None, None)

    @pytest.mark.parametrize(
        "now",
        [
            pytest.param(datetime(2026, 3, 7, 17, 0, tzinfo=UTC), id="Saturday"),
            pytest.param(datetime(2026, 1, 20, 17, 0, tzinfo=UTC), id="the day after a holiday"),
            pytest.param(datetime(2027, 11, 26, 17, 0, tzinfo=UTC), id="the day after what is a holiday in most years"),
        ],
    )
    @pytest.mark.parametrize("reading", [Reading.REPEATED, Reading.EMPTY, Reading.QUIET])
    def test_silence_on_a_day_without_a_mailing_is_no_alarm(self, now: datetime, reading: Reading) -> None:
        assert stood(reading, now=now).stale_because is None

    def test_before_midnight_in_new_york_yesterday_s_mailing_is_the_newest(self) -> None:
        before_midnight = datetime(2026, 3, 5, 4, 59, tzinfo=UTC)  # Wednesday 23:59 Eastern
        assert stood(Reading.BROUGHT, papers(100, 10), mailing=WEDNESDAY, now=before_midnight).stale_because is None

    def test_a_small_category_may_be_silent(self) -> None:
        assert stood(Reading.QUIET, before=state(alone=1)).stale_because is None

    def test_a_date_in_the_future_is_taken_as_today(self) -> None:
        assert stood(Reading.BROUGHT, papers(200, 9), mailing=date(2026, 3, 9)).mailing == THURSDAY

    def test_more_of_the_same_mailing_adds_to_the_watermark(self) -> None:
        first = stood(Reading.BROUGHT, papers(200, 2))
        second = stood(Reading.BROUGHT, papers(202, 1), before=first)
        assert (len(second.watermark), second.complete) == (3, ((THURSDAY, 3),))

    def test_an_unchanged_feed_is_a_repetition_once_the_next_mailing_is_due(self) -> None:
        thursday = stood(Reading.BROUGHT, papers(200, 9))
        friday = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
        assert [
            stand_unchanged(thursday, now=NOON).stale_because,
            stand_unchanged(thursday, now=friday).stale_because,
        ] == [None, "arXiv repeats an earlier mailing instead of that of 2026-03-06."]

    def test_the_first_mailing_that_is_ever_read_may_be_an_earlier_one(self) -> None:
        listed = papers(1, 20, "cs.AI")
        first = stood(Reading.BROUGHT, listed, before=CategoryState("cs.AI"))
        assert (first.mailing, find_gaps(first, now=NOON, days_back=1)) == (THURSDAY, (THURSDAY,))

    def test_a_mailing_of_which_nothing_was_alone_is_not_known_to_be_complete(self) -> None:
        siblings_too = [paper(300, "cs.AI", "cs.LG"), paper(301, "cs.AI", "cs.LG")]
        after = stood(Reading.BROUGHT, [*siblings_too, *SIBLINGS])
        assert (after.mailing, find_gaps(after, now=NOON, days_back=1)) == (THURSDAY, (THURSDAY,))
        after = stood(Reading.BROUGHT, [*siblings_too, paper(302, "cs.AI"), *SIBLINGS])
        assert find_gaps(after, now=NOON, days_back=1) == ()

    @pytest.mark.parametrize(
        ("usual", "papers_now", "is_complete"),
        [((20, 24, 30), 12, True), ((20, 24, 30), 11, False), ((20, 24), 1, True), ((20, 24, 1, 0, 30), 11, False)],
        ids=["half of the usual", "less", "too few are known", "mailings that were filled in do not count"],
    )
    def test_a_mailing_with_much_less_than_usual_is_not_known_to_be_complete(
        self, usual: Sequence[int], papers_now: int, is_complete: bool
    ) -> None:
        """arXiv may have given out a part of its feed, which looks like a whole one."""
        days = [date(2026, 2, 23) + timedelta(days=place) for place in range(len(usual))]
        before = state(complete=tuple(zip(days, usual, strict=True)))
        after = stood(Reading.BROUGHT, papers(300, papers_now), before=before)
        assert find_gaps(after, now=NOON, days_back=1) == (() if is_complete else (THURSDAY,))


class TestRefused:
    def test_a_category_that_is_refused_keeps_what_is_known_and_is_stale_for_what_arxiv_said(self) -> None:
        after = stand_refused(state(), "arXiv says: Bad subject class.", now=NOON, since=THURSDAY)
        because = "arXiv refuses it (arXiv says: Bad subject class)."
        assert after == replace(state(), is_refused=True, stale_since=NOON, stale_because=because)

    def test_it_is_stale_since_the_first_time_and_told_at_once_whatever_was_told_before(self) -> None:
        first = stood(Reading.REPEATED)
        after = stand_refused(first, "arXiv answered 404 Not Found", now=NOON + timedelta(hours=1), since=SINCE)
        assert (after.stale_since, after.stale_because) == (NOON, "arXiv refuses it (arXiv answered 404 Not Found).")

    def test_it_is_not_stale_while_it_has_the_newest_mailing(self) -> None:
        after = stand_refused(state(mailing=THURSDAY), "arXiv says: no.", now=NOON, since=SINCE)
        assert (after.is_refused, after.stale_since, after.stale_because) == (True, None, None)

    def test_it_is_stale_no_more_once_its_newest_mailing_is_complete(self) -> None:
        first = stand_refused(state(), "arXiv says: no.", now=NOON, since=SINCE)
        healed = complete(first, {THURSDAY: 9}, now=NOON)
        again = stand_refused(healed, "arXiv says: no.", now=NOON, since=SINCE)
        assert [again, stand_healed(healed, now=NOON)] == [replace(healed, stale_since=None, stale_because=None)] * 2

    def test_it_is_stale_again_when_the_next_mailing_is_due(self) -> None:
        healed = complete(state(is_refused=True), {THURSDAY: 9}, now=NOON)
        friday = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
        assert stand_refused(healed, "arXiv says: no.", now=friday, since=SINCE).stale_since == friday

    def test_a_category_that_was_never_answered_for_has_a_gap_in_each_mailing_that_is_due(self) -> None:
        after = stand_refused(UNKNOWN, "arXiv says: no.", now=NOON, since=WEDNESDAY)
        assert (after.since, after.stale_since, find_gaps(after, now=NOON, days_back=7)) == (
            WEDNESDAY,
            NOON,
            (WEDNESDAY, THURSDAY),
        )

    @pytest.mark.parametrize("reading", [Reading.BROUGHT, Reading.QUIET])
    def test_when_it_is_answered_for_again_it_is_refused_and_stale_no_more(self, reading: Reading) -> None:
        refused = stand_refused(state(alone=1), "arXiv says: no.", now=NOON, since=SINCE)
        after = stood(reading, papers(200, 9) if reading is Reading.BROUGHT else (), before=refused)
        assert (after.is_refused, after.stale_since, after.stale_because) == (False, None, None)


class TestGaps:
    def test_each_mailing_that_is_meant_to_be_complete_and_is_not_is_a_gap(self) -> None:
        known = state(complete=((date(2026, 3, 2), 9), (WEDNESDAY, 10)))
        assert find_gaps(known, now=NOON, days_back=7) == (SINCE, date(2026, 3, 3), THURSDAY)

    def test_what_lies_before_the_window_or_before_it_was_followed_is_none(self) -> None:
        assert (
            find_gaps(state(since=WEDNESDAY), now=NOON, days_back=7),
            find_gaps(state(), now=NOON, days_back=1),
        ) == ((WEDNESDAY, THURSDAY), (THURSDAY,))

    def test_days_without_a_mailing_are_none(self) -> None:
        known = state(since=date(2026, 1, 16), complete=())
        after_holiday = datetime(2026, 1, 21, 17, 0, tzinfo=UTC)
        assert find_gaps(known, now=after_holiday, days_back=7) == (
            date(2026, 1, 16),
            date(2026, 1, 19),
            date(2026, 1, 21),
        )

    def test_a_mailing_of_which_the_store_has_nothing_any_more_is_one_again(self) -> None:
        known = state(complete=((WEDNESDAY, 10), (THURSDAY, 0)))
        assert forget_lost(known, frozenset()).complete == ((THURSDAY, 0),)  # there was nothing in it

    def test_what_is_long_over_is_forgotten(self) -> None:
        old = THURSDAY - LONGEST_MEMORY - timedelta(days=1)
        assert complete(state(complete=((old, 3),)), {THURSDAY: 4}, now=NOON).complete == ((THURSDAY, 4),)


@needs_recordings
@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-03-05", {}),
        ("2026-04-21", {"cs.AI": Reading.BEHIND}),
        ("2026-05-04", {"cs.AI": Reading.EMPTY}),
        ("2026-05-19", {}),
        ("2026-06-16", {}),
    ],
)
@pytest.mark.parametrize("is_combined", [False, True], ids=["separate feeds", "one combined feed"])
def test_the_stale_days_that_were_recorded_are_told_from_the_others_at_first_sight(
    day: str, expected: dict[str, Reading], is_combined: bool
) -> None:
    """With nothing stored yet; where the day before is known, its repetition tells too."""
    folder = RECORDED / "reconstructed" / day
    names = ("cs.AI", "cs.CL", "cs.DC", "cs.LG")
    feeds = tuple(parse_announcements((folder / f"{name}.xml").read_bytes()) for name in names)
    if is_combined:
        entries = tuple(entry for feed in feeds for entry in feed.entries)
        feeds = (replace(feeds[-1], entries=entries),)
    noon = datetime.combine(date.fromisoformat(day), NOON.timetz())
    decision = decide(Announced(feeds, requests=1), {}, [CategoryState(name) for name in names], now=noon)
    stale = {one.category for one in decision.standing if one.stale_because}
    assert stale == set(expected)


@needs_recordings
def test_the_recorded_stale_feed_repeats_nothing_after_the_day_that_it_is_of() -> None:
    """On 2026-04-21 the feed of cs.AI was that of the day before, under the new date."""
    folder = RECORDED / "reconstructed" / "2026-04-21"
    names = ("cs.AI", "cs.CL", "cs.DC", "cs.LG")
    feeds = {name: parse_announcements((folder / f"{name}.xml").read_bytes()) for name in names}
    monday, tuesday = date(2026, 4, 20), date(2026, 4, 21)
    first = decide(
        Announced((replace(feeds["cs.AI"], mailing=monday),), requests=1),
        {},
        [CategoryState(name) for name in names],
        now=datetime(2026, 4, 20, 17, 0, tzinfo=UTC),
    )
    stored = {
        paper.id: PaperRecord(paper, tuple(one for one in first.changes.announcements if one.paper_id == paper.id))
        for paper in first.changes.papers
    }
    second = decide(
        Announced(tuple(feeds.values()), requests=1),
        stored,
        first.standing,
        now=datetime(2026, 4, 21, 17, 0, tzinfo=UTC),
    )
    assert {one.category: bool(one.stale_because) for one in second.standing} == {
        name: name == "cs.AI" for name in names
    }
    only_stale = {
        entry.paper.id for entry in feeds["cs.AI"].entries if set(names) & set(entry.paper.categories) == {"cs.AI"}
    }
    assert only_stale.isdisjoint(one.paper_id for one in second.changes.announcements)
    assert {one.mailing for one in second.changes.announcements} == {tuesday}
    assert (first.ledger.is_balanced, second.ledger.is_balanced) == (True, True)
