from __future__ import annotations

import pytest

from api.cards import BAR_LENGTH, Piece, build_bar, build_cards, build_chips, name_licence
from core.papers import AnnounceType, Author
from core.scoring import Reason, Score
from tests.builders import item, paper


def authors(count: int) -> tuple[Author, ...]:
    return tuple(Author(f"Author {number}") for number in range(1, count + 1))


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (1, 1), (5, 5), (6, 6), (7, 5), (900, 5)])
def test_authors_are_folded_where_that_saves_more_than_a_name(count: int, shown: int) -> None:
    (card,) = build_cards([item(paper=paper(authors=authors(count)))])
    assert (len(card.names), len(card.folded)) == (shown, count - shown)


def test_cards_are_ranked_in_the_order_given() -> None:
    cards = build_cards([item(), item(), item()])
    assert [card.rank for card in cards] == [1, 2, 3]
    assert build_cards([]) == ()


def test_the_beginning_of_the_abstract_stands_in_for_a_missing_sentence() -> None:
    (card,) = build_cards([item(paper=paper(abstract="word " * 200))])
    assert (len(card.lead) <= 240, card.lead.endswith("word …"), len(card.abstract)) == (True, True, 999)


def test_a_title_of_which_nothing_is_left_is_the_identifier() -> None:
    (card,) = build_cards([item(paper=paper(title="\x00\x07 "))])
    assert card.title == "arXiv:2603.00001"


def test_a_category_that_arxiv_added_lately_has_no_name_and_one_not_announced_no_type() -> None:
    listed = item(paper=paper(categories=("cs.LG", "cs.ZZ")), announce_types=(("cs.LG", AnnounceType.NEW),))
    assert [(chip.id, chip.name, chip.announce_type) for chip in build_chips(listed)] == [
        ("cs.LG", "Machine Learning", AnnounceType.NEW),
        ("cs.ZZ", "", None),
    ]


@pytest.mark.parametrize(
    ("licence", "name"),
    [
        ("http://creativecommons.org/licenses/by/4.0/", "CC BY 4.0"),
        ("https://creativecommons.org/licenses/by-nc-sa/4.0/", "CC BY-NC-SA 4.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0"),
        ("http://arxiv.org/licenses/nonexclusive-distrib/1.0/", "arXiv’s own, to distribute"),
        ("https://example.org/licenses/by/4.0/", "https://example.org/licenses/by/4.0/"),
        ("", ""),
    ],
)
def test_a_licence_has_its_short_name(licence: str, name: str) -> None:
    assert name_licence(licence) == name


class TestBar:
    def test_the_best_score_fills_it_with_its_reasons_in_order(self) -> None:
        score = Score(4.0, (Reason("a", "title", 3.0), Reason("b", "abstract", 1.0)))
        assert build_bar(score, 4.0) == (Piece(0.0, 75.0, "title"), Piece(75.0, 25.0, "abstract"))

    def test_another_score_is_as_long_as_its_share_of_the_best(self) -> None:
        score = Score(1.0, (Reason("a", "title", 0.5), Reason("b", "abstract", 0.5)))
        assert sum(piece.length for piece in build_bar(score, 4.0)) == BAR_LENGTH / 4

    def test_reasons_that_take_points_shorten_the_others(self) -> None:
        score = Score(1.0, (Reason("a", "title", 2.0), Reason("b", "duplicate", -1.0)))
        assert build_bar(score, 2.0) == (Piece(0.0, 50.0, "title"),)

    @pytest.mark.parametrize(
        ("score", "most"),
        [
            (Score(0.0), 2.0),
            (Score(-1.0, (Reason("a", "dislike", -1.0),)), 2.0),
            (Score(-1.0, (Reason("a", "title", 1.0), Reason("b", "dislike", -2.0))), 2.0),
            (Score(1.0, (Reason("a", "title", 1.0),)), 0.0),
        ],
        ids=["no points", "only losses", "more losses", "no best"],
    )
    def test_without_points_there_is_none(self, score: Score, most: float) -> None:
        assert build_bar(score, most) == ()
