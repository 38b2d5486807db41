"""Made-up papers: the same at every run, of arXiv's size, and announced where they belong."""

from __future__ import annotations

from statistics import mean

from bench.made_up import CATEGORIES, WEEK, Inventor, announce, read_records
from core.arxiv.rss import parse_announcements

COUNT = 160


def test_equal_seeds_invent_the_same() -> None:
    assert Inventor(3).invent_mailing(5, day=WEEK[0]) == Inventor(3).invent_mailing(5, day=WEEK[0])


def test_abstracts_are_as_long_as_arxivs() -> None:
    listings = Inventor().invent_mailing(COUNT, day=WEEK[0])

    assert 1_250 < mean(len(one.paper.abstract) for one in listings) < 1_550


def test_every_category_has_as_many_papers() -> None:
    listings = Inventor().invent_mailing(COUNT, day=WEEK[0])

    sizes = [len(parse_announcements(announce(listings, [one], WEEK[0])).entries) for one in CATEGORIES]

    assert sizes == [46] * 4  # a quarter of all, and three of twenty of another category's


def test_records_are_of_their_mailing_and_none_is_rejected() -> None:
    records = read_records(Inventor().invent_mailing(COUNT, day=WEEK[1]), WEEK[1])

    assert {one.announcements[0].mailing for one in records} == {WEEK[1]}
    assert len(records) == COUNT


def test_terms_are_different_words() -> None:
    terms = Inventor().draw_terms(3_000)

    assert len(set(terms)) == 3_000
