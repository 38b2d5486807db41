"""Papers with numbers, where terms stand in them and how often, and whole queries held against many papers at once.

Which words a term finds is in `test_scoring.py` and `test_query_truth.py`; here it is that the index finds in many
papers what reading each one by itself finds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.index import COUNT_BITS, HITS_BITS, MOST, PaperIndex, has_number, numbers_in
from core.papers import Author, Paper
from core.query import And, Field, Node, Not, Or, Reading, Term, parse_query
from core.saturation import norm_of
from core.shelf import is_near_duplicate
from core.words import fold_word, is_same_name, name_words, plain_word, singular_acronym, split_words
from tests.builders import paper


def of(title: str = "0", abstract: str = "0", **changes: Any) -> Paper:
    """A paper of nobody that says only what is stated."""
    return paper(**{"title": title, "abstract": abstract, "authors": (), **changes})


def indexed(*texts: str | Paper) -> PaperIndex:
    """An index of papers; of a bare text it is the abstract."""
    return PaperIndex(one if isinstance(one, Paper) else of(abstract=one) for one in texts)


def hits(index: PaperIndex, term: Term) -> dict[int, tuple[int, int]]:
    """By number how often *term* stands in title and abstract."""
    return {one >> HITS_BITS: (one >> COUNT_BITS & MOST, one & MOST) for one in index.find(term)}


def found(index: PaperIndex, query: str) -> list[int]:
    return sorted(index.evaluate(parse_query(query)))


# --- Papers have numbers ----------------------------------------------------------------------------------------------


def test_papers_are_numbered_in_the_order_in_which_they_come() -> None:
    index = indexed("alpha", "beta")
    added = index.add(of(id="2603.00009"))
    assert (added, len(index), index.papers[2].id) == (2, 3, "2603.00009")


def test_the_same_paper_twice_has_two_numbers() -> None:
    index = indexed(of(id="2603.00007"), of(id="2603.00007"))
    assert found(index, "id:2603.00007") == [0, 1]


def test_norms_are_made_of_the_words_of_title_and_abstract() -> None:
    assert indexed(of("KV-cache", "C++, naïve 注意 and GPT-4")).norms == [norm_of(2, 7)]


def test_norms_are_those_of_the_papers_lengths_also_of_papers_that_come_later() -> None:
    index = indexed(of("alpha", "beta gamma"))
    index.add(of("alpha beta", "gamma"))
    assert index.norms == [norm_of(1, 2), norm_of(2, 1)]


def test_words_can_be_picked_from_a_paper() -> None:
    index = indexed(of("KV cache", "caches of tokens, cached"))
    picked = index.pick(0, {"cach", "token", "other"}).reading
    assert (picked.title, picked.abstract) == (["cach"], ["cach", "token", "cach"])


def test_without_papers_nothing_is_found() -> None:
    index = PaperIndex()
    assert (found(index, "alpha"), found(index, "-alpha"), found(index, "alph*")) == ([], [], [])


def test_papers_that_come_later_are_found_by_what_was_asked_before() -> None:
    index = indexed("kv cache", "alpha")
    queries = ("cache", '"kv cache"', "kv-cache", "cach*", '"kv cache"~2', "-alpha", "comment:oral", "cat:cs")
    before = [found(index, query) for query in queries]
    index.add(of(abstract="kv cache, cachet", comment="oral"))
    assert ([found(index, query) for query in queries], before) == (
        [[0, 2], [0, 2], [0, 2], [0, 2], [0, 2], [0, 2], [2], [0, 1, 2]],
        [[0], [0], [0], [0], [0], [0], [], [0, 1]],
    )


def test_a_word_that_no_earlier_paper_had_is_found_by_its_beginning() -> None:
    index = indexed("quantum")
    assert found(index, "quant*") == [0]
    index.add(of(abstract="quantile"))
    assert found(index, "quant*") == [0, 1]


def test_the_same_words_are_looked_for_anew_in_another_way() -> None:
    index = indexed("kv cache", "kv caches", "cache, kv", "cache of a kv", "kv cachet")
    queries = ("kv-cache", '"kv cache"', "kv-cach*", '"kv cach"', '"kv cache"~0', '"kv cache"~2', '"kv cache"~0')
    numbers = [[0, 1], [0], [0, 1, 4], [], [0, 2], [0, 2, 3], [0, 2]]
    assert [found(index, query) for query in queries] == numbers


# --- Where a term stands, and how often -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        pytest.param(Term("cache"), (1, 3), id="in any form"),
        pytest.param(Term("cache", "exact"), (1, 1), id="exactly"),
        pytest.param(Term("kv cache"), (1, 2), id="a phrase"),
        pytest.param(Term("kv cache", "exact"), (1, 1), id="a phrase exactly"),
        pytest.param(Term("cach", "prefix"), (1, 4), id="a prefix"),
        pytest.param(Term("kv c", "prefix"), (1, 2), id="a phrase with a prefix"),
        pytest.param(Term("store kv", "near", distance=3), (0, 1), id="near words count once"),
    ],
)
def test_hits_are_counted_in_title_and_in_abstract(term: Term, expected: tuple[int, int]) -> None:
    index = indexed("alpha", of("A KV cache", "KV caches, KV-cache; caching with a cachet. A store of kv"))
    assert hits(index, term) == {1: expected}


def test_a_word_and_an_acronym_s_plural_of_the_same_letters_are_counted_together_in_the_order_of_papers() -> None:
    index = indexed("an API", of("APIs", "APIS, apis and an API"), of(abstract="apis"), "alpha", of("KV APIs"))
    expected = [(1, (1, 2)), (2, (0, 1)), (4, (1, 0))]
    assert [[*hits(index, Term(text)).items()] for text in ("apis", "APIS")] == [expected, expected]


def test_an_acronym_s_plural_is_found_only_once_a_paper_writes_it() -> None:
    index = indexed("apis", "an API")
    before = hits(index, Term("apis"))
    index.add(of("APIs"))
    assert (before, hits(index, Term("apis"))) == ({0: (0, 1)}, {0: (0, 1), 2: (1, 0)})


@pytest.mark.parametrize("times", [254, 255, 256, 300, 70_000])
def test_more_hits_than_255_are_as_good_as_255(times: int) -> None:
    most = min(times, 255)
    index = indexed("alpha", of("kernel " * times, "flash kernel, " * times), "kernel")
    terms = (Term("kernel"), Term("flash kernel"), Term("kern", "prefix"))
    assert [hits(index, term) for term in terms] == [
        {1: (most, most), 2: (0, 1)},
        {1: (0, most)},
        {1: (most, most), 2: (0, 1)},
    ]


def test_hits_of_several_words_with_a_prefix_are_no_more_than_255_either() -> None:
    index = indexed("alpha", of("t", "kernel " * 200 + "kerosene " * 200))
    assert hits(index, Term("ker", "prefix")) == {1: (0, 255)}


def test_a_prefix_finds_words_that_go_on_with_any_letter() -> None:
    index = indexed("keβ", "kez", "注意", "注")
    assert [sorted(hits(index, Term(prefix, "prefix"))) for prefix in ("ke", "注")] == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        pytest.param(Term("alpha"), {0: (1, 0), 1: (0, 2), 2: (1, 1)}, id="title and abstract"),
        pytest.param(Term("alpha", field="title"), {0: (1, 0), 2: (1, 0)}, id="title"),
        pytest.param(Term("alpha", field="abstract"), {1: (0, 2), 2: (0, 1)}, id="abstract"),
        pytest.param(Term("alpha", "prefix", "title"), {0: (1, 0), 2: (1, 0)}, id="a prefix in the title"),
        pytest.param(Term("A. Alpha", field="authors"), {3: (0, 1)}, id="authors"),
        pytest.param(Term("cs.CL", field="categories"), {3: (0, 1)}, id="a category"),
        pytest.param(Term("cs", field="categories"), {0: (0, 1), 1: (0, 1), 2: (0, 1), 3: (0, 1)}, id="an archive"),
        pytest.param(Term("2603.00042", field="id"), {3: (0, 1)}, id="id"),
        pytest.param(Term("alphas", field="comment"), {3: (0, 1)}, id="comment"),
        pytest.param(Term("alpha", "exact", "comment"), {3: (0, 1)}, id="a comment exactly"),
        pytest.param(Term("alpha oral", "near", "comment"), {3: (0, 1)}, id="near in a comment"),
        pytest.param(Term("nobody", field="authors"), {}, id="nowhere"),
    ],
)
def test_a_field_is_looked_in_alone_and_what_is_no_text_counts_once(
    term: Term, expected: Mapping[int, tuple[int, int]]
) -> None:
    elsewhere = of(
        id="2603.00042", authors=(Author("Ann Alpha"),), categories=("cs.CL", "cs.LG"), comment="oral; alpha, alpha"
    )
    index = indexed(of("alpha"), of(abstract="alpha alpha"), of("alpha", "alpha"), elsewhere)
    assert hits(index, term) == expected


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        pytest.param(Term("caching"), True, id="folded"),
        pytest.param(Term("kv caches"), True, id="a folded phrase"),
        pytest.param(Term("sparse kv"), False, id="a phrase of other words"),
        pytest.param(Term("KV cache", "exact"), True, id="exact"),
        pytest.param(Term("kv caches", "exact"), False, id="another exact form"),
        pytest.param(Term("kv cac", "prefix"), True, id="prefix"),
        pytest.param(Term("cachet", "prefix"), False, id="a longer prefix"),
        pytest.param(Term("store cache", "near", distance=1), True, id="near"),
        pytest.param(Term("store cache", "near", distance=0), False, id="not near enough"),
        pytest.param(Term("sparse"), False, id="in the abstract alone"),
    ],
)
def test_a_term_stands_in_the_title_as_it_is_read(term: Term, expected: bool) -> None:
    index = indexed("alpha", of("The KV cache as store", "Sparse KV caches"), of("A sparse cachet", "KV caches"))
    assert index.stands_in_title(1, term) is expected


def test_a_paper_s_folded_words_come_in_reading_order() -> None:
    reading = indexed("alpha", of("KV-Caches", "We cache LLMs")).read(1)
    assert (reading.title, reading.abstract) == (["kv", "cach"], ["we", "cach", "llm"])


def test_a_paper_spells_its_words_as_it_does_where_they_stand_first() -> None:
    index = indexed("caches", of("LLMs, Naïve", "Caching the cached; an LLM's policies"))
    spelt = index.pick(1, {"cach", "policy", "llm", "naiv", "token"}).spelt
    assert spelt == {"cach": "caching", "policy": "policies", "llm": "llms", "naiv": "naive"}


def test_a_paper_may_repeat_earlier_ones_of_whoever_writes_the_name_exactly_as_its_authors_do() -> None:
    names = ("Ada Lovelace", "A. Lovelace", "ADA LOVELACE", "Kurt Gödel")
    index = indexed(*(of(authors=(Author(name),)) for name in names))
    assert [[*index.may_repeat(number)] for number in range(4)] == [[], [], [0], []]


def test_an_author_without_a_letter_is_nobody_to_be_found() -> None:
    index = indexed(of(authors=(Author("?"), Author("Ada Lovelace"))), of(authors=(Author("?"),)))
    assert [one >> HITS_BITS for one in index.find(Term("Lovelace", field="authors"))] == [0]


def test_a_paper_that_says_something_else_cannot_repeat_one() -> None:
    ada = (Author("Ada Lovelace"),)
    index = indexed(of("One", "alpha beta gamma", authors=ada), of("Other", "delta epsilon zeta", authors=ada))
    assert [[*index.may_repeat(number)] for number in range(2)] == [[], []]


@pytest.mark.parametrize("place", [0, 1])
def test_a_paper_that_has_seven_tenths_of_another_s_words_may_repeat_it_whichever_comes_first(place: int) -> None:
    ada = (Author("Ada Lovelace"),)
    both = of("One", "a b c d e f g h i j", authors=ada), of("Other", "a b c d e f g", authors=ada)
    index = indexed(both[place], both[1 - place])
    assert [[*index.may_repeat(number)] for number in range(2)] == [[], [0]]


def test_a_name_on_very_many_papers_is_nobody_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.index._MOST_NAMESAKES", 2)
    li, ada = Author("Li Wei"), Author("Ada Lovelace")
    index = indexed(of(authors=(li, ada)), of(authors=(li, ada)), of(authors=(li,)))
    assert [[*index.may_repeat(number)] for number in range(3)] == [[], [0], []]


# --- Whole queries over several papers --------------------------------------------------------------------------------

FOUR = ("gamma", "alpha", "beta", "alpha beta")


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("alpha", [1, 3]),
        ("-alpha", [0, 2]),
        ("alpha beta", [3]),
        ("alpha OR beta", [1, 2, 3]),
        ("alpha -beta", [1]),
        ("-alpha -beta", [0]),
        ("alpha OR -beta", [0, 1, 3]),
        ("-alpha OR -beta", [0, 1, 2]),
        ("-alpha OR beta OR -gamma", [0, 1, 2, 3]),
        ("alpha -alpha", []),
        ("delta", []),
        ("-delta", [0, 1, 2, 3]),
        ("delta OR alpha", [1, 3]),
        ("-delta alpha", [1, 3]),
        ("-(alpha OR beta) OR (alpha beta)", [0, 3]),
    ],
)
def test_a_query_finds_some_papers_and_its_complement_all_others(query: str, numbers: list[int]) -> None:
    index = indexed(*FOUR)
    assert (found(index, query), found(index, f"-({query})")) == (
        numbers,
        [number for number in range(4) if number not in numbers],
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-(alpha beta)", "-alpha OR -beta"),
        ("-(alpha OR beta)", "-alpha -beta"),
        ("-(alpha -beta)", "-alpha OR beta"),
        ("-(-alpha OR beta)", "alpha -beta"),
        ("alpha (beta OR gamma)", "(alpha beta) OR (alpha gamma)"),
        ("alpha OR (beta -gamma)", "(alpha OR beta) (alpha OR -gamma)"),
        ("-(alpha beta gamma)", "-alpha OR -beta OR -gamma"),
    ],
)
def test_queries_that_say_the_same_find_the_same_papers(one: str, other: str) -> None:
    index = indexed(*FOUR, "alpha gamma", "beta gamma", "alpha beta gamma", "0")
    assert found(index, one) == found(index, other)


# --- As reading each paper by itself ----------------------------------------------------------------------------------

VOCABULARY = (
    "cache",
    "caching",
    "cachet",
    "kv",
    "KV-cache",
    "API's",
    "APIs",
    "apis",
    "naïve",
    "Naive",
    "C++",
    "C",
    "注意",
    "注",
)
WRITERS = ("Ada Lovelace", "A. Lovelace", "Kurt Gödel", "Lovelace")
CATEGORIES = ("cs.LG", "cs.CL", "math.CO")

words = st.sampled_from(VOCABULARY)
texts = st.lists(words, max_size=6).map(" ".join)
papers = st.builds(
    of,
    texts,
    texts,
    authors=st.lists(st.sampled_from(WRITERS), max_size=2, unique=True).map(lambda names: tuple(map(Author, names))),
    categories=st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=2, unique=True).map(tuple),
    comment=st.none() | texts,
)
text_fields = st.sampled_from([None, None, None, "title", "abstract", "comment"])
phrases = st.lists(words, min_size=1, max_size=3).map(" ".join)
terms = st.one_of(
    st.builds(Term, phrases, st.sampled_from(["folded", "exact"]), text_fields),
    st.builds(Term, st.sampled_from(["ca", "cach", "api", "c", "kv cach", "注"]), st.just("prefix")),
    st.builds(Term, phrases, st.just("near"), text_fields, distance=st.integers(0, 2)),
    st.builds(Term, st.sampled_from(WRITERS), field=st.just("authors")),
    st.builds(Term, st.sampled_from([*CATEGORIES, "cs", "math"]), field=st.just("categories")),
)


def _groups(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    negated: st.SearchStrategy[Node] = inner.map(lambda node: node.part if isinstance(node, Not) else Not(node))
    return several.map(And) | several.map(Or) | negated


nodes: st.SearchStrategy[Node] = st.recursive(terms, _groups, max_leaves=6)


def is_found(node: Node, seen: Paper) -> bool:
    """Whether *node* finds the one paper *seen*, by reading it from beginning to end."""
    match node:
        case And(parts):
            return all(is_found(part, seen) for part in parts)
        case Or(parts):
            return any(is_found(part, seen) for part in parts)
        case Not(part):
            return not is_found(part, seen)
    match node.field:
        case "authors":
            return any(is_same_name(name_words(node.text), name_words(author.name)) for author in seen.authors)
        case "categories":
            return any(node.text in {name, name.partition(".")[0]} for name in seen.categories)
    return any(any(_places(node, split_words(text))) for text in _texts(seen, node.field))


def _texts(seen: Paper, field: Field | None) -> Sequence[str]:
    by_field = {"title": seen.title, "abstract": seen.abstract, "comment": seen.comment or ""}
    return [by_field[field]] if field else [seen.title, seen.abstract]


def _places(term: Term, text: Sequence[str]) -> Iterator[bool]:
    """For each word of *text* whether *term* stands where that word begins."""
    reading: Reading = term.reading
    if reading == "folded":
        wanted = split_words(term.text)
        for start in range(len(text)):
            here = text[start : start + len(wanted)]
            yield len(here) == len(wanted) and all(map(_is_same_word, wanted, here))
        return
    wanted, read = [*map(plain_word, split_words(term.text))], [*map(plain_word, text)]
    for start in range(len(read)):
        if reading == "near":
            yield not Counter(wanted) - Counter(read[start : start + len(wanted) + term.distance])
        else:
            here = read[start : start + len(wanted)]
            last = here[-1][: len(wanted[-1])] if reading == "prefix" else here[-1]
            yield [*here[:-1], last] == wanted


def _is_same_word(wanted: str, word: str) -> bool:
    """Whether both have one folded form, or differ in case and accents alone."""
    return fold_word(wanted) == fold_word(word) or plain_word(singular_acronym(wanted)) == plain_word(word)


@settings(max_examples=150, deadline=None)
@given(st.lists(papers, max_size=4), nodes)
@example([of("an API"), of("APIs"), of(abstract="apis")], Term("apis"))
@example([of("kv API"), of("kv APIs"), of(abstract="kv apis")], Term("kv apis"))
@example([of(comment="kv API"), of(comment="kv APIs"), of(comment="apis kv")], Term("kv apis", field="comment"))
@example([of("an API"), of("APIs")], Term("apis", "exact"))
@example([of("an API"), of("APIs")], Term("api", "prefix"))
def test_a_query_finds_what_reading_each_paper_by_itself_finds(seen: list[Paper], node: Node) -> None:
    assert PaperIndex(seen).evaluate(node) == {number for number, one in enumerate(seen) if is_found(node, one)}


@settings(max_examples=50, deadline=None)
@given(st.lists(papers, max_size=3), st.lists(papers, max_size=3), st.lists(nodes, min_size=1, max_size=3))
def test_an_index_that_grew_answers_as_one_that_was_made_at_once(
    before: list[Paper], later: list[Paper], asked: list[Node]
) -> None:
    grown = PaperIndex(before)
    for node in asked:
        grown.evaluate(node)
    for one in later:
        grown.add(one)
    at_once = PaperIndex([*before, *later])
    assert [grown.evaluate(node) for node in asked] == [at_once.evaluate(node) for node in asked]


@settings(max_examples=50, deadline=None)
@given(st.lists(papers, max_size=4), nodes, nodes)
def test_not_turns_and_into_or(seen: list[Paper], one: Node, other: Node) -> None:
    index = PaperIndex(seen)
    everything = set(range(len(seen)))
    both, either = (index.evaluate(kind((one, other))) for kind in (And, Or))
    neither, not_both = (index.evaluate(kind((_not(one), _not(other)))) for kind in (And, Or))
    assert (neither, not_both) == (everything - either, everything - both)


def _not(node: Node) -> Node:
    return node.part if isinstance(node, Not) else Not(node)


few_letters = st.lists(st.sampled_from("abcd"), min_size=2, max_size=12).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(few_letters, st.lists(st.sampled_from("abc"), min_size=2, max_size=4).map(" ".join), st.integers(0, 4))
@example("a b a", "a a b", 0)
@example("a b c a", "a a", 1)
def test_near_words_are_found_as_often_as_they_are_asked_for(text: str, near: str, distance: int) -> None:
    term = Term(near, "near", distance=distance)
    assert hits(indexed(text), term) == ({0: (0, 1)} if any(_places(term, text.split())) else {})


@settings(max_examples=100, deadline=None)
@given(st.lists(papers, min_size=1, max_size=4), words, st.sampled_from(["folded", "exact"]))
def test_a_word_has_as_many_hits_as_places_where_it_stands(seen: list[Paper], word: str, reading: Reading) -> None:
    term = Term(split_words(word)[0], reading)
    counted = {
        number: tuple(sum(_places(term, split_words(text))) for text in (one.title, one.abstract))
        for number, one in enumerate(seen)
    }
    assert hits(PaperIndex(seen), term) == {number: each for number, each in counted.items() if any(each)}


written = st.text("01579abdegilnswyABDEGILNSWYéÉß", min_size=1, max_size=6) | st.from_regex(
    r"[0-9A-Z]{1,4}[Ss]", fullmatch=True
)
capitals = st.sampled_from([str, str.lower, str.upper, str.swapcase, str.title])


@settings(max_examples=300, deadline=None)
@given(written, capitals)
@example("16S", str)
@example("16s", str.upper)
@example("1990s", str.upper)
@example("3Ds", str.lower)
@example("H2Os", str.lower)
def test_in_quotes_every_word_is_found_as_a_text_writes_it_in_any_capitals(
    word: str, change: Callable[[str], str]
) -> None:
    index = indexed(f"an {word} gene")
    terms = (Term(change(word), "exact"), Term(f"an {change(word)}", "exact"), Term(f"an {change(word)} ge", "prefix"))
    assert [[*hits(index, term)] for term in terms] == [[0]] * 3


@settings(max_examples=200, deadline=None)
@given(st.lists(papers, max_size=5), terms)
def test_where_a_term_stands_is_told_in_the_order_of_papers(seen: list[Paper], term: Term) -> None:
    index = PaperIndex(seen)
    found = index.find(term)
    assert list(found) == sorted(found)
    assert {number for number in range(len(seen)) if has_number(found, number)} == numbers_in(found)


@settings(max_examples=150, deadline=None)
@given(st.lists(papers, min_size=1, max_size=4), terms.filter(lambda term: term.field is None))
@example([of("APIs", "apis"), of("API", "APIs"), of("apis"), of("Alpha", "APIs")], Term("apis"))
@example([of("kv APIs", "kv apis"), of("kv API", "kv APIs"), of("kv", "apis")], Term("kv apis"))
def test_a_term_stands_in_the_titles_in_which_it_has_hits(seen: list[Paper], term: Term) -> None:
    index = PaperIndex(seen)
    found = hits(index, term)
    assert {number for number in found if index.stands_in_title(number, term)} == {
        number for number, (in_title, _) in found.items() if in_title
    }


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(texts, st.lists(words, max_size=20).map(" ".join)), min_size=2, max_size=4))
def test_whatever_repeats_a_paper_may_repeat_it(said: list[tuple[str, str]]) -> None:
    index = indexed(*(of(title, abstract, authors=(Author("Ada Lovelace"),)) for title, abstract in said))
    repeated = {
        (later, earlier)
        for earlier, later in combinations(range(len(said)), 2)
        if is_near_duplicate(index.read(earlier), index.read(later))
    }
    assert repeated <= {(later, earlier) for later in range(len(said)) for earlier in index.may_repeat(later)}


def test_of_what_was_searched_for_as_much_is_kept_as_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    index = PaperIndex(paper(id=f"2603.{number:05}", abstract="kernel token router") for number in range(70))
    searched: list[str] = []
    search = index._search_spelt

    def note(term: Term) -> Sequence[int]:
        searched.append(term.text)
        return search(term)

    monkeypatch.setattr(index, "_search_spelt", note)
    monkeypatch.setattr("core.index._HITS_KEPT", 220)  # two findings of 70 hits, with what they take besides
    for text in ("kernel token", "token router", "kernel token", "no such", "kernel token", "token router"):
        index.find(Term(text, "exact"))
    assert searched == ["kernel token", "token router", "no such", "token router"]
