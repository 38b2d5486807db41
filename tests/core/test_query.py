"""What a query is read as, its one canonical form, and where mistakes stand; what it finds is in the truth table."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import QueryMistake
from core.papers import Paper
from core.query import (
    And,
    Node,
    Not,
    Or,
    Term,
    canonical,
    every_term,
    parse_entry,
    parse_query,
    split_list,
    wanted_terms,
)
from tests.builders import paper
from tests.core.finding import finds

A, B, C = Term("a"), Term("b"), Term("c")


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("a", A),
        ("a b", And((A, B))),
        ("a OR b c", Or((A, And((B, C))))),
        ("(a OR b) c", And((Or((A, B)), C))),
        ("-a", Not(A)),
        ("a NOT b", And((A, Not(B)))),
        ("NOT NOT a", A),
        ("ti:a", Term("a", field="title")),
        ("ti:(a OR b)", Or((Term("a", field="title"), Term("b", field="title")))),
        ('"a b"', Term("a b", "exact")),
        ('"a b"~3', Term("a b", "near", distance=3)),
        ('"a b"~100', Term("a b", "near", distance=100)),
        ('"a b"~0003', Term("a b", "near", distance=3)),
        ('"a"~3', Term("a", "exact")),
        ("ab*", Term("ab", "prefix")),
        ("a^2", Term("a", weight=2.0)),
        ("(a b^2)^0.5", And((Term("a", weight=0.5), Term("b")))),
        ("cat:CS.lg", Term("cs.LG", field="categories")),
        ("cat:cs.*", Term("cs", field="categories")),
        ("id:2602.07306v3", Term("2602.07306", field="id")),
        ('au:"LeCun, Y."', Term("LeCun, Y.", field="authors")),
    ],
)
def test_a_query_is_read_as_a_tree(text: str, node: Node) -> None:
    assert parse_query(text) == node


@pytest.mark.parametrize(
    ("entry", "node"),
    [
        ("kv cache", Term("kv cache")),
        ("kv cach*", Term("kv cach", "prefix")),
        ("C++", Term("C++")),
        ("Q-learning: a start", Term("Q-learning: a start")),
        ("rock and roll", Term("rock and roll")),
        ("kv AND cache", And((Term("kv"), Term("cache")))),
        ('"kv cache"', Term("kv cache", "exact")),
        ("ti:kv", Term("kv", field="title")),
        ("-survey", Not(Term("survey"))),
        ("\u2013survey", Not(Term("survey"))),
        ("\u2014survey", Not(Term("survey"))),
        ("\u2212survey", Not(Term("survey"))),
        ("state\u2013space", Term("state-space")),
        ("ti：kv", Term("kv", field="title")),
        ("模型：大", Term("模型：大")),
        ("（a、b）", And((Term("a"), Term("b")))),
        ("$\\alpha$-divergence", Term("α-divergence")),
    ],
)
def test_an_entry_of_a_list_is_a_term_as_it_is_written_unless_it_has_a_sign_of_a_query(entry: str, node: Node) -> None:
    assert parse_entry(entry) == node


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("推理 －注意力", "推理 -注意力"),
        *((f"alpha {dash}gamma", "alpha -gamma") for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"),
        ("（alpha OR beta） gamma", "(alpha OR beta) gamma"),
        ("ti：nested abs：（logic gates）", "ti:nested abs:(logic gates)"),
        ("quant＊ llm＾2 「kv cache」～3", 'quant* llm^2 "kv cache"~3'),
        ("推理，注意力、模型", "推理 注意力 模型"),
        ("（推理、模型）", "(推理 模型)"),
        ('au:"LeCun，Yann"', 'au:"LeCun, Yann"'),
        ("深度学习：综述", "深度学习-综述"),
        (r"$\alpha$-divergence \beta-VAE", "α-divergence β-VAE"),
        (r'au:"Erd\H{o}s"', 'au:"Erdős"'),
        (r'"\textit{nested} logic"', '"nested logic"'),
    ],
)
def test_signs_of_other_keyboards_and_tex_are_read_as_what_they_stand_for(text: str, plain: str) -> None:
    assert canonical(parse_query(text)) == canonical(parse_query(plain))


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("survey,review", ["survey", "review"]),
        (" a , b ,", ["a", "b"]),
        ('"a, b",c', ['"a, b"', "c"]),
        ("(a OR (b, c)),d", ["(a OR (b, c))", "d"]),
        ("a),b", ["a)", "b"]),
        ("综述，「大模型，推理」、（a，b）", ["综述", "「大模型，推理」", "（a，b）"]),
        ("", []),
        (",,", []),
    ],
)
def test_a_list_is_split_at_commas_outside_quotes_and_parentheses(text: str, entries: list[str]) -> None:
    assert split_list(text) == entries


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("LLM OR rl", "RL OR llm"),
        ("a  AND b", "b a"),
        ("a a", "a"),
        ("(a)", "a"),
        ("(a OR b) OR c", "c OR b OR a"),
        ("NOT a", "-A"),
        ("a ANDNOT b", "-b a"),
        ("-a^2", "-a"),
        ("APIs", "api"),
        ("KV-Cache", "kv_cache"),
        ('"b a"~2', '"a b"~2'),
        ('au:"LeCun, Yann"', 'AUTHOR:"yann lecun"'),
        ("cat:cs.*", "cat:CS"),
        ("id:2602.07306v1", "id:2602.07306"),
        ("a^1", "a"),
    ],
)
def test_queries_that_say_the_same_have_one_canonical_form(one: str, other: str) -> None:
    assert str(canonical(parse_query(one))) == str(canonical(parse_query(other)))


@pytest.mark.parametrize(
    ("one", "other"), [("a b", "a OR b"), ("cache", '"cache"'), ("a^2", "a"), ("ti:a", "a"), ("cache", "caches")]
)
def test_queries_that_say_something_else_have_another_form(one: str, other: str) -> None:
    assert str(canonical(parse_query(one))) != str(canonical(parse_query(other)))


WORDS = ("llm", "RL", "KV-cache", "naïve", "C++", "注意", "speculative")
_quoted = st.lists(st.sampled_from(["kv", "cache", "LLMs"]), min_size=1, max_size=3).map(
    lambda words: f'"{" ".join(words)}"'
)
_leaves = (
    st.sampled_from([*WORDS, "quant*", "kv-cach*", "cat:cs.LG", "id:2603.00001", 'au:"Lovelace, A."', "comment:oral"])
    | _quoted
    | _quoted.map(lambda text: f"{text}~3")
    | st.sampled_from(WORDS).map(lambda word: f"ti:{word}")
)
queries = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(" ".join).map("({})".format)
        | st.lists(inner, min_size=2, max_size=3).map(" OR ".join).map("({})".format)
        | inner.map("-{}".format).filter(lambda text: not text.startswith("--"))
        | inner.map("NOT {}".format).map("({})".format)
        | inner.map("({})^2".format)
    ),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(queries)
def test_the_canonical_form_is_its_own_canonical_form(text: str) -> None:
    form = canonical(parse_query(text))
    assert (canonical(form), canonical(parse_query(str(form)))) == (form, form)


@settings(max_examples=100, deadline=None)
@given(queries, st.lists(st.sampled_from([*WORDS, "quantize", "caches", "kv"]), max_size=8))
def test_every_form_of_a_query_finds_the_same_papers(text: str, words: list[str]) -> None:
    seen: Paper = paper(title=" ".join(words[:2]) or "0", abstract=" ".join(words[2:]) or "0")
    assert finds(text, seen) in {True, False}  # `finds` asks all forms, and they have to agree


def column_of_mistake(text: str) -> int:
    """Where parsing *text* stumbles; 1 where it does not."""
    try:
        parse_query(text)
    except QueryMistake as mistake:
        return mistake.column
    return 1


@given(st.text(max_size=60))
def test_any_text_is_a_query_or_a_mistake_with_a_place(text: str) -> None:
    assert 1 <= column_of_mistake(text) <= len(text) + 1


def test_only_terms_without_a_not_count_for_a_paper() -> None:
    node = parse_query("a (b OR -c) NOT (d e)")
    told = ["".join(term.text for term in terms(node)) for terms in (every_term, wanted_terms)]
    assert told == ["abcde", "ab"]


# query -> the column that the mistake stands in, a word of the message
MISTAKES: Mapping[str, tuple[int, str]] = {
    "": (1, "expected"),
    "   ": (1, "expected"),
    '"kv cache': (1, "never closed"),
    'moe "kv cache': (5, "never closed"),
    "“kv": (1, "never closed"),
    "(moe": (1, "never closed"),
    "a (b OR (c": (9, "never closed"),
    "moe)": (4, "closes none"),
    "()": (2, "expected"),
    "AND moe": (1, "before AND"),
    "OR": (1, "before OR"),
    "moe OR": (7, "expected"),
    "moe AND": (8, "expected"),
    "a OR OR b": (6, "before OR"),
    "a (OR b)": (4, "before OR"),
    "NOT": (4, "expected"),
    "-": (1, "straight after -"),
    "moe - rl": (5, "straight after -"),
    "--moe": (1, "straight after -"),
    "foo:bar": (1, "no field"),
    "see http://arxiv.org": (5, "no field"),
    "ti: moe": (1, "straight after ti:"),
    "ti:": (1, "straight after ti:"),
    "ti:(abs:moe)": (5, "cannot stand inside ti:"),
    "moe^0": (4, "weight"),
    "moe^101": (4, "weight"),
    "moe^x": (4, "weight"),
    "moe^": (4, "weight"),
    "moe^nan": (4, "weight"),
    "moe^-2": (4, "weight"),
    "(moe^50)^50": (5, "more than 100"),
    "moe^2^2": (6, "straight after a term"),
    "^2": (1, "straight after a term"),
    "moe~3": (4, "after a phrase"),
    '"a b"~x': (6, "distance"),
    '"a b"~101': (6, "distance"),
    '"a b"~999': (6, "distance"),
    '"a b"~0000000005000': (6, "distance"),
    "*": (1, "letters or digits"),
    "a*": (1, "letters or digits"),
    "a*b": (1, "letters or digits"),
    "moe rl* *rl": (9, "letters or digits"),
    "moe &": (5, "where AND is one"),
    "moe !rl": (5, "where - is one"),
    "moe | rl": (5, "where OR is one"),
    "moe|rl": (4, "where OR is one"),
    "moe！ ！rl": (6, "where - is one"),
    "moe ＆＆ rl": (5, "where AND is one"),
    "moe （rl": (5, "never closed"),
    "「kv": (1, "never closed"),
    'au:"a,b,c"': (4, "more than one name"),
    "au:a;b": (4, "more than one name"),
    'au:"…"': (4, "nobody's name"),
    "$\\,$": (1, "no letter or digit"),
    '"…"': (1, "no letter or digit"),
    "cat:cs.XX": (5, "no category"),
    "cat:nonsense": (5, "no category"),
    "id:12": (4, "not an arXiv identifier"),
    "au:lec*": (4, "cannot stand in a name"),
    "(" * 25 + "a" + ")" * 25: (5, "nested"),
    "NOT " * 30 + "a": (37, "nested"),
    "a " * 501: (1, "500 terms"),
    "abcd* " * 31: (1, "30 phrases, quotes and words that end in *"),
    "abc* " * 6: (1, "5 words of 3 letters or fewer"),
    "ab* ti:ab* abs:ab* " * 2: (1, "5 words of 3 letters or fewer"),
    "__ab* the-ab* " * 3: (1, "5 words of 3 letters or fewer"),
    '"a b" ' * 31: (1, "30 phrases"),
    "a-b " * 31: (1, "30 phrases"),
    '"a b"~1 "a b"~2 "a c"~1 "a d"~1': (1, "3 phrases"),
    '"' + "a " * 11 + '"~1': (1, "at most 10 words"),
    '"' + "a " * 51 + '"': (1, "at most 50 words"),
    "-".join(["lms"] * 51): (1, "at most 50 words"),
    "kernel OR " + "-".join(["lms"] * 51): (11, "at most 50 words"),
    'kernel ti:"' + "a " * 11 + '"~1': (11, "at most 10 words"),
    "x" * 2_001: (2_001, "2,000 characters"),
}


@pytest.mark.parametrize(
    "query",
    [
        "abcd* " * 30,
        "abc* " * 5 + "abcd* " * 25,
        '"a b" ' * 30,
        f'"{"a " * 10}"~1 ' * 4,
        f'"{"a " * 50}"',
        "-".join(["lms"] * 50),
        "a " * 500,
    ],
    ids=ascii,
)
def test_what_is_just_not_too_much_is_read(query: str) -> None:
    assert parse_query(query)


@pytest.mark.parametrize("query", MISTAKES, ids=lambda query: ascii(query)[:40])
def test_a_mistake_is_pointed_at(query: str) -> None:
    column, word = MISTAKES[query]
    with pytest.raises(QueryMistake) as raised:
        parse_query(query)
    assert (raised.value.column, word in raised.value.reason) == (column, True), str(raised.value)
