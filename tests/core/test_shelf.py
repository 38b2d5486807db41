"""Where stored papers stand for given categories and types, what repeats what, and that papers keep their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import permutations
from typing import Any

import pytest

from core.index import Reading
from core.papers import Announcement, AnnounceType, Author
from core.shelf import Shelf, is_near_duplicate
from core.store.records import PaperRecord
from tests.builders import paper

NEW, CROSS, REPLACE, _ = AnnounceType
THURSDAY, FRIDAY = date(2026, 3, 5), date(2026, 3, 6)
WORDS = ["we", "show", "that", "one", "method", "is", "better", "than", "all", "the", "others", "on", "ten", "tasks"]


def record(number: int, mailing: date = FRIDAY, kind: AnnounceType = NEW, **changes: Any) -> PaperRecord:
    """Paper *number*, announced in cs.LG."""
    known = paper(**{"id": f"2603.{number:05}", "title": f"Title {number}", **changes})
    return PaperRecord(known, (Announcement(mailing, known.id, 1, (("cs.LG", kind),)),))


def twins(*records: PaperRecord, before: Shelf | None = None) -> dict[str, set[str]]:
    """The papers that say much the same as others, and as which, by the last digit of their identifiers."""
    shelf = Shelf(records, before=before)
    names = {number: record.paper.id[-1] for number, record in shelf.records.items()}
    return {names[one]: {names[other] for other in others} for one, others in shelf.twins.items()}


class TestTwins:
    @pytest.mark.parametrize(
        ("one", "other", "expected"),
        [
            pytest.param(WORDS, WORDS, True, id="the same words"),
            pytest.param(WORDS, WORDS[::-1], True, id="in another order"),
            pytest.param(WORDS[:10], WORDS[:7], True, id="seven of ten"),
            pytest.param(WORDS[:10], WORDS[:6], False, id="six of ten"),
            pytest.param([], [], False, id="nothing to compare"),
        ],
    )
    def test_papers_say_much_the_same_when_seven_tenths_of_their_words_do(
        self, one: Sequence[str], other: Sequence[str], expected: bool
    ) -> None:
        assert is_near_duplicate(Reading(["a"], one), Reading(["b"], other)) is expected

    def test_the_same_title_is_enough(self) -> None:
        assert is_near_duplicate(Reading(["a", "title"], ["one"]), Reading(["a", "title"], ["other"]))

    def test_papers_that_say_much_the_same_know_one_another_in_whatever_order_they_come(self) -> None:
        records = [record(number, abstract=" ".join(WORDS)) for number in (1, 2, 3)]
        found = [twins(*some) for some in permutations(records)]
        assert found == [{"1": {"2", "3"}, "2": {"1", "3"}, "3": {"1", "2"}}] * 6

    def test_only_papers_that_share_an_author_are_compared(self) -> None:
        others = (Author("Kurt Gödel"),)
        assert twins(record(1, abstract="same words"), record(2, abstract="same words", authors=others)) == {}

    def test_a_new_version_does_not_repeat_the_one_before(self) -> None:
        first = record(1)
        assert twins(replace(first, paper=replace(first.paper, version=2)), before=Shelf([first])) == {}

    @pytest.mark.parametrize("kept", [(2,), (2, 3)], ids=["one is left", "two are left"])
    def test_it_makes_no_difference_what_was_there_before(self, kept: Sequence[int]) -> None:
        records = [record(number, abstract="same words") for number in (1, 2, 3)]
        left = [one for one in records if int(one.paper.id[-1]) in kept]
        assert twins(*left, before=Shelf(records)) == twins(*left)


class TestNumbers:
    def test_a_paper_keeps_its_number_while_it_stays_the_same(self) -> None:
        before = Shelf([record(1), record(2)])
        after = Shelf([record(2), record(1), record(3)], before=before)
        assert [after.records[number].paper.id[-1] for number in sorted(after.records)] == ["1", "2", "3"]

    def test_a_paper_that_changed_has_another_number(self) -> None:
        before = Shelf([record(1)])
        after = Shelf([record(1, abstract="another")], before=before)
        assert list(after.records) == [1]

    def test_when_most_numbers_are_dead_a_new_index_is_begun(self) -> None:
        shelf = Shelf([record(1)])
        for version in range(2, 8):
            shelf = Shelf([record(1, version=version)], before=shelf)
        assert len(shelf.index) <= 3


class TestPlaces:
    def test_mailings_come_newest_first_and_papers_newest_identifier_first(self) -> None:
        shelf = Shelf([record(1, THURSDAY), record(2, FRIDAY), record(3, FRIDAY)])
        placed = shelf.place(("cs.LG",), (NEW,)).mailings
        told = {day: [shelf.records[number].paper.id[-1] for number in numbers] for day, (numbers, _) in placed.items()}
        assert list(told.items()) == [(FRIDAY, ["3", "2"]), (THURSDAY, ["1"])]

    def test_whether_the_type_is_wanted_is_told_of_each(self) -> None:
        placed = Shelf([record(1, kind=REPLACE)]).place(("cs.LG",), (NEW, CROSS)).mailings
        assert [listing.is_wanted for _, listings in placed.values() for listing in listings] == [False]

    def test_the_same_question_is_answered_once(self) -> None:
        shelf = Shelf([record(1)])
        assert shelf.place(("cs.LG", "cs.AI"), (NEW, CROSS)) is shelf.place(("cs.AI", "cs.LG"), (CROSS, NEW))
