"""What a term is worth by relevance, what ties a paper to others, and what that comes to in a ranking.

How rare words are is `test_rarity.py`, what is learned from a mailing `test_learning.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import Selected, Selection, select
from core.index import PaperIndex
from core.learning import Learner
from core.papers import Announcement, AnnounceType, Author, Paper
from core.profiles import Keyword, Profile
from core.query import Term, parse_query
from core.rarity import Known, Rarity
from core.relevance import (
    IDF_EXPONENT,
    LEAST_IDF,
    LIKE_WORDS,
    RELATED_WORDS,
    SCALE,
    TIES,
    Era,
    Tie,
    add_ties,
    liken,
    pick_best,
    place_in_eras,
    points_of,
    read_amounts,
    relate,
    stream_of,
    tie_points,
    weigh,
)
from core.saturation import SATURATION
from core.scoring import UNIT, score
from core.shelf import Shelf
from core.store.records import Frequencies, PaperRecord, Revision
from tests.builders import DAY, paper

CS = "Computer Science"


def of(title: str = "0", abstract: str = "0", **changes: Any) -> Paper:
    """A paper of nobody that says only what is stated."""
    return paper(**{"title": title, "abstract": abstract, "authors": (), **changes})


def profile(*keywords: str | Keyword, **changes: Any) -> Profile:
    terms = tuple(Keyword(keyword) if isinstance(keyword, str) else keyword for keyword in keywords)
    return Profile(**{"name": "default", "categories": ("cs.LG",), "keywords": terms, **changes})


def known(papers: float = 10_000.0, *, stream: str = CS, mailing: date = DAY, **counts: float) -> Frequencies:
    return Frequencies(stream, mailing, papers, counts)


def is_rising(values: Iterable[float]) -> bool:
    return all(one < other for one, other in pairwise(values))


# --- What a term is worth ---------------------------------------------------------------------------------------------

LONG = "word " * 100


def points(title: str, abstract: str, *, idf: float = 5.0) -> int:
    """What *kernel* gives a paper, where it has this *idf*; in ten-thousandths."""
    index = PaperIndex([of(title, abstract)])
    return points_of(index.find(Term("kernel")), [weigh(idf), 0.0], [0], index.norms).get(0, 0)


def padded(hits: int, words: int = 200) -> str:
    """An abstract of so many *words*, some of them hits."""
    return " ".join(["kernel"] * hits + ["word"] * (words - hits))


def test_a_rarer_term_gives_more() -> None:
    assert is_rising(points("0", "kernel", idf=idf) for idf in (2.0, 2.5, 4.0, 7.0))


def test_a_common_term_gives_as_much_as_one_of_the_least_rarity() -> None:
    assert [points("0", "kernel", idf=idf) for idf in (0.0, 0.7, LEAST_IDF)] == [points("0", "kernel", idf=2.0)] * 3


def test_a_hit_in_the_title_gives_more_than_one_in_the_abstract_and_less_than_both() -> None:
    places = [("word", "kernel word"), ("kernel", "word word"), ("kernel", "kernel word")]
    assert is_rising(points(title, abstract) for title, abstract in places)


def test_each_further_hit_gives_more_but_less_than_the_one_before() -> None:
    gained = [points("0", padded(hits)) for hits in (0, 1, 2, 3, 4, 5)]
    further = [other - one for one, other in pairwise(gained)]
    assert (is_rising(gained), is_rising(reversed(further))) == (True, True)


@pytest.mark.parametrize("hits", [1, 10, 1_000])
def test_no_number_of_hits_gives_more_than_all(hits: int) -> None:
    most = SCALE * (SATURATION + 1) * 5.0**IDF_EXPONENT
    assert 0 < points("kernel " * hits, "kernel " * hits) < UNIT * most


def test_a_hit_in_a_longer_paper_gives_less() -> None:
    assert is_rising(points("0", padded(1, words)) for words in (1_000, 300, 150, 20))


def test_a_longer_title_makes_a_paper_longer_too() -> None:
    assert is_rising(points(title, "kernel") for title in ("a b c d e f", "a b c", "a"))


def test_a_term_that_is_nowhere_gives_nothing() -> None:
    assert points("a title", LONG) == 0


def test_points_are_whole_hundredths() -> None:
    found = [points("0", padded(hits, words)) for hits in range(1, 9) for words in range(20, 300, 7)]
    assert {one % (UNIT // 100) for one in found} == {0}


def test_each_paper_is_weighed_as_its_era_says_and_those_of_none_are_left_out() -> None:
    index = PaperIndex([of(abstract="kernel")] * 3)
    eras = [Era((2,), Rarity()), Era((0,), Rarity())]
    found = points_of(index.find(Term("kernel")), [1.0, 2.0, 0.0], place_in_eras(eras, index), index.norms)
    assert found == {0: pytest.approx(2 * found[2], abs=100), 2: found[2]}


def test_a_keyword_gives_its_weight_as_many_times() -> None:
    seen = of(abstract=f"kernel {LONG}")
    once, thrice = (score(seen, profile(Keyword("kernel", weight))).value for weight in (1.0, 3.0))
    assert thrice == pytest.approx(3 * once, abs=0.02)


@pytest.mark.parametrize(
    ("rarer", "commoner"),
    [
        pytest.param("speculative", "language", id="words"),
        pytest.param("speculative decoding", "language model", id="phrases"),
        pytest.param("speculative decoding", "speculative", id="a phrase than a word of it"),
        pytest.param('"speculative"', '"language"', id="exact words"),
        pytest.param("specul*", "langu*", id="prefixes"),
        pytest.param("speculat*", "sp*", id="a longer prefix"),
        pytest.param('"speculative decoding"~3', '"language model"~3', id="near words"),
        pytest.param("ti:speculative", "ti:language", id="in the title"),
    ],
)
def test_of_terms_that_stand_alike_the_rarer_one_gives_more(rarer: str, commoner: str) -> None:
    seen = of("Speculative decoding: a language model", "Speculative decoding: a language model")
    assert score(seen, profile(rarer)).value > score(seen, profile(commoner)).value


@pytest.mark.parametrize(
    ("term", "value"),
    [
        pytest.param("au:Lovelace", 3.0, id="an author as a term"),
        pytest.param("cat:cs.LG", 1.0, id="a category"),
        pytest.param("id:2603.00001", 1.0, id="an id"),
        pytest.param("comment:oral", 1.0, id="a comment"),
        pytest.param("comment:oral^2.5", 2.5, id="a comment with a weight"),
    ],
)
def test_what_is_no_text_has_no_rarity(term: str, value: float) -> None:
    seen = of(authors=(Author("Ada Lovelace"),), comment="oral", abstract=LONG)
    assert score(seen, profile(term)).value == value


# --- What ties papers to others ---------------------------------------------------------------------------------------

VOCABULARY = ("kernel", "tokens", "router", "vectors", "graph", "LLMs", "cache")
FOLDED = ("kernel", "token", "router", "vector", "graph", "llm", "cach")


def tied(*papers: Paper, totals: Sequence[int] | None = None, **era: Any) -> list[int]:
    """The totals of *papers*, all of one era, after what ties them to others was added."""
    index = PaperIndex(papers)
    after = list(totals or [0] * len(papers))
    add_ties(index, [Era(range(len(papers)), Rarity(), **era)], [0] * len(papers), after)
    return after


def test_a_liked_word_gives_points_and_brings_a_paper_in() -> None:
    liked, other = tied(of(abstract="kernel"), of(abstract="token"), liked={"kernel": 1.0})
    assert liked > other == 0


def test_related_authors_raise_a_paper_that_has_points_and_bring_none_in() -> None:
    one, other = (of(authors=(Author("Ada Lovelace"), Author("Kurt Gödel"))) for _ in range(2))
    known = {"ada lovelace", "kurt gödel", "somebody else"}
    assert tied(one, other, totals=[100, 0], authors=known) == [100 + 2 * UNIT, 0]


@pytest.mark.parametrize(
    ("names", "points"),
    [
        pytest.param(("Ada Lovelace",), 1, id="one"),
        pytest.param(("ADA LOVELACE", "Grace Hopper"), 1, id="in any case"),
        pytest.param(("A. Lovelace", "Ada"), 0, id="spelt otherwise"),
        pytest.param(("Ada Lovelace", "Ada Lovelace"), 1, id="twice on it"),
        pytest.param(("Ada Lovelace", "Kurt Gödel", "Emmy Noether"), 3, id="three"),
        pytest.param(("Ada Lovelace", "Kurt Gödel", "Emmy Noether", "Alan Turing"), 3, id="four: three at most"),
    ],
)
def test_each_related_author_gives_a_point(names: Sequence[str], points: int) -> None:
    known = {"ada lovelace", "kurt gödel", "emmy noether", "alan turing"}
    assert tied(of(authors=tuple(map(Author, names))), totals=[100], authors=known) == [100 + points * UNIT]


def test_who_is_related_is_told_as_the_paper_spells_them() -> None:
    wanted = profile("kernel")
    authors = tuple(map(Author, ("Ada Lovelace", "Emmy Noether", "Kurt Gödel")))
    best = Frequencies(str(stream_of(wanted)), TUESDAY, 5.0, {}, {"ada lovelace": 1.0, "kurt gödel": 0.6})
    (item,) = ranked(wanted, [record(1, THURSDAY, title="Kernel", authors=authors)], Known([best])).items
    assert str(item.score.reasons[0]) == "Ada Lovelace, Kurt Gödel 2 (related author)"


def test_a_disliked_word_takes_points() -> None:
    liked = tied(of(abstract="kernel"), liked={"kernel": 1.0})
    assert tied(of(abstract="kernel"), disliked={"kernel": 1.0}) == [-liked[0]]


def test_related_words_raise_only_papers_that_have_points() -> None:
    raised, bare, outside = tied(*[of(abstract="kernel")] * 3, totals=[100, 0, -100], related={"kernel": 1.0})
    assert (raised > 100, bare, outside) == (True, 0, -100)


def test_what_a_paper_is_liked_for_lets_related_words_raise_it() -> None:
    both = tied(of(abstract="kernel token"), liked={"kernel": 1.0}, related={"token": 1.0})
    assert both > tied(of(abstract="kernel token"), liked={"kernel": 1.0})


def test_what_a_paper_is_disliked_for_keeps_no_related_word_from_raising_it() -> None:
    seen = of(abstract="kernel token")
    (taken,) = tied(seen, totals=[100], disliked={"kernel": 9.0})
    (both,) = tied(seen, totals=[100], disliked={"kernel": 9.0}, related={"token": 1.0})
    assert taken < 0 < both - taken


texts = st.lists(st.sampled_from(VOCABULARY), max_size=12).map(" ".join)
papers = st.lists(st.builds(of, texts, texts), min_size=1, max_size=6)
weights = st.dictionaries(st.sampled_from(FOLDED), st.floats(0.001, 50), max_size=5)
eras = st.builds(Era, st.just(()), st.just(Rarity()), weights, weights, weights)


def told_of(index: PaperIndex, number: int, era: Era, tie: Tie) -> dict[str, int]:
    """What each word gives or takes that ties the paper *number* of *index*, which is of *era*."""
    weights = era.weights(tie)
    return tie_points(index.pick(number, weights).reading, weights, index.norms[number], tie)


@settings(max_examples=100, deadline=None)
@given(papers, st.lists(eras, min_size=1, max_size=3), st.data())
def test_what_one_paper_is_told_is_what_all_were_given(
    seen: list[Paper], history: list[Era], data: st.DataObject
) -> None:
    index = PaperIndex(seen)
    era_of = [data.draw(st.integers(-1, len(history) - 1)) for _ in seen]
    before = [data.draw(st.sampled_from([0, 100, 25_000, -300])) for _ in seen]
    after = list(before)
    raised_in = add_ties(index, history, era_of, after)
    told = [
        sum(
            sum(told_of(index, number, history[place], tie).values())
            for tie in TIES
            if (place := (raised_in if tie == "related" else era_of)[number]) >= 0
        )
        for number in range(len(seen))
    ]
    assert [one - other for one, other in zip(after, before, strict=True)] == told


def test_what_one_paper_is_told_is_what_all_were_given_of_a_word_that_stands_300_times() -> None:
    seen = of(abstract="kernel " * 300)
    era = Era((0,), Rarity(), liked={"kernel": 20.0})
    index = PaperIndex([seen])
    told = told_of(index, 0, era, "like")
    assert tied(seen, liked=era.liked) == [sum(told.values())]


def test_each_word_is_told_with_what_it_gives_and_those_that_give_nothing_are_not() -> None:
    era = Era((0,), Rarity(), disliked={"kernel": 2.0, "token": 1.0, "graph": 0.000_1, "router": 5.0})
    told = told_of(PaperIndex([of("kernel", "token graph kernel")]), 0, era, "dislike")
    assert told == {"kernel": -17_600, "token": -6_500}


# --- Words that go with a profile -------------------------------------------------------------------------------------


def related(counts: Mapping[str, float], *, papers: float = 50.0, own: Collection[str] = ()) -> dict[str, float]:
    """The words related to a profile whose best papers have these *counts*."""
    stream = known(60_000.0, kernel=600.0, token=600.0, router=60.0, common=9_000.0)
    return relate(Frequencies("profile:0", DAY, papers, counts), Rarity([stream]), own)


def test_a_word_is_related_when_the_best_papers_have_it_more_often_than_others() -> None:
    assert list(related({"kernel": 25.0, "token": 0.4})) == ["kernel"]


def test_the_likelier_a_word_makes_a_best_paper_the_more_it_weighs() -> None:
    found = related({"kernel": 25.0, "token": 10.0, "router": 25.0})
    assert is_rising([found["token"], found["kernel"], found["router"]])


@pytest.mark.parametrize(
    ("counts", "own"),
    [
        pytest.param({"kernel": 250.0}, ("kernel",), id="the profile's own"),
        pytest.param({"2026": 250.0}, (), id="a number"),
        pytest.param({"common": 450.0}, (), id="common"),
        pytest.param({"router": 2.4}, (), id="of fewer than two and a half papers"),
        pytest.param({"kernel": 3.0}, (), id="rarer than elsewhere"),
    ],
)
def test_a_word_is_not_related(counts: Mapping[str, float], own: Collection[str]) -> None:
    assert related(counts, papers=500.0, own=own) == {}


def test_a_word_that_stands_in_every_paper_of_a_young_stream_is_not_related() -> None:
    rarity = Rarity([known(150.0, kernel=10.0, boilerplate=150.0)])
    best = Frequencies("profile:0", DAY, 20.0, {"kernel": 10.0, "boilerplate": 20.0})
    assert list(relate(best, rarity, ())) == ["kernel"]


def test_only_the_words_that_tell_most_are_related() -> None:
    counts = {f"w{number:03}": 10.0 + number // 2 for number in range(RELATED_WORDS + 20)}
    assert sorted(related(counts, papers=200.0)) == sorted(counts)[20:]


def test_without_best_papers_no_word_is_related() -> None:
    assert (relate(None, Rarity(), ()), related({}, papers=0.0)) == ({}, {})


# --- Words of liked papers --------------------------------------------------------------------------------------------

ONE, OTHER = of("Kernel", "tokens and a token"), of("A router", "kernels of vectors, cached")


def test_amounts_are_the_average_of_the_papers() -> None:
    one, other = read_amounts([ONE]), read_amounts([OTHER])
    expected = {word: (one.get(word, 0.0) + other.get(word, 0.0)) / 2 for word in {*one, *other}}
    assert read_amounts([ONE, OTHER]) == pytest.approx(expected)


def test_the_same_paper_twice_says_no_more_than_once() -> None:
    assert read_amounts([ONE, ONE]) == pytest.approx(read_amounts([ONE]))


def test_no_papers_have_no_words() -> None:
    assert (read_amounts([]), liken({}, Rarity(), ())) == ({}, {})


def test_a_word_is_more_of_a_paper_in_the_title_and_when_it_stands_more_often() -> None:
    amounts = read_amounts([of("kernel", "token token and router")])
    assert is_rising([0.0, amounts["router"], amounts["token"], amounts["kernel"], 1.0])


def test_a_liked_word_weighs_how_much_of_the_papers_it_is_times_how_rare_it_is() -> None:
    seen = Rarity([known(60_000.0, kernel=6_000.0, token=60.0)])
    found = liken({"kernel": 0.2, "token": 0.2, "qqa": 0.1, "qqb": 0.2}, seen, ())
    rarity = seen.idf(["token"]) / seen.idf(["kernel"])
    assert [found["token"] / found["kernel"], found["qqb"] / found["qqa"]] == pytest.approx([rarity, 2.0])


def test_the_profile_s_own_words_are_not_liked_a_second_time() -> None:
    assert set(liken(read_amounts([ONE]), Rarity(), {"token", "a"})) == {"kernel", "and"}


def test_of_common_words_only_as_many_are_liked_as_a_paper_may_have_of_them() -> None:
    """Each stands in nearly three papers of four, and three of them in a paper are enough; a rare one is one more."""
    common = [f"qq{letter}" for letter in "abcdefghi"]
    stream = Frequencies(CS, DAY, 60_000.0, {**dict.fromkeys(common, 45_000.0), "rare": 9.0})
    found = liken({**dict.fromkeys(common, 0.4), "rare": 0.001}, Rarity([stream]), ())
    assert sorted(found) == [*common[:4], "rare"]


def test_only_the_heaviest_words_are_liked_in_ties_by_the_alphabet() -> None:
    amounts = {f"qq{number:03}": 0.1 for number in range(LIKE_WORDS + 20)}
    assert sorted(liken(amounts, Rarity(), ())) == sorted(amounts)[:LIKE_WORDS]


# --- What is learned from ---------------------------------------------------------------------------------------------


def test_a_profile_s_stream_is_the_same_for_its_keywords_in_any_order() -> None:
    one = profile("kernel", Keyword("token", 2.0), name="a", authors=(Keyword("Turing"),), min_score=3.0)
    other = profile(Keyword("token", 2.0), "kernel", name="b", categories=("math.CO",), likes=("2603.00001",))
    assert stream_of(one) == stream_of(other) is not None


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(profile("kernel"), id="fewer keywords"),
        pytest.param(profile("kernel", "tokens"), id="another keyword"),
        pytest.param(profile("kernel", Keyword("token", 2.0)), id="another weight"),
        pytest.param(profile(likes=("2603.00001",)), id="likes alone"),
        pytest.param(profile(likes=("2603.00002",)), id="other likes alone"),
    ],
)
def test_other_keywords_and_likes_without_them_have_streams_of_their_own(other: Profile) -> None:
    streams = [stream_of(one) for one in (profile("kernel", "token"), profile(likes=("2603.00003",)), other)]
    assert len({*streams, None}) == 4


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(profile("kernel", ranking="count"), id="by the origin's rule"),
        pytest.param(profile("kernel", query=parse_query("token")), id="with a query"),
        pytest.param(profile(), id="without keywords and likes"),
        pytest.param(profile(authors=(Keyword("Turing"),)), id="with authors alone"),
        pytest.param(profile(dislikes=("2603.00001",)), id="with dislikes alone"),
    ],
)
def test_a_profile_has_no_stream_where_there_is_nothing_to_learn(one: Profile) -> None:
    assert stream_of(one) is None


HUNDRED = range(100)


@pytest.mark.parametrize(
    ("numbers", "worth", "excluded", "best"),
    [
        pytest.param(HUNDRED, {7: 100, 3: 300, 9: 200}, (), [3, 9, 7], id="best first"),
        pytest.param(HUNDRED, dict.fromkeys(range(50, 60), 100), (), [50, 51, 52, 53, 54], id="five, the first ones"),
        pytest.param(HUNDRED, {7: 100, 3: 300, 9: 200}, (3,), [9, 7], id="none excluded"),
        pytest.param(HUNDRED, {7: 100, 3: 0, 9: -200}, (), [7], id="none without points"),
        pytest.param(range(60, 100), {60: 1, 61: 3, 62: 2, 5: 9}, (), [61, 62], id="one of twenty, of the mailing's"),
        pytest.param(range(19), {1: 300}, (), [], id="none of a small mailing"),
        pytest.param((), {}, (), [], id="none of none"),
    ],
)
def test_the_best_papers_of_a_mailing_are_picked(
    numbers: Sequence[int], worth: Mapping[int, int], excluded: Collection[int], best: Sequence[int]
) -> None:
    assert pick_best(numbers, [worth.get(number, 0) for number in HUNDRED], excluded) == best


# --- The ranking ------------------------------------------------------------------------------------------------------

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (DAY + timedelta(days=days) for days in (-2, -1, 0, 1))
WEEK = (TUESDAY, WEDNESDAY, THURSDAY, FRIDAY)


def record(number: int, mailing: date, **changes: Any) -> PaperRecord:
    """Paper *number*, new in cs.LG on *mailing*."""
    one = of(id=f"2603.{number:05}", **changes)
    return PaperRecord(one, (Announcement(mailing, one.id, 1, (("cs.LG", AnnounceType.NEW),)),))


def learned(wanted: Profile, records: Iterable[PaperRecord]) -> Known:
    """What is known after the mailings of *records*, each with a hundred papers more that say something else."""
    days: dict[date, list[Paper]] = {}
    for one in records:
        days.setdefault(one.announcements[0].mailing, []).append(one.paper)
    rest = [of(f"filler {number}", f"about {number}") for number in range(100)]
    return Known(Learner([wanted]).count([CS], {day: [*seen, *rest] for day, seen in days.items()}, ()))


def ranked(wanted: Profile, records: Sequence[PaperRecord], so_far: Known | None = None) -> Selected:
    liked = {one.paper.id: one.paper for one in records}
    return select(Selection("default", wanted), Shelf(records), Revision(), so_far or learned(wanted, records), liked)


def values(selected: Selected) -> dict[str, float]:
    return {one.item.paper.id: one.item.score.value for one in selected.verdicts}


numbers = st.integers(1, 9)
liked_ids = st.lists(numbers.map("2603.{:05}".format), max_size=2, unique=True).map(tuple)
keywords = st.lists(
    st.builds(
        Keyword,
        st.sampled_from([*VOCABULARY, "kernel token", '"LLM"', "ti:graph", "vect*", "cache OR router -graph"]),
        st.sampled_from([0.1, 0.5, 1.0, 2.5]),
    ),
    max_size=3,
)
profiles = st.builds(
    profile,
    likes=liked_ids,
    dislikes=liked_ids,
    authors=st.sampled_from([(), (Keyword("Lovelace", 0.7),)]),
    days_back=st.just(30),
).flatmap(lambda one: keywords.map(lambda terms: replace(one, keywords=tuple(terms))))
said = st.fixed_dictionaries({"title": texts, "abstract": texts, "mailing": st.sampled_from(WEEK)})
mailings = st.dictionaries(numbers, said, min_size=1, max_size=9)
ADA, KURT = Author("Ada Lovelace"), Author("Kurt Gödel")


def test_who_wrote_the_best_papers_of_earlier_mailings_is_related_in_later_ones() -> None:
    wanted = profile("kernel")
    told = [
        (1, TUESDAY, "Kernel", ADA),
        (2, TUESDAY, "Nothing", KURT),
        (3, FRIDAY, "Kernel", ADA),
        (4, FRIDAY, "Kernel", KURT),
    ]
    records = [record(number, day, title=title, authors=(who,)) for number, day, title, who in told]
    selected = ranked(wanted, records)
    related = {
        one.item.paper.id[-1]: reason.term
        for one in selected.verdicts
        for reason in one.item.score.reasons
        if reason.field == "related author"
    }
    assert related == {"3": "Ada Lovelace"}


def of_two_writers(written: Mapping[int, Mapping[str, Any]]) -> list[PaperRecord]:
    """Records of which some repeat others, since they share an author."""
    return [record(number, authors=((ADA, KURT)[number % 2],), **told) for number, told in written.items()]


def of_as_many_writers(written: Mapping[int, Mapping[str, Any]]) -> list[PaperRecord]:
    return [record(number, authors=(Author(f"Ada {number}"),), **told) for number, told in written.items()]


@settings(max_examples=100, deadline=None)
@given(mailings, profiles)
def test_the_reasons_of_every_paper_add_up_heaviest_first(written: dict[int, dict[str, Any]], wanted: Profile) -> None:
    for verdict in ranked(wanted, of_two_writers(written)).verdicts:
        given_points = [round(UNIT * reason.points) for reason in verdict.item.score.reasons]
        assert given_points == sorted(given_points, reverse=True)
        assert sum(given_points) == round(UNIT * verdict.item.score.value)


@settings(max_examples=50, deadline=None)
@given(mailings, profiles)
def test_each_mailing_comes_heaviest_first_then_the_newer_identifier(
    written: dict[int, dict[str, Any]], wanted: Profile
) -> None:
    order = [(item.mailing, item.score.value, item.paper.id) for item in ranked(wanted, of_two_writers(written)).items]
    assert order == sorted(order, reverse=True)


@settings(max_examples=50, deadline=None)
@given(mailings, profiles, st.randoms(use_true_random=False))
def test_the_order_in_which_papers_are_stored_makes_no_difference(
    written: dict[int, dict[str, Any]], wanted: Profile, random: Random
) -> None:
    records = of_two_writers(written)
    so_far = learned(wanted, records)
    shuffled = random.sample(records, len(records))
    assert tuple(ranked(wanted, shuffled, so_far).verdicts) == tuple(ranked(wanted, records, so_far).verdicts)


@settings(max_examples=50, deadline=None)
@given(mailings, profiles, st.sampled_from(WEEK))
def test_neither_a_later_mailing_nor_more_of_its_own_moves_a_paper_s_score(
    written: dict[int, dict[str, Any]], wanted: Profile, last: date
) -> None:
    """The papers of all mailings up to *last*, of that one only every second paper, and then all papers."""
    records = of_as_many_writers(written)
    liked = {one.paper.id: one.paper for one in records}
    first = [one for one in records if one.announcements[0].mailing < last]
    first += [one for one in records if one.announcements[0].mailing == last][::2]
    before, after = (
        values(select(Selection("default", wanted), Shelf(some), Revision(), learned(wanted, some), liked))
        for some in (first, records)
    )
    assert {paper_id: after[paper_id] for paper_id in before} == before


def test_a_later_mailing_that_brings_the_original_of_a_paper_does_not_move_its_score() -> None:
    wanted = profile("kernel")
    listed, original = (
        record(number, day, title="Kernel", authors=(ADA,)) for number, day in ((2, WEDNESDAY), (1, FRIDAY))
    )
    before, after = values(ranked(wanted, [listed])), values(ranked(wanted, [listed, original]))
    assert after[listed.paper.id] == before[listed.paper.id]


def test_the_reasons_add_up_whatever_the_letters() -> None:
    one = record(1, THURSDAY, abstract="kernel ﷺ")
    (item,) = ranked(profile(likes=(one.paper.id,)), [one]).items
    assert sum(round(UNIT * reason.points) for reason in item.score.reasons) == round(UNIT * item.score.value)


def test_words_that_earlier_best_papers_had_raise_a_later_paper_and_say_so() -> None:
    best = [record(number, WEDNESDAY, abstract="kernel speculative") for number in range(1, 7)]
    one, other = record(8, FRIDAY, abstract="kernel speculative"), record(9, FRIDAY, abstract="kernel zymurgy")
    bare = record(7, FRIDAY, abstract="speculative")
    selected = ranked(profile("kernel", days_back=1), [one, other, bare], learned(profile("kernel"), best))
    fields = {item.paper.id[-1]: {reason.field for reason in item.score.reasons} for item in selected.items}
    assert fields == {"8": {"abstract", "related"}, "9": {"abstract"}, "7": set()}


def reasons_of(seen: Paper, *, liked: Paper, **changes: Any) -> list[tuple[str, str]]:
    """What ties *seen* to the paper *liked*, which a profile without keywords likes or dislikes."""
    one = replace(seen, id="2603.00002")
    records = [PaperRecord(one, (Announcement(THURSDAY, one.id, 1, (("cs.LG", AnnounceType.NEW),)),))]
    (verdict,) = select(
        Selection("default", profile(**changes)), Shelf(records), Revision(), None, {liked.id: liked}
    ).verdicts
    return [(reason.term, reason.field) for reason in verdict.item.score.reasons]


def test_a_reason_names_the_words_as_the_paper_spells_them_heaviest_first() -> None:
    seen = of("speculative LLMs", "Cached zymurgy")
    liked = of("Speculative", "caching LLMs, zymurgy")
    assert reasons_of(seen, liked=liked, likes=(liked.id,)) == [("speculative, zymurgy, cached, llms", "like")]


def test_of_many_words_the_heaviest_are_named_and_the_others_counted() -> None:
    both = of("qqa qqb qqc qqd", "qqe qqf qqg qqh qqi")
    assert reasons_of(both, liked=both, dislikes=(both.id,)) == [("qqa, qqb, qqc, qqd, qqe, qqf and 3 more", "dislike")]


def test_likes_that_are_not_stored_have_no_say_and_are_told() -> None:
    wanted = profile(likes=("2603.00008",), dislikes=("2603.00009",))
    found = ranked(wanted, [record(1, THURSDAY, abstract="kernel")])
    assert (values(found), found.unknown) == ({"2603.00001": 0.0}, ("2603.00008", "2603.00009"))
