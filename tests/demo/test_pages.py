"""The pages and PDFs of made-up papers: as a reader of arXiv's finds them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from core.summaries.fulltext import extract_text
from core.tex import to_unicode
from demo.mailing import SamplePaper
from demo.pages import has_full_text, render_abstract_page, render_full_text, render_no_full_text
from demo.pdf import render_pdf
from demo.week import mailing_week

PAPERS: Sequence[SamplePaper] = [
    listing.paper for mailing in mailing_week(date(2026, 3, 5)) for listing in mailing.listings
]


def find(beginning: str) -> SamplePaper:
    return next(paper for paper in PAPERS if paper.title.startswith(beginning))


def read(paper: SamplePaper) -> str:
    return extract_text(render_full_text(paper)) or ""


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:\.\d+)?", text))


def test_a_full_text_has_the_sections_of_a_paper() -> None:
    headings = [line for line in read(find("Paged Prefill")).splitlines() if line.startswith("#")]
    assert headings == [
        "## Abstract",
        "## 1 Introduction",
        "## 2 Related Work",
        "## 3 Method",
        "### 3.1 Set-up",
        "### 3.2 Procedure",
        "## 4 Experiments",
        "### 4.1 Comparison",
        "### 4.2 Repetitions",
        "## 5 Limitations",
        "## 6 Conclusion",
    ]


@pytest.mark.parametrize("paper", PAPERS[::12], ids=lambda paper: paper.id)
def test_a_full_text_is_as_long_as_a_short_paper(paper: SamplePaper) -> None:
    assert 15_000 <= len(render_full_text(paper)) <= 25_000
    assert len(read(paper)) > 3_000


@pytest.mark.parametrize("paper", PAPERS[::12], ids=lambda paper: paper.id)
def test_a_full_text_says_what_its_abstract_says(paper: SamplePaper) -> None:
    text = read(paper)
    plain = [paragraph for paragraph in paper.paragraphs if "$" not in paragraph]
    assert all(to_unicode(paragraph) in text for paragraph in plain)
    assert numbers(" ".join(paper.paragraphs)) <= numbers(text)


def test_each_figure_of_the_abstract_is_the_mean_of_three_runs() -> None:
    assert "Figure | Run 1 | Run 2 | Run 3 | Mean\nthroughput grows by 38% and tail | 35 | 38 | 41 | 38" in read(
        find("Paged Prefill")
    )


def test_formulas_are_math_and_what_looks_like_markup_is_text() -> None:
    assert r"asked but not measured, we show that gradients can be sorted in $\mathcal{O}(n \log n)$ rounds" in read(
        find("Sorting Gradients")
    )
    assert "write <b>reasons</b> between <think> and </think>" in read(find("Do <think>"))


@pytest.mark.parametrize(
    "unread",
    ["Back to arXiv", "4711", "Hyperparameters", "License", "Generated", "A study of case", "Made up"],
)
def test_a_full_text_has_what_a_reader_leaves_out(unread: str) -> None:
    paper = find("Paged Prefill")
    assert unread in render_full_text(paper).decode()
    assert unread not in read(paper)


def test_a_full_text_is_always_the_same() -> None:
    assert len({render_full_text(find("Paged Prefill")) for _ in range(2)}) == 1


def test_another_version_has_another_text() -> None:
    paper = find("Paged Prefill")
    later = replace(paper, version=2, paragraphs=(*paper.paragraphs, "This version adds a comparison."))
    assert "This version adds a comparison." in read(later)


def test_about_one_paper_in_eight_has_no_full_text_in_any_version() -> None:
    missing = [paper for paper in PAPERS if not has_full_text(paper)]
    assert 1 / 12 < len(missing) / len(PAPERS) < 1 / 5
    assert not any(has_full_text(replace(paper, version=7)) for paper in missing)


def test_the_page_that_says_so_has_no_text() -> None:
    page = render_no_full_text(PAPERS[0])
    assert f"No HTML for '{PAPERS[0].id}v{PAPERS[0].version}'" in page.decode()
    assert extract_text(page) is None


def test_an_abstract_page_has_no_text() -> None:
    assert extract_text(render_abstract_page(PAPERS[0])) is None


@pytest.mark.parametrize("is_there", [True, False])
def test_an_abstract_page_leads_to_the_full_text_that_there_is(*, is_there: bool) -> None:
    paper = next(paper for paper in PAPERS if has_full_text(paper) == is_there)
    assert (f'href="/html/{paper.id}v{paper.version}"' in render_abstract_page(paper).decode()) == is_there


# --- PDFs -------------------------------------------------------------------------------------------------------------


def shown_lines(body: bytes) -> list[str]:
    """The lines that the page of a PDF shows."""
    shown = re.findall(rb"^\((.*)\) '$", body, re.MULTILINE)
    return [re.sub(rb"\\(.)", rb"\1", line).decode("cp1252") for line in shown]


def test_a_pdf_shows_title_and_abstract() -> None:
    paper = find("Paged Prefill")
    lines = shown_lines(render_pdf(paper))
    assert " ".join(lines[:2]) == paper.title
    assert " ".join(line for line in lines[lines.index("Abstract") + 1 :] if line) == " ".join(paper.paragraphs)


def test_a_pdf_escapes_its_parentheses_and_backslashes() -> None:
    paper = replace(PAPERS[0], title="f(x) and )(", paragraphs=("a \\\\ b",))
    assert shown_lines(render_pdf(paper))[0] == "f(x) and )("


def test_a_letter_that_the_encoding_lacks_is_a_question_mark() -> None:
    assert shown_lines(render_pdf(replace(PAPERS[0], title="Caf\\'e 数")))[0] == "Café ?"


@pytest.mark.parametrize("paper", PAPERS[::12], ids=lambda paper: paper.id)
def test_a_pdf_is_well_formed_and_fits_on_its_page(paper: SamplePaper) -> None:
    body = render_pdf(paper)
    table = int(re.findall(rb"startxref\n(\d+)\n%%EOF\n$", body)[0])
    places = [int(place) for place in re.findall(rb"^(\d{10}) 00000 n $", body[table:], re.MULTILINE)]
    (length,) = re.findall(rb"/Length (\d+)", body)
    stream = body[body.index(b"stream\n") + 7 : body.index(b"\nendstream")]
    assert body.startswith(b"%PDF-1.4\n")
    assert body[table:].startswith(b"xref\n0 6\n")
    assert [body[place:].split(b"\n")[0] for place in places] == [b"%d 0 obj" % number for number in range(1, 6)]
    assert int(length) == len(stream)
    assert len(shown_lines(body)) < 50
