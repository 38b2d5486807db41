"""What a digest says, as Markdown and as HTML, and that no text of arXiv can make it say anything else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from core.catalogue import LEDGER, Item, Outcome
from core.feeds.digest import (
    MAX_ABSTRACT,
    Digest,
    build_digests,
    cut,
    find_newest,
    render_body,
    render_digest,
    say,
)
from core.feeds.digest_page import render_digest_mail, render_digest_page
from core.papers import AnnounceType, Author
from core.profiles import Keyword, Profile
from core.query import parse_query
from core.scoring import Score
from core.summaries.attempts import Attempt, Key, Section, Summary
from core.summaries.rendering import render_feed, render_markdown
from tests.builders import DAY, MOMENT, feed, item, paper
from tests.core.test_catalogue import FRIDAY, THURSDAY, record, selected, selection

KEY = Key(1, "qwen-long", "1", "en", "html")
GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
RENDERERS = [render_digest, render_digest_page, render_digest_mail]
THANKSGIVING = date(2026, 11, 26)  # with a mailing; that of the day after is the one that fails
DAY_AFTER = date(2026, 11, 27)


def digest(*items: Item, **changes: Any) -> Digest:
    """A digest of `DAY` in which *items* are listed, or the plain one."""
    listed = items or (item(),)
    values: dict[str, Any] = {
        "title": "arXiv: cs.LG",
        "day": DAY,
        "profile": Profile("default", ("cs.LG", "cs.AI"), keywords=(Keyword("attention"), Keyword("kv cache", 2.0))),
        "items": listed,
        "counted": ((Outcome.LISTED, len(listed)), (Outcome.NO_MATCH, 40), (Outcome.OVER_CAP, 0)),
    }
    return Digest(**(values | changes))


def summary(*sections: tuple[str, str], tldr: str = "It is *fast*.", **changes: Any) -> Summary:
    """A summary with *sections*, each a heading and its Markdown, which is kept as it is written anew."""
    told = sections or (("Contributions", "A kernel."), ("Results", "Twice as fast."))
    urls = changes.get("urls", ())
    parts = tuple(
        Section(None, heading, render_markdown(written, urls=urls), render_feed(written)) for heading, written in told
    )
    values: dict[str, Any] = {"model": "qwen-long", "source": "html", "renderer": "1"}
    return Summary(tldr, render_feed(tldr), parts, **(values | changes))


def summarised(told: Summary, **changes: Any) -> Item:
    return item(attempt=Attempt(KEY, MOMENT, summary=told), **changes)


def as_html(markdown: str) -> lxml.html.HtmlElement:
    """What GitHub shows of *markdown*, as far as CommonMark with raw HTML says."""
    return lxml.html.fragment_fromstring(GITHUB.render(markdown), create_parent="div")


def parsed(page: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(page)


def text_of(tree: lxml.html.HtmlElement, path: str) -> list[str]:
    return [" ".join(str(element.text_content()).split()) for element in tree.findall(f".//{path}")]


def test_a_whole_digest() -> None:
    assert render_digest(digest()) == (
        """# arXiv: cs.LG · Thursday, 5 March 2026

1 of the 41 papers that arXiv announced in cs.LG and cs.AI.

## Statistics

- **Mailing:** Thursday, 5 March 2026, out at 2026-03-05 05:00 UTC
- **Announced:** 41 papers in cs.LG and cs.AI
- **Listed:** 1 (1 new)
- **Filtered:** 40 (40 without a match)
- **Last change:** 2026-03-05 05:00 UTC

## Papers

### 1. [Paged Attention for Everyone](https://arxiv.org/abs/2603.00001)

- **Authors:** Ada Lovelace, Émilie du Châtelet
- **Categories:** cs.LG (new), cs.AI (cross)
- **Published:** 2026-03-05 (new)
- **Score:** 2.5: Attention 1.5 (title), LLM 1
- **arXiv:** [2603.00001v1](https://arxiv.org/abs/2603.00001), [PDF](https://arxiv.org/pdf/2603.00001), """
        """[HTML](https://arxiv.org/html/2603.00001v1)

**Abstract:** We show that an LLM kernel can be fast.

## Configuration

- **Categories:** cs.LG, cs.AI
- **Announce types:** new, cross
- **Keywords:** attention, kv cache × 2
- **Ranking:** by relevance, terms matched as whole words
- **Limits:** 0 points or more, the best 30 of each mailing

## Schedule

arXiv announces papers at midnight US Eastern time on most weekdays. The next mailing is due at 2026-03-06 05:00 UTC.

*Thank you to arXiv for use of its open access interoperability. This digest is not made or endorsed by arXiv.*
"""
    )


@pytest.mark.parametrize("render", RENDERERS)
def test_equal_digests_give_equal_texts(render: Any) -> None:  # Any: a renderer
    assert render(digest(summarised(summary()))) == render(digest(summarised(summary())))


def test_the_body_has_no_title_for_within_a_file_that_has_one() -> None:
    assert render_digest(digest()) == f"# arXiv: cs.LG · Thursday, 5 March 2026\n\n{render_body(digest())}"


def test_the_next_mailing_is_the_one_after_weekend_and_holidays() -> None:
    assert "due at 2026-11-30 05:00 UTC" in render_digest(digest(day=THANKSGIVING))


def test_a_summer_mailing_comes_an_hour_earlier_in_utc() -> None:
    assert "out at 2026-07-01 04:00 UTC" in render_digest(digest(day=date(2026, 7, 1)))


def test_statistics_count_announce_types_and_every_reason_for_filtering() -> None:
    items = (item(announce_type=AnnounceType.CROSS), item(), item())
    told = render_digest(digest(*items, counted=tuple(zip(LEDGER, (3, 2, 3, 4, 5, 6, 7), strict=True))))
    assert "- **Listed:** 3 (2 new and 1 cross)\n" in told
    assert (
        "- **Filtered:** 27 (2 of an announce type that is not wanted, 3 listed under another mailing, "
        "4 with an excluded term, 5 without a match, 6 below the minimum score, 7 over the cap)\n"
    ) in told


def test_configuration_says_all_that_the_profile_wants() -> None:
    wanted = Profile(
        "default",
        ("cs.LG",),
        query=parse_query("moe -survey"),
        authors=(Keyword("Y. LeCun", 3.0),),
        exclude_keywords=("*survey*",),
        likes=("2601.00001",),
        dislikes=("2601.00002",),
        match="substring",
        ranking="count",
        min_score=1.5,
        max_papers=10,
    )
    assert text_of(as_html(render_digest(digest(profile=wanted))), "ul[last()]/li")[-9:] == [
        "Categories: cs.LG",
        "Announce types: new, cross",
        "Query: moe -survey",
        "Authors: Y. LeCun × 3",
        "Excluded: *survey*",
        "Liked papers: 2601.00001",
        "Disliked papers: 2601.00002",
        "Ranking: by count, terms matched as any part of the text",
        "Limits: 1.5 points or more, the best 10 of each mailing",
    ]


@pytest.mark.parametrize("render", RENDERERS)
def test_a_served_feed_is_named_and_no_address_where_none_is_served(render: Any) -> None:
    address = feed().addresses.rss
    assert (address in render(digest(addresses=feed().addresses)), address in render(digest())) == (True, False)


@pytest.mark.parametrize("render", RENDERERS)
def test_notices_come_before_the_papers(render: Any) -> None:
    text = render(digest(notices=("Sample data: all is made up.", "cs.AI is stale.")))
    places = [text.index(mark) for mark in ("Sample data: all", "cs.AI is stale", "Paged Attention")]
    assert places == sorted(places)


@pytest.mark.parametrize("render", RENDERERS)
def test_a_mailing_without_a_listed_paper_says_so(render: Any) -> None:
    text = render(digest(items=(), counted=((Outcome.LISTED, 0), (Outcome.NO_MATCH, 1))))
    assert "None of these papers is listed" in text
    assert "0 of the 1 paper that arXiv announced" in text


# --- Papers


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (1, "Author 1"),
        (6, "Author 1, Author 2, Author 3, Author 4, Author 5, Author 6"),
        (7, "Author 1, Author 2, Author 3, Author 4, Author 5 and 2 more"),
        (3_000, "Author 1, Author 2, Author 3, Author 4, Author 5 and 2995 more"),
    ],
)
def test_long_lists_of_authors_are_folded(names: int, told: str) -> None:
    authors = tuple(Author(f"Author {number}") for number in range(1, names + 1))
    assert f"- **Authors:** {told}\n" in render_digest(digest(item(paper=paper(authors=authors))))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short"),
        ("one two three", "one two …"),
        ("one two, three", "one two …"),
        ("exactly te", "exactly te"),
        ("onetwothreefour", "onetwothre …"),
        ("一二三四五六七八九十百千", "一二三四五六七八九十 …"),
        ("a 二三四五六七八九十百千", "a 二三四五六七八九 …"),
    ],
)
def test_a_text_is_cut_at_the_end_of_a_word(text: str, shown: str) -> None:
    assert cut(text, 10) == shown


def test_an_abstract_is_cut_and_keeps_unicode_for_tex() -> None:
    abstract = "We bound O(n²) by x₁ ≤ 10⁻³. " * 40
    (shown,) = text_of(as_html(render_digest(digest(item(paper=paper(abstract=abstract))))), "p[strong='Abstract:']")
    assert abstract.startswith(shown.removeprefix("Abstract: ").removesuffix(" …"))
    assert MAX_ABSTRACT - 20 < len(shown) < MAX_ABSTRACT + 20


def test_a_paper_without_title_authors_abstract_and_reasons_is_still_listed() -> None:
    bare = item(paper=paper(title="\x00", authors=(), abstract=" "), score=Score(0.0))
    text = render_digest(digest(bare))
    assert "### 1. [arXiv:2603.00001](https://arxiv.org/abs/2603.00001)\n\n- **Categories:**" in text
    assert "- **Score:** 0\n" in text
    assert "Abstract" not in text


def test_a_comment_of_the_authors_is_shown() -> None:
    assert "- **Comment:** 9 pages, ICML\n" in render_digest(digest(item(paper=paper(comment="9 pages, ICML"))))


# --- Summaries


def test_a_summary_is_folded_below_its_sentence_and_the_abstract() -> None:
    text = render_digest(digest(summarised(summary())))
    assert text.partition("v1)\n\n")[2].partition("\n\n## Config")[0] == (
        "**TL;DR:** It is *fast*.\n\n"
        "**Abstract:** We show that an LLM kernel can be fast.\n\n"
        "<details>\n<summary>AI summary in English by qwen-long, from the full text on arXiv.</summary>\n\n"
        "#### Contributions\n\nA kernel.\n\n#### Results\n\nTwice as fast.\n\n</details>"
    )


def test_headings_go_down_by_one_level_from_title_to_summary() -> None:
    told = summary(("Contributions", "### A\n\n#### B\n\nText"), ("Results", "### C\n\nText"))
    tree = as_html(render_digest(digest(summarised(told), summarised(told, paper=paper(id="2603.00002")))))
    levels = [int(str(element.tag)[1]) for element in tree.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    one_paper = [3, 4, 5, 6, 4, 5]
    assert levels == [1, 2, 2, *one_paper, *one_paper, 2, 2]


def test_pages_have_the_same_outline() -> None:
    told = summary(("Contributions", "### A\n\n#### B\n\nText"), ("Results", "### C\n\nText"))
    tree = parsed(render_digest_page(digest(summarised(told))))
    levels = [int(str(element.tag)[1]) for element in tree.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels == [1, 2, 3, 4, 5, 6, 4, 5, 2, 2, 2]


def test_statistics_count_summaries_and_those_that_are_missing() -> None:
    missing = item(attempt=Attempt(KEY, MOMENT, "refused", "the model refused this paper"))
    text = render_digest(digest(summarised(summary()), summarised(summary(model="kimi")), missing))
    assert "- **Summaries:** 2 by qwen-long and kimi; 1 not written\n" in text


@pytest.mark.parametrize("render", RENDERERS)
def test_a_missing_summary_says_why(render: Any) -> None:
    missing = item(attempt=Attempt(KEY, MOMENT, "refused", "the model refused this paper"))
    assert "No AI summary: the model refused this paper." in render(digest(missing))


@pytest.mark.parametrize("render", RENDERERS)
def test_a_brief_digest_has_the_summary_in_place_of_the_abstract(render: Any) -> None:
    told = render(digest(summarised(summary(), is_brief=True), item(is_brief=True)))
    assert told.count("We show that an LLM kernel can be fast.") == 1


def test_a_summary_that_came_later_is_the_last_change() -> None:
    later = summarised(summary(), updated=datetime(2026, 3, 5, 7, 30, tzinfo=UTC))
    assert "- **Last change:** 2026-03-05 07:30 UTC\n" in render_digest(digest(later))


def test_formulas_are_latex_in_markdown_mathml_on_pages_and_text_in_mails() -> None:
    told = digest(summarised(summary(("Results", "It is $x_1 \\le 10^{-3}$."), tldr="$O(n^2)$ is enough.")))
    assert "It is $x_1 \\le 10^{-3}$." in render_digest(told)
    assert len(parsed(render_digest_page(told)).findall(".//math")) == 2
    mail = render_digest_mail(told)
    assert ("<math" in mail, "It is x₁ ≤ 10⁻³." in mail, "O(n²) is enough." in mail) == (False, True, True)


@pytest.mark.parametrize("tldr", ["2024. A new year", "- a dash", "    code"])
def test_a_sentence_that_looks_like_a_list_stays_one_on_a_page(tldr: str) -> None:
    for page in (render_digest_page, render_digest_mail):
        (shown,) = parsed(page(digest(summarised(summary(tldr=tldr))))).find_class("tldr")
        assert " ".join(str(shown.text_content()).split()) == f"TL;DR {' '.join(tldr.split())}"
        assert [one for one in shown.iter() if one.tag in {"ol", "ul", "pre"}] == []


def test_links_of_a_summary_are_those_that_its_paper_has() -> None:
    text = "[a](https://good.example/a) and [b](https://evil.example/b)"
    told = digest(summarised(summary(("Results", text), urls=("https://good.example/a",))))
    for tree in (as_html(render_digest(told)), parsed(render_digest_page(told)), parsed(render_digest_mail(told))):
        links = [str(element.get("href")) for element in tree.iter("a")]
        assert ("https://good.example/a" in links, any("evil" in link for link in links)) == (True, False)


def test_a_mail_leads_from_each_paper_to_its_summary() -> None:
    tree = parsed(render_digest_mail(digest(item(), summarised(summary()))))
    (link,) = [element for element in tree.iter("a") if str(element.get("href")).startswith("#")]
    (target,) = tree.findall(f".//*[@id='{str(link.get('href'))[1:]}']")
    assert text_of(target, "h3") == ["2. Paged Attention for Everyone"]


# --- Texts that want to be more

HOSTILE = [
    "[x](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "](https://evil.example) [y](https://arxiv.org",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</details></summary><h1>x",
    "<!-- arxiv-feeds:end -->",
    "https://evil.example/a_b?c=d",
    "www.evil.example and mail me@evil.example.",
    "javascript:alert(1)",
    "@torvalds fixes #12, GH-34 and rust-lang/rust#56",
    ":rocket: :+1:",
    "`code` ``more`` ` alone",
    "*a* **b** _c_ __d__ ~~e~~ snake_case_name",
    "$5 million, $x^2$ and $$y$$",
    "R&D, AT&amp;T, &#60;b&#62; and &copy;",
    "a | b | c",
    "# heading",
    "1. item",
    "- item",
    "> quote",
    "=====",
    "C:\\path\\[x] \\",
    "[^1] [ref]: https://evil.example",
    "ends with !",
    "reversed \u202e text \u200b\x00\x1b",
    "<https://evil.example>",
    "xmpp:me@evil.example/x mailto:me@evil.example",
]


def everywhere(text: str) -> Digest:
    """A digest with *text* in all that comes from arXiv or from whoever asks."""
    told = paper(title=text, abstract=text, authors=(Author(text),), comment=text)
    wanted = Profile("default", ("cs.LG",), keywords=(Keyword(text),), exclude_keywords=(text,))
    missing = Attempt(KEY, MOMENT, "refused", text)
    return digest(item(paper=told, attempt=missing), title=text, profile=wanted, notices=(text,))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_is_and_is_nothing_else_in_markdown(text: str) -> None:
    tree = as_html(render_digest(everywhere(text)))
    assert text_of(tree, "h3") == [f"1. {say(text)}"]
    assert text_of(tree, "p[strong='Abstract:']") == [f"Abstract: {say(text)}"]
    elements = {element.tag for element in tree.iter() if isinstance(element.tag, str)}
    assert elements <= {"div", "h1", "h2", "h3", "p", "ul", "li", "strong", "em", "a", "code", "blockquote"}
    assert {str(element.get("href")) for element in tree.iter("a")} == links_of_paper()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("render", [render_digest_page, render_digest_mail])
def test_hostile_text_is_shown_as_it_is_and_is_nothing_else_in_html(render: Any, text: str) -> None:
    tree, harmless = parsed(render(everywhere(text))), parsed(render(everywhere("harmless")))
    assert text_of(tree, "h3") == [f"1. {say(text)}"]
    assert [element.tag for element in tree.iter()] == [element.tag for element in harmless.iter()]
    assert {str(element.get("href")) for element in tree.iter("a")} == links_of_paper()


def links_of_paper() -> set[str]:
    known = paper()
    return {known.abs_url, known.pdf_url, known.html_url}


def github_links(tree: lxml.html.HtmlElement) -> list[str]:
    """What GitHub makes links of after reading the Markdown: addresses, people, issues and smileys outside of code.

    It looks at each text node by itself, which a comment ends.
    """
    pattern = re.compile(r"https?://|www\.|\w@\w+\.|(?<!\w)@\w|#\d|GH-\d|:[\w+-]+:", re.IGNORECASE)
    nodes = [(node, node.getparent()) for node in tree.xpath("//text()")]
    return [str(node) for node, parent in nodes if parent.tag not in ("code", "a") and pattern.search(node)]


@pytest.mark.parametrize("text", HOSTILE)
def test_nobody_is_mentioned_and_nothing_referred_to(text: str) -> None:
    told = summary(("Results", text), tldr=text)
    for one in (everywhere(text), digest(summarised(told))):
        assert github_links(as_html(render_digest(one))) == []


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("ab1 []()<>!*_`$|\\~#@&;:/.-+=\"'\nhttps"), min_size=1, max_size=60))
def test_any_text_reads_back(text: str) -> None:
    (shown,) = text_of(as_html(render_digest(digest(item(paper=paper(title=f"x{text}"))))), "h3")
    assert shown == f"1. {say(f'x{text}')}"


def test_a_page_asks_for_nothing_and_runs_nothing() -> None:
    page = render_digest_page(digest(summarised(summary())))
    tree = parsed(page)
    assert list(tree.iter("script", "link", "img", "iframe", "form")) == []
    assert re.search(r"url\(|@import", page) is None
    (policy,) = tree.findall(".//meta[@http-equiv='Content-Security-Policy']")
    assert str(policy.get("content")).startswith("default-src 'none'; style-src 'sha256-")


# --- Which digests there are


def test_each_mailing_has_a_digest_newest_first() -> None:
    chosen = selection()
    found = selected(chosen, record(1), record(2, (FRIDAY, {"cs.LG": AnnounceType.NEW})), record(3, abstract="0"))
    digests = build_digests(chosen, found, title="arXiv", today=FRIDAY, notices=("Note.",))
    assert [(one.day, [listed.paper.id for listed in one.items], one.announced, one.notices) for one in digests] == [
        (FRIDAY, ["2603.00002"], 1, ("Note.",)),
        (THURSDAY, ["2603.00001"], 2, ()),
    ]


def test_nothing_stored_gives_no_digest() -> None:
    digests = build_digests(selection(), selected(selection()), title="arXiv", today=FRIDAY)
    assert (digests, find_newest(digests, today=FRIDAY)) == ((), None)


def on(*mailings: date, today: date) -> tuple[Digest, ...]:
    records = [
        record(number, (mailing, {"cs.LG": AnnounceType.NEW})) for number, mailing in enumerate(mailings, start=1)
    ]
    return build_digests(selection(), selected(selection(), *records), title="arXiv", today=today, notices=("Note.",))


def test_a_weekday_without_a_mailing_has_a_digest_that_says_why() -> None:
    silent, last = on(THANKSGIVING, today=DAY_AFTER)
    assert (silent.day, silent.items, silent.notices, last.day, last.notices) == (
        DAY_AFTER,
        (),
        ("Note.",),
        THANKSGIVING,
        (),
    )
    text = render_digest(silent)
    assert text.startswith(
        "# arXiv · Friday, 27 November 2026\n\n"
        "No mailing: arXiv has no mailing on 2026-11-27, because of Thanksgiving on 2026-11-26.\n"
    )
    assert ("## Papers" in text, "due at 2026-11-30 05:00 UTC" in text) == (False, True)


@pytest.mark.parametrize("render", [render_digest_page, render_digest_mail])
def test_so_does_its_page(render: Any) -> None:
    tree = parsed(render(on(THANKSGIVING, today=DAY_AFTER)[0]))
    assert text_of(tree, "h2") == ["Configuration", "Schedule"]


def test_a_weekend_has_no_digest_of_its_own() -> None:
    assert [one.day for one in on(FRIDAY, today=date(2026, 3, 7))] == [FRIDAY]


@pytest.mark.parametrize(
    ("mailing", "today", "notices"),
    [
        (FRIDAY, FRIDAY, ("Note.",)),
        (FRIDAY, THURSDAY, ("Note.",)),
        (
            THANKSGIVING,
            DAY_AFTER,
            (
                "No mailing today, Friday, 27 November 2026: arXiv has no mailing on 2026-11-27, because of "
                "Thanksgiving on 2026-11-26. This is that of Thursday, 26 November 2026.",
                "Note.",
            ),
        ),
        (
            FRIDAY,
            date(2026, 3, 8),
            (
                "No mailing today, Sunday, 8 March 2026: arXiv has no mailing on Saturdays and Sundays. "
                "This is that of Friday, 6 March 2026.",
                "Note.",
            ),
        ),
        (
            THURSDAY,
            FRIDAY,
            (
                "No mailing today, Friday, 6 March 2026: that of this day has not come in yet. "
                "This is that of Thursday, 5 March 2026.",
                "Note.",
            ),
        ),
    ],
    ids=["of today", "of tomorrow", "holiday", "weekend", "late"],
)
def test_the_newest_mailing_alone_says_why_it_is_not_todays(
    mailing: date, today: date, notices: tuple[str, ...]
) -> None:
    newest = find_newest(on(mailing, today=today), today=today)
    assert newest is not None
    assert (newest.day, newest.notices) == (mailing, notices)


def test_a_digest_of_one_mailing_has_no_silent_day() -> None:
    chosen = replace(selection(), mailing=THANKSGIVING)
    found = selected(chosen, record(1, (THANKSGIVING, {"cs.LG": AnnounceType.NEW})))
    digests = build_digests(chosen, found, title="arXiv", today=DAY_AFTER)
    assert [one.day for one in digests] == [THANKSGIVING]
