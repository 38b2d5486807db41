"""What of a rendered paper is read, in which form, and what is no paper at all."""

from __future__ import annotations

import time

import pytest

from core.summaries.fulltext import MIN_CHARACTERS, extract_text

SENTENCE = "Memory traffic, far more often than arithmetic, is what limits training."
FILLER = f'<p class="ltx_p">{" ".join([SENTENCE] * 30)}</p>'


def article(*parts: str, filler: str = FILLER) -> str:
    """A page with *parts* as the paper, and with enough text after them to be one."""
    return f'<html><body><article class="ltx_document">{"".join(parts)}{filler}</article></body></html>'


def read(*parts: str) -> str:
    """What is read of *parts*, without the text that follows them."""
    text = extract_text(article(*parts).encode())
    assert text is not None
    return text.removesuffix(" ".join([SENTENCE] * 30)).rstrip("\n")


def section(title: str, *content: str, level: str = "section", number: str = "") -> str:
    tag = {"section": "h2", "subsection": "h3", "subsubsection": "h4", "paragraph": "h5"}[level]
    mark = f'<span class="ltx_tag ltx_tag_{level}">{number} </span>' if number else ""
    heading = f'<{tag} class="ltx_title ltx_title_{level}">{mark}{title}</{tag}>'
    return f'<section class="ltx_{level}">{heading}{"".join(content)}</section>'


def paragraph(text: str) -> str:
    return f'<div class="ltx_para"><p class="ltx_p">{text}</p></div>'


def math(tex: str, *, display: str = "inline") -> str:
    return (
        f'<math class="ltx_Math" alttext="{tex}" display="{display}"><semantics><mi>𝒳</mi>'
        f'<annotation encoding="application/x-tex">{tex}</annotation></semantics></math>'
    )


def table(*rows: str) -> str:
    return f'<table class="ltx_tabular"><tbody class="ltx_tbody">{"".join(rows)}</tbody></table>'


def row(*cells: str) -> str:
    return '<tr class="ltx_tr">' + "".join(f'<td class="ltx_td ltx_align_left">{cell}</td>' for cell in cells) + "</tr>"


def note(content: str, *, role: str = "footnote") -> str:
    mark = '<sup class="ltx_note_mark">1</sup>'
    outer = f'<span class="ltx_note_outer"><span class="ltx_note_content">{mark}'
    return (
        f'<span class="ltx_note ltx_role_{role}">{mark}{outer}<span class="ltx_tag ltx_tag_note">1</span>'
        f"{content}</span></span></span>"
    )


# --- What is read -----------------------------------------------------------------------------------------------------


def test_sections_are_lines_and_paragraphs_have_a_blank_line_between_them() -> None:
    text = read(
        section(
            "Method",
            paragraph("One\n  paragraph&nbsp;here."),
            section("Set-up", paragraph("Two."), level="subsection", number="3.1"),
            number="3",
        )
    )
    assert text == "## 3 Method\n\nOne paragraph here.\n\n### 3.1 Set-up\n\nTwo."


@pytest.mark.parametrize(
    ("level", "sign"), [("section", "##"), ("subsection", "###"), ("subsubsection", "####"), ("paragraph", "#####")]
)
def test_a_heading_shows_its_depth(level: str, sign: str) -> None:
    assert read(section("Data", paragraph("Here."), level=level)) == f"{sign} Data\n\nHere."


def test_the_abstract_is_a_section() -> None:
    abstract = (
        '<div class="ltx_abstract"><h6 class="ltx_title ltx_title_abstract">Abstract</h6><p class="ltx_p">We.</p></div>'
    )
    assert read(abstract) == "## Abstract\n\nWe."


def test_the_title_of_a_theorem_is_no_heading() -> None:
    theorem = (
        '<div class="ltx_theorem"><h6 class="ltx_title ltx_runin ltx_title_theorem">'
        f'<span class="ltx_tag ltx_tag_theorem">Theorem 1</span>.</h6>{paragraph("It holds.")}</div>'
    )
    assert read(theorem) == "Theorem 1.\n\nIt holds."


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (math(r"\alpha &lt; 0.5"), r"As $\alpha < 0.5$ holds."),
        (math(r"\displaystyle x_{1}"), "As $x_{1}$ holds."),
        (math("x%\n\\times y"), r"As $x \times y$ holds."),
        (math(r"95\%\n"), r"As $95\%\n$ holds."),
        (
            "<math><mi>x</mi><annotation-xml><ci>x</ci></annotation-xml>"
            '<annotation encoding="application/x-tex">x^2</annotation></math>',
            "As $x^2$ holds.",
        ),
        ("<math><mi>x</mi><mo>=</mo><mn>2</mn></math>", "As $x=2$ holds."),
        ("<math></math>", "As holds."),
        ('10<sup class="ltx_sup">−5</sup>', "As 10^−5 holds."),
        ('the 1<sup class="ltx_sup">st</sup>', "As the 1st holds."),
    ],
    ids=[
        "alttext",
        "display style",
        "broken line",
        "percent",
        "annotation",
        "neither",
        "empty",
        "exponent",
        "ordinal",
    ],
)
def test_math_is_tex_between_dollar_signs(markup: str, expected: str) -> None:
    assert read(paragraph(f"As {markup} holds.")) == expected


def test_an_equation_is_a_line_of_its_own_with_its_number() -> None:
    left, right = math(r"\displaystyle L"), math(r"\displaystyle =x+1")
    cells = (
        '<td class="ltx_eqn_cell ltx_eqn_center_padleft"></td>'
        f'<td class="ltx_td ltx_align_right ltx_eqn_cell">{left}</td>\n'
        f'<td class="ltx_td ltx_align_left ltx_eqn_cell">{right}</td>\n'
        '<td class="ltx_eqn_cell ltx_eqn_eqno"><span class="ltx_tag ltx_tag_equation">(1)</span></td>'
    )
    equation = f'<tr class="ltx_equation ltx_eqn_row">{cells}</tr>'
    group = f'<table class="ltx_equationgroup ltx_eqn_align ltx_eqn_table"><tbody>{equation}{equation}</tbody></table>'
    assert read(paragraph("Let"), group) == "Let\n\n$L =x+1$ (1)\n$L =x+1$ (1)"


def test_a_table_is_rows_of_cells_with_its_caption() -> None:
    caption = '<figcaption class="ltx_caption"><span class="ltx_tag ltx_tag_table">Table 1: </span>Errors.</figcaption>'
    rows = (row("", "FID", "Steps"), row("ours", math("3.1"), "20"), row("", "", ""))
    assert read(f'<figure class="ltx_table">{caption}{table(*rows)}</figure>') == (
        "Table 1: Errors.\n\n| FID | Steps\nours | $3.1$ | 20"
    )


def test_a_table_in_a_cell_is_part_of_the_cell() -> None:
    inner = table(row("FID"), row("(lower)"))
    assert read(table(row("Method", inner), row("ours", "<span class='ltx_p'>3.1</span>"))) == (
        "Method | FID (lower)\nours | 3.1"
    )


def test_a_table_within_a_line_is_a_table_too() -> None:
    rows = '<span class="ltx_tr"><span class="ltx_td">a</span><span class="ltx_td">b</span></span>' * 2
    assert read(f'<p class="ltx_p"><span class="ltx_tabular">{rows}</span></p>') == "a | b\na | b"


def test_of_a_figure_the_caption_is_read() -> None:
    caption = '<figcaption class="ltx_caption"><span class="ltx_tag ltx_tag_figure">Figure 1: </span>Loss.</figcaption>'
    drawing = "<svg><foreignobject><p>axis</p></foreignobject></svg>"
    image = '<img alt="Refer to caption" src="x1.png">'
    assert read(f'<figure class="ltx_figure">{image}{drawing}{caption}</figure>') == "Figure 1: Loss."


def test_items_of_a_list_have_their_marks() -> None:
    items = "".join(
        f'<li class="ltx_item"><span class="ltx_tag ltx_tag_item">{mark}</span>{content}</li>'
        for mark, content in (("•", paragraph("One.") + paragraph("More.")), ("(b)", paragraph("Two.")), ("•", ""))
    )
    assert read(f'<ul class="ltx_itemize">{items}</ul>', paragraph("After.")) == "- One.\n\nMore.\n\n(b) Two.\n\nAfter."


def test_an_algorithm_keeps_its_lines() -> None:
    line = '<div class="ltx_listingline"><span class="ltx_tag ltx_tag_listingline">{}:</span> {}</div>'
    lines = line.format(1, "repeat") + line.format(2, f"step {math('k')}")
    data = '<div class="ltx_listing_data"><a href="data:text/plain;base64,cmVwZWF0">⬇</a></div>'
    assert read(f'<div class="ltx_listing">{data}{lines}</div>') == "repeat\nstep $k$"


def test_a_footnote_stands_where_it_is_called() -> None:
    footnote = note('<span class="ltx_p">At example.org.</span>')
    assert read(paragraph(f"Code is public{footnote}, data too.")) == "Code is public (At example.org.), data too."


@pytest.mark.parametrize("role", ["thanks", "footnotemark", "institutetext"])
def test_notes_about_authors_are_left_out(role: str) -> None:
    assert read(paragraph(f"Text{note('Equal contribution.', role=role)}.")) == "Text."


@pytest.mark.parametrize(
    ("cite", "expected"),
    [
        ('[<a class="ltx_ref">1</a>, <a class="ltx_ref">27</a>]', "As shown, it holds."),
        ('(<a class="ltx_ref">Curie, 1911</a>)', "As shown (Curie, 1911), it holds."),
    ],
    ids=["numbers", "names"],
)
def test_citations_that_are_only_numbers_are_dropped(cite: str, expected: str) -> None:
    assert read(paragraph(f'As shown <cite class="ltx_cite">{cite}</cite>, it holds.')) == expected


def test_references_to_other_parts_stay() -> None:
    assert read(paragraph('See Table <a class="ltx_ref" href="#S1.T1"><span>1</span></a>.')) == "See Table 1."


def test_entities_and_letters_of_all_kinds_are_read() -> None:
    assert read(paragraph("R&amp;D &#8211; caf&eacute; 数据 &unheard; 𝒳")) == "R&D – café 数据 &unheard; 𝒳"


# --- What is left out -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "markup",
    [
        '<section class="ltx_bibliography"><h2 class="ltx_title">References</h2><ul><li>X</li></ul></section>',
        '<section class="ltx_appendix"><h2 class="ltx_title">Appendix A Proofs</h2><section>X</section></section>',
        '<div class="ltx_acknowledgements"><h6 class="ltx_title">Acknowledgements.</h6>X</div>',
        '<h1 class="ltx_title ltx_title_document">X</h1><div class="ltx_authors">X<br>x@example.org</div>',
        '<div class="ltx_dates">(March 2026)</div>',
        "<script>if (a<b && c>d) { x('</p>') }</script><style>p > a {}</style><noscript>X</noscript>",
        '<nav class="ltx_page_navbar"><a href="#S1">1 Introduction</a></nav>',
        "<button class='sr-only button' style='display: none;'>Report issue for preceding element</button>",
        '<div id="infobox"><a id="license-tr">License: CC BY 4.0</a><div id="watermark-tr">arXiv:1</div></div>',
        '<footer class="ltx_page_footer"><div class="ltx_page_logo">Generated by LaTeXML</div></footer>',
        '<span class="ltx_ERROR undefined">\\undefinedmacro</span>',
        '<div class="package-alerts ltx_document"><p>failed: xr-hyper</p></div>',
        "<!-- a comment with <p>markup</p> --><?php echo 1 ?><![CDATA[data]]>",
    ],
    ids=lambda markup: markup[:40],
)
def test_what_is_not_the_papers_text_is_left_out(markup: str) -> None:
    assert read(paragraph("Before."), markup, paragraph("After.")) == "Before.\n\nAfter."


@pytest.mark.parametrize(
    "title",
    ["Acknowledgments", "VI Acknowledgements and Funding", "References.", "Appendix", "A Appendix", "Bibliography"],
)
def test_back_matter_is_known_by_its_heading(title: str) -> None:
    inner = section("Grants", paragraph("Ours."), level="subsection")
    assert read(section(title, paragraph("Thanks."), inner), paragraph("After.")) == "After."


@pytest.mark.parametrize("title", ["Reference Models", "Cross References", "Acknowledging Uncertainty"])
def test_a_section_that_only_sounds_like_back_matter_is_read(title: str) -> None:
    assert read(section(title, paragraph("Here."))) == f"## {title}\n\nHere."


def test_what_surrounds_the_article_is_left_out() -> None:
    page = article(paragraph("Text.")).replace("<body>", "<body><p>Back to arXiv</p>")
    page = page.replace("</body>", '<p>Footer</p><article class="ltx_document"><p>Again.</p></article></body>')
    assert extract_text(page.encode()) == extract_text(article(paragraph("Text.")).encode())


# --- How much is read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("max_characters", "kept"),
    [(60_000, 4), (3_200, 2), (3_199, 1), (1_000, 0)],
    ids=["all", "exactly", "one too few", "none"],
)
def test_the_text_ends_with_a_paragraph_and_not_with_a_heading(max_characters: int, kept: int) -> None:
    parts = [section("Part", paragraph(letter * 1_590)) for letter in "abcd"]
    text = extract_text(article(*parts, filler="").encode(), max_characters=max_characters)
    whole = "\n\n".join(f"## Part\n\n{letter * 1_590}" for letter in "abcd"[:kept])
    assert text == (whole or f"## Part\n\n{'a' * 991}")


def test_no_more_is_read_than_is_asked_for() -> None:
    text = extract_text(article(FILLER * 200).encode(), max_characters=10_000)
    assert text is not None
    assert 7_000 < len(text) <= 10_000


@pytest.mark.parametrize(("characters", "is_paper"), [(MIN_CHARACTERS - 1, False), (MIN_CHARACTERS, True)])
def test_a_paper_has_a_certain_length(characters: int, *, is_paper: bool) -> None:
    page = article(paragraph("x" * characters), filler="")
    assert (extract_text(page.encode()) is not None) == is_paper


NO_HTML = f"""<!DOCTYPE html><html><head><title>No HTML for 2603.00001v1</title></head><body><main>
<h1>No HTML for '2603.00001v1'</h1><p>HTML is not available for the source.</p>{FILLER}</main></body></html>"""
ABSTRACT_PAGE = f"""<html><body><div id="abs"><h1 class="title">A Paper</h1>
<blockquote class="abstract">{FILLER}</blockquote></div></body></html>"""


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"   ",
        b"%PDF-1.5 \x00\xff",
        NO_HTML.encode(),
        ABSTRACT_PAGE.encode(),
        article(filler="").encode(),
        article(section("Untitled Document"), filler="").encode(),
        article(
            '<span class="ltx_ERROR">Conversion to HTML had a Fatal error and exited abruptly.</span>', FILLER
        ).encode(),
        b'<div class="package-alerts ltx_document">' + FILLER.encode() + b"</div>",
    ],
    ids=[
        "nothing",
        "blanks",
        "PDF",
        "no HTML",
        "abstract page",
        "empty conversion",
        "only a heading",
        "broken off",
        "no article",
    ],
)
def test_a_page_without_a_paper_has_no_text(page: bytes) -> None:
    assert extract_text(page) is None


# --- Pages that are broken, or meant to break -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "beginning"),
    [
        ('<article class="ltx_document"><p>One.' + FILLER, "One."),
        ('<article class="ltx_document"><p>One.</b></p></div></i>' + FILLER + "</html>", "One."),
        ('<article class="ltx_document"><p>O\0ne&#0;.&#1;&#xD800;</p>' + FILLER, "One\ufffd.\ufffd"),
        ('<article class="ltx_document"><table><tr><td>One.<p>Two.' + FILLER, "One. Two."),
        ('<article class="ltx_document"><p>One.</p><p class>Two.</p><p class="">Three.</p>' + FILLER, "One.\n\nTwo."),
        ('<article class="ltx_document"><p>One&#31;two &#133; \u202ethree\ufeff</p>' + FILLER, "One two … three"),
    ],
    ids=["unclosed", "wrong ends", "NULs", "unclosed table", "attributes without values", "control characters"],
)
def test_broken_markup_is_read_as_far_as_it_goes(page: str, beginning: str) -> None:
    text = extract_text(page.encode())
    assert text is not None
    assert text.startswith(beginning)


def test_bytes_that_are_no_utf8_cost_only_their_letters() -> None:
    page = article(paragraph("caf\xe9 au lait")).encode("latin-1")
    assert (extract_text(page) or "").startswith("caf\ufffd au lait")


def test_of_a_paragraph_that_is_longer_than_half_of_what_is_wanted_the_beginning_is_read() -> None:
    """As of a listing without an end, behind a line or two."""
    text = extract_text(article("A short one. " * 20, "word " * 5_000, filler="").encode(), max_characters=10_000)
    assert (len(text or "") > 9_000, (text or "").count("A short one.")) == (True, 20)


@pytest.mark.parametrize("max_characters", [0, 1])
def test_without_room_there_is_an_empty_text_or_a_letter(max_characters: int) -> None:
    assert len(extract_text(article().encode(), max_characters=max_characters) or "") == max_characters


HOSTILE = {
    "nesting": "<div>" * 100_000,
    "nested sections": "<section><h2 class='ltx_title'>Acknowledgements" * 30_000,
    "nested tables": "<table><tr><td>" * 30_000,
    "nested formulas": "<math>" * 100_000,
    "nested notes": "<span class='ltx_note ltx_role_footnote'><span class='ltx_note_content'>" * 20_000,
    "stray ends behind nesting": "<b>" * 100_000 + "</i>" * 100_000,
    "attributes": "<p " + " ".join(f"a{number}=1" for number in range(100_000)) + ">",
    "comments": "<!--" * 3_000_000,
    "CDATA": "<![CDATA[" * 1_500_000,
    "ends without a name": "</" * 6_000_000,
    "angle brackets": "<" * 300_000,
    "ampersands": "&" * 1_000_000,
    "articles": "<article " * 200_000,
    "unclosed attribute": "<img src='" + "x" * 3_000_000,
    "unclosed script": "<script>" * 100_000,
    "line ends in TeX": '<math alttext="' + "%\n " * 200_000 + '">',
    "cells": "<table>" + "<tr><td>x" * 20_000,
    "a heading over two lines": "<section><h2>Acknowledgments"
    + "." * 100_000
    + "<span class='ltx_listingline'></span>x</h2>",
    "citations": "<p>" + "<cite>1</cite>" * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_markup_neither_raises_nor_hangs(name: str) -> None:
    page = article(FILLER, HOSTILE[name], filler="").encode()
    start = time.process_time()
    text = extract_text(page)
    assert text is not None
    assert time.process_time() - start < 5.0


def test_what_stands_before_hostile_markup_is_read() -> None:
    assert extract_text(article(FILLER, HOSTILE["nesting"], paragraph("After.")).encode()) == " ".join([SENTENCE] * 30)


@pytest.mark.parametrize(("within", "is_read"), [(499, True), (500, False)])
def test_a_paper_is_read_500_elements_deep(within: int, *, is_read: bool) -> None:
    """Three of those that a paragraph stands in are html, body and article."""
    text = extract_text(article(FILLER, "<div>" * (within - 3), "<p>Deep.", filler="").encode())
    assert text is not None
    assert text.endswith("Deep.") is is_read


def test_a_flood_of_elements_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.summaries.fulltext._MOST_EVENTS", 5_000)
    monkeypatch.setattr("core.summaries.fulltext._CHUNK_CHARACTERS", 100)
    text = extract_text(article(FILLER, "<b></b>" * 10_000, paragraph("After.")).encode())
    assert text == " ".join([SENTENCE] * 30)
