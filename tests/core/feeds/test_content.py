from __future__ import annotations

import pytest

from core.feeds.content import (
    build_content,
    build_description,
    build_feed_title,
    build_names,
    build_synopsis,
    build_title,
    clean_text,
    plain_text,
)
from core.papers import AnnounceType, Author
from core.scoring import Reason, Score
from tests.builders import feed, item, paper
from tests.core.feeds.rules import Reading


def test_content_says_who_where_why_what_and_links() -> None:
    assert Reading(build_content(item())).paragraphs == [
        "Ada Lovelace, Émilie du Châtelet",
        "cs.LG (new), cs.AI (cross)",
        "Score 2.5: Attention 1.5 (title), LLM 1",
        "We show that an LLM kernel can be fast.",
        "arXiv:2603.00001v1 · PDF · HTML",
    ]


def test_content_adds_what_authors_and_journal_say_where_it_is_known() -> None:
    published = paper(comment="9 pages", journal_reference="J. Synth. Res. 1", doi="10.1234/abc")
    assert Reading(build_content(item(paper=published))).paragraphs[-2] == (
        "Comment: 9 pages\nJournal reference: J. Synth. Res. 1\nDOI: 10.1234/abc"
    )


def test_content_links_the_page_the_pdf_the_html_and_each_of_several_dois() -> None:
    listed = paper(id="hep-th/9901001", version=2, doi="10.1/a<b  10.2/c?d#e")
    assert Reading(build_content(item(paper=listed))).links == [
        "https://doi.org/10.1/a%3Cb",
        "https://doi.org/10.2/c%3Fd%23e",
        "https://arxiv.org/abs/hep-th/9901001",
        "https://arxiv.org/pdf/hep-th/9901001",
        "https://arxiv.org/html/hep-th/9901001v2",
    ]


def test_content_shows_text_that_looks_like_html_as_text() -> None:
    abstract = "If $x<y$ then <script>alert('&amp;')</script> & \"R&D\""
    reading = Reading(build_content(item(paper=paper(abstract=abstract))))
    assert (reading.paragraphs[3], reading.breaches) == (abstract, [])


def test_content_names_every_one_of_many_authors() -> None:
    names = [f"Author Number{n}" for n in range(300)]
    many = paper(authors=tuple(map(Author, names)))
    assert Reading(build_content(item(paper=many))).paragraphs[0].split(", ") == names


def test_content_leaves_out_what_is_not_there() -> None:
    bare = item(paper=paper(authors=(), abstract="", comment="\x00", doi=" "), score=Score(0.0))
    assert Reading(build_content(bare)).paragraphs == ["cs.LG (new), cs.AI (cross)", "arXiv:2603.00001v1 · PDF · HTML"]


def test_a_category_without_a_known_announce_type_stands_without_one() -> None:
    old = item(announce_types=(("cs.AI", AnnounceType.CROSS),), score=Score(0.0))
    assert Reading(build_synopsis(old)).paragraphs == ["cs.LG, cs.AI (cross)"]


@pytest.mark.parametrize(
    ("score", "shown"),
    [
        (Score(0.0), []),
        (Score(3.0), ["Score 3"]),
        (Score(0.1 + 0.2, (Reason("a", "title", 0.1 + 0.2),)), ["Score 0.3: a 0.3 (title)"]),
        (Score(1.0, (Reason("<R&D>", "authors", 1.0),)), ["Score 1: <R&D> 1 (authors)"]),
    ],
    ids=["nothing to say", "without reasons", "binary fractions", "a term that looks like HTML"],
)
def test_the_score_is_shown_with_its_reasons(score: Score, shown: list[str]) -> None:
    assert Reading(build_synopsis(item(score=score))).paragraphs[1:] == shown


def test_the_synopsis_repeats_neither_authors_nor_abstract() -> None:
    assert Reading(build_synopsis(item())).paragraphs == Reading(build_content(item())).paragraphs[1:3]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (" a\n\t b\r\nc\x0bd\u00a0e ", "a b c d e"),
        ("a\x00b\x1bc\x7fd\x9fe", "abcde"),
        ("a\ufffeb\uffffc\ud800d", "abcd"),
        ("a\x85b\x1fc", "a b c"),
        ("a \x00 b", "a b"),
        ("\x00\ud800", ""),
        ("李 明 😀", "李 明 😀"),
    ],
    ids=["white space", "controls", "not for XML", "controls that part words", "a control alone", "nothing", "wide"],
)
def test_clean_text_is_one_line_that_xml_can_carry(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("$x<y$ and </b>", "$x< y$ and < /b>"),
        ("<!-- <?xml", "< !-- < ?xml"),
        ("a<é", "a< é"),
        ("<\x00b>", "< b>"),
        ("1<2 < x <= y &amp; <$", "1<2 < x <= y &amp; <$"),
    ],
    ids=["letter and slash", "declaration", "any letter", "hidden by a control", "nothing to part"],
)
def test_plain_text_holds_nothing_that_opens_a_tag(text: str, plain: str) -> None:
    assert plain_text(text) == plain


@pytest.mark.parametrize(
    ("title", "shown"),
    [("0", "0"), ("\x00 \n", "arXiv:2603.00001"), ("A\n  B", "A B")],
    ids=["zero", "nothing left", "line break"],
)
def test_the_title_is_never_empty(title: str, shown: str) -> None:
    assert build_title(item(paper=paper(title=title))) == shown


def test_names_are_plain_text_and_blank_ones_are_left_out() -> None:
    odd = paper(authors=(Author('<a href="x">Eve</a>'), Author(" \x00"), Author("Zoë  O’Neil, Jr.", "MIT, CSAIL")))
    assert build_names(item(paper=odd)) == ('< a href="x">Eve< /a>', "Zoë O’Neil, Jr.")


def test_notices_come_first_in_the_description() -> None:
    noted = feed(description="About.", notices=("Sample data.", "Not current."))
    assert build_description(noted) == "Sample data. Not current. About."


def test_a_feed_that_says_nothing_of_itself_is_named_by_its_page() -> None:
    mute = feed(title=" ", description="")
    assert (build_feed_title(mute), build_description(mute)) == ("https://feeds.example/", "https://feeds.example/")
