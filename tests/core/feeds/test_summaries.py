"""How an item shows its summary, or why it has none, in every format; nothing in it can harm a reader."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from core.catalogue import Item
from core.feeds.content import build_absence, build_content, build_origin, build_synopsis, build_tldr
from core.feeds.json_feed import render_json_feed
from core.feeds.rss_atom import render_atom, render_rss
from core.papers import Author
from core.summaries.attempts import Attempt, Key, Summary
from core.summaries.checks import check_answer
from core.summaries.languages import find_language
from core.summaries.writing import _build_summary
from tests.builders import MOMENT, feed, item, paper
from tests.core.feeds.rules import Reading, atom_breaches, rss_breaches
from tests.core.summaries.test_rendering import VECTORS, dangers
from tests.core.summaries.working import ANSWER

KEY = Key(1, "qwen-long", "1", "en", "html")
ENGLISH = find_language("en")
assert ENGLISH is not None


def summary(text: str = ANSWER) -> Summary:
    """The summary that *text* becomes, whether it passes the checks or not."""
    assert ENGLISH is not None
    checked = check_answer(text, finish_reason="stop", language=ENGLISH, source_text="", kind="html")
    return _build_summary(checked, "qwen-plus", "html")


def summarised(attempt: Attempt | None = None, **changes: Any) -> Item:
    return item(attempt=attempt or Attempt(KEY, MOMENT, summary=summary()), **changes)


def absent(**changes: Any) -> Item:
    return item(attempt=Attempt(KEY, MOMENT, "refused", "the model service refused this paper"), **changes)


def test_the_sentence_comes_first_then_the_abstract_then_the_sections_then_who_wrote_them() -> None:
    content = build_content(summarised())
    marks = (
        "<p><strong>TL;DR:</strong> A kernel that reads a cache",
        "Ada Lovelace",
        "Score 2.5",
        "We show that an LLM kernel can be fast.",
        "<h3>Main contributions</h3>",
        "<h3>Methods and experimental setup</h3>",
        "<td>3.5</td>",
        "<h3>Results and metrics</h3>",
        "<h3>Conclusions and limits</h3>",
        "<em>AI summary in English by qwen-plus, from the full text on arXiv.</em>",
        ">PDF</a>",
    )
    places = [content.index(mark) for mark in marks]
    assert places == sorted(places)


def test_a_brief_item_has_the_summary_in_place_of_the_abstract() -> None:
    content = build_content(summarised(is_brief=True))
    assert ("We show that an LLM kernel" in content, "<h3>Main contributions</h3>" in content) == (False, True)


def test_a_brief_item_without_a_summary_keeps_its_abstract() -> None:
    assert "We show that an LLM kernel" in build_content(absent(is_brief=True))


def test_where_there_is_no_summary_the_reason_stands_after_the_abstract() -> None:
    content = build_content(absent())
    assert "<em>No AI summary: the model service refused this paper.</em>" in content
    assert content.index("We show that") < content.index("No AI summary")


def test_an_item_that_none_was_meant_for_says_nothing() -> None:
    assert (build_origin(item()), build_absence(item()), build_tldr(item())) == ("", "", "")
    assert "summary" not in build_content(item())


def test_the_synopsis_begins_with_the_sentence() -> None:
    assert build_synopsis(summarised()).startswith("<p><strong>TL;DR:</strong> A kernel that reads")


@pytest.mark.parametrize(
    ("changes", "key", "told"),
    [
        pytest.param({}, {}, "AI summary in English by qwen-plus, from the full text on arXiv.", id="full text"),
        pytest.param({"source": "pdf"}, {}, "AI summary in English by qwen-plus, from the PDF.", id="PDF"),
        pytest.param(
            {"source": "abstract"}, {}, "AI summary in English by qwen-plus, from the abstract alone.", id="abstract"
        ),
        pytest.param(
            {}, {"language": "zh"}, "AI summary in Chinese by qwen-plus, from the full text on", id="language"
        ),
        pytest.param({}, {"version": 2}, "AI summary of version 2 in English by", id="another version"),
        pytest.param(
            {"flags": ("unverified",), "numbers": 8, "unsupported": 0.375},
            {},
            "Unverified: 38% of its numbers were not found in that text.",
            id="unverified",
        ),
    ],
)
def test_who_wrote_it_from_what_and_what_is_doubtful_is_said(
    changes: dict[str, Any], key: dict[str, Any], told: str
) -> None:
    attempt = Attempt(replace(KEY, **key), MOMENT, summary=replace(summary(), **changes))
    assert told in build_origin(summarised(attempt))


def test_json_feed_has_sections_and_what_is_known_of_them() -> None:
    with_summary, without, plain = json.loads(render_json_feed(feed(items=(summarised(), absent(), item()))))["items"]
    assert with_summary["summary"] == "A kernel that reads a cache in pages is three times as fast."
    told = with_summary["_arxiv"]["summary"]
    assert [section["name"] for section in told["sections"]] == ["contributions", "methods", "results", "conclusions"]
    assert (told["model"], told["language"], told["source"], told["version"], told["flags"]) == (
        "qwen-plus",
        "en",
        "html",
        1,
        [],
    )
    assert without["_arxiv"]["summary_absence"] == "No AI summary: the model service refused this paper."
    assert {"summary", "summary_absence"}.isdisjoint(plain["_arxiv"])


def hostile(vector: str) -> Item:
    """An item that has *vector* wherever strangers or models write."""
    text = ANSWER.replace("It is faster", f"{vector}\n\nIt is faster {vector}").replace("A kernel", f"A {vector}")
    text = text.replace("## Results", f"## {vector}\n\n### {vector}\n\nx\n\n## Results").replace(
        "| dense", f"| {vector}"
    )
    attempt = Attempt(KEY, MOMENT, summary=summary(text))
    listed = paper(title=vector, abstract=vector, authors=(Author(vector),), comment=vector, doi=vector)
    return summarised(attempt, paper=listed)


def test_the_sentence_is_plain_text_in_json_feed() -> None:
    text = ANSWER.replace("A kernel that reads", "A **kernel** for $O(n^2)$ &<b> that `reads`")
    shown = summarised(Attempt(KEY, MOMENT, summary=summary(text)))
    told = json.loads(render_json_feed(feed(items=(shown,))))["items"][0]
    assert told["summary"] == "A kernel for O(n²) &< b> that reads a cache in pages is three times as fast."
    assert told["_arxiv"]["summary"]["tldr"] == told["summary"]
    raised = ANSWER.replace("A kernel that reads", "A kernel of 10<sup>5</sup> H<sub>2</sub> that reads")
    shown = summarised(Attempt(KEY, MOMENT, summary=summary(raised)))
    assert build_tldr(shown).startswith("A kernel of 10^5 H_2 that reads")


def test_a_section_of_another_name_has_none_in_json_feed() -> None:
    one = summary()
    other = replace(one, sections=(replace(one.sections[0], name=None),))
    told = json.loads(render_json_feed(feed(items=(summarised(Attempt(KEY, MOMENT, summary=other)),))))["items"][0]
    assert [*told["_arxiv"]["summary"]["sections"][0]] == ["heading", "html"]


def test_no_vector_gets_through_any_format_wherever_it_stands() -> None:
    items = tuple(hostile(vector) for vector in VECTORS)
    unlike = tuple(replace(one, guid=f"https://arxiv.org/abs/{n}") for n, one in enumerate(items))
    listed = feed(items=unlike)
    assert rss_breaches(render_rss(listed)) == []
    assert atom_breaches(render_atom(listed)) == []
    for entry in json.loads(render_json_feed(listed))["items"]:
        reading = Reading(entry["content_html"])
        assert reading.breaches == []
        assert all(link.startswith(("https://arxiv.org/", "https://doi.org/")) for link in reading.links)
        assert dangers(entry["content_html"], tuple(reading.links)) == []


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1b", "\ufffe", "\ud800", "\u2028"])
def test_one_odd_character_in_a_summary_costs_no_feed(character: str) -> None:
    listed = feed(items=(hostile(f"a{character}b"),))
    assert (rss_breaches(render_rss(listed)), atom_breaches(render_atom(listed))) == ([], [])


def test_equal_summaries_give_equal_bytes() -> None:
    assert render_rss(feed(items=(summarised(),))) == render_rss(feed(items=(summarised(),)))


def test_a_summary_in_another_language_than_the_feed_says_which() -> None:
    chinese = Attempt(replace(KEY, language="zh"), MOMENT, summary=summary())
    told, plain = build_content(summarised(chinese)), build_content(summarised())
    assert ('<p lang="zh"><strong>TL;DR:' in told, '<div lang="zh">' in told, "lang=" in plain) == (True, True, False)
