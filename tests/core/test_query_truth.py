"""The truth table of the query language: a query, a paper, and whether the one finds the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from core.errors import QueryMistake
from core.papers import Author, Paper
from core.query import canonical, parse_query
from tests.builders import paper
from tests.core.finding import finds

# query -> abstracts that it finds, abstracts that it does not
TEXTS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    # whole words, in any case
    "RL": (["RL", "rl for all", "offline-RL.", "(RL)"], ["the world", "RLHF", "early", "URL"]),
    "rl": (["RL agents"], ["clearly"]),
    "review": (["a review", "reviews", "peer-reviewed"], ["a preview", "reviewers", "reviewable"]),
    "preview": (["previews"], ["a review"]),
    "reviewer": (["two reviewers"], ["reviewed"]),
    "moe": (["MoE layers", "MOE", "MoEs"], ["some", "Moebius", "smoer"]),
    "fast": (["Fast!"], ["breakfast", "faster"]),
    "C++": (["in C++", "C++17"], ["C", "C#", "C+"]),
    "C#": (["in c#"], ["C++", "C"]),
    "C": (["C/Fortran"], ["C++", "C#", "CUDA"]),
    "R": (["R and Python"], ["RL", "are"]),
    "2D": (["2D", "a 2d grid"], ["12D", "2-D", "3D"]),
    "2-D": (["2-D", "2 D"], ["2D"]),
    "FP8": (["fp8"], ["FP16", "FP80"]),
    "GPT-4": (["GPT 4"], ["GPT-4o", "GPT4"]),
    # accents, both ways; other alphabets
    "Müller": (["Muller", "MÜLLER", "Mu\u0308ller"], ["Miller"]),
    "Lukasz": (["Łukasz"], ["Lucas"]),
    "Soren": (["Søren"], ["Sorensen"]),
    "naïve": (["naive"], ["native"]),
    "σισυφος": (["ΣΙΣΥΦΟΣ"], []),
    "Эйлер": (["эйлер"], ["эйлера"]),
    "机器学习": (["基于机器学习的方法", "机器学习"], ["机器的学习", "学习机器"]),
    "ニューラル": (["ニューラルネットワーク"], ["ニュー"]),
    "학습": (["기계학습은"], ["학문"]),
    # a hyphen is a space, in all its forms
    "kv-cache": (
        ["KV cache", "KV\u2011Cache", "kv\u2013caches", "kv_cache", "kv/cache"],
        ["kvcache", "cache kv", "kv and cache"],
    ),
    "end-to-end": (["end to end", "End-To-End"], ["end", "to the end"]),
    # simple inflections fold, derivations do not
    "cache": (["caches", "cached", "caching"], ["cachet"]),
    "scaling": (["scale", "scales", "scaled"], ["scalable", "scalar"]),
    "policies": (["a policy"], ["police"]),
    "decode": (["decoding", "decoded"], ["a decoder"]),
    "quantization": (["quantizations"], ["quantize", "quantized"]),
    "LLM": (["LLMs", "llms"], ["vLLM"]),
    "API": (["APIs"], ["apical"]),
    "Bayes": (["Bayes' rule"], ["bay"]),
    # exact in quotes
    '"decoding"': (["Decoding", "decoding-time"], ["decode", "decoded", "decodings"]),
    '"kv cache"': (["KV-Cache"], ["KV caches", "cache kv"]),
    '"LLM"': (["llm"], ["LLMs"]),
    '"naive"': (["naïve"], ["naively"]),
    "“kv cache”": (["kv cache"], ["kv caches"]),
    # prefixes
    "quant*": (["quantization", "quantum", "4-bit quantized"], ["equant", "quan"]),
    "decod*": (["decoder", "Decoding"], ["code"]),
    "kv-cach*": (["KV caching", "kv caches"], ["kv store cache"]),
    "naiv*": (["naïveté"], ["native"]),
    # side by side, AND, OR, NOT and how they bind
    "speculative decoding": (["decoding, speculatively speculative"], ["speculative", "decoding", "speculative decoder"]),
    "speculative AND decoding": (["decoding, speculative"], ["speculative"]),
    "moe OR rl": (["moe", "rl", "moe rl"], ["world"]),
    "a OR b c": (["a", "b c", "c b"], ["b", "c"]),
    "a b OR c": (["a b", "c"], ["a", "b"]),
    "(a OR b) c": (["a c", "b c"], ["a", "c", "a b"]),
    "a AND b OR c AND d": (["a b", "c d"], ["a c", "b d"]),
    "llm -survey": (["llm"], ["llm survey", "survey", "llm surveys"]),
    "llm NOT survey": (["llm"], ["an llm survey"]),
    "llm AND NOT survey": (["llm"], ["an llm survey"]),
    "llm ANDNOT survey": (["llm"], ["an llm survey"]),
    "-survey": (["anything else"], ["surveys"]),
    "NOT survey": (["anything"], ["survey"]),
    "-a -b": (["c"], ["a", "b", "a b"]),
    "-(a OR b)": (["c"], ["a", "b", "a c"]),
    "-(a b)": (["a", "b", "c"], ["a b", "b c a"]),
    "NOT (a AND NOT b)": (["b", "a b", "c"], ["a", "a c"]),
    "NOT NOT a": (["a"], ["b"]),
    "NOT -a": (["a"], ["b"]),
    "a OR -b": (["a", "c", "a b"], ["b", "b c"]),
    "-a OR -b": (["a", "b", "c"], ["a b"]),
    "((a))": (["a"], ["b"]),
    "a (b (c OR -d))": (["a b", "a b c d"], ["a b d", "a c"]),
    '-"literature review"': (["a review of literature"], ["a literature review"]),
    "x -kv-cache": (["x kv"], ["x kv cache"]),
    "kv cache -kv-cache": (["cache of kv"], ["kv cache"]),
    # lower case operators are words
    "and": (["this and that"], ["android"]),
    "a or b": (["a or b", "b or a"], ["a b", "a"]),
    "not a": (["not a"], ["a"]),
    # weights change nothing
    "moe^2": (["moe"], ["some"]),
    "(moe OR rl)^0.5 -x": (["rl"], ["rl x"]),
    '"kv cache"^3': (["kv cache"], ["kv"]),
    # proximity: so many other words at most, in any order
    '"sparse attention"~0': (["sparse attention", "attention sparse"], ["sparse local attention"]),
    '"sparse attention"~1': (["sparse local attention", "attention is sparse"], ["sparse and local attention"]),
    '"a b c"~2': (["c x b y a"], ["a x b y z c"]),
    '"a a"~3': (["a x a"], ["a b c"]),
    '"decoding tree"~2': (["tree decoding"], ["decode tree"]),
}  # fmt: skip


def of(abstract: str = "0", title: str = "0", *authors: str, **changes: Any) -> Paper:
    """A paper that says nothing but what is given."""
    return paper(title=title, abstract=abstract, authors=tuple(map(Author, authors or ("Nemo",))), **changes)


LECUN = ("Yann LeCun",)
# query, paper, whether it is found
PAPERS: Sequence[tuple[str, Paper, bool]] = (
    # title and abstract
    ("kernel", of(title="A Kernel"), True),
    ("ti:kernel", of(title="A Kernel"), True),
    ("ti:kernel", of("a kernel"), False),
    ("abs:kernel", of("a kernel"), True),
    ("abs:kernel", of(title="A Kernel"), False),
    ("title:kernel", of(title="Kernels"), True),
    ("abstract:kernel", of("kernels"), True),
    ("TI:kernel", of(title="Kernels"), True),
    ("ti:kernel abs:token", of("tokens", "Kernels"), True),
    ("ti:kernel abs:token", of("kernels", "Tokens"), False),
    ('ti:"paged kernel"', of(title="A Paged Kernel"), True),
    ('ti:"paged kernel"', of(title="Paged Kernels"), False),
    ("ti:paged-kernel", of(title="Paged Kernels"), True),
    ("ti:pag*", of(title="Paged"), True),
    ("ti:pag*", of("paged"), False),
    ('ti:"kernel paged"~1', of(title="Paged the Kernel"), True),
    ('ti:"kernel paged"~1', of("paged the kernel"), False),
    ("ti:(paged OR sparse)", of(title="Sparse"), True),
    ("ti:(paged sparse)", of("sparse", "Paged"), False),
    ("ti:(paged -sparse)", of("sparse", "Paged"), True),
    ("-ti:survey", of("a survey"), True),
    ("-ti:survey", of(title="A Survey"), False),
    ("sparse-attention", of("Attention.", "It is Sparse"), False),
    ('"sparse attention"~5', of("Attention.", "It is Sparse"), False),
    ("sparse attention", of("Attention.", "It is Sparse"), True),
    # authors
    ("au:lecun", of("0", "0", *LECUN), True),
    ("au:LeCun", of("0", "0", "Yann Lecun"), True),
    ('au:"Yann LeCun"', of("0", "0", "Yann Lecun"), True),
    ('au:"Y. LeCun"', of("0", "0", *LECUN), True),
    ('au:"LeCun, Yann"', of("0", "0", *LECUN), True),
    ('au:"LeCun, Y."', of("0", "0", *LECUN), True),
    ('au:"LeCun Y"', of("0", "0", *LECUN), True),
    ("au:Y.LeCun", of("0", "0", *LECUN), True),
    ('au:"Yann LeCun"', of("0", "0", "Y. LeCun"), True),
    ('au:"Yann LeCun"', of("0", "0", "Yann A. LeCun"), True),
    ('au:"Yann Andre LeCun"', of("0", "0", *LECUN), False),
    ('au:"Yves LeCun"', of("0", "0", *LECUN), False),
    ("au:yann", of("0", "0", *LECUN), False),
    ("au:cun", of("0", "0", *LECUN), False),
    ("au:scholkopf", of("0", "0", "Bernhard Schölkopf"), True),
    ("au:Schölkopf", of("0", "0", "B. Scholkopf"), True),
    ('au:"Smith"', of("0", "0", "John Smith Jr."), True),
    ('au:"J. Smith III"', of("0", "0", "John Smith"), True),
    ('au:"van der Maaten"', of("0", "0", "Laurens van der Maaten"), True),
    ('au:"J.-P. Serre"', of("0", "0", "Jean-Pierre Serre"), True),
    ('au:"O\'Brien"', of("0", "0", "Conor O’Brien"), True),
    ("au:(hinton OR lecun)", of("0", "0", *LECUN), True),
    ("au:(hinton lecun)", of("0", "0", *LECUN), False),
    ("au:(hinton lecun)", of("0", "0", "Yann LeCun", "Geoffrey Hinton"), True),
    ("-au:lecun", of("0", "0", *LECUN), False),
    ("author:lecun kernel", of("a kernel", "0", *LECUN), True),
    ("author:lecun kernel", of("0", "0", *LECUN), False),
    ("lecun", of("0", "0", *LECUN), False),
    ("au:turing", of("Turing machines"), False),
    # categories
    ("cat:cs.LG", of(), True),
    ("cat:CS.lg", of(), True),
    ("cat:cs.AI", of(), True),
    ("cat:cs.CL", of(), False),
    ("cat:cs", of(), True),
    ("cat:cs.*", of(), True),
    ("cat:math", of(), False),
    ("cat:hep-th", of(categories=("hep-th",)), True),
    ("cat:astro-ph", of(categories=("astro-ph.GA",)), True),
    ("category:cs.LG", of(), True),
    ("-cat:cs.AI", of(), False),
    ("cat:(cs.CL OR cs.LG)", of(), True),
    ("cat:(cs.AI cs.LG)", of(), True),
    ("cat:(cs.AI cs.CL)", of(), False),
    ('cat:"cs.LG"', of(), True),
    # identifiers
    ("id:2603.00001", of(), True),
    ("id:2603.00001v7", of(), True),
    ("id:2603.00002", of(), False),
    ("id:hep-th/9901001", of(id="hep-th/9901001"), True),
    ("-id:2603.00001", of(), False),
    ("id:(2603.00001 OR 2603.00002)", of(), True),
    # comments
    ("comment:neurips", of(comment="Accepted at NeurIPS 2026"), True),
    ("co:neurips", of(comment="NeurIPS"), True),
    ("comment:neurips", of(), False),
    ("-comment:neurips", of(), True),
    ('comment:"NeurIPS 2026"', of(comment="at NeurIPS 2026"), True),
    ('comment:"NeurIPS 2026"', of(comment="NeurIPS, and 2026"), False),
    ("comment:page", of(comment="12 pages"), True),
    ("comment:neur*", of(comment="NeurIPS"), True),
    ('comment:"pages figures"~2', of(comment="12 pages, 3 figures"), True),
    ("neurips", of(comment="NeurIPS"), False),
    # all together
    ("ti:(kernel OR moe^2) au:lecun cat:cs -comment:withdrawn", of("0", "MoE", *LECUN), True),
    ("ti:(kernel OR moe^2) au:lecun cat:cs -comment:withdrawn", of("0", "MoE", *LECUN, comment="withdrawn"), False),
    ("ti:(kernel OR moe^2) au:lecun cat:math", of("0", "MoE", *LECUN), False),
)


def _rows() -> list[Any]:
    rows = [
        pytest.param(query, of(f"Here {text} stands."), is_found, id=ascii(f"{query} | {text}"))
        for query, (found, missed) in TEXTS.items()
        for texts, is_found in ((found, True), (missed, False))
        for text in texts
    ]
    return rows + [
        pytest.param(query, seen, is_found, id=ascii(f"{query} | {number}"))
        for number, (query, seen, is_found) in enumerate(PAPERS)
    ]


def test_the_table_is_long_enough() -> None:
    assert len(_rows()) >= 250


@pytest.mark.parametrize(("query", "seen", "expected"), _rows())
def test_a_query_finds_what_it_says(query: str, seen: Paper, expected: bool) -> None:
    node = parse_query(query)
    forms = [query, str(node), str(canonical(node))]
    assert [finds(form, seen) for form in forms] == [expected] * 3


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
    '"a b"~999': (6, "distance"),
    "*": (1, "letters or digits"),
    "a*": (1, "letters or digits"),
    "a*b": (1, "letters or digits"),
    "moe rl* *rl": (9, "letters or digits"),
    "moe &": (5, "no letter or digit"),
    '"…"': (1, "no letter or digit"),
    "cat:cs.XX": (5, "no category"),
    "cat:nonsense": (5, "no category"),
    "id:12": (4, "not an arXiv identifier"),
    "au:lec*": (4, "cannot stand in a name"),
    "(" * 25 + "a" + ")" * 25: (5, "nested"),
    "NOT " * 30 + "a": (37, "nested"),
    "a " * 501: (1, "500 terms"),
    "ab* " * 51: (1, "end in *"),
    "x" * 2_001: (2_001, "2,000 characters"),
}


@pytest.mark.parametrize("query", MISTAKES, ids=lambda query: ascii(query)[:40])
def test_a_mistake_is_pointed_at(query: str) -> None:
    column, word = MISTAKES[query]
    with pytest.raises(QueryMistake) as raised:
        parse_query(query)
    assert (raised.value.column, word in raised.value.reason) == (column, True), str(raised.value)
