"""Which papers a selection lists, in what order, under which mailing, and why the others are not listed."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import catalogue, waiting
from core.catalogue import (
    LEDGER,
    Catalogue,
    Outcome,
    Selected,
    Selection,
    Verdict,
    build_feed,
    describe,
    rank_key,
    select,
)
from core.errors import Overloaded, UnknownPaper
from core.mailings import mailing_moment
from core.papers import Announcement, AnnounceType, Author
from core.profiles import Keyword, Profile
from core.query import parse_query
from core.rarity import group_of
from core.shelf import Shelf
from core.store.records import Changes, Frequencies, PaperRecord, Revision
from core.store.sqlite import SqliteStore
from core.summaries.attempts import Attempt, Key, Summary
from tests.builders import feed, paper

NEW, CROSS, REPLACE, REPLACE_CROSS = AnnounceType
WEDNESDAY, THURSDAY, FRIDAY = date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6)
NOW = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)
Types = Mapping[str, AnnounceType]
T = TypeVar("T")


def profile(**changes: Any) -> Profile:
    """A profile of cs.LG that wants what is worth a point, by the terms alpha, beta and gamma."""
    values: dict[str, Any] = {
        "name": "default",
        "categories": ("cs.LG",),
        "keywords": (Keyword("alpha"), Keyword("beta"), Keyword("gamma")),
        "ranking": "count",
        "min_score": 1.0,
    }
    return Profile(**{**values, **changes})


def selection(*, mailing: date | None = None, limit: int = catalogue.MAX_ITEMS, **changes: Any) -> Selection:
    return Selection("default", profile(**changes), mailing, limit)


def record(
    number: int = 1, *told: tuple[date, Types] | tuple[date, Types, int], abstract: str = "alpha", **changes: Any
) -> PaperRecord:
    """Paper *number*, new in cs.LG on THURSDAY where *told* says nothing; its abstract is worth a point."""
    known = paper(id=f"2603.{number:05}", title="A Title", abstract=abstract, **changes)
    announcements = tuple(
        Announcement(mailing, known.id, version[0] if version else 1, tuple(types.items()))
        for mailing, types, *version in (told or ((THURSDAY, {"cs.LG": NEW}),))
    )
    return PaperRecord(known, announcements)


def selected(chosen: Selection, *records: PaperRecord) -> Selected:
    return select(chosen, Shelf(records), Revision())


def judged(chosen: Selection, *records: PaperRecord) -> tuple[Verdict, ...]:
    return tuple(selected(chosen, *records).verdicts)


def verdict(chosen: Selection, one: PaperRecord) -> Verdict:
    (found,) = judged(chosen, one)
    return found


def listed(verdicts: Iterable[Verdict]) -> list[int]:
    """The numbers of the listed papers, in feed order."""
    return [int(one.item.paper.id[-5:]) for one in verdicts if one.outcome is Outcome.LISTED]


def outcomes(verdicts: Iterable[Verdict]) -> dict[int, Outcome]:
    return {int(one.item.paper.id[-5:]): one.outcome for one in verdicts}


class TestCounts:
    def test_a_mailing_counts_all_that_it_announced(self) -> None:
        """Of three papers of FRIDAY one is new, one a replacement and one cross-listed, both listed on THURSDAY."""
        records = [
            record(1, (FRIDAY, {"cs.LG": NEW})),
            record(2, (THURSDAY, {"cs.LG": NEW}), (FRIDAY, {"cs.LG": REPLACE}, 2)),
            record(3, (THURSDAY, {"cs.LG": NEW}), (FRIDAY, {"cs.AI": CROSS})),
        ]
        chosen = selection(categories=("cs.LG", "cs.AI"))
        counted = {outcome: number for outcome, number in selected(chosen, *records).count(FRIDAY).items() if number}
        assert counted == {Outcome.LISTED: 1, Outcome.ANNOUNCE_TYPE: 1, Outcome.OTHER_MAILING: 1}


class TestIdentity:
    def test_a_version_that_is_not_wanted_leaves_the_entry_as_it_was(self) -> None:
        chosen = selection(categories=("cs.AI",), announce_types=(NEW, CROSS, REPLACE))
        changed = record(1, (THURSDAY, {"cs.AI": CROSS}), (FRIDAY, {"cs.AI": REPLACE_CROSS}, 2), version=2)
        item = verdict(chosen, changed).item
        assert (item.mailing, item.guid, item.link) == (
            THURSDAY,
            "https://arxiv.org/abs/2603.00001v1",
            "https://arxiv.org/abs/2603.00001v1",
        )


class TestOutcomes:
    @pytest.mark.parametrize(
        ("chosen", "one", "outcome", "detail"),
        [
            pytest.param(selection(), record(), Outcome.LISTED, "", id="enough points"),
            pytest.param(selection(min_score=0.0), record(abstract="none"), Outcome.LISTED, "", id="none needed"),
            pytest.param(
                selection(keywords=(), min_score=0.0), record(abstract="none"), Outcome.LISTED, "", id="no terms"
            ),
            pytest.param(selection(), record(abstract="none"), Outcome.NO_MATCH, "", id="no match"),
            pytest.param(
                selection(min_score=2.5),
                record(abstract="alpha beta"),
                Outcome.BELOW_MIN_SCORE,
                "2 of 2.5 points",
                id="too few points",
            ),
            pytest.param(selection(min_score=2.0), record(abstract="alpha beta"), Outcome.LISTED, "", id="just enough"),
            pytest.param(
                selection(exclude_keywords=("survey", "review")),
                record(abstract="alpha: a review of surveys"),
                Outcome.EXCLUDED,
                "survey, review",
                id="excluded by each of its terms",
            ),
            pytest.param(
                selection(exclude_keywords=("survey",)),
                record(1, (THURSDAY, {"cs.LG": REPLACE}), abstract="a survey"),
                Outcome.ANNOUNCE_TYPE,
                "announced as replace",
                id="the type is looked at first",
            ),
            pytest.param(
                selection(exclude_keywords=("survey",)),
                record(abstract="a survey"),
                Outcome.EXCLUDED,
                "survey",
                id="exclusions before points",
            ),
            pytest.param(
                selection(announce_types=(NEW,)),
                record(1, (THURSDAY, {"cs.LG": CROSS})),
                Outcome.ANNOUNCE_TYPE,
                "announced as cross",
                id="crosses are not wanted",
            ),
        ],
    )
    def test_a_paper_is_listed_or_filtered_for_one_reason(
        self, chosen: Selection, one: PaperRecord, outcome: Outcome, detail: str
    ) -> None:
        found = verdict(chosen, one)
        assert (found.outcome, found.detail) == (outcome, detail)

    def test_a_paper_of_other_categories_has_no_verdict(self) -> None:
        assert judged(selection(), record(1, (THURSDAY, {"cs.AI": NEW}), categories=("cs.AI", "cs.LG"))) == ()

    def test_an_item_has_its_score_with_reasons(self) -> None:
        item = verdict(selection(authors=(Keyword("Knuth", 3),)), record(authors=(Author("D. Knuth"),))).item
        assert [str(reason) for reason in item.score.reasons] == ["Knuth 3 (authors)", "alpha 1"]


class TestListing:
    def test_each_category_says_what_the_mailing_said_in_which_the_paper_stands(self) -> None:
        told = record(
            1,
            (WEDNESDAY, {"cs.LG": NEW}),
            (THURSDAY, {"cs.AI": CROSS}),
            (FRIDAY, {"cs.LG": REPLACE, "cs.AI": REPLACE}, 2),
            categories=("cs.LG", "cs.AI"),
        )
        shown = verdict(selection(categories=("cs.LG",)), told).item
        assert (shown.announce_type, shown.announce_types) == (NEW, (("cs.LG", NEW), ("cs.AI", CROSS)))
        replaced = verdict(selection(categories=("cs.LG",), announce_types=(REPLACE,)), told).item
        assert replaced.announce_types == (("cs.LG", REPLACE), ("cs.AI", REPLACE))

    """A paper is listed under one mailing."""

    def test_the_first_mailing_with_a_wanted_type_is_it(self) -> None:
        one = record(1, (WEDNESDAY, {"cs.LG": REPLACE}), (THURSDAY, {"cs.LG": CROSS}), (FRIDAY, {"cs.LG": NEW}))
        item = verdict(selection(), one).item
        assert (item.mailing, item.announce_type) == (THURSDAY, CROSS)

    def test_a_replacement_moves_no_item_of_a_profile_that_does_not_want_it(self) -> None:
        one = record(1, (WEDNESDAY, {"cs.LG": NEW}), (FRIDAY, {"cs.LG": REPLACE}, 2), version=2)
        item = verdict(selection(), one).item
        assert (item.mailing, item.guid, item.link) == (
            WEDNESDAY,
            "https://arxiv.org/abs/2603.00001",
            "https://arxiv.org/abs/2603.00001",
        )

    def test_where_replacements_are_wanted_it_is_the_latest_with_the_version_in_its_address(self) -> None:
        one = record(1, (WEDNESDAY, {"cs.LG": NEW}), (FRIDAY, {"cs.LG": REPLACE}, 2), version=2)
        item = verdict(selection(announce_types=(NEW, REPLACE)), one).item
        assert (item.mailing, item.announce_type, item.guid, item.link) == (
            FRIDAY,
            REPLACE,
            "https://arxiv.org/abs/2603.00001v2",
            "https://arxiv.org/abs/2603.00001v2",
        )

    def test_a_version_that_is_cross_listed_later_is_no_news_where_replacements_are_wanted(self) -> None:
        both = ("cs.AI", "cs.LG")
        one = record(1, (WEDNESDAY, {"cs.AI": NEW}), (FRIDAY, {"cs.LG": CROSS}), categories=both)
        wanted = selection(categories=both, announce_types=(NEW, CROSS, REPLACE))
        item = verdict(wanted, one).item
        assert (item.mailing, item.announce_type, item.guid) == (WEDNESDAY, NEW, "https://arxiv.org/abs/2603.00001v1")

    def test_without_a_wanted_type_it_is_the_latest(self) -> None:
        one = record(1, (WEDNESDAY, {"cs.LG": REPLACE}), (FRIDAY, {"cs.LG": REPLACE}))
        assert verdict(selection(), one).item.mailing == FRIDAY

    def test_only_the_categories_of_the_profile_count(self) -> None:
        one = record(1, (WEDNESDAY, {"cs.AI": NEW}), (FRIDAY, {"cs.LG": CROSS}), categories=("cs.AI", "cs.LG"))
        item = verdict(selection(), one).item
        assert (item.mailing, item.announce_type, item.announce_types) == (
            FRIDAY,
            CROSS,
            (("cs.AI", NEW), ("cs.LG", CROSS)),
        )

    def test_of_several_types_in_one_mailing_the_best_wanted_one_counts(self) -> None:
        one = record(1, (THURSDAY, {"cs.AI": NEW, "cs.LG": CROSS}), categories=("cs.AI", "cs.LG"))
        types = [
            verdict(selection(categories=("cs.AI", "cs.LG"), announce_types=wanted), one).item.announce_type
            for wanted in ((NEW, CROSS), (CROSS,))
        ]
        assert types == [NEW, CROSS]

    def test_it_is_published_with_its_mailing_and_updated_with_the_newest_that_changed_it(self) -> None:
        one = record(1, (WEDNESDAY, {"cs.LG": NEW}), (FRIDAY, {"cs.LG": REPLACE}, 2), version=2)
        item = verdict(selection(), one).item
        assert (item.published, item.updated) == (
            datetime(2026, 3, 4, 5, 0, tzinfo=UTC),
            datetime(2026, 3, 6, 5, 0, tzinfo=UTC),
        )

    @pytest.mark.parametrize(
        ("summary", "updated"),
        [
            pytest.param(Summary("A sentence.", "", (), "model", "html", "2"), NOW, id="a summary"),
            pytest.param(None, mailing_moment(THURSDAY), id="the reason why there is none"),
        ],
    )
    def test_it_is_updated_with_its_summary_and_not_with_an_attempt(
        self, summary: Summary | None, updated: datetime
    ) -> None:
        attempt = Attempt(Key(1, "model", "1", "zh", "html"), NOW, summary=summary)
        (item,) = selected(selection(), record()).verdicts.show({record().paper.id: (attempt,)}).items
        assert (item.attempt, item.updated) == (attempt, updated)


def on(number: int, mailing: date, abstract: str = "alpha") -> PaperRecord:
    """Paper *number*, new in cs.LG on *mailing*."""
    return record(number, (mailing, {"cs.LG": NEW}), abstract=abstract)


class TestWindow:
    @pytest.mark.parametrize(
        ("days_back", "numbers"),
        [
            pytest.param(1, [3], id="the newest alone"),
            pytest.param(2, [3, 2], id="and the day before"),
            pytest.param(3, [3, 2, 1], id="calendar days"),
        ],
    )
    def test_days_back_counts_from_the_newest_mailing_and_includes_it(self, days_back: int, numbers: list[int]) -> None:
        records = (on(1, WEDNESDAY), on(2, THURSDAY), on(3, FRIDAY))
        assert listed(judged(selection(days_back=days_back), *records)) == numbers

    def test_it_counts_from_the_newest_mailing_of_these_categories(self) -> None:
        other = record(2, (FRIDAY, {"cs.AI": NEW}), categories=("cs.AI",))
        assert listed(judged(selection(days_back=1), on(1, WEDNESDAY), other)) == [1]

    def test_papers_of_other_days_have_no_verdict(self) -> None:
        assert outcomes(judged(selection(days_back=1), on(1, WEDNESDAY), on(2, FRIDAY))) == {2: Outcome.LISTED}

    def test_one_mailing_can_be_asked_for_whatever_days_back_says(self) -> None:
        chosen = selection(days_back=1, mailing=WEDNESDAY)
        assert outcomes(judged(chosen, on(1, WEDNESDAY), on(2, FRIDAY))) == {1: Outcome.LISTED}

    def test_a_mailing_of_replacements_alone_counts(self) -> None:
        replaced = record(1, (WEDNESDAY, {"cs.LG": NEW}), (FRIDAY, {"cs.LG": REPLACE}, 2), version=2)
        assert listed(judged(selection(days_back=2), replaced, on(2, THURSDAY))) == [2]

    def test_filtered_papers_count_as_a_mailing(self) -> None:
        assert listed(judged(selection(days_back=1), on(1, THURSDAY), on(2, FRIDAY, "none"))) == []


class TestRepetition:
    """By relevance, a paper that says much the same as an earlier one loses half of its points."""

    TWICE = (
        record(1, (THURSDAY, {"cs.LG": NEW}), abstract="alpha and nothing else"),
        record(2, (FRIDAY, {"cs.LG": NEW}), abstract="alpha and nothing else"),
    )

    def scores(self, *records: PaperRecord, **changes: Any) -> list[float]:
        chosen = selection(**{"ranking": "relevance", "min_score": 0.0, **changes})
        return [one.item.score.value for one in judged(chosen, *records)]

    def test_the_later_one_says_which_it_repeats(self) -> None:
        later, earlier = (
            [str(reason) for reason in one.item.score.reasons]
            for one in judged(selection(ranking="relevance", min_score=0.0), *self.TWICE)
        )
        assert (len(earlier), later[-1].startswith("much the same as 2603.00001 -")) == (1, True)

    def test_it_is_listed_all_the_same(self) -> None:
        assert listed(judged(selection(ranking="relevance", min_score=0.0), *self.TWICE)) == [2, 1]

    def test_it_has_half_of_the_points(self) -> None:
        later, earlier = self.scores(*self.TWICE)
        assert later == pytest.approx(earlier / 2, abs=0.01)

    def test_it_loses_nothing_where_the_other_one_is_not_listed(self) -> None:
        (alone,) = self.scores(self.TWICE[1])
        found = self.scores(*self.TWICE, days_back=1)
        assert found == [alone]

    def test_what_it_loses_is_counted_in_whole_hundredths(self) -> None:
        assert self.scores(*self.TWICE, keywords=(), authors=(Keyword("Lovelace", 0.01),)) == [0.02, 0.03]

    def test_one_without_points_loses_none_and_says_nothing_of_it(self) -> None:
        chosen = selection(ranking="relevance", min_score=0.0, keywords=())
        assert [one.item.score.reasons for one in judged(chosen, *self.TWICE)] == [(), ()]

    def test_it_has_the_same_points_however_few_a_feed_is_asked_for(self) -> None:
        whole = self.scores(*self.TWICE)
        assert self.scores(*self.TWICE, limit=1)[:1] == whole[:1]

    def test_it_loses_nothing_where_the_other_one_has_too_few_points(self) -> None:
        dull = record(1, (THURSDAY, {"cs.LG": NEW}), abstract="alpha and nothing else")
        better = record(2, (FRIDAY, {"cs.LG": NEW}), abstract="alpha alpha alpha and nothing else")
        least = (self.scores(dull)[0] + self.scores(better)[0]) / 2
        chosen = selection(ranking="relevance", min_score=least)
        assert listed(judged(chosen, dull, better)) == [2]

    def test_it_loses_nothing_where_the_other_one_was_over_the_cap(self) -> None:
        others = (Author("Somebody Else"),)
        shown = [record(number, abstract="alpha " * number, authors=others) for number in (3, 4)]
        alone = self.scores(self.TWICE[1])
        assert self.scores(*self.TWICE, *shown, max_papers=1)[:1] == alone

    def test_what_repeats_one_that_is_not_listed_for_repeating_loses_nothing(self) -> None:
        told = [
            (1, WEDNESDAY, "One", "alpha walks on cubes with coins"),
            (2, THURSDAY, "One", "alpha decodes trees by drafts"),
            (3, FRIDAY, "Other", "alpha decodes trees by drafts"),
        ]
        first, second, third = (
            replace(one, paper=replace(one.paper, title=title))
            for number, day, title, text in told
            for one in [record(number, (day, {"cs.LG": NEW}), abstract=text)]
        )
        least = 0.8 * min(self.scores(one)[0] for one in (first, second, third))
        verdicts = judged(selection(ranking="relevance", min_score=least), first, second, third)
        assert listed(verdicts) == [3, 1]
        assert ["duplicate" in {reason.field for reason in one.item.score.reasons} for one in verdicts] == [
            False,
            True,
            False,
        ]

    def test_hundreds_that_say_the_same_are_told_apart_in_a_moment(self) -> None:
        """Each that loses points makes room for the next one, which loses some too."""
        same = [record(number, abstract="alpha " * (1 + number % 3)) for number in range(1, 151)]
        chosen = selection(ranking="relevance", min_score=0.0, max_papers=9)
        found = judged(chosen, *same)
        halved = [one.item.paper.id for one in found if one.item.score.reasons[-1].field == "duplicate"]
        assert len(listed(found)) == 9
        assert len(halved) >= 8

    def test_of_three_the_third_repeats_the_second_where_the_first_is_excluded(self) -> None:
        excluded = record(1, (WEDNESDAY, {"cs.LG": NEW}), abstract="alpha and nothing else but one survey")
        third = record(3, (FRIDAY, {"cs.LG": NEW}), abstract="alpha and nothing else but")
        second = record(2, (THURSDAY, {"cs.LG": NEW}), abstract="alpha and nothing else but")
        chosen = selection(ranking="relevance", min_score=0.0, exclude_keywords=("survey",))
        told = {
            one.item.paper.id[-1]: str(one.item.score.reasons[-1]) for one in judged(chosen, excluded, second, third)
        }
        assert told["3"].startswith("much the same as 2603.00002 -")
        assert "same" not in told["2"]

    def test_one_that_comes_in_where_another_lost_its_place_is_a_repetition_too(self) -> None:
        first, second = "alpha alpha alpha one two three four five", "alpha alpha six seven eight nine ten"
        texts = {1: first, 2: first, 3: second, 4: second}
        records = [record(number, abstract=text, authors=(Author(text.split()[-1]),)) for number, text in texts.items()]
        chosen = selection(ranking="relevance", min_score=0.0, max_papers=3)
        told = {
            one.item.paper.id[-1]: str(one.item.score.reasons[-1]).startswith("much the same")
            for one in judged(chosen, *records)
        }
        assert told == {"1": False, "2": True, "3": False, "4": True}

    def test_the_origin_s_rule_knows_nothing_of_it(self) -> None:
        assert self.scores(*self.TWICE, ranking="count") == [1.0, 1.0]


class TestOrderAndCaps:
    def test_newest_mailing_first_best_first_within_then_the_newer_identifier(self) -> None:
        records = (
            on(1, THURSDAY),
            on(2, THURSDAY, "alpha beta gamma"),
            on(3, FRIDAY),
            on(4, FRIDAY, "alpha beta"),
            on(5, FRIDAY),
        )
        assert listed(judged(selection(), *records)) == [4, 5, 3, 2, 1]

    def test_identifiers_are_compared_by_when_arxiv_gave_them(self) -> None:
        newest_first = (
            "2603.00002",
            "2603.00001",
            "1412.99999",
            "1412.0002",
            "0704.0001",
            "hep-th/0703001",
            "math/9901002",
        )
        papers = [paper(id=one, abstract="alpha") for one in sorted(newest_first)]
        records = [PaperRecord(one, (Announcement(FRIDAY, one.id, 1, (("cs.LG", CROSS),)),)) for one in papers]
        assert tuple(one.item.paper.id for one in judged(selection(), *records)) == newest_first

    def test_best_first_puts_points_before_days_and_ties_to_the_newer_mailing(self) -> None:
        records = (on(1, THURSDAY), on(2, THURSDAY, "alpha beta"), on(3, FRIDAY), on(4, FRIDAY))
        best = selected(selection(), *records).best
        assert [int(item.paper.id[-5:]) for item in best] == [2, 4, 3, 1]

    def test_rank_key_agrees_with_the_order_of_the_best(self) -> None:
        best = selected(selection(), on(1, THURSDAY), on(2, FRIDAY)).best
        assert list(best) == sorted(best, key=rank_key)

    def test_each_mailing_keeps_its_best(self) -> None:
        records = (on(1, THURSDAY), on(2, THURSDAY, "alpha beta"), on(3, FRIDAY), on(4, FRIDAY, "alpha beta"))
        verdicts = judged(selection(max_papers=1), *records)
        assert [(one.outcome, one.detail, one.rank) for one in verdicts] == [
            (Outcome.LISTED, "", 1),
            (Outcome.OVER_CAP, "rank 2 of 1", 2),
            (Outcome.LISTED, "", 1),
            (Outcome.OVER_CAP, "rank 2 of 1", 2),
        ]

    def test_what_was_listed_stays_listed_when_the_next_mailing_comes(self) -> None:
        before = judged(selection(max_papers=1), on(1, THURSDAY))
        later = judged(selection(max_papers=1), on(1, THURSDAY), on(2, FRIDAY, "alpha beta gamma"))
        assert (listed(before), listed(later)) == ([1], [2, 1])

    def test_a_filtered_paper_takes_nobodys_place(self) -> None:
        records = (on(1, THURSDAY, "alpha beta survey"), on(2, THURSDAY))
        assert listed(judged(selection(max_papers=1, exclude_keywords=("survey",)), *records)) == [2]

    def test_the_limit_cuts_the_whole_list(self) -> None:
        records = (on(1, THURSDAY), on(2, THURSDAY, "alpha beta"), on(3, FRIDAY), on(4, FRIDAY))
        verdicts = judged(selection(limit=3), *records)
        assert (listed(verdicts), verdicts[-1].outcome, verdicts[-1].detail, verdicts[-1].rank) == (
            [4, 3, 2],
            Outcome.OVER_CAP,
            "place 4 of 3",
            2,
        )


MAILINGS = (date(2026, 2, 27), date(2026, 3, 2), date(2026, 3, 3), WEDNESDAY, THURSDAY, FRIDAY)


@st.composite
def stores(draw: st.DrawFn) -> list[PaperRecord]:
    """Papers as intake stores them: announced in one to three mailings, in some of three categories."""
    records = []
    for number in range(draw(st.integers(0, 12))):
        days = draw(st.lists(st.sampled_from(MAILINGS), min_size=1, max_size=3, unique=True))
        told = [
            (day, draw(st.dictionaries(st.sampled_from(("cs.LG", "cs.AI", "cs.CL")), _types, min_size=1)))
            for day in sorted(days)
        ]
        abstract = " ".join(draw(st.lists(st.sampled_from(("alpha", "beta", "gamma", "survey")), max_size=4)))
        records.append(record(number + 1, *told, abstract=abstract or "none"))
    return records


_types = st.sampled_from(AnnounceType)
selections = st.builds(
    selection,
    mailing=st.none() | st.sampled_from(MAILINGS),
    limit=st.integers(1, 12),
    categories=st.sampled_from((("cs.LG",), ("cs.AI", "cs.CL"))),
    announce_types=st.lists(_types, min_size=1, unique=True).map(tuple),
    exclude_keywords=st.sampled_from(((), ("survey",))),
    min_score=st.sampled_from((0.0, 1.0, 2.0)),
    max_papers=st.integers(1, 4),
    days_back=st.integers(1, 8),
)


quickly = settings(max_examples=50, deadline=None)


class TestProperties:
    @quickly
    @given(stores(), selections)
    def test_every_stored_paper_of_the_categories_and_days_has_exactly_one_verdict(
        self, records: list[PaperRecord], chosen: Selection
    ) -> None:
        everything = judged(replace(chosen, mailing=None, profile=replace(chosen.profile, days_back=30)), *records)
        newest = max(
            (
                each.mailing
                for one in records
                for each in one.announcements
                if each.best_type(chosen.profile.categories) is not None
            ),
            default=date.min,
        )
        days = timedelta(days=chosen.profile.days_back)
        expected = Counter(
            one.item.paper.id
            for one in everything
            if (one.item.mailing == chosen.mailing if chosen.mailing else newest - one.item.mailing < days)
        )
        assert Counter(one.item.paper.id for one in judged(chosen, *records)) == expected

    @quickly
    @given(stores(), selections)
    def test_a_paper_announced_in_a_category_is_never_overlooked(
        self, records: list[PaperRecord], chosen: Selection
    ) -> None:
        whole = replace(chosen, mailing=None, profile=replace(chosen.profile, days_back=30))
        announced = {
            one.paper.id
            for one in records
            if any(each.best_type(chosen.profile.categories) for each in one.announcements)
        }
        assert {one.item.paper.id for one in judged(whole, *records)} == announced

    @quickly
    @given(stores(), selections)
    def test_the_ledger_balances_in_whole_and_by_mailing(self, records: list[PaperRecord], chosen: Selection) -> None:
        found = selected(chosen, *records)
        counts = found.count()
        by_mailing = Counter[Outcome]()
        for mailing in found.mailings:
            by_mailing.update(found.count(mailing))
        by_mailing.subtract(outcome for _, outcome in found.repeats)
        assert (sum(counts.values()), counts[Outcome.LISTED], counts) == (
            len(found.verdicts),
            len(found.items),
            {outcome: by_mailing[outcome] for outcome in LEDGER},
        )

    @quickly
    @given(stores(), selections, st.randoms())
    def test_the_order_of_the_papers_makes_no_difference(
        self, records: list[PaperRecord], chosen: Selection, random: Any
    ) -> None:
        assert judged(chosen, *random.sample(records, len(records))) == judged(chosen, *records)

    @quickly
    @given(stores(), selections)
    def test_no_listed_paper_is_worse_than_one_over_the_cap_of_its_mailing(
        self, records: list[PaperRecord], chosen: Selection
    ) -> None:
        ranked = [one for one in judged(chosen, *records) if one.rank is not None]
        for mailing in {one.item.mailing for one in ranked}:
            same = [one for one in ranked if one.item.mailing == mailing]
            assert [one.rank for one in sorted(same, key=lambda one: rank_key(one.item))] == list(
                range(1, len(same) + 1)
            )


class TestFeed:
    def build(self, *records: PaperRecord, **changes: Any) -> Any:
        chosen = selection(**changes)
        return build_feed(
            chosen,
            selected(chosen, *records),
            title="arXiv: cs.LG",
            addresses=feed().addresses,
            notices=("Sample data.",),
        )

    def test_it_lists_what_is_selected_under_its_title_with_its_notices(self) -> None:
        built = self.build(on(1, THURSDAY), on(2, FRIDAY), on(3, FRIDAY, "none"))
        assert (built.title, [item.paper.id for item in built.items], built.addresses, built.notices) == (
            "arXiv: cs.LG",
            ["2603.00002", "2603.00001"],
            feed().addresses,
            ("Sample data.",),
        )

    def test_it_is_updated_with_its_newest_item(self) -> None:
        replaced = record(1, (WEDNESDAY, {"cs.LG": NEW}), (FRIDAY, {"cs.LG": REPLACE}, 2), version=2)
        assert self.build(replaced, on(2, THURSDAY)).updated == mailing_moment(FRIDAY)

    def test_without_items_it_is_updated_with_the_newest_mailing_that_was_looked_at(self) -> None:
        assert self.build(on(1, THURSDAY, "none")).updated == mailing_moment(THURSDAY)

    def test_with_nothing_stored_it_is_as_old_as_arxiv(self) -> None:
        assert self.build().updated == datetime(1991, 8, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        pytest.param(
            {"keywords": (), "min_score": 0.0},
            "arXiv papers announced as new or cross in cs.LG, the best 30 of each mailing.",
            id="no terms",
        ),
        pytest.param(
            {"keywords": (Keyword("a"),), "authors": (Keyword("b"), Keyword("c")), "min_score": 2.5},
            "arXiv papers announced as new or cross in cs.LG, scored by 1 keyword and 2 authors, "
            "with 2.5 points or more, the best 30 of each mailing.",
            id="terms",
        ),
        pytest.param(
            {"keywords": (), "authors": (Keyword("b"),), "categories": ("cs.LG", "cs.AI"), "announce_types": (NEW,)},
            "arXiv papers announced as new in cs.LG, cs.AI, scored by 1 author, with 1 point or more, "
            "the best 30 of each mailing.",
            id="authors alone",
        ),
        pytest.param(
            {"keywords": (), "exclude_keywords": ("survey", "position paper"), "min_score": 0.0},
            "arXiv papers announced as new or cross in cs.LG, without survey, position paper, "
            "the best 30 of each mailing.",
            id="exclusions",
        ),
    ],
)
def test_a_selection_is_described_in_a_sentence(changes: dict[str, Any], description: str) -> None:
    assert describe(selection(**changes)) == description


def test_a_long_query_is_cut_between_its_terms() -> None:
    query = parse_query(" OR ".join(f'"state space model {number}"' for number in range(20)))
    assert ', found by "state space model 0" OR ' in describe(selection(query=query))
    assert '"state space model 7" …, ' in describe(selection(query=query))


def test_a_selection_of_one_mailing_and_few_items_says_so() -> None:
    chosen = replace(selection(keywords=(), min_score=0.0), mailing=THURSDAY, limit=5)
    assert describe(chosen).endswith(f"in cs.LG, the best 30 of {THURSDAY}, at most 5 in all.")


class CountingStore(SqliteStore):
    """The store, with the days from which on papers were loaded, and up to which."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.loads: list[date] = []
        self.ends: list[date | None] = []

    async def load_records(self, *, since: date, until: date | None = None) -> tuple[PaperRecord, ...]:
        self.loads.append(since)
        self.ends.append(until)
        return await super().load_records(since=since, until=until)

    async def write(self, *records: PaperRecord) -> None:
        """Store *records* as one change."""
        papers = tuple(one.paper for one in records)
        announcements = tuple(each for one in records for each in one.announcements)
        revision = await self.load_revision()
        assert await self.apply(Changes(papers, announcements), based_on=revision.number, now=NOW)


Scene = Callable[[Catalogue, CountingStore], Coroutine[Any, Any, T]]


def play(folder: Path, scene: Scene[T], *records: PaperRecord) -> T:
    """What *scene* gives with a catalogue over a store of *records*."""

    async def work() -> T:
        store = CountingStore(folder / "store.sqlite3")
        try:
            if records:
                await store.write(*records)
            return await scene(Catalogue(store, kept=["kept"]), store)
        finally:
            await store.close()

    return asyncio.run(work())


class TestSelect:
    def test_stored_papers_are_judged(self, tmp_path: Path) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> Selected:
            return await papers.select(selection())

        selected = play(tmp_path, scene, on(1, THURSDAY), on(2, FRIDAY, "none"))
        number = selected.revision.number
        assert (outcomes(selected.verdicts), selected.revision) == (
            {1: Outcome.LISTED, 2: Outcome.NO_MATCH},
            Revision(number, NOW, FRIDAY, checks=number, papers=number),
        )

    def test_an_empty_store_gives_an_empty_selection(self, tmp_path: Path) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> Selected:
            return await papers.select(selection())

        found = play(tmp_path, scene)
        assert (len(found.verdicts), found.items, found.revision) == (0, (), Revision())

    def test_nothing_is_loaded_or_judged_twice_while_the_data_stay_the_same(self, tmp_path: Path) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> tuple[bool, int]:
            first = await papers.select(selection())
            await papers.select(selection(min_score=2.0))
            return await papers.select(selection()) is first, len(store.loads)

        assert play(tmp_path, scene, on(1, THURSDAY)) == (True, 1)

    def test_many_readers_at_once_load_once(self, tmp_path: Path) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> tuple[int, int]:
            answers = await asyncio.gather(*(papers.select(selection()) for _ in range(20)))
            return len({id(answer) for answer in answers}), len(store.loads)

        assert play(tmp_path, scene, on(1, THURSDAY)) == (1, 1)

    def test_changed_data_are_seen_at_once(self, tmp_path: Path) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> list[list[int]]:
            before = listed((await papers.select(selection())).verdicts)
            await store.write(on(2, FRIDAY))
            return [before, listed((await papers.select(selection())).verdicts)]

        assert play(tmp_path, scene, on(1, THURSDAY)) == [[1], [2, 1]]

    def test_another_text_of_the_same_version_is_read_anew(self, tmp_path: Path) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> list[list[int]]:
            before = listed((await papers.select(selection())).verdicts)
            await store.write(on(1, THURSDAY, "alpha"))
            return [before, listed((await papers.select(selection())).verdicts)]

        assert play(tmp_path, scene, on(1, THURSDAY, "none")) == [[], [1]]

    def test_who_reaches_further_back_loads_what_is_older_alone(self, tmp_path: Path) -> None:
        older, oldest = FRIDAY - timedelta(days=6), FRIDAY - timedelta(days=9)

        async def scene(
            papers: Catalogue, store: CountingStore
        ) -> tuple[list[list[int]], list[date], list[date | None]]:
            chosen = [selection(days_back=days) for days in (1, 7, 7, 10)]
            found = [listed((await papers.select(one)).verdicts) for one in chosen]
            return found, store.loads, store.ends

        again = record(1, (oldest, {"cs.LG": CROSS}), (FRIDAY, {"cs.LG": REPLACE}, 2), version=2)
        found = play(tmp_path, scene, again, on(2, older), on(3, oldest), on(4, FRIDAY))
        assert found == (
            [[4], [4, 2], [4, 2], [4, 2, 3, 1]],
            [FRIDAY, older, oldest],
            [None, FRIDAY - timedelta(days=1), older - timedelta(days=1)],
        )

    def test_who_reaches_further_back_again_after_a_change_has_nothing_indexed_anew(self, tmp_path: Path) -> None:
        older, monday = FRIDAY - timedelta(days=6), FRIDAY + timedelta(days=3)
        near, far = selection(days_back=1), selection(days_back=10)

        async def scene(papers: Catalogue, store: CountingStore) -> tuple[list[list[int]], int]:
            await papers.select(near)
            await papers.select(far)
            await store.write(on(9, monday))
            found = [listed((await papers.select(one)).verdicts) for one in (near, far)]
            return found, len(papers._shelf.index)

        stored = [on(number, older) for number in range(1, 6)]
        assert play(tmp_path, scene, *stored, on(6, FRIDAY)) == ([[9], [9, 6, 5, 4, 3, 2, 1]], 7)

    def test_what_changed_further_back_is_seen_by_who_reaches_there_again(self, tmp_path: Path) -> None:
        older = FRIDAY - timedelta(days=6)
        near, far = selection(days_back=1), selection(days_back=7)

        async def scene(papers: Catalogue, store: CountingStore) -> list[list[int]]:
            found = []
            for change in ((), (on(2, older), on(1, older, "none"))):
                if change:
                    await store.write(*change)
                found += [listed((await papers.select(one)).verdicts) for one in (near, far)]
            return found

        assert play(tmp_path, scene, on(1, older), on(3, FRIDAY)) == [[3], [3, 1], [3], [3, 2]]

    def test_what_a_store_forgot_further_back_is_kept_for_who_reaches_there_again(self, tmp_path: Path) -> None:
        older, monday = FRIDAY - timedelta(days=6), FRIDAY + timedelta(days=3)
        far = selection(days_back=10)

        async def scene(papers: Catalogue, store: CountingStore) -> list[list[int]]:
            found = [listed((await papers.select(far)).verdicts)]
            with closing(sqlite3.connect(store.path)) as connection, connection:
                connection.execute("DELETE FROM announcements WHERE mailing < ?", (str(FRIDAY),))
            await store.write(on(3, monday))
            await papers.select(selection(days_back=1))
            return [*found, listed((await papers.select(far)).verdicts)]

        assert play(tmp_path, scene, on(1, older), on(2, FRIDAY)) == [[2, 1], [3, 2, 1]]

    def test_a_mailing_of_more_than_thirty_days_ago_is_none_whatever_is_at_hand(self, tmp_path: Path) -> None:
        oldest, monday = FRIDAY - timedelta(days=29), FRIDAY + timedelta(days=3)

        async def scene(papers: Catalogue, store: CountingStore) -> list[list[int]]:
            asked = selection(mailing=oldest)
            found = [listed((await papers.select(asked)).verdicts)]
            await store.write(on(2, monday))
            return [*found, listed((await papers.select(asked)).verdicts)]

        assert play(tmp_path, scene, on(1, oldest), on(3, FRIDAY)) == [[1], []]

    def test_what_nobody_reaches_for_between_two_changes_is_given_up(self, tmp_path: Path) -> None:
        older = FRIDAY - timedelta(days=6)

        async def scene(papers: Catalogue, store: CountingStore) -> list[int]:
            await papers.select(selection(days_back=10))
            held = []
            for number in (3, 4):
                await store.write(on(number, FRIDAY))
                await papers.select(selection(days_back=1))
                held.append(len(papers._shelf.records))
            return held

        assert play(tmp_path, scene, on(1, older), on(2, FRIDAY)) == [3, 3]

    def test_old_selections_are_forgotten_and_answered_all_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(catalogue, "_SELECTIONS_KEPT", 2)

        async def scene(papers: Catalogue, store: CountingStore) -> list[bool]:
            chosen = [selection(limit=limit) for limit in (1, 2, 3)]
            first = [await papers.select(one) for one in chosen]
            again = [await papers.select(one) for one in reversed(chosen)]
            return [one is other for one, other in zip(first, reversed(again), strict=True)]

        assert play(tmp_path, scene, on(1, THURSDAY)) == [False, True, True]

    @pytest.mark.parametrize("work", [Catalogue.select, Catalogue.recall])
    def test_what_most_readers_have_is_made_before_all_that_waits(
        self, tmp_path: Path, work: Callable[[Catalogue, Selection], Awaitable[object]]
    ) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> list[str]:
            await papers.select(selection())
            made: list[str] = []

            async def make(chosen: Selection) -> None:
                await work(papers, chosen)
                made.append(f"{chosen.scope} {chosen.limit}")

            mine = replace(selection(limit=9), scope="kept")
            theirs = replace(mine, parameters="limit=9", limit=8)
            await asyncio.gather(*map(make, [selection(limit=1), selection(limit=2), theirs, mine]))
            return made

        assert play(tmp_path, scene, on(1, THURSDAY)) == ["default 1", "kept 9", "default 2", "kept 8"]

    def test_categories_that_were_silent_for_months_keep_their_papers(self, tmp_path: Path) -> None:
        silent = record(1, (date(2025, 11, 3), {"hep-th": NEW}), categories=("hep-th",))

        async def scene(papers: Catalogue, store: CountingStore) -> list[list[int]]:
            return [
                listed((await papers.select(selection(categories=categories))).verdicts)
                for categories in (("hep-th",), ("cs.LG",), ("math.CO",))
            ]

        assert play(tmp_path, scene, silent, on(2, FRIDAY)) == [[1], [2], []]

    def test_of_categories_that_were_silent_for_months_nothing_else_is_read(self, tmp_path: Path) -> None:
        november = date(2025, 11, 3)
        silent = record(1, (november, {"hep-th": NEW}), categories=("hep-th",))
        beside, since = on(2, november), [on(number, date(2026, 1, number)) for number in range(5, 9)]

        async def scene(papers: Catalogue, store: CountingStore) -> tuple[list[int], int, list[int]]:
            before = await papers.select(selection())
            found = await papers.select(selection(categories=("hep-th",)))
            again = await papers.select(selection(categories=("hep-th",), limit=1))
            loads = len(store.loads)
            assert await papers.select(selection(limit=1)) is not before
            assert (len(store.loads), listed(again.verdicts)) == (loads, [1])
            return listed(found.verdicts), len(next(iter(papers._silent.values())).records), listed(before.verdicts)

        assert play(tmp_path, scene, silent, beside, *since, on(9, FRIDAY)) == ([1], 1, [9])

    def test_silent_categories_are_ranked_by_what_was_learned_in_their_time(self, tmp_path: Path) -> None:
        november = date(2025, 11, 3)
        silent = record(1, (november, {"hep-th": NEW}), categories=("hep-th",))
        chosen = selection(categories=("hep-th",), ranking="relevance", min_score=0.0)

        async def scene(papers: Catalogue, store: CountingStore) -> list[float]:
            group = group_of("hep-th")
            learned = Frequencies(group, november - timedelta(days=1), 90_000.0, {"alpha": 80_000.0})
            scores = []
            for change in (Changes(frequencies=(learned,)), Changes(frequencies=(replace(learned, counts={}),))):
                revision = await store.load_revision()
                assert await store.apply(change, based_on=revision.number, now=NOW)
                scores.append((await papers.select(chosen)).items[0].score.value)
            return scores

        common, rare = play(tmp_path, scene, silent, on(9, FRIDAY))
        assert common < rare

    def test_silent_categories_keep_their_papers_when_others_share_them(self, tmp_path: Path) -> None:
        """A paper may carry a category in which it was not announced of late; nothing before its days is loaded."""
        silent = record(1, (date(2025, 11, 3), {"hep-th": NEW}), categories=("hep-th",))
        recent = record(2, (date(2024, 1, 2), {"hep-th": NEW}), (FRIDAY, {"cs.LG": CROSS}))

        async def scene(papers: Catalogue, store: CountingStore) -> tuple[list[int], date]:
            selected = await papers.select(selection(categories=("hep-th",)))
            return listed(selected.verdicts), min(store.loads)

        assert play(tmp_path, scene, silent, recent) == ([1], date(2025, 10, 28))

    @pytest.mark.parametrize(
        ("days_back", "numbers"),
        [
            pytest.param(6, [3], id="within what is kept"),
            pytest.param(8, [3, 2], id="before it"),
            pytest.param(30, [3, 2, 1], id="all the days that can be asked for"),
        ],
    )
    def test_days_back_reaches_as_far_in_categories_that_are_behind_the_others(
        self, tmp_path: Path, days_back: int, numbers: list[int]
    ) -> None:
        """25 days behind; papers of the 30 days up to the newest mailing of all are kept at hand."""
        newest = date(2026, 2, 9)
        quiet = [
            record(number, (newest - timedelta(days=days), {"hep-th": NEW}), categories=("hep-th",))
            for number, days in ((3, 0), (2, 7), (1, 29))
        ]

        async def scene(papers: Catalogue, store: CountingStore) -> list[int]:
            chosen = selection(categories=("hep-th",), days_back=days_back)
            return listed((await papers.select(chosen)).verdicts)

        assert play(tmp_path, scene, on(4, FRIDAY), *quiet) == numbers

    def test_one_mailing_of_categories_that_are_behind_the_others_can_be_asked_for(self, tmp_path: Path) -> None:
        quiet = [
            record(number, (mailing, {"hep-th": NEW}), categories=("hep-th",))
            for number, mailing in ((1, date(2026, 1, 20)), (2, date(2026, 2, 9)))
        ]

        async def scene(papers: Catalogue, store: CountingStore) -> list[int]:
            chosen = selection(categories=("hep-th",), days_back=1, mailing=date(2026, 1, 20))
            return listed((await papers.select(chosen)).verdicts)

        assert play(tmp_path, scene, on(4, FRIDAY), *quiet) == [1]

    def test_what_came_of_summarising_papers_is_kept_no_longer_than_they(self, tmp_path: Path) -> None:
        tried = (Attempt(Key(1, "model", "1", "zh", "html"), NOW, "empty", "no text came"),)

        async def scene(papers: Catalogue, store: CountingStore) -> list[int]:
            revision = await store.load_revision()
            told = Changes(attempts=(("2603.00001", tried),))
            assert await store.apply(told, based_on=revision.number, now=NOW)
            kept = []
            later = FRIDAY + timedelta(days=60)
            for change in ((), (on(2, FRIDAY),), (on(3, later),), (on(4, later),)):
                await store.write(*change)
                await papers.select(selection())
                kept.append(len(papers._attempts))
            return kept

        assert play(tmp_path, scene, on(1, THURSDAY)) == [1, 1, 1, 0]


class TestRecall:
    """What is answered from memory, while the store is away."""

    def test_nothing_is_where_nothing_was_loaded(self, tmp_path: Path) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> Selected | None:
            return await papers.recall(selection())

        assert play(tmp_path, scene, on(1, THURSDAY)) is None

    def test_selections_that_were_never_asked_for_are_made_once(self, tmp_path: Path) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> tuple[int, list[int]]:
            await papers.select(selection())
            answers = await asyncio.gather(*(papers.recall(selection(limit=1)) for _ in range(9)))
            assert answers[0] is not None
            return len({id(answer) for answer in answers}), listed(answers[0].verdicts)

        assert play(tmp_path, scene, on(1, THURSDAY), on(2, FRIDAY)) == (1, [2])

    def test_they_have_what_came_of_summarising_too(self, tmp_path: Path) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> list[str]:
            revision = await store.load_revision()
            tried = (Attempt(Key(1, "model", "1", "zh", "html"), NOW, "empty", "no text came"),)
            told = Changes(attempts=(("2603.00001", tried),))
            assert await store.apply(told, based_on=revision.number, now=NOW)
            await papers.select(selection())
            recalled = await papers.recall(selection(limit=1))
            assert recalled is not None
            return [one.attempt.reason for one in recalled.items if one.attempt]

        assert play(tmp_path, scene, on(1, THURSDAY)) == ["no text came"]

    def test_no_more_of_them_are_kept_than_of_others(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(catalogue, "_SELECTIONS_KEPT", 2)

        async def scene(papers: Catalogue, store: CountingStore) -> list[bool]:
            await papers.select(selection())
            chosen = [selection(limit=limit) for limit in (1, 2, 3)]
            first = [await papers.recall(one) for one in chosen]
            again = [await papers.recall(one) for one in reversed(chosen)]
            return [one is other for one, other in zip(first, reversed(again), strict=True)]

        assert play(tmp_path, scene, on(1, THURSDAY)) == [False, True, True]

    def test_they_are_made_anew_of_newer_papers_and_asked_of_the_store_again(self, tmp_path: Path) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> list[list[int]]:
            other = selection(limit=1)
            await papers.select(selection())
            seen = []
            for number in (2, 3):
                before = await papers.recall(other)
                await store.write(on(number, FRIDAY))
                await papers.select(selection())
                after = await papers.recall(other)
                assert before is not None
                assert after is not None
                seen += [listed(before.verdicts), listed(after.verdicts)]
            return [*seen, listed((await papers.select(other)).verdicts)]

        assert play(tmp_path, scene, on(1, THURSDAY)) == [[1], [2], [2], [3], [3]]

    def test_what_was_made_while_newer_papers_were_loaded_is_not_kept(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other, original = selection(limit=1), catalogue.select
        is_making, may_end = threading.Event(), threading.Event()

        def wait(chosen: Selection, *parts: Any) -> Selected:  # Any: what the function takes
            if chosen == other and not may_end.is_set():
                is_making.set()
                assert may_end.wait(timeout=10)
            return original(chosen, *parts)

        async def scene(papers: Catalogue, store: CountingStore) -> list[list[int]]:
            await papers.select(selection())
            monkeypatch.setattr(catalogue, "select", wait)
            recalling = asyncio.create_task(papers.recall(other))
            assert await asyncio.to_thread(is_making.wait, 10)
            await store.write(on(2, FRIDAY))
            await papers.select(selection())
            may_end.set()
            found = [await recalling, await papers.recall(other)]
            return [listed(one.verdicts) for one in found if one is not None]

        assert play(tmp_path, scene, on(1, THURSDAY)) == [[1], [2]]

    def test_no_more_wait_for_them_than_for_others(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(waiting, "MOST_WAITING", 1)

        async def scene(papers: Catalogue, store: CountingStore) -> list[type]:
            await papers.select(selection())
            chosen = [selection(limit=limit) for limit in range(1, 6)]
            answers = await asyncio.gather(*map(papers.recall, chosen), return_exceptions=True)
            return [type(answer) for answer in answers]

        assert play(tmp_path, scene, on(1, THURSDAY)) == [Selected, Selected, Overloaded, Overloaded, Overloaded]


class TestFind:
    def test_a_stored_paper_is_found_with_its_announcements(self, tmp_path: Path) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> PaperRecord:
            return await papers.find("2603.00001")

        assert play(tmp_path, scene, on(1, THURSDAY)) == on(1, THURSDAY)

    def test_an_unknown_one_is_an_error(self, tmp_path: Path) -> None:
        async def scene(papers: Catalogue, store: CountingStore) -> PaperRecord:
            return await papers.find("2603.00002")

        with pytest.raises(UnknownPaper, match=r"2603\.00002"):
            play(tmp_path, scene, on(1, THURSDAY))

    def test_one_that_is_stored_without_an_announcement_is_unknown_too(self, tmp_path: Path) -> None:
        """As are papers that were fetched because a profile likes them."""

        async def scene(papers: Catalogue, store: CountingStore) -> PaperRecord:
            assert await store.load_papers(["2603.00002"])
            return await papers.find("2603.00002")

        with pytest.raises(UnknownPaper, match=r"2603\.00002"):
            play(tmp_path, scene, on(1, THURSDAY), replace(record(2), announcements=()))


class TestExplain:
    def explain(self, folder: Path, number: int, chosen: Selection, *records: PaperRecord) -> Verdict:
        async def scene(papers: Catalogue, store: CountingStore) -> Verdict:
            return (await papers.explain(f"2603.{number:05}", chosen)).verdict

        return play(folder, scene, *records)

    def test_a_listed_paper_has_its_rank(self, tmp_path: Path) -> None:
        found = self.explain(tmp_path, 1, selection(), on(1, FRIDAY), on(2, FRIDAY, "alpha beta"))
        assert (found.outcome, found.rank) == (Outcome.LISTED, 2)

    @pytest.mark.parametrize(
        ("one", "outcome", "detail"),
        [
            pytest.param(
                on(1, date(2026, 2, 20)),
                Outcome.OTHER_DAYS,
                "announced in the mailing of 2026-02-20",
                id="before the window",
            ),
            pytest.param(
                on(1, date(2025, 2, 20)), Outcome.OTHER_DAYS, "announced in the mailing of 2025-02-20", id="a year ago"
            ),
            pytest.param(
                record(1, (FRIDAY, {"cs.AI": NEW, "cs.CL": CROSS}), categories=("cs.AI", "cs.CL")),
                Outcome.OTHER_CATEGORIES,
                "announced in cs.AI, cs.CL",
                id="other categories",
            ),
        ],
    )
    def test_an_outsider_is_explained_with_the_score_it_would_have(
        self, tmp_path: Path, one: PaperRecord, outcome: Outcome, detail: str
    ) -> None:
        found = self.explain(tmp_path, 1, selection(), one, on(2, FRIDAY))
        assert (found.outcome, found.detail, found.item.score.value, found.rank) == (outcome, detail, 1.0, None)

    def test_the_score_of_an_outsider_is_the_same_whatever_was_loaded_before(self, tmp_path: Path) -> None:
        old = on(1, date(2026, 2, 6))
        learned = Frequencies(group_of("cs.LG"), date(2026, 2, 5), 50_000.0, {"alpha": 40_000.0})
        chosen = selection(ranking="relevance", min_score=0.0)

        async def scene(papers: Catalogue, store: CountingStore) -> list[float]:
            unlearned = await papers.explain(old.paper.id, chosen)
            revision = await store.load_revision()
            assert await store.apply(Changes(frequencies=(learned,)), based_on=revision.number, now=NOW)
            fresh = await papers.explain(old.paper.id, chosen)
            await papers.select(selection(ranking="relevance", days_back=30))
            later = await papers.explain(old.paper.id, chosen)
            return [one.verdict.item.score.value for one in (unlearned, fresh, later)]

        unlearned, fresh, later = play(tmp_path, scene, old, on(2, FRIDAY))
        assert fresh == later < unlearned

    def test_a_paper_that_is_not_stored_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(UnknownPaper):
            self.explain(tmp_path, 9, selection(), on(1, FRIDAY))
