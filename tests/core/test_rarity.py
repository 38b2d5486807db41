"""How rare a word is: from the papers of earlier mailings, which fade, and from a list of counts before there are any.

What is learned when, and that it is kept, is in `test_learning.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import rarity
from core.papers import Paper
from core.rarity import HALF_LIFE_DAYS, Counted, Known, Rarity, add_up, count, group_of, words_of
from core.store.records import Frequencies
from core.words import fold_word, plain_word, split_words
from tests.builders import DAY, paper

CS, MATH = "Computer Science", "Mathematics"
HALF_LIFE = timedelta(days=HALF_LIFE_DAYS)
ONE_DAY = timedelta(days=1)


def of(abstract: str) -> Paper:
    return paper(title="0", abstract=abstract)


def known(papers: float = 1_000.0, *, stream: str = CS, mailing: date = DAY, **counts: float) -> Frequencies:
    return Frequencies(stream, mailing, papers, counts)


def counted(*abstracts: str, day: date = DAY, before: Frequencies | None = None) -> Frequencies:
    """What is known after the mailing of *day*."""
    return count(CS, day, {day: map(of, abstracts)}, before)


def is_falling(values: Iterable[float]) -> bool:
    return all(one > other for one, other in pairwise(values))


# --- What is counted --------------------------------------------------------------------------------------------------


def test_a_paper_counts_each_folded_word_of_title_and_abstract_once() -> None:
    seen = paper(title="Caching LLMs", abstract="A cache, cached: the LLM's policies.")
    assert words_of(seen) == {"cach", "llm", "a", "the", "policy"}


def test_words_are_counted_by_papers_not_by_how_often_they_stand() -> None:
    after = counted("kernel kernel kernel", "kernels", "token")
    assert (after.papers, after.counts) == (3.0, {"0": 3.0, "kernel": 2.0, "token": 1.0})


def test_what_was_known_fades_by_half_in_a_half_life() -> None:
    after = count(CS, DAY + HALF_LIFE, {}, known(400.0, kernel=80.0, token=3.0))
    assert after == known(200.0, mailing=DAY + HALF_LIFE, kernel=40.0, token=1.5)


def test_papers_of_earlier_days_fade_alike() -> None:
    days = {DAY: [of("kernel")] * 4, DAY + HALF_LIFE: [of("token")] * 3}
    after = count(CS, DAY + HALF_LIFE, days, None)
    assert (after.papers, after.counts) == (5.0, {"0": 5.0, "kernel": 2.0, "token": 3.0})


def test_new_papers_come_on_top_of_what_was_known() -> None:
    after = counted("kernel", "kernel", day=DAY + HALF_LIFE, before=known(100.0, kernel=10.0, token=4.0))
    assert (after.papers, after.counts) == (52.0, {"0": 2.0, "kernel": 7.0, "token": 2.0})


def test_fading_day_by_day_comes_to_the_same_as_at_once() -> None:
    before = known(10_000.0, kernel=5_000.0)
    for day in range(1, int(HALF_LIFE_DAYS) + 1):
        before = count(CS, DAY + day * ONE_DAY, {}, before)
    assert [before.papers, before.counts["kernel"]] == pytest.approx([5_000.0, 2_500.0], abs=5)


def test_what_has_faded_away_is_forgotten() -> None:
    after = count(CS, DAY + HALF_LIFE, {}, known(100.0, kernel=1.0, token=0.9))
    assert after.counts == {"kernel": 0.5}


def test_authors_fade_and_are_forgotten_like_words() -> None:
    before = Frequencies("profile:0", DAY, 5.0, {}, {"ada": 1.0, "kurt": 0.9})
    after = add_up("profile:0", DAY + HALF_LIFE, {DAY + HALF_LIFE: Counted(1, {}, {"emmy": 1})}, before)
    assert (after.papers, after.authors) == (3.5, {"ada": 0.5, "emmy": 1.0})


def test_who_was_seen_once_is_forgotten_after_two_months_of_mailings() -> None:
    known = Frequencies("profile:0", DAY, 1.0, {"kernel": 1.0}, {"ada": 1.0})
    for days in range(1, 64):
        known = add_up("profile:0", DAY + timedelta(days=days), {}, known)
        if days == 50:
            assert ([*known.counts], [*known.authors]) == (["kernel"], ["ada"])
    assert (known.counts, known.authors) == ({}, {})


def test_only_the_words_of_most_papers_are_kept_in_ties_by_the_alphabet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rarity, "_WORDS_KEPT", 2)
    assert count(CS, DAY, {}, known(9.0, beta=3.0, alpha=3.0, gamma=4.0, delta=1.0)).counts == {
        "alpha": 3.0,
        "gamma": 4.0,
    }


def test_without_papers_there_is_nothing_to_know() -> None:
    assert count(CS, DAY, {}, None) == Frequencies(CS, DAY, 0.0, {})


abstracts = st.lists(st.lists(st.sampled_from(["kernel", "token", "routers", "LLMs"])).map(" ".join), max_size=8)
by_days = st.dictionaries(st.integers(0, 90).map(lambda days: DAY - timedelta(days=days)), abstracts, max_size=4)


@settings(max_examples=50)
@given(by_days, st.randoms(use_true_random=False))
def test_the_order_of_papers_and_days_makes_no_difference(texts: dict[date, list[str]], random: Random) -> None:
    days = {day: [*map(of, each)] for day, each in texts.items()}
    shuffled = {day: random.sample(days[day], len(days[day])) for day in random.sample(sorted(days), len(days))}
    before = known(50.0, mailing=DAY - timedelta(days=100), kernel=7.0)
    assert count(CS, DAY, shuffled, before) == count(CS, DAY, days, before)


@pytest.mark.parametrize(
    ("category", "group"),
    [
        ("cs.LG", CS),
        ("cs.NA", CS),
        ("math.NA", MATH),
        ("hep-th", "Physics"),
        ("quant-ph", "Physics"),
        ("cs.ZZ", "cs.ZZ"),
    ],
)
def test_a_category_belongs_to_its_group_and_an_unknown_one_to_itself(category: str, group: str) -> None:
    assert group_of(category) == group


# --- What was known before a mailing ----------------------------------------------------------------------------------

HISTORY = Known(
    [
        known(3.0, mailing=DAY),
        known(1.0, mailing=DAY - 9 * ONE_DAY),
        known(5.0, stream=MATH, mailing=DAY - ONE_DAY),
        known(2.0, mailing=DAY - 3 * ONE_DAY),
    ]
)


@pytest.mark.parametrize(
    ("mailing", "stream", "papers"),
    [
        pytest.param(DAY + ONE_DAY, CS, 3.0, id="the mailing of the day before"),
        pytest.param(DAY + 10 * ONE_DAY, CS, 3.0, id="the last one, ten days after"),
        pytest.param(DAY + 11 * ONE_DAY, CS, None, id="nothing that is older"),
        pytest.param(DAY, CS, 2.0, id="not the mailing itself"),
        pytest.param(DAY - 2 * ONE_DAY, CS, 2.0, id="between two mailings"),
        pytest.param(DAY - 3 * ONE_DAY, CS, 1.0, id="not an earlier mailing itself"),
        pytest.param(DAY - 9 * ONE_DAY, CS, None, id="the first mailing"),
        pytest.param(DAY - 99 * ONE_DAY, CS, None, id="before all"),
        pytest.param(DAY, MATH, 5.0, id="another stream"),
        pytest.param(DAY - ONE_DAY, MATH, None, id="the first of another stream"),
        pytest.param(DAY, "Physics", None, id="an unknown stream"),
    ],
)
def test_known_before_a_mailing_is_what_an_earlier_one_left(mailing: date, stream: str, papers: float | None) -> None:
    found = HISTORY.before(mailing, stream)
    assert (found and found.papers) == papers


def test_a_mailing_s_rarity_is_not_moved_by_what_is_learned_from_it_or_later() -> None:
    before = known(500.0, mailing=DAY - ONE_DAY, kernel=20.0)
    later = [known(900.0, kernel=800.0), known(900.0, mailing=DAY + ONE_DAY, kernel=800.0)]
    shares = [Known([before, *more]).rarity(DAY, [CS]).share("kernel") for more in ([], later[:1], later)]
    assert shares == [Rarity([before]).share("kernel")] * 3


def test_streams_are_taken_together_each_once() -> None:
    both = [known(300.0, kernel=30.0, token=5.0), known(200.0, stream=MATH, kernel=40.0)]
    together = Known(both).rarity(DAY + ONE_DAY, [MATH, CS, MATH])
    as_one = Rarity([known(500.0, kernel=70.0, token=5.0)])
    assert [together.share(word) for word in ("kernel", "token", "router")] == [
        as_one.share(word) for word in ("kernel", "token", "router")
    ]


def test_of_streams_of_which_nothing_is_known_the_prior_says_all() -> None:
    assert HISTORY.rarity(DAY, ["Physics", "Economics"]).share("model") == Rarity().share("model")


# --- How rare a word is -----------------------------------------------------------------------------------------------


def test_a_word_is_rarer_than_one_that_more_papers_have() -> None:
    seen = Rarity([known(qqa=900.0, qqb=90.0, qqc=9.0, qqd=1.0)])
    assert is_falling(seen.idf([word]) for word in ("qqe", "qqd", "qqc", "qqb", "qqa"))


@pytest.mark.parametrize("word", ["model", "zymurgy", "qqq"])
def test_the_prior_yields_as_papers_come(word: str) -> None:
    """Of papers that never have the word; of as many as the prior counts for, half of its share is left."""
    shares = [Rarity([known(papers)]).share(word) for papers in (0.0, 1_500.0, 6_000.0, 600_000.0)]
    prior = Rarity().share(word)
    assert shares == [prior, *(pytest.approx(prior * part) for part in (1 / 2, 1 / 5, 1 / 401))]


def test_what_the_stream_says_prevails_over_the_prior() -> None:
    many = Rarity([known(60_000.0, qqq=30_000.0)])
    assert many.share("qqq") == pytest.approx(0.5, abs=0.02)
    assert many.idf(["qqq"]) < many.idf(["model"])


counts = st.dictionaries(st.sampled_from(["model", "kernel", "the", "qqq"]), st.floats(0, 5_000))
some_known = st.lists(st.builds(Frequencies, st.just(CS), st.just(DAY), st.floats(0, 5_000), counts), max_size=3)
some_words = st.lists(st.sampled_from(["model", "kernel", "the", "and", "qqq", "zymurgy", ""]), min_size=1, max_size=4)


@given(some_known, some_words)
def test_a_share_is_more_than_nothing_and_less_than_all(before: list[Frequencies], words: list[str]) -> None:
    shares = [Rarity(before).share(word) for word in words]
    assert 0 < min(shares) <= max(shares) < 1


@given(some_known, some_words)
def test_a_phrase_weighs_at_least_its_rarest_word_and_at_most_all_words_together(
    before: list[Frequencies], words: list[str]
) -> None:
    seen = Rarity(before)
    each = [seen.idf([word]) for word in words]
    assert max(each) <= seen.idf(words) <= sum(each) + 1e-9


@given(some_known, some_words, st.randoms(use_true_random=False))
def test_a_phrase_weighs_the_same_in_any_order(before: list[Frequencies], words: list[str], random: Random) -> None:
    seen = Rarity(before)
    assert seen.idf(random.sample(words, len(words))) == seen.idf(words)


def test_a_phrase_without_words_weighs_nothing() -> None:
    assert Rarity().idf([]) == 0.0


# --- How rare the words with a beginning are --------------------------------------------------------------------------


def test_a_prefix_is_as_frequent_as_all_its_words_together() -> None:
    seen = Rarity([known(qqa=300.0, qqab=60.0, qqb=50.0)])
    assert seen.idf_of_prefix("qqa") == pytest.approx(-math.log(seen.share("qqa") + seen.share("qqab")))


@given(some_known, st.sampled_from(["m", "mo", "model", "kern", "th", "q", "qqq", "zymur"]))
def test_a_prefix_is_no_rarer_than_any_word_that_has_it(before: list[Frequencies], prefix: str) -> None:
    seen = Rarity(before)
    having = [word for word in ("model", "kernel", "the", "qqq", "zymurgy") if word.startswith(prefix)]
    assert 0 < seen.idf_of_prefix(prefix) <= min(seen.idf([word]) for word in having)


def test_a_longer_prefix_is_rarer() -> None:
    seen = Rarity([known(compute=90.0, computation=50.0, compose=40.0)])
    assert is_falling(seen.idf_of_prefix(prefix) for prefix in ("computat", "comput", "comp", "c"))


@pytest.mark.parametrize("prefix", ["learning", "training", "policies", "models"])
def test_a_prefix_that_is_an_inflected_word_is_no_rarer_than_that_word(prefix: str) -> None:
    assert Rarity().idf_of_prefix(prefix) <= Rarity().idf([fold_word(prefix)])


@pytest.mark.parametrize("prefix", ["analysi", "diagnosi", "hypothesi", "synthesi"])
def test_a_prefix_is_no_rarer_than_the_word_that_it_lacks_a_letter_of(prefix: str) -> None:
    assert Rarity().idf_of_prefix(prefix) <= Rarity().idf([fold_word(f"{prefix}s")])


def test_a_prefix_of_no_known_word_is_as_rare_as_a_word_never_seen() -> None:
    seen = Rarity([known(kernel=90.0)])
    assert seen.idf_of_prefix("qqq") == seen.idf(["qqq"]) == Rarity([known()]).idf(["zzzzz"])


# --- The list of counts that stands in --------------------------------------------------------------------------------

PRIOR = Path(rarity.__file__).with_name("word_counts.txt")


def rows() -> list[tuple[int, str]]:
    """The words of the list with their counts, in its order."""
    _, *lines = PRIOR.read_text(encoding="utf-8").splitlines()
    return [(int(seen), word) for seen, *words in map(str.split, lines) for word in words]


def test_the_list_names_each_word_once_commonest_first() -> None:
    listed = rows()
    words = [word for _, word in listed]
    assert (len(set(words)), [*sorted(listed, key=lambda row: (-row[0], row[1]))]) == (len(words), listed)


def test_the_list_s_words_stand_in_some_papers_and_in_no_more_than_there_are() -> None:
    papers = int(PRIOR.read_text(encoding="utf-8").split()[5])
    assert {1 <= seen <= papers for seen, _ in rows()} == {True}


def test_the_list_has_the_words_of_abstracts_as_they_are_folded() -> None:
    listed = {word for _, word in rows()}
    inflected = ("models", "learning", "training", "methods", "caches", "policies", "LLMs", "agents", "achieved")
    assert ({fold_word(word) for word in inflected} <= listed, listed.isdisjoint(inflected)) == (True, True)


def test_the_list_s_words_have_no_capitals_and_accents() -> None:
    assert [word for _, word in rows() if plain_word(word) != word] == []


def test_the_list_has_single_words_and_so_no_categories() -> None:
    assert [word for _, word in rows() if split_words(word) != [word]] == []


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["the", "model", "benchmark", "kernel", "zymurgy"], id="of computer science"),
        pytest.param(["and", "data", "graph", "lattice"], id="of many fields"),
        pytest.param(["we", "llm", "moe", "speculative"], id="of language models"),
    ],
)
def test_common_words_are_common_before_anything_is_known(words: Sequence[str]) -> None:
    assert is_falling(-Rarity().idf([fold_word(word)]) for word in words)
