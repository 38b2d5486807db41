"""The origin's way, as it is measured against: it reads, merges and ranks as its published digests show."""

from __future__ import annotations

import feedparser
import pytest

from bench.made_up import CATEGORIES, WEEK, Inventor, announce
from bench.origin import OriginConfig, OriginPaper, merge, parse, rank, refresh, score


def paper(**changes: object) -> OriginPaper:
    fields: dict[str, object] = {
        "id": "2603.00001",
        "title": "A Study of Kernels",
        "link": "https://arxiv.org/abs/2603.00001",
        "authors": "Ada Okafor",
        "abstract": "The world of fast networks.",
        "announce_type": "new",
        "categories": ["cs.LG"],
        "published": None,
    }
    return OriginPaper(**{**fields, **changes})  # type: ignore[arg-type] # the builder's defaults have the right types


def test_a_keyword_counts_wherever_its_letters_stand() -> None:
    assert score(paper(), ["RL", "Fast", "absent"]) == 2.0


def test_a_keyword_in_the_title_gives_half_a_point_more() -> None:
    assert score(paper(), ["kernel"]) == 1.5


def test_the_feed_that_is_read_first_decides_what_a_paper_was_announced_as() -> None:
    crossed, new = paper(announce_type="replace"), paper(announce_type="new")

    assert merge([crossed, new]) == []


def test_a_paper_of_another_identifier_and_the_same_title_is_left_out() -> None:
    assert [one.id for one in merge([paper(), paper(id="2603.00002")])] == ["2603.00001"]


def test_exclusions_leave_papers_out_by_their_letters() -> None:
    config = OriginConfig(["fast"], exclusions=["view"])

    assert rank([paper(abstract="A fast reviewer.")], config) == []


def test_the_best_papers_come_first_and_equal_ones_as_they_came() -> None:
    papers = [paper(id="1", abstract="fast"), paper(id="2", abstract="fast networks"), paper(id="3", abstract="fast")]

    ranked = rank([*papers, paper(id="4", abstract="fast", title="Fast")], OriginConfig(["fast", "networks"]))

    assert [one.id for one in ranked] == ["2", "4", "1", "3"]


@pytest.fixture(scope="module")
def body() -> bytes:
    return announce(Inventor().invent_mailing(80, day=WEEK[0]), CATEGORIES[:1], WEEK[0])


def test_an_entry_of_arxivs_feed_is_read_whole(body: bytes) -> None:
    first = next(parse(body))

    assert (first.id, first.announce_type, first.categories) == ("2603.00000", "new", ["cs.AI", "cs.CL"])
    assert not first.abstract.startswith("Abstract")


def test_a_refresh_gives_a_feed_of_the_best_papers(body: bytes) -> None:
    feed = feedparser.parse(refresh([body], OriginConfig(["e"], max_papers=7)))

    assert len(feed.entries) == 7
